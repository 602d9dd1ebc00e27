"""Coming in by a code: whom to ask, and what becomes of it (docs/protocol.md, "The joiner")."""

from __future__ import annotations

import asyncio
import random as unsafe
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

from peertalk.core.codes import Code
from peertalk.core.entry import Random
from peertalk.core.pairing import Answered, Given, SlotFound, Status
from peertalk.core.rooms import Terms, decode_terms
from peertalk.core.spake import Confirmations, Offer, Way
from peertalk.errors import RemoteError, RequestError
from peertalk.node.dialing import drop
from peertalk.node.interfaces import may_listen
from peertalk.node.targets import Endpoint
from peertalk.node.visits import Seeks, Visit, visit

AT_ONCE = 16
MAX_CONFIRMED = 64
PLACE_SECONDS = 1.0  # that a dial holds its place at most …
SILENT_SECONDS = 0.3  # … and once it is connected: who has the slot says so at once
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 4.0
COLLECT_SECONDS = 1.0
LOOK_SECONDS = 0.2  # between two looks at who is known now
REASONS = ("sealed", "used_up", "expired", "wrong", "not_reachable")  # which is said where there are several: the first
_SAID = {Status.SEALED: "sealed", Status.USED_UP: "used_up", Status.EXPIRED: "expired"}

Endpoints = tuple[Endpoint, ...]


@dataclass(slots=True, eq=False)
class Candidate:
    """Somebody who may have the slot: where, and when to ask (again). `spent`: nothing more is to be had there."""

    endpoints: Endpoints
    due: float
    pause: float = FIRST_PAUSE
    since: float | None = None
    found: bool = False
    spent: bool = False
    task: asyncio.Task[None] | None = None

    def holds_up(self, now: float) -> bool:
        """Whether it may still change what is known: it was never asked, is in its first second, or has found the slot."""
        if self.since is None:
            return True
        return self.task is not None and (self.found or now - self.since < PLACE_SECONDS)


@dataclass(frozen=True, slots=True)
class Answer:
    """A room that the code leads to, by whom, and on which connection."""

    terms: Terms
    raw: bytes
    inviter: bytes
    visit: Visit


class Search:
    """One code that somebody wants to come in by. `known` tells where peers are, `compute` runs what takes milliseconds."""

    def __init__(self, code: Code, links: Seeks, known: Callable[[], Iterable[Endpoints]], random: Random) -> None:
        self._code, self._links, self._known, self._random = code, links, known, random
        self._way = Way.WORDS if code.way == "words" else Way.LINK
        self._candidates: list[Candidate] = []
        self._visits: set[Visit] = set()
        self._answers: list[Answer] = []
        self._said: set[str] = set()
        self._places = asyncio.Semaphore(AT_ONCE)
        self._computing = asyncio.Lock()
        self._confirmed = 0
        self._changed_at = 0.0
        self._now = asyncio.get_running_loop().time

    async def run(self, seconds: float) -> Answer:
        """The answer, its connection still up. RequestError bad_code with the reason, sealed, not_reachable."""
        end = self._now() + seconds
        answer: Answer | None = None
        try:
            while not self._is_decided(end):
                self._begin()
                running = [one.task for one in self._candidates if one.task is not None]
                await asyncio.wait(
                    [*running, asyncio.ensure_future(asyncio.sleep(LOOK_SECONDS))], return_when=asyncio.FIRST_COMPLETED
                )
            answer = self._verdict()
        finally:
            await self._end(answer)
        return answer

    async def _end(self, answer: Answer | None) -> None:
        tasks = [one.task for one in self._candidates if one.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for one in self._visits:
            if answer is None or one is not answer.visit:
                one.close("spare")
