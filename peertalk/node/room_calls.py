"""The node's API: rooms (docs/rpc.md, `rooms.*` and `direct.*`)."""

from __future__ import annotations

from peertalk import text
from peertalk.core import events
from peertalk.core.rooms import direct_room
from peertalk.node.calls import Calls
from peertalk.node.views import SHOWN_KINDS


class RoomCalls(Calls):
    """See the module."""

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
