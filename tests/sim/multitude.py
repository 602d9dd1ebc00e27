"""Hundreds in one room, and a schedule drawn from a seed: what must hold in small worlds, as far as it can be looked at in large ones.

They come, talk, crash and come back, leave and come again, are parted and meet again, and some of them lie. It is the real core; what
costs most and says nothing about it is cheap: signatures are hashes, so are the secrets of direct rooms, and a message is what was sent,
not decoded once more for each of hundreds.
"""

from __future__ import annotations

import gc
import hashlib
import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from unittest.mock import patch

from peertalk.core import cards, wire
from peertalk.core.effects import Arrived, Claimed, MembersChanged, Presence, RollsChanged, Send, Wake
from peertalk.core.identity import Identity
from peertalk.core.sync import Replica
from peertalk.errors import RemoteError
from tests.core.authors import ROOM, Author
from tests.sim import crowd as crowds
from tests.sim.crowd import Crowd, Guest
from tests.sim.mallory import Liar
from tests.sim.network import FULL, TAKES_AGAIN, Way
from tests.sim.signer import keyed_hashes
from tests.sim.world import PAYLOAD, Host, World

FEWEST, MOST = 50, 300
MANY = 150
"""In rooms of more people not all happens that may happen: it would take most of the time of all runs."""
COURSES = ("fall",), ("part",), ("part", "meet_again"), ("fall", "part", "meet_again")
"""What may happen to them after they have come (large.py), in that order; all of it but in larger rooms, and the first in huge ones."""
SEEN = (1.0, 1.0, 0.4)
"""The part of the others that each can see by itself, where nobody lies: of the rest it hears. (Whose feeds those are of whom one only
heard, a liar may say.)"""
ENOUGH = 70
"""People of whom each is linked with enough for the room to be large where it sees a part of them. In a smaller room it is with whom it
can be linked that one sees, and nobody says who else is there."""
SEEN_OF_MANY = 100
"""So many of the others each sees where there are more than `MOST`."""
A_SECOND = 20
"""So many come in a second where there are more."""
MEETING = 30.0
"""Seconds in which everybody visits everybody, however many they are."""
SETTLING = 40.0
"""Seconds after which all must be as it should: a pulse counts for 30, and who talks is passed on."""
TURNS = (0.0, 0.001, 0.005, 0.02)
"""Seconds that a turn of somebody's event loop takes: what comes in one is taken in together, as the engine of a node does."""
UNSEEN = (Presence, MembersChanged, RollsChanged, Claimed, Arrived)
"""Effects for those who show them."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is drawn from a seed: how many come within how many seconds, how many of them lie, how much is said at a time, what happens
    to them, and which part of the others each can see."""

    seed: int
    people: int
    liars: int
    calm: float
    talks: int
    course: tuple[str, ...]
    seen: float


def draw(seed: int, people: int | None = None) -> Plan:
    """The plan of a seed, or of as many people as one likes. Most rooms are of the smaller ones: what a run costs grows with more than
    the square of its size."""
    dice = Random(f"{seed} multitude")
    count = round(FEWEST * (MOST / FEWEST) ** dice.random() ** 2.5)
    people = people or count
    liars, talks, calm = dice.choice((0, 0, 1, 2, 3)), dice.randint(4, 12), dice.choice((0.0, 5.0, 20.0))
    course, seen = dice.choice(COURSES[:-1] if people > MANY else COURSES), dice.choice(SEEN)
    if people < ENOUGH:
        seen = 1.0
    if people > MOST:
        liars, calm, course, seen = 0, people / A_SECOND, COURSES[0], SEEN_OF_MANY / people
    return Plan(seed, people, liars, calm, talks, course, 1.0 if liars else seen)


class Member(Guest):
    """A guest of hundreds: what follows most often is carried out first."""

    def __init__(self, world: Multitude, name: str, *, skew: int = 0) -> None:
        super().__init__(world, name, skew=skew)
        self.turn = world.random.choice(TURNS)

    def turn_of(self, at: float) -> float:
        """When what arrives then is taken in."""
        return math.ceil(at / self.turn) * self.turn if self.turn else at

    def do(self, call: Callable[[Replica], None]) -> None:
        assert self.replica is not None
        call(self.replica)
        self.follow()

    def follow(self) -> None:
        """Carry out what follows from the inputs of a turn."""
        assert self.replica is not None
        for effect in self.replica.drain(self.now()):
            if type(effect) is Send:
                self.world.send(self, effect.link, effect.message)
            elif type(effect) is Wake:
                self._wake(effect.at)
            elif type(effect) not in UNSEEN:
                self.carry_out(effect)


class Rogue(Guest):
    """A guest who lies, when told to: by itself it only answers, and not always what is so."""

    def __init__(self, world: Multitude, name: str) -> None:
        super().__init__(world, name)
        author = Author(f"{world.seed} {name}", ROOM.id)
        self.identity = author.identity
        self.liar = Liar(author, Random(f"{world.seed} {name} lies"))
        self.liar.is_quiet = True
        self.replica = self.liar  # type: ignore[assignment]  # it answers what a host and the world ask of a replica

    def act(self, times: int) -> None:
        """Do so much that is bad."""
        self.liar.is_quiet = False
        for _ in range(times):
            self.do(lambda _: self.liar.misbehave())
        self.liar.is_quiet = True

    def visit(self) -> None:
        """It waits for others."""


