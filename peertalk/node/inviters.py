"""Who says that we let them in, and whether we did (docs/protocol.md, "Entries": `by`)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from peertalk.core.entry import Here, open_body
from peertalk.core.room import Room
from peertalk.core.stored import EntryRecord

PATIENCE = 5.0
"""Seconds in which an invitation may still say who came by it: their entry can be faster, on a link that was there before."""
JUST_NOW_MS = 900_000
"""Who says that they came longer ago than that may have been let in before this program started: of that nothing is known."""


class Inviters:
    """`warn` is told of everybody (room, identity) who names us as their inviter, and by no invitation of ours came in."""

    def __init__(self, me: bytes, warn: Callable[[Room, bytes], None]) -> None:
        self._me, self._warn = me, warn
        self._let_in: set[tuple[str, str]] = set()
        self._asked: dict[bytes, asyncio.TimerHandle] = {}

    def let_in(self, room: str, identity: str) -> None:
        """Somebody came in by an invitation of ours (ids in hex, as in events)."""
        self._let_in.add((room, identity))

    def came(self, room: Room, entry: EntryRecord) -> None:
        """An entry of somebody has come; of interest is the one with which they came themselves."""
        content = open_body(entry.kind, entry.body or b"")
        names_us = isinstance(content, Here) and content.by == self._me and content.next is None
        is_news = entry.feed not in room.own_feeds() and entry.feed not in self._asked
        if names_us and is_news and abs(entry.received - entry.time) < JUST_NOW_MS:
            self._asked[entry.feed] = asyncio.get_running_loop().call_later(PATIENCE, self._check, room, entry.feed)

    def _check(self, room: Room, feed: bytes) -> None:
        del self._asked[feed]
        owner = room.cards.owner(feed)
        if owner is not None and (room.id.hex(), owner.identity.hex()) not in self._let_in:
            self._warn(room, owner.identity)

    def close(self) -> None:
        """Nobody is told any more."""
        for timer in self._asked.values():
            timer.cancel()
