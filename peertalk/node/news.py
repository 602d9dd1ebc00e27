"""What the replica notices, as events for front ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from peertalk.core import events
from peertalk.core.effects import (
    Arrived,
    Claimed,
    DoorChanged,
    ForkSeen,
    MembersChanged,
    Moved,
    Notice,
    Offered,
    Placed,
    Presence,
    Queued,
    RoomArchived,
    RoomCame,
    RoomWent,
    SyncStep,
    TypingSeen,
    Withdrawn,
)
from peertalk.core.room import Room
from peertalk.core.sync import Replica
from peertalk.node.answers import Answers
from peertalk.node.comings import Comings
from peertalk.node.deliveries import Deliveries
from peertalk.node.folding import Folding
from peertalk.node.inviters import JUST_NOW_MS, Inviters
from peertalk.node.message_views import MessageViews
from peertalk.node.ports import Store
from peertalk.node.subscription import Subscription
from peertalk.node.telling import Telling
from peertalk.node.views import Views


class News:
    """Turns notices into events and hands them to all subscriptions. `unread` counts what was not read yet, per room; `count` counts
    it anew."""

    def __init__(
        self,
        replica: Replica,
        store: Store,
        views: Views,
        *,
        blocked: Callable[[], set[bytes]],
        count: Callable[[Room], Awaitable[int]],
    ) -> None:
        self.ready: events.Ready | None = None
        self._replica, self._views, self._blocked, self._count = replica, views, blocked, count
        self.answers = Answers()
        messages = MessageViews(views)
        self.folding = Folding(store, messages, blocked)
        self.telling = Telling(
            store, messages, self.folding, self.answers, self.publish, blocked=blocked, recount=self._recount
        )
        self.unread = self.telling.unread
        self._deliveries = Deliveries(replica.places, store, self.publish, self._spawn)
        self._subscriptions: list[Subscription] = []
        self.comings = Comings(views, self.publish)
        self._tasks: set[asyncio.Task[None]] = set()
        self.inviters = Inviters(replica.identity.public, replica.reforming.was_asked, self._warn_not_invited)

    def subscribe(self, size: int) -> Subscription:
        """A new reader; the first event is `ready`, once it is."""
        subscription = Subscription(size, lambda one: self._subscriptions.remove(one) if one in self._subscriptions else None)
        self._subscriptions.append(subscription)
        if self.ready is not None:
            subscription.put(self.ready)
        return subscription

    def publish(self, event: events.AnyEvent) -> None:
        """Tell everybody."""
        if type(event) is events.Ready:
            self.ready = event
        elif type(event) is events.InviteUsed:
            self.inviters.let_in(event.room, event.peer.id)
        for subscription in self._subscriptions:
            subscription.put(event)

    def close(self) -> None:
        """No more events."""
        self.comings.close()
        self._deliveries.close()
        for task in self._tasks:
            task.cancel()
        self.inviters.close()
        self.telling.close()
        for subscription in list(self._subscriptions):
            subscription.close()
        self.answers.close()

    # ── notices ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def tell(self, notice: Notice) -> None:
        """Take in one notice."""
        self._handlers[type(notice)](self, notice)

    def _room(self, room: bytes) -> Room | None:
        place_ = self._replica.places.get(room)
        return place_.room if place_ is not None else None

    def room_view(self, room: Room) -> events.Room:
        """A room with its count of unread messages."""
        return self._views.room(room, self.unread.get(room.id, 0))

    def peer_view(self, identity: bytes) -> events.Peer:
        """Somebody, as events name them."""
        return self._views.peer(identity)

    def _room_changed(self, room: Room, change: events.RoomChange) -> None:
        if room.record.shown:
            self.publish(events.RoomChanged(room=self.room_view(room), change=change))

    async def _recount(self, room: Room) -> None:
        """Something that was unread may be gone."""
        before = self.unread.get(room.id, 0)
        if await self._count(room) != before:
            self._room_changed(room, "read")

    def _on_arrived(self, notice: Arrived) -> None:
        room = self._room(notice.room)
        if room is None:
            return
        for entry in notice.entries:
            self.inviters.came(room, entry)
        for entry, message in self.telling.arrived(room, notice):
            if message.kind == "over" and not message.mine and abs(entry.received - entry.time) < JUST_NOW_MS:  # not of old
                self._room_changed(room, "ended")

    def _warn_not_invited(self, room: Room, identity: bytes) -> None:
        if not self._views.may_have_come_along(room, identity):
            name = self._views.name(identity, room)
            self.publish(events.Warning(kind="not_invited", text=name, peer=identity.hex(), room=room.id.hex()))

    def _on_queued(self, notice: Queued) -> None:
        self._deliveries.queued(notice.record)
        self.telling.queued(self._room(notice.record.room), notice)

    def _on_withdrawn(self, notice: Withdrawn) -> None:
        self.telling.withdrawn(self._room(notice.record.room), notice)

    def _on_moved(self, notice: Moved) -> None:
        self.telling.moved(self._room(notice.record.room), notice)

    def _on_placed(self, notice: Placed) -> None:
        self._deliveries.placed(notice.room, notice.entry)
        self.telling.placed(self._room(notice.room), notice)

    def _on_claimed(self, notice: Claimed) -> None:
        self._deliveries.claimed(notice)

    def _on_presence(self, notice: Presence) -> None:
        self.comings.look(notice.identity)
        room = self._room(notice.room)
        if room is not None:
            self._room_changed(room, "members")

    def _on_members(self, notice: MembersChanged) -> None:
        for identity in notice.identities:
            if identity != self._replica.identity.public:
                self.comings.is_named(identity)
        room = self._room(notice.room)
        if room is not None:
            self._room_changed(room, "members")

    def _on_door(self, notice: DoorChanged) -> None:
        room = self._room(notice.room)
        if room is not None:
            self._room_changed(room, notice.change)

    def _on_room_came(self, notice: RoomCame) -> None:
        room = self._room(notice.record.id)
        if room is not None:
            self._room_changed(room, "joined")

    def _on_room_archived(self, notice: RoomArchived) -> None:
        room = self._room(notice.record.id)
        if room is not None:
            self._room_changed(room, "archived")

    def _on_offered(self, notice: Offered) -> None:
        if self._replica.reforming.offers.get(notice.record.room) is None:
            return  # it was followed, or the room was left, while it was on the way to the disk
        offer = self._views.offer(notice.record)
        self.publish(events.ReformOffer(offer=offer.offer, room=offer.room, by=offer.by, without=offer.without))

    def _on_room_went(self, notice: RoomWent) -> None:
        self.unread.pop(notice.room, None)
        room = self._room(notice.room)
        if room is None:
            self.answers.refuse(notice.room)
        elif room.record.shown or notice.forgotten:  # one that was left before and forgets now is no news
            self._room_changed(room, "forgotten")
            return
        view = events.Room(id=notice.room.hex(), name="", kind="open") if room is None else self.room_view(room)
        self.publish(events.RoomChanged(room=view, change="left"))

    def _on_typing(self, notice: TypingSeen) -> None:
        if notice.identity not in self._blocked():
            self.publish(events.Typing(room=notice.room.hex(), peer=self._views.peer(notice.identity)))

    def _on_fork(self, notice: ForkSeen) -> None:
        room = self._room(notice.room)
        if room is not None:
            author = self._views.author(room, notice.feed)
            self.publish(events.Warning(kind="fork", text=author.name, peer=author.id or None, room=notice.room.hex()))

    def _on_sync(self, notice: SyncStep) -> None:
        self.publish(events.SyncProgress(room=notice.room.hex(), done=notice.done, total=notice.total))

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    _handlers: Mapping[type[Notice], Callable[..., None]] = {
        Arrived: _on_arrived,
        Queued: _on_queued,
        Moved: _on_moved,
        Withdrawn: _on_withdrawn,
        Placed: _on_placed,
        Claimed: _on_claimed,
        Presence: _on_presence,
        MembersChanged: _on_members,
        DoorChanged: _on_door,
        RoomCame: _on_room_came,
        RoomWent: _on_room_went,
        RoomArchived: _on_room_archived,
        Offered: _on_offered,
        TypingSeen: _on_typing,
        ForkSeen: _on_fork,
        SyncStep: _on_sync,
    }
