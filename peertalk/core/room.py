"""One room as this replica has it: history, members, cards, own feed keys, what waits, and who shares it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import msgspec

from peertalk.core import wire
from peertalk.core.bodies import Bodies
from peertalk.core.cards import Cards
from peertalk.core.doors import Door
from peertalk.core.effects import Arrived, Claimed, Close, ForkSeen, MembersChanged, RoomCame
from peertalk.core.entry import decode_header, hash32
from peertalk.core.feed import tip_of
from peertalk.core.log import Item, Log, record
from peertalk.core.members import PRESENCE_KINDS, Members
from peertalk.core.outlet import Now, Outlet
from peertalk.core.rates import NEW_FEED, Charged
from peertalk.core.sharing import MAX_WANTED, OWN_WANTED, Sharing
from peertalk.core.split import Before, Splits
from peertalk.core.stored import (
    ClaimRecord,
    EntryRecord,
    FeedKeyRecord,
    OutboxRecord,
    PageRecord,
    PutClaim,
    PutRoom,
    RoomRecord,
    RoomSnapshot,
)
from peertalk.errors import RemoteError

DELTA_DELAY = 0.2
"""Seconds within which new tips are told, gathered."""
LIVE_PATIENCE = 0.3
"""Seconds that a tip told live is waited for before it is asked for: its author sends it at the same time."""
SHOWN_AFTER = 10.0
"""Seconds after which something counts as seen on the screen: what lands above it then is late."""
PUT_OFF = 2.0
"""Seconds after which something that exceeded a rate is asked for again: not at once of the next one, who would send the same."""
MAX_UNWRITTEN = 1 << 20
"""Bytes of pages that wait for the disk beyond which strangers bring nothing more, and twice as many for who brings little: a slow
disk must not fill the memory, nor keep anybody from writing."""
NOTHING = bytes(32)

OrderKey = tuple[int, bytes]


class Room:
    """See the module; everything that arrives goes through `receive_page`, everything own is added by `append`."""

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
        tips = sorted(self.log.tips(), key=lambda tip: self.log.index[tip].number)
        self.held: dict[bytes, bytes] = {tip: self.log.index[tip].feed for tip in tips}
        self.durable = len(self.log.pages)
        self.sharings: dict[int, Sharing] = {}
        self.bodies = Bodies(
            snapshot,
            self.members.lineage,
            outlet,
            self.sharings,
            now,
            learn=self._learn,
            came=lambda entries: self._tell_arrived(entries, later=True),
            tell=self._tell_feeds,
        )
        self._top: OrderKey = max(((page.entries[-1][2], page.entries[-1][0]) for page in self.log.pages), default=(0, b""))
        self._seen, self._turned = self._top, now.mono

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
        if self.bodies.absent or self.bodies.unsure:
            return NOTHING
        return hashlib.blake2b(b"".join(sorted(self.held)), digest_size=32, person=b"peertalk/1 have").digest()

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
        entries = self.bodies.take_in(entries)
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
        return page, forks

    def _learn(self, entry: EntryRecord) -> None:
        self.members.add(entry)
        self.door.add(entry)
        self.splits.add(entry)

    def receive_page(self, page: wire.Page, sharing: Sharing, now: Now) -> bool:
        """Settle a page from a peer, or park or drop it. True if all of it is here now. RemoteError for a bad one."""
        tip = hash32(page.headers[-1])
        if tip in self.log.index:
            sharing.note(self.log, tip)
            return True
        if self._charged(page, sharing, now) is None:
            self._want(page, tip, sharing, now.mono + PUT_OFF)
            sharing.ask_after = now.mono + PUT_OFF
            return False
        items = self.log.check(page)
        if isinstance(items, bytes):
            self._want(page, tip, sharing, now.mono + LIVE_PATIENCE)
            sharing.park(tip, page, items)
            return False
        if items:
            self._take(page, items, sharing, now)
        return True

    def _want(self, page: wire.Page, tip: bytes, sharing: Sharing, at: float) -> None:
        last = decode_header(page.headers[-1])
        is_own = last.feed in self.cards.listed(sharing.identity)
        sharing.want_page(tip, last.feed, last.seq, at, self.room_for_tips(sharing), is_own=is_own)

    def _cost(self, page: wire.Page) -> tuple[int, int]:
        begins = decode_header(page.headers[0]).feed not in self.log.chains
        return len(page.headers) + (NEW_FEED - 1 if begins else 0), wire.size(page)

    def _charged(self, page: wire.Page, sharing: Sharing, now: Now) -> Charged | None:
        """What a page is charged to once it settles; None if it exceeds the rates: it is taken when it is asked for again."""
        return self.charged(sharing, *self._cost(page), now)

    def charged(self, sharing: Sharing, entries: int, size: int, now: Now) -> Charged | None:
        """What is charged if a peer brings so much now (docs/protocol.md, "Limits"); None if it has to wait."""
        intake, who = self.outlet.intake, sharing.identity
        if self.record.kind != "open" and self.accepted:
            return ()
        most = MAX_UNWRITTEN * (2 if intake.writes(who, entries, size, now.mono) else 1)
        if self.outlet.unwritten > most:
            return None
        charge = intake.into_open if self.record.kind == "open" else intake.of_stranger
        return charge(who, entries, size, now.mono)

    def _take(self, page: wire.Page, items: tuple[Item, ...], sharing: Sharing, now: Now) -> None:
        """Settle a page that is within the rates. Only what settles is charged: what is dropped comes again."""
        entries, size = self._cost(page)
        for quota in self._charged(page, sharing, now) or ():
            quota.charge(entries, size, now.mono)
        self._settle(items, page.signature, size, sharing, now)

    def unpark(self, now: Now) -> None:
        """Try the parked pages again: something has settled."""
        again = True
        while again:
            again = False
            for sharing in self.sharings.values():
                for tip, (page, missing) in list(sharing.parked.items()):
                    if missing in self.log.index and self._retry(tip, page, sharing, now):
                        del sharing.parked[tip]
                        again = True

    def _retry(self, tip: bytes, page: wire.Page, sharing: Sharing, now: Now) -> bool:
        try:
            items = self.log.check(page)
        except RemoteError as error:
            self.outlet.emit(Close(sharing.link, error.kind))
            return True
        if isinstance(items, bytes):
            sharing.parked[tip] = page, items
            return False
        if items and self._charged(page, sharing, now) is not None:
            self._take(page, items, sharing, now)
        return True

    def _settle(self, items: tuple[Item, ...], signature: bytes, size: int, sharing: Sharing, now: Now) -> None:
        page, forks = self.append(items, signature, now)
        sharing.note(self.log, tip_of(self.log.pages[page.number])[0])
        self.bodies.note((page,), now)
        ops = self.bodies.settling(page)
        came: RoomRecord | None = None
        if not self.record.shown and any(entry.kind in ("text", "story") for entry in page.entries):
            came = self.record = msgspec.structs.replace(self.record, shown=True)
            ops.append(PutRoom(came))
        self.outlet.unwritten += size
        self.outlet.commit(ops, lambda then: self._written(size, page, forks, then, came))

    def _written(self, size: int, page: PageRecord, forks: bool, now: Now, came: RoomRecord | None) -> None:
        self.outlet.unwritten -= size
        self._arrived(page, forks, now, came)

    def _arrived(self, page: PageRecord, forks: bool, now: Now, came: RoomRecord | None) -> None:
        self._tell(self.made_durable(page), page.feed, now.mono)
        if came is not None:
            self.outlet.emit(RoomCame(came))
        self._tell_arrived(page.entries)
        if forks:
            self.outlet.emit(ForkSeen(self.id, page.feed))

    def _tell_arrived(self, entries: tuple[EntryRecord, ...], *, later: bool = False) -> None:
        self.outlet.emit(Arrived(self.id, entries, later))
        self._tell_members(entries)

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
        self.bodies.settled(page)
        return tip

    def _tell(self, tip: bytes, feed: bytes, mono: float) -> None:
        """Its author is told at once, others within 200 ms."""
        owner = self.cards.owner(feed)
        author = owner.identity if owner else b""
        for sharing in self.ready():
            sharing.tell(tip, feed, mono + (0 if sharing.identity == author else DELTA_DELAY))

    def _tell_feeds(self, feeds: Iterable[bytes], mono: float) -> None:
        for feed in sorted(feeds):
            for tip in self.log.chain(feed).tips:
                self._tell(tip, feed, mono)

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
