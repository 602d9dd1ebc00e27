"""Finding the room or the person that is meant by an id or a name. A name that could mean two is refused."""

from __future__ import annotations

from collections.abc import Mapping

from peertalk import text
from peertalk.core.exchange import Place
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
        groups = [room for room in self.rooms() if room.record.peer is None]
        named = [room for room in groups if self._views.room_name(room).casefold() == wanted]
        if reference.startswith("#"):
            return [room for room in named if room.record.kind == "open"]
        named = [room for room in named if not room.record.archived] or named
        return named + self._direct(reference)

    def _direct(self, reference: str) -> list[Room]:
        """The room of two with whom is meant. A name that could mean somebody else too means nobody: RequestError ambiguous_name."""
        rooms = {peer.hex(): room for room in self.rooms() if (peer := room.record.peer) is not None}
        partners = self._views.identities(map(bytes.fromhex, rooms))
        if not text.meant(reference, partners):
            return []
        return [rooms[one.id] for one in [text.pick(reference, self._views.identities(self.people()))] if one.id in rooms]

    def people(self) -> set[bytes]:
        """Everybody met or heard of, without oneself."""
        heard = {who for place in self._replica.places.values() for who in self._views.everyone(place.room)}
        return (heard | set(self._peers)) - {self._replica.identity.public}

    def peer(self, reference: str) -> bytes:
        """By id, name, tag, or `name·tag`. RequestError unknown_peer, ambiguous_name (with candidates)."""
        return bytes.fromhex(text.pick(reference, self._views.identities(self.people())).id)
