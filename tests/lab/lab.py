"""Hosts on a network of their own: one network namespace each, joined by a switch in another, nothing in the machine's own.

with Lab() as lab:
    anna, ben = lab.host(), lab.host()
    process = anna.start([sys.executable, "-c", …])
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.lab.rpc_process import RpcProcess

ROOT = Path(__file__).parents[2]
NETWORKS = 2
NETWORK = "10.77"
FIRST = "type filter hook input priority 0;"
TUNNEL = """
import fcntl, struct, sys
tunnel = open("/dev/net/tun", "r+b", buffering=0)
fcntl.ioctl(tunnel, 0x400454CA, struct.pack("16sH22x", b"tun0", 0x1001))  # TUNSETIFF, IFF_TUN | IFF_NO_PI
print("held", flush=True)
with open(sys.argv[1], "wb", buffering=0) as sent:
    while packet := tunnel.read(2000):
        sent.write(packet)
"""
_numbers = itertools.count()


def why_not() -> str | None:
    """Why there can be no lab on this machine, or None."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "network namespaces need root"
    if shutil.which("ip") is None:
        return "no `ip` (iproute2) on this machine"
    if shutil.which("nft") is None:
        return "no `nft` (nftables) on this machine"
    probe = f"pt{os.getpid():x}probe"
    if (made := run("ip", "netns", "add", probe)).returncode:
        return f"no network namespaces here: {made.stderr.strip()}"
    run("ip", "netns", "delete", probe)
    return None


def run(*command: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, input=text, capture_output=True, text=True, timeout=20, check=False)


def ip(namespace: str, *lines: str) -> None:
    """Carry out `ip` commands in a namespace, all or raise."""
    done = run("ip", "-n", namespace, "-batch", "-", text="\n".join(lines) + "\n")
    if done.returncode:
        raise RuntimeError(f"ip in {namespace}: {done.stderr.strip()} ({'; '.join(lines)})")


def nft(namespace: str, *lines: str) -> None:
    """Carry out `nft` commands in a namespace, all or raise."""
    done = run("ip", "netns", "exec", namespace, "nft", "-f", "-", text="\n".join(lines) + "\n")
    if done.returncode:
        raise RuntimeError(f"nft in {namespace}: {done.stderr.strip()} ({'; '.join(lines)})")


