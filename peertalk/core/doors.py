"""Whether the door of a private room is closed, and who is inside: a function of the set of entries (docs/protocol.md, "Doors")."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from peertalk.core.cards import Cards
from peertalk.core.effects import DoorChange
from peertalk.core.entry import Admit, Seal, Unseal, open_body
from peertalk.core.events import RoomKind
from peertalk.core.stored import EntryRecord, OutboxRecord

DOOR_KINDS = ("seal", "admit", "unseal")

Turn = Seal | Admit | Unseal


@dataclass(slots=True)
class State:
    """A door after some turns. `sealers` are the feeds that closed it: whoever closes a door is inside."""

    is_closed: bool = False
    admitted: set[bytes] = field(default_factory=set)
    sealers: set[bytes] = field(default_factory=set)

    def take(self, turn: Turn, feed: bytes) -> None:
        """What was said next. Closing a closed door lets those in who are named by either: nobody shuts others out by being
        later."""
        match turn:
            case Seal(admitted):
                self.is_closed = True
                self.admitted.update(admitted)
                self.sealers.add(feed)
            case Admit(who) if self.is_closed:
                self.admitted.add(who)
            case Unseal():
                self.is_closed = False
                self.admitted.clear()
                self.sealers.clear()

    def copy(self) -> State:
        return State(self.is_closed, set(self.admitted), set(self.sealers))


class Door:
    """The door of one room. What oneself has said and is not in its place yet (in `outbox`) counts last. `kind`: only private
    rooms have a door that can be closed, the others are everybody's or of two."""

    def __init__(
        self, cards: Cards, me: bytes, kind: RoomKind, entries: Iterable[EntryRecord], outbox: Sequence[OutboxRecord]
    ) -> None:
        self._cards, self._me, self._outbox = cards, me, outbox
        self._is_private = kind == "private"
        self._turns: list[tuple[tuple[int, bytes], bytes, Turn]] = []
        self._settled = State()
        self._is_stale = False
        for entry in entries:
            self.add(entry)

    def add(self, entry: EntryRecord) -> None:
        """Take in a settled entry, in whatever order they come."""
        turn = _turn(entry.kind, entry.body) if self._is_private else None
        if turn is None:
            return
        one = ((entry.lamport, entry.id), entry.feed, turn)
        if not self._turns or one[0] > self._turns[-1][0]:
            self._turns.append(one)
            self._settled.take(turn, entry.feed)
            return
        insort(self._turns, one, key=lambda each: each[0])
        self._is_stale = True  # gone through when somebody asks: many may come at once

    def _go_through(self) -> None:
        """From the last time on that the door was opened: what was before does not matter."""
        self._is_stale, self._settled = False, State()
        opened = [place for place, (_, _, turn) in enumerate(self._turns) if isinstance(turn, Unseal)]
        for _, feed, turn in self._turns[opened[-1] if opened else 0 :]:
            self._settled.take(turn, feed)

    def _now(self) -> State:
        if self._is_stale:
            self._go_through()
        said = [one for one in self._outbox if one.kind in DOOR_KINDS] if self._is_private else []
        turns = [turn for one in said if (turn := _turn(one.kind, one.body)) is not None]
        if not turns:
            return self._settled
        state = self._settled.copy()
        for turn in turns:
            state.take(turn, b"")
            if isinstance(turn, Seal):
                state.admitted.add(self._me)
        return state

    @property
    def is_closed(self) -> bool:
        """Does nobody come in who is not admitted?"""
        return self._now().is_closed

    def admits(self, *identities: bytes) -> bool:
        """May the room be spoken of with these?"""
        state = self._now()
        return not state.is_closed or all(self._is_inside(state, identity) for identity in identities)

    def _is_inside(self, state: State, identity: bytes) -> bool:
        return identity in state.admitted or bool(self._cards.feeds(identity, state.sealers))


class Seen(NamedTuple):
    """How a door looks from here; `waiting` stand before it."""

    is_closed: bool = False
    is_outside: bool = False
    waiting: frozenset[bytes] = frozenset()

    def since(self, before: Seen) -> DoorChange | None:
        """What is to be told, the most important change."""
        if self.is_outside != before.is_outside:
            return "outside"
        if self.is_closed != before.is_closed:
            return "sealed" if self.is_closed else "unsealed"
        return "members" if self.waiting != before.waiting else None


def _turn(kind: str, body: bytes | None) -> Turn | None:
    content = open_body(kind, body) if kind in DOOR_KINDS and body is not None else None
    return content if isinstance(content, Turn) else None
