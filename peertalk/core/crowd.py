"""Which links are needed where a room is large, which are to be made, which may go (docs/protocol.md, "Large rooms").

Up to 32 who are online all are linked with all. Beyond that everybody still visits everybody, so that all have shown who they are,
and goes again, but for about sixteen, who follow from who is online.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping

from peertalk.core import wire
from peertalk.core.asking import Asking
from peertalk.core.effects import Seek, Send, Spare
from peertalk.core.exchange import Place
from peertalk.core.graph import PAIRED, PULSED, Graph
from peertalk.core.introducing import Introducing
from peertalk.core.outlet import Now, Outlet
from peertalk.core.own import Own
from peertalk.core.pulses import Pulses
from peertalk.core.room import Room
from peertalk.core.sharing import LinkState, Sharing

LARGE, SMALL = 32, 24
"""A room is large from more people online than the first number on, oneself among them, until there are fewer than the second for
a while."""
APART = 1.0
"""Seconds between two looks at which links are needed."""
LOOK_AGAIN = 10.0
"""Seconds after which it is looked again though nobody came or went."""
LINGERS = 60.0
"""Seconds for which there have to be so few. Pulses count for half as long: where a network falls into two that is noticed all at once,
and were all in each half linked with all then, they would be done with it just when it is one again."""
AFTERWARDS = 60.0
"""Seconds for which pulses are sent in a room that is large no more: not all notice at once, and they have to find each other."""
VISIT = 3.0
"""Seconds that a link lasts at least that is not needed: both hear who the other one is, and what they have."""
PATIENCE = 20.0
"""Seconds after which a room that has not begun on a link is no reason to keep it."""
GIVEN_UP = 8
"""Links that are given up at one look: with the choice many may become needless at once, and pages still go over them."""


class Crowds:
    """Sees to the large rooms among `places`. `is_known`: is this somebody to whom a link is worth keeping?
    `is_ignored`: somebody who is not to be seen, though others may see them by what is passed on here?"""

    def __init__(self, places: Mapping[bytes, Place], links: Mapping[int, LinkState], out: Outlet) -> None:
        self._places, self._links, self._out = places, links, out
        self.is_known: Callable[[bytes], bool] = lambda _: False
        self.is_ignored: Callable[[bytes], bool] = lambda _: False
        self._look_at = math.inf
        self._online: dict[bytes, frozenset[bytes]] = {}
        """Of each large room: who was online when it was chosen last, and who was chosen."""
        self._chosen: dict[bytes, frozenset[bytes]] = {}
        self._sought: dict[bytes, frozenset[bytes]] = {}
        self._met: dict[bytes, frozenset[bytes]] = {}
        """Whose link was given up → the rooms that were spoken of on it: for others there is no use in seeking them."""
        self._few_since: dict[bytes, float] = {}
        """Since when so few are online in a large room that it will not be large for long."""
        self._pulses_until: dict[bytes, float] = {}
        self._alone: dict[bytes, bool] = {}
        """Large rooms in which one is alone, or not, as it was found at this look: it is asked for each link."""

    def place(self, room: Room, own: Own, may_speak: Callable[[bytes], bool], *, disk: bool) -> Place:
        """A room with all that belongs to it. `may_speak`: with whom is it spoken of; `disk`: is it kept?"""
        pulses = Pulses(
            room,
            key=lambda: None if room.is_outside else own.key(),
            may_speak=may_speak,
            is_ignored=lambda one: self.is_ignored(one),  # noqa: PLW0108 - it may be set later
            disk=disk,
        )
        return Place(room, own, Asking(room), Graph(room.id, room.me), pulses, Introducing(room))

    # ── one room ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def pump(self, place: Place, now: Now) -> None:
        """Somebody came or went, or time has passed: see whether the room is large, and to the pulses in it."""
        room = place.room
        if self._is_small(room):
            return
        place.pulses.forget_old(now)
        is_large = self._is_large(room, now) and not room.record.archived
        if is_large != room.is_large:
            room.is_large = is_large
            self._few_since.pop(room.id, None)
            self._look_at = now.mono
        if is_large:
            self._pulses_until[room.id] = now.mono + AFTERWARDS
        elif not self._is_busy(place, now):
            return
        is_chosen = self._online.get(room.id) is room.online()
        self._look_at = min(self._look_at, now.mono + (LOOK_AGAIN if is_chosen else APART))
        place.pulses.beat(now)
        place.pulses.pump(now)

    def _is_small(self, room: Room) -> bool:
        """Is this a room in which nothing of all that is ever needed? Most are, and they are looked at after each message."""
        few = len(room.sharings) < SMALL and not room.heard
        return few and not room.is_large and room.id not in self._pulses_until

    def _is_large(self, room: Room, now: Now) -> bool:
        count = len(room.online()) + 1
        if count >= SMALL if room.is_large else count > LARGE:
            self._few_since.pop(room.id, None)
            return True
        return room.is_large and now.mono < self._few_since.setdefault(room.id, now.mono) + LINGERS

    def _is_busy(self, place: Place, now: Now) -> bool:
        """Is this room large, or was it a moment ago?"""
        return place.room.is_large or now.mono < self._pulses_until.get(place.room.id, -math.inf)

    def wakes(self, place: Place, now: Now) -> float:
        """When to call `pump` for this room (monotonic seconds)."""
        if self._is_small(place.room):
            return math.inf
        if not self._is_busy(place, now):
            return place.room.present.soonest
        return min(place.pulses.wakes(), self._few_since.get(place.room.id, math.inf) + LINGERS)

    def hear_need(self, sharing: Sharing, need: wire.Need, now: Now) -> None:
        """The peer says whether it needs a link."""
        sharing.is_needed = need.needed
        self._settle(sharing)
        self._look_at = min(self._look_at, now.mono + APART)

    def _settle(self, sharing: Sharing) -> None:
        """Live pages go out on links that stay."""
        sharing.is_eager = not sharing.is_spare

    def ignore(self, identity: bytes) -> None:
        """Somebody is not to be seen any more."""
        for place in self._places.values():
            place.pulses.drop(identity)

    # ── all of them ──────────────────────────────────────────────────────────────────────────────────────────────────

    def look(self, now: Now) -> None:
        """Choose, say what is needed and what is not, seek who is lacking, give up what nobody needs; if it is time."""
        if now.mono < self._look_at:
            return
        self._alone.clear()
        for place in self._places.values():
            self._choose(place, now)
        given_up = 0
        for number, link in self._links.items():
            self._say(link, number, now)
            if given_up < GIVEN_UP and link.dialled and not link.is_given_up and self._is_spare(link, number, now):
                self._give_up(link, number)
                given_up += 1
            elif not link.is_given_up:
                self._met.pop(link.identity, None)
        is_any = any(self._is_busy(place, now) for place in self._places.values())
        self._seek(is_any=is_any)
        self._look_at = self._next_look(now, is_urgent=bool(given_up)) if is_any else math.inf

    def _next_look(self, now: Now, *, is_urgent: bool) -> float:
        """Soon where there is more to give up, when a visit is over, and in any case after a while."""
        sharings = (one for place in self._places.values() if place.room.is_large for one in place.room.ready())
        visits = (one.since + VISIT for one in sharings if one.needed and one.since + VISIT > now.mono)
        return max(now.mono + APART, min((now.mono + (APART if is_urgent else LOOK_AGAIN), *visits)))

    def wake(self) -> float:
        """When to call `look` next (monotonic seconds)."""
        return self._look_at

    def _choose(self, place: Place, now: Now) -> None:
        room = place.room
        if not self._is_busy(place, now):
            self._pulses_until.pop(room.id, None)
            self._few_since.pop(room.id, None)
            self._online.pop(room.id, None)
            self._chosen.pop(room.id, None)
            place.pulses.near = frozenset()
            return
        online = room.online()
        if self._online.get(room.id) is not online:
            self._online[room.id] = online
            place.pulses.near = place.graph.chosen(online, PULSED)
        known = {one for one in online if self.is_known(one)}
        self._chosen[room.id] = place.graph.chosen(online, PAIRED) | place.graph.kept(known)

    def _rooms(self, link: LinkState, number: int) -> Iterator[tuple[Place, Sharing]]:
        """The rooms on a link, in a fixed order."""
        for room in sorted(link.proven):
            place = self._places.get(room)
            sharing = place.room.sharings.get(number) if place is not None else None
            if place is not None and sharing is not None:
                yield place, sharing

    def _say(self, link: LinkState, number: int, now: Now) -> None:
        """Tell what has changed. Where no room is large, every link is needed."""
        rooms = [(place, sharing) for place, sharing in self._rooms(link, number) if sharing.ready]
        is_any = any(place.room.is_large for place, _ in rooms)
        for place, sharing in rooms:
            needed = not is_any or self._is_needed(place, sharing, now)
            if needed != sharing.needed:
                sharing.needed = needed
                self._settle(sharing)
                if not needed and place.room.is_large:
                    place.pulses.say_own(sharing, now)
                self._out.emit(Send(number, wire.Need(place.room.id, needed)))

    def _is_needed(self, place: Place, sharing: Sharing, now: Now) -> bool:
        room = place.room
        if room.record.kind == "direct":
            return self._is_wanted(place)
        if not room.is_large or sharing.identity in self._chosen[room.id] or self._is_alone(room):
            return True
        is_new = now.mono < sharing.since + VISIT or not sharing.is_caught_up(room.log, now.mono)
        return is_new or sharing.is_catching_up or sharing.is_serving

    def _is_alone(self, room: Room) -> bool:
        """Are most of those who are chosen not linked? They may be people whom nobody can reach, or who do not exist."""
        if room.id not in self._alone:
            chosen = self._chosen[room.id]
            linked = chosen.intersection(sharing.identity for sharing in room.ready())
            self._alone[room.id] = 2 * len(linked) < len(chosen)
        return self._alone[room.id]

    def _is_wanted(self, place: Place) -> bool:
        """Is this a direct room that one has written in, or looks at?"""
        record = place.room.record
        return record.kind == "direct" and not record.archived and (record.shown or record.accepted)

    def _is_spare(self, link: LinkState, number: int, now: Now) -> bool:
        """Is there no room for which either side needs this link?"""
        if link.kept_out or link.outside:
            return False
        rooms = list(self._rooms(link, number))
        begun = [(place, sharing) for place, sharing in rooms if sharing.ready]
        for place, sharing in rooms:
            is_begun = sharing.ready or place.room.record.kind == "direct"
            if not is_begun and now.mono < sharing.since + PATIENCE:
                return False
        return any(place.room.is_large for place, _ in begun) and all(sharing.is_spare for _, sharing in begun)

    def _give_up(self, link: LinkState, number: int) -> None:
        link.is_given_up = True
        self._met[link.identity] = frozenset(place.room.id for place, sharing in self._rooms(link, number) if sharing.ready)
        self._out.emit(Spare(number))

    # ── whom to seek ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _seek(self, *, is_any: bool) -> None:
        linked = {link.identity for link in self._links.values()}
        heard = (
            {one for place in self._places.values() for one in place.room.heard} - linked if is_any or self._sought else set()
        )
        self._met = {one: rooms for one, rooms in self._met.items() if one in heard or one in linked}
        for room, place in self._places.items():
            lacking = frozenset(one for one in self._lacking(place, heard) if room in self._met.get(one, (room,)))
            if lacking != self._sought.get(room, frozenset()):
                self._sought[room] = lacking
                self._out.emit(Seek(room, tuple(sorted(lacking))))
        for room in [room for room in self._sought if room not in self._places or not self._sought[room]]:
            del self._sought[room]

    def _lacking(self, place: Place, heard: Collection[bytes]) -> Collection[bytes]:
        """Of those who are not linked but heard of, in whatever room, those with whom one is to be linked for this one."""
        room = place.room
        if not heard or room.record.archived or place.leaving:
            return ()
        if room.record.kind == "direct":
            return {room.record.peer or b""}.intersection(heard) if self._is_wanted(place) else ()
        if not room.record.shown:  # it was left
            return ()
        if room.is_large:
            return self._chosen[room.id].intersection(heard)
        return room.everyone().intersection(heard)
