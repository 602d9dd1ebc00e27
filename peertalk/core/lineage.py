"""Which feed goes on from which: people change their feeds, and still speak for what they wrote (docs/protocol.md, "One's own feed").

A function of the set, and one that only grows: a feed may say at its beginning that it goes on from another, by that one's
signature, and if it is forked there, from several. No order of arrival takes such a word back.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial

MAX_OLDER = 1000
"""How many feeds back somebody's word counts."""
_LATELY = 8
"""Answers that are kept: whoever has thousands of feeds must not make each thing that they say as dear as all of these."""


def speaks_for(feed: bytes, older: Mapping[bytes, Collection[bytes]]) -> frozenset[bytes]:
    """The feeds for whose author `feed` speaks: itself, and those from which it goes on. `older`: feed → those just before it."""
    return frozenset().union(*_layers(feed, older, MAX_OLDER))


def _layers(feed: bytes, older: Mapping[bytes, Collection[bytes]], most: int) -> Iterator[set[bytes]]:
    """The feeds to which `older` leads from this one, by how many steps: itself first, up to `most` steps away."""
    last = {feed}
    found = set(last)
    yield last
    for _ in range(most):
        last = {before for one in last for before in older.get(one, ())} - found
        if not last:
            return
        found |= last
        yield last


def _steps(feed: bytes, older: Mapping[bytes, Collection[bytes]], most: int) -> dict[bytes, int]:
    """How many steps it is to each."""
    return {one: steps for steps, layer in enumerate(_layers(feed, older, most)) for one in layer}


class Speakers:
    """Who speaks for whom, for who asks often: looked up from the feed that is spoken for, once, whatever line of feeds somebody has
    made up to say something about it."""

    def __init__(self, older: Mapping[bytes, Collection[bytes]]) -> None:
        self._newer: dict[bytes, list[bytes]] = {}
        for feed, before in older.items():
            for one in before:
                self._newer.setdefault(one, []).append(feed)
        self._found: dict[bytes, frozenset[bytes]] = {}

    def __call__(self, feed: bytes, of: bytes) -> bool:
        """Does `feed` speak for who wrote in the feed `of`?"""
        if feed == of or of not in self._newer:
            return feed == of
        if of not in self._found:
            self._found[of] = speaks_for(of, self._newer)
        return feed in self._found[of]


class Lineage:
    """The feeds of one room, as far as they are tied to each other."""

    def __init__(self) -> None:
        self.older: dict[bytes, frozenset[bytes]] = {}
        self._newer: dict[bytes, set[bytes]] = {}
        self._kin: dict[bytes, set[bytes]] = {}
        self._lately: dict[tuple[str, bytes], frozenset[bytes]] = {}

    def tie(self, feed: bytes, before: bytes) -> None:
        """`feed` goes on from `before`: that one has signed it."""
        self._lately.clear()
        self.older[feed] = self.older.get(feed, frozenset()) | {before}
        self._newer.setdefault(before, set()).add(feed)
        less, more = sorted((self._kin.setdefault(one, {one}) for one in (feed, before)), key=len)
        if less is not more:
            more |= less
            self._kin.update(dict.fromkeys(less, more))

    def speaks_for(self, feed: bytes) -> frozenset[bytes]:
        """The feeds for whose author this one speaks."""
        return self._remembered("for", feed, partial(speaks_for, feed, self.older))

    def spoken_by(self, feed: bytes) -> frozenset[bytes]:
        """The feeds that speak for the author of this one."""
        return self._remembered("by", feed, partial(speaks_for, feed, self._newer))

    def reach(self, feed: bytes, before: bytes) -> tuple[dict[bytes, int], dict[bytes, int]]:
        """Who speaks for whom since `feed` goes on from `before`, by that: so many steps back from `before` the words of these feeds
        count; so many steps back these are."""
        newer, older = (_steps(one, links, MAX_OLDER - 1) for one, links in ((feed, self._newer), (before, self.older)))
        return {one: MAX_OLDER - 1 - steps for one, steps in newer.items()}, older

    def kin(self, feed: bytes) -> frozenset[bytes]:
        """All feeds that are tied to this one, in whichever direction, and itself."""
        return self._remembered("kin", feed, lambda: frozenset(self._kin.get(feed, {feed})))

    def _remembered(self, what: str, feed: bytes, find: Callable[[], frozenset[bytes]]) -> frozenset[bytes]:
        found = self._lately.get((what, feed))
        if found is None:
            if len(self._lately) >= _LATELY:
                del self._lately[next(iter(self._lately))]
            found = self._lately[what, feed] = find()
        return found
