"""A world of replicas on a virtual clock: links with delay that break in the middle, disks that lose what was not synced.

Everything follows from one seed. The real core runs, without channels: a link is two ordered queues of encoded messages
between two identities, and rooms are proven by name.
"""

from __future__ import annotations

import copy
import heapq
import random
from collections.abc import Callable
from itertools import count

from peertalk.core import wire
from peertalk.core.effects import (
    Arrived,
    Close,
    Commit,
    Effect,
    LoadBodies,
    LoadPages,
    Moved,
    Placed,
    Prove,
    PutProfile,
    Queued,
    RoomRecord,
    Send,
    Unprove,
    Wake,
)
from peertalk.core.entry import Text, open_body
from peertalk.core.identity import Identity
from peertalk.core.outlet import Now
from peertalk.core.rooms import OPEN_SALT, open_room
from peertalk.core.sync import Replica
from peertalk.errors import RemoteError
from tests.model_store import ModelStore

START = 1_800_000_000_000
ROOM = open_room("room", OPEN_SALT * 2, START)


class Violation(AssertionError):
    """An invariant does not hold."""


class Host:
    """One profile: a disk, and while it runs a replica."""

    def __init__(self, world: World, name: str, *, skew: int = 0) -> None:
        self.world = world
        self.name = name
        self.skew = skew
        self.disk = ModelStore()
        seed = world.random.randbytes(32)
        self.disk.apply(PutProfile("identity", seed))
        self.disk.apply(PutProfile("name", name.encode()))
        self.identity = Identity.from_seed(seed)
        self.replica: Replica | None = None
        self.life = 0
        self.wake_at = float("inf")
        self.shown: list[bytes] = []
        self.answered: dict[bytes, bytes] = {}
        self.waiting: set[bytes] = set()
        self.closed: list[str] = []

    def now(self) -> Now:
        return Now(self.world.time, START + int(self.world.time * 1000) + self.skew)

    def start(self) -> None:
        """Start from what is on disk."""
        self.life += 1
        self.wake_at = float("inf")
        self.waiting.clear()
        rng = random.Random(f"{self.world.seed} {self.name} {self.life}")
        self.replica = Replica(self.identity, self.disk.snapshot(), disk=True, random=rng.randbytes, now=self.now())
        self.do(lambda replica: None)

    def crash(self) -> None:
        """Power loss: what was not synced is gone, or had just reached the disk."""
        self.world.cut(self)
        self.replica = None
        self.disk.crash(self.world.random.randint(0, self.disk.queued))

    def join(self, record: RoomRecord = ROOM) -> None:
        self.do(lambda replica: replica.join(record, self.now()))

    def say(self, text: str, room: bytes = ROOM.id) -> None:
        def send(replica: Replica) -> None:
            self.waiting.add(replica.send(room, Text(text), self.now()))

        self.do(send)

    def do(self, call: Callable[[Replica], None]) -> None:
        """One input, then carry out what follows from it."""
        assert self.replica is not None
        call(self.replica)
        for effect in self.replica.drain(self.now()):
            self.carry_out(effect)

    def later(self, delay: float, call: Callable[[Replica], None]) -> None:
        """The same at a later time, in this life only."""
        life = self.life

        def run() -> None:
            if self.replica is not None and self.life == life:
                self.do(call)

        self.world.at(delay, run)

    def carry_out(self, effect: Effect) -> None:
        match effect:
            case Send(link, message):
                self.world.send(self, link, message)
            case Prove(link, rooms):
                self.world.prove(self, link, rooms)
            case Unprove(_, _):
                pass
            case Close(link, _reason):
                self.world.close(link)
            case Commit(token, ops):
                self.disk.commit(ops)
                self.later(self.world.random.uniform(0.0005, 0.02), lambda replica: self._synced(replica, token))
            case LoadPages(token, room, numbers):
                self.later(0.001, lambda replica: replica.loaded(token, self.disk.pages(room, numbers), self.now()))
            case LoadBodies(token, room, entries):
                self.later(0.001, lambda replica: replica.loaded_bodies(token, self.disk.bodies(room, entries), self.now()))
            case Wake(at):
                self._wake(at)
            case Queued(record):
                self._answer(record.message)
            case Moved(before, record):
                self.moved(before, record.message)
            case Placed(_, entry):
                self._answer(entry.message)
                self.shown.append(entry.id)
            case Arrived(_, entries):
                self.shown.extend(entry.id for entry in entries)
            case _:
                pass

    def _synced(self, replica: Replica, _token: int) -> None:
        """Commits are synced in order: the oldest is done."""
        self.disk.sync(1)
        replica.committed(self.tokens(replica), self.now())

    def tokens(self, replica: Replica) -> int:
        return min(replica._out._commits)

    def moved(self, before: bytes, after: bytes) -> None:
        """A message has another id from now on."""
        if self.answered.pop(before, None) is not None or before in self.waiting:
            self.waiting.discard(before)
            self.answered[after] = after

    def _answer(self, message: bytes) -> None:
        if message in self.waiting:
            self.waiting.discard(message)
            self.answered[message] = message

    def _wake(self, at: float) -> None:
        if at == float("inf") or self.wake_at <= at and self.wake_at > self.world.time:
            return
        self.wake_at = at
        self.later(max(0.0, at - self.world.time), self._tick)

    def _tick(self, replica: Replica) -> None:
        self.wake_at = float("inf")
        replica.tick(self.now())

    def texts(self, room: bytes = ROOM.id) -> list[str]:
        """The history as shown, from disk."""
        entries = self.disk.entries(room, ("text",), 1_000_000)
        contents = (open_body(entry.kind, entry.body or b"") for entry in entries)
        return [content.text for content in contents if isinstance(content, Text)]

    def order(self, room: bytes = ROOM.id) -> list[bytes]:
        return [entry.id for entry in self.disk.entries(room, ("text", "here", "left", "end"), 1_000_000)]


