"""What others offer: to come along to a room that they have re-formed (docs/protocol.md, "Re-forming", "Offers")."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec

from peertalk.core import wire
from peertalk.core.effects import Offered
from peertalk.core.exchange import Place
from peertalk.core.outlet import Now, Outlet
from peertalk.core.rates import Bucket
from peertalk.core.rooms import Terms, decode_terms, private_room, terms_of
from peertalk.core.sharing import LinkState
from peertalk.core.stored import DropOffer, OfferRecord, Op, PutOffer, RoomRecord
from peertalk.errors import RemoteError

MAX_OFFERS: Final = 64
OFFERS_EACH: Final = 8
"""Offers that are kept of one who said them first."""
BURST, RATE = 64, 1
"""Offers that are read of one link: at once, and a second."""


class Offers:
    """Those that are kept, declined ones too, by the id of the new room. `places` are the rooms one is in."""

    def __init__(self, me: bytes, places: Mapping[bytes, Place], out: Outlet, kept: Iterable[OfferRecord]) -> None:
        self._me, self._places, self._out = me, places, out
        self.kept = {offer.room: offer for offer in kept}
        self._read: dict[int, Bucket] = {}

    def open(self) -> list[OfferRecord]:
        """Those that can be followed or declined, the oldest first."""
        found = (one for one in self.kept.values() if not one.declined and self.lineage(one))
        return sorted(found, key=lambda one: (one.time, one.room))

    def lineage(self, offer: OfferRecord) -> list[OfferRecord]:
        """This offer, and before it those that lead from a room one is in to its old room; [] if none do, or one is in already."""
        chain = [offer]
        while not self._is_in(chain[0].old):
            before = self.kept.get(chain[0].old)
            if before is None or before in chain:
                return []
            chain.insert(0, before)
        return [] if offer.room in self._places else chain

    def leading_to(self, room: RoomRecord) -> list[OfferRecord] | None:
        """The offers, declined or not, that lead from a room one is in, or about to leave, to this one's old room; None if there is
        no way there."""
        old = self._places.get(room.predecessor)
        if old is not None and old.room.record.shown:
            return []
        before = self.kept.get(room.predecessor)
        return (self.lineage(before) or None) if before is not None else None

    def _is_in(self, room: bytes) -> bool:
        place = self._places.get(room)
        return place is not None and place.leaving is None and place.room.record.shown

    # ── what comes ───────────────────────────────────────────────────────────────────────────────────────────────────

    def hear(self, link: int, state: LinkState, offer: wire.Offer, now: Now) -> None:
        """Somebody offers a room. RemoteError for what no honest one sends: "out_of_order", "malformed".
        Whatever else is wrong is ignored."""
        if state.direct is None or offer.room != state.direct.id:
            raise RemoteError("out_of_order")
        if not self._read.setdefault(link, Bucket(BURST, RATE, now.mono)).take(1, now.mono):
            return
        terms = decode_terms(offer.terms)
        if terms.predecessor != offer.old:
            raise RemoteError("malformed", what="offer")
        record = private_room(terms, now.wall)
        if record.id in self._places or self._me in terms.without or state.identity in terms.without:
            return
        root = self._root(offer.old)
        if root is not None and offer.by not in terms.without and is_of(root, state.identity) and is_same(terms, root):
            self._keep(root, record.id, state.identity, offer, now)

    def down(self, link: int) -> None:
        """A link is gone."""
        self._read.pop(link, None)

    def _root(self, old: bytes) -> Place | None:
        """The room that one is in from which offers lead to `old`."""
        while not self._is_in(old):
            before = self.kept.get(old)
            if before is None:
                return None
            old = before.old
        return self._places[old]

    def _keep(self, root: Place, room: bytes, giver: bytes, offer: wire.Offer, now: Now) -> None:
        known = self.kept.get(room)
        if giver not in offer.followers:
            self._take_back(known, giver)
            return
        if known is None and not self._has_room_for(giver):
            return
        said = {who for who in offer.followers if who in root.room.cards and who != self._me}
        first = known or OfferRecord(room=room, old=offer.old, terms=offer.terms, by=offer.by, time=now.wall)
        record = msgspec.structs.replace(
            first,
            by=giver if offer.by == giver else first.by,
            givers=tuple(dict.fromkeys((*first.givers, giver)))[: wire.MAX_FOLLOWERS],
            followers=tuple(sorted({*first.followers, *said}))[: wire.MAX_FOLLOWERS],
        )
        if record == known or first.declined:
            return
        self.kept[room] = record
        self._out.commit((PutOffer(record),), lambda _: self._out.emit(Offered(record)))

    def _take_back(self, known: OfferRecord | None, giver: bytes) -> None:
        """Who offered it has left it. If nobody else said that they are in it, it means nothing any more."""
        if known is None or known.declined:
            return
        givers, followers = (tuple(who for who in people if who != giver) for people in (known.givers, known.followers))
        record = msgspec.structs.replace(known, givers=givers, followers=followers)
        if givers:
            self.kept[known.room] = record
        self._out.commit((PutOffer(record) if givers else self._drop(known),))

    def _has_room_for(self, giver: bytes) -> bool:
        """Whoever offers room after room takes nobody else's place; of those that were declined the oldest gives way."""
        if sum(one.givers[:1] == (giver,) for one in self.kept.values()) >= OFFERS_EACH:
            return False
        if len(self.kept) >= MAX_OFFERS:
            declined = [one for one in self.kept.values() if one.declined]
            if not declined:
                return False
            self._out.commit((self._drop(min(declined, key=lambda one: one.time)),))
        return True

    # ── what becomes of them ─────────────────────────────────────────────────────────────────────────────────────────

    def decline(self, room: bytes) -> None:
        """Not to be asked about this room again."""
        self.kept[room] = record = msgspec.structs.replace(self.kept[room], declined=True)
        self._out.commit((PutOffer(record),))

    def get(self, room: bytes) -> OfferRecord | None:
        """The offer of this room, if it is open."""
        offer = self.kept.get(room)
        return offer if offer is not None and not offer.declined and self.lineage(offer) else None

    def followed(self, rooms: Iterable[bytes]) -> list[Op]:
        """One is in these rooms now."""
        return [self._drop(self.kept[room]) for room in rooms if room in self.kept]

    def forgotten(self, room: bytes) -> Iterator[Op]:
        """A room is forgotten: what was offered in its place goes with it, and what came after that where one is not."""
        for one in [one for one in self.kept.values() if one.old == room]:
            yield self._drop(one)
            if one.room not in self._places:
                yield from self.forgotten(one.room)

    def _drop(self, offer: OfferRecord) -> Op:
        del self.kept[offer.room]
        return DropOffer(offer.room)


def is_of(root: Place, who: bytes) -> bool:
    """Is somebody in this room, by their own card, and has not said that they left it?"""
    return who == root.room.me or ((who, b"") in root.room.cards.records and not root.room.members.has_left(who))


def is_same(terms: Terms, root: Place) -> bool:
    """Is all kept that re-forming keeps: name, language, and for how long there is a trace?"""
    if root.room.record.kind != "private":
        return False
    old = terms_of(root.room.record)
    return (terms.name, terms.language, terms.retention) == (old.name, old.language, old.retention)
