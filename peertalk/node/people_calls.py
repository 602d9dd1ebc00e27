"""The node's API: people (docs/rpc.md, `peers.*`)."""

from __future__ import annotations

from peertalk.core import events
from peertalk.node.calls import Calls


class PeopleCalls(Calls):
    """See the module."""

    async def peers(self) -> list[events.Peer]:
        views = [self._life.views.peer(identity) for identity in self._life.lookup.people()]
        return sorted(views, key=lambda peer: (not peer.online, peer.name.casefold(), peer.id))

    async def connect(self, host: str, port: int, timeout: float = 10) -> None:  # noqa: ASYNC109 - the time is the person's
        """Be linked with whoever listens there, and stay so. RequestError bad_address; not_reachable with why."""
        await self._life.connector.connect(host, port, timeout)

    async def block(self, peer: str) -> events.Peer:
        """See and hear nothing more of somebody, on this screen and over links."""
        return await self._set_blocked(self._life.lookup.peer(peer), blocked=True)

    async def unblock(self, peer: str) -> events.Peer:
        """Take a block back: everything is there again."""
        return await self._set_blocked(self._life.lookup.peer(peer), blocked=False)

    async def _set_blocked(self, identity: bytes, *, blocked: bool) -> events.Peer:
        await self._life.people.block(identity, blocked=blocked)
        if blocked:
            self._life.links.hang_up(identity, "blocked")
            self._life.replica.crowds.ignore(identity)
        else:
            self._life.dialer.changed_rooms(self._life.clock.mono())
        self._life.replica.resume()  # who is blocked stops no room
        self._life.engine.turn()
        for room in self._life.lookup.rooms():
            await self._life.count_unread(room)
        view = self._life.views.peer(identity)
        self._life.news.publish(events.PeerChanged(peer=view, change="blocked" if blocked else "unblocked"))
        return view
