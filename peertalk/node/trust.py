"""Whom one can be sure of: who was verified, and who comes under the name of somebody else (docs/protocol.md, "Who is who")."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from peertalk import text
from peertalk.core import events
from peertalk.core.effects import MembersChanged, Notice, Presence
from peertalk.core.identity import tag
from peertalk.core.rates import Bucket
from peertalk.core.room import Room
from peertalk.core.sync import Replica
from peertalk.errors import RequestError
from peertalk.node.people import People
from peertalk.node.ports import Clock
from peertalk.node.views import Views

WARNINGS, WARNINGS_A_SECOND = 8, 1 / 60
"""Identities cost nothing, and anybody can take any name: so many warnings at once, then one a minute."""
MAX_WARNED = 4096


class Trust:
    """Over `people`; `publish` takes events. Names are compared by how they look (text.look)."""

    def __init__(
        self, replica: Replica, people: People, views: Views, clock: Clock, publish: Callable[[events.AnyEvent], None]
    ) -> None:
        self._replica, self._people, self._views, self._clock, self._publish = replica, people, views, clock, publish
        self._bearers: dict[str, set[bytes]] = {}
        self._shapes: dict[bytes, str] = {}
        self._warned: dict[tuple[bytes, bytes], None] = {}
        self._bucket = Bucket(WARNINGS, WARNINGS_A_SECOND, clock.mono())
        replica.is_stopped = self.is_stopped
        for identity, name in self._names_kept():
            self._note(identity, name)

    def _names_kept(self) -> Iterable[tuple[bytes, str]]:
        """By which name everybody goes who was met before; of whom none was noted then, as the history of rooms has it."""
        yield from ((identity, record.name) for identity, record in self._people.records.items() if record.name)
        for place in self._replica.places.values():
            for identity in place.room.members.identities():
                record = self._people.records.get(identity)
                if record is not None and not record.name and not place.room.cards.introducer(identity):
                    yield identity, self._views.name(identity, place.room)

    def _note(self, identity: bytes, name: str) -> None:
        self._bearers.get(self._shapes.get(identity, ""), set()).discard(identity)
        self._shapes[identity] = shape = text.look(name)
        self._bearers.setdefault(shape, set()).add(identity)

    # ── who was verified ─────────────────────────────────────────────────────────────────────────────────────────────

    async def verify(self, identity: bytes, *, verified: bool) -> None:
        """Somebody was compared with, and is who they say; or is not. It is on disk then, and told."""
        name = self._views.name(identity)
        changed = await self._people.verify(identity, verified=verified, name=name)
        if verified:
            self._note(identity, name)
        if changed:
            self._replica.resume()
            self._publish(events.PeerChanged(peer=self._views.peer(identity), change="trust"))

    # ── whose name it is ─────────────────────────────────────────────────────────────────────────────────────────────

    def tell(self, notice: Notice) -> None:
        """Whoever comes, or has another name, may have the name of somebody else."""
        match notice:
            case Presence(room, identity, online=True):
                self._look_at(room, (identity,))
            case MembersChanged(room, identities):
                self._look_at(room, identities)

    def _look_at(self, room: bytes, identities: Iterable[bytes]) -> None:
        place = self._replica.places.get(room)
        if place is None:
            return
        for identity in identities:
            if identity != self._replica.identity.public and self._views.has_name(identity):
                self._warn(place.room, identity)
                self._remember(identity)

    def _remember(self, identity: bytes) -> None:
        """By which name somebody goes who is linked, and was met before. Not by that of somebody who was verified: it stays
        in doubt whose it is."""
        name = self._views.name(identity)
        is_known = self._views.trust(identity) != "new" and self._has_said_name(identity)
        if is_known and not any(self._is_verified(other) for other in self._bearers_of(name, identity)):
            self._people.call(identity, name)
            self._note(identity, name)

    def _has_said_name(self, identity: bytes) -> bool:
        """Is somebody linked in a room where they have said who they are? What others say of them is not remembered."""
        rooms = (place.room for place in self._replica.places.values())
        return any(identity in room.online() and room.members.name(identity) for room in rooms)

    def _bearers_of(self, name: str, identity: bytes) -> set[bytes]:
        """Who else is known or was verified by a name that looks like this one. None, for who was known by it before, or was
        verified: then it is theirs too."""
        shape, record = text.look(name), self._people.records.get(identity)
        if record is not None and (record.verified or (record.name and text.look(record.name) == shape)):
            return set()
        return {one for one in self._bearers.get(shape, ()) if one != identity and self._goes_by(one, shape)}

    def _goes_by(self, identity: bytes, shape: str) -> bool:
        record = self._people.records.get(identity)
        if record is None or record.blocked or self._views.trust(identity) == "new":
            return False
        return text.look(record.name or self._views.name(identity)) == shape

    def _is_verified(self, identity: bytes) -> bool:
        record = self._people.records.get(identity)
        return record is not None and record.verified

    def _newcomer(self, room: Room, identity: bytes) -> set[bytes]:
        """Whose name somebody bears who is in this room, and was neither known by it before nor blocked."""
        bearers = self._bearers_of(self._views.name(identity, room), identity)
        if not bearers or self._people.is_blocked(identity) or room.cards.introducer(identity):
            return set()
        return bearers if identity in self._views.everyone(room) else set()

    def _warn(self, room: Room, identity: bytes) -> None:
        if (room.id, identity) in self._warned:
            return
        name = self._views.name(identity, room)
        kind = "same_name_new_key" if self._newcomer(room, identity) else "your_name" if self._is_mine(room, identity) else None
        if kind is None or not self._bucket.take(1, self._clock.mono()):
            return
        self._warned[room.id, identity] = None
        if len(self._warned) > MAX_WARNED:
            del self._warned[next(iter(self._warned))]
        self._publish(events.Warning(kind=kind, text=name, peer=identity.hex(), room=room.id.hex()))

    def _is_mine(self, room: Room, identity: bytes) -> bool:
        """Has somebody who is new here one's own name?"""
        is_mine = text.look(self._views.me.name) == text.look(self._views.name(identity, room))
        return is_mine and self._views.trust(identity) == "new" and identity in room.online()

    def is_stopped(self, room: Room) -> bool:
        """Is nothing to be said there for now?"""
        return self._in_doubt(room) is not None

    def check(self, room: Room) -> None:
        """May something be said there? RequestError("key_changed") where somebody came to a private or direct room by the name of
        one who was verified, until it is settled who that is: verified too, blocked, or gone. (In an open room that would let
        anybody silence everybody.)"""
        identity = self._in_doubt(room)
        if identity is not None:
            name = self._views.name(identity, room)
            raise RequestError("key_changed", name=name, tag=tag(identity), peer=identity.hex(), room=room.id.hex())

    def _in_doubt(self, room: Room) -> bytes | None:
        if room.record.kind == "open" or not self._people.is_any_verified:
            return None
        others = sorted(self._views.everyone(room) - {self._replica.identity.public})
        return next((one for one in others if any(map(self._is_verified, self._newcomer(room, one)))), None)
