"""Where a room parts that was re-formed: what was written in it before, and what after (docs/protocol.md, "Re-forming")."""

from __future__ import annotations

from collections.abc import Iterable

from peertalk.core.entry import Follow, open_body
from peertalk.core.feed import covered
from peertalk.core.log import Log
from peertalk.core.stored import EntryRecord

_Word = tuple[bool, int, bytes, tuple[bytes, ...]]
"""(not who re-formed it, Lamport time, entry id, tips of the old room)."""


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
    """What of the room `log` lies at or below these tips, each feed for itself. A function of both sets: it is worked out anew
    when either has grown."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._pages = 0
        self._covered: dict[tuple[bytes, ...], dict[int, int]] = {}

    def contains(self, entry: bytes, tips: tuple[bytes, ...]) -> bool:
        """Was this entry there before the split that these tips tell of?"""
        index = self._log.index
        if self._pages != len(self._log.pages):
            self._pages, self._covered = len(self._log.pages), {}
        if tips not in self._covered:
            self._covered[tips] = covered((tip for tip in tips if tip in index), index)
        page = index.get(entry)
        return page is not None and any(id_ == entry for id_, _, _ in page.entries[: self._covered[tips].get(page.number, 0)])
