"""The links of a replica, and the rooms that are spoken of on each (docs/protocol.md, "Beginning")."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from peertalk.core import wire
from peertalk.core.beginnings import Beginnings, Take
from peertalk.core.doors import Seen
from peertalk.core.effects import DoorChanged, Presence, Prove, Send, Unprove
from peertalk.core.exchange import Place
from peertalk.core.outlet import Now, Outlet
from peertalk.core.room import Room
from peertalk.core.sharing import LinkState, Sharing
from peertalk.errors import RemoteError


class Linking:
    """Begins and ends sharing the rooms in `places` on the links that are up."""

    def __init__(self, places: Mapping[bytes, Place], out: Outlet) -> None:
        self.links: dict[int, LinkState] = {}
        self._places, self._out = places, out

    def is_active(self, room: bytes) -> bool:
        """Is this room spoken of with others? (One that was left, its history kept, is not.)"""
        place = self._places.get(room)
        if place is None or place.leaving or place.room.record.archived:
            return False
        return place.room.record.shown or place.room.record.kind == "direct"

    def may_speak(self, room: bytes, link: LinkState) -> bool:
        """Is this room spoken of with whoever is there? Not with who is left out of it; and one that was re-formed only with who
        has proven a room that it was re-formed as."""
        place = self._places.get(room)
        if place is None or link.identity in place.room.record.without:
            return False
        if not place.room.record.archived:
            return self.is_active(room)
        return place.room.record.shown and not place.leaving and any(self._is_after(one, room) for one in link.proven)

    def _is_after(self, room: bytes, old: bytes) -> bool:
        place = self._places.get(room)
        return place is not None and place.room.record.predecessor == old

    def takes(self, room: bytes, identity: bytes) -> bool:
        """Is there a place for somebody in this room: neither left out of it nor kept out by its door?"""
        return identity not in self._places[room].room.record.without and self.admits(room, identity)

    def admits(self, room: bytes, identity: bytes) -> bool:
        """Is the door of this room open to somebody? That of a re-formed room stands as it stood then: who was left out could
        close it afterwards, and whoever comes along bring that with them."""
        inside = self._places[room].room
        if not inside.record.archived or inside.door.is_untouched:
            return inside.door.admits(identity)
        splits = tuple(sorted(one.room.splits.tips for one in self._places.values() if one.room.record.predecessor == room))
        return inside.door.admitted(
            identity, lambda entry: not inside.before.parts(entry, splits), (splits, len(inside.log.pages))
        )

    def secrets(self, link: int | None = None) -> dict[bytes, bytes]:
        """room id → secret of all rooms that may be proven to anybody, or to who is on this link."""
        state = self.links.get(link) if link is not None else None
        rooms = (id_ for id_ in self._places if (self.is_active(id_) if state is None else self.may_speak(id_, state)))
        return {id_: self._places[id_].room.record.secret for id_ in rooms}

    def proven(self, link: int, rooms: Iterable[bytes], now: Now) -> None:
        """More rooms were proven by both sides while the link was up. One that was left meanwhile is quit."""
        state = self.links[link]
        for room in sorted({*rooms} - state.proven):
            if self.may_speak(room, state):
                state.proven.add(room)
                state.quit.discard(room)
                self.share(link, room, now)
                self._prove_old(link, room)
            else:
                state.quit.add(room)
                self._out.emit(Send(link, wire.Quit(room)))
                self._out.emit(Unprove(link, room))

    def _prove_old(self, link: int, room: bytes) -> None:
        """Whoever is in a re-formed room may have the history of the old one."""
        state, old = self.links[link], self._places[room].room.record.predecessor
        if old not in state.proven and old in self._places and not self.is_active(old) and self.may_speak(old, state):
            self._out.emit(Prove(link, (old,)))

    def down(self, link: int, now: Now, *, needless: bool) -> None:
        """A link is gone. Who ended it as `needless` is still there, also where it was needed here at that moment."""
        for place in [place for place in self._places.values() if link in place.room.sharings]:
            if needless:
                place.room.sharings[link].needed = place.room.sharings[link].is_needed = False
            self._stop(link, place.room.id, now)
        self.links.pop(link, None)
        self._out.congested.discard(link)

    def bring(self, room: bytes, now: Now, beginnings: Beginnings, take: Take) -> None:
        """A room came while links are up: on those where it is proven it begins, on the others it is to be proven. What waited to
        begin it is taken up."""
        peer = self._places[room].room.record.peer
        for number, link in self.links.items():
            if room in link.proven or (peer is not None and peer == link.identity):
                link.proven.add(room)
                self.share(number, room, now)
                if peer is not None:
                    beginnings.take_up(number, link, take, self._out)
            elif peer is None and self.may_speak(room, link):
                self._out.emit(Prove(number, (room,)))

    def begin(self, link: int, room: bytes, now: Now) -> None:
        """The other side's card has come. If it has kept us out until now, it has ignored ours: that is sent again."""
        state, sharings = self.links[link], self._places[room].room.sharings
        state.quit.discard(room)
        if room in state.outside and link in sharings and not sharings[link].ready:
            self._places[room].room.present.end(link)
        state.outside.discard(room)
        self.share(link, room, now)

    def share(self, link: int, room: bytes, now: Now) -> None:
        """A room may be spoken of on a link: one's card goes first."""
        place = self._places[room]
        if link in place.room.sharings:
            return
        if not self.admits(room, self.links[link].identity):
            self._keep_out(link, room)
            return
        sharing = Sharing(link, self.links[link].identity, now.mono, agenda=place.room.present.agenda)
        place.room.sharings[link] = sharing
        if not place.room.record.archived:
            place.own.ensure_feed(now)
        sharing.card_sent = True
        self._out.emit(Send(link, place.own.card()))
        self._out.touched.add(room)

    def stop_sharing(self, link: int, room: bytes, now: Now) -> None:
        """A room is no longer spoken of on a link: one of the two has left it. Nor is the one that it was re-formed from."""
        self._stop(link, room, now)
        state, old = self.links[link], self._places.get(self._places[room].room.record.predecessor)
        if old is not None and self._is_spoken_of(old.room, link) and not self.may_speak(old.room.id, state):
            self._out.emit(Send(link, wire.Quit(old.room.id)))
            self.stop_sharing(link, old.room.id, now)

    def _is_spoken_of(self, room: Room, link: int) -> bool:
        """Is it shared on this link, or would be but for a door?"""
        return link in room.sharings or room.id in self.links[link].kept_out | self.links[link].outside

    def _stop(self, link: int, room: bytes, now: Now) -> None:
        self._fall_silent(link, room, now)
        state = self.links[link]
        state.kept_out.discard(room)
        state.outside.discard(room)
        if self._places[room].room.record.kind != "direct":
            state.proven.discard(room)
            self._out.emit(Unprove(link, room))

    def _fall_silent(self, link: int, room: bytes, now: Now) -> None:
        """What still comes is ignored, until a card does."""
        place = self._places[room]
        self.links[link].quit.add(room)
        self._out.touched.add(room)
        sharing = place.room.present.end(link)
        if sharing is not None and sharing.ready:
            if not sharing.is_spare:
                place.room.present.drop(sharing.identity)  # who is there all the same says so again
            place.room.touch(now)
            self._out.emit(Presence(room, sharing.identity, online=sharing.identity in place.room.online()))

    def quit(self, room: bytes, now: Now) -> None:
        """Say on all links that one has left."""
        for number in self.links:
            if self._is_spoken_of(self._places[room].room, number):
                self._out.emit(Send(number, wire.Quit(room)))
                self.stop_sharing(number, room, now)

    # ── doors ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def see_to_door(self, room: bytes, now: Now) -> None:
        """Speak of a room with those who are inside, and with nobody else."""
        inside = self._places[room].room
        if inside.record.kind != "private":
            return
        for number in [number for number, one in inside.sharings.items() if not self.admits(room, one.identity)]:
            self._fall_silent(number, room, now)
            self._keep_out(number, room)
        for number, state in self.links.items():
            if room in state.kept_out and self.admits(room, state.identity):
                state.kept_out.discard(room)
                self.share(number, room, now)

    def _keep_out(self, link: int, room: bytes) -> None:
        state = self.links[link]
        state.quit.add(room)
        if room not in state.kept_out:
            state.kept_out.add(room)
            self._out.emit(Send(link, wire.Wait(room)))
            self._out.touched.add(room)

    def hear_end(self, link: int, message: wire.Wait | wire.Quit, now: Now) -> None:
        """The other side speaks of a room no longer: until somebody lets us in, or for good. RemoteError("out_of_order")."""
        state, room = self.links[link], self._places[message.room].room
        if isinstance(message, wire.Wait):
            if room.record.kind != "private":
                raise RemoteError("out_of_order")
            self.is_kept_out(link, room.id, now)
        elif self._is_spoken_of(room, link):
            self.stop_sharing(link, room.id, now)
        elif room.id not in state.quit:
            raise RemoteError("out_of_order")

    def is_kept_out(self, link: int, room: bytes, now: Now) -> None:
        """The other side says that the door is closed to us."""
        self._fall_silent(link, room, now)
        self.links[link].outside.add(room)
        inside = self._places[room].room
        inside.is_kept_out |= not inside.ready()

    def door(self, room: bytes) -> Seen:
        """How the door looks from here."""
        inside = self._places[room].room
        if inside.record.kind != "private":
            return Seen()
        waiting = frozenset(state.identity for state in self.links.values() if room in state.kept_out)
        return Seen(inside.is_sealed, inside.is_outside, waiting)

    def tell_door(self, place: Place) -> None:
        """Say so if it looks otherwise than before."""
        before, place.door = place.door, self.door(place.room.id)
        change = place.door.since(before)
        if change is not None:
            self._out.emit(DoorChanged(place.room.id, change))
