"""Who has what was written here, as it becomes known."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from peertalk.core import events
from peertalk.core.annotations import target
from peertalk.core.effects import Claimed
from peertalk.core.exchange import Place
from peertalk.core.room import Room
from peertalk.core.stored import EntryRecord, OutboxRecord
from peertalk.node.message_views import SPOKEN_KINDS
from peertalk.node.ports import Store

NEWEST: Final = 1000
"""So many own messages back it is told that somebody has them now; `messages.list` knows of all."""

AT_ONCE: Final = 8
"""So often it is told at once who has a message, in a small room all of it; after that it is gathered."""
GATHERED: Final = 0.1
"""Seconds for which it is gathered who else has a message: in a room of forty most come together."""

Said = tuple[bytes, bytes]
"""Room and message."""


class Deliveries:
    """Remembers by which entries of each own feed messages say what they say. `places` are the rooms, `spawn` runs what waits for
    the store, `publish` tells."""

    def __init__(
        self,
        places: Mapping[bytes, Place],
        store: Store,
        publish: Callable[[events.AnyEvent], None],
        spawn: Callable[[Awaitable[None]], None],
    ) -> None:
        self._places, self._store, self._publish, self._spawn = places, store, publish, spawn
        self._own: dict[tuple[bytes, bytes], dict[int, bytes]] = {}
        self._lately: Counter[Said] = Counter()
        """How often of a message it was told just now."""
        self._gathering: dict[tuple[bytes, bytes], dict[int, bytes]] = {}
        """Of what it will be told again, by room and feed: seq → message."""
        self._timer: asyncio.TimerHandle | None = None

    def placed(self, room: bytes, entry: EntryRecord) -> None:
        """An own entry has its place. Who has an edit has what the message says now; who has what it said before has not."""
        own = self._own.setdefault((room, entry.feed), {})
        said = _says(entry)
        if entry.kind not in SPOKEN_KINDS and said:
            self._says_something_else(room, said)
        own[entry.seq] = said
        if len(own) > NEWEST:
            del own[next(iter(own))]

    def queued(self, record: OutboxRecord) -> None:
        """Something own waits. Of an edit the message says that now, and nobody has it."""
        if record.kind == "edit":
            self._says_something_else(record.room, target(record.kind, record.body))

    def _says_something_else(self, room: bytes, said: bytes) -> None:
        """In whichever own feed it was said before, who has that has not what the message says now."""
        for (where, _), known in (*self._own.items(), *self._gathering.items()):
            if where == room:
                known.update(dict.fromkeys([seq for seq, message in known.items() if message == said], b""))

    def claimed(self, notice: Claimed) -> None:
        """Somebody has more of an own feed."""
        known = self._own.get((notice.room, notice.feed), {})
        place = self._places.get(notice.room)
        if place is None:
            return
        top = place.room.log.chain(notice.feed).top[1]
        since = max(notice.since, max(notice.upto, top) - NEWEST)
        said = {seq: known[seq] for seq in range(since + 1, notice.upto + 1) if known.get(seq)}
        self._tell(place.room, notice.feed, said)
        missing = {seq for seq in range(since + 1, notice.upto + 1) if seq not in known}
        if missing:
            self._spawn(self._tell_older(place.room, notice.feed, missing))

    async def _tell_older(self, room: Room, feed: bytes, missing: set[int]) -> None:
        """Messages of earlier runs of the program: their ids are in the database, and what was said about them later."""
        chain = room.log.chain(feed)
        numbers = [page.number for page in chain.above(min(missing) - 1) if any(seq in missing for _, seq, _ in page.entries)]
        found = [entry for page in await self._store.pages(room.id, numbers) for entry in page.entries]
        said = {entry.seq: message for entry in found if entry.seq in missing and (message := _says(entry))}
        about = await self._store.annotations(room.id, list(set(said.values())))
        waiting = {target(one.kind, one.body) for one in room.outbox if one.kind == "edit"}
        edits = [entry for entry in about if entry.kind == "edit" and room.is_own(entry.feed)]
        latest = {message: (feed, seq) for seq, message in sorted(said.items())}
        latest |= {_says(one): (one.feed, one.seq) for one in sorted(edits, key=lambda one: (one.lamport, one.id))}
        latest |= dict.fromkeys(waiting, (b"", 0))
        self._tell(room, feed, {seq: message for seq, message in sorted(said.items()) if latest[message] == (feed, seq)})

    def _tell(self, room: Room, feed: bytes, said: Mapping[int, bytes]) -> None:
        """Of these messages, in order, who has them now: at once, unless that was told often just now."""
        id_, upto = room.id.hex(), 0
        disk: list[str] = []
        memory: list[str] = []
        for seq, message in said.items():
            if self._is_gathered(room, message, (feed, seq)):
                continue
            if seq > upto:
                holders = room.holders(feed, seq)
                disk, memory = ([identity.hex() for identity in some] for some in holders)
                upto = room.claimed_alike(feed, seq)
            self._publish(events.Delivered(message=message.hex(), room=id_, delivered_to=disk, held_by=memory))

    def _is_gathered(self, room: Room, message: bytes, by: tuple[bytes, int]) -> bool:
        """Was it told often just now? Then it is told again in a moment, with who has it by then."""
        self._lately[room.id, message] += 1
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(GATHERED, self._tell_gathered)
        is_often = self._lately[room.id, message] > AT_ONCE
        if is_often:
            feed, seq = by
            self._gathering.setdefault((room.id, feed), {})[seq] = message
        return is_often

    def _tell_gathered(self) -> None:
        gathered, self._gathering, self._timer = self._gathering, {}, None
        self._lately.clear()
        for (room, feed), said in gathered.items():
            place = self._places.get(room)
            if place is not None:
                self._tell(place.room, feed, {seq: message for seq, message in sorted(said.items()) if message})

    def close(self) -> None:
        """Nothing more is told."""
        if self._timer is not None:
            self._timer.cancel()


def _says(entry: EntryRecord) -> bytes:
    """The message of which an entry says what it says; b"" for others."""
    if entry.kind in SPOKEN_KINDS:
        return entry.message
    return target(entry.kind, entry.body) if entry.kind == "edit" else b""