class Lab:
    """Two switches, each a network of its own, and the hosts on them. Everything goes when the block ends, and what runs that
    were killed left behind goes too."""

    def __init__(self) -> None:
        self.name = f"pt{os.getpid():x}n{next(_numbers)}"
        self.switch = f"{self.name}s"
        self.hosts: list[Host] = []
        self.directory = Path(tempfile.mkdtemp(prefix="peertalk-lab-"))

    def __enter__(self) -> Self:
        sweep()
        try:
            self._make(self.switch)
            for network in range(NETWORKS):
                bridge = f"link add br{network} type bridge mcast_snooping 0 forward_delay 0"
                ip(self.switch, bridge, f"link set br{network} up")
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._remove()

    def host(self, *, ipv4: bool = True, ipv6: bool = True, network: int = 0) -> Host:
        """One more host, with an IPv4 address and an IPv6 link-local one."""
        number = len(self.hosts) + 1
        host = Host(self, f"{self.name}h{number}", number, network)
        self._make(host.namespace, dad=False, ipv6=ipv6)
        ip(self.switch, f"link add port{number} type veth peer name eth0 netns {host.namespace}")
        ip(self.switch, f"link set port{number} master br{network} up")
        host.equip(ipv4=ipv4)
        self.hosts.append(host)
        return host

    def route(self) -> None:
        """One more host, which is the router between the two networks from now on: for IPv4, no multicast."""
        router = self.host()
        second = router.join(1)
        run("ip", "netns", "exec", router.namespace, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
        for host in self.hosts[:-1]:
            gateway = second if host.network else router.address
            ip(host.namespace, f"route replace default via {gateway} dev eth0")

    def filter_multicast(self) -> None:
        """As many managed networks do: no multicast passes the switch from now on, IPv4 or IPv6; broadcasts (ARP) and what is
        meant for one host do. IPv6 finds nobody's hardware address then, so this is a network of IPv4."""
        for host in self.hosts:
            ip(self.switch, f"link set port{host.number} type bridge_slave mcast_flood off")

    def introduce(self) -> None:
        """Each host knows the others' hardware addresses from now on. For more than some twenty hosts: of those that were asked
        for, the kernel keeps about a thousand for all namespaces together, and what lacks one cannot be sent."""
        told = [(host.address, *host.on_the_link()) for host in self.hosts]
        for host in self.hosts:
            others = [one for one in told if one[0] != host.address]
            lines = [(f"{each} lladdr {mac}") for fourth, sixth, mac in others for each in (fourth, sixth)]
            ip(host.namespace, *(f"neighbour replace {line} nud permanent dev eth0" for line in lines))

    def part(self, *hosts: Host) -> None:
        """These are on the other switch from now on, under the addresses that they have: they reach each other, and none of those
        who stay. No interface notices."""
        ip(self.switch, *(f"link set port{host.number} master br{1 - host.network}" for host in hosts))

    def unite(self, *hosts: Host) -> None:
        ip(self.switch, *(f"link set port{host.number} master br{host.network}" for host in hosts))

    def _make(self, namespace: str, *, dad: bool = True, ipv6: bool = True) -> None:
        if (made := run("ip", "netns", "add", namespace)).returncode:
            raise RuntimeError(made.stderr)
        settings = [*([] if dad else ["accept_dad=0"]), *([] if ipv6 else ["disable_ipv6=1"])]
        for setting in settings:
            key, _, value = setting.partition("=")
            script = f"for each in all default; do echo {value} > /proc/sys/net/ipv6/conf/$each/{key}; done"
            run("ip", "netns", "exec", namespace, "sh", "-c", script)

    def _remove(self) -> None:
        for held in [one for host in self.hosts for one in host.held]:
            held.kill()
            held.communicate()
        for namespace in [*(host.namespace for host in self.hosts), self.switch]:
            remove(namespace)
        shutil.rmtree(self.directory, ignore_errors=True)


class Host:
    """One machine of the lab, with a home directory of its own."""

    def __init__(self, lab: Lab, namespace: str, number: int, network: int) -> None:
        self.lab = lab
        self.namespace = namespace
        self.number = number
        self.network = network
        self.address = f"{NETWORK}.{network}.{number}"
        self.home = lab.directory / f"host{number}"
        self.home.mkdir(mode=0o700)
        self.held: list[subprocess.Popen[bytes]] = []
        self.relay: subprocess.Popen[bytes] | None = None

    def environment(self) -> dict[str, str]:
        """What a process of this host sees of the environment: a home of its own, and nothing of PeerTalk's."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("PEERTALK_", "XDG_"))}
        return {**kept, "HOME": str(self.home), "PYTHONPATH": str(ROOT), "TMPDIR": str(self.home)}

    async def start(self, command: list[str], *, limit: int = 2**24) -> asyncio.subprocess.Process:
        """Start a process on this host, with pipes for what it reads and prints. `ip netns exec` becomes the process, so its
        pid is the process's own."""
        return await asyncio.create_subprocess_exec(
            "ip", "netns", "exec", self.namespace, *command,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=self.environment(), cwd=ROOT, limit=limit,
        )  # fmt: skip

    async def hold(self, command: list[str]) -> None:
        """Start a process that stays until the lab ends, and wait until it has printed a line."""
        await asyncio.to_thread(self._hold, command)

    def _hold(self, command: list[str]) -> None:
        held = subprocess.Popen(
            ["ip", "netns", "exec", self.namespace, *command],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=self.environment(), cwd=ROOT,
        )  # fmt: skip
        self.held.append(held)
        assert held.stdout is not None
        assert held.stdout.readline(), f"{command} ended"

    async def rpc(self, *options: str) -> RpcProcess:
        """`peertalk rpc` with a profile in this host's home, which lasts as long as the lab. Named after the host."""
        return await RpcProcess.start(self.start, self.home / "peertalk", "--name", f"host{self.number}", *options)

    def equip(self, *, ipv4: bool = True) -> None:
        """Bring up the interface of the host, with its address."""
        addresses = [f"address add {self.address}/24 dev eth0"] if ipv4 else []
        ip(self.namespace, *addresses, "link set lo up", "link set eth0 up", *(["route add default dev eth0"] if ipv4 else []))

    def on_the_link(self) -> tuple[str, str]:
        """Its IPv6 link-local address and its hardware address."""
        listed = json.loads(run("ip", "-n", self.namespace, "-json", "address", "show", "dev", "eth0").stdout)[0]
        return next(each["local"] for each in listed["addr_info"] if each["family"] == "inet6"), listed["address"]

    def join(self, network: int) -> str:
        """Another interface, eth1, in another network; its address."""
        address, port = f"{NETWORK}.{network}.{self.number}", f"port{self.number}b"
        ip(self.lab.switch, f"link add {port} type veth peer name eth1 netns {self.namespace}")
        ip(self.lab.switch, f"link set {port} master br{network} up")
        ip(self.namespace, f"address add {address}/24 dev eth1", "link set eth1 up")
        return address

    def unplug(self) -> None:
        """Take the cable out: the interface loses its carrier."""
        ip(self.lab.switch, f"link set port{self.number} down")

    def plug(self) -> None:
        ip(self.lab.switch, f"link set port{self.number} up")

    def cut(self) -> None:
        """As a switch further away that fails: nothing passes, and the interface does not notice."""
        ip(self.lab.switch, f"link set port{self.number} nomaster")

    def mend(self) -> None:
        ip(self.lab.switch, f"link set port{self.number} master br{self.network}")

    def move(self, address: str) -> None:
        """Change the IPv4 address, as another network's DHCP server would."""
        ip(self.namespace, f"address delete {self.address}/24 dev eth0", f"address add {address}/24 dev eth0")
        ip(self.namespace, "route replace default dev eth0")
        self.address = address

    def drop_inbound(self) -> None:
        """As a laptop's firewall does: whoever dials this host gets no answer; what it dials itself works, itself included."""
        dropped = "add rule inet firewall input iif != lo tcp flags & (syn|ack) == syn drop"
        nft(self.namespace, "add table inet firewall", f"add chain inet firewall input {{ {FIRST} }}", dropped)

    def break_sending(self, interface: str) -> None:
        """Whatever is sent there fails at once: "Operation not permitted"."""
        dropped = f"add rule inet broken output oifname {interface} drop"
        chain = "add chain inet broken output { type filter hook output priority 0; }"
        nft(self.namespace, "add table inet broken", chain, dropped)

    def count_dials(self) -> None:
        """From now on `dials()` says how many connections others have tried to open to this host."""
        chain = "add chain inet dials input { type filter hook input priority 0; }"
        rule = "add rule inet dials input tcp flags & (syn|ack) == syn counter name tried"
        nft(self.namespace, "add table inet dials", "add counter inet dials tried", chain, rule)

    def dials(self) -> int:
        told = run("ip", "netns", "exec", self.namespace, "nft", "list", "counter", "inet", "dials", "tried").stdout
        return int(told.split("packets")[1].split()[0])

    async def tunnel(self) -> None:
        """As a VPN does: a point-to-point interface that says it is up takes the default route. It carries nothing anywhere:
        what is sent there goes to the file `tunnel` at home. The process that holds it ends with the lab."""
        await self.hold([sys.executable, "-c", TUNNEL, str(self.home / "tunnel")])
        ip(self.namespace, "address add 10.99.0.2/32 dev tun0", "link set tun0 up", "route replace default dev tun0")

    async def impair(self, loss: float, delay: float, jitter: float) -> None:
        """As on bad Wi-Fi: from now on this share of the packets that this host sends is lost, and each of the others comes so many
        seconds later, give or take, so that some overtake others. To be called before anything runs here. Kernels that cannot
        do so (`tc netem`) get another cable, that ends in a process which does."""
        netem = f"loss {loss:%} delay {delay * 1e3}ms {jitter * 1e3}ms".split()
        if not run("tc", "-n", self.namespace, "qdisc", "add", "dev", "eth0", "root", "netem", *netem).returncode:
            return
        ip(self.lab.switch, f"link delete port{self.number}")
        numbers = [str(each) for each in (loss, delay, jitter, self.number)]
        await self.hold([sys.executable, "-m", "tests.lab.relay", "eth0", "far", *numbers])
        self.relay = self.held[-1]
        ip(self.namespace, f"link set far netns {self.lab.switch} name port{self.number}")
        ip(self.lab.switch, f"link set port{self.number} master br{self.network} up")
        self.equip()

    def impaired(self) -> tuple[str, int, int]:
        """What loses and delays here since `impair`, how many packets this host has sent, and how many of these were lost."""
        if self.relay is None:
            shown = json.loads(run("tc", "-n", self.namespace, "-s", "-json", "qdisc", "show", "dev", "eth0").stdout)[0]
            return "tc netem", shown["packets"] + shown["drops"], shown["drops"]
        assert self.relay.stdin is not None
        assert self.relay.stdout is not None
        self.relay.stdin.write(b"\n")
        self.relay.stdin.flush()
        sent, lost = self.relay.stdout.readline().split()
        return "a relay", int(sent), int(lost)

    def isolate(self, isolated: bool = True) -> None:
        """As guest Wi-Fis do: isolated hosts do not reach each other, only those that are not."""
        ip(self.lab.switch, f"link set port{self.number} type bridge_slave isolated {'on' if isolated else 'off'}")


def remove(namespace: str) -> None:
    """Kill what runs in a namespace, then delete it with its interfaces."""
    pids = run("ip", "netns", "pids", namespace).stdout.split()
    for pid in pids:
        with_signal_nine(int(pid))
    run("ip", "netns", "delete", namespace)


def with_signal_nine(pid: int) -> None:
    try:
        os.kill(pid, 9)
    except ProcessLookupError:
        return


def sweep() -> None:
    """Remove what labs of processes that no longer exist left behind."""
    for line in run("ip", "netns", "list").stdout.splitlines():
        namespace = line.split()[0]
        made = re.fullmatch(r"pt([0-9a-f]+)n\d+(s|h\d+)", namespace)
        if made and not Path(f"/proc/{int(made[1], 16)}").exists():
            remove(namespace)
