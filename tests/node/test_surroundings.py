"""What a system's files say about its network: here files of a made-up system."""

from __future__ import annotations

from ipaddress import ip_interface
from pathlib import Path

import pytest

from peertalk.node import surroundings
from peertalk.node.interfaces import Interface
from peertalk.node.surroundings import firewalls, gateways, is_denied, is_tunnel, look_around, neighbours, ways_out

ARP = """IP address       HW type     Flags       HW address            Mask     Device
10.0.0.254       0x1         0x2         aa:bb:cc:dd:ee:ff     *        eth0
10.0.0.2         0x1         0x0         00:00:00:00:00:00     *        eth0
"""
ROUTE = """Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\tFE00000A\t0003\t0\t0\t0\t00000000\t0\t0\t0
tun0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0
eth0\t0000000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
"""
ETH = Interface("eth0", 2, (ip_interface("10.0.0.1/24"),))


def put(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text, encoding="ascii")


def test_neighbours_are_those_who_were_looked_for_and_whether_they_answered(tmp_path: Path) -> None:
    put(tmp_path, "proc/net/arp", ARP)
    assert neighbours(tmp_path) == {"10.0.0.254": True, "10.0.0.2": False}


def test_what_the_system_does_not_tell_is_not_known(tmp_path: Path) -> None:
    assert neighbours(tmp_path) is None
    assert gateways(tmp_path) == ()
    assert firewalls(tmp_path) == ()
    put(tmp_path, "proc/net/arp", "IP\n10.0.0.1 x what is this\n10.0.0.1 0x1 zz 00 * eth0\n")
    assert neighbours(tmp_path) is None


def test_routers_are_those_of_default_routes(tmp_path: Path) -> None:
    put(tmp_path, "proc/net/route", ROUTE)
    assert gateways(tmp_path) == ("10.0.0.254",)


@pytest.mark.parametrize(
    ("path", "text", "name"),
    [
        ("etc/ufw/ufw.conf", "# on\nENABLED=yes\n", "ufw"),
        ("run/firewalld/x", "", "firewalld"),
        ("etc/systemd/system/sysinit.target.wants/nftables.service", "", "nftables"),
    ],
)
def test_firewalls_that_are_on(tmp_path: Path, path: str, text: str, name: str) -> None:
    put(tmp_path, path, text)
    assert firewalls(tmp_path) == (name,)


def test_a_firewall_that_is_installed_and_off_is_none(tmp_path: Path) -> None:
    put(tmp_path, "etc/ufw/ufw.conf", "ENABLED=no\n")
    assert firewalls(tmp_path) == ()


@pytest.mark.parametrize(
    ("name", "kind", "address", "tunnel"),
    [
        ("wg0", "65534", "10.9.0.2/32", True),
        ("office", "65534", "10.9.0.2/32", True),
        ("tun-called-but-none", "1", "10.9.0.2/24", False),
        ("utun3", None, "10.9.0.2/32", True),
        ("utun0", None, "fe80::1/64", False),
        ("Ethernet", None, "10.0.0.1/24", False),
        ("WireGuard Tunnel", None, "10.9.0.2/32", True),
    ],
)
def test_tunnels_by_what_they_are_or_else_by_name(
    tmp_path: Path, name: str, kind: str | None, address: str, tunnel: bool
) -> None:
    if kind is not None:
        put(tmp_path, f"sys/class/net/{name}/type", f"{kind}\n")
    assert is_tunnel(Interface(name, 3, (ip_interface(address),)), tmp_path) is tunnel


def test_the_vpn_that_the_internet_is_reached_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "sys/class/net/tun0/type", "65534\n")
    put(tmp_path, "sys/class/net/eth0/type", "1\n")
    tun = Interface("tun0", 3, (ip_interface("10.9.0.2/32"),))
    monkeypatch.setattr(surroundings, "ways_out", lambda: {"10.9.0.2"})
    assert look_around([ETH, tun], tmp_path).through == "tun0"
    monkeypatch.setattr(surroundings, "ways_out", lambda: {"10.0.0.1"})
    found = look_around([ETH, tun], tmp_path)
    assert (found.through, found.tunnels) == (None, ("tun0",))


def test_ways_out_are_own_addresses_or_none() -> None:
    assert not ways_out() & {address for _, address in surroundings.FAR}


def test_what_is_forbidden_here_is_told_from_what_does_not_answer() -> None:
    assert is_denied(PermissionError(1, "no"))
    assert not is_denied(ConnectionRefusedError(111, "no"))
