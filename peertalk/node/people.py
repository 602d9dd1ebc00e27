"""The people who were met: what is remembered of them, for how long, and where they were (docs/protocol.md, "Links")."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from heapq import nlargest, nsmallest

import msgspec

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
        self._replica, self._store, self._clock, self._is_linked = replica, store, clock, is_linked
        self.acquaintances = Acquaintances(replica.identity, self._records, self._is_befriended)

    @property
    def records(self) -> Mapping[bytes, PeerRecord]:
        """As they are now, and will be."""
        return self._records

    # ── remembering ──────────────────────────────────────────────────────────────────────────────────────────────────

    def met(self, identity: bytes, address: Endpoint | None) -> None:
        """Somebody is linked; where they can be dialled, if that is known."""
        old = self._record(identity)
        addresses = tuple(dict.fromkeys(((address,) if address else ()) + old.addresses))[:MAX_ADDRESSES]
        self._put(msgspec.structs.replace(old, last_seen=self._clock.wall(), addresses=addresses))
        self.acquaintances.refresh()

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
        for peer in nlargest(MAX_REMEMBERED, known, key=lambda one: one.last_seen):
            for host, port in peer.addresses[:1]:
                if on_link(host, here):
                    yield peer.identity, (host, port)

    def _record(self, identity: bytes) -> PeerRecord:
        wall = self._clock.wall()
        return self._records.get(identity) or PeerRecord(identity=identity, first_seen=wall, last_seen=wall)

    def _is_befriended(self, identity: bytes) -> bool:
        rooms = (place.room for place in self._replica.places.values())
        return any(room.record.kind == "private" and identity in room.cards for room in rooms)

    # ── forgetting ───────────────────────────────────────────────────────────────────────────────────────────────────

    def forget_strangers(self) -> None:
        """Whoever was met in nothing but rooms that are forgotten is forgotten with them, addresses and all."""
        rooms = [place.room for place in self._replica.places.values()]
        known: set[bytes | None] = {who for room in rooms for who in (*room.cards.identities(), room.record.peer)}
        self._forget(peer for peer in self._without_ties(known) if not self._is_linked(peer.identity))

    def _forget_oldest(self) -> None:
        """Of many who were met, those who were here longest ago, with whom nothing is shared: identities cost nothing."""
        strangers = self._without_ties({place.room.record.peer for place in self._replica.places.values()})
        self._forget(nsmallest(AT_ONCE, strangers, key=self.acquaintances.age))

    def _without_ties(self, known: set[bytes | None]) -> list[PeerRecord]:
        return [peer for peer in self._records.values() if not (peer.blocked or peer.verified or peer.identity in known)]

    def _forget(self, peers: Iterable[PeerRecord]) -> None:
        ops = [DropPeer(peer.identity) for peer in peers]
        for op in ops:
            del self._records[op.identity]
        if ops:
            self.acquaintances.refresh()
            self._keep(*ops)

    def _put(self, record: PeerRecord) -> asyncio.Future[None]:
        self._records[record.identity] = record
        kept = self._keep(PutPeer(record))
        if len(self._records) > MAX_PEERS:
            self._forget_oldest()  # after that, for it may be this one
        return kept

    def _keep(self, *ops: Op) -> asyncio.Future[None]:
        kept = self._store.submit(ops)
        kept.add_done_callback(lambda done: done.exception())  # a disk that fails is told by the engine
        return kept
