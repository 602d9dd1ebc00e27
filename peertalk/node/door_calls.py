"""The node's API: rooms whose door is closed, meetings that end (docs/rpc.md, `rooms.seal`, `rooms.unseal`, `rooms.end`)."""

from __future__ import annotations

from peertalk.core import events
from peertalk.core.entry import Admit, Over, Unseal
from peertalk.core.room import Room
from peertalk.errors import RequestError
from peertalk.node.calls import Calls


class DoorCalls(Calls):
    """See the module. RequestError unknown_room; refused (`not_private`, `reformed`); sealed for who stands outside."""

    async def seal(self, room: str) -> events.Room:
        """Close the door behind everybody who is a member: from now on nobody comes in, whatever code they have."""
        found = self._inside(room)
        if not found.door.is_closed:
            self._life.replica.seal(found.id, self._life.now())
        return await self._done(found)

    async def unseal(self, room: str) -> events.Room:
        """Open the door. Who has been inside may do so too if others have closed it to them: it is open for oneself then, and for each
        of the others as soon as they do the same. So nobody can keep people apart who were together."""
        found = self._private(room)
        was_inside = found.door.is_closed and self._life.identity.public in found.members.identities()
        if found.is_outside and not was_inside:
            raise self._closed(found)
        if found.door.is_closed:
            self._life.replica.send(found.id, Unseal(), self._life.now())
        return await self._done(found)

    async def admit(self, room: str, peer: str) -> events.Room:
        """Let somebody in though the door is closed. RequestError unknown_peer, ambiguous_name."""
        found, identity = self._inside(room), self._life.lookup.peer(peer)
        if not found.door.admits(identity):
            self._life.replica.send(found.id, Admit(identity), self._life.now())
        return await self._done(found)

    async def end(self, room: str) -> events.Ended:
        """The meeting is over for oneself, and the others are asked. What is off the record goes; of what is kept only the key that
        one wrote with does."""
        found = self._private(room)
        self._life.replica.send(found.id, Over(), self._life.now())
        if found.record.retention == "session":
            self._life.replica.leave(found.id, self._life.now(), forget=True)
            await self._life.committed()
            return events.Ended(stays=[], forgotten=["messages", "members", "room"])
        await self._life.committed()
        return events.Ended(stays=["messages", "members", "room"], forgotten=["key"])

    def _inside(self, room: str) -> Room:
        found = self._private(room)
        if found.is_outside:
            raise self._closed(found)
        return found

    def _closed(self, room: Room) -> RequestError:
        return RequestError("sealed", room=self._life.views.room_name(room))

    async def _done(self, room: Room) -> events.Room:
        await self._life.committed()
        return self._life.news.room_view(room)
