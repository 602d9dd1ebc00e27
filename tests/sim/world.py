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
    Close,
    Commit,
    Effect,
    Heard,
    LoadBodies,
    LoadPages,
    Moved,
    Placed,
    Prove,
    Queued,
    Send,
    Wake,
)
from peertalk.core.entry import Text, open_body
from peertalk.core.identity import Identity
from peertalk.core.outlet import Now
from peertalk.core.reach import Whence
from peertalk.core.stored import EntryRecord, PutBody, PutPage, PutProfile, RoomRecord
from peertalk.core.sync import Replica
from peertalk.errors import RemoteError
from tests.core.authors import ROOM, START
from tests.model_store import ModelStore

SHOWN = ("text", "here", "left", "end")
QUICK, SLOW = (0.0002, 0.02), (0.3, 2.5)
"""Seconds that a message is under way."""


class Violation(AssertionError):
    """An invariant does not hold."""


class Host:
    """One profile: a disk, and while it runs a replica. `answered` are the texts whose sending was answered, by room."""

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
        self.answered: set[tuple[bytes, str]] = set()
        self.waiting: dict[bytes, tuple[bytes, str]] = {}
        self.tokens: list[int] = []
        self.wrote: dict[bytes, dict[int, bytes]] = {}
        """What it put in its place itself, in any life: feed → seq → id."""
        self.closed: list[tuple[Host, str]] = []
        self.address, self.port = bytes([10, 0, 0, len(world.hosts)]), 2000 + len(world.hosts)
        self.heard: list[tuple[Host, bytes, bytes, int]] = []
        """Who said, about whom, which address and port."""

    def now(self) -> Now:
        return Now(self.world.time, START + int(self.world.time * 1000) + self.skew)

    def start(self) -> None:
        """Start from what is on disk."""
        self.life += 1
        self.wake_at = float("inf")
        self.waiting.clear()
        self.tokens.clear()
        rng = random.Random(f"{self.world.seed} {self.name} {self.life}")
        self.replica = Replica(self.identity, self.disk.snapshot(), disk=True, random=rng.randbytes, now=self.now())
        self.do(lambda replica: replica.listen(self.port))

    def crash(self) -> None:
        """Power loss: what was not synced is gone, or had just reached the disk."""
        self.world.cut(self)
        self.replica = None
        self.disk.crash(self.world.random.randint(0, self.disk.queued))

    def join(self, record: RoomRecord = ROOM) -> None:
        self.do(lambda replica: replica.join(record, self.now()))

    def say(self, text: str, room: bytes = ROOM.id) -> None:
        def send(replica: Replica) -> None:
            self.waiting[replica.send(room, Text(text), self.now())] = room, text

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
            case Send() | Prove() | Close() | Heard():
                self._on_link(effect)
            case Commit(token, ops):
                self.disk.commit(ops)
                self.tokens.append(token)
                if any(isinstance(op, PutPage | PutBody) for op in ops):
                    self.world.changed = self.world.time
                self.later(self.world.random.uniform(0.0005, 0.02), self._synced)
            case LoadPages(token, room, numbers):
                self.later(0.001, lambda replica: replica.loaded(token, self.disk.pages(room, numbers), self.now()))
            case LoadBodies(token, room, entries):
                self.later(0.001, lambda replica: replica.loaded_bodies(token, self.disk.bodies(room, entries), self.now()))
            case Wake(at):
                self._wake(at)
            case Queued() | Moved() | Placed():
                self._on_own(effect)

    def _on_link(self, effect: Send | Prove | Close | Heard) -> None:
        match effect:
            case Send(link, message):
                self.world.send(self, link, message)
            case Prove(link, rooms):
                self.world.prove(self, link, rooms)
            case Close(link, reason):
                self.world.blame(self, link, reason)
            case Heard(link, peers) if link in self.world.links:
                other = self.world.at_other_end(link, self)
                self.heard += [(other, who, *endpoint) for who, endpoints in peers for endpoint in endpoints]

    def _on_own(self, effect: Queued | Moved | Placed) -> None:
        match effect:
            case Moved(before, record):
                if before in self.waiting:
                    self.waiting[record.message] = self.waiting.pop(before)
            case Queued(record):
                self._answer(record.message)
            case Placed(_, entry):
                self.wrote.setdefault(entry.feed, {})[entry.seq] = entry.id
                self._answer(entry.message)

    def _synced(self, replica: Replica) -> None:
        """Commits are synced in order: the oldest is done."""
        self.disk.sync(1)
        replica.committed(self.tokens.pop(0), self.now())

    def _answer(self, message: bytes) -> None:
        if message in self.waiting:
            self.answered.add(self.waiting.pop(message))

    def _wake(self, at: float) -> None:
        """One timer, as a program has it: a later one replaces it."""
        self.wake_at = at
        if at != float("inf"):
            self.world.at(max(0.0, at - self.world.time), lambda: self._tick(at))

    def _tick(self, at: float) -> None:
        if self.replica is not None and self.wake_at == at:
            self.wake_at = float("inf")
            self.do(lambda replica: replica.tick(self.now()))

    def entries(self, room: bytes = ROOM.id) -> list[EntryRecord]:
        """The history as shown, from disk."""
        return self.disk.entries(room, SHOWN, 1_000_000)

    def texts(self, room: bytes = ROOM.id) -> list[str]:
        contents = (open_body(entry.kind, entry.body or b"") for entry in self.entries(room))
        return [content.text for content in contents if isinstance(content, Text)]


