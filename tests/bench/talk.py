"""Two who talk while something else goes on, and how long each message takes to be known to be on disk with the other one."""

from __future__ import annotations

import asyncio
import time

from tests.bench.peer import Peer

EVERY = 0.05
"""Seconds from one message to the next: few enough that they are not what the other one is busy with."""
PATIENCE = 60.0


class Chat:
    """`one` says something in `room` every `EVERY` seconds, whether or not what was said before has arrived: so a moment in which
    nothing moves counts for all that is said in it."""

    def __init__(self, one: Peer, room: str) -> None:
        self.one, self.room = one, room
        self._said: dict[str, float] = {}
        self._heard: dict[str, float] = {}
        self._more = asyncio.Event()

    async def talk(self, is_over: asyncio.Event) -> None:
        """Until it is over and the other one has all of it on disk."""
        hearing = asyncio.create_task(self._hear())
        try:
            await asyncio.gather(*await self._say_all(is_over))
            async with asyncio.timeout(PATIENCE):
                while self._said.keys() - self._heard.keys():
                    self._more.clear()
                    await self._more.wait()
        finally:
            hearing.cancel()
            await asyncio.wait([hearing])

    def seconds(self, since: float) -> list[float]:
        """From the request until it was told that the other one has it on disk, of what was said `since` then (perf_counter)."""
        return [self._heard[message] - said for message, said in self._said.items() if said >= since]

    async def _say_all(self, is_over: asyncio.Event) -> list[asyncio.Task[None]]:
        saying: list[asyncio.Task[None]] = []
        at = time.perf_counter()
        while not is_over.is_set():
            saying.append(asyncio.create_task(self._say(len(saying))))
            at += EVERY
            await asyncio.sleep(max(0.0, at - time.perf_counter()))
        return saying

    async def _say(self, number: int) -> None:
        began = time.perf_counter()
        sent = await self.one.ask("messages.send", room=self.room, text=f"said meanwhile, as number {number} of a conversation")
        self._said[sent["id"]] = began

    async def _hear(self) -> None:
        while True:
            event = await self.one.until("delivered")
            if event["delivered_to"]:
                self._heard.setdefault(event["message"], time.perf_counter())
                self._more.set()
