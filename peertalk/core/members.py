"""Who is in a room and what they are called: a function of the `here` and `left` entries and of the cards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from peertalk.core.cards import Cards
from peertalk.core.entry import Here, Left, open_body, verify_next
from peertalk.core.lineage import Lineage
from peertalk.core.stored import EntryRecord

PRESENCE_KINDS = ("here", "left")

_Word = tuple[int, bytes, str]
"""(Lamport time, entry id, name): the name is "" for `left`."""


class Members:
    """The last `here` or `left` of every feed of a room, and the last `here`. `name` and `is_here` look at all feeds of an identity."""

    def __init__(self, cards: Cards, entries: Iterable[EntryRecord] = ()) -> None:
        self._cards = cards
        self._words: dict[bytes, _Word] = {}
        self._names: dict[bytes, _Word] = {}
        self._inviters: dict[bytes, tuple[int, bytes, bytes]] = {}
        self.lineage = Lineage()
        self._left: set[bytes] = set()
        """The feeds in which `left` was said last."""
        self._here: frozenset[bytes] = frozenset()
        self._version = -1  # of the owners that `_here` rests on; -1 where it is out of date
        self.version = 0
        """Grows with each entry that says something about presence."""
        for entry in entries:
            self.add(entry)

    def add(self, entry: EntryRecord) -> bool:
        """Take in a settled entry; True if it says something about presence."""
        if entry.kind not in PRESENCE_KINDS or entry.body is None:
            return False
        content = open_body(entry.kind, entry.body)
        if not isinstance(content, Here | Left):
            return False
        if isinstance(content, Here) and content.next is not None and entry.seq == 1:
            feed, signature = content.next
            if verify_next(feed, signature, self._cards.room, entry.feed):
                self.lineage.tie(entry.feed, feed)
        if isinstance(content, Here) and content.by is not None:
            said = (entry.lamport, entry.id, content.by)
            self._inviters[entry.feed] = max(said, self._inviters.get(entry.feed, said))
        word = (entry.lamport, entry.id, content.name if isinstance(content, Here) else "")
        word = self._words[entry.feed] = max(word, self._words.get(entry.feed, word))
        (self._left.discard if word[2] else self._left.add)(entry.feed)
        if word[2]:
            self._names[entry.feed] = max(word, self._names.get(entry.feed, word))
        self._version = -1
        self.version += 1
        return True

    @property
    def older(self) -> Mapping[bytes, frozenset[bytes]]:
        """feed → those that it goes on from, as these have signed."""
        return self.lineage.older

    def _last(self, words: Mapping[bytes, _Word], identity: bytes) -> _Word:
        return max((words[feed] for feed in self._cards.feeds(identity, words)), default=(0, b"", ""))

    def name(self, identity: bytes) -> str:
        """The nickname that this identity gave itself last, also if it has left since; "" if none is known."""
        return self._last(self._names, identity)[2]

    def invited_by(self, identity: bytes) -> bytes:
        """By whose code this identity came in the last time, as it says; b"" if it doesn't."""
        return max((self._inviters[feed] for feed in self._cards.feeds(identity, self._inviters)), default=(0, b"", b""))[2]

    def is_here(self, identity: bytes) -> bool:
        """Is this identity's last such entry a `here`?"""
        return bool(self._last(self._words, identity)[2])

    def has_left(self, identity: bytes) -> bool:
        """Is this identity's last such entry a `left`? Of who came just now there may be none yet."""
        if not self._cards.names(identity, self._left):
            return False
        lamport, _, name = self._last(self._words, identity)
        return lamport > 0 and not name

    def left(self) -> set[bytes]:
        """Everybody who has left."""
        owners = [owner for feed in self._left if (owner := self._cards.owner(feed)) is not None]
        return {one for owner in owners for one in (owner.identity, *owner.others) if self.has_left(one)}

    def identities(self) -> frozenset[bytes]:
        """Everybody who is in the room, by cards and entries. Asked at every coming and going, so it is kept; and what it costs
        follows from what people said of themselves, not from the cards: those are by the thousand where somebody makes them up."""
        if self._version != self._cards.owners:
            owners = [owner for feed in self._words if (owner := self._cards.owner(feed)) is not None]
            said = {identity for owner in owners for identity in (owner.identity, *owner.others)}
            self._here = frozenset(identity for identity in said if self.is_here(identity))
            self._version = self._cards.owners
        return self._here
