"""Which messages were deleted, by which feeds (docs/protocol.md, "Messages about messages").

All of them are remembered as long as the room's history is, also those of messages that are not here: whatever comes after its
deletion is not kept. What one of them costs is less than what any entry costs beside it (log.py), so nobody gains by making
messages up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from peertalk.core.annotations import target
from peertalk.core.lineage import Lineage
from peertalk.core.stored import KEPT_KINDS, EntryRecord, EraseBodies


class Deletions:
    """Those of `room`. `known` are (message, feed of the `delete`)."""

    def __init__(self, room: bytes, lineage: Lineage, known: Iterable[tuple[bytes, bytes]]) -> None:
        self._room, self._lineage = room, lineage
        self._feeds: dict[bytes, tuple[bytes, ...]] = {}
        self._of: dict[bytes, list[bytes]] = {}
        for message, feed in known:
            self.add(message, feed)

    @property
    def are_none(self) -> bool:
        return not self._feeds

    def add(self, message: bytes, feed: bytes) -> bool:
        """A `delete` in `feed` names this message; False if one did so already."""
        feeds = self._feeds.get(message, ())
        if feed in feeds:
            return False
        self._feeds[message] = (*feeds, feed)
        self._of.setdefault(feed, []).append(message)
        return True

    def feeds(self, message: bytes) -> Sequence[bytes]:
        """The feeds that have named this message."""
        return self._feeds.get(message, ())

    def of(self, feed: bytes) -> Sequence[bytes]:
        """The messages that `feed` has named."""
        return self._of.get(feed, ())

    def names(self, feed: bytes, message: bytes) -> bool:
        """Was this message, which is of `feed`, deleted by who wrote it?"""
        named = self._feeds.get(message, ())
        return bool(named) and not self._lineage.spoken_by(feed).isdisjoint(named)

    def cover(self, entry: EntryRecord) -> bool:
        """Is what this entry says to be gone: was it deleted, or is it an edit of what its author has deleted?"""
        if not self._feeds or entry.kind in KEPT_KINDS:
            return False
        about = target(entry.kind, entry.body) if entry.kind == "edit" else b""
        named = self._feeds.get(about, ())
        is_about_deleted = bool(named) and not self._lineage.kin(entry.feed).isdisjoint(named)
        return is_about_deleted or self.names(entry.feed, entry.message)

    def erasure(self, message: bytes, feed: bytes) -> EraseBodies:
        """What the `delete` of this message in `feed` erases of what is on disk."""
        return EraseBodies(self._room, message, self._lineage.speaks_for(feed), self._lineage.kin(feed))
