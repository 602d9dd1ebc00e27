"""The network interfaces of this machine, and what they tell about an address (docs/protocol.md, section 1)."""

from __future__ import annotations

import asyncio
import errno
import logging
import math
import socket
import struct
import sys
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from ipaddress import IPv4Interface, IPv6Address, IPv6Interface, ip_interface, ip_network
from ipaddress import ip_address as parsed_address
from pathlib import Path

import ifaddr

from peertalk.core.addresses import is_private
from peertalk.errors import StartError
from peertalk.node.netlink import Changes
from peertalk.node.ports import Clock

ip_address = lru_cache(512)(parsed_address)  # the same few are asked about with every link and every dial
POLL = 2.0  # seconds between two looks at the interfaces
JUMP = 10.0  # seconds by which the clocks may disagree before it counts as having slept

PRINTERS = range(9100, 9110)  # the ports of raw printing

# What asks for the flags of an interface: SIOCGIFFLAGS, with the request as struct ifreq.
_FLAGS_OF = {"linux": 0x8913, "darwin": 0xC0206911}
_REQUEST, _POINTOPOINT = struct.Struct("16sH22x"), 0x10
_NO_MORE_FILES = {errno.EMFILE, errno.ENFILE}
_log = logging.getLogger("peertalk.interfaces")


@dataclass(frozen=True, slots=True)
class Interface:
    """One interface with the addresses that can be used now, as (address, network), none of them with a scope. `tunnel`: it
    leads to one other machine, as those of VPNs and modems do."""

    name: str
    index: int
    addresses: tuple[IPv4Interface | IPv6Interface, ...]
    tunnel: bool = False

    @property
    def loopback(self) -> bool:
        return any(address.is_loopback for address in self.addresses)

    def literals(self) -> list[str]:
        """Its addresses, IPv4 first, then link-local, as `canonical` writes them."""
        order = sorted(self.addresses, key=lambda one: (one.version, not one.is_link_local))
        return [f"{one.ip}%{self.index}" if needs_scope(one.ip) else str(one.ip) for one in order]


def look() -> tuple[Interface, ...]:
    """All interfaces that are up and have an address that a socket can be bound to, by name. OSError where the system does not
    say, for instance because this process has too many files open."""
    found = []
    for adapter in ifaddr.get_adapters():
        index = adapter.index or 0
        addresses = {
            ip_interface(f"{one.ip if isinstance(one.ip, str) else one.ip[0].partition('%')[0]}/{one.network_prefix}")
            for one in adapter.ips
        }
        ready = sorted((one for one in addresses if bindable(one, index)), key=lambda one: (one.version, int(one.ip)))
        if ready and is_up(adapter.nice_name):
            found.append(Interface(adapter.nice_name, index, tuple(ready), is_tunnel(adapter.nice_name)))
    return tuple(sorted(found, key=lambda one: one.name))


SYSTEM = look


def bindable(address: IPv4Interface | IPv6Interface, index: int) -> bool:
    """Whether a socket can have this address now: an IPv6 address cannot while it is checked for duplicates. OSError where that
    cannot be found out."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    place = (str(address.ip), 0) if address.version == 4 else (str(address.ip), 0, 0, index if needs_scope(address.ip) else 0)
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind(place)
    except OSError as error:
        if error.errno in _NO_MORE_FILES:
            raise
        return False
    return True


def is_up(name: str) -> bool:
    """False where the system says that the interface is down or has no carrier. Only Linux says so; elsewhere True."""
    try:
        return Path(f"/sys/class/net/{name}/operstate").read_text(encoding="ascii").strip() not in {"down", "lowerlayerdown"}
    except (OSError, ValueError):
        return True


def is_tunnel(name: str) -> bool:
    """Whether the interface is point-to-point. Linux and macOS say so; elsewhere False."""
    request = _FLAGS_OF.get(sys.platform)
    if request is None:
        return False
    from fcntl import ioctl  # noqa: PLC0415 - not everywhere

    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            answer = ioctl(asking, request, _REQUEST.pack(name.encode(), 0))
    except OSError:
        return False
    flags: int = _REQUEST.unpack(answer)[1]
    return bool(flags & _POINTOPOINT)


def usable(interfaces: Iterable[Interface], wanted: tuple[str, ...]) -> tuple[Interface, ...]:
    """Those to be used: all but loopback and tunnels, or, where `wanted` names some (names or IP addresses), just those."""
    if not wanted:
        return tuple(one for one in interfaces if not one.loopback and not one.tunnel)
    chosen = ((one, tuple(address for address in one.addresses if is_wanted(one, address, wanted))) for one in interfaces)
    return tuple(replace(one, addresses=addresses) for one, addresses in chosen if addresses)


def is_wanted(interface: Interface, address: IPv4Interface | IPv6Interface, wanted: tuple[str, ...]) -> bool:
    """Whether its interface's name or the address itself is among them."""
    return interface.name in wanted or any(canonical(one).partition("%")[0] == str(address.ip) for one in wanted)


