"""A clock that a test turns, and a pause that ends when the test says so."""

from __future__ import annotations

import asyncio


class FakeClock:
    def __init__(self, mono: float = 1000.0, wall: int = 1_800_000_000_000) -> None:
        self.now = mono
        self.unix = wall

    def mono(self) -> float:
        return self.now

    def wall(self) -> int:
        return self.unix

    def advance(self, seconds: float) -> None:
        self.now += seconds
        self.unix += int(seconds * 1000)


class Rounds:
    """`pause` takes the place of asyncio.sleep: each call waits until the test lets it end."""

    def __init__(self) -> None:
        self._ends = asyncio.Semaphore(0)
        self._paused = asyncio.Event()

    async def pause(self, _seconds: float) -> None:
        self._paused.set()
        await self._ends.acquire()

    def end_next(self) -> None:
        """Let the present or the next pause end."""
        self._ends.release()

    async def round(self) -> None:
        """Let one pause end, and wait until what follows it is done and the next pause is on."""
        await self._paused.wait()
        self._paused.clear()
        self.end_next()
        await self._paused.wait()
