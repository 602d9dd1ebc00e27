"""Who and what is here, as the node has told it so far: rooms, people, who is writing. Pure; screen and plain mode keep one.

Typing lasts for a few seconds of `now` (monotonic seconds).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from peertalk.core.events import IdentityView, Peer, Room
from peertalk.say.names import room as room_name
from peertalk.text import look

TYPING = 6.0
MAX_NAMED = 1024
"""Authors of old messages who are remembered, so that another of the same name is told apart."""


@dataclass(slots=True)
class Roster:
    """`rooms` and `peers` by id; `typing` maps (room, peer) to when it ends; `named` is who was called by a name here, though they
    are none of the `peers` (any more); `watched` are the ids of those who came under a known name with another key."""

    me: IdentityView | None = None
    rooms: dict[str, Room] = field(default_factory=dict)
    peers: dict[str, Peer] = field(default_factory=dict)
    typing: dict[tuple[str, str], float] = field(default_factory=dict)
    named: dict[str, IdentityView] = field(default_factory=dict)
    watched: set[str] = field(default_factory=set)

    def group_rooms(self) -> list[Room]:
        """Open and private rooms, by name; the lobby first."""
        groups = (room for room in self.rooms.values() if room.kind != "direct")
        return sorted(groups, key=lambda room: (room.name != "lobby", room.name.casefold(), room.id))

    def direct_rooms(self) -> list[Room]:
        """Rooms of two, by the other's name."""
        return sorted(
            (room for room in self.rooms.values() if room.kind == "direct"), key=lambda room: (room.name.casefold(), room.id)
        )

    def order(self) -> list[Room]:
        """All rooms as they stand in the left column."""
        return self.group_rooms() + self.direct_rooms()

    def here(self) -> list[Peer]:
        """Who is online, by name."""
        people = (peer for peer in self.peers.values() if peer.online and not peer.blocked)
        return sorted(people, key=lambda peer: (peer.name.casefold(), peer.id))

    def partner(self, room: Room) -> Peer | None:
        """The other one of a direct room."""
        if room.kind != "direct":
            return None
        return next((peer for peer in self.peers.values() if room.id in peer.rooms), None)

    def called(self, somebody: IdentityView) -> str:
        """A name, with the key's tag where another has it, or one that looks the same."""
        shape = look(somebody.name)
        if any(other.id != somebody.id and look(other.name) == shape for other in self._others()):
            return f"{somebody.name} · {somebody.tag}"
        if somebody.id not in self.peers:
            self.named[somebody.id] = somebody
            if len(self.named) > MAX_NAMED:
                del self.named[next(iter(self.named))]
        return somebody.name

    def _others(self) -> Iterator[IdentityView]:
        yield from self.peers.values()
        yield from (one for one in self.named.values() if one.id not in self.peers)
        if self.me is not None:
            yield self.me

    def is_doubtful(self, somebody: IdentityView) -> bool:
        """Whether somebody could be taken for one who is verified, or for oneself, or was so until now."""
        shape = look(somebody.name)
        sure = [
            *(peer for peer in self.peers.values() if peer.trust == "verified"),
            *([self.me] if self.me is not None else []),
        ]
        return somebody.id in self.watched or any(each.id != somebody.id and look(each.name) == shape for each in sure)

    def among(self, room: Room) -> list[Peer]:
        """The others of a room, as far as they are known and not blocked."""
        return [peer for peer in self.peers.values() if room.id in peer.rooms and not peer.blocked]

    def title(self, room: Room) -> str:
        """What a room is called on the screen: `#lobby`, `Tuesday circle`, or the other's name."""
        partner = self.partner(room)
        if partner is not None:
            return self.called(partner)
        return room_name(room)

    def unread_elsewhere(self, current: str | None) -> list[Room]:
        """Rooms with something unread, beside the current one, in the order of the left column."""
        return [room for room in self.order() if room.unread and room.id != current]

    def seen_typing(self, room: str, peer: Peer, now: float) -> None:
        """Somebody writes in a room."""
        self.typing[room, peer.id] = now + TYPING

    def stopped_typing(self, room: str, peer: str) -> None:
        """Their message came."""
        self.typing.pop((room, peer), None)

    def writing(self, room: str, now: float) -> list[str]:
        """The names of those who write in a room right now."""
        self.typing = {key: until for key, until in self.typing.items() if until > now}
        known = (self.peers.get(peer) for place, peer in self.typing if place == room)
        return sorted(self.called(peer) for peer in known if peer is not None)