class World:
    """Hosts, links, and time."""

    def __init__(self, seed: int | str) -> None:
        self.seed = seed
        self.random = random.Random(seed)
        self.time = 0.0
        self.changed = 0.0
        """When something of the history of a room came to anybody last."""
        self.hosts: list[Host] = []
        self.links: dict[int, tuple[Host, Host]] = {}
        self._pace: dict[tuple[int, str], tuple[float, float]] = {}
        self._arrival: dict[tuple[int, str], float] = {}
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._numbers = count(1)
        self.watch: Callable[[Host, Host, wire.Message], None] = lambda sender, peer, message: None
        """Is shown every message that is sent."""
        self.sent = 0
        self.sent_bytes = 0

    def host(self, name: str, *, skew: int = 0) -> Host:
        host = Host(self, name, skew=skew)
        self.hosts.append(host)
        return host

    def copy_of(self, host: Host, name: str) -> Host:
        """A second host from a copy of the first one's disk, as it would be after power loss: the same identity twice."""
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

    def link(self, one: Host, other: Host, *, slow: Host | None = None) -> int | None:
        """Bring a link up, if both run and are not linked. What `slow` says on it is long under way."""
        if one.replica is None or other.replica is None or one.identity.public == other.identity.public:
            return None
        if self.between(one, other) is not None:
            return None
        shared = set(one.replica.secrets()) & set(other.replica.secrets())
        if not shared and (self._shuns(one, other) or self._shuns(other, one)):
            return None
        number = next(self._numbers)
        self.links[number] = (one, other)
        if slow is not None:
            self._pace[number, slow.name] = SLOW
        for host, peer in ((one, other), (other, one)):
            self._bring_up(number, host, peer, shared, Whence(peer.address, 0, peer.port if host is one else 0))
        return number

    @staticmethod
    def _shuns(one: Host, other: Host) -> bool:
        return isinstance(one.replica, Replica) and one.replica.reforming.shuns(other.identity.public)

    def _bring_up(self, number: int, host: Host, peer: Host, shared: set[bytes], whence: Whence) -> None:
        identity = peer.identity.public
        host.do(lambda replica: replica.link_up(number, identity, shared, host.now(), whence=whence))

    def at_other_end(self, number: int, host: Host) -> Host:
        one, other = self.links[number]
        return other if host is one else one

    def between(self, one: Host, other: Host) -> int | None:
        return next((number for number, ends in self.links.items() if set(ends) == {one, other}), None)

    def close(self, number: int) -> None:
        """A link breaks: what is under way on it is lost."""
        ends = self.links.pop(number, None)
        for host in ends or ():
            if host.replica is not None and number in host.replica.links:
                host.do(lambda replica, host=host: replica.link_down(number, host.now()))

    def blame(self, host: Host, number: int, reason: str) -> None:
        """A host closes a link for what came over it."""
        if number in self.links:
            one, other = self.links[number]
            host.closed.append((other if host is one else one, reason))
            self.close(number)

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
        raw = wire.encode(message)
        self.watch(sender, peer, message)
        self.sent += 1
        self.sent_bytes += len(raw)
        hurried = isinstance(message, wire.Peers)  # no entry hangs on it, so it draws no dice and shifts nobody's schedule
        self._deliver(sender, peer, number, lambda replica: replica.received(number, raw, peer.now()), hurried=hurried)

    def _deliver(
        self, sender: Host, peer: Host, number: int, call: Callable[[Replica], None], *, hurried: bool = False
    ) -> None:
        key = (number, sender.name)
        pace = self._pace.get(key, QUICK)
        under_way = pace[0] if hurried else self.random.uniform(*pace)
        self._arrival[key] = arrival = max(self._arrival.get(key, 0.0), self.time + under_way)
        life = peer.life

        def arrive() -> None:
            if number not in self.links or peer.replica is None or peer.life != life:
                return
            try:
                peer.do(call)
            except RemoteError as error:
                self.blame(peer, number, str(error))

        heapq.heappush(self._heap, (arrival, next(self._order), arrive))

    def prove(self, sender: Host, number: int, rooms: tuple[bytes, ...]) -> None:
        if number not in self.links:
            return
        one, other = self.links[number]
        peer = other if sender is one else one

        def proven(replica: Replica) -> None:
            both = [room for room in rooms if room in replica.secrets(number)]
            if both:
                replica.proven(number, both, peer.now())
                self._deliver(peer, sender, number, lambda back: back.proven(number, both, sender.now()))

        self._deliver(sender, peer, number, proven)
