"""What becomes of what the node says: it is shown, marked as read, asked for. The other hand of the chat screen, see writing.py."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, ParamSpec

from textual.worker import WorkType

from peertalk import say
from peertalk.core.events import AnyEvent, Message
from peertalk.errors import PeerTalkError
from peertalk.tui import sides
from peertalk.tui.bridge import carry
from peertalk.tui.conversation import Conversation
from peertalk.tui.talk import Change, Talk
from peertalk.tui.timeline import is_speech
from peertalk.tui.widgets.listing import Listing, Target

if TYPE_CHECKING:
    from peertalk.node.node import Node
    from peertalk.tui.screens.chat import ChatScreen

P = ParamSpec("P")


class Reading:
    """Asks the node, and tells the transcript. All that waits does so in workers of the screen, one of each kind at a time."""

    def __init__(self, screen: ChatScreen) -> None:
        self._screen = screen

    async def attach(self, node: Node) -> None:
        """From now on the screen shows `node`."""
        events = node.subscribe()
        talk = Talk(node)
        await talk.load()
        self._screen.begin(talk)
        self._screen.run_worker(carry(events, self._screen), group="events", description="events")
        self.open_room(talk.first_room())

    def _later(self, kind: str, work: Callable[P, Awaitable[None]], *arguments: P.args, **named: P.kwargs) -> None:
        job: WorkType[None] = partial(self._told, partial(work, *arguments, **named))
        self._screen.run_worker(job, group=kind, description=kind, exclusive=True)  # not repr(job): it holds everything

    async def _told(self, work: Callable[[], Awaitable[None]]) -> None:
        """What the node refuses is said below the messages, and is no reason to end."""
        try:
            await work()
        except PeerTalkError as error:
            self._screen.note(say.error(error), trouble=True)

    # ── events ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def take(self, events: Iterable[AnyEvent]) -> None:
        """The node said these."""
        talk = self._screen.talk
        if talk is None:
            return
        for event in events:
            self._change(talk, talk.apply(event, time.monotonic()))
        if talk.conversation is not None and talk.conversation.timeline.doubtful is not None:
            self._later("order", self._reorder, talk, talk.conversation)
        self.mark_read()
        self._screen.draw()

    def _change(self, talk: Talk, change: Change) -> None:
        self._screen.follow(change.splices)
        if change.arrived is not None:
            self._arrived(talk, change.arrived)
        if change.names:
            self._screen.transcript.redraw()
        if change.notice is not None:
            self._screen.note(change.notice)
        if change.members:
            self.show_members()
        if change.people:
            self.read_people()
        if change.offers:
            self.read_offers()
        if change.reload:
            self.reload()
        self.open_room(change.reopen)

    def _arrived(self, talk: Talk, message: Message) -> None:
        """Where somebody looks away, or further up, what comes now gets the unread line."""
        room, transcript = talk.room, self._screen.transcript
        if room is None or message.room != room.id or not is_speech(message):
            return
        if message.mine:
            transcript.clear_unread()
            transcript.go_to_end()
        elif room.unread == 1 and not (self._screen.app.app_focus and transcript.at_end):
            transcript.clear_unread()
            transcript.mark_unread(message)

    async def _reorder(self, talk: Talk, conversation: Conversation) -> None:
        splices = await conversation.reorder()
        if talk.conversation is conversation:
            self._screen.follow(splices)

    # ── rooms ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def open_room(self, room: str | None) -> None:
        """Show this room (its id), with the draft that was left there."""
        if self._screen.talk is not None and room in self._screen.talk.roster.rooms:
            self._later("open", self._enter, self._screen.talk, room)

    def go_to(self, target: Target) -> None:
        """Open a room, or the room of two with somebody."""
        if self._screen.talk is not None:
            self._later("open", self.enter, target)

    async def enter(self, target: Target) -> None:
        """The same, to be waited for. RequestError."""
        talk, (kind, which) = self._screen.talk, target
        if talk is None:
            return
        room = await (talk.node.room(which) if kind == "room" else talk.node.open_direct(which))
        talk.roster.rooms.setdefault(room.id, room)
        await self._enter(talk, room.id)

    async def _enter(self, talk: Talk, room: str) -> None:
        conversation = Conversation(talk.node, room)
        await conversation.open(talk.roster.rooms[room].unread)
        if talk.conversation is not None and talk.conversation.room == room:
            conversation.timeline.keep_notes(talk.conversation.timeline)
        self._screen.change_draft(talk.enter(conversation, self._screen.composer.text))
        self._screen.transcript.show(conversation.timeline, conversation.first_unread)
        self.show_members()
        self.mark_read()
        self._screen.draw()

    def older(self) -> None:
        """The top of what is here comes into sight."""
        talk = self._screen.talk
        if talk is not None and talk.conversation is not None:
            self._later("older", self._older, talk, talk.conversation)

    async def _older(self, talk: Talk, conversation: Conversation) -> None:
        splices = await conversation.older()
        if talk.conversation is conversation:
            self._screen.follow(splices)

    def mark_read(self) -> None:
        """What is in sight, with somebody in front of it, has been read."""
        talk = self._screen.talk
        room = talk.room if talk is not None else None
        if talk is not None and room is not None and room.unread and self._screen.is_looked_at:
            self._later("read", self._mark_read, talk, room.id)

    async def _mark_read(self, talk: Talk, room: str) -> None:
        await talk.node.read(room)

    def show_members(self) -> None:
        """The members, where they are shown."""
        talk = self._screen.talk
        if talk is not None and talk.room is not None and self._screen.has_class("-members"):
            self._later("members", self._show_members, talk, talk.room.id)

    async def _show_members(self, talk: Talk, room: str) -> None:
        members = await talk.node.members(room)
        self._screen.query_one("#members", Listing).set(sides.member_rows(talk.roster, members))

    def read_people(self) -> None:
        """Who is in which room: that somebody came into one is told of the room alone."""
        if self._screen.talk is not None:
            self._later("people", self._read_people, self._screen.talk)

    async def _read_people(self, talk: Talk) -> None:
        talk.roster.peers = {peer.id: peer for peer in await talk.node.peers()}
        self._screen.draw()

    def read_offers(self) -> None:
        """Who asks to come along to a room started anew."""
        if self._screen.talk is not None:
            self._later("offers", self._read_offers, self._screen.talk)

    async def _read_offers(self, talk: Talk) -> None:
        talk.offers = await talk.node.offers()
        self._screen.draw()

    def reload(self) -> None:
        """Read everything anew: something changed that no event tells in full."""
        if self._screen.talk is not None:
            self._later("reload", self._reload, self._screen.talk)

    async def _reload(self, talk: Talk) -> None:
        await talk.load()
        self._screen.transcript.redraw()
        if talk.room is not None:
            await self._enter(talk, talk.room.id)
        self._screen.draw()
