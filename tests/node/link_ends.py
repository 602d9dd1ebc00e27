"""Two links with real channels over a real connection on loopback, and what they tell."""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from peertalk.core.channel import Channel, ChannelEvent
from peertalk.core.identity import Identity
from peertalk.node.link import Link, dial

LOBBY = {b"room" * 8: b"secret__" * 4}
OTHER = {b"moor" * 8: b"terces__" * 4}
_numbers = itertools.count(1)


class RealClock:
    def mono(self) -> float:
        return time.monotonic()

    def wall(self) -> int:
        return int(time.time() * 1000)


class End:
    """One side: makes links, and keeps what they tell."""

    def __init__(self, rooms: Mapping[bytes, bytes] = LOBBY, identity: Identity | None = None) -> None:
        self.rooms = dict(rooms)
        self.identity = identity or Identity(os.urandom(32))
        self.clock = RealClock()
        self.links: list[Link] = []
        self.events: asyncio.Queue[ChannelEvent] = asyncio.Queue()
        self.reasons: asyncio.Queue[str] = asyncio.Queue()
        self.writable = asyncio.Event()
        self._made = asyncio.Event()
        self.on_event: Callable[[Link, ChannelEvent], None] = lambda _link, event: self.events.put_nowait(event)

    def channel(self, *, initiator: bool) -> Channel:
        return Channel(
            initiator=initiator,
            identity=self.identity,
            offered=self.rooms if initiator else {},
            known=lambda: self.rooms,
            refuse=lambda _: False,
            random=os.urandom,
            now=self.clock.mono(),
        )

    def make(self, channel: Channel | None = None, target: str | None = None) -> Link:
        link = Link(
            next(_numbers),
            channel or self.channel(initiator=target is not None),
            clock=self.clock,
            on_event=self._happened,
            on_closed=lambda _, reason: self.reasons.put_nowait(reason),
            on_pace=lambda link: self.writable.set() if link.writable else None,
            target=target,
        )
        self.links.append(link)
        self._made.set()
        return link

    def _happened(self, link: Link, event: ChannelEvent) -> None:
        self.on_event(link, event)

    async def dial(self, port: int) -> Link:
        return await dial("127.0.0.1", port, lambda: self.make(target="somebody"), 5)

    async def has_made(self, number: int) -> None:
        """Wait for so many links."""
        async with asyncio.timeout(10):
            while len(self.links) < number:
                self._made.clear()
                await self._made.wait()

    async def next(self) -> ChannelEvent:
        async with asyncio.timeout(10):
            return await self.events.get()

    async def ended(self) -> str:
        async with asyncio.timeout(10):
            return await self.reasons.get()

    async def hang_up(self) -> None:
        for link in self.links:
            link.close("test_over")
            if link.address[1]:
                await link.closed()


@asynccontextmanager
async def listening(end: End) -> AsyncIterator[int]:
    """A server that makes links of `end`; its port. All of its links are gone afterwards."""
    server = await asyncio.get_running_loop().create_server(end.make, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await end.hang_up()


@asynccontextmanager
async def connected(dialling: End, answering: End) -> AsyncIterator[tuple[Link, Link]]:
    """The link of each side. Established events are not taken from their queues."""
    async with listening(answering) as port:
        try:
            link = await dialling.dial(port)
            await link.settled()
            await answering.has_made(1)
            yield link, answering.links[-1]
        finally:
            await dialling.hang_up()
