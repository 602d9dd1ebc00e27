"""One's own part of a room: feed key, outbox, and the pages that are made of what waits (docs/protocol.md, "Outbox").

A body is on disk before anything else happens; its place in the feed is fixed and on disk just before it is sent, once a peer
is here from whom everything is known. While one own page is under way the next sends gather, and become one page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from peertalk.core import pushing, wire
from peertalk.core.annotations import renamed, target
from peertalk.core.effects import MembersChanged, Moved, Placed, Queued, Send, Withdrawn
from peertalk.core.entry import (
    VERSION,
    Content,
    Delete,
    Edit,
    End,
    FeedKey,
    Header,
    Here,
    Random,
    Salts,
    encode_header,
    hash32,
    message_id,
    open_body,
    seal_body,
)
from peertalk.core.lineage import speaks_for
from peertalk.core.log import Item
from peertalk.core.outlet import Now
from peertalk.core.room import Room
from peertalk.core.rooms import DAY_MS
from peertalk.core.stored import (
    ANNOTATIONS,
    STATE_KINDS,
    DropOutbox,
    EraseBodies,
    FeedKeyRecord,
    Op,
    OutboxRecord,
    PageRecord,
    PutCard,
    PutFeedKey,
    PutOutbox,
)
from peertalk.errors import RequestError

FEED_LIFE = 30 * DAY_MS
END_PATIENCE = 7 * DAY_MS
"""How long a retiring key waits for a link to write its last entry; then it is erased without."""
AHEAD = 3  # own pages on their way to the disk at once, where so much waits that it fills one
_ROOM_IN_PAGE = wire.MAX_PAGE - 4096


class Own:
    """The writer of `room`. `name` is the nickname that `here` entries carry. While the room `is_stopped` what a person has
    written waits, and nothing else does: the door can be closed, and one can go."""

    def __init__(self, room: Room, random: Random, name: str, is_stopped: Callable[[], bool] = lambda: False) -> None:
        self.room = room
        self.name = name
        self._is_stopped = is_stopped
        self._random, self._salts = random, Salts(random)
        self._key: FeedKey | None = None
        self._under_way = 0
        room.outbox.sort(key=lambda waiting: waiting.kind != "here")
        self._saved = {waiting.number for waiting in room.outbox}
        self._number = max(self._saved, default=0)

    # ── the feed key ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _current(self) -> FeedKeyRecord | None:
        return next((key for key in self.room.keys if key.seed is not None and not key.retiring), None)

    def ensure_feed(self, now: Now) -> None:
        """There is a feed to write into; a new one begins with `here`."""
        current = self._current()
        if current is None:
            self._new_feed(now, None)
        elif now.wall - current.created > FEED_LIFE:
            self.retire(now)
        for old in [key for key in self.room.keys if key.retiring and key.seed is not None]:
            if now.wall - old.created > FEED_LIFE + END_PATIENCE:
                self.room.outlet.commit((self._erase(old),))

    def _erase(self, old: FeedKeyRecord) -> PutFeedKey:
        erased = msgspec.structs.replace(old, seed=None, retiring=True)
        self.room.keys[self.room.keys.index(old)] = erased
        return PutFeedKey(erased)

    def _new_feed(self, now: Now, older: FeedKeyRecord | None, *ops: Op, announced: bool = True) -> None:
        key = FeedKey(self._random(32))
        succeeds = None
        if older is not None and older.seed is not None:
            succeeds = (older.feed, FeedKey(older.seed).sign_next(self.room.id, key.public))
        record = FeedKeyRecord(room=self.room.id, feed=key.public, seed=key.seed, created=now.wall, succeeds=succeeds)
        self.room.keys.append(record)
        self._key = key
        self.room.outlet.commit((PutFeedKey(record), *ops))
        self._hand_over_card()
        self._move_on()
        if announced:
            self.announce(now)

    def _move_on(self) -> None:
        """What waits is now for this feed, and its id says so."""
        old = [one for one in self.room.outbox if one.kind != "here"]
        if not old:
            return
        new = self._anew(old, lambda one: one.number)
        self.room.outbox[:] = [*(one for one in self.room.outbox if one.kind == "here"), *new]
        self._saved.update(one.number for one in new)
        moved = [Moved(before.message, after) for before, after in zip(old, new, strict=True)]
        self.room.outlet.commit([PutOutbox(one) for one in new], lambda _: self._tell_moved(moved))

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
            self.room.outlet.emit(one)

    def disown(self, feed: bytes, now: Now) -> None:
        """Another copy of this profile writes into an own feed: never write into it again, so that it does not fork here."""
        current = self._current()
        if current is not None and current.feed == feed:
            self.retire(now, ahead=True)
            return
        for key in [key for key in self.room.keys if key.feed == feed and key.seed is not None]:
            self.room.outlet.commit((self._erase(key),))

    def retire(self, now: Now, *, ahead: bool = False, announced: bool = True) -> None:
        """Go on with a new feed. The old one signs its successor and ends; where another copy of the profile is `ahead`, it
        just ends being used, and so do those that wait for their end, which that copy may have written. Not `announced`, the new
        one begins when there is something to say."""
        old = self._current()
        if old is None or not (ahead or self.room.log.chain(old.feed).pages):
            return  # one that was never written into can't say later from which it goes on
        ended = [self._erase(key) for key in self.room.keys if ahead and key.retiring and key.seed is not None]
        retiring = msgspec.structs.replace(old, seed=None if ahead else old.seed, retiring=True)
        self.room.keys[self.room.keys.index(old)] = retiring
        self._new_feed(now, old, PutFeedKey(retiring), *ended, announced=announced)

    def key(self) -> FeedKey | None:
        """With what one signs here now."""
        current = self._current()
        if current is None or current.seed is None:
            return None
        if self._key is None or self._key.public != current.feed:
            self._key = FeedKey(current.seed)
        return self._key

    def card(self) -> wire.Card:
        """One's own card: all feeds that one uses or used here, the newest last."""
        owners = dict(self._signed())
        for key in self.room.keys:
            if key.seed is not None and key.feed not in owners:
                owners[key.feed] = FeedKey(key.seed).sign_owner(self.room.id, self.room.me)
        return self.room.cards.own(owners.items())

    def _signed(self) -> tuple[tuple[bytes, bytes], ...]:
        record = self.room.cards.records.get((self.room.me, b""))
        return record.feeds if record else ()

    def _hand_over_card(self) -> None:
        card = self.card()
        self.room.outlet.commit((PutCard(self.room.cards.records[(self.room.me, b"")]),))
        for sharing in self.room.sharings.values():
            if sharing.card_sent:
                self.room.outlet.emit(Send(sharing.link, card))

    # ── the outbox ───────────────────────────────────────────────────────────────────────────────────────────────────

    def announce(self, now: Now, was: str = "") -> None:
        """Say that one is here, and under which name (`was`: the name until now). A `here` that still waits is replaced."""
        current = self._current()
        first = current is not None and not self.room.log.chain(current.feed).pages
        for waiting in [waiting for waiting in self.room.outbox if waiting.kind == "here"]:
            said = open_body(waiting.kind, waiting.body)
            was = said.was if isinstance(said, Here) else was
            self.room.outbox.remove(waiting)
            self._forget_waiting(waiting)
        succeeds = current.succeeds if current is not None and first else None
        by = self.room.record.invited_by or None if first else None
        self.queue(Here(self.name, was, succeeds, by), now, first=first)

    def _forget_waiting(self, waiting: OutboxRecord) -> None:
        if waiting.number in self._saved:
            self._saved.discard(waiting.number)
            self.room.outlet.commit((DropOutbox(self.room.id, waiting.number),))

    def say(self, content: Content, now: Now) -> bytes:
        """Queue what a person says; its message id. What waits and is deleted just leaves the outbox. RequestError("too_large"), and
        ("refused") for an edit of what one has deleted."""
        if isinstance(content, Delete) and self._withdraw(content.to):
            return content.to
        if isinstance(content, Edit) and self._has_deleted(content.to):
            raise RequestError("refused", why="deleted")
        return self.queue(content, now)

    def _has_deleted(self, message: bytes) -> bool:
        waits = any(one.kind == "delete" and target(one.kind, one.body) == message for one in self.room.outbox)
        return waits or self.room.bodies.was_deleted(message, self.room.own_feeds())

    def queue(self, content: Content, now: Now, *, first: bool = False) -> bytes:
        """Let `content` wait for its place (`first`: before all that waits); its message id. RequestError("too_large")."""
        kind, body = seal_body(content, self._salts)
        waiting = self._waiting(kind, body, self._take_number(), now.wall)
        self.room.outbox.insert(0 if first else len(self.room.outbox), waiting)
        return waiting.message

    def _take_number(self) -> int:
        self._number += 1
        return self._number

    def _withdraw(self, message: bytes) -> bool:
        """An own message is to be gone: what still waits of it, and about it, leaves the outbox. False if it waits no longer itself,
        so that it has to be said."""
        about = [one for one in self.room.outbox if message in (one.message, target(one.kind, one.body))]
        for one in about:
            self.room.outbox.remove(one)
        ops = [DropOutbox(self.room.id, one.number, erased=True) for one in about if one.number in self._saved]
        self._saved -= {one.number for one in about}
        if about:
            self.room.outlet.commit(ops, lambda _: self._tell_withdrawn(about))
        return any(one.message == message for one in about)

    def _tell_withdrawn(self, about: list[OutboxRecord]) -> None:
        for one in about:
            self.room.outlet.emit(Withdrawn(one))

    def _waiting(self, kind: str, body: bytes, number: int, time: int) -> OutboxRecord:
        current = self._current()
        message = message_id(current.feed if current is not None else b"", hash32(body))
        return OutboxRecord(room=self.room.id, number=number, message=message, kind=kind, body=body, time=time)

    def push(self, now: Now) -> None:
        """Put what waits in its place if somebody is here, else make sure that it is on disk."""
        is_much = len(self.room.outbox) >= wire.MAX_PAGE_ENTRIES and self._under_way < AHEAD
        if not self.room.outbox or (self._under_way and not is_much):
            return
        if self.room.can_write(now) and self._ready():
            self._end_retiring(now)
            self._begin(now)
            self._place(now)
        else:
            self.save()

    def _ready(self) -> list[OutboxRecord]:
        """What waits for nothing but its place."""
        held = any(one.kind not in STATE_KINDS for one in self.room.outbox) and self._is_stopped()
        return [one for one in self.room.outbox if one.kind in STATE_KINDS] if held else self.room.outbox

    def _begin(self, now: Now) -> None:
        """A feed begins with `here`."""
        current = self._current()
        if current is not None and not self.room.log.chain(current.feed).pages and self.room.outbox[0].kind != "here":
            self.announce(now)

    def save(self) -> None:
        """Make durable what waits."""
        fresh = [waiting for waiting in self.room.outbox if waiting.number not in self._saved]
        if not fresh:
            return
        self._saved.update(waiting.number for waiting in fresh)
        ops: list[Op] = [PutOutbox(waiting) for waiting in fresh]
        ops += [self._erasure(waiting) for waiting in fresh if waiting.kind == "delete"]
        self.room.outlet.commit(ops, lambda _: self._tell_queued(fresh))

    def _erasure(self, delete: OutboxRecord) -> EraseBodies:
        """What one deletes is gone here at once, also where it has to wait to be said."""
        key, older = self._current(), self.room.members.older
        feeds = speaks_for(key.feed, older) if key is not None else frozenset()
        if key is not None and key.succeeds is not None:  # its first entry may wait too
            feeds |= speaks_for(key.succeeds[0], older)
        return EraseBodies(self.room.id, target(delete.kind, delete.body), feeds, feeds)

    def _tell_queued(self, fresh: list[OutboxRecord]) -> None:
        for waiting in fresh:
            self.room.outlet.emit(Queued(waiting))

    def _place(self, now: Now) -> None:
        key = self.key()
        if key is None:
            return
        batch = self._batch()
        ops: list[Op] = [DropOutbox(self.room.id, waiting.number) for waiting in batch if waiting.number in self._saved]
        gone = {waiting.number for waiting in batch}
        self._saved -= gone
        if self.room.outbox[: len(batch)] == batch:
            del self.room.outbox[: len(batch)]
        else:
            self.room.outbox[:] = [waiting for waiting in self.room.outbox if waiting.number not in gone]
        self._under_way += 1
        page, message = self._page(key, [(w.kind, w.body, w.time) for w in batch], now)
        self.room.outlet.commit((*self.room.bodies.settling((page,)), *ops), lambda then: self._placed(page, message, then))
        if batch[-1].kind == "over":
            self.retire(now, announced=False)
            self._end_retiring(now)

    def _batch(self) -> list[OutboxRecord]:
        size = 0
        batch: list[OutboxRecord] = []
        for waiting in self._ready()[: wire.MAX_PAGE_ENTRIES]:
            size += len(waiting.body) + wire.MAX_HEADER
            if batch and (size > _ROOM_IN_PAGE or batch[-1].kind == "over"):  # the last thing that is said in a feed
                break
            batch.append(waiting)
        return batch

    def _page(self, key: FeedKey, parts: list[tuple[str, bytes, int]], now: Now) -> tuple[PageRecord, wire.Page]:
        log = self.room.log
        prev, seq = log.chain(key.public).top
        after = log.after(prev)
        lamport = max((log.lamport(id_) for id_ in (prev, *after) if id_), default=0)
        items: list[Item] = []
        for kind, body, time in parts:
            seq, lamport = seq + 1, lamport + 1
            header = Header(
                VERSION, self.room.id, key.public, seq, prev, lamport, after, time, kind, hash32(body), len(body)
            )  # fmt: skip
            raw = encode_header(header)
            items.append(Item(hash32(raw), header, raw, body))
            prev, after = items[-1].id, ()
        signature = key.sign_page(prev)
        page, _ = self.room.append(items, signature, now)
        message = wire.Page(
            self.room.id, tuple(item.raw for item in items), signature, tuple(entry.body for entry in page.entries)
        )  # fmt: skip
        return page, message

    @property
    def is_idle(self) -> bool:
        """Does nothing wait that could go, and is nothing under way?"""
        return not self._under_way and not self._ready()

    def _placed(self, page: PageRecord, message: wire.Page, now: Now) -> None:
        self._under_way -= 1
        self._hand_out(page, message, now)

    def _hand_out(self, page: PageRecord, message: wire.Page, now: Now) -> None:
        tip = self.room.made_durable(page)
        sent = pushing.push(self.room, message)
        if self.room.is_large:
            self.room.tell(tip, page.feed, now.mono, sent)
        for entry in page.entries:
            self.room.outlet.emit(Placed(self.room.id, entry))
            if entry.kind in ("here", "left"):
                self.room.outlet.emit(MembersChanged(self.room.id, (self.room.me,)))

    # ── a room that is re-formed ─────────────────────────────────────────────────────────────────────────────────────

    def give_up(self) -> list[OutboxRecord]:
        """Never write here again: the feed keys are erased, without a last entry. What waits is given to somebody else."""
        for key in [key for key in self.room.keys if key.seed is not None]:
            self.room.outlet.commit((self._erase(key),))
        self._key = None
        waiting, self.room.outbox[:] = list(self.room.outbox), []
        for one in waiting:
            self._forget_waiting(one)
        return [one for one in waiting if one.kind not in STATE_KINDS]

    def take_over(self, waiting: Iterable[OutboxRecord]) -> None:
        """Let what waited in another room wait here, under new message ids; but nothing about messages that stay there."""
        waiting = list(waiting)
        here = {one.message for one in waiting}
        old = [one for one in waiting if one.kind not in ANNOTATIONS or target(one.kind, one.body) in here]
        new = self._anew(old, lambda _: self._take_number())
        moved = [Moved(before.message, after, before.room) for before, after in zip(old, new, strict=True)]
        self.room.outbox.extend(each.record for each in moved)
        self._saved.update(each.record.number for each in moved)
        self.room.outlet.commit([PutOutbox(each.record) for each in moved], lambda _: self._tell_moved(moved))

    # ── ending ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _end_retiring(self, now: Now) -> None:
        """Write the last entry of a retiring feed and erase its key."""
        for old in [key for key in self.room.keys if key.retiring]:
            if old.seed is None:
                continue
            kind, body = seal_body(End(), self._salts)
            page, message = self._page(FeedKey(old.seed), [(kind, body, now.wall)], now)
            self._commit_end(page, message, self._erase(old))

    def _commit_end(self, page: PageRecord, message: wire.Page, erased: PutFeedKey) -> None:
        self.room.outlet.commit((*self.room.bodies.settling((page,)), erased), lambda then: self._hand_out(page, message, then))
