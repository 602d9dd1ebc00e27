"""What is known inside, as views for front ends. Texts and names of others are neutralised here, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache

from peertalk import text
from peertalk.core import events
from peertalk.core.identity import fingerprint, tag
from peertalk.core.room import Room
from peertalk.core.rooms import DAY_MS, bodies_expire_after, decode_terms
from peertalk.core.stored import EntryRecord, OfferRecord, PeerRecord, Retention, RoomRecord
from peertalk.core.sync import Replica

_name = lru_cache(maxsize=4096)(text.name)
_look = lru_cache(maxsize=4096)(text.look)


class Views:
    """Makes views of what `replica` has. `peers` are the identities met so far, `is_known` tells who of them was met before."""

    def __init__(self, replica: Replica, peers: Mapping[bytes, PeerRecord], is_known: Callable[[bytes], bool]) -> None:
        self._replica = replica
        self._peers, self._is_known = peers, is_known
        self._authors: dict[tuple[bytes, bytes], events.Author] | None = None

    @contextmanager
    def still(self) -> Iterator[None]:
        """Nothing changes inside: who somebody is has to be found out once."""
        self._authors = {}
        try:
            yield
        finally:
            self._authors = None

    def anew(self) -> None:
        """What was found out is found out anew: somebody may be somebody else now."""
        if self._authors is not None:
            self._authors = {}

    # ── people ───────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def me(self) -> events.IdentityView:
        key = self._replica.identity.public
        return events.IdentityView(id=key.hex(), name=self.name(key), tag=tag(key))

    def identities(self, keys: Iterable[bytes]) -> list[events.IdentityView]:
        """Who these are, as they are called."""
        return [events.IdentityView(id=key.hex(), name=self.name(key), tag=tag(key)) for key in keys]

    def name(self, identity: bytes, room: Room | None = None) -> str:
        """What somebody is called, in this room if they have a name there; a tag of the key where no name is known."""
        if identity == self._replica.identity.public:
            return _name(self._replica.name, tag(identity))
        return _name(self._raw_name(identity, room), tag(identity))

    def _raw_name(self, identity: bytes, room: Room | None) -> str:
        """A name that they gave themselves, before one that others say is theirs: that could be anybody's words. Of whom no room
        says anything any more, the name by which they were known."""
        rooms = [place.room for place in self._replica.places.values() if identity in place.room.cards]
        names = (
            (not one.cards.introducer(identity), one is room, identity in one.online(), one.members.name(identity))
            for one in rooms
        )
        record = self._peers.get(identity)
        remembered = record.name if record is not None else ""
        return max((each for each in names if each[3]), default=(False, False, False, remembered))[3]

    def people(self, room: Room, identities: Iterable[bytes]) -> list[events.IdentityView]:
        """By name: the order of their keys says nothing to anybody."""
        people = [self.person(identity, room) for identity in identities]
        return sorted(people, key=lambda one: (one.name.casefold(), one.id))

    def person(self, identity: bytes, room: Room) -> events.IdentityView:
        """Somebody as a line speaks of them."""
        return events.IdentityView(id=identity.hex(), name=self.name(identity, room), tag=tag(identity))

    def told_apart(self, identity: bytes, room: Room) -> str:
        """What somebody is called in a room, with the tag of their key where another one there has a name that looks the same."""
        name = self.name(identity, room)
        shape = _look(name)
        others = self.everyone(room) - {identity}
        return f"{name} · {tag(identity)}" if any(_look(self.name(other, room)) == shape for other in others) else name

    def has_name(self, identity: bytes) -> bool:
        """Is a name known, not just a key?"""
        return bool(self._raw_name(identity, None))

    def online(self) -> set[bytes]:
        """All identities that share a room over a link now."""
        return {identity for place in self._replica.places.values() for identity in place.room.online()}

    def trust(self, identity: bytes) -> events.Trust:
        """`new`, `known` or `verified`, by nothing but what happened here."""
        record = self._peers.get(identity)
        if record is not None and record.verified:
            return "verified"
        return "known" if self._is_known(identity) else "new"

    def peer(self, identity: bytes) -> events.Peer:
        record = self._peers.get(identity)
        rooms = [
            id_ for id_, place in self._replica.places.items() if place.room.record.shown and self._is_in(place.room, identity)
        ]
        return events.Peer(
            id=identity.hex(),
            name=self.name(identity),
            tag=tag(identity),
            online=identity in self.online(),
            trust=self.trust(identity),
            addresses=[_endpoint(*address) for address in record.addresses] if record else [],
            rooms=[id_.hex() for id_ in rooms],
            blocked=record.blocked if record else False,
            since=record.first_seen if record else None,
            fingerprint=fingerprint(identity),
        )

    def _is_in(self, room: Room, identity: bytes) -> bool:
        by_words = room.members.is_here(identity) or identity in room.online()
        return by_words or identity in (room.me, room.record.peer)

    def everyone(self, room: Room) -> set[bytes]:
        """The members of a room; both, in a direct one."""
        peer = room.record.peer
        return room.everyone() | ({peer} if peer is not None else set())

    def members(self, room: Room) -> list[events.Member]:
        """All members, oneself first, then by presence and name."""
        members = [self._member(room, identity) for identity in self.everyone(room)]
        return sorted(members, key=lambda one: (not one.me, not one.online, one.name.casefold(), one.id))

    def _member(self, room: Room, identity: bytes) -> events.Member:
        mine = identity == self._replica.identity.public
        via = room.cards.introducer(identity)
        inviter = room.members.invited_by(identity) or (self._own_inviter(room) if mine else b"")
        return events.Member(
            id=identity.hex(),
            name=self.name(identity, room),
            tag=tag(identity),
            online=mine or identity in room.online(),
            trust="verified" if mine else "new" if via else self.trust(identity),
            via=self.told_apart(via, room) if via else None,
            invited_by=self.told_apart(inviter, room) if inviter else None,
            me=mine,
        )

    def _own_inviter(self, room: Room) -> bytes:
        """Who let us in, as long as our own entry does not say so, for it still waits; b"" where there is no name for them."""
        inviter = room.record.invited_by
        return inviter if inviter and self.has_name(inviter) else b""

    # ── rooms ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def room_name(self, room: Room) -> str:
        """What a room is called: a direct one like the other person."""
        return self.name(room.record.peer, room) if room.record.peer is not None else text.line(room.record.name)

    def room(self, room: Room, unread: int) -> events.Room:
        record, door = room.record, self._replica.door(room.id)
        return events.Room(
            id=record.id.hex(),
            name=self.room_name(room),
            kind=record.kind,
            members=len(self.everyone(room)),
            online=len(room.online() | {room.me}),
            unread=unread,
            retention=_retention(record),
            language=record.language,
            sealed=door.is_closed,
            outside=door.is_outside,
            archived=record.archived,
            predecessor=record.predecessor.hex() or None,
            waiting=[self.person(identity, room) for identity in sorted(door.waiting)],
        )

    # ── rooms that were re-formed ────────────────────────────────────────────────────────────────────────────────────

    def offer(self, offer: OfferRecord) -> events.Offer:
        """An open offer, as seen from the room that one is in."""
        lineage = self._replica.reforming.offers.lineage(offer)
        without = {who: None for one in lineage for who in decode_terms(one.terms).without}
        old = self._replica.places[lineage[0].old].room
        return events.Offer(
            offer=offer.room.hex(),
            room=old.id.hex(),
            name=self.room_name(old),
            by=self.peer(offer.by),
            without=[self.peer(who) for who in without],
            followers=[self.peer(who) for who in offer.followers],
            still_shared=self.still_shared(without, {one.old for one in lineage}),
        )

    def still_shared(self, people: Collection[bytes], but: Collection[bytes]) -> list[str]:
        """The names of other rooms that some of these people are in too, of open ones with a `#`; of a direct room one has answered
        in, theirs."""
        rooms = (place.room for id_, place in self._replica.places.items() if id_ not in but and place.leaving is None)
        listed = [room for room in rooms if room.record.shown and not room.record.archived and room.accepted]
        shared = (room for room in listed if self.everyone(room) & set(people))
        return sorted("#" * (room.record.kind == "open") + self.room_name(room) for room in shared)

    def is_after_split(self, room: Room, entry: EntryRecord) -> bool:
        """Was this written in a room that was re-formed, after that?"""
        return room.record.archived and self._replica.reforming.is_after_split(room.id, entry.id)

    def may_have_come_along(self, room: Room, identity: bytes) -> bool:
        """Whether somebody may be here by an offer: members of the room before this one may; of one that is gone nobody knows."""
        before = self._replica.places.get(room.record.predecessor)
        return bool(room.record.predecessor) and (before is None or identity in self.everyone(before.room))

    # ── authors ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def author(self, room: Room, feed: bytes) -> events.Author:
        """Whose feed it is, as shown: several names where several claim it, a tag of the feed where nobody does."""
        if self._authors is None:
            return self._author(room, feed)
        author = self._authors.get((room.id, feed))
        if author is None:
            author = self._authors[room.id, feed] = self._author(room, feed)
        return author

    def _author(self, room: Room, feed: bytes) -> events.Author:
        if room.is_own(feed):
            me = self.me
            return events.Author(id=me.id, name=me.name, tag=me.tag)
        owner = room.cards.owner(feed)
        if owner is None:
            return events.Author(id="", name="?", tag=tag(feed))
        names = (self.name(identity, room) for identity in (owner.identity, *owner.others))
        return events.Author(
            id=owner.identity.hex(),
            name=" / ".join(names),
            tag=tag(owner.identity),
            via=self.told_apart(owner.via, room) if owner.via else None,
        )


def _retention(record: RoomRecord) -> Retention:
    """How long messages are kept: in an open room that is fixed, whatever its record says (core/rooms.py)."""
    limit = bodies_expire_after(record) if record.kind == "open" else None
    return record.retention if limit is None else limit // DAY_MS


def _endpoint(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
