"""Where members of a room can be reached, told among themselves (docs/protocol.md, "Where others are").

Multicast is filtered on many networks. So who is linked says at which port it listens, and is told of the others of that room
who are linked here: where they are seen from. What others say of others is hearsay: it goes to the dialer and is not said on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from itertools import islice
from typing import NamedTuple

from peertalk.core import wire
from peertalk.core.effects import Heard, Listens, Send
from peertalk.core.outlet import Now, Outlet
from peertalk.core.rates import Bucket
from peertalk.core.room import Room
from peertalk.core.sharing import Sharing
from peertalk.core.wire import Endpoint

GATHER = 0.5
"""Seconds that news wait for more of their kind, and for multicast to make them needless."""
APART = 1.0
"""Seconds between two messages about others on one link."""
GATHER_LARGE = 5.0
"""The same of both in a large room, where many come only for a moment."""
HEARD_BURST, HEARD_RATE = 16, 1
"""Messages about others that are read of one link: at once, and a second."""
MAX_EARLY = 2 * wire.MAX_PEERS
"""Of so many people whose cards have not come yet it is kept where one link has them; of the newest."""


class Whence(NamedTuple):
    """The other end of a link: its address, packed; the number of the interface if the address means nothing without it; and
    the port if it was dialled there."""

    address: bytes = b""
    scope: int = 0
    port: int = 0

    @property
    def is_loopback(self) -> bool:
        return bool(self.address) and _is_loopback(self.address)


@lru_cache(maxsize=1024)
def _is_loopback(address: bytes) -> bool:
    return ip_address(address).is_loopback


@dataclass(slots=True)
class _End:
    """What is known of a link's other end, the rooms that are spoken of with it, and what it was told: identity → endpoints. `early`:
    (room, identity) → endpoints of people whose cards have not come yet."""

    identity: bytes
    whence: Whence
    port: int = 0
    introduced: bool = False
    rooms: dict[bytes, Room] = field(default_factory=dict)
    told: dict[bytes, tuple[Endpoint, ...]] = field(default_factory=dict)
    early: dict[tuple[bytes, bytes], tuple[Endpoint, ...]] = field(default_factory=dict)
    tell_after: float = 0.0
    heard: Bucket = field(default_factory=lambda: Bucket(HEARD_BURST, HEARD_RATE, 0.0))

    def endpoints(self) -> list[Endpoint]:
        """Where it was dialled, or is seen and says that it listens."""
        ports = (self.whence.port, self.port)
        return [(self.whence.address, port) for port in ports if self.whence.address and port >= wire.LEAST_PORT]

    def can_use(self, other: _End) -> bool:
        """Does the address of `other` mean the same from where this one is? A loopback address only on the same machine, a
        link-local one only on the same interface."""
        if other.whence.is_loopback:
            return self.whence.is_loopback
        return other.whence.scope in (0, self.whence.scope)


class Reach:
    """`port` is where one listens oneself; 0: nowhere."""

    def __init__(self, me: bytes, outlet: Outlet) -> None:
        self.port = 0
        self._me = me
        self._out = outlet
        self._ends: dict[int, _End] = {}

    def link_up(self, link: int, identity: bytes, whence: Whence) -> None:
        """A link is there; nothing may be said on it yet."""
        self._ends[link] = _End(identity, whence)

    def link_down(self, link: int) -> None:
        """A link is gone. Who comes back is news, were it at the same place."""
        gone = self._ends.pop(link, None)
        if gone is not None:
            for end in self._ends.values():
                end.told.pop(gone.identity, None)

    # ── telling ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def begin(self, room: Room, sharing: Sharing, now: Now) -> None:
        """The room may be spoken of on this link: say where one listens, once a link, and in a moment where others are."""
        end = self._ends[sharing.link]
        if self.port >= wire.LEAST_PORT and not end.introduced:
            end.introduced = True
            self._out.emit(Send(sharing.link, wire.Peers(room.id, self.port, ())))
        end.rooms[room.id] = room
        self._plan(room, sharing, now)
        self._tell_of(room, end, now)

    def _tell_of(self, room: Room, end: _End, now: Now) -> None:
        """Others of the room are to hear where this one is, if that is known."""
        if end.endpoints():
            for other in room.ready():
                if other.identity != end.identity:
                    self._plan(room, other, now)

    def _plan(self, room: Room, sharing: Sharing, now: Now) -> None:
        if sharing.reach_at is None:
            self._out.touched.add(room.id)
            gather = GATHER_LARGE if room.is_large else GATHER
            sharing.reach_at = max(now.mono + gather, self._ends[sharing.link].tell_after)
            sharing.agenda.plan(sharing.reach_at)

    def tell(self, room: Room, sharing: Sharing, now: Now) -> None:
        """Tell what is new about others in this room, if enough time has passed since the last time on this link."""
        end, sharing.reach_at = self._ends[sharing.link], None
        if now.mono < end.tell_after:
            sharing.reach_at = end.tell_after
            return
        news = dict(islice(self._news(room, end), wire.MAX_PEERS))
        if not news:
            return
        end.told |= news
        end.tell_after = now.mono + (GATHER_LARGE if room.is_large else APART)
        self._out.emit(Send(sharing.link, wire.Peers(room.id, self.port, tuple(news.items()))))
        if len(news) == wire.MAX_PEERS:
            sharing.reach_at = end.tell_after

    def _news(self, room: Room, end: _End) -> Iterator[tuple[bytes, tuple[Endpoint, ...]]]:
        """Where the others who share this room are, as far as `end` was not told and can make use of it."""
        seen: dict[bytes, dict[Endpoint, None]] = {}
        for other in room.ready():
            there = self._ends[other.link]
            if other.identity != end.identity and end.can_use(there):
                seen.setdefault(other.identity, {}).update(dict.fromkeys(there.endpoints()))
        for identity, endpoints in seen.items():
            fresh = tuple(endpoints)[: wire.MAX_ENDPOINTS]
            if fresh and end.told.get(identity) != fresh:
                yield identity, fresh

    # ── hearing ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def hear(self, room: Room, sharing: Sharing, message: wire.Peers, now: Now) -> None:
        """Where the sender listens: the first time on a link counts. Where others are: those that there is a card of, the others as soon as
        there is one, for nobody says it again."""
        end = self._ends[sharing.link]
        if not end.heard.take(1, now.mono):
            return
        if not end.port and message.port >= wire.LEAST_PORT:
            end.port = message.port
            self._out.emit(Listens(sharing.link, message.port))
            for shared in end.rooms.values():
                self._tell_of(shared, end, now)
        others = {
            identity: usable
            for identity, endpoints in message.peers
            if identity not in (self._me, end.identity)
            if (usable := tuple(endpoint for endpoint in endpoints if end.whence.scope or not is_link_local(endpoint[0])))
        }
        known = tuple((identity, usable) for identity, usable in others.items() if identity in room.cards)
        if known:
            self._out.emit(Heard(sharing.link, known))
        early = {(room.id, identity): usable for identity, usable in others.items() if identity not in room.cards}
        end.early = dict(islice((early | end.early | early).items(), MAX_EARLY))

    def know(self, room: bytes, identity: bytes) -> None:
        """Now there is a card of this one in the room."""
        for link, end in self._ends.items():
            usable = end.early.pop((room, identity), None)
            if usable:
                self._out.emit(Heard(link, ((identity, usable),)))


def is_link_local(address: bytes) -> bool:
    """Does it say nothing without an interface?"""
    parsed = ip_address(address)
    return isinstance(parsed, IPv6Address) and parsed.is_link_local
