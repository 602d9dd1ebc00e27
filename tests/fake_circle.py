"""What a fake node does with private rooms, invitations and trust: the Node API, over rooms and people in dictionaries."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from peertalk import i18n
from peertalk.core import codes
from peertalk.core.emoji import as_emoji
from peertalk.core.events import (
    AnyEvent,
    Emoji,
    Ended,
    IdentityView,
    Invite,
    InviteDead,
    InviteUsed,
    Member,
    Offer,
    Peer,
    PeerChanged,
    ReformOffer,
    Room,
    RoomChanged,
    Symbol,
    VerifyRequest,
    Words,
)
from peertalk.core.wordlist import WORDS, Language
from peertalk.core.words import as_words
from peertalk.errors import RequestError

TEN = bytes(map(WORDS["en"].index, "river candle anchor window tiger bread violin island pepper comet".split()))  # noqa: SIM905
CODE = bytes(WORDS["en"].index(word) for word in ("guitar", "meadow", "comet"))
SEVEN = bytes.fromhex("001083105180")
"""The first seven emoji, as 42 bits."""
LATER = 10 * 60_000


def _spoken(language: str | None) -> Language:
    return "de" if language == "de" else "en"


@dataclass(kw_only=True)
class FakeCircle:
    """A mixin. `doors` are the codes of others, with what accepting them gives; `before_accept` and `before_verify` hold these back
    until they are set; `shown` are the rooms and people whose words and symbols were asked for; `now` is when an invitation is made
    (Unix ms)."""

    rooms_by_id: dict[str, Room] = field(default_factory=dict)
    peers_by_id: dict[str, Peer] = field(default_factory=dict)
    doors: dict[str, Room | RequestError] = field(default_factory=dict)
    invites_by_code: dict[str, Invite] = field(default_factory=dict)
    offers_by_id: dict[str, Offer] = field(default_factory=dict)
    invited_by: dict[tuple[str, str], str] = field(default_factory=dict)
    shown: set[str] = field(default_factory=set)
    gathering: bool = False
    differ: list[Peer] = field(default_factory=list)
    before_accept: asyncio.Event | None = None
    before_verify: asyncio.Event | None = None
    now: int = 1_795_539_600_000

    # what the whole fake has besides

    def emit(self, *events: AnyEvent) -> None:
        raise NotImplementedError

    def _ask(self, *call: object) -> None:
        raise NotImplementedError

    @property
    def me(self) -> IdentityView:
        raise NotImplementedError

    async def room(self, room: str) -> Room:
        raise NotImplementedError

    async def members(self, room: str) -> list[Member]:
        raise NotImplementedError

    # ── for the script ───────────────────────────────────────────────────────────────────────────────────────────────

    def uses(self, code: str, peer: Peer) -> None:
        """Somebody comes in by a code of ours; with the last use it is dead."""
        invite = self.invites_by_code[code]
        self.invites_by_code[code] = invite = msgspec.structs.replace(invite, used=invite.used + 1)
        known = self.peers_by_id.get(peer.id, peer)
        self.peers_by_id[peer.id] = known = msgspec.structs.replace(known, rooms=[*known.rooms, invite.room])
        self.emit(InviteUsed(code=code, peer=known, room=invite.room))
        if invite.used >= invite.uses:
            self.dies(code, "used_up", fresh=False)

    def dies(self, code: str, reason: str, *, fresh: bool = True) -> None:
        """A code of ours lets nobody in any more."""
        invite = self.invites_by_code.pop(code)
        self.emit(InviteDead(code=code, fresh=fresh, reason=reason, room=invite.room))

    def asks_to_verify(self, peer: Peer) -> None:
        """Somebody wants to compare symbols."""
        self.emit(VerifyRequest(peer=peer))

    def offers_to_follow(self, room: Room, by: Peer, without: list[Peer], still_shared: tuple[str, ...] = ()) -> Offer:
        """Somebody has started a room anew."""
        offer = Offer(
            offer=f"offer-{len(self.offers_by_id)}",
            room=room.id,
            name=room.name,
            by=by,
            without=without,
            followers=[by],
            still_shared=list(still_shared),
        )
        self.offers_by_id[offer.offer] = offer
        self.emit(ReformOffer(offer=offer.offer, room=room.id, by=by, without=without))
        return offer

    def change(self, room: str, change: str, **fields: object) -> Room:
        """Something is different about a room, and everybody is told."""
        self.rooms_by_id[room] = changed = msgspec.structs.replace(self.rooms_by_id[room], **fields)
        self.emit(RoomChanged(room=changed, change=change))  # type: ignore[arg-type]  # one of RoomChange
        return changed

    # ── the Node API ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def create(
        self, name: str, retention: Literal["forever", "session"] | int = "forever", language: str | None = None
    ) -> Room:
        self._ask("create", name, retention, language)
        if not name.strip():
            raise RequestError("bad_name", why="empty", name=name)
        room = Room(
            id=f"room-{name}", name=name, kind="private", members=1, online=1, retention=retention, language=language or "en"
        )
        return self._enter(room)

    def _enter(self, room: Room) -> Room:
        self.rooms_by_id[room.id] = room
        self.emit(RoomChanged(room=room, change="joined"))
        return room

    async def _private(self, room: str) -> Room:
        found = await self.room(room)
        if found.kind != "private":
            raise RequestError("refused", why="not_private")
        if found.archived:
            raise RequestError("refused", why="reformed")
        return found

    def _peer(self, peer: str) -> Peer:
        found = next((each for each in self.peers_by_id.values() if peer in (each.id, each.name)), None)
        if found is None:
            raise RequestError("unknown_peer", peer=peer)
        return found

    async def invite(self, room: str, uses: int = 1, ttl: int = 600, language: str | None = None) -> Invite:
        self._ask("invite", room, uses, ttl, language)
        found = await self._private(room)
        if found.sealed:
            raise RequestError("sealed", room=found.name)
        slot = 7 + len(self.invites_by_code)
        invite = Invite(
            code=codes.spoken(slot, CODE, _spoken(language or found.language)),
            link=f"peertalk:1/{slot}/abcdefghijklmnopqrstuvwxyz?at=192.168.1.20:47000",
            uses=uses,
            expires_at=self.now + 1000 * ttl,
            room=found.id,
        )
        self.invites_by_code[invite.code] = invite
        return invite

    def invites(self, room: str | None = None) -> list[Invite]:
        return [each for each in self.invites_by_code.values() if room in (None, each.room)]

    async def cancel_invite(self, code: str) -> None:
        self._ask("cancel_invite", code)
        if code not in self.invites_by_code:
            raise RequestError("bad_code", reason="not_found", code=code)
        self.dies(code, "cancelled")

    async def accept(self, code: str, timeout: float = 30) -> Room:  # noqa: ASYNC109 (as Node has it)
        self._ask("accept", code, timeout)
        if self.before_accept is not None:
            await self.before_accept.wait()
        behind = self.doors.get(code, RequestError("bad_code", reason="not_found"))
        if isinstance(behind, RequestError):
            raise behind
        return self._enter(behind)

    async def words(self, room: str, language: str | None = None) -> Words:
        self._ask("words", room, language)
        found = await self.room(room)
        members = await self.members(found.id)
        self.shown.add(found.id)
        ten = list(as_words(TEN, _spoken(language or found.language)))
        return Words(words=ten, gathering=self.gathering, differ=list(self.differ), members=members)

    async def verified(self, room: str, present: list[str]) -> list[Member]:
        self._ask("verified", room, present)
        if (await self.room(room)).id not in self.shown:
            raise RequestError("refused", why="not_compared")
        for peer in present:
            self._trust(self._peer(peer), "verified")
        return await self.members(room)

    def _trust(self, peer: Peer, trust: Literal["known", "verified"]) -> Peer:
        self.peers_by_id[peer.id] = changed = msgspec.structs.replace(peer, trust=trust)
        self.emit(PeerChanged(peer=changed, change="trust"))
        return changed

    async def verify(self, peer: str) -> Emoji:
        self._ask("verify", peer)
        if not self._peer(peer).online:
            raise RequestError("not_reachable", why="away", name=self._peer(peer).name)
        if self.before_verify is not None:
            await self.before_verify.wait()
        self.shown.add(self._peer(peer).id)
        return Emoji(emoji=[Symbol(*pair) for pair in as_emoji(SEVEN, _spoken(i18n.language()))])

    async def confirm(self, peer: str, matches: bool) -> Peer:
        self._ask("confirm", peer, matches)
        if matches and self._peer(peer).id not in self.shown:
            raise RequestError("refused", why="not_compared")
        return self._trust(self._peer(peer), "verified" if matches else "known")

    async def seal(self, room: str) -> Room:
        self._ask("seal", room)
        return self.change((await self._private(room)).id, "sealed", sealed=True)

    async def unseal(self, room: str) -> Room:
        self._ask("unseal", room)
        return self.change((await self._private(room)).id, "unsealed", sealed=False)

    async def admit(self, room: str, peer: str) -> Room:
        self._ask("admit", room, peer)
        self._peer(peer)
        return await self._private(room)

    async def end(self, room: str) -> Ended:
        self._ask("end", room)
        found = await self._private(room)
        if found.retention != "session":
            self.change(found.id, "ended")
            return Ended(stays=["messages", "members", "room"], forgotten=["key"])
        del self.rooms_by_id[found.id]
        self.emit(RoomChanged(room=found, change="left"))
        return Ended(stays=[], forgotten=["messages", "members", "room"])

    async def reform(self, room: str, without: list[str]) -> Room:
        self._ask("reform", room, without)
        found = await self._private(room)
        return self._anew(found, [self._peer(peer) for peer in without])

    def _anew(self, old: Room, without: list[Peer]) -> Room:
        self.change(old.id, "archived", archived=True)
        gone = {peer.id for peer in without}
        for peer in list(self.peers_by_id.values()):
            if old.id in peer.rooms and peer.id not in gone:
                self.peers_by_id[peer.id] = msgspec.structs.replace(peer, rooms=[*peer.rooms, old.id + "-anew"])
        return self._enter(
            msgspec.structs.replace(old, id=old.id + "-anew", members=1, online=1, unread=0, sealed=False, predecessor=old.id)
        )

    async def offers(self) -> list[Offer]:
        return list(self.offers_by_id.values())

    async def follow(self, offer: str) -> Room:
        self._ask("follow", offer)
        made = self._taken(offer)
        return self._anew(self.rooms_by_id[made.room], made.without)

    async def decline(self, offer: str) -> None:
        self._ask("decline", offer)
        self._taken(offer)

    def _taken(self, offer: str) -> Offer:
        if offer not in self.offers_by_id:
            raise RequestError("unknown_offer", offer=offer)
        return self.offers_by_id.pop(offer)
