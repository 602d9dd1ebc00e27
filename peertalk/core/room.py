"""One room as this replica has it: history, members, cards, own feed keys, what waits, and who shares it."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from peertalk.core.bodies import Bodies, Feeds
from peertalk.core.cards import Cards
from peertalk.core.doors import Door
from peertalk.core.effects import Arrived, Claimed, ForkSeen, MembersChanged, RoomCame
from peertalk.core.feed import place, tips_of
from peertalk.core.holding import State, Tips
from peertalk.core.log import Item, Log, record
from peertalk.core.members import PRESENCE_KINDS, Members
from peertalk.core.outlet import Now, Outlet
from peertalk.core.present import Present
from peertalk.core.sharing import MAX_WANTED, OWN_WANTED, Agenda, Sharing
from peertalk.core.split import Before, Splits
from peertalk.core.stored import (
    STATE_KINDS,
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

DELTA_DELAY = 0.2
"""Seconds within which new tips are told, gathered."""
SHOWN_AFTER = 10.0
"""Seconds after which something counts as seen on the screen: what lands above it then is late."""
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
        self._own = frozenset(self.own_feeds())
        self.outbox: list[OutboxRecord] = list(snapshot.outbox)
        self.door = Door(self.cards, me, self.record.kind, snapshot.state, self.outbox)
        self.is_kept_out = False
        """Somebody said that the door is closed to us, and nobody has let us in since."""
        self.claims: dict[tuple[bytes, bytes, bool], int] = {(c.feed, c.identity, c.disk): c.seq for c in snapshot.claims}
        self._claimed: dict[bytes, int] = {}
        """Beyond which of an own feed nobody holds anything: what was just written is looked up most."""
        for (feed, _, _), seq in self.claims.items():
            self._claimed[feed] = max(seq, self._claimed.get(feed, 0))
        tips = sorted(self.log.tips(), key=lambda tip: self.log.index[tip].number)
        self.held: dict[bytes, bytes] = {tip: self.log.index[tip].feed for tip in tips}
        self._state: State | None = None
        """What is held, until that changes."""
        self.durable = len(self.log.pages)
        self.present = Present()
        self.sharings = self.present.sharings
        self.is_large = False
        """Are so many online that not all are linked with all (docs/protocol.md, "Large rooms")?"""
        self.bodies = Bodies(
            snapshot,
            Feeds(self.members.lineage, self.log.chains),
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

    def online(self) -> frozenset[bytes]:
        """The identities that share this room over a link now, and in a large one those of whom there is a fresh pulse."""
        return self.present.online()

    @property
    def heard(self) -> Mapping[bytes, float]:
        """Who is online by a pulse, until when (monotonic seconds)."""
        return self.present.heard

    def everyone(self) -> set[bytes]:
        """All members as shown: by their entries, everybody who is online (no silent lurkers), and oneself."""
        return {*self.members.identities(), *self.online(), self.me}

    @property
    def is_sealed(self) -> bool:
        """Is the door closed, as far as is known?"""
        return self.is_kept_out or self.door.is_closed

    @property
    def is_outside(self) -> bool:
        """Is the door closed, and oneself not inside?"""
        return self.is_kept_out or not self.door.admits(self.me)

    def is_by(self, feed: bytes, identity: bytes) -> bool:
        """Is this a feed of that identity?"""
        owner = self.cards.owner(feed)
        return owner is not None and owner.identity == identity

    def own_feeds(self) -> set[bytes]:
        return {key.feed for key in self.keys}

    def is_own(self, feed: bytes) -> bool:
        """Is this an own feed?"""
        if len(self._own) != len(self.keys):  # none is ever taken away
            self._own = frozenset(self.own_feeds())
        return feed in self._own

    def ready(self) -> tuple[Sharing, ...]:
        return self.present.ready()

    @property
    def agenda(self) -> Agenda:
        """What is to be done on them."""
        return self.present.agenda

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
        others = sum(max(0, len(one.wanted) - OWN_WANTED) for one in self.agenda.claimants.values() if one is not sharing)
        return OWN_WANTED + max(0, MAX_WANTED - others)

    def touch(self, now: Now) -> None:
        """Somebody of this room is linked now."""
        self.record = msgspec.structs.replace(self.record, linked=now.wall)
        self.outlet.lazily((self.id, "record"), PutRoom(self.record))

    # ── the set ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def digest(self) -> bytes:
        """The digest over all tips that are on disk: sorted, hashed. NOTHING where bodies are absent."""
        return NOTHING if self.bodies.absent or self.bodies.unsure else self._held_now().digest

    def digest_with_absent(self) -> bytes:
        """The same, and where bodies are absent also over which ones."""
        lacks, held = sorted(self.bodies.unclaimed()), self._held_now().digest
        return hashlib.blake2b(held + b"".join(lacks), digest_size=32, person=b"peertalk/1 lack").digest() if lacks else held

    def state(self) -> State:
        """What is on disk now."""
        return self._held_now()._replace(digest=self.digest())

    def _held_now(self) -> State:
        if self._state is None:
            feeds: dict[bytes, Tips] = {}
            branches: dict[bytes, dict[bytes, int]] = {}
            for tip, feed in self.held.items():
                tips = self.log.chains[feed].tips
                if tips.keys() == {tip}:
                    feeds[feed] = tips
                else:
                    feeds[feed] = branches.setdefault(feed, {})
                    branches[feed][tip] = place(self.log.index[tip], tip)[0]
            digest = hashlib.blake2b(b"".join(sorted(self.held)), digest_size=32, person=b"peertalk/1 have").digest()
            self._state = State(digest, feeds)
        return self._state

    def _late_below(self, top: OrderKey, now: Now) -> OrderKey:
        """What lies above in the order shown is not late. `top` is the last entry of a page that settles."""
        if now.mono - self._turned >= SHOWN_AFTER:
            self._seen, self._turned = self._top, now.mono
        self._top = max(self._top, top)
        return self._seen

    def append(self, items: Sequence[Item], signature: bytes, now: Now) -> tuple[PageRecord, bool]:
        """Settle a checked page; (record, whether it shows a new fork)."""
        last, first = items[-1], items[0].header
        seen = self._late_below((last.header.lamport, last.id), now)
        entries = self.bodies.take_in(
            tuple([record(item, received=now.wall, late=(item.header.lamport, item.id) < seen) for item in items])
        )
        page = PageRecord(
            room=self.id,
            number=len(self.log.pages),
            feed=first.feed,
            prev=first.prev,
            signature=signature,
            entries=entries,
        )
        rests_on = [first.prev]
        for item in items:
            rests_on += item.header.after
        return page, self.log.add(page, rests_on)

    def _learn(self, entry: EntryRecord) -> None:
        if entry.kind not in STATE_KINDS:
            return
        self.members.add(entry)
        self.door.add(entry)
        self.splits.add(entry)

    def settle(
        self,
        pages: Sequence[PageRecord],
        forked: Iterable[bytes],
        size: int,
        now: Now,
        sent: Collection[int] = (),
    ) -> None:
        """Make pages of others durable that were appended, in one commit; `forked` are the feeds of which they show a new fork.
        They are claimed and told of after that; not on the links on which they were `sent` on already."""
        own = self.own_feeds()
        for page in pages:
            if page.feed in own:
                self._take_back_claims(page)
        self.bodies.note(pages, now)
        ops = self.bodies.settling(pages)
        came: RoomRecord | None = None
        if not self.record.shown and any(entry.kind in ("text", "story") for page in pages for entry in page.entries):
            came = self.record = msgspec.structs.replace(self.record, shown=True)
            ops.append(PutRoom(came))
        self.outlet.unwritten += size
        self.outlet.commit(ops, lambda then: self._written(pages, forked, size, came, sent, then))

    def _written(
        self,
        pages: Sequence[PageRecord],
        forked: Iterable[bytes],
        size: int,
        came: RoomRecord | None,
        sent: Collection[int],
        now: Now,
    ) -> None:
        self.outlet.unwritten -= size
        for page in pages:
            self.made_durable(page)
        for tip, feed in tips_of(pages).items():
            self.tell(tip, feed, now.mono, sent)
        if came is not None:
            self.outlet.emit(RoomCame(came))
        self._tell_arrived(tuple([entry for page in pages for entry in page.entries]))
        for feed in forked:
            self.outlet.emit(ForkSeen(self.id, feed))

    def _tell_arrived(self, entries: tuple[EntryRecord, ...], *, later: bool = False) -> None:
        self.outlet.emit(Arrived(self.id, entries, later))
        self._tell_members(entries)

    def _tell_members(self, entries: Iterable[EntryRecord]) -> None:
        for entry in [entry for entry in entries if entry.kind in PRESENCE_KINDS]:
            owner = self.cards.owner(entry.feed)
            if owner is not None:
                self.outlet.emit(MembersChanged(self.id, (owner.identity, *owner.others)))

    def made_durable(self, page: PageRecord) -> bytes:
        """A page is on disk: from now on it is claimed and served. Its tip."""
        self.outlet.touched.add(self.id)
        self.durable = page.number + 1
        self._state = None
        self.held.pop(page.prev, None)
        tip = page.entries[-1].id
        self.held[tip] = page.feed
        self.bodies.settled(page)
        return tip

    def tell(self, tip: bytes, feed: bytes, mono: float, sent: Collection[int] = ()) -> None:
        """Its author is told at once, others within 200 ms; not those to whom it was `sent`, were it by the author."""
        owner = self.cards.owner(feed)
        author = owner.identity if owner is not None else None
        for sharing in self.ready():
            if sharing.identity == author:
                sharing.tell(tip, feed, mono)
            elif sharing.link not in sent and not (self.is_large and sharing.knows(tip, feed)):
                sharing.tell(tip, feed, mono + DELTA_DELAY)

    def _tell_feeds(self, feeds: Iterable[bytes], mono: float) -> None:
        for feed in sorted(feeds):
            for tip in self.log.chain(feed).tips:
                self.tell(tip, feed, mono)

    # ── who has what ─────────────────────────────────────────────────────────────────────────────────────────────────

    def note_claim(self, feed: bytes, seq: int, identity: bytes, *, disk: bool) -> None:
        """Somebody holds an own feed up to `seq`."""
        key = (feed, identity, disk)
        since = self.claims.get(key, 0)
        if seq <= since:
            return
        self.claims[key] = seq
        self._claimed[feed] = max(seq, self._claimed.get(feed, 0))
        claim = ClaimRecord(room=self.id, feed=feed, identity=identity, seq=seq, disk=disk)
        self.outlet.lazily((self.id, *key), PutClaim(claim))
        self.outlet.emit(Claimed(self.id, feed, since, seq))

    def _take_back_claims(self, page: PageRecord) -> None:
        """Another copy of this profile has written beside what was written here: who has that was not said to have this too."""
        first = page.entries[0].seq
        for key in [key for key, upto in self.claims.items() if key[0] == page.feed and upto >= first]:
            feed, identity, disk = key
            upto, self.claims[key] = self.claims[key], first - 1
            claim = ClaimRecord(room=self.id, feed=feed, identity=identity, seq=first - 1, disk=disk)
            self.outlet.lazily((self.id, *key), PutClaim(claim))
            self.outlet.emit(Claimed(self.id, feed, first - 1, upto))

    def claimed_alike(self, feed: bytes, seq: int) -> int:
        """Up to which entry of an own feed the same hold all as hold this one."""
        return min((upto for (of, _, _), upto in self.claims.items() if of == feed and upto >= seq), default=seq)

    def holders(self, feed: bytes, seq: int) -> tuple[list[bytes], list[bytes]]:
        """Who holds an own entry: (on disk, only in memory), identities in order."""
        if seq > self._claimed.get(feed, 0):
            return [], []
        held: tuple[set[bytes], set[bytes]] = set(), set()
        for (of, who, on_disk), upto in self.claims.items():
            if of == feed and upto >= seq:
                held[on_disk].add(who)
        memory, disk = held
        return sorted(disk), sorted(memory - disk)
