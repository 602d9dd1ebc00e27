"""Comparing with others: emoji with one of them, words with a whole room (docs/protocol.md, "Who is who")."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from nacl import pwhash

from peertalk.core import events, rolls
from peertalk.core.effects import EmojiMade, Notice, RollsChanged, RoomWent, VerifyAsked, VerifyFailed
from peertalk.core.outlet import Now
from peertalk.core.rates import Bucket
from peertalk.core.rolls import Unity
from peertalk.core.room import Room
from peertalk.core.sync import Replica
from peertalk.errors import RequestError
from peertalk.node.news import News
from peertalk.node.views import Views

WORDS = 10
TRIES = 3
ASKED, ASKED_A_SECOND = 16, 0.1
"""Identities cost nothing, and each can ask: so many who are new are told of at once, then one in ten seconds."""
_SALT = b"peertalk/1 words"
_ARGON_OPS, _ARGON_MEMORY, _ARGON_SIZE = 3, 64 * 1024 * 1024, 32


def room_words(secret: bytes, roster: bytes) -> bytes:
    """The ten bytes that are said as words: Argon2id, some tens of milliseconds, so never on the event loop."""
    made = pwhash.argon2id.kdf(_ARGON_SIZE, secret + roster, _SALT, opslimit=_ARGON_OPS, memlimit=_ARGON_MEMORY)
    return made[:WORDS]


@dataclass(slots=True)
class Shown:
    """The words of a room as they were asked for last: what they follow from, and for whom they stand."""

    roll: bytes
    members: list[events.Member]
    told: bytes
    unity: Unity = field(default_factory=Unity)


class Comparing:
    """`turn` is called after something was put into the replica."""

    def __init__(self, replica: Replica, views: Views, news: News, now: Callable[[], Now], turn: Callable[[], None]) -> None:
        self._replica, self._views, self._news, self._now, self._turn = replica, views, news, now, turn
        self._asked = Bucket(ASKED, ASKED_A_SECOND, now().mono)
        self._waiting: dict[bytes, set[asyncio.Future[bytes]]] = {}
        self.compared: set[bytes] = set()
        """With whom emoji were shown since the start."""
        self._shown: dict[bytes, Shown] = {}
        self._made: dict[bytes, tuple[bytes, bytes]] = {}
        self._making = asyncio.Lock()

    def tell(self, notice: Notice) -> None:
        """What the replica notices of it."""
        match notice:
            case VerifyAsked(identity):
                if self._views.trust(identity) != "new" or self._asked.take(1, self._now().mono):
                    self._news.publish(events.VerifyRequest(peer=self._views.peer(identity)))
            case EmojiMade(identity, emoji):
                self.compared.add(identity)
                for future in self._take(identity):
                    future.set_result(emoji)
            case VerifyFailed(identity, why):
                self._fail(identity, why)
            case RollsChanged(room):
                self._room_changed(room)
            case RoomWent(room):
                self._shown.pop(room, None)
                self._made.pop(room, None)

    # ── emoji ────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def emoji(self, identity: bytes) -> bytes:
        """What both see, once the other one wants to compare too. RequestError("not_reachable") with why: `away`, `gone`,
        `cancelled` (by the other one), `timeout`, `failed`, `closing`."""
        if not any(link.identity == identity for link in self._replica.links.values()):
            raise RequestError("not_reachable", why="away", peer=identity.hex())
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(identity, set()).add(future)
        self._replica.verifying.want(identity, self._now().mono)
        self._turn()
        try:
            return await future
        finally:
            self._forget(identity, future)

    def _forget(self, identity: bytes, future: asyncio.Future[bytes]) -> None:
        """Who does not wait any more, and nobody else does either, does not want to compare."""
        waiting = self._waiting.get(identity, set())
        if future in waiting:
            waiting.discard(future)
            if not waiting:
                del self._waiting[identity]
                self._replica.verifying.drop(identity)
                self._turn()

    def _take(self, identity: bytes) -> list[asyncio.Future[bytes]]:
        return [future for future in self._waiting.pop(identity, ()) if not future.done()]

    def _fail(self, identity: bytes, why: str) -> None:
        for future in self._take(identity):
            future.set_exception(RequestError("not_reachable", why=why, peer=identity.hex()))

    def close(self) -> None:
        """Nobody is waited for any more."""
        for identity in list(self._waiting):
            self._fail(identity, "closing")

    # ── the words of a room ──────────────────────────────────────────────────────────────────────────────────────────

    async def words(self, room: Room) -> tuple[bytes, Unity, list[events.Member]]:
        """The ten bytes, whether all see the same, and for whom they stand. Who changes meanwhile changes them too."""
        shown, made = await self._show(room)
        for _ in range(TRIES):
            if rolls.roll(room) == shown.roll:
                break
            shown, made = await self._show(room)
        shown.unity = self._replica.rolls.unity(room.id)
        return made, shown.unity, shown.members

    async def _show(self, room: Room) -> tuple[Shown, bytes]:
        roll = rolls.roll(room)
        self._shown[room.id] = shown = Shown(roll, self._views.members(room), roll)
        return shown, await self._make(room, roll)

    async def _make(self, room: Room, roll: bytes) -> bytes:
        """Each is made once, and one at a time: it takes 64 MiB."""
        secret, roster = room.record.secret, rolls.roster(room)
        async with self._making:
            kept = self._made.get(room.id)
            if kept is None or kept[0] != roll:
                kept = self._made[room.id] = roll, await asyncio.to_thread(room_words, secret, roster)
            return kept[1]

    def stood_for(self, room: Room) -> list[events.Member]:
        """For whom the words stood that were shown last. RequestError("refused") with why `not_compared` if none were."""
        shown = self._shown.get(room.id)
        if shown is None:
            raise RequestError("refused", why="not_compared")
        return shown.members

    def _room_changed(self, id_: bytes) -> None:
        """Tell who looks at the words of a room that they are others now, or who sees others."""
        place, shown = self._replica.places.get(id_), self._shown.get(id_)
        if place is None or shown is None:
            return
        roll, unity = rolls.roll(place.room), self._replica.rolls.unity(id_)
        if roll != shown.told:
            shown.told = roll
            self._news.publish(events.RoomChanged(room=self._news.room_view(place.room), change="words"))
        elif unity != shown.unity:
            self._news.publish(events.RoomChanged(room=self._news.room_view(place.room), change="members"))
        shown.unity = unity
