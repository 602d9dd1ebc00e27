"""The replica: all rooms and all links of one profile (docs/protocol.md, "Sync").

Inputs are calls (link up, link down, a message, a commit that is done, time); what follows from them is collected as effects and
given by `drain`. No I/O, no clock, no randomness of its own: the same inputs give the same effects.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import msgspec

from peertalk.core import intake, serving, wire
from peertalk.core.beginnings import Beginnings
from peertalk.core.checks import CheckedPages
from peertalk.core.chores import Chores
from peertalk.core.crowd import Crowds
from peertalk.core.doors import Seen
from peertalk.core.effects import Effect, RoomCame, RoomWent, Send, Token, TypingSeen, Wake
from peertalk.core.entry import MAX_ADMITTED, Content, Left, Random, Seal
from peertalk.core.exchange import Exchange, Place
from peertalk.core.identity import Identity
from peertalk.core.linking import Linking
from peertalk.core.outlet import Now, Outlet
from peertalk.core.own import Own
from peertalk.core.reach import Reach, Whence
from peertalk.core.reforming import Reforming
from peertalk.core.rolls import Rolls
from peertalk.core.room import Room
from peertalk.core.rooms import direct_room
from peertalk.core.sharing import LinkState, Sharing
from peertalk.core.stored import DropRoom, PageRecord, PutRoom, RoomRecord, RoomSnapshot, Snapshot
from peertalk.core.verify import Verifying
from peertalk.errors import RemoteError, RequestError

CHORES_EVERY = 600.0
"""Seconds between looks at what is to be forgotten, expired, retired."""
MAX_ROOMS = 1024
"""Rooms from which on others bring no more direct ones into being."""


class Replica:
    """See the module. `disk` says whether commits survive this process; `name` is the nickname."""

    def __init__(self, identity: Identity, snapshot: Snapshot, *, disk: bool, random: Random, now: Now) -> None:
        self.identity = identity
        self.name = snapshot.name
        self.disk = disk
        self.places: dict[bytes, Place] = {}
        self.is_stopped: Callable[[Room], bool] = lambda _: False
        """May nothing be said in a room for now? `resume` is called when that has changed."""
        self._random = random
        self._out = Outlet()
        self._linking = Linking(self.places, self._out)
        self.links = self._linking.links
        self._reach = Reach(identity.public, self._out)
        self._exchange = Exchange(self._out, self._reach, disk=disk)
        self.crowds = Crowds(self.places, self.links, self._out)
        self.rolls = Rolls(self.places, self._out)
        self.verifying = Verifying(identity.public, self._out, random)
        self._beginnings = Beginnings(self.links, now.mono)
        self._chores_at = now.mono
        self._chores = Chores(self.places, self._out, self.links, add=self._add, is_active=self.is_active, now=now)
        self.reforming = Reforming(
            identity, self.places, self._linking, self._out, snapshot.offers, join=self.join, add=self._add
        )
        self._begin_at = float("inf")
        for room in snapshot.rooms:
            self._add(room, now)
        self.tick(now)

    def _add(self, snapshot: RoomSnapshot, now: Now) -> Place:
        room = Room(snapshot, self.identity.public, self._out, now)
        own = Own(room, self._random, self.name, lambda: self.is_stopped(room))
        place = self.crowds.place(room, own, lambda one: self._linking.takes(room.id, one), disk=self._exchange.keeps(room))
        self.places[room.id] = place
        place.door = self._linking.door(room.id)
        self._out.touched.add(room.id)
        return place

    def is_active(self, room: bytes) -> bool:
        """Is this room spoken of with others?"""
        return self._linking.is_active(room)

    def secrets(self, link: int | None = None) -> dict[bytes, bytes]:
        """room id → secret of all rooms that may be proven to anybody, or on this link, if it is up."""
        return self.reforming.secrets() if link not in self.links else self._linking.secrets(link)

    # ── calls ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def join(self, record: RoomRecord, now: Now) -> None:
        """Be in this room from now on. Joining a room again is no error."""
        place = self.places.get(record.id)
        if place is not None and place.leaving:
            self._go(place, now)  # what came since was not heard, so it is left for real and joined again
            place = self.places.get(record.id)
        if place is not None and (self.is_active(record.id) or place.room.record.archived):
            if record.shown and not place.room.record.shown:
                self.show(record.id)
            return
        if self.reforming.enters(record, now):
            return
        if place is None:
            place = self._add(RoomSnapshot(record=record), now)
        else:
            by = record.invited_by or place.room.record.invited_by
            record = place.room.record = msgspec.structs.replace(place.room.record, shown=True, invited_by=by)
        self._out.commit((PutRoom(record),), lambda _: self._out.emit(RoomCame(record)))
        place.own.ensure_feed(now)
        place.own.announce(now)
        self._linking.bring(record.id, now, self._beginnings, lambda number, card: self._take(number, card, now))

    def show(self, room: bytes) -> None:
        """List a direct room that was only recognised."""
        place = self.places[room]
        record = place.room.record = msgspec.structs.replace(place.room.record, shown=True)
        self._out.commit((PutRoom(record),), lambda _: self._out.emit(RoomCame(record)))

    def leave(self, room: bytes, now: Now, *, forget: bool) -> None:
        """Say `left` if anybody is here to hear it, and be out. `forget`: everything of the room goes; else it is hidden, and
        its history stays for a return. A direct room that is left is just hidden until the other one writes."""
        place = self.places[room]
        self._mark(room)
        if place.room.record.kind == "direct" and not forget:
            self._hide(place)
            return
        is_leaving, place.leaving = place.leaving, "forget" if forget else "hide"
        record = place.room.record
        if not is_leaving and record.kind != "direct" and not record.archived and place.room.can_write(now):
            place.own.outbox.queue(Left(), now)

    def _go(self, place: Place, now: Now) -> None:
        """Nothing more is to be said: out."""
        room = place.room.id
        self._linking.quit(room, now)
        if place.leaving == "hide":
            place.leaving = None
            self._hide(place)
            return
        del self.places[room]
        ops = DropRoom(room), *self.reforming.offers.forgotten(room)
        self._out.commit(ops, lambda _: self._out.emit(RoomWent(room, forgotten=True)))

    def _hide(self, place: Place) -> None:
        record = place.room.record = msgspec.structs.replace(place.room.record, shown=False)
        self._out.commit((PutRoom(record),), lambda _: self._out.emit(RoomWent(record.id, forgotten=False)))

    def rename(self, name: str, now: Now) -> None:
        """Be called so in all rooms from now on."""
        was, self.name = self.name, name
        for id_, place in self.places.items():
            place.own.name = name
            if self.is_active(id_):
                place.own.announce(now, was)
                self._mark(id_)

    def send(self, room: bytes, content: Content, now: Now) -> bytes:
        """Say something; its message id. It is safe once `Queued` or `Placed` names it. To delete what still waits says nothing, and
        it is gone once `Withdrawn` names it: its id. RequestError("too_large"), and ("refused") in a room that was re-formed, or to edit
        what one has deleted."""
        place = self.places[room]
        if place.room.record.archived:
            raise RequestError("refused", why="reformed")
        message = place.own.outbox.say(content, now)
        if not place.room.accepted:
            place.room.record = msgspec.structs.replace(place.room.record, accepted=True)
            self._out.lazily((room, "record"), PutRoom(place.room.record))
        self._mark(room)
        return message

    def resume(self) -> None:
        """Rooms may be stopped no longer: see whether what waits may go."""
        self._out.touched.update(id_ for id_, place in self.places.items() if place.room.outbox)

    def door(self, room: bytes) -> Seen:
        """How the door of a room looks from here."""
        return self._linking.door(room)

    def seal(self, room: bytes, now: Now) -> None:
        """Close the door behind everybody who is a member."""
        inside = sorted(self.places[room].room.everyone())
        for start in range(0, len(inside), MAX_ADMITTED):
            self.send(room, Seal(tuple(inside[start : start + MAX_ADMITTED])), now)

    def retire_all(self, now: Now) -> None:
        """This profile was restored or copied: another copy may be ahead, so go on with new feeds."""
        for id_, place in self.places.items():
            place.own.retire(now, ahead=True)
            self._mark(id_)

    def typing(self, room: bytes) -> None:
        """Tell who is linked that one is writing."""
        for sharing in self.places[room].room.ready():
            self._out.emit(Send(sharing.link, wire.Signal(room, "typing")))

    def mark_read(self, room: bytes, read: tuple[int, bytes]) -> None:
        """Everything up to this order key was read."""
        place = self.places[room]
        if read > place.room.record.read:
            place.room.record = msgspec.structs.replace(place.room.record, read=read)
            self._out.lazily((room, "record"), PutRoom(place.room.record))

    # ── links ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def listen(self, port: int) -> None:
        """One listens at this port: whom one is linked with from now on may tell others."""
        self._reach.port = port

    def link_up(
        self,
        link: int,
        identity: bytes,
        rooms: Collection[bytes],
        now: Now,
        *,
        whence: Whence | None = None,
        binding: bytes = b"",
    ) -> None:
        """A link to `identity`, who is there, is authenticated, and these rooms are proven by both sides. `binding` is the channel's."""
        self._chores.notice_sleep(now)
        self._reach.link_up(link, identity, whence or Whence())
        direct = direct_room(self.identity, identity, now.wall, shown=False)
        self.links[link] = LinkState(identity, {direct.id}, direct=direct, dialled=bool(whence and whence.port))
        self.reforming.look()
        self.verifying.link_up(link, identity, direct.id, binding)
        self.proven(link, rooms, now)
        self.reforming.part()
        if self.is_active(direct.id):
            self._linking.share(link, direct.id, now)

    def proven(self, link: int, rooms: Iterable[bytes], now: Now) -> None:
        """More rooms were proven by both sides while the link was up."""
        self._linking.proven(link, rooms, now)

    def link_down(self, link: int, now: Now, *, needless: bool = False) -> None:
        """A link is gone. `needless`: one of the two has said that it needs it no more, so both are still there."""
        self._linking.down(link, now, needless=needless)
        self.reforming.down(link)
        self.verifying.link_down(link, now.mono)
        self._reach.link_down(link)

    def congested(self, link: int, *, much: bool) -> None:
        """So much waits to be sent on a link that what can wait is held back; or it takes more again."""
        serving.congested((place.room for place in self.places.values()), self._out, link, much=much)

    # ── messages ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def received(self, link: int, raw: bytes, now: Now) -> None:
        """A message came. RemoteError: the link is to be closed; nothing that the message says was kept, but for
        pages before the one that is wrong, and no room began."""
        self.received_checked(link, wire.decode(raw), now)

    def received_checked(self, link: int, message: wire.Message | CheckedPages, now: Now) -> None:
        """The same, of one that was decoded, or whose pages were checked, elsewhere: that makes no difference."""
        self._chores.notice_sleep(now)
        self._take(link, message, now)

    @property
    def unwritten(self) -> int:
        """Bytes of pages that wait for the disk."""
        return self._out.unwritten

    def is_rated(self, room: bytes) -> bool:
        """Is what others bring into this room taken in at a rate? Then a check of it may be in vain. So it is of one that is not here."""
        place = self.places.get(room)
        return place is None or intake.is_rated(place.room)

    def _take(self, link: int, message: wire.Message | CheckedPages, now: Now) -> None:
        state = self.links[link]
        if message.room not in state.proven:
            if message.room in state.quit:
                return
            raise RemoteError("not_proven")
        if isinstance(message, wire.Offer):
            self.reforming.offers.hear(link, state, message, now)
            return
        if isinstance(message, wire.Verify):
            self.verifying.receive(link, message, now.mono)
            return
        place = self._place_of(state, message, now)
        if place is None:
            return
        if isinstance(message, wire.Wait | wire.Quit):
            self._linking.hear_end(link, message, now)
            return
        begins = isinstance(message, wire.Card) and message.identity == state.identity
        if begins:
            self._linking.begin(link, message.room, now)
        if message.room in state.quit:
            return  # it was on its way
        sharing = place.room.sharings.get(link)
        if sharing is None or not (sharing.ready or begins):
            raise RemoteError("out_of_order")
        self._mark(message.room)
        self._handle(place, sharing, message, now)

    def _handle(self, place: Place, sharing: Sharing, message: wire.Message | CheckedPages, now: Now) -> None:
        if isinstance(message, wire.Signal):
            self._on_signal(place, sharing, message, now)
        elif isinstance(message, wire.Roll):
            self.rolls.hear(place.room, sharing, message, now.mono)
        elif isinstance(message, wire.Need):
            self.crowds.hear_need(sharing, message, now)
        else:
            self._exchange.handle(place, sharing, message, now)

    def _place_of(self, state: LinkState, message: wire.Message | CheckedPages, now: Now) -> Place | None:
        """The room that is meant; a direct room comes into being when the other one speaks in it."""
        place = self.places.get(message.room)
        if place is None and state.direct is not None and message.room == state.direct.id:
            if not self._beginnings.admits(state, message, now.mono) or not self._chores.make_room(MAX_ROOMS):
                return None
            self.join(state.direct, now)
            return self.places[message.room]
        return place if self._linking.may_speak(message.room, state) else None

    def _on_signal(self, place: Place, sharing: Sharing, signal: wire.Signal, now: Now) -> None:
        if signal.kind == "typing" and self.links[sharing.link].signals.take(1, now.mono):
            self._out.emit(TypingSeen(place.room.id, sharing.identity))

    # ── what was carried out, and time ───────────────────────────────────────────────────────────────────────────────

    def committed(self, token: Token, now: Now) -> None:
        """A commit is on disk."""
        self._out.committed(token, now)

    def loaded(self, token: Token, pages: Sequence[PageRecord], now: Now) -> None:
        """Pages were read."""
        self._out.loaded(token, pages, now)

    def loaded_bodies(self, token: Token, bodies: Mapping[bytes, bytes], now: Now) -> None:
        """Bodies were read."""
        self._out.loaded_bodies(token, bodies, now)

    def tick(self, now: Now) -> None:
        """Time has passed: see to what is due."""
        self._out.touched.update(room for room, place in self.places.items() if place.wake_at <= now.mono)
        self._chores.notice_sleep(now)
        self.verifying.tick(now.mono)
        self._beginnings.go_on(lambda link, card: self._take(link, card, now), self._out, now.mono)
        if now.mono >= self._chores_at:
            self._chores_at = now.mono + CHORES_EVERY
            self.do_chores(now)

    def do_chores(self, now: Now) -> None:
        """Forget, expire, retire, by the wall clock: at start, every ten minutes, and on waking from sleep."""
        self._chores.do(now)

    def _mark(self, room: bytes) -> None:
        self._out.touched.add(room)

    def drain(self, now: Now) -> list[Effect]:
        """Everything that follows from the inputs so far, with a `Wake` last if there is something to wake for."""
        seen: set[bytes] = set()
        while self._out.touched:
            dirty, self._out.touched = self._out.touched, set()
            seen |= dirty
            for id_ in sorted(dirty):
                if id_ in self.places:
                    self._pump(self.places[id_], now)
        self.reforming.pump(seen, now)
        self.crowds.look(now)
        self.rolls.go_on(self._out.gathered, now.mono)
        self._out.flush_if_due(now)
        self._begin_at = self._beginnings.wake(now.mono)
        self._out.emit(Wake(self.wake()))
        return self._out.drain()

    def _pump(self, place: Place, now: Now) -> None:
        if place.leaving or self.is_active(place.room.id):
            self._linking.see_to_door(place.room.id, now)
            place.own.push(now)
            self._linking.tell_door(place)
        elif place.room.record.archived:
            self._linking.see_to_door(place.room.id, now)
        if place.leaving and (place.own.is_idle or not place.room.can_write(now)):
            self._go(place, now)
            return
        if place.room.record.predecessor in self.places:  # with what came here it may part elsewhere
            self._linking.see_to_door(place.room.record.predecessor, now)
        place.asking.pump(now)
        self._exchange.pump(place, now)
        self.crowds.pump(place, now)
        place.wake_at = min(self.crowds.wakes(place, now), place.wakes(now))

    def flush(self) -> None:
        """Make durable what had time: before closing."""
        self._out.flush()

    def wake(self) -> float:
        """When to call `tick` next (monotonic seconds)."""
        others = self.reforming.wake, self.verifying.wake(), self.rolls.wake(), self.crowds.wake()
        rooms = [place.wake_at for place in self.places.values()]
        return min(self._chores_at, self._out.lazy_at, self._begin_at, *others, *rooms)
