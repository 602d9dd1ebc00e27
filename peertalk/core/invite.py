"""What a code is good for: tries, uses, time, and whose turn it is (docs/protocol.md, "What a code is good for").

Visits are numbered by whoever drives it. A visit asks, gets its turn once there is one, and then has confirmed or is lost; whatever
order that happens in, no more elements leave for wrong words than there are tries.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import Literal

from peertalk.core.pairing import Status
from peertalk.core.spake import Way

TRIES_A_USE = 3
MAX_TRIES = 30
MAX_USES = 256
MIN_SECONDS, MAX_SECONDS = 10, 86_400
WORDS_PER_SOURCE = 3
LINKS_IN_FLIGHT = 4
MAX_SOURCES = 256
"""Of so many it is remembered when somebody from there had a turn."""
LINKS_A_SECOND = 8
ANSWERED_SECONDS = 600.0

Closed = Literal["cancelled", "sealed"]
Death = Literal["used_up", "guessed", "expired"] | Closed
_SAID: dict[Death | None, Status] = {
    "used_up": Status.USED_UP, "expired": Status.EXPIRED, "cancelled": Status.EXPIRED, "sealed": Status.SEALED
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Turn:
    """A visit that has waited long enough: with GO_ON its element may leave, with anything else it is told that."""

    visit: int
    status: Status


@dataclass(frozen=True, slots=True)
class _Visit:
    source: str
    way: Way


class Invitation:
    """One code. Times are monotonic seconds. After each call `turns` says who is to be answered now; `wake` when to ask again."""

    def __init__(self, *, slot: int, uses: int, seconds: float, now: float) -> None:
        if not (1 <= uses <= MAX_USES and MIN_SECONDS <= seconds <= MAX_SECONDS):
            raise ValueError("1 to 256 uses, for 10 seconds to a day")
        self.slot = slot
        self.expires = now + seconds
        self.uses = uses
        self._tries = min(MAX_TRIES, TRIES_A_USE * uses)
        self._ended: tuple[Death, float] | None = None
        self._waiting: dict[int, _Visit] = {}
        self._flying: dict[int, _Visit] = {}
        self._had_turns: dict[str, int] = {}  # source → the how-manieth turn was its last
        self._turns = 0
        self._links_from = now - 1.0  # when the next may be begun; as far back as there may be several at once

    # ── how it stands ────────────────────────────────────────────────────────────────────────────────────────────────

    def died(self, now: float) -> Death | None:
        """Why it lets nobody in any more by its words. A link that goes with them is good until there is another reason than
        `guessed`."""
        if self._ended is not None:
            return self._ended[0]
        if now >= self.expires:
            return "expired"
        return None if self._tries or self._words_in_flight() else "guessed"

    def is_alive(self, now: float) -> bool:
        """Whether it lets anybody in, by words or link."""
        return self.died(now) in {None, "guessed"}

    def is_gone(self, now: float) -> bool:
        """Whether it has been dead for so long that its slot is no longer answered."""
        return now >= self._end() + ANSWERED_SECONDS

    def status(self, way: Way, now: float) -> Status:
        """What somebody is told who comes now by this way."""
        why = self.died(now)
        return Status.USED_UP if why == "guessed" and way is Way.WORDS else _SAID.get(why, Status.GO_ON)

    def wake(self, now: float) -> float:
        """When to call `turns` and look at `died` and `is_gone` again, if nothing else happens."""
        if not self.is_alive(now):
            return self._end() + ANSWERED_SECONDS
        # also where that has passed by now: who waits was perhaps asked for their turn just before
        waits_for_pace = any(visit.way is Way.LINK and self._has_room(visit) for visit in self._waiting.values())
        return min(self.expires, self._links_from if waits_for_pace else math.inf)

    # ── what happens ─────────────────────────────────────────────────────────────────────────────────────────────────

    def ask(self, visit: int, source: str, way: Way) -> None:
        """Somebody wants to be let in, from this source."""
        self._waiting[visit] = _Visit(source, way)

    def turns(self, now: float) -> list[Turn]:
        """Whose turn it is now: of whom nobody from the same source had one, or had it longest ago, so that who holds many places keeps
        nobody out who comes from elsewhere. For each with GO_ON a try is reserved."""
        given = []
        for visit, who in sorted(self._waiting.items(), key=lambda waiting: self._had_turns.get(waiting[1].source, 0)):
            status = self.status(who.way, now)
            if status is Status.GO_ON:
                if not self._has_place(who, now):
                    continue
                self._reserve(visit, who, now)
            del self._waiting[visit]
            given.append(Turn(visit, status))
        return given

    def confirm(self, visit: int, now: float) -> Status:
        """Its words were right: what it gets. With GO_ON the room leaves, and a use is counted."""
        who = self._flying.pop(visit)
        self._tries += who.way is Way.WORDS
        if self._ended is not None:
            return _SAID[self._ended[0]]
        self.uses -= 1
        if not self.uses:
            self._ended = "used_up", now
        return Status.GO_ON

    def lose(self, visit: int) -> None:
        """It has ended without having confirmed, whatever way; a try that was reserved for it is spent."""
        self._waiting.pop(visit, None)
        self._flying.pop(visit, None)

    def end(self, why: Closed | Literal["expired"], now: float) -> None:
        """Taken back, as when the room was left; or the room was closed; or its time was over sooner than the clock here says."""
        if self.is_alive(now):
            self._ended = why, now

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _end(self) -> float:
        return self.expires if self._ended is None else min(self.expires, self._ended[1])

    def _words_in_flight(self) -> int:
        return sum(who.way is Way.WORDS for who in self._flying.values())

    def _has_place(self, who: _Visit, now: float) -> bool:
        return self._has_room(who) and (who.way is Way.WORDS or self._links_from <= now)

    def _has_room(self, who: _Visit) -> bool:
        """Whether there are few enough in flight."""
        same = [one for one in self._flying.values() if one.way is who.way]
        if who.way is Way.LINK:
            return len(same) < LINKS_IN_FLIGHT
        return self._tries > 0 and Counter(one.source for one in same)[who.source] < WORDS_PER_SOURCE

    def _reserve(self, visit: int, who: _Visit, now: float) -> None:
        self._flying[visit] = who
        self._turns += 1
        self._had_turns.pop(who.source, None)
        self._had_turns[who.source] = self._turns
        if len(self._had_turns) > MAX_SOURCES:
            del self._had_turns[next(iter(self._had_turns))]
        if who.way is Way.WORDS:
            self._tries -= 1
        else:
            self._links_from = max(self._links_from, now - 1 + 1 / LINKS_A_SECOND) + 1 / LINKS_A_SECOND
