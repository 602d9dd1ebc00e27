"""One author's chain of settled pages: its tips, whether it is forked, and which part of it somebody lacks.

A fork is two tips: both branches belong to the set, nothing freezes (docs/protocol.md, "Forks").
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence

from peertalk.core.stored import PageIndex, PageRecord

Lack = tuple[PageIndex, int]
"""A page and how many entries at its beginning the asker has already."""

_MAX_SPARSE = 32


def tip_of(page: PageIndex) -> tuple[bytes, int]:
    """(id, seq) of the signed end of a page."""
    last = page.entries[-1]
    return last[0], last[1]


def tips_of(pages: Iterable[PageRecord]) -> dict[bytes, bytes]:
    """Of pages in settle order those tips on which none of the others rests as its predecessor, with their feeds."""
    tips: dict[bytes, bytes] = {}
    for page in pages:
        tips.pop(page.prev, None)
        tips[page.entries[-1].id] = page.feed
    return tips


def place(page: PageIndex, entry: bytes) -> tuple[int, int]:
    """(seq, lamport) of an entry that is in `page`."""
    last, seq, lamport = page.entries[-1]
    if last == entry:
        return seq, lamport
    for id_, seq, lamport in page.entries:
        if id_ == entry:
            return seq, lamport
    raise KeyError(entry)


def covered(held: Iterable[bytes], index: Mapping[bytes, PageIndex]) -> dict[int, int]:
    """What lies at or below these ids, each in its feed: page number → how many entries at its beginning."""
    found: dict[int, int] = {}
    cover(found, held, index)
    return found


def cover(found: dict[int, int], more: Iterable[bytes], index: Mapping[bytes, PageIndex]) -> None:
    """Add to `found` what lies at or below more ids."""
    for start in more:
        id_ = start
        while id_:
            page = index[id_]
            count = place(page, id_)[0] - page.entries[0][1] + 1
            if found.get(page.number, 0) >= count:
                break
            found[page.number] = count
            id_ = page.prev


class Chain:
    """The settled pages of one feed, in the order in which they settled here."""

    __slots__ = ("_tips", "feed", "forked", "pages", "tips")

    def __init__(self, feed: bytes) -> None:
        self.feed = feed
        self.pages: list[PageIndex] = []
        self.tips: Mapping[bytes, int] = {}
        """Where the feed is not forked never changed in place: what others hold of it is the same, mostly."""
        self._tips: dict[bytes, int] = {}
        self.forked = False

    def add(self, page: PageIndex) -> bool:
        """Add a page whose predecessor is here. True if it parts from what was here: a fork that was not known before."""
        parts = bool(self.pages) and page.prev not in self.tips
        tip, seq = tip_of(page)
        tips = self._tips if self.forked else {**self.tips}
        tips.pop(page.prev, None)
        tips[tip] = seq
        self.tips = self._tips = tips
        self.pages.append(page)
        new = parts and not self.forked
        self.forked = self.forked or parts
        return new

    @property
    def top(self) -> tuple[bytes, int]:
        """The greatest tip: (id, seq); (b"", 0) for an empty chain."""
        return max(self.tips.items(), key=lambda tip: (tip[1], tip[0]), default=(b"", 0))

    def sample(self) -> Iterator[bytes]:
        """The tips, then ids ever sparser towards the beginning (at most 32): enough for another to see where we part."""
        yield from self.tips
        step = 1
        for _ in range(_MAX_SPARSE):
            if step >= len(self.pages):
                return
            yield tip_of(self.pages[-1 - step])[0]
            step *= 2

    def above(self, seq: int) -> Sequence[PageIndex]:
        """The pages in which something is above `seq`, in settle order; where the feed is forked, some more."""
        return self.pages if self.forked else self.pages[self._first_above(seq) :]

    def _first_above(self, seq: int) -> int:
        return bisect_right(self.pages, seq, key=lambda page: tip_of(page)[1])

    def lacking(self, held: Iterable[bytes], index: Mapping[bytes, PageIndex]) -> Iterator[Lack]:
        """The pages that somebody who holds `held` (ids of this feed, and so all their ancestors) lacks, in settle order."""
        if self.forked:
            return self._lacking_forked(held, index)
        base = max((place(index[id_], id_)[0] for id_ in held), default=0)
        pages = (self.pages[number] for number in range(self._first_above(base), len(self.pages)))
        return ((page, max(0, base - page.entries[0][1] + 1)) for page in pages)

    def _lacking_forked(self, held: Iterable[bytes], index: Mapping[bytes, PageIndex]) -> Iterator[Lack]:
        below = covered(held, index)
        for page in self.pages:
            skip = below.get(page.number, 0)
            if skip < len(page.entries):
                yield page, skip
