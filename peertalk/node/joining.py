"""Coming in by a code: whom to ask, and what becomes of it (docs/protocol.md, "The joiner")."""

from __future__ import annotations

import asyncio
import ipaddress
import math
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from peertalk.core.codes import Code
from peertalk.core.entry import Random
from peertalk.core.pairing import Answered, Given, SlotFound, Status
from peertalk.core.room import Room
from peertalk.core.rooms import Terms, decode_terms
from peertalk.core.spake import Bound, Offer, Way
from peertalk.errors import RemoteError, RequestError
from peertalk.node.dialing import wait
from peertalk.node.interfaces import may_listen
from peertalk.node.targets import Endpoint
from peertalk.node.visits import Seeks, Visit, visit

AT_ONCE = 16
MAX_CONFIRMED = 64
MAX_AT_ONE_HOST = 8  # one machine can announce itself hundreds of times
PLACE_SECONDS = 1.0  # that a dial holds its place at most …
SILENT_SECONDS = 0.3  # … and once it is connected: who has the slot says so at once
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 4.0
COLLECT_SECONDS = 1.0
LOOK_SECONDS = 0.2  # between two looks at who is known now
REASONS = ("sealed", "used_up", "expired", "wrong", "not_reachable")  # which is said where there are several: the first
_SAID = {Status.SEALED: "sealed", Status.USED_UP: "used_up", Status.EXPIRED: "expired"}

