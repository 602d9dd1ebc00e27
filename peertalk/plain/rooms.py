"""The room that is open: entering it, what was said there before, and older messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from peertalk import say
from peertalk.core.events import Message, Room
from peertalk.i18n import _, ngettext
from peertalk.plain.circle import standing
from peertalk.plain.deliveries import Deliveries
from peertalk.plain.history import MOST_UNREAD, History, unread_from
from peertalk.plain.speech import title
from peertalk.plain.telling import Telling
from peertalk.say.roster import Roster

if TYPE_CHECKING:
    from peertalk.node.node import Node


class Rooms:
    """Which room is open, and what was told of it."""

    def __init__(self, node: Node, telling: Telling, roster: Roster, deliveries: Deliveries) -> None:
        self.history: History | None = None
        self._node = node
        self._telling = telling
        self._voice = telling.voice
        self._roster = roster
        self._deliveries = deliveries

    @property
    def open(self) -> Room | None:
        """The room that is open."""
        return self._roster.rooms.get(self.history.room) if self.history is not None else None

    async def tell(self, message: Message, at: int) -> None:
        """Tell a message as it is told where this room is open; `at` as in Telling."""
        await self._telling.tell(message, self.history.room if self.history is not None else None, at)

    async def changed(self, message: Message) -> None:
        """Tell what is new about a message."""
        await self._telling.changed(message, self.history.room if self.history is not None else None)

    def begin_at(self, oldest: Message) -> None:
        """Older ones are those before this message, if it is of the room that is open."""
        if self.history is not None and self.history.room == oldest.room:
            self.history.begin_at(oldest)

    async def enter(self, room: str, *, said: bool = False) -> None:
        """Open a room: who is there and who can read it (unless that was `said`), and what was written last."""
        found = await self._node.room(room)
        self._roster.rooms[found.id] = found
        history = History(self._node, found.id)
        messages = await history.newest(found.unread)
        self.history = (
            history  # not before: what comes meanwhile is told as from another room, since this one is not announced yet
        )
        await self._voice.say(" ".join([self._place(found, said=said), *([] if said else standing(found))]))
        if found.kind == "direct" and found.online < 2:
            await self._voice.say(" ".join(say.nobody.partner_away(title(self._roster, found))))
        await self._tell_history(history, messages, found.unread)

    def _place(self, room: Room, *, said: bool) -> str:
        here = ngettext("{n} here", "{n} here", room.online).format(n=room.online)
        if said:
            return f"{title(self._roster, room)}: {here}."
        inside = _("You are in {room}.") if room.kind != "direct" else _("You are writing with {room}.")
        readers = say.readers(room)
        parts = [inside.format(room=title(self._roster, room)), f"{readers[:1].upper()}{readers[1:]}."]
        return " ".join([parts[0], *([f"{here}."] if room.kind != "direct" else []), parts[1]])

    async def _tell_history(self, history: History, messages: Sequence[Message], unread: int) -> None:
        """Tell the last messages of a room, but not again what was told before: `/older` does that."""
        start = unread_from(messages, unread)
        known, new = [[each for each in part if not self._telling.knows(each)] for part in (messages[:start], messages[start:])]
        history.begin_at((known + new)[0] if known or new else None)
        await self._tell_old(known)
        if new:
            await self._voice.say(_unread(unread))
            await self._tell_old(new)

    async def tell_unread(self) -> None:
        """Say in which other rooms something is unread."""
        for room in self._roster.unread_elsewhere(self.open.id if self.open is not None else None):
            unread = ngettext("{n} unread", "{n} unread", room.unread).format(n=room.unread)
            await self._voice.say(f"{title(self._roster, room)}: {unread}.")

    async def _tell_old(self, messages: Sequence[Message]) -> None:
        for message in messages:
            if message.mine:
                self._deliveries.last[message.room] = message
            await self.tell(message, message.time)

    async def older(self) -> None:
        """Tell the messages before those that were told."""
        messages = await self.history.older() if self.history is not None else []
        if not messages:
            await self._voice.say(_("There is nothing older here."))
            return
        await self._voice.say(ngettext("{n} older message:", "{n} older messages:", len(messages)).format(n=len(messages)))
        for message in messages:
            await self.tell(message, message.time)
        await self._voice.say(_("These were the older ones."))


def _unread(count: int) -> str:
    if count > MOST_UNREAD:
        return _("{n} unread, the last {last}:").format(n=count, last=MOST_UNREAD)
    return ngettext("{n} unread", "{n} unread", count).format(n=count) + ":"
