"""The node: everything that a front end can do (docs/rpc.md), over one replica, one store and the links to others.

Front ends use only this. Rooms, people and messages are named by ids or names as in docs/rpc.md; what cannot be done raises
RequestError with a kind of that page.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Self

from peertalk import __version__, text
from peertalk.config import Settings
from peertalk.core import events
from peertalk.core.entry import Random, Text
from peertalk.core.room import Room
from peertalk.core.rooms import direct_room
from peertalk.core.stored import EntryRecord
from peertalk.errors import RequestError
from peertalk.node import keyring
from peertalk.node.life import Life, with_identity
from peertalk.node.news import Subscription
from peertalk.node.ports import Clock, Discovery, Store
from peertalk.node.views import SHOWN_KINDS

PROTOCOL = 1

profile_state = keyring.profile_state


class Node:
    """See the module. Made by `open`, ended by `close`."""

    def __init__(self, life: Life) -> None:
        self._life = life
        self.settings = life.settings

    @classmethod
    async def open(
        cls,
        settings: Settings,
        store: Store,
        discovery: Discovery | None,
        clock: Clock,
        *,
        name: str,
        token_home: Path | None = None,
        random: Random = os.urandom,
    ) -> Self:
        """A started node: listening, advertising, in the lobby unless that is off. `name` is used where none is set yet;
        `token_home`: the home of a profile on disk, so that one that was restored or copied is recognised (keyring, "the token").
        Closes `store` at its end; where this raises, that is for the caller (once more does no harm)."""
        snapshot = await with_identity(store, await store.load(), settings.name or name, random)
        life = Life(settings, store, snapshot, discovery, clock, random)
        try:
            await life.start(snapshot, token_home)
        except BaseException:
            await life.close()
            raise
        return cls(life)

    async def close(self) -> None:
        """Everything that was said is on disk, everybody is told, nothing runs any more. May be repeated."""
        await self._life.close()

    @property
    def failure(self) -> BaseException | None:
        """Why the node ended by itself: the disk failed."""
        return self._life.failure

    # ── oneself ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def subscribe(self, size: int = 10_000) -> Subscription:
        """Events from now on, the first one `ready`."""
        return self._life.news.subscribe(size)

    def status(self) -> events.Status:
        discovery = self._life.discovery
        return events.Status(
            version=__version__,
            protocol=PROTOCOL,
            identity=self._life.views.me,
            listening=[events.Listening(host=host, port=port) for host, port in self._life.listener.addresses],
            discovery=events.Discovery(
                enabled=discovery is not None,
                advertised=discovery.instance if discovery is not None else None,
                services_seen=discovery.seen if discovery is not None else 0,
            ),
            links=len(self._life.links.lines),
            rooms=len(self._life.lookup.rooms()),
        )

    def interfaces(self) -> list[tuple[str, str]]:
        """(interface, address) of what is searched for others."""
        return self._life.discovery.interfaces() if self._life.discovery is not None else []

    async def doctor(self) -> events.Report:
        """Why nobody shows up: what was looked at, and a verdict. It takes up to five seconds."""
        from peertalk.node.doctor import Doctor  # noqa: PLC0415 (50 ms for zeroconf, which not everybody uses)

        return await Doctor(self._life).examine()

    async def set_name(self, name: str) -> events.IdentityView:
        """Be called so from now on, in all rooms; of a long name the first 32 cells. RequestError("bad_name") if nothing is left."""
        shown = text.name(name, "")
        if not shown:
            raise RequestError("bad_name", why="empty", name=text.line(name))
        await self._life.set_name(shown)
        return self._life.views.me

    # ── rooms ────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def rooms(self) -> list[events.Room]:
        return [self._life.news.room_view(room) for room in self._life.lookup.rooms()]

    async def room(self, room: str) -> events.Room:
        return self._life.news.room_view(self._life.lookup.room(room))

    async def join(self, name: str) -> events.Room:
        """Be in the open room of this name. RequestError("bad_name")."""
        return self._life.news.room_view(await self._life.join_open(text.room_name(name)))

    async def open_direct(self, peer: str) -> events.Room:
        """The direct room with somebody. RequestError unknown_peer, ambiguous_name."""
        identity = self._life.lookup.peer(peer)
        record = direct_room(self._life.identity, identity, self._life.clock.wall(), shown=True)
        self._life.replica.join(record, self._life.now())
        await self._life.committed()
        return self._life.news.room_view(self._life.replica.places[record.id].room)

    async def members(self, room: str) -> list[events.Member]:
        return self._life.views.members(self._life.lookup.room(room))

    async def leave(self, room: str, forget: bool = False) -> None:
        """Be out of a room. `forget`: its secret, cards and history go too."""
        found = self._life.lookup.room(room)
        self._life.replica.leave(found.id, self._life.now(), forget=forget)
        await self._life.committed()

    async def read(self, room: str, up_to: str | None = None) -> int:
        """Everything (up to this message) was read; how many are unread."""
        found = self._life.lookup.room(room)
        newest = (
            await self._life.store.entries(found.id, SHOWN_KINDS, 1) if up_to is None else [await self._entry(found, up_to)]
        )
        for entry in newest:
            self._life.replica.mark_read(found.id, (entry.lamport, entry.id))
        self._life.engine.turn()
        unread = await self._life.count_unread(found)
        self._life.news.publish(events.RoomChanged(room=self._life.news.room_view(found), change="read"))
        return unread

    # ── messages ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def send(self, room: str, text: str, *, reply_to: str | None = None) -> events.Message:
        """Say something; it is on disk when this returns. RequestError unknown_room, unknown_message, bad_text, too_large."""
        found = self._life.lookup.room(room)
        text = text.encode("utf-8", "replace").decode()  # half a character, as a terminal may paste it, is no reason to refuse
        if not text.strip():
            raise RequestError("bad_text", why="empty")
        answered = (await self._entry(found, reply_to)).message if reply_to is not None else None
        message = self._life.replica.send(found.id, Text(text, answered), self._life.now())
        kept = self._life.news.answer(found.id, message)
        self._life.engine.turn()
        record = await kept
        view = (
            self._life.views.message(found, record)
            if isinstance(record, EntryRecord)
            else self._life.views.waiting(found, record)
        )
        if view is None:
            raise RequestError("bad_text", why="invisible")
        return view

    async def _entry(self, room: Room, message: str) -> EntryRecord:
        try:
            found = await self._life.store.find(bytes.fromhex(message), room.id)
        except ValueError:
            found = []
        if not found:
            raise RequestError("unknown_message", message=message)
        return found[0][1]

    async def messages(
        self, room: str, limit: int = 100, before: str | None = None, after: str | None = None
    ) -> events.MessageList:
        """A run of a room's history, oldest first; what waits for its place comes last."""
        found = self._life.lookup.room(room)
        waiting = [view for record in found.outbox if (view := self._life.views.waiting(found, record)) is not None]
        ids = [view.id for view in waiting]
        if before is not None:
            waiting = waiting[: ids.index(before)] if before in ids else []
        if after in ids:
            waiting = waiting[ids.index(after) + 1 :]
            return events.MessageList(messages=waiting[:limit], more=len(waiting) > limit)
        low, high = await self._key(found, after), await self._key(found, None if before in ids else before)
        if found.durable < len(found.log.pages):
            await self._life.committed()  # what waits no longer is on its way to the disk, and would be in neither of the two
        entries = await self._life.store.entries(found.id, SHOWN_KINDS, limit + 1, before=high, after=low)
        views = self._life.views.messages(found, entries, self._life.people.blocked())
        placed = {view.id for view in views}
        waiting = [view for view in waiting if view.id not in placed]
        if low is None or len(entries) <= limit:
            views = [*views, *waiting]
        more = len(entries) > limit or len(views) > limit
        return events.MessageList(messages=views[:limit] if low is not None else views[-limit:], more=more)

    async def _key(self, room: Room, message: str | None) -> tuple[int, bytes] | None:
        if message is None:
            return None
        entry = await self._entry(room, message)
        return entry.lamport, entry.id

    def typing(self, room: str) -> None:
        """Tell who is linked that one is writing there."""
        self._life.replica.typing(self._life.lookup.room(room).id)
        self._life.engine.turn()

    # ── people ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def peers(self) -> list[events.Peer]:
        views = [self._life.views.peer(identity) for identity in self._life.lookup.people()]
        return sorted(views, key=lambda peer: (not peer.online, peer.name.casefold(), peer.id))

    async def connect(self, host: str, port: int, timeout: float = 10) -> None:  # noqa: ASYNC109 - the time is the person's
        """Be linked with whoever listens there, and stay so. RequestError bad_address; not_reachable with why."""
        await self._life.connector.connect(host, port, timeout)

    async def block(self, peer: str) -> events.Peer:
        """See and hear nothing more of somebody, on this screen and over links."""
        return await self._set_blocked(self._life.lookup.peer(peer), blocked=True)

    async def unblock(self, peer: str) -> events.Peer:
        """Take a block back: everything is there again."""
        return await self._set_blocked(self._life.lookup.peer(peer), blocked=False)

    async def _set_blocked(self, identity: bytes, *, blocked: bool) -> events.Peer:
        await self._life.people.block(identity, blocked=blocked)
        if blocked:
            self._life.links.hang_up(identity, "blocked")
        else:
            self._life.dialer.changed_rooms(self._life.clock.mono())
        for room in self._life.lookup.rooms():
            await self._life.count_unread(room)
        return self._life.views.peer(identity)
