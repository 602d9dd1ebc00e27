"""A stranger who speaks the protocol correctly and shares no room, with a stopwatch (docs/protocol.md, "Setting up a channel").

It imports nothing of peertalk; the channel is that of `tests.core.reference`.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from tests.core.reference import Reference

FRAME_2, FRAME_3 = 2 + 48, 2 + 1040
SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Probe:
    """What a probe got: bytes of the answer to frame 1, bytes after frame 3, and seconds until each."""

    answer: int
    after: int
    answered: float
    closed: float

    @property
    def sizes(self) -> tuple[int, int]:
        return self.answer, self.after


class Prober:
    """Dials the node at a port of the loopback interface."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def probe(self) -> Probe:
        """Everything up to the end that the node makes."""
        async with self._connection() as (reader, writer):
            me, answer, answered = await self._first_half(reader, writer)
            sent = time.perf_counter()
            writer.write(me.drain())
            after = await reader.read()
            return Probe(answer, len(after), answered, time.perf_counter() - sent)

    async def busy(self) -> float:
        """Seconds until a second connection is answered that asks while the proof of the first is checked."""
        async with self._connection() as (reader, writer), self._connection() as (second, asking):
            me, _, _ = await self._first_half(reader, writer)
            frame = Reference(initiator=True, seed=os.urandom(32), secrets=[]).drain()
            writer.write(me.drain())
            asking.write(frame)
            sent = time.perf_counter()
            await second.readexactly(FRAME_2)
            return time.perf_counter() - sent

    async def _first_half(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[Reference, int, float]:
        me = Reference(initiator=True, seed=os.urandom(32), secrets=[os.urandom(32)])
        frame = me.drain()
        sent = time.perf_counter()
        writer.write(frame)
        answer = await reader.readexactly(FRAME_2)
        answered = time.perf_counter() - sent
        me.feed(answer)
        return me, len(answer), answered

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        async with asyncio.timeout(SECONDS):
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            try:
                yield reader, writer
            finally:
                writer.close()
                with suppress(ConnectionError):
                    await writer.wait_closed()


class Trap:
    """Listens, and answers whoever dials as somebody who is in no room of theirs. `met`: the bytes that each sent."""

    def __init__(self) -> None:
        self.met: list[tuple[int, ...]] = []
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Trap:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    @property
    def port(self) -> int:
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        me = Reference(initiator=False, seed=os.urandom(32), secrets=[])
        me.claims = [os.urandom(32)]
        sizes = []
        for size in (2 + 32, FRAME_3):
            frame = await reader.readexactly(size)
            sizes.append(len(frame))
            me.feed(frame)
            writer.write(me.drain())
        self.met.append((*sizes, len(await reader.read())))
        writer.close()


def apart(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """How often one of ours is greater than one of theirs: 0.5 where nothing tells them apart, 0 or 1 where everything does."""
    wins = sum((one > other) + (one == other) / 2 for one in ours for other in theirs)
    return wins / (len(ours) * len(theirs))
