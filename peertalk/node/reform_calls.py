"""The node's API: rooms that are re-formed (docs/rpc.md, `rooms.reform`, `rooms.offers`, `rooms.follow`, `rooms.decline`)."""

from __future__ import annotations

from peertalk.core import events
from peertalk.core.identity import tag
from peertalk.core.room import Room
from peertalk.core.rooms import MAX_WITHOUT
from peertalk.core.stored import OfferRecord, RoomRecord
from peertalk.errors import RequestError
from peertalk.node.calls import Calls


class ReformCalls(Calls):
    """See the module."""

    async def reform(self, room: str, without: list[str]) -> events.Room:
        """Start a private room anew without these people; all others are asked to come along. The old one stays to be read.

        RequestError unknown_room, unknown_peer, ambiguous_name; refused with why: not_private, reformed (that one is only read any
        more), nobody, too_many (32), self, not_member."""
        found = self._private(room)
        people = {self._member(found, reference) for reference in without}
        if not 1 <= len(people) <= MAX_WITHOUT:
            raise RequestError("refused", why="too_many" if people else "nobody", limit=MAX_WITHOUT)
        return await self._arrived(
            self._life.replica.reforming.reform(found.id, people, self._life.random(32), self._life.now())
        )

    def _member(self, room: Room, reference: str) -> bytes:
        me = self._life.views.me
        if reference in (me.id, me.tag, me.name, f"{me.name}·{me.tag}"):
            raise RequestError("refused", why="self")
        identity = self._life.lookup.peer(reference)
        if identity not in room.everyone():
            raise RequestError("refused", why="not_member", name=self._life.views.name(identity), tag=tag(identity))
        return identity

    async def offers(self) -> list[events.Offer]:
        """Rooms that were started anew, to which one is asked to come along, the oldest first."""
        return [self._life.views.offer(offer) for offer in self._life.replica.reforming.offers.open()]

    async def follow(self, offer: str) -> events.Room:
        """Come along; the new room. RequestError unknown_offer."""
        found = self._offer(offer)
        return await self._arrived(self._life.replica.reforming.follow(found.room, self._life.now()))

    async def decline(self, offer: str) -> None:
        """Stay, and not be asked about this again; nobody is told. RequestError unknown_offer."""
        self._life.replica.reforming.offers.decline(self._offer(offer).room)
        await self._life.committed()

    def _offer(self, reference: str) -> OfferRecord:
        try:
            found = self._life.replica.reforming.offers.get(bytes.fromhex(reference))
        except ValueError:
            found = None
        if found is None:
            raise RequestError("unknown_offer", offer=reference)
        return found

    async def _arrived(self, record: RoomRecord) -> events.Room:
        await self._life.committed()
        self._life.people.acquaintances.refresh()
        self._life.dialer.changed_rooms(self._life.clock.mono())
        return self._life.news.room_view(self._life.replica.places[record.id].room)
