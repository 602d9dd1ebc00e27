"""What waits to be said in a room (docs/protocol.md, "Outbox").

A body is on disk before anything else happens with it. What waits has no place in a feed yet, so it can still be taken back, or move on
to another feed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from peertalk.core import wire
from peertalk.core.annotations import renamed, target
from peertalk.core.effects import Moved, Queued, Withdrawn
from peertalk.core.entry import Content, Delete, Edit, Random, hash32, message_id, open_body, seal_body
from peertalk.core.lineage import speaks_for
from peertalk.core.outlet import Now
from peertalk.core.room import Room
from peertalk.core.stored import ANNOTATIONS, STATE_KINDS, DropOutbox, EraseBodies, FeedKeyRecord, Op, OutboxRecord, PutOutbox
from peertalk.errors import RequestError

_ROOM_IN_PAGE = wire.MAX_PAGE - 4096


def current_key(room: Room) -> FeedKeyRecord | None:
    """The own feed that is written into."""
    return next((key for key in room.keys if key.seed is not None and not key.retiring), None)


class Outbox:
    """What waits in `room`. While the room `is_stopped` what a person has written waits, and nothing else does."""

    def __init__(self, room: Room, random: Random, is_stopped: Callable[[], bool]) -> None:
        self._room = room
        self._random = random
        self._is_stopped = is_stopped
        room.outbox.sort(key=lambda waiting: waiting.kind != "here")
        self._saved = {waiting.number for waiting in room.outbox}
        self._number = max(self._saved, default=0)

    def say(self, content: Content, now: Now) -> bytes:
        """Queue what a person says; its message id. What waits and is deleted just leaves the outbox. RequestError("too_large"), and
        ("refused") for an edit of what one has deleted."""
        if isinstance(content, Delete) and self._withdraw(content.to):
            return content.to
        if isinstance(content, Edit) and self._has_deleted(content.to):
            raise RequestError("refused", why="deleted")
        return self.queue(content, now)

    def _has_deleted(self, message: bytes) -> bool:
        waits = any(one.kind == "delete" and target(one.kind, one.body) == message for one in self._room.outbox)
        return waits or self._room.bodies.was_deleted(message, self._room.own_feeds())

    def queue(self, content: Content, now: Now, *, first: bool = False) -> bytes:
        """Let `content` wait for its place (`first`: before all that waits); its message id. RequestError("too_large")."""
        kind, body = seal_body(content, self._random)
        waiting = self._waiting(kind, body, self._take_number(), now.wall)
        self._room.outbox.insert(0 if first else len(self._room.outbox), waiting)
        return waiting.message

    def _take_number(self) -> int:
        self._number += 1
        return self._number

    def _withdraw(self, message: bytes) -> bool:
        """An own message is to be gone: what still waits of it, and about it, leaves the outbox. False if it waits no longer itself,
        so that it has to be said."""
        about = [one for one in self._room.outbox if message in (one.message, target(one.kind, one.body))]
        for one in about:
            self._room.outbox.remove(one)
        ops = [DropOutbox(self._room.id, one.number, erased=True) for one in about if one.number in self._saved]
        self._saved -= {one.number for one in about}
        if about:
            self._room.outlet.commit(ops, lambda _: self._tell_withdrawn(about))
        return any(one.message == message for one in about)

    def _tell_withdrawn(self, about: list[OutboxRecord]) -> None:
        for one in about:
            self._room.outlet.emit(Withdrawn(one))

    def _waiting(self, kind: str, body: bytes, number: int, time: int) -> OutboxRecord:
        current = current_key(self._room)
        message = message_id(current.feed if current is not None else b"", hash32(body))
        return OutboxRecord(room=self._room.id, number=number, message=message, kind=kind, body=body, time=time)

    def ready(self) -> list[OutboxRecord]:
        """What waits for nothing but its place."""
        held = any(one.kind not in STATE_KINDS for one in self._room.outbox) and self._is_stopped()
        return [one for one in self._room.outbox if one.kind in STATE_KINDS] if held else self._room.outbox

    def save(self) -> None:
        """Make durable what waits."""
        fresh = [waiting for waiting in self._room.outbox if waiting.number not in self._saved]
        if not fresh:
            return
        self._saved.update(waiting.number for waiting in fresh)
        ops: list[Op] = [PutOutbox(waiting) for waiting in fresh]
        ops += [self._erasure(waiting) for waiting in fresh if waiting.kind == "delete"]
        self._room.outlet.commit(ops, lambda _: self._tell_queued(fresh))

    def _erasure(self, delete: OutboxRecord) -> EraseBodies:
        """What one deletes is gone here at once, also where it has to wait to be said."""
        key, older = current_key(self._room), self._room.members.older
        feeds = speaks_for(key.feed, older) if key is not None else frozenset()
        if key is not None and key.succeeds is not None:  # its first entry may wait too
            feeds |= speaks_for(key.succeeds[0], older)
        return EraseBodies(self._room.id, target(delete.kind, delete.body), feeds, feeds)

    def _tell_queued(self, fresh: list[OutboxRecord]) -> None:
        for waiting in fresh:
            self._room.outlet.emit(Queued(waiting))

    def take(self) -> tuple[list[OutboxRecord], list[Op]]:
        """What gets its place next, as one page; it waits no longer once these are done."""
        batch = self._batch()
        ops: list[Op] = [DropOutbox(self._room.id, waiting.number) for waiting in batch if waiting.number in self._saved]
        gone = {waiting.number for waiting in batch}
        self._saved -= gone
        if self._room.outbox[: len(batch)] == batch:
            del self._room.outbox[: len(batch)]
        else:
            self._room.outbox[:] = [waiting for waiting in self._room.outbox if waiting.number not in gone]
        return batch, ops

    def _batch(self) -> list[OutboxRecord]:
        size = 0
        batch: list[OutboxRecord] = []
        for waiting in self.ready()[: wire.MAX_PAGE_ENTRIES]:
            size += len(waiting.body) + wire.MAX_HEADER
            if batch and size > _ROOM_IN_PAGE:
                break
            batch.append(waiting)
            if waiting.kind == "over":  # the last thing that is said in a feed
                break
        return batch

    # ── what waits elsewhere from now on ─────────────────────────────────────────────────────────────────────────────

    def move_on(self) -> None:
        """What waits is now for this feed, and its id says so."""
        old = [one for one in self._room.outbox if one.kind != "here"]
        if not old:
            return
        new = self._anew(old, lambda one: one.number)
        self._room.outbox[:] = [*(one for one in self._room.outbox if one.kind == "here"), *new]
        self._saved.update(one.number for one in new)
        moved = [Moved(before.message, after) for before, after in zip(old, new, strict=True)]
        self._room.outlet.commit([PutOutbox(one) for one in new], lambda _: self._tell_moved(moved))

    def _anew(self, old: Iterable[OutboxRecord], number: Callable[[OutboxRecord], int]) -> list[OutboxRecord]:
        """The same for the feed of now: what is about something that waits before it names that by its new id."""
        ids: dict[bytes, bytes] = {}
        new: list[OutboxRecord] = []
        for one in old:
            said = renamed(open_body(one.kind, one.body), ids)
            kind, body = seal_body(said, self._random) if said is not None else (one.kind, one.body)
            new.append(self._waiting(kind, body, number(one), one.time))
            ids[one.message] = new[-1].message
        return new

    def _tell_moved(self, moved: list[Moved]) -> None:
        for one in moved:
            self._room.outlet.emit(one)

    def forget(self, waiting: OutboxRecord) -> None:
        """It has left the list, and waits no longer."""
        if waiting.number in self._saved:
            self._saved.discard(waiting.number)
            self._room.outlet.commit((DropOutbox(self._room.id, waiting.number),))

    def take_over(self, waiting: Iterable[OutboxRecord]) -> None:
        """Let what waited in another room wait here, under new message ids; but nothing about messages that stay there."""
        waiting = list(waiting)
        here = {one.message for one in waiting}
        old = [one for one in waiting if one.kind not in ANNOTATIONS or target(one.kind, one.body) in here]
        new = self._anew(old, lambda _: self._take_number())
        moved = [Moved(before.message, after, before.room) for before, after in zip(old, new, strict=True)]
        self._room.outbox.extend(each.record for each in moved)
        self._saved.update(each.record.number for each in moved)
        self._room.outlet.commit([PutOutbox(each.record) for each in moved], lambda _: self._tell_moved(moved))
