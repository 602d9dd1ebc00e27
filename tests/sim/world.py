"""A world of replicas on a virtual clock: links with delay that break in the middle, disks that lose what was not synced.

Everything follows from one seed. The real core runs, without channels: a link is two ordered queues of encoded messages
between two identities, and rooms are proven by name. How long a message or a commit takes hangs on the seed, on who it is of and
whom it is for, and on nothing that others do: who plays a part of a schedule meets the same delays.
"""

from __future__ import annotations

import copy
import random
from collections import Counter, deque
from collections.abc import Callable
from itertools import count
from typing import NamedTuple

from peertalk.core import wire
from peertalk.core.asking import PATIENCE
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
from peertalk.core.entry import Content, Story, Text, decode_header, hash32, open_body
from peertalk.core.identity import Identity
from peertalk.core.outlet import Now
from peertalk.core.reach import Whence
from peertalk.core.stored import (
    ANNOTATIONS,
    DropRoom,
    EntryRecord,
    ForgetHistory,
    Op,
    PageRecord,
    PutBody,
    PutOutbox,
    PutPage,
    PutProfile,
    RoomRecord,
)
from peertalk.core.sync import Replica
from tests.core.authors import ROOM, START
from tests.model_store import ModelStore
from tests.sim.network import Network, Violation

SHOWN = ("text", "story", "here", "left", "end", *ANNOTATIONS)
PAYLOAD = (wire.Page, wire.Pages, wire.Bodies)
"""Messages that carry what others lack. All else is talk about it."""


