"""One room as this replica has it: history, members, cards, own feed keys, what waits, and who shares it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import msgspec

from peertalk.core.cards import Cards
from peertalk.core.doors import Door
from peertalk.core.effects import Arrived, Claimed, ForkSeen, MembersChanged, RoomCame
from peertalk.core.entry import decode_header, hash32
from peertalk.core.feed import tip_of
from peertalk.core.log import Item, Log, record
from peertalk.core.members import PRESENCE_KINDS, Members
from peertalk.core.outlet import Now, Outlet
from peertalk.core.rooms import bodies_expire_after
from peertalk.core.sharing import MAX_WANTED, OWN_WANTED, Sharing
from peertalk.core.split import Before, Splits
from peertalk.core.stored import (
    STATE_KINDS,
    ClaimRecord,
    EntryRecord,
    FeedKeyRecord,
    Op,
    OutboxRecord,
    PageIndex,
    PageRecord,
    PutBody,
    PutClaim,
    PutPage,
    PutRoom,
    RoomRecord,
    RoomSnapshot,
)
from peertalk.errors import RemoteError

DELTA_DELAY = 0.2
"""Seconds within which new tips are told, gathered."""
SHOWN_AFTER = 10.0
"""Seconds after which something counts as seen on the screen: what lands above it then is late."""
RECALLED = 256
"""Pages that are looked through at a start for bodies that may still come."""
NOTHING = bytes(32)

OrderKey = tuple[int, bytes]


class Room:
    """See the module; everything that arrives is taken in by intake.py, everything own is added by `append`."""

    def __init__(self, snapshot: RoomSnapshot, me: bytes, outlet: Outlet, now: Now) -> None:
        self.record: RoomRecord = snapshot.record
        self.id = self.record.id
        self.me = me
        self.outlet = outlet
        self.log = Log(self.id, snapshot.pages)
        self.cards = Cards(self.id, me, snapshot.cards)
        self.members = Members(self.cards, snapshot.state)
        self.splits = Splits(snapshot.state)
        self.before = Before(self.log)
        self.keys: list[FeedKeyRecord] = list(snapshot.feeds)
        self.outbox: list[OutboxRecord] = list(snapshot.outbox)
        self.door = Door(self.cards, me, self.record.kind, snapshot.state, self.outbox)
        self.is_kept_out = False
        """Somebody said that the door is closed to us, and nobody has let us in since."""
        self.claims: dict[tuple[bytes, bytes, bool], int] = {(c.feed, c.identity, c.disk): c.seq for c in snapshot.claims}
        self.absent: dict[bytes, bytes] = {}
        self.unsure: dict[bytes, bytes] = {}
        """Bodies that are not asked for, but not on disk yet either, or not looked for: they are claimed as little as absent ones."""
        self._recall_absent(snapshot.pages)
        tips = sorted(self.log.tips(), key=lambda tip: self.log.index[tip].number)
        self.held: dict[bytes, bytes] = {tip: self.log.index[tip].feed for tip in tips}
        self.durable = len(self.log.pages)
        self.sharings: dict[int, Sharing] = {}
        self._top: OrderKey = max(((page.entries[-1][2], page.entries[-1][0]) for page in self.log.pages), default=(0, b""))
        self._seen, self._turned = self._top, now.mono

    def _recall_absent(self, pages: Iterable[PageIndex]) -> None:
        """Which bodies are missing. Where bodies expire, the times of those entries have to be read to tell the two apart."""
        lacking = [page for page in pages if page.absent]
        if bodies_expire_after(self.record) is None:
            self.absent.update((id_, page.feed) for page in lacking for id_ in page.absent)
        elif lacking:
            recalled = lacking[-RECALLED:]
            self.unsure.update((id_, page.feed) for page in recalled for id_ in page.absent)
            numbers = tuple(page.number for page in recalled)
            self.outlet.load_pages(self.id, numbers, self._recalled)

    def _recalled(self, pages: Sequence[PageRecord], now: Now) -> None:
        """What expired is no longer named as absent: those who were told so meanwhile hear it."""
        self._note_absent(pages, now)
        self._is_sure(entry for page in pages for entry in page.entries)
        self._tell_feeds({page.feed for page in pages}, now)

    def _is_sure(self, entries: Iterable[EntryRecord]) -> None:
        for entry in entries:
            self.unsure.pop(entry.id, None)

    def _note_absent(self, pages: Iterable[PageRecord], now: Now) -> None:
        self.outlet.touched.add(self.id)
        for entry in (entry for page in pages for entry in page.entries):
            if entry.body is None and not self._is_expired(entry, now):
                self.absent[entry.id] = entry.feed
                for sharing in self.sharings.values():
                    sharing.hope_for_bodies(now.mono)

    # ── who is here ──────────────────────────────────────────────────────────────────────────────────────────────────

    def online(self) -> set[bytes]:
        """The identities that share this room over a link now."""
        return {sharing.identity for sharing in self.sharings.values() if sharing.ready}

    def everyone(self) -> set[bytes]:
        """All members as shown: by their entries, everybody who is linked (no silent lurkers), and oneself."""
        return {*self.members.identities(), *self.online(), self.me}

    @property
    def is_sealed(self) -> bool:
        """Is the door closed, as far as is known?"""
        return self.is_kept_out or self.door.is_closed

    @property
    def is_outside(self) -> bool:
        """Is the door closed, and oneself not inside?"""
        return self.is_kept_out or not self.door.admits(self.me)

    def own_feeds(self) -> set[bytes]:
        return {key.feed for key in self.keys}

    def ready(self) -> list[Sharing]:
        return [sharing for sharing in self.sharings.values() if sharing.ready]

    def can_write(self, now: Now) -> bool:
        """Is there a peer from whom everything that it claimed first is here?"""
        return any(sharing.is_caught_up(self.log, now.mono) for sharing in self.sharings.values())

    @property
    def accepted(self) -> bool:
        """Is this no direct room that a stranger began and in which one has not written oneself?"""
        return self.record.kind != "direct" or self.record.accepted

    @property
    def is_spare(self) -> bool:
        """Is this a direct room that another began, with nothing in it to read or sent from here, and nobody there?"""
        return not (self.accepted or self.record.shown or self.sharings)

    def room_for_tips(self, sharing: Sharing) -> int:
        """How many tips may be wanted of a peer: some of each, and many of all together, but those in a direct room are few."""
        if self.record.kind == "direct":
            return OWN_WANTED
        others = sum(max(0, len(one.wanted) - OWN_WANTED) for one in self.sharings.values() if one is not sharing)
        return OWN_WANTED + max(0, MAX_WANTED - others)

    def touch(self, now: Now) -> None:
        """Somebody of this room is linked now."""
        self.record = msgspec.structs.replace(self.record, linked=now.wall)
        self.outlet.lazily((self.id, "record"), PutRoom(self.record))

    # ── the set ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def digest(self) -> bytes:
        """The digest over all tips that are on disk: sorted, hashed. NOTHING where bodies are absent."""
        if self.absent or self.unsure:
            return NOTHING
        return hashlib.blake2b(b"".join(sorted(self.held)), digest_size=32, person=b"peertalk/1 have").digest()

    def unclaimed(self) -> dict[bytes, bytes]:
        """The bodies that are not on disk, as far as is known → their feed."""
        return {**self.absent, **self.unsure}

    def _key_is_late(self, key: OrderKey, now: Now) -> bool:
        if now.mono - self._turned >= SHOWN_AFTER:
            self._seen, self._turned = self._top, now.mono
        self._top = max(self._top, key)
        return key < self._seen

    def append(self, items: Iterable[Item], signature: bytes, now: Now) -> tuple[PageRecord, bool]:
        """Settle a checked page; (record, whether it shows a new fork)."""
        items = tuple(items)
        entries = tuple(
            record(item, received=now.wall, late=self._key_is_late((item.header.lamport, item.id), now)) for item in items
        )
        first = items[0].header
        page = PageRecord(
            room=self.id,
            number=len(self.log.pages),
            feed=first.feed,
            prev=first.prev,
            signature=signature,
            entries=entries,
        )
        forks = self.log.add(page, (id_ for item in items for id_ in (item.header.prev, *item.header.after)))
        for entry in entries:
            self._learn(entry)
        return page, forks

    def _learn(self, entry: EntryRecord) -> None:
        self.members.add(entry)
        self.door.add(entry)
        self.splits.add(entry)

    def settle(self, items: tuple[Item, ...], signature: bytes, size: int, sharing: Sharing, now: Now) -> None:
        page, forks = self.append(items, signature, now)
        sharing.note(self.log, tip_of(self.log.pages[page.number])[0])
        self._note_absent((page,), now)
        ops: list[Op] = [PutPage(page)]
        if not self.record.shown and any(entry.kind == "text" for entry in page.entries):
            self.record = msgspec.structs.replace(self.record, shown=True)
            ops.append(PutRoom(self.record))
        self.outlet.unwritten += size
        self.outlet.commit(ops, lambda then: self._written(size, page, forks, then, came=self.record if len(ops) > 1 else None))

    def _written(self, size: int, page: PageRecord, forks: bool, now: Now, came: RoomRecord | None) -> None:
        self.outlet.unwritten -= size
        self._arrived(page, forks, now, came)

    def _is_expired(self, entry: EntryRecord, now: Now) -> bool:
        if entry.kind in STATE_KINDS:
            return False
        limit = bodies_expire_after(self.record)
        return limit is not None and min(entry.time, entry.received) < now.wall - limit

    def _arrived(self, page: PageRecord, forks: bool, now: Now, came: RoomRecord | None) -> None:
        self._tell(self.made_durable(page), page.feed, now)
        if came is not None:
            self.outlet.emit(RoomCame(came))
        self.outlet.emit(Arrived(self.id, page.entries))
        self._tell_members(page.entries)
        if forks:
            self.outlet.emit(ForkSeen(self.id, page.feed))

    def _tell_members(self, entries: Iterable[EntryRecord]) -> None:
        for entry in entries:
            owner = self.cards.owner(entry.feed) if entry.kind in PRESENCE_KINDS else None
            if owner is not None:
                self.outlet.emit(MembersChanged(self.id, (owner.identity, *owner.others)))

    def made_durable(self, page: PageRecord) -> bytes:
        """A page is on disk: from now on it is claimed and served. Its tip."""
        self.outlet.touched.add(self.id)
        self.durable = page.number + 1
        self.held.pop(page.prev, None)
        tip = page.entries[-1].id
        self.held[tip] = page.feed
        return tip

    def _tell(self, tip: bytes, feed: bytes, now: Now) -> None:
        """Its author is told at once, others within 200 ms."""
        owner = self.cards.owner(feed)
        author = owner.identity if owner else b""
        for sharing in self.ready():
            sharing.tell(tip, feed, now.mono + (0 if sharing.identity == author else DELTA_DELAY))

    # ── bodies that were missing ─────────────────────────────────────────────────────────────────────────────────────

    def fill(self, bodies: dict[bytes, bytes], pages: Sequence[PageRecord]) -> int:
        """Keep bodies that were asked for, given the pages of their entries; how many were. RemoteError("bad_body")."""
        filled: list[EntryRecord] = []
        for entry in (entry for page in pages for entry in page.entries if entry.id in bodies and entry.id in self.absent):
            if hash32(bodies[entry.id]) != decode_header(entry.header).body:
                raise RemoteError("bad_body")
            filled.append(msgspec.structs.replace(entry, body=bodies[entry.id]))
        for entry in filled:
            self.unsure[entry.id] = self.absent.pop(entry.id)
            self._learn(entry)
        if filled:
            ops = [PutBody(self.id, entry.id, bodies[entry.id]) for entry in filled]
            self.outlet.commit(ops, lambda then: self._filled(tuple(filled), then))
        return len(filled)

    def _filled(self, entries: tuple[EntryRecord, ...], now: Now) -> None:
        self._is_sure(entries)
        self.outlet.emit(Arrived(self.id, entries))
        self._tell_members(entries)
        self.outlet.touched.add(self.id)
        self._tell_feeds({entry.feed for entry in entries}, now)

    def _tell_feeds(self, feeds: Iterable[bytes], now: Now) -> None:
        for feed in sorted(feeds):
            for tip in self.log.chain(feed).tips:
                self._tell(tip, feed, now)

    # ── who has what ─────────────────────────────────────────────────────────────────────────────────────────────────

    def note_claim(self, feed: bytes, seq: int, sharing: Sharing, *, disk: bool) -> None:
        """A peer holds an own feed up to `seq`."""
        key = (feed, sharing.identity, disk)
        since = self.claims.get(key, 0)
        if seq <= since:
            return
        self.claims[key] = seq
        claim = ClaimRecord(room=self.id, feed=feed, identity=sharing.identity, seq=seq, disk=disk)
        self.outlet.lazily((self.id, *key), PutClaim(claim))
        self.outlet.emit(Claimed(self.id, feed, since, seq))

    def holders(self, feed: bytes, seq: int) -> tuple[list[bytes], list[bytes]]:
        """Who holds an own entry: (on disk, only in memory), identities in order."""
        disk = {who for (of, who, on_disk), upto in self.claims.items() if of == feed and on_disk and upto >= seq}
        memory = {who for (of, who, on_disk), upto in self.claims.items() if of == feed and not on_disk and upto >= seq}
        return sorted(disk), sorted(memory - disk)
