"""Where links come in: one port on IPv4 and IPv6, with limits for those that have not shown who they are."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

from peertalk.errors import StartError
from peertalk.node.link import Link

HALF_OPEN = 128
HALF_OPEN_PER_SOURCE = 16
BACKLOG = 128
TRIES = 16  # to find a port that is free in both families
DESCRIPTORS = 1024
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - to be found by the others is what this is for

_BUSY = {errno.EADDRINUSE}
_DENIED = {errno.EACCES, errno.EPERM}
_log = logging.getLogger("peertalk.listener")


class Listener:
    """Takes in links made by `make`. At most 128 of them may be half-open, 16 from one source; when it is one too many, one
    gives way (see `one_too_many`). `source` says what an address counts as (interfaces.Sources), `more` how many more from one
    source are expected now than ever.
    """

    def __init__(
        self,
        make: Callable[[], Link],
        source: Callable[[str], str] = str,
        random: Callable[[int], bytes] = os.urandom,
        more: Callable[[], int] = int,
    ) -> None:
        self._make = make
        self._more = more
        self._source = source
        self._random = random
        self._servers: dict[str, asyncio.Server] = {}
        self._half_open: list[tuple[str, Link]] = []
        self.port = 0
        self.visits = 0
        """How often another computer has connected: what a firewall here would have prevented."""

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Where it listens now: (host, port)."""
        return [(host, self.port) for host in self._servers]

    async def start(self, port: int, hosts: Sequence[str] = EVERYWHERE) -> None:
        """Listen on `port` (0: any that is free) at all `hosts` whose family this machine has.

        StartError: `port_in_use`, `port_denied` (both with the port), `no_interface` (with the hosts)."""
        allow_descriptors()
        opened = open_sockets(port, hosts)
        self.port = next(iter(opened.values())).getsockname()[1]
        for host, one in opened.items():
            await self._serve(host, one)

    async def follow(self, hosts: Iterable[str]) -> None:
        """Listen at these from now on, on the same port. One at which that cannot be is left out, and said in the log."""
        wanted = dict.fromkeys(hosts)
        for host in [host for host in self._servers if host not in wanted]:
            self._servers.pop(host).close()
        for host in [host for host in wanted if host not in self._servers]:
            try:
                one = bind(host, self.port)
            except OSError as error:
                _log.warning("cannot listen on port %d of an address that came: %s", self.port, error.strerror)
                continue
            if one is not None:
                await self._serve(host, one)
        self._servers = {host: self._servers[host] for host in wanted if host in self._servers}

    async def close(self) -> None:
        """Take in no more. Links that are up stay so."""
        await self.follow(())
        await asyncio.sleep(0)  # the sockets are closed by the loop's next turn

    async def _serve(self, host: str, one: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(self._accept, sock=one, backlog=BACKLOG, start_serving=False)
        self._servers[host] = server  # known before it serves: so `close` finds it, whatever is cancelled meanwhile
        await server.start_serving()

    def _accept(self) -> Link:
        link = self._make()
        link.on_connected = self._limit
        return link

    def _limit(self, link: Link) -> None:
        self.visits += link.address[0].partition("%")[0] != link.local
        mine = self._source(link.address[0])
        self._half_open = [one for one in self._half_open if one[1].half_open] + [(mine, link)]
        same = [one for one in self._half_open if one[0] == mine]
        if len(same) > HALF_OPEN_PER_SOURCE + self._more():
            one_too_many(same, self._random).close("crowded")
        elif len(self._half_open) > HALF_OPEN:
            one_too_many(self._half_open, self._random).close("crowded")


def one_too_many(links: Sequence[tuple[str, Link]], random: Callable[[int], bytes]) -> Link:
    """Which of these half-open links, (source, link) each, the oldest first, gives way: of those that have proven nothing, and
    are of the source that has the most of them, one of the older half at random. So whoever has just come has a moment to prove
    a room, and a flood can't see to it that those who need longer are never in time."""
    candidates = [one for one in links if not one[1].proven] or links
    counts = Counter(source for source, _ in candidates)
    most = max(counts.values())
    crowd = [link for source, link in candidates if counts[source] == most]
    return crowd[int.from_bytes(random(4)) % max(1, len(crowd) // 2)]


def allow_descriptors() -> None:
    """Some systems let a process open 256 files unless it asks for more. Links alone may be as many, and then a flood of them
    would keep everybody else out."""
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415 - does not exist on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def open_sockets(port: int, hosts: Sequence[str]) -> dict[str, socket.socket]:
    """One bound socket for each host, all on one port. A family that this machine lacks is left out."""
    for _ in range(TRIES):
        opened: dict[str, socket.socket] = {}
        number = port
        try:
            for host in hosts:
                if one := bind(host, number):
                    opened[host] = one
                    number = one.getsockname()[1]
        except OSError as error:
            for one in opened.values():
                one.close()
            if not port and error.errno in _BUSY:
                continue
            raise StartError("port_denied" if error.errno in _DENIED else "port_in_use", port=port) from error
        if not opened:
            raise StartError("no_interface", name=", ".join(hosts))
        return opened
    raise StartError("port_in_use", port=port)


def bind(host: str, port: int) -> socket.socket | None:
    """None where this machine has not got the address or its family; OSError where the port cannot be had. `host` is as
    `interfaces.canonical` writes it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bare, _, scope = host.partition("%")
    place = (bare, port, 0, int(scope or 0)) if family == socket.AF_INET6 else (bare, port)
    try:
        one = socket.socket(family, socket.SOCK_STREAM)
    except OSError:
        return None
    try:
        if os.name == "posix":  # elsewhere the option would let two processes share the port
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        one.bind(place)
    except OSError as error:
        one.close()
        if error.errno in _BUSY | _DENIED:
            raise
        return None
    return one