def listenable(interfaces: Iterable[Interface], wanted: tuple[str, ...]) -> tuple[str, ...]:
    """The addresses of those named in `wanted`, as `canonical` writes them."""
    return tuple(literal for one in usable(interfaces, wanted) for literal in one.literals())


def check(interfaces: Iterable[Interface], wanted: tuple[str, ...]) -> None:
    """Raise StartError("no_interface", name=…) for the first of `wanted` that does not exist."""
    everything = tuple(interfaces)
    for name in wanted:
        if not usable(everything, (name,)):
            raise StartError("no_interface", name=name)


def needs_scope(address: object) -> bool:
    """Whether it says nothing without the interface: IPv6 link-local addresses."""
    return isinstance(address, IPv6Address) and address.is_link_local


def canonical(host: str) -> str:
    """One spelling for one address: no IPv4 in IPv6, the scope of a link-local address as an index and nowhere else.

    What is not an IP address (a host name) comes back in lower case."""
    bare, _, scope = host.partition("%")
    try:
        address = ip_address(bare)
    except ValueError:
        return host.lower()
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return f"{address}%{scope_index(scope)}" if scope and needs_scope(address) else str(address)


def packed(host: str) -> tuple[bytes, int]:
    """An address (canonical) as bytes, and the index of its scope, 0 where it has none; what is no address is b""."""
    bare, _, scope = host.partition("%")
    try:
        return ip_address(bare).packed, int(scope) if scope.isdecimal() else 0
    except ValueError:
        return b"", 0


def unpacked(address: bytes, scope: int) -> str:
    """The address, canonical; `scope` is that of a link-local one."""
    parsed = ip_address(address)
    return canonical(f"{parsed}%{scope}" if needs_scope(parsed) else str(parsed))


def scope_index(scope: str) -> str:
    """The index of an interface given by index or name; what it was if there is none such any more."""
    try:
        return scope if scope.isdecimal() else str(socket.if_nametoindex(scope))
    except OSError:
        return scope


def on_link(host: str, interfaces: Iterable[Interface]) -> bool:
    """Whether `host` (canonical) can be reached without a router."""
    bare, _, scope = host.partition("%")
    try:
        address = ip_address(bare)
    except ValueError:
        return False
    if needs_scope(address):
        return any(scope == str(one.index) for one in interfaces)
    return any(address in network.network for one in interfaces for network in one.addresses)


def dialable(host: str, interfaces: Iterable[Interface]) -> bool:
    """Whether an address that somebody announced may be dialled: on-link, or private; no multicast, no foreign loopback."""
    bare = host.partition("%")[0]
    try:
        address = ip_address(bare)
    except ValueError:
        return False
    if address.is_multicast or address.is_unspecified or address.is_reserved:
        return False
    return is_private(address) or on_link(host, interfaces)


def may_listen(port: int) -> bool:
    """Whether PeerTalk may be at this port, when it is others who say so: what comes to those of printers they print."""
    return port not in PRINTERS


