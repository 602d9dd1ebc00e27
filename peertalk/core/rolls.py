"""Whether all who are linked in a room see the same people there: rolls (docs/protocol.md, "Who is who")."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from peertalk.core import wire
from peertalk.core.effects import Effect, MembersChanged, Presence, RollsChanged, RoomWent, Send
from peertalk.core.exchange import Place
from peertalk.core.outlet import Outlet
from peertalk.core.room import Room
from peertalk.core.sharing import Sharing

GATHERED = 0.2
"""Seconds within which changes are gathered before they are told."""
A_SECOND = 100
"""Rolls that one member says a second at most: where more are there, changes are gathered for longer."""
PATIENCE = 10
"""So many times as long as that, somebody may say another roll before it is told who."""


def members(room: Room) -> list[bytes]:
    """Who is in the room, in order of identity; both, in a direct one."""
    peer = room.record.peer
    return sorted(room.everyone() | ({peer} if peer is not None else set()))


def roster(room: Room) -> bytes:
    """Its members and what they call themselves, as the words of the room and the roll are made of it."""
    return b"".join(identity + _named(room.members.name(identity)) for identity in members(room))


def _named(name: str) -> bytes:
    raw = name.encode()
    return len(raw).to_bytes(2, "big") + raw


def roll(room: Room) -> bytes:
    """The digest of who is in the room; who is not in it learns nothing of it."""
    return hashlib.blake2b(roster(room), digest_size=32, key=room.record.secret, person=b"peertalk/1 roll").digest()


class Unity(NamedTuple):
    """`gathering`: not all who are linked see the same people yet; `differ` see others for longer, or do not say."""

    gathering: bool = False
    differ: tuple[bytes, ...] = ()


@dataclass(slots=True)
class _Own:
    """What one said last, and since when it is so."""

    digest: bytes
    since: float
    unity: Unity
    look_at: float = float("inf")
    state: Hashable = None
    """What it was worked out of."""


class Rolls:
    """The rolls of the rooms in `places`: one's own is told where it has changed, those of others are kept with their links."""

    def __init__(self, places: Mapping[bytes, Place], out: Outlet) -> None:
        self._places, self._out = places, out
        self._own: dict[bytes, _Own] = {}
        self._due: dict[bytes, float] = {}
        self._wake = float("inf")

    def go_on(self, effects: Iterable[Effect], now: float) -> None:
        """Whoever comes, goes or has another name, by these effects, changes a roll, and who comes is to be told of it. Tell what is
        due, and see who still says something else."""
        for effect in effects:
            if isinstance(effect, (Presence, MembersChanged)) and effect.room in self._places:
                at = self._due.setdefault(effect.room, now + self._gathered(self._places[effect.room].room))
                self._wake = min(self._wake, at)
            elif isinstance(effect, RoomWent):
                self._wake = now
        if self._wake <= now:
            self._tick(now)

    def hear(self, room: Room, sharing: Sharing, message: wire.Roll, now: float) -> None:
        """Somebody says who is in the room."""
        sharing.roll = message.digest
        self._look(room, now)

    def _tick(self, now: float) -> None:
        for id_ in [id_ for id_, at in self._due.items() if at <= now]:
            del self._due[id_]
            if id_ in self._places:
                self._tell(self._places[id_].room, now)
        for id_ in [id_ for id_, own in self._own.items() if own.look_at <= now or id_ not in self._places]:
            if id_ in self._places:
                self._look(self._places[id_].room, now)
            else:
                del self._own[id_]
        self._wake = min((*self._due.values(), *(own.look_at for own in self._own.values())), default=float("inf"))

    def _tell(self, room: Room, now: float) -> None:
        """Say the roll where it has not been said, and that this change is gathered, even if it has changed nothing."""
        own, state = self._own.get(room.id), (room.members.version, room.cards.owners, room.online())
        digest = own.digest if own is not None and own.state == state else roll(room)
        if own is None or own.digest != digest:
            own = self._own[room.id] = _Own(digest, now, own.unity if own is not None else Unity())
        own.state = state
        for sharing in room.ready():
            if sharing.roll_sent != digest:
                sharing.roll_sent = digest
                self._out.emit(Send(sharing.link, wire.Roll(room.id, digest)))
        if not self._look(room, now):
            self._out.emit(RollsChanged(room.id))

    def _look(self, room: Room, now: float) -> bool:
        """See who says something else; whether that was news."""
        own = self._own.get(room.id)
        if own is None:
            return False
        others = [sharing for sharing in room.ready() if sharing.roll != own.digest]
        ends = {sharing.identity: self._ends(room, sharing, own) for sharing in others}
        unity = Unity(bool(ends), tuple(sorted(identity for identity, at in ends.items() if at <= now)))
        own.look_at = min((at for at in ends.values() if at > now), default=float("inf"))
        self._wake = min(self._wake, own.look_at)
        is_news, own.unity = unity != own.unity, unity
        if is_news:
            self._out.emit(RollsChanged(room.id))
        return is_news

    def _ends(self, room: Room, sharing: Sharing, own: _Own) -> float:
        """When somebody who says something else has had the time to say the same."""
        return max(own.since, sharing.since) + PATIENCE * self._gathered(room)

    def _gathered(self, room: Room) -> float:
        return max(GATHERED, len(room.online()) / A_SECOND)

    def unity(self, room: bytes) -> Unity:
        """Do all who are linked in this room see the same people? Not as long as a change here is still to be told."""
        own = self._own.get(room)
        known = own.unity if own is not None else Unity()
        return known._replace(gathering=True) if room in self._due else known

    def wake(self) -> float:
        """When to call `go_on` next, at the earliest (monotonic seconds)."""
        return self._wake
