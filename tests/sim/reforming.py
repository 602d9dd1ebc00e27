"""Random schedules in which a private room is started anew, and again, while links break and hosts crash.

`run(seed)` plays one. At every message it is looked at who hears what; at the end, everybody linked with everybody who may be, it
has to be as docs/protocol.md, "Re-forming", says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from peertalk.core import wire
from peertalk.core.entry import Text, open_body
from peertalk.core.rooms import decode_terms
from peertalk.core.stored import RoomRecord
from tests.sim.invariants import shape
from tests.sim.network import Violation
from tests.sim.private import CIRCLE, Circle
from tests.sim.world import Host

PAUSES = (0.0, 0.001, 0.01, 0.05, 0.3, 2.0)
REST = 60.0


class Reformings:
    """One run. `log` tells what was done; `leaked` are those who were given the secret of a room that they are left out of."""

    def __init__(self, seed: int | str, *, steps: int = 60) -> None:
        self.circle = Circle("a b c d e", seed)
        self.world, self.hosts = self.circle.world, list(self.circle.people.values())
        self.random = self.world.random
        self.steps, self.said = steps, 0
        self.log: list[str] = []
        self.leaked: set[Host] = set()
        self.records: dict[bytes, RoomRecord] = {CIRCLE.id: CIRCLE}
        self.ends: dict[tuple[str, bytes], int] = {}
        self.world.watch = self.look

    def play(self) -> None:
        actions: list[Callable[[], None]] = [self.say] * 8 + [self.link] * 8 + [self.cut] * 2 + [self.follow] * 3
        actions += [self.crash, self.restart, self.restart, self.reform, self.decline, self.leak]
        for _ in range(self.steps):
            self.random.choice(actions)()
            self.world.run(self.random.choice(PAUSES))
            for host in self.up():
                self.note_ends(host)

    def rest(self) -> None:
        """Everybody up and linked, and time."""
        for host in self.hosts:
            if host.replica is None:
                host.start()
        for _ in range(3):
            self.world.mesh()
            self.world.run(REST)

    @staticmethod
    def rooms_of(host: Host) -> list[RoomRecord]:
        """Those in which one can say something."""
        return [one for one in active(host) if one.shown]

    def up(self) -> list[Host]:
        return [host for host in self.hosts if host.replica is not None]

    # ── steps ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def say(self) -> None:
        host, rooms = self.somebody(self.rooms_of)
        if host is not None:
            room = self.random.choice(rooms)
            self.said += 1
            host.say(f"{host.name} {self.said}", room.id)
            self.note(f"{host.name} says {self.said} in {room.id.hex()[:4]}")

    def link(self) -> None:
        if len(self.up()) > 1:
            self.world.link(*self.random.sample(self.up(), 2))

    def cut(self) -> None:
        if self.world.links:
            self.world.close(self.random.choice(sorted(self.world.links)))

    def crash(self) -> None:
        if self.up():
            self.strike(self.random.choice(self.up()))

    def strike(self, host: Host) -> None:
        host.crash()
        self.note(f"crash {host.name}")
        check_whole(host, self.leaked)

    def restart(self) -> None:
        down = [host for host in self.hosts if host.replica is None]
        if down:
            host = self.random.choice(down)
            host.start()
            self.note(f"start {host.name}")

    def reform(self) -> None:
        host, rooms = self.somebody(lambda host: [room for room in self.rooms_of(host) if others(host, room.id)])
        if host is not None and len(self.records) < 8:
            room = self.random.choice(rooms)
            people = sorted(others(host, room.id))
            without = self.random.sample(people, self.random.randint(1, min(2, len(people))))
            seed, made = self.random.randbytes(32), []
            host.do(lambda replica: made.append(replica.reforming.reform(room.id, without, seed, host.now())))
            self.records[made[0].id] = made[0]
            self.note(f"{host.name} re-forms {room.id.hex()[:4]} as {made[0].id.hex()[:4]} without {self.names(without)}")
            self.perhaps_strike(host)

    def follow(self) -> None:
        host, offers = self.somebody(lambda host: host.replica.reforming.offers.open() if host.replica else [])
        if host is not None:
            room = self.random.choice(offers).room
            host.do(lambda replica: replica.reforming.follow(room, host.now()))
            self.note(f"{host.name} follows {room.hex()[:4]}")
            self.perhaps_strike(host)

    def perhaps_strike(self, host: Host) -> None:
        """Power loss in the midst of it."""
        if self.random.random() < 0.2:
            self.strike(host)

    def decline(self) -> None:
        host, offers = self.somebody(lambda host: host.replica.reforming.offers.open() if host.replica else [])
        if host is not None:
            host.do(lambda replica: replica.reforming.offers.decline(self.random.choice(offers).room))

    def leak(self) -> None:
        """Somebody is given the secret of a room that was formed without them."""
        left_out = [(host, one) for host in self.up() for one in self.records.values() if key(host) in one.without]
        if left_out and len(self.leaked) < 2:
            host, record = self.random.choice(left_out)
            self.leaked.add(host)
            host.join(record)
            self.note(f"{host.name} is given {record.id.hex()[:4]}")

    def somebody(self, what: Callable[[Host], list]) -> tuple[Host | None, list]:  # type: ignore[type-arg]
        people = [host for host in self.up() if what(host)]
        host = self.random.choice(people) if people else None
        return host, what(host) if host is not None else []

    def names(self, people: list[bytes]) -> str:
        return " ".join(host.name for host in self.hosts if key(host) in people)

    def note(self, what: str) -> None:
        self.log.append(f"{self.world.time:9.3f} {what}")

    # ── what must hold ───────────────────────────────────────────────────────────────────────────────────────────────

    def look(self, sender: Host, peer: Host, message: wire.Message) -> None:
        """Who is left out hears nothing of a new room, and of the old one nothing from who came along."""
        if isinstance(message, wire.Quit) or sender in self.leaked:
            return
        record = self.records.get(message.room)
        if record is not None and key(peer) in record.without:
            raise Violation(f"{sender.name} says {message} to {peer.name}, who is left out")
        if isinstance(message, wire.Offer) and key(peer) in decode_terms(message.terms).without:
            raise Violation(f"{sender.name} offers {peer.name} a room without them")
        after = successors(sender, message.room)
        if after and all(key(peer) in one.without for one in after):
            raise Violation(f"{sender.name} came along and says {message} of the old room to {peer.name}")

    def note_ends(self, host: Host) -> None:
        """Once a room is archived on disk, nothing is written there any more."""
        for inside in host.disk.snapshot().rooms:
            if inside.record.archived:
                own = {one.feed for one in inside.feeds}
                written = sum(len(page.entries) for page in inside.pages if page.feed in own)
                if self.ends.setdefault((host.name, inside.record.id), written) != written:
                    raise Violation(f"{host.name} wrote in {inside.record.id.hex()[:4]} after it was re-formed")

    def check(self) -> None:
        for host in self.hosts:
            self.note_ends(host)
            check_whole(host, self.leaked)
            check_texts(host)
        for one in self.hosts:
            for other in self.hosts:
                for room in shared(one, other):
                    check_same(one, other, room)


def key(host: Host) -> bytes:
    return host.identity.public


def places(host: Host) -> dict[bytes, RoomRecord]:
    return {id_: place.room.record for id_, place in host.replica.places.items()} if host.replica is not None else {}


def active(host: Host) -> list[RoomRecord]:
    return [one for one in places(host).values() if one.kind == "private" and not one.archived]


def others(host: Host, room: bytes) -> set[bytes]:
    return host.replica.places[room].room.everyone() - {key(host)} if host.replica is not None else set()


def successors(host: Host, room: bytes) -> list[RoomRecord]:
    """The rooms of a host that one of its archived rooms was re-formed as."""
    mine = places(host)
    return [one for one in mine.values() if one.predecessor == room] if room in mine and mine[room].archived else []


def shared(one: Host, other: Host) -> Iterator[bytes]:
    """The rooms in which two hosts have to be of one mind: those that neither is left out of, and what these were before."""
    mine, theirs = places(one), places(other)
    for id_ in mine.keys() & theirs.keys():
        record = mine[id_]
        is_open = record.shown and theirs[id_].shown and not (record.archived or theirs[id_].archived)
        if one is other or not is_open or {key(one), key(other)} & set(record.without):
            continue
        while True:
            yield record.id
            old = mine.get(record.predecessor)
            if old is None or record.predecessor not in theirs or {key(one), key(other)} & set(old.without):
                break
            if not old.archived or not theirs[old.id].archived:
                break
            record = old


def check_same(one: Host, other: Host, room: bytes) -> None:
    mine, theirs = one.entries(room), other.entries(room)
    if [shape(entry) for entry in mine] != [shape(entry) for entry in theirs]:
        raise Violation(f"{one.name} and {other.name} differ in {room.hex()[:4]}: {len(mine)} and {len(theirs)} entries")


def check_whole(host: Host, leaked: set[Host]) -> None:
    """Nobody has come along by half."""
    rooms = {inside.record.id: inside for inside in host.disk.snapshot().rooms}
    for inside in rooms.values():
        old = rooms.get(inside.record.predecessor)
        if old is not None and host not in leaked and inside.record.shown and old.record.shown and not old.record.archived:
            raise Violation(f"{host.name} is in the new room and still in the old one")
        if inside.record.archived and (inside.outbox or any(one.seed for one in inside.feeds)):
            raise Violation(f"{host.name} could still write in a room that was re-formed")


def check_texts(host: Host) -> None:
    """What was answered is there, in one room or waiting to be, and nothing is there twice."""
    found = Counter(text for room in places(host) for text in host.texts(room))
    for inside in host.disk.snapshot().rooms:
        waiting = (open_body(one.kind, one.body) for one in inside.outbox)
        found.update(content.text for content in waiting if isinstance(content, Text))
    for _, text in sorted(host.answered):
        if found[text] != 1:
            raise Violation(f"{text!r} was answered and is there {found[text]} times")


def run(seed: int | str, *, steps: int = 60) -> Reformings:
    """Play the schedule of this seed. Violation where something does not hold."""
    schedule = Reformings(seed, steps=steps)
    try:
        schedule.play()
        schedule.rest()
        schedule.check()
    except Exception as error:
        error.add_note("\n".join(["", f"seed {seed}:", *schedule.log]))
        raise
    return schedule
