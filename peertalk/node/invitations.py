"""Inviting: the codes of this process, and whoever comes with one (docs/protocol.md, "Invitations")."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from peertalk import text
from peertalk.core import slots
from peertalk.core.channel import ChannelEvent
from peertalk.core.codes import Code, spoken
from peertalk.core.entry import Random
from peertalk.core.invite import Closed, Death, Invitation
from peertalk.core.pairing import Asked, Came, Confirmed, SlotFound, Status
from peertalk.core.rooms import encode_terms, terms_of
from peertalk.core.spake import Reply, Way, reply
from peertalk.core.stored import RoomRecord
from peertalk.core.wordlist import Language
from peertalk.errors import RemoteError, RequestError
from peertalk.node.link import Link
from peertalk.node.ports import Clock
from peertalk.node.targets import Endpoint
from peertalk.node.visits import Seeks, visit

log = logging.getLogger("peertalk.invitations")

MAX_ALIVE = 16
MAX_ANSWERED = 64
LOOK_SECONDS = 0.7
LOOKS = 4
MAX_LOOKED_AT = 64
MORE_HALF_OPEN = 48  # from one source, while many are expected: they may sit behind one address
NONE_YET = "no_code"


@dataclass(slots=True, eq=False)
class Invited:
    """A code of ours, for the room with these terms (b"" once we are out of it: what is forgotten is nowhere). `came` are those who
    say that they came by it and were not met in the room yet."""

    room: bytes
    terms: bytes
    language: Language
    words: Code
    link: Code
    invitation: Invitation
    expires: int
    uses: int
    used: int = 0
    told: bool = False
    came: set[bytes] = field(default_factory=set)

    @property
    def spoken(self) -> str:
        """The code as it is said."""
        return spoken(self.words.slot, self.words.secret, self.language)

    def password(self, way: Way) -> bytes:
        return (self.words if way is Way.WORDS else self.link).password


class Told(NamedTuple):
    """Who is told of everybody who has come, of those who got the room and ended without saying who they are, and of each code once
    it is dead."""

    used: Callable[[Invited, bytes], None]
    unnamed: Callable[[Invited], None]
    dead: Callable[[Invited, Death], None]


class Rooms(Protocol):
    """How the rooms stand."""

    def is_online(self, room: bytes, identity: bytes) -> bool:
        """Whether somebody is there, authenticated."""
        ...

    def closed(self, room: bytes) -> Closed | None:
        """Why nobody may come in (any more), if so."""
        ...


class Invitations:
    """Links bring pairings here (`slots`, `happened`, `ended`). `known` tells where peers are, `source` what an address counts as."""

    def __init__(
        self,
        links: Seeks,
        clock: Clock,
        random: Random,
        *,
        identity: bytes,
        known: Callable[[], Iterable[tuple[Endpoint, ...]]],
        source: Callable[[str], str],
        rooms: Rooms,
        told: Told,
    ) -> None:
        self._links, self._clock, self._random, self._identity = links, clock, random, identity
        self._known, self._source, self._rooms = known, source, rooms
        self._told = told
        self._tasks: set[asyncio.Task[None]] = set()
        self._codes: list[Invited] = []
        self._taking: set[int] = set()  # slots that are looked at
        self._visits: dict[int, tuple[Link, Invited, Asked]] = {}
        self._given: dict[int, Invited] = {}
        self._computing = asyncio.Semaphore(2)  # more would keep the loop from everything else
        self._timer: asyncio.TimerHandle | None = None
        self._is_closed = False

    # ── codes ────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def invite(self, record: RoomRecord, uses: int, seconds: float, language: Language) -> Invited:
        """A new code for a private room. RequestError("refused", why="too_many"); sealed, unknown_room (closed or left meanwhile)."""
        if sum(self._is_alive(one) for one in self._codes) + len(self._taking) >= MAX_ALIVE:
            raise RequestError("refused", why="too_many")
        slot = self._take_slot(())
        try:
            for _ in range(LOOKS):
                taken = await self._look()
                if slot not in taken:
                    break
                self._taking.discard(slot)
                slot = self._take_slot(taken)
        finally:
            self._taking.discard(slot)
        self._check(record)  # again: it took its time
        now = self._clock.mono()
        invitation = Invitation(slot=slot, uses=uses, seconds=seconds, now=now)
        words, link = Code(slot, "words", self._random(3)), Code(slot, "link", self._random(16))
        expires = self._clock.wall() + int(seconds * 1000)
        invited = Invited(record.id, encode_terms(terms_of(record)), language, words, link, invitation, expires, uses)
        self._codes.append(invited)
        self._tidy()
        return invited

    def _check(self, record: RoomRecord) -> None:
        match self._rooms.closed(record.id):
            case "sealed":
                raise RequestError("sealed", room=text.line(record.name))
            case "cancelled":
                raise RequestError("unknown_room", room=text.line(record.name))

    def cancel(self, code: Code) -> bool:
        """Take a code back; False where there is none such alive."""
        mine = next((one for one in self._codes if self._is_alive(one) and _same(code, one)), None)
        if mine is not None:
            mine.invitation.end("cancelled", self._clock.mono())
            self._go_on(mine)
        return mine is not None

    def look_after(self, room: bytes) -> None:
        """Something has changed about a room: it may have been left, or its door closed."""
        for one in [one for one in self._codes if one.room == room]:
            self._go_on(one)
            if self._rooms.closed(room) == "cancelled":
                one.terms = b""

    def alive(self, room: bytes | None = None) -> list[Invited]:
        """The codes by which somebody may come in now, of this room or of all."""
        return [one for one in self._codes if self._is_alive(one) and room in {None, one.room}]

    def expected(self) -> int:
        """How many more connections from one source are to be let in than ever: many who are invited may sit behind one address."""
        to_come = sum(one.invitation.uses - 1 for one in self.alive())
        return min(MORE_HALF_OPEN, to_come + len(self._visits) + len(self._given))

    def close(self) -> None:
        """Nothing more is done. Links are closed by whoever has made them."""
        self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()
        for task in self._tasks:
            task.cancel()

    # ── slots ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def slots(self) -> Collection[int]:
        """In which of them one is to be found."""
        now = self._clock.mono()
        return {one.invitation.slot for one in self._codes if not one.invitation.is_gone(now)} | self._taking

    def _take_slot(self, taken: Collection[int]) -> int:
        slot = slots.choose({*taken, *self.slots()}, self._random)
        self._taking.add(slot)
        return slot

    async def _look(self) -> set[int]:
        """Which slots others have whom one can see."""
        seen: set[int] = set()
        known = sorted(self._known(), key=lambda _: self._random(8))[:MAX_LOOKED_AT]
        looks = [asyncio.create_task(self._look_at(endpoints, seen)) for endpoints in known]
        if looks:
            await asyncio.wait(looks, timeout=LOOK_SECONDS)
        for look in looks:
            look.cancel()
        await asyncio.gather(*looks, return_exceptions=True)
        return seen

    async def _look_at(self, endpoints: tuple[Endpoint, ...], seen: set[int]) -> None:
        found = await visit(self._links, endpoints, slots.ALL)
        if found is None:
            return
        try:
            event = await found.next()
            if isinstance(event, SlotFound):
                seen |= event.slots
        finally:
            found.close("spare")

    # ── who comes ────────────────────────────────────────────────────────────────────────────────────────────────────

    def happened(self, link: Link, event: ChannelEvent) -> None:
        """Somebody has said something in a pairing."""
        match event:
            case Asked(bound, _):
                self._ask(link, event, self._of_slot(bound.slot))
            case Confirmed():
                self._give(link)
            case Came(identity):
                self._came(self._given.pop(link.id), identity)

    def ended(self, link: Link) -> None:
        """A pairing is over, or was cut."""
        given = self._given.pop(link.id, None)
        if given is not None:
            self._told.unnamed(given)
        _, invited, _ = self._visits.pop(link.id, (None, None, None))
        if invited is not None:
            invited.invitation.lose(link.id)
            self._go_on(invited)

    def met(self, room: bytes, identity: bytes) -> None:
        """Somebody is there in a room, authenticated."""
        for one in self._codes:
            if one.room == room and identity in one.came:
                one.came.discard(identity)
                self._told.used(one, identity)

    def _of_slot(self, slot: int) -> Invited | None:
        """The code of this slot: one that is alive, before one that died last."""
        of_slot = [one for one in self._codes if one.invitation.slot == slot]
        return next((one for one in of_slot if self._is_alive(one)), of_slot[-1] if of_slot else None)

    def _ask(self, link: Link, asked: Asked, invited: Invited | None) -> None:
        if invited is None:
            link.close(NONE_YET)
            return
        self._visits[link.id] = (link, invited, asked)
        invited.invitation.ask(link.id, self._source(link.address[0]), asked.bound.way)
        self._go_on(invited)

    def _go_on(self, invited: Invited) -> None:
        """See whose turn it is, and whether the code has died."""
        if self._is_closed:
            return
        self._end_if_over(invited)
        for turn in invited.invitation.turns(self._clock.mono()):
            link, _, asked = self._visits[turn.visit]
            if turn.status is Status.GO_ON:
                task = asyncio.create_task(self._answer(link, asked, invited.password(asked.bound.way)))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            else:
                del self._visits[turn.visit]
                _deny(link, turn.status)
        self._tidy()

    def _end_if_over(self, invited: Invited) -> None:
        """Whatever has happened to its room; and its time goes on while the machine sleeps, though that of the machine may not."""
        why = self._rooms.closed(invited.room) or ("expired" if self._clock.wall() >= invited.expires else None)
        if why is not None:
            invited.invitation.end(why, self._clock.mono())

    async def _answer(self, link: Link, asked: Asked, password: bytes) -> None:
        try:
            async with self._computing:
                mine: Reply = await asyncio.to_thread(reply, asked.bound, password, asked.element, self._random)
        except RemoteError as error:
            link.close(error.kind)
        else:
            link.pair(lambda pairing, now: pairing.answer(mine.element, mine.confirmations, now))

    def _give(self, link: Link) -> None:
        _, invited, _ = self._visits.pop(link.id)
        self._end_if_over(invited)
        status = invited.invitation.confirm(link.id, self._clock.mono())
        if not invited.terms:  # we went while somebody was under way whose code has just expired
            status = Status.EXPIRED
        if status is Status.GO_ON:
            invited.used += 1
            self._given[link.id] = invited
            link.pair(lambda pairing, now: pairing.give(self._identity, invited.terms, now))
        else:
            _deny(link, status)
        self._go_on(invited)

    def _came(self, invited: Invited, identity: bytes) -> None:
        invited.came.add(identity)
        if self._rooms.is_online(invited.room, identity):
            self.met(invited.room, identity)

    # ── time ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _is_alive(self, invited: Invited) -> bool:
        return invited.invitation.is_alive(self._clock.mono()) and self._clock.wall() < invited.expires

    def _tidy(self) -> None:
        """Tell of the dead, forget those of long ago, and be back when time changes something."""
        now = self._clock.mono()
        for one in self._codes:
            why = one.invitation.died(now)
            if why is not None and not one.told:
                one.told = True
                log.info("a code is dead: %s", why)
                self._told.dead(one, why)
        kept = [one for one in self._codes if not one.invitation.is_gone(now)]
        surplus = [one for one in kept if not self._is_alive(one)][: max(0, len(kept) - MAX_ANSWERED)]
        self._codes = [one for one in kept if one not in surplus]
        self._set_timer(min((one.invitation.wake(now) for one in self._codes), default=None), now)

    def _set_timer(self, at: float | None, now: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if at is None else asyncio.get_running_loop().call_later(max(0.0, at - now), self._wake)

    def _wake(self) -> None:
        for one in list(self._codes):
            self._go_on(one)
        self._tidy()


def _deny(link: Link, status: Status) -> None:
    link.pair(lambda pairing, _: pairing.deny(status))


def _same(code: Code, invited: Invited) -> bool:
    mine = invited.words if code.way == "words" else invited.link
    return (code.slot, code.secret) == (mine.slot, mine.secret)
