"""What this computer says about its network without asking anybody: routes, tunnels, neighbours, firewalls.

Nothing here needs root or sends a packet. What a system does not tell is empty or None. Files are read: not for the event loop.
"""

from __future__ import annotations

import errno
import re
import socket
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from peertalk.node.interfaces import Interface

FAR = ((socket.AF_INET, "198.51.100.1"), (socket.AF_INET6, "2001:db8::1"))  # nobody's: RFC 5737, RFC 3849
ARP_COMPLETE = 0x2

_TUNNEL_TYPES = {"512", "768", "769", "776", "778", "823", "65534"}  # ARPHRD_PPP, tunnels, NONE (tun, WireGuard)
_TUNNEL_NAMES = re.compile(
    r"^(u?tun|ppp|ipsec|wg|tailscale|zt|nordlynx|gpd)\d*|vpn|wireguard|wintun|tap-windows|tailscale|zerotier", re.IGNORECASE
)
_FIREWALLS = {
    "ufw": (("etc/ufw/ufw.conf", "ENABLED=yes"),),
    "firewalld": (("sys/fs/cgroup/system.slice/firewalld.service", None), ("run/firewalld", None)),
    "nftables": (
        ("etc/systemd/system/sysinit.target.wants/nftables.service", None),
        ("etc/systemd/system/multi-user.target.wants/nftables.service", None),
    ),
}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """`tunnels` are the names of interfaces that look like a VPN, `through` the one that the internet is reached through.

    `neighbours` are the addresses that were looked for on the link, with whether somebody has answered for them; None where the
    system does not say. `gateways` are the routers. `firewalls` are those that are switched on, as far as it can be seen."""

    tunnels: tuple[str, ...] = ()
    through: str | None = None
    neighbours: dict[str, bool] | None = None
    gateways: tuple[str, ...] = ()
    firewalls: tuple[str, ...] = ()


def look_around(interfaces: Iterable[Interface], root: Path = Path("/")) -> Surroundings:
    """All of it, about these interfaces."""
    tunnels = {one.name: one for one in interfaces if is_tunnel(one, root)}
    leaving = ways_out()
    through = [name for name, one in tunnels.items() if any(str(address.ip) in leaving for address in one.addresses)]
    return Surroundings(tuple(tunnels), next(iter(through), None), neighbours(root), gateways(root), firewalls(root))


def is_tunnel(interface: Interface, root: Path = Path("/")) -> bool:
    """Whether it is a VPN or something like it. Linux says what an interface is; elsewhere the name has to do (macOS has
    several `utun` of its own, which have only link-local addresses)."""
    with suppress(OSError):
        return (root / "sys/class/net" / interface.name / "type").read_text(encoding="ascii").strip() in _TUNNEL_TYPES
    routable = any(not address.is_link_local for address in interface.addresses)
    return routable and bool(_TUNNEL_NAMES.search(interface.name))


def ways_out() -> set[str]:
    """The own addresses that what goes to the internet would leave from. Nothing is sent: connecting a datagram socket only
    chooses a route."""
    own = set()
    for family, far in FAR:
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((far, 9))
            own.add(str(probe.getsockname()[0]).partition("%")[0])
    return own


def neighbours(root: Path = Path("/")) -> dict[str, bool] | None:
    """IPv4 addresses of the link → whether their hardware address is known (Linux only)."""
    try:
        rows = (root / "proc/net/arp").read_text(encoding="ascii").splitlines()[1:]
        return {row[0]: bool(int(row[2], 16) & ARP_COMPLETE) for row in map(str.split, rows) if len(row) >= 6}
    except (OSError, ValueError):
        return None


def gateways(root: Path = Path("/")) -> tuple[str, ...]:
    """The IPv4 routers (Linux only)."""
    try:
        rows = [row.split() for row in (root / "proc/net/route").read_text(encoding="ascii").splitlines()[1:]]
        found = [bytes.fromhex(row[2])[::-1] for row in rows if row[1] == "00000000" and int(row[2], 16)]
    except (OSError, ValueError, IndexError):
        return ()
    if sys.byteorder == "big":
        found = [one[::-1] for one in found]
    return tuple(dict.fromkeys(str(IPv4Address(one)) for one in found))


def firewalls(root: Path = Path("/")) -> tuple[str, ...]:
    """Those that are on, as far as anybody may see (Linux only)."""
    return tuple(name for name, signs in _FIREWALLS.items() if any(shows(root / path, word) for path, word in signs))


def shows(path: Path, word: str | None) -> bool:
    """Whether a file is there, and has this line if one is wanted."""
    try:
        if word is None:
            return path.lstat() is not None
        return word in path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False


def is_denied(error: OSError) -> bool:
    """Whether this computer itself forbade it, by a firewall or a permission that is missing."""
    return error.errno in {errno.EPERM, errno.EACCES} or getattr(error, "winerror", None) == 10013
