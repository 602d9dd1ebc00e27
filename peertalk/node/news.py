"""What the replica notices, as events for front ends; and the queues in which they wait."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Literal

import msgspec

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
)
from peertalk.core.room import Room
from peertalk.core.stored import EntryRecord, OutboxRecord
from peertalk.core.sync import Replica
from peertalk.errors import RequestError
from peertalk.node.inviters import JUST_NOW_MS, Inviters
from peertalk.node.ports import Store
from peertalk.node.views import COUNTED_KINDS, Views

Kept = OutboxRecord | EntryRecord

NAME_PATIENCE = 0.5
"""Seconds that somebody's name is waited for before they are announced without."""
NEWEST = 1000
"""So many own messages back it is told that somebody has them now; `messages.list` knows of all."""


MAX_TOLD = 4096
"""People of whom it is remembered under which name they were told of: identities cost nothing."""


class Subscription:
    """An async iterator of events, bounded: who reads too slowly loses the oldest, and is told so by a `dropped` warning."""

    def __init__(self, size: int, close: Callable[[Subscription], None]) -> None:
        self._events: deque[events.AnyEvent] = deque()
        self._size = size
        self._dropped = 0
        self._ready = asyncio.Event()
        self._close = close
        self._closed = False

    def put(self, event: events.AnyEvent) -> None:
        """Add an event."""
        if len(self._events) >= self._size:
            self._events.popleft()
            self._dropped += 1
        self._events.append(event)
        self._ready.set()

    def __aiter__(self) -> AsyncIterator[events.AnyEvent]:
        return self

    async def __anext__(self) -> events.AnyEvent:
        while not self._events:
            if self._closed:
                raise StopAsyncIteration
            self._ready.clear()
            await self._ready.wait()
        if self._dropped:
            dropped, self._dropped = self._dropped, 0
            return events.Warning(kind="dropped", text=str(dropped))
        return self._events.popleft()

    def close(self) -> None:
        """No more events; what waits can still be read."""
        self._closed = True
        self._ready.set()
        self._close(self)