class Said(NamedTuple):
    """A message: its id by now, and its text."""

    message: bytes
    text: str


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
        self.life = self.synced = 0
        self.wake_at = float("inf")
        self._inputs: list[Callable[[Replica], None]] = []
        self.answered: set[tuple[bytes, str]] = set()
        self.waiting: dict[bytes, tuple[bytes, str]] = {}
        self.spoken: list[Said] = []
        """What it said in the room that all share, in that order."""
        self.may_renew = False
        """Has it a reason to begin new feeds: was its clock set, or was it told to?"""
        self.dice = random.Random(f"{world.seed} {name} disk")
        self.version = 0
        """Grows with whatever changes on its disk."""
        self.is_restored = False
        """The mark of a restored profile is not replaced yet: at each start new feeds are begun."""
        self.gained = Counter[str]()
        """Bytes, and pages, of others that were put to disk here."""
        self.tokens: list[int] = []
        self.written: dict[bytes, set[bytes]] = {}
        """room → entries that are on disk, or on the way there in this life."""
        self.on_disk: set[bytes] = set()
        """Entries, and messages that wait, that survive whatever comes."""
        self.commits: deque[tuple[Op, ...]] = deque()
        """What `tokens` stand for."""
        self.wrote: dict[bytes, dict[int, bytes]] = {}
        """What it put in its place itself, in any life: feed → seq → id."""
        self.closed: list[tuple[Host, str]] = []
        self.address, self.port = b"\x0a\x00" + len(world.hosts).to_bytes(2, "big"), 2000 + len(world.hosts)
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
        inside = self.disk.snapshot().rooms
        self.commits.clear()
        self.on_disk = {one.message for room in inside for one in room.outbox}
        self.on_disk.update(id_ for room in inside for page in room.pages for id_, _, _ in page.entries)
        self.written = {one.record.id: {b"", *(id_ for page in one.pages for id_, _, _ in page.entries)} for one in inside}
        rng = random.Random(f"{self.world.seed} {self.name} {self.life}")
        self.replica = Replica(self.identity, self.disk.snapshot(), disk=True, random=rng.randbytes, now=self.now())
        if self.is_restored:
            self._renew()
        self.do(lambda replica: replica.listen(self.port))

    def _renew(self) -> None:
        """As a program does with a profile that it finds restored; the mark is new once all that follows is on disk."""
        self.do(lambda replica: replica.retire_all(self.now()))
        last, life = self.disk.queued, self.life

        def look() -> None:
            self.is_restored = self.is_restored and (self.life != life or self.synced < last)

        self.synced = 0
        self.world.at(0.1, look)

    @property
    def is_busy(self) -> bool:
        """Is something written or read?"""
        return self.replica is not None and bool(self.tokens or self.replica._out._pages or self.replica._out._bodies)

    def crash(self) -> None:
        """Power loss: what was not synced is gone, or had just reached the disk."""
        self.world.cut(self)
        self.replica = None
        self.version += 1
        self.disk.crash(self.dice.randint(0, self.disk.queued))

    def join(self, record: RoomRecord = ROOM) -> None:
        self.do(lambda replica: replica.join(record, self.now()))

    def say(self, text: str, room: bytes = ROOM.id, *, story: bool = False) -> None:
        content = Story(text, title="once") if story else Text(text)

        def send(replica: Replica) -> None:
            message = replica.send(room, content, self.now())
            self.waiting[message] = room, text
            if room == ROOM.id:
                self.spoken.append(Said(message, text))

        self.do(send)

    def annotate(self, content: Content, room: bytes = ROOM.id) -> None:
        """Say something about a message."""
        self.do(lambda replica: replica.send(room, content, self.now()))

    def do(self, call: Callable[[Replica], None]) -> None:
        """One input, then carry out what follows from it: first the commits, as the engine does. Where that is another input, it waits
        until that is carried out."""
        assert self.replica is not None
        self._inputs.append(call)
        if len(self._inputs) > 1:
            return
        try:
            while self._inputs:
                self._inputs[0](self.replica)
                for effect in sorted(self.replica.drain(self.now()), key=lambda effect: not isinstance(effect, Commit)):
                    self.carry_out(effect)
                del self._inputs[0]
        finally:
            self._inputs.clear()

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
                self.commits.append(ops)
                self._look(ops)
                self.later(self.dice.uniform(0.0005, 0.02), self._synced)
            case LoadPages(token, room, numbers):
                self.later(0.001, lambda replica: replica.loaded(token, self.disk.pages(room, numbers), self.now()))
            case LoadBodies(token, room, entries):
                self.later(0.001, lambda replica: replica.loaded_bodies(token, self.disk.bodies(room, entries), self.now()))
            case Wake(at):
                self._wake(at)
            case Queued() | Moved() | Placed():
                self._on_own(effect)

    def _look(self, ops: tuple[Op, ...]) -> None:
        """What comes to the disk, or leaves it. Commits are synced in order, so what an entry rests on has to come before it."""
        assert self.replica is not None
        for op in ops:
            match op:
                case PutPage(page):
                    self.world.changed = self.world.time
                    self._rests_on_what_is_there(page)
                    if page.feed not in self.replica.places[page.room].room.own_feeds():
                        self.gained["bytes"] += sum(len(entry.header) + len(entry.body or b"") for entry in page.entries)
                        self.gained["pages"] += 1
                case PutBody():
                    self.world.changed = self.world.time
                    self.gained["bytes"] += len(op.body)
                case ForgetHistory(room) | DropRoom(room):
                    self.forgets(room)
                    self.written.pop(room, None)

    def _rests_on_what_is_there(self, page: PageRecord) -> None:
        there = self.written.setdefault(page.room, {b""})
        for entry in page.entries:
            header = decode_header(entry.header)
            if not there.issuperset((header.prev, *header.after)):
                raise Violation(f"{self.name} commits what rests on something that is not on disk")
            there.add(entry.id)

    def check_said(self, message: wire.Message) -> None:
        """What is claimed is on disk, and so is what one has written oneself before anybody hears it."""
        assert self.replica is not None
        said = message.tips if isinstance(message, wire.Tips) else ()
        if isinstance(message, wire.Page):
            header = decode_header(message.headers[-1])
            place = self.replica.places.get(message.room)
            said = (hash32(message.headers[-1]),) if place is not None and header.feed in place.room.own_feeds() else ()
        if not self.on_disk.issuperset(said):
            raise Violation(f"{self.name} says what is not on disk")

    def forgets(self, room: bytes) -> None:
        """What was answered there it need not have any more, nor what it was said to have."""
        self.answered = {(where, text) for where, text in self.answered if where != room}
        self.waiting = {message: (where, text) for message, (where, text) in self.waiting.items() if where != room}
        self.world.lost.add(self.identity.public)

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
                self.spoken = [Said(record.message, one.text) if one.message == before else one for one in self.spoken]
            case Queued(record):
                self._answer(record.message)
            case Placed(_, entry):
                self.wrote.setdefault(entry.feed, {})[entry.seq] = entry.id
                self._answer(entry.message)

    def _synced(self, replica: Replica) -> None:
        """Commits are synced in order: the oldest is done."""
        self.disk.sync(1)
        for op in self.commits.popleft():
            if isinstance(op, PutPage):
                self.on_disk.update(key for entry in op.record.entries for key in (entry.id, entry.message))
            elif isinstance(op, PutOutbox):
                self.on_disk.add(op.record.message)
        self.synced += 1
        self.version += 1
        replica.committed(self.tokens.pop(0), self.now())

    def _answer(self, message: bytes) -> None:
        if message not in self.on_disk:
            raise Violation(f"{self.name} answers before anything is on disk")
        if message in self.waiting:
            self.answered.add(self.waiting.pop(message))

    def _wake(self, at: float) -> None:
        """One timer, as a program has it: a later one replaces it."""
        if at == self.wake_at:
            return
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
        return [content.text for content in contents if isinstance(content, Text | Story)]