class Multitude(Crowd):
    """The world of a plan."""

    KIND = Member

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan.seed, plan.people)
        self.plan = plan
        self.pace = max(1.0, plan.people * plan.seen * crowds.VISIT_SECONDS / MEETING)
        self.most_steps = 20_000 * plan.people
        self.away: set[Guest] = set()
        """Who runs and has left the room."""
        self.rogues = [Rogue(self, f"m{number}") for number in range(plan.liars)]
        for rogue in self.rogues:
            rogue.address = bytes([10, 1, 0, int(rogue.name[1:])])
            self.hosts.append(rogue)
            self.by_identity[rogue.identity.public] = rogue
        for guest in self.guests:
            del guest.order[round(plan.people * plan.seen) :]
            guest.order += self.rogues
        self._turns: dict[tuple[Member, float], list[tuple[int, Way]]] = {}
        """What is under way to somebody, by the turn in which it is taken in, in order."""
        self._last: tuple[int, int, int, object] = 0, 0, 0, None
        self.at_rest = 0, 0
        """What was `brought` when they came to rest."""

    def up(self) -> list[Guest]:
        return [guest for guest in super().up() if guest not in self.away]

    def can_meet(self, one: Guest, other: Guest) -> bool:
        return one not in self.away and other not in self.away

    def send(self, sender: Host, number: int, message: wire.Message) -> None:
        """As any world does, but what an honest one says is looked at once, and not decoded again for each who hears it."""
        if isinstance(sender, Rogue) or number not in self.links:
            World.send(self, sender, number, message)
            return
        peer, size = self.at_other_end(number, sender), self._looked_at(sender, message)
        name = type(message).__name__
        self.counts[name] += 1
        self.sizes[name] += size
        self.sent += 1
        if isinstance(peer, Rogue):
            raw = wire.encode(message)
            self.deliver(self._ways[number, sender.name], number, size, lambda one: one.received(number, raw, peer.now()))
            return
        call: Callable[[Replica], None] = lambda one: one.received_checked(number, message, peer.now())  # noqa: E731 - as above
        self.deliver(self._ways[number, sender.name], number, size, call)

    def _looked_at(self, sender: Host, message: wire.Message) -> int:
        """See that somebody may say this; its size. The same is said to many, one after the other."""
        if self._last[:2] != (id(sender), id(message)):
            sender.check_said(message)
            self._last = id(sender), id(message), len(wire.encode(message)), message
        return self._last[2]

    def deliver(self, way: Way, number: int, size: int, call: Callable[[Replica], None]) -> None:
        """It is taken in with all else that comes to the same one in the same turn."""
        peer = way.peer
        if not isinstance(peer, Member):
            super().deliver(way, number, size, call)
            return
        way.queue.append((size, call))
        way.size += size
        way.arrival = at = peer.turn_of(max(way.arrival, self.time + way.dice.uniform(*way.pace)))
        turn = self._turns.get((peer, at))
        if turn is None:
            turn = self._turns[peer, at] = []
            self.at(at - self.time, lambda: self._take_turn(peer, at))
        turn.append((number, way))
        if way.size > FULL and not way.is_full:
            self._tell_pace(number, way)

    def _take_turn(self, peer: Member, at: float) -> None:
        """Whoever it is takes in all that has come by links that are still there."""
        for number, way in self._turns.pop((peer, at)):
            if number not in self.links or peer.replica is None:
                continue
            size, call = way.queue.popleft()
            way.size -= size
            if way.is_full and way.size < TAKES_AGAIN:
                self._tell_pace(number, way)
            try:
                call(peer.replica)
            except RemoteError as error:
                self.blame(peer, number, str(error))
        if peer.replica is not None:
            peer.follow()

    def leave(self, guests: list[Guest]) -> None:
        """These leave the room, and are gone from the network a moment later."""
        for guest in guests:
            guest.do(lambda replica, guest=guest: replica.leave(ROOM.id, guest.now(), forget=False))
            guest.later(1.0, lambda _, guest=guest: self._is_gone(guest))

    def _is_gone(self, guest: Guest) -> None:
        self.away.add(guest)
        self.at(0.0, lambda: self.cut(guest))

    def come_back(self, guests: list[Guest]) -> None:
        """They enter it again."""
        for guest in guests:
            self.away.discard(guest)
            self.changes += 1
            guest.join()

    def brought(self) -> tuple[int, int]:
        """Bytes of pages and bodies that honest ones sent, and that somebody lacked."""
        sent = sum(self.sizes[kind.__name__] for kind in PAYLOAD)
        return sent, sum(guest.gained["bytes"] for guest in self.guests)

    def lie(self, times: int) -> None:
        for rogue in self.rogues:
            rogue.act(times)

    def meet(self) -> None:
        """Let so much time pass that everybody has visited everybody, and all has settled."""
        self.run(MEETING + SETTLING)


# ── what is cheap ────────────────────────────────────────────────────────────────────────────────────────────────────


def _hashed_secret(identity: Identity, other: bytes) -> bytes:
    return hashlib.blake2b(b"".join(sorted((identity.public, other))), digest_size=32, person=b"direct").digest()


@contextmanager
def cheap() -> Iterator[None]:
    """As long as this goes on signatures and secrets are hashes, hashes of cards are worked out once, and no garbage is looked for
    among millions of things that are none."""
    was = gc.isenabled()
    with ExitStack() as stack:
        stack.enter_context(keyed_hashes())
        stack.enter_context(patch("peertalk.core.rooms.direct_secret", lru_cache(100_000)(_hashed_secret)))
        stack.enter_context(patch.object(cards, "check_key", lambda _: None))
        stack.enter_context(patch.object(cards, "pair", lru_cache(1_000_000)(cards.pair.__wrapped__)))
        gc.disable()
        try:
            yield
        finally:
            if was:
                gc.enable()
