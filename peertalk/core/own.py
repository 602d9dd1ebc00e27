"""One's own part of a room: feed key, and the pages that are made of what waits (docs/protocol.md, "Outbox").

The place of what waits (outbox.py) in the feed is fixed and on disk just before it is sent, once a peer is here from whom everything
is known. While one own page is under way the next sends gather, and become one page.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from peertalk.core import pushing, wire
from peertalk.core.effects import MembersChanged, Placed, Send
from peertalk.core.entry import (
    VERSION,
    End,
    FeedKey,
    Header,
    Here,
    Random,
    encode_header,
    hash32,
    open_body,
    seal_body,
)
from peertalk.core.heirs import signer
from peertalk.core.log import Item
from peertalk.core.outbox import Outbox, current_key
from peertalk.core.outlet import Now
from peertalk.core.room import Room
from peertalk.core.rooms import DAY_MS
from peertalk.core.stored import (
    STATE_KINDS,
    FeedKeyRecord,
    Op,
    OutboxRecord,
    PageRecord,
    PutCard,
    PutFeedKey,
)

FEED_LIFE = 30 * DAY_MS
END_PATIENCE = 7 * DAY_MS
"""How long a retiring key waits for a link to write its last entry; then it is erased without."""
AHEAD = 3  # own pages on their way to the disk at once, where so much waits that it fills one


class Own:
    """The writer of `room`. `name` is the nickname that `here` entries carry. While the room `is_stopped` what a person has
    written waits, and nothing else does: the door can be closed, and one can go."""

    def __init__(self, room: Room, random: Random, name: str, is_stopped: Callable[[], bool] = lambda: False) -> None:
        self.room = room
        self.name = name
        self.outbox = Outbox(room, random, is_stopped)
        self._random = random
        self._key: FeedKey | None = None
        self._under_way = 0

    # ── the feed key ─────────────────────────────────────────────────────────────────────────────────────────────────

    def ensure_feed(self, now: Now) -> None:
        """There is a feed to write into; a new one begins with `here`."""
        current = current_key(self.room)
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
        self.outbox.move_on()
        if announced:
            self.announce(now)

    def disown(self, feed: bytes, now: Now) -> None:
        """Another copy of this profile writes into an own feed: never write into it again, so that it does not fork here."""
        current = current_key(self.room)
        if current is not None and current.feed == feed:
            self.retire(now, ahead=True)
            return
        for key in [key for key in self.room.keys if key.feed == feed and key.seed is not None]:
            self.room.outlet.commit((self._erase(key),))

    def retire(self, now: Now, *, ahead: bool = False, announced: bool = True) -> None:
        """Go on with a new feed. The old one signs its successor and ends; where another copy of the profile is `ahead`, it
        just ends being used, and so do those that wait for their end, which that copy may have written. Not `announced`, the new
        one begins when there is something to say."""
        older = signer(self.room.keys, lambda feed: bool(self.room.log.chain(feed).pages))
        ended = [self._erase(key) for key in self.room.keys if ahead and key.retiring and key.seed is not None]
        old = current_key(self.room)
        if old is None and ended:
            self.room.outlet.commit(ended)
        if old is None or not (ahead or self.room.log.chain(old.feed).pages):
            return  # one that was never written into can't say later from which it goes on
        retiring = msgspec.structs.replace(old, seed=None if ahead else old.seed, retiring=True)
        self.room.keys[self.room.keys.index(old)] = retiring
        self._new_feed(now, older, PutFeedKey(retiring), *ended, announced=announced)

    def key(self) -> FeedKey | None:
        """With what one signs here now."""
        current = current_key(self.room)
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

    # ── pages ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def announce(self, now: Now, was: str = "") -> None:
        """Say that one is here, and under which name (`was`: the name until now). A `here` that still waits is replaced."""
        current = current_key(self.room)
        first = current is not None and not self.room.log.chain(current.feed).pages
        for waiting in self.outbox.withdraw_kind("here"):
            said = open_body(waiting.kind, waiting.body)
            was = said.was if isinstance(said, Here) else was
        succeeds = current.succeeds if current is not None and first else None
        by = self.room.record.invited_by or None if first else None
        self.outbox.queue(Here(self.name, was, succeeds, by), now, first=first)

    def push(self, now: Now) -> None:
        """Put what waits in its place if somebody is here, else make sure that it is on disk."""
        is_much = len(self.room.outbox) >= wire.MAX_PAGE_ENTRIES and self._under_way < AHEAD
        if not self.room.outbox or (self._under_way and not is_much):
            return
        if self.room.can_write(now) and self.outbox.ready():
            self._end_retiring(now)
            self._begin(now)
            self._place(now)
        else:
            self.outbox.save()

    def _begin(self, now: Now) -> None:
        """A feed begins with `here`."""
        current = current_key(self.room)
        if current is not None and not self.room.log.chain(current.feed).pages and self.room.outbox[0].kind != "here":
            self.announce(now)

    def _place(self, now: Now) -> None:
        key = self.key()
        if key is None:
            return
        batch, ops = self.outbox.take()
        self._under_way += 1
        page, message = self._page(key, [(w.kind, w.body, w.time) for w in batch], now)
        self.room.outlet.commit((*self.room.bodies.settling((page,)), *ops), lambda then: self._placed(page, message, then))
        if batch[-1].kind == "over":
            self.retire(now, announced=False)
            self._end_retiring(now)

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
        return not self._under_way and not self.outbox.ready()

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
        return [one for one in self.outbox.give_up() if one.kind not in STATE_KINDS]

    # ── ending ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _end_retiring(self, now: Now) -> None:
        """Write the last entry of a retiring feed and erase its key."""
        for old in [key for key in self.room.keys if key.retiring]:
            if old.seed is None:
                continue
            kind, body = seal_body(End(), self._random)
            page, message = self._page(FeedKey(old.seed), [(kind, body, now.wall)], now)
            self._commit_end(page, message, self._erase(old))

    def _commit_end(self, page: PageRecord, message: wire.Page, erased: PutFeedKey) -> None:
        self.room.outlet.commit((*self.room.bodies.settling((page,)), erased), lambda then: self._hand_out(page, message, then))
