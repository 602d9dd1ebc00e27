"""Whether the door of a private room is closed, and who is inside: a function of the set of entries (docs/protocol.md, "Doors")."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import NamedTuple

from peertalk.core.cards import Cards
from peertalk.core.effects import DoorChange
from peertalk.core.entry import Admit, Seal, Unseal, open_body
from peertalk.core.events import RoomKind
from peertalk.core.stored import EntryRecord, OutboxRecord

DOOR_KINDS = ("seal", "admit", "unseal")

Turn = Seal | Admit | Unseal


Place = tuple[int, bytes]
"""Of an entry in the order shown: Lamport time, id."""


class Turns:
    """All turns, and who is admitted by those from the last `unseal` on. What a turn costs does not follow from how many there are:
    a member could write thousands, each in front of all others."""

    def __init__(self) -> None:
        self._turns: list[tuple[Place, bytes, Turn]] = []
        self._opened: Place = (0, b"")
        self._closed: Place | None = None
        self._admitted: Counter[bytes] = Counter()
        self.sealers: Counter[bytes] = Counter()
        """The feeds that closed the door: whoever closes it is inside."""

    @property
    def is_closed(self) -> bool:
        return self._closed is not None

    def admits(self, identity: bytes) -> bool:
        return identity in self._admitted

    def __len__(self) -> int:
        return len(self._turns)

    def those(self, count: Callable[[bytes], bool]) -> Turns:
        """The same with those alone whose entries count."""
        some = Turns()
        for place, feed, turn in self._turns:
            if count(place[1]):
                some.take(place, feed, turn)
        return some

    def take(self, place: Place, feed: bytes, turn: Turn) -> None:
        """What was said there, in whatever order it is heard. What was before the door was opened last never matters again."""
        at = bisect_left(self._turns, place, key=_place)
        self._turns.insert(at, (place, feed, turn))
        if place < self._opened:
            return
        if isinstance(turn, Unseal):
            self._open(place, at)
        elif self._closed is not None and place > self._closed:
            self._count(feed, turn)
        elif isinstance(turn, Seal):
            self._close(at)

    def _close(self, at: int) -> None:
        """The door is closed from this turn on: so those behind it count, up to where it was closed before."""
        before, self._closed = self._closed, self._turns[at][0]
        end = len(self._turns) if before is None else bisect_left(self._turns, before, key=_place)
        for _, feed, turn in self._turns[at:end]:
            self._count(feed, turn)

    def _open(self, place: Place, at: int) -> None:
        """Nothing counts that was said before, nor who was let in after it while the door is open."""
        self._opened = place
        if self._closed is not None and self._closed < place:
            closes = next((n for n in range(at, len(self._turns)) if isinstance(self._turns[n][2], Seal)), len(self._turns))
            for _, feed, turn in self._turns[bisect_left(self._turns, self._closed, key=_place) : closes]:
                self._count(feed, turn, -1)
            self._closed = self._turns[closes][0] if closes < len(self._turns) else None

    def _count(self, feed: bytes, turn: Turn, by: int = 1) -> None:
        for identity in turn.admitted if isinstance(turn, Seal) else (turn.who,) if isinstance(turn, Admit) else ():
            _add(self._admitted, identity, by)
        if isinstance(turn, Seal):
            _add(self.sealers, feed, by)


def _place(one: tuple[Place, bytes, Turn]) -> Place:
    return one[0]


def _add(counter: Counter[bytes], key: bytes, by: int) -> None:
    counter[key] += by
    if not counter[key]:
        del counter[key]


class Now(NamedTuple):
    """How the door stands with what waits: `counts`, whether what has settled still does; `admitted` are in beside that."""

    is_closed: bool
    counts: bool
    admitted: frozenset[bytes]


class Door:
    """The door of one room. What oneself has said and is not in its place yet (in `outbox`) counts last. `kind`: only private
    rooms have a door that can be closed, the others are everybody's or of two."""

    def __init__(
        self, cards: Cards, me: bytes, kind: RoomKind, entries: Iterable[EntryRecord], outbox: Sequence[OutboxRecord]
    ) -> None:
        self._cards, self._me, self._outbox = cards, me, outbox
        self._is_private = kind == "private"
        self._settled = Turns()
        self._parted: tuple[Hashable, Turns] = None, Turns()
        for entry in entries:
            self.add(entry)

    def add(self, entry: EntryRecord) -> None:
        """Take in a settled entry, in whatever order they come."""
        turn = _turn(entry.kind, entry.body) if self._is_private else None
        if turn is not None:
            self._settled.take((entry.lamport, entry.id), entry.feed, turn)

    def _now(self) -> Now:
        now = Now(self._settled.is_closed, True, frozenset())
        for turn in (_turn(one.kind, one.body) for one in self._outbox) if self._is_private else ():
            match turn:
                case Seal(admitted):
                    now = now._replace(is_closed=True, admitted=now.admitted.union(admitted, (self._me,)))
                case Admit(who) if now.is_closed:
                    now = now._replace(admitted=now.admitted | {who})
                case Unseal():
                    now = Now(False, False, frozenset())
        return now

    @property
    def is_untouched(self) -> bool:
        """Has nobody closed it yet, or opened it?"""
        return not (self._settled or self._outbox)

    @property
    def is_closed(self) -> bool:
        """Does nobody come in who is not admitted?"""
        return self._now().is_closed

    def admits(self, *identities: bytes) -> bool:
        """May the room be spoken of with these?"""
        now = self._now()
        return not now.is_closed or all(self._is_inside(now, identity) for identity in identities)

    def admitted(self, identity: bytes, count: Callable[[bytes], bool], version: Hashable) -> bool:
        """May the room be spoken of with somebody, if only those entries count? `version` says when others do than before."""
        if self._parted[0] != (len(self._settled), version):
            self._parted = (len(self._settled), version), self._settled.those(count)
        then = self._parted[1]
        return not then.is_closed or then.admits(identity) or bool(self._cards.feeds(identity, then.sealers))

    def _is_inside(self, now: Now, identity: bytes) -> bool:
        if identity in now.admitted:
            return True
        settled = self._settled
        return now.counts and (settled.admits(identity) or bool(self._cards.feeds(identity, settled.sealers)))


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
