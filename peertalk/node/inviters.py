"""Who says that we let them in, and whether we did (docs/protocol.md, "Entries": `by`)."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

from peertalk.core.entry import Here, open_body
from peertalk.core.rates import Bucket
from peertalk.core.room import Room
from peertalk.core.stored import EntryRecord

PATIENCE = 5.0
"""Seconds in which an invitation may still say who came by it: their entry can be faster, on a link that was there before."""
JUST_NOW_MS = 900_000
"""Who says that they came longer ago than that may have been let in before this program started: of that nothing is known."""
MAX_ASKED = 256
WARNINGS, WARNINGS_A_SECOND = 8, 1 / 60
"""Whoever is in a room can bring people into it who do not exist: so many warnings at once, then one a minute."""


class Inviters:
    """`warn` is told of everybody (room, identity) who names us as their inviter, and by no invitation of ours came in. `asked`: did
    we ask them to come along to this room, which was re-formed?"""

    def __init__(self, me: bytes, asked: Callable[[bytes, bytes], bool], warn: Callable[[Room, bytes], None]) -> None:
        self._me, self._along, self._warn = me, asked, warn
        self._let_in: set[tuple[str, str]] = set()
        self._unnamed: Counter[str] = Counter()
        self._asked: dict[bytes, asyncio.TimerHandle] = {}
        self._bucket = Bucket(WARNINGS, WARNINGS_A_SECOND, asyncio.get_running_loop().time())

    def let_in(self, room: str, identity: str) -> None:
        """Somebody came in by an invitation of ours (ids in hex, as in events)."""
        self._let_in.add((room, identity))

    def let_in_somebody(self, room: str) -> None:
        """Somebody got the room by an invitation of ours, and their connection ended before they said who they are."""
        self._unnamed[room] += 1

    def came(self, room: Room, entry: EntryRecord) -> None:
        """An entry of somebody has come; of interest is the one with which they came themselves."""
        if entry.kind != "here":
            return
        content = open_body(entry.kind, entry.body or b"")
        names_us = isinstance(content, Here) and content.by == self._me and content.next is None
        is_news = entry.feed not in room.own_feeds() and entry.feed not in self._asked and len(self._asked) < MAX_ASKED
        if names_us and is_news and abs(entry.received - entry.time) < JUST_NOW_MS:
            self._asked[entry.feed] = asyncio.get_running_loop().call_later(PATIENCE, self._check, room, entry.feed)

    def _check(self, room: Room, feed: bytes) -> None:
        del self._asked[feed]
        owner = room.cards.owner(feed)
        if owner is None or self._has_let_in(room.id.hex(), owner.identity.hex()) or self._along(room.id, owner.identity):
            return
        if self._bucket.take(1, asyncio.get_running_loop().time()):
            self._warn(room, owner.identity)

    def _has_let_in(self, room: str, identity: str) -> bool:
        """Did they come in by an invitation of ours, or can they be somebody who did without saying who they are?"""
        if (room, identity) not in self._let_in and self._unnamed[room] > 0:
            self._unnamed[room] -= 1
            self._let_in.add((room, identity))
        return (room, identity) in self._let_in

    def close(self) -> None:
        """Nobody is told any more."""
        for timer in self._asked.values():
            timer.cancel()
