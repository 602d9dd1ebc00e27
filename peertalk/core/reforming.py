"""Rooms that are started anew without somebody: coming along, and asking others to (docs/protocol.md, "Re-forming").

Whoever comes along speaks no more of the old room but with those who have come along too. They go on asking the others, as long as
it takes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final

import msgspec

from peertalk.core import wire
from peertalk.core.cards import Cards
from peertalk.core.effects import Close, RoomArchived, Send
from peertalk.core.entry import MAX_SPLIT, Follow
from peertalk.core.exchange import Place
from peertalk.core.identity import Identity
from peertalk.core.linking import Linking
from peertalk.core.offers import Offers, is_of, is_same
from peertalk.core.outlet import Now, Outlet
from peertalk.core.rooms import decode_terms, direct_secret, encode_terms, private_room, room_id, terms_of
from peertalk.core.sharing import LinkState
from peertalk.core.stored import OfferRecord, OutboxRecord, PutRoom, RoomRecord, RoomSnapshot
from peertalk.errors import RequestError

GATHER: Final = 1.0
"""Seconds for which it is gathered who has come along, before those are told who are still asked."""

MAX_DIRECT: Final = 256
"""People who are in a private room with us whose direct rooms are offered in dials."""

Said = tuple[int, bytes]
"""A link, and a re-formed room."""


class Reforming:
    """See the module. `join` and `add` are those of the replica: be in a room, and only have it."""

    def __init__(
        self,
        identity: Identity,
        places: Mapping[bytes, Place],
        linking: Linking,
        out: Outlet,
        offers: Iterable[OfferRecord],
        *,
        join: Callable[[RoomRecord, Now], None],
        add: Callable[[RoomSnapshot, Now], Place],
    ) -> None:
        self.offers = Offers(identity.public, places, out, offers)
        self._identity, self._places, self._linking, self._out = identity, places, linking, out
        self._join, self._add = join, add
        self._uncertain: set[bytes] = set()
        self._asked: dict[bytes, list[Place]] = {}
        self._watched: set[bytes] = set()
        self._said: dict[Said, wire.Offer] = {}
        self._direct: dict[bytes, tuple[bytes, bytes]] = {}
        self._known: dict[bytes, tuple[Cards, int, int, frozenset[bytes]]] = {}
        self._look_at = 0.0

    # ── coming along ─────────────────────────────────────────────────────────────────────────────────────────────────

    def reform(self, room: bytes, without: Collection[bytes], seed: bytes, now: Now) -> RoomRecord:
        """Start a private room anew without these; all others are asked to come along. `seed`: 32 random bytes."""
        terms, left_out = terms_of(self._places[room].room.record), tuple(sorted(without))
        new = msgspec.structs.replace(terms, seed=seed, predecessor=room, without=left_out)
        return self._come_along([private_room(new, now.wall)], now, first=True)

    def follow(self, room: bytes, now: Now) -> RoomRecord:
        """Come along to a room that is offered."""
        chain = self.offers.lineage(self.offers.kept[room])
        return self._come_along([private_room(decode_terms(one.terms), now.wall, invited_by=one.by) for one in chain], now)

    def enters(self, record: RoomRecord, now: Now) -> bool:
        """To enter a room by its secret that was re-formed from one that one is in, at once or by offers, is to come along.
        RequestError("refused") where it only says so: whoever has invited here could give any terms, and what waits in the old room
        would go there."""
        old = self._places.get(record.predecessor)
        if old is not None and not is_same(terms_of(record), old):
            raise RequestError("refused", why="other_room")
        returns = record.id in self._places and not self._linking.is_active(record.predecessor)
        if returns or record.id in self._uncertain or self._identity.public in record.without:
            return False
        chain = self.offers.leading_to(record)
        if chain is not None:
            between = [private_room(decode_terms(one.terms), now.wall, invited_by=one.by) for one in chain]
            self._come_along([*between, record], now)
        return chain is not None

    def _come_along(self, rooms: Sequence[RoomRecord], now: Now, *, first: bool = False) -> RoomRecord:
        """Be in the last of these rooms, to which the others lead from one that one is in. All of it is durable, or nothing."""
        old, new = self._places[rooms[0].predecessor], rooms[-1]
        self._uncertain.add(new.id)
        with self._out.together():
            waiting = self._archive(old, now)
            for between in rooms[:-1]:
                self._stand_in(between, now)
            self._join(new, now)
            self._arrive(self._places[new.id], waiting, now, first=first)
            self._out.commit(self.offers.followed(room.id for room in rooms), lambda _: self._is_certain(new.id))
        self.part()
        self.look()
        return new

    def _archive(self, place: Place, now: Now) -> list[OutboxRecord]:
        """The room is only read from now on; what waited there."""
        room = place.room
        if room.record.archived:
            return []
        room.record = msgspec.structs.replace(room.record, archived=True)
        self._linking.quit(room.id, now)
        waiting, record = place.own.give_up(), room.record
        self._out.commit((PutRoom(record),), lambda _: self._out.emit(RoomArchived(record)))
        return waiting

    def _stand_in(self, record: RoomRecord, now: Now) -> None:
        """A room between the old and the new one, in which one never was: there to be read."""
        if record.id not in self._places:
            record = msgspec.structs.replace(record, archived=True)
            self._add(RoomSnapshot(record=record), now)
            self._out.commit((PutRoom(record),), lambda _: self._out.emit(RoomArchived(record)))

    def _arrive(self, place: Place, waiting: Iterable[OutboxRecord], now: Now, *, first: bool) -> None:
        log = self._places[place.room.record.predecessor].room.log
        tips = sorted(log.tips(), key=lambda tip: (log.lamport(tip), tip))[-MAX_SPLIT:]
        place.own.outbox.queue(Follow(tuple(tips), first=first), now)
        place.own.outbox.take_over(waiting)
        place.own.outbox.save()

    def _is_certain(self, room: bytes) -> None:
        """It is on disk: others may be asked."""
        self._uncertain.discard(room)
        self.look()

    def was_asked(self, room: bytes, identity: bytes) -> bool:
        """Was this one in a room that `room` was re-formed from, so that they were asked to come along, or can't that be told since
        the old room is gone here?"""
        place = self._places.get(room)
        while place is not None and (old := place.room.record.predecessor):
            place = self._places.get(old)
            if place is None or identity in place.room.everyone():
                return True
        return False

    def is_after_split(self, room: bytes, entry: bytes) -> bool:
        """Was this written in a re-formed room after that? Where there are several rooms that it was re-formed as: after the first
        `follow` of each."""
        after = [place.room.splits.tips for place in self._places.values() if place.room.record.predecessor == room]
        return self._places[room].room.before.parts(entry, after)

    # ── who is left out ──────────────────────────────────────────────────────────────────────────────────────────────

    def shuns(self, identity: bytes) -> bool:
        """Is this one of them?"""
        return identity in self.shunned()

    def shunned(self) -> set[bytes]:
        """Who is left out of a room that one is in, but those to whom one talks alone, or whom one asks to come along elsewhere."""
        records = [place.room.record for place in self._places.values()]
        left_out = {who for record in records if record.shown for who in record.without}
        if not left_out:
            return left_out
        accepted = {record.peer for record in records if record.accepted}
        lineages = [lineage for lineage in self._lineages() if len(lineage) > 1]
        asked = {who for lineage in lineages for who in left_out if steps_for(who, lineage, self._linking.admits)}
        return left_out - accepted - asked

    def part(self) -> None:
        """End the links with those who are left out, and with whom nothing is shared any more."""
        shunned = self.shunned()
        if not shunned:
            return
        for number, link in self._linking.links.items():
            shared = link.proven - ({link.direct.id} if link.direct is not None else set())
            if not shared and link.identity in shunned:
                self._out.emit(Close(number, "left_out"))

    # ── asking others ────────────────────────────────────────────────────────────────────────────────────────────────

    def look(self) -> None:
        """Somebody came, or a room: see at once who is to be asked."""
        self._look_at = 0.0

    def down(self, link: int) -> None:
        """A link is gone, and what was said on it."""
        for said in [said for said in self._said if said[0] == link]:
            del self._said[said]
        self.offers.down(link)

    def secrets(self) -> dict[bytes, bytes]:
        """room id → secret of all rooms that may be proven to anybody. The direct rooms with those who are to be asked, or may have
        something to ask, are among them: it may be all that one has in common with them. Those with who is left out are not."""
        shunned, shared = self.shunned(), self._linking.secrets()
        spoken = {id_: secret for id_, secret in shared.items() if self._places[id_].room.record.peer not in shunned}
        return {**dict(self._direct.values()), **spoken}

    def pump(self, touched: set[bytes], now: Now) -> None:
        """Ask who is there and is to be asked."""
        if self._look_at == float("inf") and touched & self._watched:
            self._look_at = now.mono + GATHER
        if self._look_at > now.mono:
            return
        self._look_at = float("inf")
        self._find()
        for number, room in list(self._said):
            if room not in self._watched:
                self._take_back(number, self._said.pop((number, room)))
        for number, link in self._linking.links.items():
            for place in self._asked.get(link.identity, ()):
                self._ask(number, link, place)

    @property
    def wake(self) -> float:
        """When to look again (monotonic seconds)."""
        return self._look_at

    def _find(self) -> None:
        """Who is to be asked, and about which rooms, the oldest first."""
        asked: dict[bytes, dict[bytes, Place]] = {}
        people: set[bytes] = set()
        lineages = self._lineages()
        for lineage in lineages:
            people |= self._people(lineage[0])
            if len(lineage) == 1 or lineage[0].room.id in self._uncertain:
                continue
            for who in {who for place in lineage for who, via in place.room.cards.records if not via} - {self._identity.public}:
                steps = steps_for(who, lineage, self._linking.admits)
                asked.setdefault(who, {}).update((step.room.id, step) for step in steps)
        self._asked = {who: list(asked[who].values()) for who in sorted(asked) if asked[who]}
        self._watched = {place.room.id for lineage in lineages for place in lineage}
        self._known = {id_: known for id_, known in self._known.items() if id_ in self._watched}
        offered = [*self._asked, *sorted(people - self._asked.keys() - self.shunned())][:MAX_DIRECT]
        self._direct = {who: self._direct.get(who) or self._direct_room(who) for who in offered}

    def _people(self, place: Place) -> frozenset[bytes]:
        """Those who are in a room, by their own cards. Looked for anew where somebody came or left: there may be many rooms."""
        cards, members = place.room.cards, place.room.members
        known = self._known.get(place.room.id)
        if known is None or known[0] is not cards or known[1:3] != (cards.version, members.version):
            people = frozenset(who for who, via in cards.records if not via and who != place.room.me and is_of(place, who))
            self._known[place.room.id] = known = cards, cards.version, members.version, people
        return known[3]

    def _lineages(self) -> list[list[Place]]:
        """Of each private room that one is in: it, the one that it was re-formed from, and so on."""
        private = [place for place in self._places.values() if place.room.record.kind == "private"]
        return [list(self._lineage(place)) for place in private if self._linking.is_active(place.room.id)]

    def _lineage(self, place: Place) -> Iterator[Place]:
        """As far as one has come along."""
        while True:
            yield place
            before = self._places.get(place.room.record.predecessor)
            if before is None or not before.room.record.archived:
                return
            place = before

    def _direct_room(self, who: bytes) -> tuple[bytes, bytes]:
        secret = direct_secret(self._identity, who)
        return room_id(secret), secret

    def _ask(self, number: int, link: LinkState, place: Place) -> None:
        record, old = place.room.record, self._places[place.room.record.predecessor].room
        members = [who for who in sorted(place.room.everyone()) if who != old.me and who in old.cards]
        followers = tuple(sorted([old.me, *members[: wire.MAX_FOLLOWERS - 1]]))
        before = self._said.get((number, record.id))
        if link.direct is not None and (before is None or before.followers != followers):
            by = record.invited_by or old.me
            self._said[number, record.id] = offer = wire.Offer(
                link.direct.id, old.id, encode_terms(terms_of(record)), by, followers
            )
            self._out.emit(Send(number, offer))

    def _take_back(self, number: int, offer: wire.Offer) -> None:
        """One has left the room that one had offered."""
        followers = tuple(who for who in offer.followers if who != self._identity.public)
        self._out.emit(Send(number, msgspec.structs.replace(offer, followers=followers)))


def steps_for(who: bytes, lineage: Sequence[Place], admits: Callable[[bytes, bytes], bool]) -> list[Place]:
    """The rooms that somebody has to be told of, in order, to get from where they are to the first of `lineage`; [] where they are
    there, were never in any of these, are left out on the way, or find a closed door (`admits`: a room, somebody)."""
    steps: list[Place] = []
    for place, old in pairwise(lineage):
        if who in place.room.record.without or (who, b"") in place.room.cards.records or not admits(place.room.id, who):
            return []
        steps.insert(0, place)
        if is_of(old, who) and admits(old.room.id, who):
            return steps
    return []