class World(Network):
    """Hosts, links, and time."""

    def __init__(self, seed: int | str) -> None:
        super().__init__(seed)
        self.random = random.Random(seed)
        self.changed = 0.0
        """When something of the history of a room came to anybody last."""
        self.hosts: list[Host] = []
        self.lost: set[bytes] = set()
        """Identities that have lost or forgotten something: what they were said to have, they need not have."""
        self._numbers = count(1)
        self.watch: Callable[[Host, Host, wire.Message], None] = lambda sender, peer, message: None
        """Is shown every message that is sent."""
        self.sent = 0
        self.sent_bytes = 0
        self.arrived: Counter[tuple[str, str]] = Counter()
        """Bytes that arrived from whom, of what kind ("payload", "late" payload, "talk", "messages"), and links that came up."""

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

    def doubtful_feeds(self) -> set[bytes]:
        """The feeds of those who may not know all that they have said: who ran twice, was set back, or has forgotten."""
        unsure = self.lost | {host.identity.public for host in self.hosts if self._is_twice(host)}
        return {feed for host in self.hosts if host.identity.public in unsure for feed in host.wrote}

    def _is_twice(self, host: Host) -> bool:
        return sum(other.identity.public == host.identity.public for other in self.hosts) > 1

    # ── links ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def link(self, one: Host, other: Host, *, slow: Host | None = None, again: bool = False) -> int | None:
        """Bring a link up that `one` dials, if both run, one reaches the other, and they are not linked, or `again`. What `slow`
        says on it is long under way."""
        if one.replica is None or other.replica is None or one.identity.public == other.identity.public:
            return None
        if (self.between(one, other) is not None and not again) or not self.ways.can_dial(one.name, other.name):
            return None
        shared = set(one.replica.secrets()) & set(other.replica.secrets())
        if not shared and (self._shuns(one, other) or self._shuns(other, one)):
            return None
        number = next(self._numbers)
        self.lay(number, one, other, slow)
        self.arrived["", "links"] += 1
        for host, peer in ((one, other), (other, one)):
            self._bring_up(number, host, peer, shared, Whence(peer.address, 0, peer.port if host is one else 0))
        return number

    @staticmethod
    def _shuns(one: Host, other: Host) -> bool:
        return isinstance(one.replica, Replica) and one.replica.reforming.shuns(other.identity.public)

    def _bring_up(self, number: int, host: Host, peer: Host, shared: set[bytes], whence: Whence) -> None:
        identity = peer.identity.public
        binding = number.to_bytes(32, "big")  # as of a channel: the same at both ends, another on each link
        host.do(lambda replica: replica.link_up(number, identity, shared, host.now(), whence=whence, binding=binding))

    def at_other_end(self, number: int, host: Host) -> Host:
        one, other = self.links[number]
        return other if host is one else one

    def between(self, one: Host, other: Host) -> int | None:
        return next((number for number, ends in self.links.items() if set(ends) == {one, other}), None)

    def close(self, number: int, *, needless: bool = False) -> None:
        """A link breaks, or is ended as `needless`: what is under way on it is lost."""
        ends = self.links.pop(number, None)
        for host in ends or ():
            del self._ways[number, host.name]
            if host.replica is not None and number in host.replica.links:
                host.do(lambda replica, host=host: replica.link_down(number, host.now(), needless=needless))

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
        """Everybody dials everybody, and is dialled by who was not reached."""
        for i, one in enumerate(self.hosts):
            for other in self.hosts[i + 1 :]:
                if self.link(one, other) is None:
                    self.link(other, one)

    def send(self, sender: Host, number: int, message: wire.Message) -> None:
        if number not in self.links:
            return
        peer = self.at_other_end(number, sender)
        raw = wire.encode(message)
        self.watch(sender, peer, message)
        self.sent += 1
        self.sent_bytes += len(raw)
        if isinstance(sender.replica, Replica):
            sender.check_said(message)
        kind, sent_at = "payload" if isinstance(message, PAYLOAD) else "talk", self.time

        def receive(replica: Replica) -> None:
            is_late = kind == "payload" and self.time - sent_at >= PATIENCE
            self.arrived[f"{sender.name} {peer.name}", "late" if is_late else kind] += len(raw)
            replica.received(number, raw, peer.now())

        self.deliver(self._ways[number, sender.name], number, len(raw), receive)

    def prove(self, sender: Host, number: int, rooms: tuple[bytes, ...]) -> None:
        if number not in self.links:
            return
        peer = self.at_other_end(number, sender)

        def proven(replica: Replica) -> None:
            both = [room for room in rooms if room in replica.secrets(number)]
            if both:
                replica.proven(number, both, peer.now())
                back = self._ways.get((number, peer.name))
                if back is not None:
                    self.deliver(back, number, 0, lambda replica: replica.proven(number, both, sender.now()))

        self.deliver(self._ways[number, sender.name], number, 0, proven)