class World:
    """Hosts, links, and time."""

    def __init__(self, seed: int | str) -> None:
        self.seed = seed
        self.random = random.Random(seed)
        self.time = 0.0
        self.hosts: list[Host] = []
        self.links: dict[int, tuple[Host, Host]] = {}
        self._arrival: dict[tuple[int, str], float] = {}
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._numbers = count(1)
        self.sent = 0
        self.sent_bytes = 0
        self.loss = 0.0
        self.intercept: Callable[[Host, Host, wire.Message], wire.Message | None] | None = None

    def host(self, name: str, *, skew: int = 0) -> Host:
        host = Host(self, name, skew=skew)
        self.hosts.append(host)
        return host

    def copy_of(self, host: Host, name: str) -> Host:
        """A second host from a copy of the first one's disk: the same identity twice."""
        twin = Host(self, name, skew=host.skew)
        twin.disk = copy.deepcopy(host.disk)
        twin.disk.crash()
        twin.identity = host.identity
        self.hosts.append(twin)
        return twin

    def at(self, delay: float, run: Callable[[], None]) -> None:
        heapq.heappush(self._heap, (self.time + delay, next(self._order), run))

    def run(self, seconds: float) -> None:
        """Let time pass."""
        end = self.time + seconds
        steps = 0
        while self._heap and self._heap[0][0] <= end:
            self.time, _, run = heapq.heappop(self._heap)
            run()
            steps += 1
            if steps > 2_000_000:
                raise Violation("the world does not come to rest")
        self.time = end

    # ── links ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def link(self, one: Host, other: Host) -> int | None:
        """Bring a link up, if both run and are not linked."""
        if one.replica is None or other.replica is None or one.identity.public == other.identity.public:
            return None
        if self.between(one, other) is not None:
            return None
        number = next(self._numbers)
        self.links[number] = (one, other)
        shared = set(one.replica.secrets()) & set(other.replica.secrets())
        for host, peer in ((one, other), (other, one)):
            identity = peer.identity.public
            host.do(lambda replica, identity=identity, host=host: replica.link_up(number, identity, shared, host.now()))
        return number

    def between(self, one: Host, other: Host) -> int | None:
        return next((number for number, ends in self.links.items() if set(ends) == {one, other}), None)

    def close(self, number: int) -> None:
        """A link breaks: what is under way on it is lost."""
        ends = self.links.pop(number, None)
        for host in ends or ():
            if host.replica is not None and number in host.replica.links:
                host.do(lambda replica, host=host: replica.link_down(number, host.now()))

    def cut(self, host: Host) -> None:
        for number, ends in list(self.links.items()):
            if host in ends:
                self.close(number)

    def mesh(self) -> None:
        for i, one in enumerate(self.hosts):
            for other in self.hosts[i + 1 :]:
                self.link(one, other)

    def send(self, sender: Host, number: int, message: wire.Message) -> None:
        if number not in self.links:
            return
        one, other = self.links[number]
        peer = other if sender is one else one
        if self.intercept is not None:
            changed = self.intercept(sender, peer, message)
            if changed is None:
                return
            message = changed
        raw = wire.encode(message)
        self.sent += 1
        self.sent_bytes += len(raw)
        self._deliver(sender, peer, number, lambda replica: replica.received(number, raw, peer.now()))

    def _deliver(self, sender: Host, peer: Host, number: int, call: Callable[[Replica], None]) -> None:
        key = (number, sender.name)
        arrival = max(self._arrival.get(key, 0.0), self.time + self.random.uniform(0.0002, 0.02))
        self._arrival[key] = arrival
        life = peer.life

        def arrive() -> None:
            if number not in self.links or peer.replica is None or peer.life != life:
                return
            try:
                peer.do(call)
            except RemoteError as error:
                peer.closed.append(str(error))
                self.close(number)

        heapq.heappush(self._heap, (arrival, next(self._order), arrive))

    def prove(self, sender: Host, number: int, rooms: tuple[bytes, ...]) -> None:
        if number not in self.links:
            return
        one, other = self.links[number]
        peer = other if sender is one else one

        def proven(replica: Replica) -> None:
            both = [room for room in rooms if room in replica.secrets()]
            if both:
                replica.proven(number, both, peer.now())
                self._deliver(peer, sender, number, lambda back: back.proven(number, both, sender.now()))

        self._deliver(sender, peer, number, proven)
