"""The node's API: invitations (docs/rpc.md, `rooms.invite`, `rooms.cancel_invite`, `rooms.accept`)."""

from __future__ import annotations

from peertalk.core import codes, events
from peertalk.core.invite import MAX_SECONDS, MAX_USES, MIN_SECONDS
from peertalk.core.wordlist import LANGUAGES, Language
from peertalk.errors import RequestError
from peertalk.node.calls import Calls
from peertalk.node.interfaces import usable
from peertalk.node.invitations import Invited


class InviteCalls(Calls):
    """See the module."""

    async def invite(self, room: str, uses: int = 1, ttl: int = 600, language: str | None = None) -> events.Invite:
        """A code for a private room, to be said aloud, with a link that says the same: for so many uses, for so many seconds. The words
        are of `language`, or of that of the room. RequestError unknown_room; sealed; refused with why (not_private, reformed, too_many,
        bounds)."""
        found = self._private(room)
        record = found.record
        if found.is_sealed:
            raise RequestError("sealed", room=self._life.views.room_name(found))
        if not (1 <= uses <= MAX_USES and MIN_SECONDS <= ttl <= MAX_SECONDS):
            raise RequestError("refused", why="bounds")
        spoken = _language(language) or _language(record.language) or LANGUAGES[0]
        return self._invite_view(await self._life.entrance.inviting.invite(record, uses, ttl, spoken))

    def invites(self, room: str | None = None) -> list[events.Invite]:
        """The codes by which somebody may come in now, to this room or to any."""
        id_ = self._life.lookup.room(room).id if room is not None else None
        return [self._invite_view(one) for one in self._life.entrance.inviting.alive(id_)]

    async def cancel_invite(self, code: str) -> None:
        """Take a code (or a link) back: nobody comes in by it any more. RequestError bad_code; refused (not_yours)."""
        if not self._life.entrance.inviting.cancel(codes.parse(code)):
            raise RequestError("refused", why="not_yours")

    async def accept(self, code: str, timeout: float = 30) -> events.Room:  # noqa: ASYNC109 - the time is the person's
        """The room that a code or a link leads to, once it is joined, with its inviter in it if they are there within a second.
        RequestError bad_code with reason, sealed, not_reachable."""
        room = await self._life.entrance.accept(codes.parse(code), timeout)
        return self._life.news.room_view(room)

    def _invite_view(self, invited: Invited) -> events.Invite:
        return events.Invite(
            code=invited.spoken,
            link=codes.link(invited.link.slot, invited.link.secret, self._hints()),
            uses=invited.uses,
            expires_at=invited.expires,
            room=invited.room.hex(),
            used=invited.used,
        )

    def _hints(self) -> list[codes.Hint]:
        """Where one listens, for networks that filter multicast. (Those that may not stand in a link are left out by it.)"""
        present = usable(self._life.present(), self._life.settings.interfaces)
        return [(host, self._life.listener.port) for one in present for host in one.literals()]


def _language(name: str | None) -> Language | None:
    return next((one for one in LANGUAGES if one == name), None)
