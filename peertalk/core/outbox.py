"""What waits to be said in a room (docs/protocol.md, "Outbox").

A body is on disk before anything else happens with it. What waits has no place in a feed yet, so it can still be taken back, or move on
to another feed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from peertalk.core import wire
from peertalk.core.annotations import renamed, target
from peertalk.core.effects import Moved, Queued, Withdrawn
from peertalk.core.entry import Content, Delete, Edit, Random, Salts, hash32, message_id, open_body, seal_body
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
        self._salts = Salts(random)
        self._is_stopped = is_stopped
        self._fresh: dict[int, OutboxRecord] = {}
        """What is not on its way to the disk yet, by number."""
        self._named: dict[tuple[str, bytes], dict[int, OutboxRecord]] = {}
        """What waits, by number: under ("", its id), and under its kind and what it is about."""
        room.outbox.sort(key=lambda waiting: waiting.kind != "here")
        self._number = max((waiting.number for waiting in room.outbox), default=0)
        for waiting in room.outbox:
            self._enter(waiting)

    def _enter(self, one: OutboxRecord) -> None:
        for name in _names(one):
            self._named.setdefault(name, {})[one.number] = one

    def _leave(self, gone: Sequence[OutboxRecord], *, erased: bool = False) -> list[Op]:
        """These wait no longer, once this is on disk."""
        outbox = self._room.outbox
        if outbox[: len(gone)] == gone:
            del outbox[: len(gone)]
        else:
            numbers = {one.number for one in gone}
            outbox[:] = [one for one in outbox if one.number not in numbers]
        for one in gone:
            for name in _names(one):
                del self._named[name][one.number]
                if not self._named[name]:
                    del self._named[name]
        stored = [one for one in gone if self._fresh.pop(one.number, None) is None]
        return [DropOutbox(self._room.id, one.number, erased=erased) for one in stored]

    # ── what is said ─────────────────────────────────────────────────────────────────────────────────────────────────

    def say(self, content: Content, now: Now) -> bytes:
        """Queue what a person says; its message id. What waits and is deleted just leaves the outbox. RequestError("too_large"), and
        ("refused") for an edit of what one has deleted."""
        if isinstance(content, Delete) and self._withdraw(content.to):
            return content.to
        if isinstance(content, Edit) and self._has_deleted(content.to):
            raise RequestError("refused", why="deleted")
        return self.queue(content, now)

    def _has_deleted(self, message: bytes) -> bool:
        return ("delete", message) in self._named or self._room.bodies.was_deleted(message, self._room.own_feeds())

    def queue(self, content: Content, now: Now, *, first: bool = False) -> bytes:
        """Let `content` wait for its place (`first`: before all that waits); its message id. RequestError("too_large")."""
        kind, body = seal_body(content, self._salts)
        waiting = self._waiting(kind, body, self._take_number(), now.wall)
        self._room.outbox.insert(0 if first else len(self._room.outbox), waiting)
        self._enter(waiting)
        self._fresh[waiting.number] = waiting
        return waiting.message

    def _take_number(self) -> int:
        self._number += 1
        return self._number

    def _withdraw(self, message: bytes) -> bool:
        """An own message is to be gone: what still waits of it, and about it, leaves the outbox. False if it waits no longer itself,
        so that it has to be said."""
        waits = ("", message) in self._named
        named = [self._named.get((kind, message), {}) for kind in ("", *ANNOTATIONS)]
        about = sorted((one for group in named for one in group.values()), key=lambda one: one.number)
        if about:
            self._room.outlet.commit(self._leave(about, erased=True), lambda _: self._tell_withdrawn(about))
        return waits

    def _tell_withdrawn(self, about: Iterable[OutboxRecord]) -> None:
        for one in about:
            self._room.outlet.emit(Withdrawn(one))

    def _waiting(self, kind: str, body: bytes, number: int, time: int) -> OutboxRecord:
        current = current_key(self._room)
        message = message_id(current.feed if current is not None else b"", hash32(body))
        return OutboxRecord(room=self._room.id, number=number, message=message, kind=kind, body=body, time=time)

    def withdraw_kind(self, kind: str) -> list[OutboxRecord]:
        """All of this kind waits no longer."""
        gone = [one for one in self._room.outbox if one.kind == kind]
        self._drop(gone)
        return gone

    def give_up(self) -> list[OutboxRecord]:
        """Nothing waits here any more; what did."""
        gone = list(self._room.outbox)
        self._drop(gone)
        return gone

    def _drop(self, gone: Sequence[OutboxRecord]) -> None:
        if ops := self._leave(gone):
            self._room.outlet.commit(ops)

    # ── on its way ───────────────────────────────────────────────────────────────────────────────────────────────────

    def ready(self) -> list[OutboxRecord]:
        """What waits for nothing but its place."""
        held = any(one.kind not in STATE_KINDS for one in self._room.outbox) and self._is_stopped()
        return [one for one in self._room.outbox if one.kind in STATE_KINDS] if held else self._room.outbox

    def save(self) -> None:
        """Make durable what waits."""
        if not self._fresh:
            return
        fresh, self._fresh = list(self._fresh.values()), {}
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
        return batch, self._leave(batch)

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
        self._leave(old)  # on disk the new ones take their places
        self._put([Moved(before.message, after) for before, after in zip(old, new, strict=True)])

    def take_over(self, waiting: Iterable[OutboxRecord]) -> None:
        """Let what waited in another room wait here, under new message ids; but nothing about messages that stay there."""
        waiting = list(waiting)
        here = {one.message for one in waiting}
        about = {one.number: target(one.kind, one.body) for one in waiting if one.kind in ANNOTATIONS}
        stays = [one for one in waiting if one.number in about and about[one.number] not in here]
        old = [one for one in waiting if one.number not in about or about[one.number] in here]
        new = self._anew(old, lambda _: self._take_number())
        self._put([Moved(before.message, after, before.room) for before, after in zip(old, new, strict=True)])
        self._room.outlet.commit((), lambda _: self._tell_withdrawn(stays))

    def _put(self, moved: list[Moved]) -> None:
        for one in moved:
            self._room.outbox.append(one.record)
            self._enter(one.record)
        self._room.outlet.commit([PutOutbox(one.record) for one in moved], lambda _: self._tell_moved(moved))

    def _anew(self, old: Iterable[OutboxRecord], number: Callable[[OutboxRecord], int]) -> list[OutboxRecord]:
        """The same for the feed of now: what is about something that waits before it names that by its new id."""
        ids: dict[bytes, bytes] = {}
        new: list[OutboxRecord] = []
        for one in old:
            said = renamed(open_body(one.kind, one.body), ids)
            kind, body = seal_body(said, self._salts) if said is not None else (one.kind, one.body)
            new.append(self._waiting(kind, body, number(one), one.time))
            ids[one.message] = new[-1].message
        return new

    def _tell_moved(self, moved: list[Moved]) -> None:
        for one in moved:
            self._room.outlet.emit(one)


def _names(one: OutboxRecord) -> list[tuple[str, bytes]]:
    about = target(one.kind, one.body)
    return [("", one.message), (one.kind, about)] if about else [("", one.message)]
