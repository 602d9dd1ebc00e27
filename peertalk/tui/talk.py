"""What the chat screen knows: who and what is here, the open room, drafts; and how each event of the node changes that.

No widgets here. `now` is monotonic seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from peertalk import say
from peertalk.core import events
from peertalk.core.events import AnyEvent, Message, Room
from peertalk.say.roster import Roster
from peertalk.tui.conversation import Conversation
from peertalk.tui.timeline import Splice, is_speech

if TYPE_CHECKING:
    from peertalk.node.node import Node


@dataclass(slots=True)
class Change:
    """What an event means for the screen: splices of the open timeline, and what else has to be looked at anew."""

    splices: list[Splice] = field(default_factory=list)
    arrived: Message | None = None
    names: bool = False
    members: bool = False
    reopen: str | None = None
    reload: bool = False
    offers: bool = False
    people: bool = False
    notice: str | None = None


@dataclass(slots=True)
class Talk:
    """Everything but the widgets. `conversation` is None until a room is open. `offers` ask to come along to a room started anew,
    `callers` (by id) to compare symbols."""

    node: Node
    roster: Roster = field(default_factory=Roster)
    conversation: Conversation | None = None
    drafts: dict[str, str] = field(default_factory=dict)
    sync: events.SyncProgress | None = None
    offers: list[events.Offer] = field(default_factory=list)
    callers: dict[str, events.Peer] = field(default_factory=dict)

    async def load(self) -> None:
        """Read what there is at the start."""
        self.roster.me = self.node.status().identity
        self.roster.rooms = {room.id: room for room in await self.node.rooms()}
        self.roster.peers = {peer.id: peer for peer in await self.node.peers()}
        self.offers = await self.node.offers()

    @property
    def room(self) -> Room | None:
        """The room that is open."""
        return None if self.conversation is None else self.roster.rooms.get(self.conversation.room)

    def first_room(self) -> str | None:
        """The room to begin with: where something is unread, else the first."""
        order = self.roster.order()
        return next((room.id for room in order if room.unread), order[0].id if order else None)

    def neighbour(self, step: int) -> str | None:
        """The room before (-1) or after (1) the open one, around the ends."""
        ids = [room.id for room in self.roster.order()]
        if not ids:
            return None
        here = ids.index(self.room.id) if self.room is not None else -step
        return ids[(here + step) % len(ids)]

    def next_unread(self) -> str | None:
        """The next room with something unread."""
        waiting = self.roster.unread_elsewhere(self.room.id if self.room is not None else None)
        return waiting[0].id if waiting else None

    def enter(self, conversation: Conversation, written: str) -> str | None:
        """Open another conversation. What was `written` in the last one stays there; the draft of the new one, None if it is
        the same room."""
        before = self.conversation.room if self.conversation is not None else None
        self.conversation = conversation
        if before == conversation.room:
            return None
        if before is None:
            return written or self.drafts.pop(conversation.room, "")
        if written and before in self.roster.rooms:
            self.drafts[before] = written
        return self.drafts.pop(conversation.room, "")

    def state(self, message: Message) -> str:
        """The small words of a message in the open room."""
        room = self.roster.rooms.get(message.room)
        held_by = [self.roster.peers[id] for id in message.held_by if id in self.roster.peers]
        names = {peer.id: self.roster.called(peer) for peer in held_by}
        unmarked = msgspec.structs.replace(message, edited=False)  # that stands behind its words
        return "" if room is None else say.state(unmarked, room, names)

    def gestures(self, message: Message) -> str:
        """Who made which gesture towards a message."""
        people = {person for made in message.reactions.values() for person in made}
        names = {person: self.roster.called(self.roster.peers[person]) for person in people if person in self.roster.peers}
        return say.gestures(message, names, self.roster.me.id if self.roster.me is not None else "")

    def delivery(self) -> str:
        """The small words of the last own message, while somebody lacks it."""
        last = None if self.conversation is None else self.conversation.timeline.last_own()
        if last is None or self.room is None or len(last.delivered_to) >= self.room.members - 1 > 0:
            return ""
        return self.state(last)

    # ── events ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def apply(self, event: AnyEvent, now: float) -> Change:
        """Take over one event."""
        match event:
            case events.MessageArrived():
                return self._arrived(event.message)
            case events.MessageChanged():
                return Change(self._here().take(event.message) if self._is_open(event.message.room) else [])
            case events.Delivered():
                return Change(self._here().deliver(event) if self._is_open(event.room) else [])
            case events.PeerChanged():
                return self._peer_changed(event)
            case events.RoomChanged():
                return self._room_changed(event)
            case events.Warning():
                return self._warned(event)
            case events.ReformOffer():
                return Change(offers=True)
            case events.InviteDead(reason="guessed" | "expired"):
                return Change(notice=say.event(event))
            case _:
                self._remember(event, now)
                return Change()

    def _remember(self, event: AnyEvent, now: float) -> None:
        """Events that change nothing but what the bars say."""
        match event:
            case events.Typing():
                self.roster.seen_typing(event.room, event.peer, now)
            case events.SyncProgress():
                self.sync = event if event.done < event.total else None
            case events.Ready():
                self.roster.me = event.identity
            case events.VerifyRequest():
                self.callers[event.peer.id] = event.peer

    def _peer_changed(self, event: events.PeerChanged) -> Change:
        peer = event.peer
        self.roster.peers[peer.id] = peer
        if peer.trust == "verified":
            self.roster.watched.discard(peer.id)
        if event.change == "offline" or peer.blocked:
            self.callers.pop(peer.id, None)
        return Change(names=event.change == "name", members=True)

    def _warned(self, event: events.Warning) -> Change:
        if event.kind == "dropped":
            return Change(reload=True)
        if event.kind == "same_name_new_key" and event.peer is not None:
            self.roster.watched.add(event.peer)
        return Change(notice=say.warning(event), members=True)

    def _is_open(self, room: str) -> bool:
        return self.conversation is not None and self.conversation.room == room

    def _here(self) -> Conversation:
        assert self.conversation is not None  # noqa: S101 (asked by _is_open before)
        return self.conversation

    def _arrived(self, message: Message) -> Change:
        self.roster.stopped_typing(message.room, message.author.id)
        new = True
        splices: list[Splice] = []
        if self._is_open(message.room):
            conversation = self._here()
            new = conversation.find(message.id) is None
            splices = conversation.take(message)
        room = self.roster.rooms.get(message.room)
        if room is not None and new and is_speech(message) and not message.mine:
            self.roster.rooms[room.id] = msgspec.structs.replace(room, unread=room.unread + 1)
        return Change(splices, arrived=message if new else None)

    def _room_changed(self, event: events.RoomChanged) -> Change:
        room = event.room
        if event.change == "left":
            return self._left(room.id)
        self.roster.rooms[room.id] = room
        if event.change == "forgotten" and self._is_open(room.id):
            return Change(reopen=room.id, notice=say.event(event))
        members = event.change == "members"
        people = room.kind != "open" and event.change in ("members", "joined", "outside")
        return Change(members=members, names=members, offers=event.change in ("archived", "joined"), people=people)

    def _left(self, room: str) -> Change:
        self.roster.rooms.pop(room, None)
        self.drafts.pop(room, None)
        if not self._is_open(room):
            return Change()
        self.conversation = None
        return Change(reopen=self.first_room())
