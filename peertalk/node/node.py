"""The node: everything that a front end can do (docs/rpc.md), over one replica, one store and the links to others.

Front ends use only this. Rooms, people and messages are named by ids or names as in docs/rpc.md; what cannot be done raises
RequestError with a kind of that page.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Coroutine
from typing import Any, Self

import msgspec
from nacl import pwhash

from peertalk import __version__, text
from peertalk.config import Settings
from peertalk.core import events
from peertalk.core.effects import EntryRecord, Op, PeerRecord, PutPeer, PutProfile, Snapshot
from peertalk.core.entry import Random, Text
from peertalk.core.identity import Identity
from peertalk.core.outlet import Now
from peertalk.core.room import Room
from peertalk.core.rooms import LOBBY, OPEN_SALT, direct_room, open_room
from peertalk.core.sync import Replica
from peertalk.errors import RequestError
from peertalk.node import dialing, keyring
from peertalk.node.dialer import Dialer
from peertalk.node.engine import Engine
from peertalk.node.link import Link, dial
from peertalk.node.links import Links
from peertalk.node.listener import EVERYWHERE, Listener
from peertalk.node.lookup import Lookup
from peertalk.node.news import News, Subscription
from peertalk.node.ports import Advertisement, Clock, Discovery, Store
from peertalk.node.views import COUNTED_KINDS, SHOWN_KINDS, Views

log = logging.getLogger("peertalk.node")

PROTOCOL = 1
DIAL_SECONDS = 5.0
CLOSE_SECONDS = 2.0
MAX_ADDRESSES = 8
_ARGON_OPS, _ARGON_MEMORY = 3, 64 * 1024 * 1024

profile_state = keyring.profile_state


def open_secret(name: str) -> bytes:
    """The secret of the open room of this normalised name: Argon2id, some tens of milliseconds (docs/protocol.md, "Rooms")."""
    return pwhash.argon2id.kdf(32, name.encode(), OPEN_SALT, opslimit=_ARGON_OPS, memlimit=_ARGON_MEMORY)


class Node:
    """See the module. Made by `open`, ended by `close`; one owner of all tasks."""

    settings: Settings

    def __init__(
        self,
        settings: Settings,
        store: Store,
        snapshot: Snapshot,
        discovery: Discovery | None,
        clock: Clock,
        random: Random,
    ) -> None:
        self.settings = settings
        self._store, self._discovery, self._clock, self._random = store, discovery, clock, random
        self._peers = {peer.identity: peer for peer in snapshot.peers}
        self._identity = Identity.from_seed(snapshot.identity)
        self._replica = Replica(self._identity, snapshot, disk=store.durable, random=random, now=self._now())
        self._views = Views(self._replica, self._peers)
        self._lookup = Lookup(self._replica, self._views, self._peers)
        self._news = News(self._replica, store, self._views, self._blocked)
        self._dialer = Dialer(self._instance, random=random)
        self._links = Links(
            self._replica,
            self._identity,
            self._dialer,
            clock,
            random,
            known=self._lookup.people,
            is_blocked=lambda identity: identity in self._blocked(),
            met=self._met,
        )
        self._engine = Engine(
            self._replica, store, clock, self._links.lines, tell=self._news.tell, fail=self._disk_failed
        )  # fmt: skip
        self._links.engine = self._engine
        self._links.on_double = self._warn_double
        self._listener = Listener(self._links.incoming)
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False
        self.failure: BaseException | None = None
        """Why the node ended by itself: the disk failed."""

    @classmethod
    async def open(
        cls,
        settings: Settings,
        store: Store,
        discovery: Discovery | None,
        clock: Clock,
        *,
        name: str,
        is_copy: Callable[[bytes], bool] | None = None,
        random: Random = os.urandom,
    ) -> Self:
        """A started node: listening, advertising, in the lobby unless that is off. `name` is used where none is set yet;
        `is_copy` tells from the stored token whether this profile was restored or copied. Owns `store` from here on."""
        snapshot = await _with_identity(store, await store.load(), settings.name or name, random)
        node = cls(settings, store, snapshot, discovery, clock, random)
        try:
            await node._start(snapshot, is_copy=is_copy is not None and is_copy(snapshot.token))
        except BaseException:
            await node.close()
            raise
        return node

    # ── start and end ────────────────────────────────────────────────────────────────────────────────────────────────

    async def _start(self, snapshot: Snapshot, *, is_copy: bool) -> None:
        await self._listener.start(self.settings.port, self._hosts())
        if is_copy:
            self._replica.retire_all(self._now())
        if self.settings.name and text.name(self.settings.name) != text.name(snapshot.name):
            await self.set_name(self.settings.name)
        await self._lobby()
        for room in self._lookup.rooms():
            self._news.unread[room.id] = await self._count_unread(room)
        self._engine.turn()
        if self._discovery is not None:
            await self._discovery.start(self._listener.port, self._found, self._dialer.lost, self._jumped)
        for host, port in self.settings.connect:
            self._dialer.keep(host, port, self._clock.mono())
        self._spawn(dialing.run(self._dialer, self._connect, self._clock))
        self._news.publish(events.Ready(identity=self._views.me))

    def _hosts(self) -> tuple[str, ...]:
        return ("127.0.0.1", "::1") if self.settings.interfaces == ("lo",) else EVERYWHERE

    async def _lobby(self) -> None:
        lobby = next((room for room in self._lookup.rooms() if room.record.name == LOBBY and room.record.kind == "open"), None)
        if self.settings.lobby and lobby is None:
            await self._join_open(LOBBY)
        elif not self.settings.lobby and lobby is not None:
            self._replica.leave(lobby.id, self._now(), forget=False)

    async def close(self) -> None:
        """Everything that was said is on disk, everybody is told, nothing runs any more. May be repeated."""
        if self._closed:
            return
        self._closed = True
        await self._listener.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.failure is None:
            self._replica.flush()
            await self._engine.settled()
        discovery = [self._discovery.close()] if self._discovery is not None else []
        await asyncio.wait([asyncio.ensure_future(part) for part in (self._links.close(), *discovery)], timeout=CLOSE_SECONDS)
        self._replica.flush()
        if self.failure is None:
            await self._engine.settled()
        self._engine.stop()
        self._news.close()
        await self._store.close()

    def _disk_failed(self, error: BaseException) -> None:
        """Nothing can be promised any more: no answer, no acknowledgement, no link."""
        if self.failure is None:
            self.failure = error
            log.error("the database cannot be written: %s", error)
            self._news.fail(error)
            self._spawn(self._end())

    async def _end(self) -> None:
        self._tasks.discard(asyncio.current_task())
        await self.close()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _now(self) -> Now:
        return Now(self._clock.mono(), self._clock.wall())

    # ── finding and dialling ─────────────────────────────────────────────────────────────────────────────────────────

    def _instance(self) -> str:
        return self._discovery.instance if self._discovery is not None else ""

    def _found(self, advertisement: Advertisement) -> None:
        self._dialer.found(advertisement, self._clock.mono())

    def _jumped(self) -> None:
        now = self._now()
        self._replica.do_chores(now)
        self._engine.turn()
        self._dialer.jump(now.mono)

    async def _connect(self, target: str, host: str, port: int) -> Link:
        return await dial(host, port, lambda: self._links.outgoing(target), DIAL_SECONDS)

    def _met(self, identity: bytes, address: tuple[str, int] | None) -> None:
        wall = self._clock.wall()
        old = self._peers.get(identity) or PeerRecord(identity=identity, first_seen=wall, last_seen=wall)
        addresses = tuple(dict.fromkeys(((address,) if address else ()) + old.addresses))[:MAX_ADDRESSES]
        self._keep_peer(msgspec.structs.replace(old, last_seen=wall, addresses=addresses))

    def _keep_peer(self, record: PeerRecord) -> asyncio.Future[None]:
        self._peers[record.identity] = record
        return self._store.submit((PutPeer(record),))

    def _blocked(self) -> set[bytes]:
        return {identity for identity, peer in self._peers.items() if peer.blocked}

    def _warn_double(self) -> None:
        self._news.publish(events.Warning(kind="second_process", text=self._views.me.name))

    # ── oneself ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def subscribe(self, size: int = 10_000) -> Subscription:
        """Events from now on, the first one `ready`."""
        return self._news.subscribe(size)

    def status(self) -> events.Status:
        discovery = self._discovery
        return events.Status(
            version=__version__,
            protocol=PROTOCOL,
            identity=self._views.me,
            listening=[events.Listening(host=host, port=port) for host, port in self._listener.addresses],
            discovery=events.Discovery(
                enabled=discovery is not None,
                advertised=discovery.instance if discovery is not None else None,
                services_seen=discovery.seen if discovery is not None else 0,
            ),
            links=len(self._links.lines),
            rooms=len(self._lookup.rooms()),
        )

    def interfaces(self) -> list[tuple[str, str]]:
        """(interface, address) of what is searched for others."""
        return self._discovery.interfaces() if self._discovery is not None else []

    async def set_name(self, name: str) -> events.IdentityView:
        """Be called so from now on, in all rooms. RequestError("bad_name")."""
        shown = text.name(name, "")
        if not shown:
            raise RequestError("bad_name", why="empty", name=text.line(name))
        self._replica.rename(shown, self._now())
        self._engine.turn()
        await self._store.commit((PutProfile("name", shown.encode()),))
        return self._views.me

    # ── rooms ────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def rooms(self) -> list[events.Room]:
        return [self._news.room_view(room) for room in self._lookup.rooms()]

    async def room(self, room: str) -> events.Room:
        return self._news.room_view(self._lookup.room(room))

    async def join(self, name: str) -> events.Room:
        """Be in the open room of this name. RequestError("bad_name")."""
        return self._news.room_view(await self._join_open(text.room_name(name)))

    async def _join_open(self, name: str) -> Room:
        for room in self._lookup.rooms():
            if room.record.kind == "open" and room.record.name == name:
                return room
        secret = await asyncio.to_thread(open_secret, name)
        record = open_room(name, secret, self._clock.wall())
        self._replica.join(record, self._now())
        await self._committed()
        self._dialer.changed_rooms(self._clock.mono())
        return self._replica.places[record.id].room

    async def open_direct(self, peer: str) -> events.Room:
        """The direct room with somebody. RequestError unknown_peer, ambiguous_name."""
        identity = self._lookup.peer(peer)
        record = direct_room(self._identity, identity, self._clock.wall(), shown=True)
        self._replica.join(record, self._now())
        await self._committed()
        return self._news.room_view(self._replica.places[record.id].room)

    async def members(self, room: str) -> list[events.Member]:
        return self._views.members(self._lookup.room(room))

    async def leave(self, room: str, forget: bool = False) -> None:
        """Be out of a room. `forget`: its secret, cards and history go too."""
        found = self._lookup.room(room)
        self._replica.leave(found.id, self._now(), forget=forget)
        await self._committed()

    async def read(self, room: str, up_to: str | None = None) -> int:
        """Everything (up to this message) was read; how many are unread."""
        found = self._lookup.room(room)
        newest = await self._store.entries(found.id, SHOWN_KINDS, 1) if up_to is None else [await self._entry(found, up_to)]
        for entry in newest:
            self._replica.mark_read(found.id, (entry.lamport, entry.id))
        self._engine.turn()
        self._news.unread[found.id] = await self._count_unread(found)
        self._news.publish(events.RoomChanged(room=self._news.room_view(found), change="read"))
        return self._news.unread[found.id]

    async def _count_unread(self, room: Room) -> int:
        hidden = {feed for identity in self._blocked() for feed in room.cards.feeds(identity)}
        return await self._store.unread(room.id, room.record.read, COUNTED_KINDS, room.own_feeds() | hidden)

    async def _committed(self) -> None:
        """Wait until what was put into the replica is on disk."""
        self._engine.turn()
        await asyncio.sleep(0)
        await self._store.commit(())

    # ── messages ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def send(self, room: str, text: str, *, reply_to: str | None = None) -> events.Message:
        """Say something; it is on disk when this returns. RequestError unknown_room, unknown_message, bad_text, too_large."""
        found = self._lookup.room(room)
        if not text.strip():
            raise RequestError("bad_text", why="empty")
        answered = (await self._entry(found, reply_to)).message if reply_to is not None else None
        message = self._replica.send(found.id, Text(text, answered), self._now())
        kept = self._news.answer(message)
        self._engine.turn()
        record = await kept
        view = self._views.message(found, record) if isinstance(record, EntryRecord) else self._views.waiting(found, record)
        if view is None:
            raise RequestError("bad_text", why="invisible")
        return view

    async def _entry(self, room: Room, message: str) -> EntryRecord:
        try:
            found = await self._store.find(bytes.fromhex(message), room.id)
        except ValueError:
            found = []
        if not found:
            raise RequestError("unknown_message", message=message)
        return found[0][1]

    async def messages(
        self, room: str, limit: int = 100, before: str | None = None, after: str | None = None
    ) -> events.MessageList:
        """A run of a room's history, oldest first; what waits for its place comes last."""
        found = self._lookup.room(room)
        low = await self._key(found, after)
        high = await self._key(found, before)
        entries = await self._store.entries(found.id, SHOWN_KINDS, limit + 1, before=high, after=low)
        more = len(entries) > limit
        if more:
            entries = entries[:limit] if low is not None else entries[1:]
        views = self._views.messages(found, entries, self._blocked())
        if high is None and not (more and low is not None):
            waiting = [view for record in found.outbox if (view := self._views.waiting(found, record)) is not None]
            views = [*views, *waiting][-limit:] if low is None else [*views, *waiting][:limit]
        return events.MessageList(messages=views, more=more)

    async def _key(self, room: Room, message: str | None) -> tuple[int, bytes] | None:
        if message is None:
            return None
        entry = await self._entry(room, message)
        return entry.lamport, entry.id

    def typing(self, room: str) -> None:
        """Tell who is linked that one is writing there."""
        self._replica.typing(self._lookup.room(room).id)
        self._engine.turn()

    # ── people ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def peers(self) -> list[events.Peer]:
        views = [self._views.peer(identity) for identity in self._lookup.people()]
        return sorted(views, key=lambda peer: (not peer.online, peer.name.casefold(), peer.id))

    async def connect(self, host: str, port: int, timeout: float = 10) -> None:  # noqa: ASYNC109 - the time is the person's
        """Be linked with whoever listens there, and stay so. RequestError("not_reachable") with why."""
        link = await dial(host, port, lambda: self._links.outgoing(f"{host} {port}"), timeout)
        try:
            async with asyncio.timeout(timeout):
                await link.settled()
        except TimeoutError:
            link.close("timeout")
        if link.peer is None:
            raise RequestError("not_reachable", host=host, port=port, why=(link.reason or "").removeprefix("refused:"))
        self._dialer.keep(host, port, self._clock.mono())

    async def block(self, peer: str) -> events.Peer:
        """See and hear nothing more of somebody, on this screen and over links."""
        return await self._set_blocked(self._lookup.peer(peer), blocked=True)

    async def unblock(self, peer: str) -> events.Peer:
        """Take a block back: everything is there again."""
        return await self._set_blocked(self._lookup.peer(peer), blocked=False)

    async def _set_blocked(self, identity: bytes, *, blocked: bool) -> events.Peer:
        wall = self._clock.wall()
        old = self._peers.get(identity) or PeerRecord(identity=identity, first_seen=wall, last_seen=wall)
        await self._keep_peer(msgspec.structs.replace(old, blocked=blocked))
        if blocked:
            self._links.hang_up(identity, "blocked")
        else:
            self._dialer.changed_rooms(self._clock.mono())
        for room in self._lookup.rooms():
            self._news.unread[room.id] = await self._count_unread(room)
        return self._views.peer(identity)


async def _with_identity(store: Store, snapshot: Snapshot, name: str, random: Random) -> Snapshot:
    """A new profile gets its identity and its name."""
    ops: list[Op] = []
    if not snapshot.identity:
        snapshot = msgspec.structs.replace(snapshot, identity=random(32))
        ops.append(PutProfile("identity", snapshot.identity))
    if not snapshot.name:
        snapshot = msgspec.structs.replace(snapshot, name=text.name(name))
        ops.append(PutProfile("name", snapshot.name.encode()))
    if ops:
        await store.commit(ops)
    return snapshot


__all__ = ["Node", "Subscription", "open_secret", "profile_state"]