class Sources:
    """What limits are counted by: an address; for an IPv6 address that is not on-link its /64.

    `look` tells which networks are on-link; it is asked at most every POLL seconds, and only if an address needs it."""

    def __init__(self, clock: Clock, look: Callable[[], tuple[Interface, ...]] = look) -> None:
        self._clock = clock
        self._look = look
        self._looked = -math.inf
        self._interfaces: tuple[Interface, ...] = ()
        self._told: dict[str, str] = {}

    def __call__(self, host: str) -> str:
        if ":" not in host:
            return host  # IPv4 or a name
        present = self.present()
        source = self._told.get(host)
        if source is None:  # asked for all that there is to dial, at each change
            source = self._told[host] = self._source(host, present)
        return source

    def _source(self, host: str, present: tuple[Interface, ...]) -> str:
        bare = host.partition("%")[0]
        try:
            address = ip_address(bare)
        except ValueError:
            return host
        if address.is_link_local or on_link(host, present):
            return bare
        return str(ip_network(f"{address}/64", strict=False))

    def present(self) -> tuple[Interface, ...]:
        """The interfaces as of a look that is not long ago."""
        return self.look_again() if self._clock.mono() >= self._looked + POLL else self._interfaces

    def look_again(self) -> tuple[Interface, ...]:
        """The interfaces as of now, or of the last time that the system told of them."""
        self._looked, self._told = self._clock.mono(), {}
        with suppress(OSError):
            self._interfaces = self._look()
        return self._interfaces


class Place:
    """Where the machine is, as far as its addresses tell. Link-local ones may be the same in every network, so they count only
    where there are no others."""

    def __init__(self) -> None:
        self._seen: dict[bool, frozenset[object]] = {False: frozenset(), True: frozenset()}  # by whether they are link-local

    def left(self, interfaces: Iterable[Interface]) -> bool:
        """Whether the machine was carried to another network since it was asked last: of the addresses of then none is left. No
        addresses are no place."""
        addresses = {address for one in interfaces for address in one.addresses}
        now = {local: frozenset(one for one in addresses if one.is_link_local == local) for local in (False, True)}
        before, self._seen = self._seen, {local: now[local] or self._seen[local] for local in now}
        local = not (now[False] or before[False])
        return bool(now[local] and before[local] and not now[local] & before[local])


class Watch:
    """Follows the interfaces and the clock. `current` are the usable interfaces as of the last look."""

    def __init__(
        self,
        wanted: tuple[str, ...],
        clock: Clock,
        *,
        look: Callable[[], tuple[Interface, ...]] = look,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._wanted = wanted
        self._clock = clock
        self._look = look
        self._pause = pause
        self.changes = Changes(told=look is SYSTEM)
        """Inside it (`with`), it is looked only where something may have changed."""
        self._offset = self._read_offset()
        self._last = clock.mono()
        self.current = usable(look(), wanted)

    def require(self) -> None:
        """Raise StartError("no_interface", name=…) if one that was asked for by name does not exist."""
        check(self._look(), self._wanted)

    async def next(self) -> tuple[bool, bool]:
        """Pause, look again, and say (whether the usable interfaces changed, whether the machine has slept)."""
        await self._pause(POLL)
        before = self.current
        if self.changes.may_be(self._clock.mono()):
            await self._look_again()
        return before != self.current, self._slept()

    async def _look_again(self) -> None:
        try:
            present = await asyncio.to_thread(self._look)  # 8 ms where there are 50 interfaces
        except OSError as error:  # that the system cannot tell of them for a moment does not mean that they are gone
            _log.warning("cannot look at the network interfaces: %s", error.strerror)
        else:
            self.current = usable(present, self._wanted)
            self.changes.looked(self._clock.mono())

    async def follow(self, changed: Callable[[], None]) -> None:
        """Call `changed` whenever there is something to tell; for ever."""
        with self.changes:
            while True:
                if any(await self.next()):
                    changed()

    def _read_offset(self) -> float:
        return self._clock.wall() / 1000 - self._clock.mono()

    def _slept(self) -> bool:
        # Depending on the system the monotonic clock stands still while the machine sleeps, or goes on: look at both.
        offset, now = self._read_offset(), self._clock.mono()
        slept = abs(offset - self._offset) > JUMP or now - self._last > POLL + JUMP
        self._offset, self._last = offset, now
        return slept
