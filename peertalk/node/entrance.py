"""How people come into private rooms: codes of ours, and codes of others, over the rooms and links of a node."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from peertalk.core import events
from peertalk.core.codes import Code
from peertalk.core.effects import DoorChanged, MembersChanged, Notice, Presence, RoomWent
from peertalk.core.entry import Random
from peertalk.core.invite import Closed, Death
from peertalk.core.room import Room
from peertalk.core.rooms import Terms, private_room
from peertalk.core.stored import RoomRecord
from peertalk.core.sync import Replica
from peertalk.node.dialer import Dialer
from peertalk.node.dialing import wait
from peertalk.node.invitations import Invitations, Invited, Told
from peertalk.node.joining import Joining
from peertalk.node.links import Links
from peertalk.node.news import News
from peertalk.node.ports import Clock
from peertalk.node.targets import Endpoint

INVITER_SECONDS = 1.0
"""That the inviter is waited for at the end, to say by name who they are: they are about to be linked."""


class Entrance:
    """`inviting` are the codes of this process, `joining` comes in by those of others. `enter` is being in a room, durably.
    `elsewhere` are addresses that are dialled no more, or never were, and at which somebody may invite all the same."""

    def __init__(
        self,
        replica: Replica,
        links: Links,
        dialer: Dialer,
        news: News,
        clock: Clock,
        random: Random,
        *,
        source: Callable[[str], str],
        enter: Callable[[RoomRecord], Awaitable[Room]],
    ) -> None:
        self._replica, self._dialer, self._news, self._clock = replica, dialer, news, clock
        self._enter = enter
        self.elsewhere: Callable[[], Iterable[Endpoint]] = tuple
        self.inviting = Invitations(
            links,
            clock,
            random,
            identity=replica.identity.public,
            known=self._known,
            source=source,
            rooms=self,
            told=Told(self._used, lambda code: news.inviters.let_in_somebody(code.room.hex()), self._dead),
        )
        self.joining = Joining(
            links, random, identity=replica.identity.public, known=self._known, join=self._join, meet=self._meet
        )
        links.pairings = self.inviting
        self._awaited: dict[asyncio.Event, Room] = {}

    def tell(self, notice: Notice) -> None:
        """What the replica notices."""
        match notice:
            case Presence(room, identity, online=True):
                self.inviting.met(room, identity)
            case RoomWent(room) | DoorChanged(room):
                self.inviting.look_after(room)
        if isinstance(notice, Presence | MembersChanged | RoomWent):
            for met, inside in self._awaited.items():
                if self._has_met(inside):
                    met.set()

    async def accept(self, code: Code, seconds: float) -> Room:
        """As Joining.accept; and where the inviter is there soon, they are when this returns, and their name is known."""
        room = await self.joining.accept(code, seconds)
        if self._has_met(room):
            return room
        met = asyncio.Event()
        self._awaited[met] = room
        try:
            await wait(met, INVITER_SECONDS)
        finally:
            del self._awaited[met]
        return room

    def _has_met(self, room: Room) -> bool:
        """Is there nobody to wait for (any more)?"""
        inviter = room.record.invited_by
        is_here = not inviter or (inviter in room.online() and bool(room.members.name(inviter)))
        return is_here or room.id not in self._replica.places

    async def close(self) -> None:
        """Nobody comes in any more."""
        for met in self._awaited:
            met.set()
        await self.joining.close()
        self.inviting.close()

    def _known(self) -> list[tuple[Endpoint, ...]]:
        dialled = [target.endpoints for target in self._dialer.book]
        there = {endpoint for endpoints in dialled for endpoint in endpoints}
        return dialled + [(endpoint,) for endpoint in self.elsewhere() if endpoint not in there]

    def is_online(self, room: bytes, identity: bytes) -> bool:
        """Whether somebody is there in a room, authenticated."""
        place = self._replica.places.get(room)
        return place is not None and identity in place.room.online()

    def closed(self, room: bytes) -> Closed | None:
        """Why nobody may come into a room (any more), if so. That its door is closed has to be written there: anybody who is in it
        could say so to us alone."""
        if not self._replica.is_active(room) or self._replica.places[room].room.record.archived:
            return "cancelled"
        return "sealed" if self._replica.places[room].room.door.is_closed else None

    async def _join(self, terms: Terms, inviter: bytes) -> Room:
        return await self._enter(private_room(terms, self._clock.wall(), invited_by=inviter))

    def _meet(self, identity: bytes, endpoint: Endpoint) -> None:
        """Who has just let us in is dialled at once, also where nobody announces them."""
        now = self._clock.mono()
        if not self._dialer.is_linked(identity):
            self._dialer.remember(*endpoint, identity, now)
        self._dialer.changed_rooms(now)

    def _used(self, code: Invited, identity: bytes) -> None:
        self._news.publish(events.InviteUsed(code=code.spoken, peer=self._news.peer_view(identity), room=code.room.hex()))

    def _dead(self, code: Invited, why: Death) -> None:
        helps = why in {"expired", "guessed"}
        self._news.publish(events.InviteDead(code=code.spoken, fresh=helps, reason=why, room=code.room.hex()))
