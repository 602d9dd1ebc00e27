"""Asking for what others claim and this replica lacks (docs/protocol.md, "Requests").

One request a room is under way at a time, and it moves to another claimant as soon as it stops bringing anything. The answer
is all that is lacking up to the wanted tips, whoever wrote it: so everybody serves everything, not only what they wrote.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from peertalk.core import intake, wire
from peertalk.core.effects import Close, Send, SyncStep
from peertalk.core.outlet import Now
from peertalk.core.room import Room
from peertalk.core.sharing import FEW, Sharing
from peertalk.core.stored import PageRecord
from peertalk.errors import RemoteError

PATIENCE = 2.0
"""Seconds without anything useful after which a request is given to another peer."""
LONGEST = 15.0
"""Seconds after which a request is given up even if it still trickles."""
MOST_EXPECTED = 1_000_000
"""Entries behind that a progress bar believes in."""
MAX_UNWRITTEN = 4 << 20
"""Bytes of pages that wait for the disk beyond which nothing more is asked for, in any room."""
WORTH_TELLING = 200
"""Entries behind from which on progress is told."""


@dataclass(slots=True)
class _Request:
    sharing: Sharing
    deadline: float
    end: float
    is_for_all: bool = False
    """It asks for all that the peer holds, whatever is noted of that."""
    brought: int = 0


class Asking:
    """The requests of one room."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self._request: _Request | None = None
        self._bodies: _Request | None = None
        self._done, self._total = 0, 0
        self._turn = 0
        self._ask_after = 0.0

    # ── pages ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def pump(self, now: Now) -> None:
        """Ask if something is lacking and nobody is being asked; give up on who does not answer."""
        if self._is_idle:
            return
        request = self._request
        if request is not None and self._is_over(request, now):
            request.sharing.fail(now.mono)
            self._request, request.sharing.is_catching_up = None, False
        if self._request is None:
            self._ask(now)
        self._ask_bodies(now)

    @property
    def _is_idle(self) -> bool:
        """Is nothing lacking, and nobody asked?"""
        is_asked = self._request is not None or self._bodies is not None
        return not (is_asked or self.room.agenda.claimants or self.room.bodies.absent)

    def _is_over(self, request: _Request, now: Now) -> bool:
        gone = self.room.sharings.get(request.sharing.link) is not request.sharing
        return gone or now.mono >= min(request.deadline, request.end)

    def _due(self, sharing: Sharing, now: Now) -> Iterator[bytes]:
        for tip in [tip for tip in sharing.wanted if tip in self.room.log.index]:
            sharing.note(self.room.log, tip)
        return (tip for tip, at in sharing.wanted.items() if at <= now.mono)

    @property
    def _is_full(self) -> bool:
        """Does so much wait for the disk that nothing more is asked for? What was asked for still comes."""
        return self.room.outlet.unwritten > MAX_UNWRITTEN

    def _ask(self, now: Now) -> None:
        if self._ask_after > now.mono or self._is_full:
            return
        claim = [one for one in self.room.agenda.wanting() if (one.wanted or one.lacks_unnoted) and one.ask_after <= now.mono]
        for sharing in sorted(claim, key=lambda sharing: sharing.asked):
            tips = tuple(islice(self._due(sharing, now), wire.MAX_WANT))
            is_for_all = sharing.lacks_unnoted
            if is_for_all:
                tips = self._newest_of(sharing)
            if tips:
                self._turn += 1
                sharing.asked = self._turn
                sharing.is_eager, sharing.is_catching_up = True, len(tips) > FEW
                self._request = _Request(sharing, now.mono + PATIENCE, now.mono + LONGEST, is_for_all)
                self.room.outlet.emit(Send(sharing.link, wire.Want(self.room.id, tips, self._known(sharing))))
                return

    def _newest_of(self, sharing: Sharing) -> tuple[bytes, ...]:
        """What the peer holds and what settled last here: all that settled before it there is an answer."""
        index = self.room.log.index
        return tuple(heapq.nlargest(wire.MAX_WANT, sharing.held(), key=lambda tip: index[tip].number))

    def _known(self, sharing: Sharing) -> tuple[bytes, ...]:
        """For each feed where we may part: my tips, and the peer's own that are here, or a sample of mine."""

        def of_all() -> Iterator[bytes]:
            for feed, chain in self.room.log.chains.items():
                held = sharing.holds.get(feed)
                yield from {**held, **chain.tips} if held else chain.sample()

        return tuple(islice(of_all(), wire.MAX_KNOWN))

    def put_off(self, sharing: Sharing, now: Now) -> None:
        """The answer of `sharing` exceeds what is taken in now: nobody is asked for the same before `PUT_OFF` is over."""
        if self._request is not None and self._request.sharing is sharing:
            self._ask_after = now.mono + intake.PUT_OFF

    def brought(self, sharing: Sharing, entries: int, now: Now) -> None:
        """A page of `sharing` settled with so many new entries; none if it was here already."""
        if self._request is not None and self._request.sharing is sharing:
            self._request.brought += entries
            self._request.deadline = now.mono + PATIENCE
            self._done += entries
            sharing.is_catching_up |= self._request.brought > FEW

    def done(self, sharing: Sharing, *, more: bool, now: Now) -> None:
        """The answer of `sharing` is complete."""
        request = self._request
        if request is None or request.sharing is not sharing:
            return
        self._request, sharing.is_catching_up = None, False
        sharing.wants_more &= more or not request.is_for_all
        if request.brought == 0:
            sharing.fail(now.mono)
            return
        sharing.backoff = 0.0
        self._tell_progress(more=more)

    def expect(self, entries: int) -> None:
        """A peer says that it has this many entries in all."""
        self._total = max(self._total, self._done + min(entries - self.room.log.count, MOST_EXPECTED))

    def _tell_progress(self, *, more: bool) -> None:
        if not more:
            self._total = self._done if self._total >= WORTH_TELLING else 0
        if self._total >= WORTH_TELLING:
            self.room.outlet.emit(SyncStep(self.room.id, self._done, max(self._done, self._total)))
        if not more:
            self._done = self._total = 0

    # ── bodies ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _ask_bodies(self, now: Now) -> None:
        if self._bodies is not None and self._is_over(self._bodies, now):
            self._bodies.sharing.fail_bodies(now.mono)
            self._bodies = None
        if not self.room.bodies.absent or self._bodies is not None:
            return
        able = [sharing for sharing in self.room.ready() if sharing.bodies_after <= now.mono]
        if able:
            sharing = min(able, key=lambda sharing: sharing.bodies_asked)
            self._turn += 1
            sharing.bodies_asked = self._turn
            self._bodies = _Request(sharing, now.mono + PATIENCE, now.mono + LONGEST)
            self.room.outlet.emit(Send(sharing.link, wire.WantBodies(self.room.id, self._next_absent())))

    def _next_absent(self) -> tuple[bytes, ...]:
        """Those that were not asked for longest: nobody holds the others up by keeping some back."""
        absent = self.room.bodies.absent
        entries = tuple(islice(absent, wire.MAX_WANT))
        for id_ in entries:
            absent[id_] = absent.pop(id_)
        return entries

    def receive_bodies(self, sharing: Sharing, message: wire.Bodies, now: Now) -> None:
        """Bodies came: load what they belong to, then keep them."""
        if self._bodies is None or self._bodies.sharing is not sharing:
            return
        bodies = {id_: body for id_, body in message.bodies if id_ in self.room.bodies.absent}
        if not bodies:
            self._bodies = None
            sharing.fail_bodies(now.mono)
            return
        size = sum(map(len, bodies.values()))
        charged = intake.charged(self.room, sharing, 0, size, now)
        if charged is None:
            self._bodies, sharing.bodies_after = None, now.mono + intake.PUT_OFF
            return
        for quota in charged:
            quota.charge(0, size, now.mono)
        numbers = tuple(sorted({self.room.log.index[id_].number for id_ in bodies}))
        self.room.outlet.load_pages(self.room.id, numbers, lambda pages, _: self._fill(sharing, bodies, pages))

    def _fill(self, sharing: Sharing, bodies: dict[bytes, bytes], pages: Sequence[PageRecord]) -> None:
        self._bodies = None
        try:
            self.room.bodies.fill(bodies, pages)
        except RemoteError as error:
            self.room.outlet.emit(Close(sharing.link, error.kind))

    # ── when ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def wake(self, now: Now) -> float:
        """When `pump` has something to do next (monotonic seconds)."""
        return math.inf if self._is_idle else min(self._wakes(now), default=math.inf)

    def _wakes(self, now: Now) -> Iterator[float]:
        for request in (self._request, self._bodies):
            if request is not None:
                yield min(request.deadline, request.end)
        asks = self._request is None and not self._is_full
        for sharing in self.room.agenda.wanting() if asks else ():
            if sharing.wanted or sharing.lacks_unnoted:
                yield max(self._ask_after, sharing.ask_after, min(sharing.wanted.values(), default=now.mono), now.mono)
        if self.room.bodies.absent and self._bodies is None:
            yield from (max(sharing.bodies_after, now.mono) for sharing in self.room.ready())
