"""The node's API: what was said (docs/rpc.md, `messages.*` and `stories.*`)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

from peertalk.core import events
from peertalk.core.annotations import target
from peertalk.core.room import Room
from peertalk.core.stored import ANNOTATIONS, EntryRecord
from peertalk.errors import RequestError
from peertalk.node.calls import Calls
from peertalk.node.export import Form, write
from peertalk.node.message_views import SHOWN_KINDS
from peertalk.node.stores import SESSION

Key = tuple[int, bytes]
BEGINNING: Final = ""
"""As `after`: from the first message on."""
SLICE: Final = 500
SEARCH_FURTHER: Final = 4


class HistoryCalls(Calls):
    """See the module."""

    async def messages(
        self, room: str, limit: int = 100, before: str | None = None, after: str | None = None
    ) -> events.MessageList:
        """A run of a room's history, oldest first; what waits for its place comes last. `after` "": from the beginning."""
        return await self._list(self._life.lookup.room(room), SHOWN_KINDS, limit, before, after)

    async def stories(self, room: str, limit: int = 50, before: str | None = None) -> events.MessageList:
        """The same of what is told at length there, without what was deleted."""
        found = self._life.lookup.room(room)
        return await self._list(found, ("story",), limit, before, None, keep=lambda view: not view.deleted)

    async def search(self, query: str, room: str | None = None, limit: int = 50) -> list[events.Message]:
        """Messages that say all words of `query` by now (the last word may be a beginning), the newest first; of one room, or of all
        that are listed."""
        inside = self._life.lookup.room(room).id if room is not None else None
        asked = limit
        while True:
            hits = await self._life.store.search(query, asked, inside)
            found = await self._winning(hits)
            if len(found) >= limit or len(hits) < asked:
                return found[:limit]
            asked *= SEARCH_FURTHER

    async def export(self, room: str, path: str, form: Form) -> events.Exported:
        """Write everything that `messages` gives of a room into a new file that only its owner can read. RequestError unknown_room,
        refused: off_record (a room of which nothing is to be kept), exists, folder (with `reason`)."""
        found = self._life.lookup.room(room)
        if found.record.retention == SESSION:
            raise RequestError("refused", why="off_record", room=room)
        view = self._life.news.room_view(found)
        count = await write(Path(path), form, view, self._life.clock.wall(), self._everything(found))
        return events.Exported(path=path, count=count)

    # ── how ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _everything(self, room: Room) -> AsyncIterator[list[events.Message]]:
        """All of a room, in slices: as much as that is in memory at a time."""
        after: str | None = BEGINNING
        while after is not None:
            page = await self._list(room, SHOWN_KINDS, SLICE, None, after)
            yield page.messages
            after = page.messages[-1].id if page.more else None

    async def _list(
        self,
        room: Room,
        kinds: Collection[str],
        limit: int,
        before: str | None,
        after: str | None,
        keep: Callable[[events.Message], bool] = lambda _: True,
    ) -> events.MessageList:
        folding = self._life.news.folding
        waiting = [view for view in await folding.messages(room, folding.outbox(room)) if view.kind in kinds and keep(view)]
        ids = [view.id for view in waiting]
        if before is not None:
            waiting = waiting[: ids.index(before)] if before in ids else []
        if after in ids:
            waiting = waiting[ids.index(after) + 1 :]
            return events.MessageList(messages=waiting[:limit], more=len(waiting) > limit)
        low, high = await self._key(room, after), await self._key(room, None if before in ids else before)
        if room.durable < len(room.log.pages):
            await self._life.committed()  # what waits no longer is on its way to the disk, and would be in neither of the two
        views = await self._placed(room, kinds, limit, low, high, keep)
        if low is None or len(views) <= limit:
            placed = {view.id for view in views}
            views = [*views, *(view for view in waiting if view.id not in placed)]
        return events.MessageList(messages=views[:limit] if low is not None else views[-limit:], more=len(views) > limit)

    async def _placed(
        self,
        room: Room,
        kinds: Collection[str],
        limit: int,
        low: Key | None,
        high: Key | None,
        keep: Callable[[events.Message], bool],
    ) -> list[events.Message]:
        """More than `limit` messages that have their place, or all there are. Not all that is stored is shown."""
        views: list[events.Message] = []
        forwards = low is not None
        while len(views) <= limit:
            entries = await self._life.store.entries(room.id, kinds, limit + 1, before=high, after=low)
            shown = [view for view in await self._life.news.folding.messages(room, entries) if keep(view)]
            views = [*views, *shown] if forwards else [*shown, *views]
            if len(entries) <= limit:
                break
            if forwards:
                low = entries[-1].lamport, entries[-1].id
            else:
                high = entries[0].lamport, entries[0].id
        return views

    async def _key(self, room: Room, message: str | None) -> Key | None:
        if message is None:
            return None
        if message == BEGINNING:
            return 0, b""
        entry = await self._entry(room, message)
        return entry.lamport, entry.id

    async def _winning(self, hits: Sequence[tuple[bytes, EntryRecord]]) -> list[events.Message]:
        """Those of these texts that are what their messages say by now, as these messages."""
        rooms = {room.id: room for room in self._life.lookup.rooms()}
        found: dict[bytes, events.Message] = {}
        for id_, group in groupby(hits, key=lambda hit: hit[0]):
            if id_ in rooms:
                for message, view in await self._winning_in(rooms[id_], [entry for _, entry in group]):
                    found.setdefault(message, view)
        return list(found.values())

    async def _winning_in(self, room: Room, hits: Sequence[EntryRecord]) -> list[tuple[bytes, events.Message]]:
        folding = self._life.news.folding
        about = {hit.id: target(hit.kind, hit.body) if hit.kind in ANNOTATIONS else hit.message for hit in hits}
        spoken = {entry.message: entry for entry in await self._life.store.find_several(room.id, list(set(about.values())))}
        spoken = {message: entry for message, entry in spoken.items() if not folding.is_hidden(room, entry.feed)}
        said = await folding.said(room, list(spoken.values()))
        winning = [about[hit.id] for hit in hits if about[hit.id] in said and said[about[hit.id]].source.id == hit.id]
        views = ((message, folding.view(room, spoken[message], said[message])) for message in winning)
        return [(message, view) for message, view in views if view is not None]
