"""Finding the room or the person that is meant by an id or a name. A name that could mean two is refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from peertalk.core.exchange import Place
from peertalk.core.identity import tag
from peertalk.core.room import Room
from peertalk.core.stored import PeerRecord
from peertalk.core.sync import Replica
from peertalk.errors import RequestError
from peertalk.node.views import Views


class Lookup:
    """Resolves references against what `replica` has and whom it has met."""

    def __init__(self, replica: Replica, views: Views, peers: Mapping[bytes, PeerRecord]) -> None:
        self._replica = replica
        self._views = views
        self._peers = peers

    def rooms(self) -> list[Room]:
        """The rooms that are listed, as they came."""
        return [place.room for place in self._replica.places.values() if self._is_listed(place)]

    def room(self, reference: str) -> Room:
        """By id, `lobby`, `#lobby`, or the name of the other one in a direct room; a re-formed room goes before the one that it was
        re-formed from. RequestError unknown_room, ambiguous_name."""
        found = self._by_id(reference) or self._by_name(reference)
        if not found:
            raise RequestError("unknown_room", room=reference)
        if len(found) > 1:
            raise RequestError("ambiguous_name", name=reference, candidates=[room.id.hex() for room in found])
        return found[0]

    def _by_id(self, reference: str) -> list[Room]:
        try:
            place = self._replica.places.get(bytes.fromhex(reference))
        except ValueError:
            return []
        return [place.room] if place is not None and self._is_listed(place) else []

    def _is_listed(self, place: Place) -> bool:
        return place.room.record.shown and place.leaving is None

    def _by_name(self, reference: str) -> list[Room]:
        wanted = reference.removeprefix("#").casefold()
        named = [room for room in self.rooms() if self._views.room_name(room).casefold() == wanted]
        if reference.startswith("#"):
            named = [room for room in named if room.record.kind == "open"]
        return [room for room in named if not room.record.archived] or named

    def people(self) -> set[bytes]:
        """Everybody met or heard of, without oneself."""
        heard = {who for place in self._replica.places.values() for who in self._views.everyone(place.room)}
        return (heard | set(self._peers)) - {self._replica.identity.public}

    def peer(self, reference: str) -> bytes:
        """By id, name, tag, or `name·tag`. RequestError unknown_peer, ambiguous_name (with candidates)."""
        found = [identity for identity in self.people() if reference in (identity.hex(), tag(identity))]
        if not found:
            found = list(self._named(reference))
        if not found:
            raise RequestError("unknown_peer", peer=reference)
        if len(found) > 1:
            candidates = sorted(f"{self._views.name(identity)}·{tag(identity)}" for identity in found)
            raise RequestError("ambiguous_name", name=reference, candidates=candidates)
        return found[0]

    def _named(self, reference: str) -> Iterable[bytes]:
        wanted = reference.removeprefix("@").replace(" ", "").casefold()
        for identity in self.people():
            name = self._views.name(identity).replace(" ", "").casefold()
            if wanted in (name, f"{name}·{tag(identity)}"):
                yield identity
