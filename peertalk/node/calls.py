"""What all parts of the node's API share: the running node behind them."""

from __future__ import annotations

from peertalk.core.room import Room
from peertalk.core.stored import EntryRecord
from peertalk.errors import RequestError
from peertalk.node.life import Life


class Calls:
    """A part of `node.Node`; all parts have the same `_life`."""

    def __init__(self, life: Life) -> None:
        self._life = life

    def _private(self, room: str) -> Room:
        """A private room that is not archived. RequestError unknown_room; refused with why: not_private, reformed."""
        found = self._life.lookup.room(room)
        if found.record.kind != "private":
            raise RequestError("refused", why="not_private", room=room)
        if found.record.archived:
            raise RequestError("refused", why="reformed", room=room)
        return found

    async def _entry(self, room: Room, message: str) -> EntryRecord:
        try:
            found = await self._life.store.find(bytes.fromhex(message), room.id)
        except ValueError:
            found = []
        if not found:
            raise RequestError("unknown_message", message=message)
        return found[0][1]
