"""One conversation: what the node tells, in words, and what the person writes."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

import msgspec

from peertalk import say
from peertalk.core import events
from peertalk.core.events import AnyEvent, Message, Room
from peertalk.errors import PeerTalkError
from peertalk.i18n import _
from peertalk.plain.circle import Circle
from peertalk.plain.deliveries import Deliveries, still_waiting
from peertalk.plain.history import PAGE
from peertalk.plain.inflow import Inflow
from peertalk.plain.nobody import Alone
from peertalk.plain.presence import Presence
from peertalk.plain.rooms import Rooms
from peertalk.plain.speech import called, title
from peertalk.plain.telling import Telling, wall
from peertalk.plain.voice import Voice
from peertalk.say.roster import Roster

if TYPE_CHECKING:
    from peertalk.node.node import Node

FRESH_MS: Final = 60_000
"""A quiet line about somebody who came in is news for so long; later it is history."""


class Session:
    """What is known, what was told, and which room is open. `echoed`: what is typed stands there already, so it is not repeated.
    `everything`: no message is summed up, since it is a file that listens."""

    def __init__(self, node: Node, voice: Voice, *, echoed: bool, everything: bool, times: bool) -> None:
        self.node = node
        self.voice = voice
        self.roster = Roster()
        self.deliveries = Deliveries()
        self.circle = Circle(node, self.roster)
        self._presence = Presence()
        self._inflow = Inflow(everything)
        self._echoed = echoed
        self._telling = Telling(voice, self.roster, times=times)
        self.rooms = Rooms(node, self._telling, self.roster, self.deliveries)
        self.wrote = False
        self.nothing_waits = asyncio.Event()
        """Somebody has each own message."""
        self._sending = asyncio.Lock()
        self._unread: set[str] = set()
        self._moved: int | None = None
        self._alone = Alone(node, self.roster)
        self.nothing_waits.set()

    @property
    def room(self) -> Room | None:
        """The room that is open."""
        return self.rooms.open

    # ── beginning, rooms ─────────────────────────────────────────────────────────────────────────────────────────────

    async def begin(self) -> None:
        """Say who one is, and open the first room: where something is unread, if anywhere."""
        await self.load()
        await self._find_waiting()
        self._presence.here.update(peer.id for peer in self.roster.here())
        me = self.node.status().identity
        await self.voice.say(_("Ready. Others see you as {name}.").format(name=me.name))
        order = self.roster.order()
        first = next((room for room in order if room.unread), order[0] if order else None)
        if first is None:
            await self.voice.say(_("You are in no room. /join NAME enters one."))
        else:
            await self.enter(first.id)
            await self.rooms.tell_unread()
        await self.voice.say(*await self.circle.open_offers())

    async def _find_waiting(self) -> None:
        """What nobody had when the program ran the last time."""
        for room in self.roster.rooms:
            for message in (await self.node.messages(room, PAGE)).messages:
                if message.state == "waiting":
                    self.deliveries.wrote(message, time.monotonic(), said=True)

    def end(self) -> None:
        """Nothing is looked for any more."""
        self._alone.end()

    async def load(self) -> None:
        """Read anew who and what is here."""
        self.roster.me = self.node.status().identity
        self.roster.rooms = {room.id: room for room in await self.node.rooms()}
        self.roster.peers = {peer.id: peer for peer in await self.node.peers()}

    async def enter(self, room: str, *, said: bool = False) -> None:
        """Open a room; see Rooms.enter."""
        await self.rooms.enter(room, said=said)
        self._unread.add(room)

    # ── messages ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def send(self, text: str) -> None:
        """Write this into the open room; it is on disk then. PeerTalkError."""
        if self.room is None:
            await self.voice.say(_("You are in no room. /join NAME enters one."))
            return
        async with self._sending:  # so that it is known whose it is when its event is read
            message = await self.node.send(self.room.id, text)
            self.deliveries.wrote(message, time.monotonic())
            self._telling.remember(message)
            self.wrote = True
            self._note_waiting()
        if not self._echoed:
            await self.rooms.tell(msgspec.structs.replace(message, state="sent"), wall())  # that it waits is said if it goes on

    async def _arrived(self, message: Message) -> None:
        now = time.monotonic()
        if message.deleted:
            return
        if not message.is_speech:
            await self._note_member(message, now)
            return
        if message.mine:
            async with self._sending:
                moved = message.time == self._moved
        else:
            moved = False
        if message.mine and (moved or not self._telling.knows(message)):
            self.deliveries.wrote(message, now, said=moved)
        if moved or self._telling.knows(message):
            return
        self._unread.add(message.room)
        if self._inflow.take(message, now):
            await self.rooms.tell(message, wall())

    async def _note_member(self, message: Message, now: float) -> None:
        """A quiet line of the open room: news if it was just now."""
        fresh = not message.late and abs(wall() - message.time) < FRESH_MS
        if self.room is None or message.room != self.room.id or message.mine or not fresh:
            return
        name = called(self.roster, message.author)
        if message.kind == "left":
            self._presence.left(message.author.id, name, now)
        elif message.kind == "here" and not message.about:
            self._presence.came(message.author.id, name, now)
        elif message.kind == "here":
            self._presence.told(message.author.id)
            by_me = self.roster.me is not None and message.about[0].id == self.roster.me.id
            await self.voice.say(
                *([] if by_me else self.circle.quiet(message))
            )  # who uses a code of ours is told with the code
        elif message.kind != "name":
            await self.voice.say(*self.circle.quiet(message))

    # ── events ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def take(self, event: AnyEvent) -> None:
        """The node said this."""
        await self._take(event)
        self._note_waiting()

    def _note_waiting(self) -> None:
        (self.nothing_waits.clear if self.deliveries.waiting else self.nothing_waits.set)()

    async def _take(self, event: AnyEvent) -> None:
        match event:
            case events.MessageArrived():
                await self._arrived(event.message)
            case events.MessageChanged():
                if event.message.mine:
                    gone = event.message.deleted and event.message.state == "waiting"
                    self._moved = event.message.time if gone else self._moved
                    self.deliveries.changed(event.message, time.monotonic())
                await self.rooms.changed(event.message)
            case events.Delivered():
                self.deliveries.delivered(event, time.monotonic())
            case events.PeerChanged():
                await self._peer_changed(event)
            case events.RoomChanged():
                await self._room_changed(event)
            case events.InviteUsed() | events.InviteDead() | events.VerifyRequest() | events.ReformOffer():
                await self.voice.say(*await self.circle.told(event))
            case events.Warning():
                await self.voice.say(say.warning(event))
                if event.kind == "dropped":
                    await self.load()

    async def _peer_changed(self, event: events.PeerChanged) -> None:
        before, peer, now = self.roster.peers.get(event.peer.id), event.peer, time.monotonic()
        old = called(self.roster, before) if before is not None else peer.tag
        self.roster.peers[peer.id] = peer
        name = called(self.roster, peer)
        beside = self.room is not None and self.room.id in peer.rooms and not peer.blocked
        match event.change:
            case "online" if beside:
                self._presence.came(peer.id, name, now)
            case "offline" if beside:
                self._presence.gone(peer.id, name, now)
            case "online" | "offline":
                self._presence.elsewhere(peer.id, online=peer.online)
            case "name" if beside and before is not None and before.name not in (peer.tag, peer.name):
                await self.voice.say(_("{old} is now called {name}").format(old=old, name=name) + ".")

    async def _room_changed(self, event: events.RoomChanged) -> None:
        room = event.room
        if event.change == "left":
            self.roster.rooms.pop(room.id, None)
            self._unread.discard(room.id)
            self.deliveries.left(room.id)
            return
        self.roster.rooms[room.id] = room
        await self.voice.say(*await self.circle.told(event))

    # ── what time brings ─────────────────────────────────────────────────────────────────────────────────────────────

    async def tick(self, now: float) -> None:
        """Say what has been gathered, and what has been missing for long enough."""
        for id_, burst in self._inflow.due(now).items():
            await self._tell_burst(id_, burst.count, list(burst.last))
        room = self.room
        await self.voice.say(*self._presence.due(now, room.online if room is not None else 0))
        await self.voice.say(*self.deliveries.due(now, self.roster, room.id if room is not None else None))
        await self.voice.say(*self._alone.due(room, now))
        await self.mark_read()

    async def _tell_burst(self, room: str, count: int, last: list[Message]) -> None:
        if count > len(last) and (there := self.roster.rooms.get(room)) is not None:
            told = _("{n} messages came in {room}. The last {last}:")
            await self.voice.say(told.format(n=count, room=title(self.roster, there), last=len(last)))
            self.rooms.begin_at(last[0])
        for message in last:
            await self.rooms.tell(message, message.time)

    async def mark_read(self) -> None:
        """What was told was read."""
        rooms, self._unread = self._unread & self.roster.rooms.keys(), set()
        for room in rooms:
            await self._read(room)

    async def _read(self, room: str) -> None:
        try:
            await self.node.read(room)
        except PeerTalkError:  # it was left meanwhile
            self._unread.discard(room)

    # ── words on demand ──────────────────────────────────────────────────────────────────────────────────────────────

    async def say_state(self) -> None:
        """Say how the last own message in the open room fares."""
        if self.room is not None:
            await self.voice.say(self.deliveries.state(self.room, self.roster))

    async def say_waiting(self) -> None:
        """Say what nobody has yet."""
        if self.deliveries.waiting:
            await self.voice.say(still_waiting(self.deliveries.waiting))
