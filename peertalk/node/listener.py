"""Where links come in: one port on IPv4 and IPv6, with limits for those that have not shown who they are."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections import Counter
from collections.abc import Callable, Sequence

from peertalk.errors import StartError
from peertalk.node.link import Link

HALF_OPEN = 128
HALF_OPEN_PER_SOURCE = 16
BACKLOG = 128
TRIES = 16  # to find a port that is free in both families
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - to be found by the others is what this is for

_BUSY = {errno.EADDRINUSE}
_DENIED = {errno.EACCES, errno.EPERM}


class Listener:
    """Takes in links made by `make`. At most 128 of them may be half-open, 16 from one source; when it is one too many, one
    gives way (see `one_too_many`). `source` says what an address counts as (interfaces.Sources).
    """

    def __init__(
        self,
        make: Callable[[], Link],
        source: Callable[[str], str] = str,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._make = make
        self._source = source
        self._random = random
        self._servers: list[asyncio.Server] = []
        self._half_open: list[tuple[str, Link]] = []
        self.addresses: list[tuple[str, int]] = []

    @property
    def port(self) -> int:
        return self.addresses[0][1]

    async def start(self, port: int, hosts: Sequence[str] = EVERYWHERE) -> None:
        """Listen on `port` (0: any that is free) at all `hosts` whose family this machine has.

        StartError: `port_in_use`, `port_denied` (both with the port), `no_interface` (with the hosts)."""
        sockets = open_sockets(port, hosts)
        loop = asyncio.get_running_loop()
        self._servers = [await loop.create_server(self._accept, sock=one, backlog=BACKLOG) for one in sockets]
        self.addresses = [one.getsockname()[:2] for one in sockets]

    async def close(self) -> None:
        """Take in no more. Links that are up stay so."""
        for server in self._servers:
            server.close()
        self._servers = []
        await asyncio.sleep(0)  # the sockets are closed by the loop's next turn

    def _accept(self) -> Link:
        link = self._make()
        link.on_connected = self._limit
        return link

    def _limit(self, link: Link) -> None:
        mine = self._source(link.address[0])
        self._half_open = [one for one in self._half_open if one[1].half_open] + [(mine, link)]
        same = [one for one in self._half_open if one[0] == mine]
        if len(same) > HALF_OPEN_PER_SOURCE:
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


def open_sockets(port: int, hosts: Sequence[str]) -> list[socket.socket]:
    """One bound socket for each host, all on one port. A family that this machine lacks is left out."""
    for _ in range(TRIES):
        opened: list[socket.socket] = []
        try:
            for host in hosts:
                number = port or (opened[0].getsockname()[1] if opened else 0)
                if one := bind(host, number):
                    opened.append(one)
        except OSError as error:
            for one in opened:
                one.close()
            if not port and error.errno in _BUSY:
                continue
            raise StartError("port_denied" if error.errno in _DENIED else "port_in_use", port=port) from error
        if not opened:
            raise StartError("no_interface", name=", ".join(hosts))
        return opened
    raise StartError("port_in_use", port=port)


def bind(host: str, port: int) -> socket.socket | None:
    """None where this machine has not got the address or its family; OSError where the port cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        one = socket.socket(family, socket.SOCK_STREAM)
    except OSError:
        return None
    try:
        if os.name == "posix":  # elsewhere the option would let two processes share the port
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        one.bind((host, port))
    except OSError as error:
        one.close()
        if error.errno in _BUSY | _DENIED:
            raise
        return None
    return one
