"""The node's API: messages (docs/rpc.md, `messages.*` and `signals.*`)."""

from __future__ import annotations

from peertalk.core import events
from peertalk.core.entry import Text
from peertalk.core.room import Room
from peertalk.core.stored import EntryRecord
from peertalk.errors import RequestError
from peertalk.node.calls import Calls
from peertalk.node.views import SHOWN_KINDS


class MessageCalls(Calls):
    """See the module."""

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
            else self._life.views.waiting(self._life.replica.places[record.room].room, record)
        )
        if view is None:
            raise RequestError("bad_text", why="invisible")
        return view

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
