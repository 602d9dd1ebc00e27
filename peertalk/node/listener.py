"""Where links come in: one port on IPv4 and IPv6, with limits for those that have not shown who they are."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
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
    """Takes in links made by `make`. At most 128 of them may be half-open, 16 from one source; the oldest gives way to a new
    one, those first that have not yet proven to know a room. `source` says what an address counts as (interfaces.Sources).
    """

    def __init__(self, make: Callable[[], Link], source: Callable[[str], str] = str) -> None:
        self._make = make
        self._source = source
        self._servers: list[asyncio.Server] = []
        self._half_open: list[Link] = []
        self.addresses: list[tuple[str, int]] = []
        self.visits = 0
        """How often another computer has connected: what a firewall here would have prevented."""

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
        self._half_open = [one for one in self._half_open if one.half_open] + [link]
        self.visits += link.address[0].partition("%")[0] != link.local
        mine = self._source(link.address[0])
        same = [one for one in self._half_open if self._source(one.address[0]) == mine]
        if len(same) > HALF_OPEN_PER_SOURCE:
            evict(same)
        elif len(self._half_open) > HALF_OPEN:
            evict(self._half_open)


def evict(links: Sequence[Link]) -> None:
    """Of links in the order of their age, close the oldest that has proven nothing, or else the oldest."""
    next((one for one in links if not one.proven), links[0]).close("crowded")


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
