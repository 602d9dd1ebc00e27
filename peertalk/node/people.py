"""The people who were met: what is remembered of them, for how long, and where they were (docs/protocol.md, "Links")."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from heapq import nlargest, nsmallest

import msgspec

from peertalk.core.room import Room
from peertalk.core.rooms import DAY_MS
from peertalk.core.stored import DropPeer, Op, PeerRecord, PutPeer
from peertalk.core.sync import Replica
from peertalk.node.acquaintances import Acquaintances
from peertalk.node.interfaces import Interface, on_link
from peertalk.node.ports import Clock, Store
from peertalk.node.targets import Endpoint

MAX_PEERS = 4096
AT_ONCE = 256
"""Who goes when there is one too many."""
MAX_ADDRESSES = 8
REMEMBERED_MS = 7 * DAY_MS
MAX_REMEMBERED = 64


class People:
    """`records` are theirs, by identity. `is_linked` tells who is there now."""

    def __init__(
        self, known: Iterable[PeerRecord], replica: Replica, store: Store, clock: Clock, is_linked: Callable[[bytes], bool]
    ) -> None:
        self._records = {peer.identity: peer for peer in known}
        self._on_disk = set(self._records)
        self._keys = {identity for identity, peer in self._records.items() if peer == _key_alone(identity)}
        """Of these nothing is on disk but that they are blocked."""
        self._verified = {identity for identity, peer in self._records.items() if peer.verified}
        self._replica, self._store, self._clock, self._is_linked = replica, store, clock, is_linked
        self.acquaintances = Acquaintances(replica.identity, self._records, self._is_befriended, replica.reforming.shunned)

    @property
    def records(self) -> Mapping[bytes, PeerRecord]:
        """As they are now, and will be."""
        return self._records

    @property
    def is_any_verified(self) -> bool:
        """Was anybody verified of those who are remembered?"""
        return bool(self._verified)

    # ── remembering ──────────────────────────────────────────────────────────────────────────────────────────────────

    def met(self, identity: bytes, address: Endpoint | None) -> None:
        """Somebody is linked; where they can be dialled, if that is known."""
        old = self._record(identity)
        addresses = tuple(dict.fromkeys(((address,) if address else ()) + old.addresses))[:MAX_ADDRESSES]
        self._put(msgspec.structs.replace(old, last_seen=self._clock.wall(), addresses=addresses))
        self.acquaintances.refresh()

    def keep(self, identity: bytes) -> None:
        """Somebody is in a room with us: if that is one which is kept, so is what is remembered of them."""
        if identity in self._records and identity not in self._on_disk - self._keys:
            self._put(self._records[identity])

    def is_known(self, identity: bytes) -> bool:
        """Was somebody met before this start, or on an earlier day? To have been met today is nothing: anybody can be."""
        record = self._records.get(identity)
        return record is not None and (identity in self.acquaintances.before or record.last_seen - record.first_seen >= DAY_MS)

    def call(self, identity: bytes, name: str) -> None:
        """Remember by which name somebody goes."""
        if self._record(identity).name != name:
            self._put(msgspec.structs.replace(self._record(identity), name=name))

    async def verify(self, identity: bytes, *, verified: bool, name: str) -> bool:
        """Somebody was compared with, and is who they say (or not), by this name; whether that is new. It is on disk then."""
        old = self._record(identity)
        if old.verified == verified:
            return False
        await self._put(msgspec.structs.replace(old, verified=verified, name=name if verified else old.name))
        return True

    async def block(self, identity: bytes, *, blocked: bool) -> None:
        """Somebody gets no link and is not shown, or is again; once it returns that is on disk."""
        await self._put(msgspec.structs.replace(self._record(identity), blocked=blocked))

    def blocked(self) -> set[bytes]:
        """Who gets no link and is not shown."""
        return {identity for identity, peer in self._records.items() if peer.blocked}

    def is_blocked(self, identity: bytes) -> bool:
        """Whether this one is among them."""
        peer = self._records.get(identity)
        return peer is not None and peer.blocked

    def whereabouts(self, present: Iterable[Interface]) -> Iterator[tuple[bytes, Endpoint]]:
        """Where those are worth looking for who were here last: where multicast is filtered that is all there is. On-link
        addresses only: whoever asks for the same far ones in two places is known to be the same."""
        wall, here = self._clock.wall(), tuple(present)
        known = [one for one in self._records.values() if not one.blocked and wall - one.last_seen < REMEMBERED_MS]
        shunned = self._replica.reforming.shunned()
        known = [one for one in known if one.identity not in shunned]
        for peer in nlargest(MAX_REMEMBERED, known, key=lambda one: one.last_seen):
            for host, port in peer.addresses[:1]:
                if on_link(host, here):
                    yield peer.identity, (host, port)

    def _record(self, identity: bytes) -> PeerRecord:
        wall = self._clock.wall()
        return self._records.get(identity) or PeerRecord(identity=identity, first_seen=wall, last_seen=wall)

    def _is_befriended(self, identity: bytes) -> bool:
        rooms = (place.room for place in self._replica.places.values())
        is_friend = any(room.record.kind == "private" and identity in room.cards for room in rooms)
        return is_friend and not self._replica.reforming.shuns(identity)

    # ── forgetting ───────────────────────────────────────────────────────────────────────────────────────────────────

    def forget_strangers(self) -> None:
        """Whoever was met in nothing but rooms that are forgotten is forgotten with them, addresses and all; of whom only rooms
        are left that are off the record, nothing stays on disk."""
        rooms = [place.room for place in self._replica.places.values()]
        known, kept = _ties(rooms), _ties(room for room in rooms if _is_kept(room))
        self._forget(peer for peer in self._without_ties(known) if not self._is_linked(peer.identity))
        self._take_off_disk(peer.identity for peer in self._without_ties(kept) if peer.identity in known)

    def _forget_oldest(self) -> None:
        """Of many who were met, those who were here longest ago, with whom nothing is shared: identities cost nothing."""
        strangers = self._without_ties({place.room.record.peer or b"" for place in self._replica.places.values()})
        self._forget(nsmallest(AT_ONCE, strangers, key=self.acquaintances.age))

    def _without_ties(self, known: Container[bytes]) -> list[PeerRecord]:
        return [peer for peer in self._records.values() if not (peer.blocked or peer.verified or peer.identity in known)]

    def _forget(self, peers: Iterable[PeerRecord]) -> None:
        gone = [peer.identity for peer in peers]
        for identity in gone:
            del self._records[identity]
        if gone:
            self.acquaintances.refresh()
            self._take_off_disk(gone)

    def _take_off_disk(self, gone: Iterable[bytes]) -> None:
        there = self._on_disk.intersection(gone)
        self._on_disk -= there
        self._keys -= there
        if there:
            self._keep(*(DropPeer(identity) for identity in sorted(there)))

    def _put(self, record: PeerRecord) -> asyncio.Future[None]:
        self._records[record.identity] = record
        self._note_verified(record)
        kept = self._keep(*self._to_disk(record))
        if len(self._records) > MAX_PEERS:
            self._forget_oldest()  # after that, for it may be this one
        return kept

    def _note_verified(self, record: PeerRecord) -> None:
        if record.verified:
            self._verified.add(record.identity)
        else:
            self._verified.discard(record.identity)

    def _to_disk(self, record: PeerRecord) -> Iterator[Op]:
        """What is written of somebody. Of whom one knows only off the record that is nothing, but that one does not want to
        see them again: that is for good, and so their key alone is kept."""
        identity = record.identity
        if identity in self._on_disk - self._keys or self._is_in_kept_room(identity):
            self._on_disk.add(identity)
            self._keys.discard(identity)
            yield PutPeer(record)
        elif record.blocked:
            self._on_disk.add(identity)
            self._keys.add(identity)
            yield PutPeer(_key_alone(identity))
        elif identity in self._keys:
            self._on_disk.discard(identity)
            self._keys.discard(identity)
            yield DropPeer(identity)

    def _is_in_kept_room(self, identity: bytes) -> bool:
        rooms = (place.room for place in self._replica.places.values())
        return any(_is_kept(room) and (identity in room.cards or identity == room.record.peer) for room in rooms)

    def _keep(self, *ops: Op) -> asyncio.Future[None]:
        kept = self._store.submit(ops)
        kept.add_done_callback(lambda done: done.exception())  # a disk that fails is told by the engine
        return kept


def _key_alone(identity: bytes) -> PeerRecord:
    return PeerRecord(identity=identity, first_seen=0, last_seen=0, blocked=True)


def _is_kept(room: Room) -> bool:
    return room.record.retention != "session"


def _ties(rooms: Iterable[Room]) -> set[bytes]:
    """Everybody of whom one has a card there, or with whom the room is."""
    return {who for room in rooms for who in (*room.cards.identities(), room.record.peer) if who is not None}
