"""Where a room parts that was re-formed: what was written in it before, and what after (docs/protocol.md, "Re-forming")."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from peertalk.core.entry import Follow, open_body
from peertalk.core.feed import cover
from peertalk.core.log import Log
from peertalk.core.stored import EntryRecord

_Word = tuple[bool, int, bytes, tuple[bytes, ...]]
"""(not who re-formed it, Lamport time, entry id, tips of the old room)."""


MAX_KEPT = 16
"""Splits that are remembered where they are, of one room."""


@dataclass(slots=True)
class _Below:
    """What lies below the tips that were there when there were so many pages: page number → how many entries."""

    lacking: list[bytes]
    found: dict[int, int] = field(default_factory=dict)
    pages: int = -1


class Splits:
    """Which `follow` of a re-formed room counts, of those that say anything of the old one: the first in the order shown, but
    before all others that of who has re-formed it."""

    def __init__(self, entries: Iterable[EntryRecord] = ()) -> None:
        self._first: _Word | None = None
        for entry in entries:
            self.add(entry)

    def add(self, entry: EntryRecord) -> None:
        """Take in a settled entry."""
        content = open_body(entry.kind, entry.body) if entry.kind == "follow" and entry.body is not None else None
        if isinstance(content, Follow) and content.tips:
            word = (not content.first, entry.lamport, entry.id, content.tips)
            self._first = min(word, self._first or word)

    @property
    def tips(self) -> tuple[bytes, ...]:
        """The tips of the old room at the split; none as long as nobody has said so."""
        return self._first[3] if self._first is not None else ()


class Before:
    """What of the room `log` lies at or below these tips, each feed for itself: a function of both sets. What is at or below a tip
    is here once the tip is, so nothing changes but where another one of them comes."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._below: dict[tuple[bytes, ...], _Below] = {}

    def parts(self, entry: bytes, splits: Collection[tuple[bytes, ...]]) -> bool:
        """Is this entry after all splits that are known, each told of by its tips? Nothing is as long as none is."""
        return any(splits) and not any(self.contains(entry, tips) for tips in splits if tips)

    def contains(self, entry: bytes, tips: tuple[bytes, ...]) -> bool:
        """Was this entry there before the split that these tips tell of?"""
        index = self._log.index
        if tips not in self._below:
            if len(self._below) == MAX_KEPT:
                self._below.clear()
            self._below[tips] = _Below(list(tips))
        below = self._below[tips]
        if below.pages != len(self._log.pages):
            below.pages = len(self._log.pages)
            cover(below.found, (tip for tip in below.lacking if tip in index), index)
            below.lacking = [tip for tip in below.lacking if tip not in index]
        page = index.get(entry)
        return page is not None and any(id_ == entry for id_, _, _ in page.entries[: below.found.get(page.number, 0)])
