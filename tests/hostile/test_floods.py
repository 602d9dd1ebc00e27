"""Whoever takes up places and says little: each place is free again after its deadline, and the honest get one meanwhile."""

from __future__ import annotations

import asyncio
import itertools
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.hostile.conftest import Hostile
from tests.hostile.peer import HOST, HostilePeer, framed
from tests.hostile.victim import MARK, Victim, start

pytestmark = pytest.mark.asyncio(loop_scope="module")


# ── deadlines ────────────────────────────────────────────────────────────────────────────────────────────────────────


def drip(peer: HostilePeer, data: bytes) -> None:
    """Send a byte a second, for as long as the other side listens."""
    if data and not peer.over:
        peer.send_raw(data[:1])
        asyncio.get_running_loop().call_later(1, drip, peer, data[1:])


async def at_frame(hostile: Hostile, frame: int, *, slowly: bool) -> HostilePeer:
    """A peer that sends the last frame that is asked of it slowly, or not at all."""
    peer = await hostile.meet(frame)
    content = await peer.due(frame)
    drip(peer, framed(content) if slowly else b"")
    return peer


async def established(hostile: Hostile, frame: int, *, slowly: bool) -> HostilePeer:
    """A member that says nothing more, or never a whole record."""
    peer = await (await hostile.meet(frame, seed=bytes([frame, slowly]) * 16)).establish()
    peer.reference.silent = True
    drip(peer, b"\xff\xff" + MARK.encode() if slowly else b"")
    return peer


async def test_every_wait_has_its_deadline(hostile: Hostile, victim: Victim) -> None:
    """All of them side by side. Bytes that are not a whole frame win no time."""
    begun = time.monotonic()
    both = (False, True)
    waiting = [await at_frame(hostile, frame, slowly=slowly) for frame in range(1, 8) for slowly in both]
    silent = [await established(hostile, frame, slowly=slowly) for frame in (6, 7) for slowly in both]
    begun_all = time.monotonic()
    await victim.talk()
    reasons = await asyncio.gather(*(peer.closed(12) for peer in [*waiting, *silent]))
    assert reasons == [None] * 14 + ["silent"] * 4
    assert begun + 9 < time.monotonic() < begun_all + 12
    for peer in waiting:
        assert peer.dialling is None or await peer.dialling in {"handshake_timeout", "closed:timeout"}


async def test_who_is_being_refused_wins_no_time_by_talking(hostile: Hostile) -> None:
    peer = await hostile.dial(secrets=[])
    peer.send_frame(await peer.due(3))
    for _ in range(100):
        peer.send_raw(b"\xff\xff" + MARK.encode() * 10)
    await peer.refused(seconds=2)


# ── half-open connections ────────────────────────────────────────────────────────────────────────────────────────────

MANY = 1000
AT_A_TIME = 64
SOURCES = [source for number in range(1, 101) for source in ("127.0.2.1", f"127.0.1.{number}")]
"""Half of them from one address, and half from a hundred. (Who has an address in common with a flood may not get in: that both
are of one source is all that is known.)"""
KEY = bytes(range(32))  # as the first frame: whoever takes it has work with it


class HalfOpen(asyncio.Protocol):
    """One connection that has said that it wants a channel, and no more. `taken` is set once it was answered, or closed."""

    def __init__(self, flood: Flood) -> None:
        self._flood = flood
        self.taken = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(framed(KEY))
        self._flood.open.add(transport)

    def data_received(self, data: bytes) -> None:
        self.taken.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.taken.set()
        self._flood.open.discard(self._transport)


class Flood:
    """Opens half-open connections, without end; `made` counts them. They stay until they are closed. `swollen` is set when
    there have been as many as there should."""

    def __init__(self, port: int) -> None:
        self.open: set[asyncio.Transport] = set()
        self.made = 0
        self.swollen = asyncio.Event()
        self._port, self._sources = port, itertools.cycle(SOURCES)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(AT_A_TIME):
                tasks.create_task(self._open())

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            local = (next(self._sources), 0)
            try:
                _, one = await loop.create_connection(lambda: HalfOpen(self), HOST, self._port, local_addr=local)
            except ConnectionError:  # closed before it was open here
                continue
            await one.taken.wait()  # faster than it takes them, the kernel would let them wait for seconds
            self.made += 1
            if self.made >= MANY:
                self.swollen.set()


@asynccontextmanager
async def flooded(port: int) -> AsyncIterator[Flood]:
    flood = Flood(port)
    running = asyncio.create_task(flood.run())
    try:
        yield flood
    finally:
        running.cancel()
        await asyncio.wait([running])
        for transport in list(flood.open):
            transport.abort()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has all of 127.0.0.0/8")
async def test_an_honest_peer_joins_during_a_flood_of_half_open_connections(victim: Victim, tmp_path: Path) -> None:
    before = victim.descriptors()
    async with flooded(victim.port) as flood:
        await flood.swollen.wait()
        third = await start(tmp_path / "home", "Third", "--connect", f"{HOST}:{victim.port}")
        victim.guests.add(await third.identity())
        ready = time.monotonic()
        await third.online(victim.id)
        joined = time.monotonic() - ready
        await victim.talk()
        assert victim.descriptors() <= before + 128 + 64
    async with asyncio.timeout(5):
        assert await third.stop() == 0
        while victim.descriptors() > before:
            await victim.process.call("node.status")
    assert joined < 10
