"""The node's API: rooms (docs/rpc.md, `rooms.*` and `direct.*`)."""

from __future__ import annotations

from typing import Literal

from peertalk import i18n, text
from peertalk.core import events
from peertalk.core.rooms import FOREVER, MAX_DAYS, SESSION, Terms, direct_room, private_room
from peertalk.core.stored import Retention
from peertalk.errors import RequestError
from peertalk.node.calls import Calls
from peertalk.node.message_views import SHOWN_KINDS


class RoomCalls(Calls):
    """See the module."""

    async def rooms(self) -> list[events.Room]:
        return [self._life.news.room_view(room) for room in self._life.lookup.rooms()]

    async def room(self, room: str) -> events.Room:
        return self._life.news.room_view(self._life.lookup.room(room))

    async def join(self, name: str) -> events.Room:
        """Be in the open room of this name. RequestError("bad_name")."""
        return self._life.news.room_view(await self._life.join_open(text.room_name(name)))

    async def create(self, name: str, retention: Retention = "forever", language: str | None = None) -> events.Room:
        """A new private room, in which one is alone until somebody is invited: its messages are kept so long (in days; `session`:
        while everybody's program runs), its words are in that language. RequestError bad_name, bad_choice."""
        terms = Terms(
            seed=self._life.random(32),
            name=text.private_room_name(name),
            language=_language(i18n.language() if language is None else language),
            retention=_retention(retention),
        )
        return self._life.news.room_view(await self._life.enter(private_room(terms, self._life.clock.wall())))

    async def open_direct(self, peer: str) -> events.Room:
        """The direct room with somebody. RequestError unknown_peer, ambiguous_name."""
        identity = self._life.lookup.peer(peer)
        record = direct_room(self._life.identity, identity, self._life.clock.wall(), shown=True)
        return self._life.news.room_view(await self._life.enter(record))

    async def members(self, room: str) -> list[events.Member]:
        return self._life.views.members(self._life.lookup.room(room))

    async def leave(self, room: str, forget: bool = False) -> None:
        """Be out of a room. `forget`: its secret, cards and history go too."""
        found = self._life.lookup.room(room)
        self._life.replica.leave(found.id, self._life.now(), forget=forget)
        await self._life.committed()

    async def read(self, room: str, up_to: str | None = None) -> int:
        """Everything (up to this message) was read, which is on disk when this returns; how many are unread."""
        found = self._life.lookup.room(room)
        newest = (
            await self._life.store.entries(found.id, SHOWN_KINDS, 1) if up_to is None else [await self._entry(found, up_to)]
        )
        for entry in newest:
            self._life.replica.mark_read(found.id, (entry.lamport, entry.id))
        self._life.replica.flush()
        await self._life.committed()
        unread = await self._life.count_unread(found)
        self._life.news.publish(events.RoomChanged(room=self._life.news.room_view(found), change="read"))
        return unread


def _language(language: str) -> Literal["de", "en"]:
    match language:
        case "de" | "en":
            return language
        case _:
            raise RequestError("bad_choice", value=language, allowed=["de", "en"])


def _retention(retention: Retention) -> int:
    """As terms have it."""
    match retention:
        case "forever":
            return FOREVER
        case "session":
            return SESSION
        case int() if 1 <= retention <= MAX_DAYS:
            return retention
        case _:
            raise RequestError("bad_choice", value=retention, allowed=["forever", "session", f"1 – {MAX_DAYS}"])
