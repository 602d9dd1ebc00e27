"""What is held, by oneself at one moment and by each peer (docs/protocol.md, "Telling and asking").

Many peers hold the same, in a room of hundreds thousands of tips each: what is the same is kept once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

Tips = Mapping[bytes, int]
"""Tips of one feed → their seqs. Never changed in place: the same may be in many hands."""
NO_TIPS: Tips = {}


class State(NamedTuple):
    """The digest over all tips that are on disk here, and these, by feed."""

    digest: bytes
    feeds: Mapping[bytes, Tips]


class Holds(Mapping[bytes, Tips]):
    """feed → tips that a peer said it holds and that are here too: what was the same as here when that was said, and what was noted
    one by one."""

    __slots__ = ("_base", "_noted")

    def __init__(self) -> None:
        self._base: Mapping[bytes, Tips] = {}
        self._noted: dict[bytes, Tips] = {}

    def __getitem__(self, feed: bytes) -> Tips:
        return self._noted[feed] if feed in self._noted else self._base[feed]

    def __iter__(self) -> Iterator[bytes]:
        yield from self._base
        yield from (feed for feed in self._noted if feed not in self._base)

    def __len__(self) -> int:
        return len(self._base) + sum(feed not in self._base for feed in self._noted)

    def __bool__(self) -> bool:
        return bool(self._base or self._noted)

    def of(self, feed: bytes) -> Tips:
        """The tips that it holds of a feed, if any."""
        return self._noted.get(feed) or self._base.get(feed) or NO_TIPS

    def put(self, feed: bytes, tips: Tips) -> None:
        """Of this feed it holds these."""
        self._noted[feed] = tips

    def are_all(self, feeds: Mapping[bytes, Tips]) -> None:
        """It holds all of these, beside what was noted."""
        for feed in [feed for feed in (*self._base, *self._noted) if feed in feeds or feed not in self._noted]:
            self._noted[feed] = {**feeds.get(feed, {}), **self[feed]}
        self._base = feeds

    def clear(self) -> None:
        """Nothing is known of it."""
        self._base, self._noted = {}, {}
