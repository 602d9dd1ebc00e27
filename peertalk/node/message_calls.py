"""The node's API: saying something, and saying something about it (docs/rpc.md, `messages.*` and `signals.*`)."""

from __future__ import annotations

import asyncio
from typing import Final, Literal, NamedTuple

import msgspec

from peertalk.core import events
from peertalk.core.annotations import deletions, is_of_author
from peertalk.core.entry import MAX_TITLE, Content, Edit, React, Story, Text
from peertalk.core.room import Room
from peertalk.core.stored import EntryRecord
from peertalk.errors import RequestError
from peertalk.node import gestures
from peertalk.node.answers import Kept
from peertalk.node.calls import Calls
from peertalk.node.folding import current_feed, older
from peertalk.node.message_views import SPOKEN_KINDS, Said, as_entry, gone

Kind = Literal["text", "story"]
Replies = Literal["welcome", "listen"]
_SAME: Final = None
"""For an edit: the title, or the content note, stays as it is."""


class Spoken(NamedTuple):
    """A message that is here, settled or waiting, and what it says by now."""

    room: Room
    entry: EntryRecord
    said: Said


class MessageCalls(Calls):
    """See the module."""

    async def send(
        self,
        room: str,
        text: str,
        *,
        reply_to: str | None = None,
        kind: Kind = "text",
        title: str | None = None,
        warning: str | None = None,
        replies: Replies | None = None,
    ) -> events.Message:
        """Say something; it is on disk when this returns. RequestError unknown_room, unknown_message, bad_text, too_large, refused
        (not_a_story: only a story has a title, and wishes for replies); key_changed where somebody is in the room by the name of one
        who was verified (node/trust.py)."""
        if reply_to is None:
            return await self.begin(room, text, kind=kind, title=title, warning=warning, replies=replies)
        found, content = self._content(room, text, kind, title, warning, replies)
        content = msgspec.structs.replace(content, reply_to=await self._answered(found, reply_to))
        record = await self._say(found, content)
        inside = found if isinstance(record, EntryRecord) else self._life.replica.places[record.room].room
        entry = record if isinstance(record, EntryRecord) else as_entry(record, current_feed(inside))
        folding = self._life.news.folding
        view = folding.view(inside, entry, (await folding.said(inside, [entry]))[entry.message])
        if view is None:
            raise RequestError("unknown_room", room=room)
        return view

    def begin(
        self,
        room: str,
        text: str,
        *,
        kind: Kind = "text",
        title: str | None = None,
        warning: str | None = None,
        replies: Replies | None = None,
    ) -> asyncio.Future[events.Message]:
        """`send` of what answers nothing: it has its place among all that is said when this returns, and is on disk once the future is
        done, which raises what is known only then."""
        found, content = self._content(room, text, kind, title, warning, replies)
        message = self._life.replica.send(found.id, content, self._life.now())
        self._life.engine.turn()
        return self._life.news.answers.wait_shown(found.id, message)  # nobody can have said anything about it yet

    def _content(
        self, room: str, text: str, kind: Kind, title: str | None, warning: str | None, replies: Replies | None
    ) -> tuple[Room, Text | Story]:
        """What somebody wants to say, and where."""
        found = self._life.lookup.room(room)
        self._life.trust.check(found)
        if kind == "story":
            return found, Story(_text(text), _line(title), _line(warning), replies)
        if title is not None or replies is not None:
            raise RequestError("refused", why="not_a_story")
        return found, Text(_text(text), None, _line(warning))

    async def react(self, message: str, reaction: str, remove: bool = False) -> events.Message:
        """Make a gesture towards a message, or take it back: one of five words, or one emoji. RequestError unknown_message, bad_choice,
        refused (deleted), key_changed."""
        made = gestures.wanted(reaction)
        spoken = await self._spoken(message)
        self._life.trust.check(spoken.room)
        return await self._annotate(spoken, React(spoken.entry.message, made, remove))

    async def edit(self, message: str, text: str, *, title: str | None = _SAME, warning: str | None = _SAME) -> events.Message:
        """Have an own message say something else. Title and content note stay as they are unless they are given; "" takes them away.
        RequestError unknown_message, bad_text, too_large, refused (not_yours, deleted, not_a_story), key_changed."""
        text = _text(text)
        spoken = await self._own(message)
        self._life.trust.check(spoken.room)
        said = spoken.said.folded.content
        before = said.title if isinstance(said, Story) else None
        if title and not isinstance(said, Story):
            raise RequestError("refused", why="not_a_story")
        title = before if title is None else _line(title)
        warning = (said.warning if said is not None else None) if warning is None else _line(warning)
        return await self._annotate(spoken, Edit(spoken.entry.message, text, title, warning))

    async def delete(self, message: str) -> events.Message:
        """Have an own message be gone, here and wherever it has come. RequestError unknown_message, refused (not_yours, deleted)."""
        spoken = await self._own(message)
        about = await self._about(spoken)
        view = self._life.news.folding.view(*spoken)
        await asyncio.gather(*(self._begin(spoken.room, said) for said in deletions(spoken.entry, about, older(spoken.room))))
        if view is None:
            raise RequestError("unknown_message", message=message)
        return gone(view)

    def typing(self, room: str) -> None:
        """Tell who is linked that one is writing there."""
        self._life.replica.typing(self._life.lookup.room(room).id)
        self._life.engine.turn()

    # ── how ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _say(self, room: Room, content: Content) -> Kept:
        """Say it; as it waits, or in its place, on disk."""
        return await self._begin(room, content)

    def _begin(self, room: Room, content: Content) -> asyncio.Future[Kept]:
        message = self._life.replica.send(room.id, content, self._life.now())
        kept = self._life.news.answers.wait(room.id, message)
        self._life.engine.turn()
        return kept

    async def _about(self, spoken: Spoken) -> list[EntryRecord]:
        """What was said about a message, that included which is on its way to the disk."""
        chain = spoken.room.log.chain(current_feed(spoken.room))
        while True:
            top = chain.top
            await self._life.committed()
            about = await self._life.store.annotations(spoken.room.id, [spoken.entry.message], every=True)
            if chain.top == top:  # else more was said meanwhile
                return about

    async def _answered(self, room: Room, message: str) -> bytes:
        """The id of a message that is here, settled or waiting. RequestError unknown_message."""
        if any(one.message.hex() == message for one in self._life.news.folding.outbox(room)):
            return bytes.fromhex(message)
        if room.durable < len(room.log.pages):
            await self._life.committed()  # what waits no longer is on its way to the disk
        return (await self._entry(room, message)).message

    async def _own(self, message: str) -> Spoken:
        """A message of which others believe that it is ours to change."""
        spoken = await self._spoken(message)
        if not is_of_author(current_feed(spoken.room), spoken.entry.feed, older(spoken.room)):
            raise RequestError("refused", why="not_yours", message=message)
        return spoken

    async def _annotate(self, spoken: Spoken, content: React | Edit) -> events.Message:
        await self._say(spoken.room, content)
        view = self._life.news.folding.view(*await self._spoken(spoken.entry.message.hex()))
        if view is None:
            raise RequestError("unknown_message", message=spoken.entry.message.hex())
        return view

    async def _spoken(self, message: str) -> Spoken:
        """A message that can be spoken about. RequestError unknown_message, refused (deleted)."""
        try:
            found = await self._now(bytes.fromhex(message))
        except ValueError:
            found = None
        if found is not None and found.said.folded.deleted:
            raise RequestError("refused", why="deleted")
        if found is None or found.said.folded.content is None:
            raise RequestError("unknown_message", message=message)
        return found

    async def _now(self, message: bytes) -> Spoken | None:
        """A message of a room that is listed, of nobody who is blocked."""
        rooms = {room.id: room for room in self._life.lookup.rooms()}
        folding = self._life.news.folding
        waiting = [(room, entry) for room in rooms.values() for entry in folding.outbox(room) if entry.message == message]
        if not waiting and any(room.durable < len(room.log.pages) for room in rooms.values()):
            await self._life.committed()  # what waits no longer is on its way to the disk
        placed = await self._life.store.find(message) if not waiting else []
        found = [*waiting, *((rooms[room], entry) for room, entry in placed if room in rooms)]
        for room, entry in found:
            if entry.kind in SPOKEN_KINDS and not folding.is_hidden(room, entry.feed):
                return Spoken(room, entry, (await folding.said(room, [entry]))[message])
        return None


def _text(raw: str) -> str:
    """What somebody wants to say. RequestError("bad_text")."""
    text = raw.encode("utf-8", "replace").decode()  # half a character, as a terminal may paste it, is no reason to refuse
    if not text.strip():
        raise RequestError("bad_text", why="empty")
    return text


def _line(raw: str | None) -> str | None:
    """A title or a content note; none if nothing is in it. RequestError("bad_text")."""
    if raw is None:
        return None
    text = " ".join(raw.encode("utf-8", "replace").decode().split())
    if len(text) > MAX_TITLE:
        raise RequestError("bad_text", why="too_long", limit=MAX_TITLE)
    return text or None
