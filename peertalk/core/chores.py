"""What is due by the wall clock: open rooms forget, bodies expire, feed keys retire (docs/protocol.md, "Rooms", "One's own feed")."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping

import msgspec

from peertalk.core.effects import Close, RoomWent
from peertalk.core.exchange import Place
from peertalk.core.outlet import Now, Outlet
from peertalk.core.rooms import forgets_after
from peertalk.core.stored import DropOutbox, DropRoom, ForgetHistory, PutRoom, RoomSnapshot

ASLEEP_MS = 1_200_000
"""Whoever is awake looks at the clock more often: after that, links that were there before the machine slept say nothing."""


class Chores:
    """Sees to the rooms in `places`; `add` puts a fresh one into the place of one that is forgotten."""

    def __init__(
        self,
        places: MutableMapping[bytes, Place],
        out: Outlet,
        *,
        add: Callable[[RoomSnapshot, Now], Place],
        is_active: Callable[[bytes], bool],
        now: Now,
    ) -> None:
        self._places, self._out = places, out
        self._add, self._is_active = add, is_active
        self._wall = now.wall

    def make_room(self, most: int) -> bool:
        """May there be one room more? Where there are `most`, one gives way that is of no use to anybody: whoever begins one without
        a word must not keep all others from doing so."""
        if len(self._places) < most:
            return True
        spare = [place.room for place in self._places.values() if place.room.is_spare]
        if not spare:
            return False
        given_up = min(spare, key=lambda room: room.record.linked).id
        del self._places[given_up]
        self._out.commit((DropRoom(given_up),))
        return True

    def notice_sleep(self, now: Now) -> None:
        """Who has slept forgets before anything is said to anybody, or taken from them."""
        if now.wall - self._wall > ASLEEP_MS:
            self.do(now)
        self._wall = now.wall

    def do(self, now: Now) -> None:
        """Forget, expire, retire whatever is due."""
        has_slept, self._wall = now.wall - self._wall > ASLEEP_MS, now.wall
        for place in list(self._places.values()):
            room, limit = place.room, forgets_after(place.room.record)
            if room.ready() and not has_slept:
                room.touch(now)
            elif limit is not None and now.wall - room.record.linked > limit:
                self._forget(place, limit, now)
                continue
            if room.log.count:
                room.bodies.expire(now)
            if self._is_active(room.id):
                place.own.ensure_feed(now)
            self._out.touched.add(room.id)

    def _forget(self, place: Place, limit: int, now: Now) -> None:
        """The whole history of an open room goes; what waits there for longer than that goes too."""
        old = place.room
        record = msgspec.structs.replace(old.record, linked=now.wall, read=(0, b""))
        waiting = tuple(item for item in old.outbox if item.kind != "here" and now.wall - item.time <= limit)
        stale = [item for item in old.outbox if item not in waiting]
        self._out.commit(
            (ForgetHistory(old.id), *(DropOutbox(old.id, item.number) for item in stale), PutRoom(record)),
            lambda _: self._out.emit(RoomWent(old.id, forgotten=True)),
        )
        for link in old.sharings:
            self._out.emit(Close(link, "forgotten"))
        fresh = self._add(RoomSnapshot(record=record, outbox=waiting), now)
        if self._is_active(old.id):
            fresh.own.ensure_feed(now)