class News:
    """Turns notices into events and hands them to all subscriptions. `unread` counts what was not read yet, per room."""

    def __init__(self, replica: Replica, store: Store, views: Views, blocked: Callable[[], set[bytes]]) -> None:
        self.unread: dict[bytes, int] = {}
        self.ready: events.Ready | None = None
        self._replica, self._store, self._views, self._blocked = replica, store, views, blocked
        self._subscriptions: list[Subscription] = []
        self._online: set[bytes] = set()
        self._nameless: dict[bytes, asyncio.TimerHandle] = {}
        self._told: dict[bytes, str] = {}
        self._own: dict[tuple[bytes, bytes], dict[int, bytes]] = {}
        self._answers: dict[bytes, list[asyncio.Future[Kept]]] = {}
        self._awaited: dict[bytes, set[bytes]] = {}
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
        if isinstance(event, events.Ready):
            self.ready = event
        elif isinstance(event, events.InviteUsed):
            self.inviters.let_in(event.room, event.peer.id)
        for subscription in self._subscriptions:
            subscription.put(event)

    def close(self) -> None:
        """No more events."""
        for timer in self._nameless.values():
            timer.cancel()
        for task in self._tasks:
            task.cancel()
        self.inviters.close()
        for subscription in list(self._subscriptions):
            subscription.close()
        for waiting in self._answers.values():
            for future in waiting:
                future.cancel()

    def answer(self, room: bytes, message: bytes) -> asyncio.Future[Kept]:
        """Done once this own message is on disk: as it waits there, or in its place. RequestError("unknown_room") if the room
        goes before."""
        future: asyncio.Future[Kept] = asyncio.get_running_loop().create_future()
        self._awaited.setdefault(room, set()).add(message)
        self._answers.setdefault(message, []).append(future)
        return future

    def fail(self, error: BaseException) -> None:
        """The disk failed: nobody gets an answer that would be a lie."""
        for waiting in self._answers.values():
            for future in waiting:
                if not future.done():
                    future.set_exception(error)
        self._answers.clear()

    # ── notices ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def tell(self, notice: Notice) -> None:
        """Take in one notice."""
        with self._views.still():
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

    def _on_arrived(self, notice: Arrived) -> None:
        room = self._room(notice.room)
        if room is None:
            return
        own, blocked = room.own_feeds(), self._blocked()
        for entry in notice.entries:
            self.inviters.came(room, entry)
            for message in self._views.messages(room, [entry], blocked):
                if entry.kind in COUNTED_KINDS and entry.feed not in own and (entry.lamport, entry.id) > room.record.read:
                    self.unread[room.id] = self.unread.get(room.id, 0) + 1
                self.publish(events.MessageArrived(message=message))
                if message.kind == "over" and not message.mine and abs(entry.received - entry.time) < JUST_NOW_MS:  # not of old
                    self._room_changed(room, "ended")

    def _warn_not_invited(self, room: Room, identity: bytes) -> None:
        if not self._views.may_have_come_along(room, identity):
            name = self._views.name(identity, room)
            self.publish(events.Warning(kind="not_invited", text=name, peer=identity.hex(), room=room.id.hex()))

    def _on_queued(self, notice: Queued) -> None:
        self._resolve(notice.record.room, notice.record.message, notice.record)
        room = self._room(notice.record.room)
        message = self._views.waiting(room, notice.record) if room is not None else None
        if message is not None:
            self.publish(events.MessageArrived(message=message))

    def _on_moved(self, notice: Moved) -> None:
        """For front ends the message under the old id is gone, and one that waits under the new id has come."""
        self._resolve(notice.room or notice.record.room, notice.before, notice.record)
        room = self._room(notice.record.room)
        message = self._views.waiting(room, notice.record) if room is not None else None
        if message is not None:
            where = notice.room.hex() or message.room
            gone = msgspec.structs.replace(message, id=notice.before.hex(), room=where, text="", deleted=True)
            self.publish(events.MessageChanged(message=gone))
            self.publish(events.MessageArrived(message=message))

    def _on_placed(self, notice: Placed) -> None:
        entry = notice.entry
        fresh = self._resolve(notice.room, entry.message, entry)
        self._remember_own(notice.room, entry)
        room = self._room(notice.room)
        message = self._views.message(room, entry) if room is not None else None
        if message is not None:
            told = events.MessageArrived(message=message) if fresh or entry.kind != "text" else None
            self.publish(told or events.MessageChanged(message=message))

    def _resolve(self, room: bytes, message: bytes, kept: Kept) -> bool:
        """Answer who waits for this message; was anybody waiting?"""
        self._awaited.get(room, set()).discard(message)
        waiting = self._answers.pop(message, [])
        for future in waiting:
            if not future.done():
                future.set_result(kept)
        return bool(waiting)

    def _remember_own(self, room: bytes, entry: EntryRecord) -> None:
        own = self._own.setdefault((room, entry.feed), {})
        own[entry.seq] = entry.message if entry.kind in COUNTED_KINDS else b""
        if len(own) > NEWEST:
            del own[next(iter(own))]

    def _on_claimed(self, notice: Claimed) -> None:
        known = self._own.get((notice.room, notice.feed), {})
        room = self._room(notice.room)
        top = room.log.chain(notice.feed).top[1] if room is not None else 0
        since = max(notice.since, max(notice.upto, top) - NEWEST)
        for seq in range(since + 1, notice.upto + 1):
            if known.get(seq):
                self._tell_delivered(notice.room, notice.feed, seq, known[seq])
        missing = {seq for seq in range(since + 1, notice.upto + 1) if seq not in known}
        if missing and room is not None:
            self._spawn(self._tell_older(room, notice.feed, missing))

    async def _tell_older(self, room: Room, feed: bytes, missing: set[int]) -> None:
        """Messages of earlier runs of the program: their ids are in the database."""
        chain = room.log.chain(feed)
        numbers = [page.number for page in chain.above(min(missing) - 1) if any(seq in missing for _, seq, _ in page.entries)]
        for page in await self._store.pages(room.id, numbers):
            for entry in page.entries:
                if entry.seq in missing and entry.kind in COUNTED_KINDS:
                    self._tell_delivered(room.id, feed, entry.seq, entry.message)

    def _tell_delivered(self, room: bytes, feed: bytes, seq: int, message: bytes) -> None:
        inside = self._room(room)
        if inside is None:
            return
        disk, memory = inside.holders(feed, seq)
        self.publish(
            events.Delivered(
                message=message.hex(),
                room=room.hex(),
                delivered_to=[identity.hex() for identity in disk],
                held_by=[identity.hex() for identity in memory],
            )
        )

    def _on_presence(self, notice: Presence) -> None:
        identity = notice.identity
        online = identity in self._views.online()
        if online and identity not in self._online:
            self._came(identity)
        elif not online and identity in self._online:
            self._online.discard(identity)
            if identity in self._nameless:
                self._nameless.pop(identity).cancel()
            else:
                self._publish_peer(identity, "offline")
        room = self._room(notice.room)
        if room is not None:
            self._room_changed(room, "members")

    def _came(self, identity: bytes) -> None:
        self._online.add(identity)
        if self._views.has_name(identity):
            self._publish_peer(identity, "online")
            return
        loop = asyncio.get_running_loop()
        self._nameless[identity] = loop.call_later(NAME_PATIENCE, self._introduce, identity)

    def _introduce(self, identity: bytes) -> None:
        timer = self._nameless.pop(identity, None)
        if timer is not None:
            timer.cancel()
            self._publish_peer(identity, "online")

    def _note_told(self, identity: bytes, name: str) -> None:
        self._told.pop(identity, None)
        self._told[identity] = name
        if len(self._told) > MAX_TOLD:
            del self._told[next(iter(self._told))]

    def _publish_peer(self, identity: bytes, change: Literal["online", "offline", "name"]) -> None:
        peer = self._views.peer(identity)
        if change != "name" or self._told.get(identity, peer.name) != peer.name:
            self.publish(events.PeerChanged(peer=peer, change=change))
        self._note_told(identity, peer.name)

    def _on_members(self, notice: MembersChanged) -> None:
        for identity in notice.identities:
            if identity in self._nameless:
                if self._views.has_name(identity):
                    self._introduce(identity)
            elif identity != self._replica.identity.public:
                self._publish_peer(identity, "name")
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
            self._refuse_awaited(notice.room)
        elif room.record.shown or notice.forgotten:  # one that was left before and forgets now is no news
            self._room_changed(room, "forgotten")
            return
        view = events.Room(id=notice.room.hex(), name="", kind="open") if room is None else self.room_view(room)
        self.publish(events.RoomChanged(room=view, change="left"))

    def _refuse_awaited(self, room: bytes) -> None:
        """What was about to be said there will never be."""
        for message in self._awaited.pop(room, set()):
            for future in self._answers.pop(message, []):
                if not future.done():
                    future.set_exception(RequestError("unknown_room", room=room.hex()))

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