T = TypeVar("T")
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
        self._asked: set[Endpoint] = set()
        self._visits: set[Visit] = set()
        self._answers: list[Answer] = []
        self._said: set[str] = set()
        self._places = asyncio.Semaphore(AT_ONCE)
        self._computing = asyncio.Lock()
        self._confirmed: Counter[str] = Counter()  # host → who got a guess there
        self._first = math.inf  # when there was an answer
        self._last = -math.inf  # when there was a reason
        self._now = asyncio.get_running_loop().time

    async def run(self, seconds: float) -> Answer:
        """The answer, its connection still up. RequestError bad_code with the reason, sealed, not_reachable."""
        end = self._now() + seconds
        answer: Answer | None = None
        try:
            while not self._is_decided(end):
                self._begin()
                await self._something(min(LOOK_SECONDS, max(0.0, end - self._now())))
            answer = self._verdict()
        finally:
            await self._end(answer)
        return answer

    async def _something(self, longest: float) -> None:
        running = [one.task for one in self._candidates if one.task is not None]
        if running:
            await asyncio.wait(running, timeout=longest, return_when=asyncio.FIRST_COMPLETED)
        else:
            await asyncio.sleep(longest)

    async def _end(self, answer: Answer | None) -> None:
        tasks = [one.task for one in self._candidates if one.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for one in self._visits:
            if answer is None or one is not answer.visit:
                one.close("spare")

    # ── what is known ────────────────────────────────────────────────────────────────────────────────────────────────

    def _is_decided(self, end: float) -> bool:
        now = self._now()
        if now >= end or len({one.raw for one in self._answers}) > 1:
            return True
        if not (self._answers or self._said):
            return False
        is_open = any(one.holds_up(now) for one in self._candidates)
        if self._answers:
            return not is_open or now >= self._first + COLLECT_SECONDS
        return not is_open and now >= self._last + COLLECT_SECONDS

    def _verdict(self) -> Answer:
        if len({one.raw for one in self._answers}) > 1:
            raise RequestError("bad_code", reason="two_rooms")
        if self._answers:
            return self._answers[0]
        reason = next((one for one in REASONS if one in self._said), "not_found")
        if reason == "sealed":
            raise RequestError("sealed")
        if reason == "not_reachable":
            raise RequestError("not_reachable", why="vanished")
        raise RequestError("bad_code", reason=reason)

    def _note(self, reason: str) -> None:
        self._said.add(reason)
        self._last = self._now()

    # ── asking ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _begin(self) -> None:
        """Ask everybody who is known now and whose turn it is."""
        now = self._now()
        self._add(tuple(hint for hint in self._code.hints if may_listen(hint[1])), now)
        for endpoints in sorted(self._known(), key=lambda _: self._random(8)):
            self._add(endpoints, now)
        for one in self._candidates:
            if one.task is None and not one.spent and one.due <= now and self._confirmed.total() < MAX_CONFIRMED:
                one.task = asyncio.create_task(self._ask(one))

    def _add(self, endpoints: Endpoints, now: float) -> None:
        """Nobody is asked twice, under whatever names: that would cost a second try, or use."""
        if endpoints and self._asked.isdisjoint(endpoints):
            self._asked.update(endpoints)
            self._candidates.append(Candidate(endpoints, now))

    async def _ask(self, one: Candidate) -> None:
        try:
            found = await self._find(one)
            event = await found.next() if found is not None else None
            if found is not None and isinstance(event, SlotFound):
                one.found = True
                await self._pair(one, found, Bound(event.anonymous, self._code.slot, self._way))
        finally:
            chance = 0.5 + 0.5 * self._random(1)[0] / 255
            one.task, one.found = None, False
            one.due, one.pause = self._now() + one.pause * chance, min(2 * one.pause, LONGEST_PAUSE)
            one.endpoints = one.endpoints[1:] + one.endpoints[:1]

    async def _find(self, one: Candidate) -> Visit | None:
        """A connection to one of them. It holds a place only as long as it may be about to say something."""
        async with self._places:
            one.since = self._now()
            connecting = asyncio.create_task(self._connect(one.endpoints))
            try:
                await asyncio.wait({connecting}, timeout=PLACE_SECONDS)
                if connecting.done() and (found := connecting.result()) is not None:
                    await wait(found.heard, SILENT_SECONDS)
            except asyncio.CancelledError:
                connecting.cancel()
                raise
        return await connecting

    async def _connect(self, endpoints: Endpoints) -> Visit | None:
        found = await visit(self._links, endpoints, {self._code.slot})
        if found is not None:
            self._visits.add(found)
        return found

    async def _pair(self, one: Candidate, found: Visit, bound: Bound) -> None:
        offer = await self._compute(lambda: Offer(bound, self._code.password, self._random))
        found.say(lambda pairing, _: pairing.ask(bound.way, offer.element))
        event = await found.next()
        if not isinstance(event, Answered):
            return
        one.spent = True
        if event.status is not Status.GO_ON:
            self._note(_SAID[event.status])
        elif self._may_confirm(found.link.address[0]):
            self._confirmed[found.link.address[0]] += 1  # whoever does not know the words has one guess now
            await self._confirm(found, offer, event.element)

    def _may_confirm(self, host: str) -> bool:
        """One machine must not use up all guesses before others are asked; this one itself is trusted with them."""
        of_host = MAX_CONFIRMED if is_here(host) else MAX_AT_ONE_HOST
        return self._confirmed.total() < MAX_CONFIRMED and self._confirmed[host] < of_host

    async def _confirm(self, found: Visit, offer: Offer, element: bytes) -> None:
        try:
            confirmations = await self._compute(lambda: offer.finish(element))
        except RemoteError as error:
            found.close(error.kind)
            return
        found.say(lambda pairing, now: pairing.confirm(confirmations, now))
        event = await found.next()
        if isinstance(event, Given) and event.status is not Status.GO_ON:
            self._note(_SAID[event.status])
        elif isinstance(event, Given):
            self._take(event, found)
        else:
            self._note("not_reachable" if found.reason == "handshake_timeout" else "wrong")

    def _take(self, given: Given, found: Visit) -> None:
        try:
            terms = decode_terms(given.terms)
        except RemoteError as error:
            found.close(error.kind)
            self._note("wrong")
            return
        self._first = min(self._first, self._now())
        self._answers.append(Answer(terms, given.terms, given.identity, found))

    async def _compute(self, work: Callable[[], T]) -> T:
        """One at a time: the loop has other things to do meanwhile."""
        async with self._computing:
            return await asyncio.to_thread(work)


def is_here(host: str) -> bool:
    """Is this the address of this very machine?"""
    return ipaddress.ip_address(host.partition("%")[0]).is_loopback


class Joining:
    """Comes in by codes. `known` tells where peers are; `join` makes a room of terms, durably; `meet` sees to it that somebody at an
    address is linked with."""

    def __init__(
        self,
        links: Seeks,
        random: Random,
        *,
        identity: bytes,
        known: Callable[[], Iterable[Endpoints]],
        join: Callable[[Terms, bytes], Awaitable[Room]],
        meet: Callable[[bytes, Endpoint], None],
    ) -> None:
        self._links, self._random, self._identity = links, random, identity
        self._known, self._join, self._meet = known, join, meet
        self._running: set[asyncio.Task[Room]] = set()
        self._is_closed = False

    async def accept(self, code: Code, seconds: float) -> Room:
        """The room that the code leads to, once it is joined and on disk. RequestError as Search; refused (left_out: it was re-formed
        without us); not_reachable (closing)."""
        if self._is_closed:
            raise RequestError("not_reachable", why="closing")
        accepting = asyncio.create_task(self._accept(code, seconds))
        self._running.add(accepting)
        accepting.add_done_callback(self._running.discard)
        try:
            await asyncio.wait({accepting})
        finally:
            accepting.cancel()
        if accepting.cancelled():
            raise RequestError("not_reachable", why="closing")
        return accepting.result()

    async def _accept(self, code: Code, seconds: float) -> Room:
        answer = await Search(code, self._links, self._known, self._random).run(seconds)
        try:
            if self._identity in answer.terms.without:
                raise RequestError("refused", why="left_out")
            room = await self._join(answer.terms, answer.inviter)
            answer.visit.say(lambda pairing, _: pairing.come(self._identity))
        finally:
            answer.visit.close("closing")
        self._meet(answer.inviter, answer.visit.link.address)
        return room

    async def close(self) -> None:
        """Whoever still waits is told that nobody was reached."""
        self._is_closed = True
        for accepting in self._running:
            accepting.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
