"""Random schedules in one private room: people come by its secret, doors are closed and opened, meetings end, some of them off the
record (docs/protocol.md, "Terms" and "Doors").

`run(seed)` plays one. At every moment whoever holds something was let in by what that rests on, or by something that was said beside
or after it; at rest those who share the room are the same, and who does not share it is kept out by a door.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from peertalk.core import wire
from peertalk.core.doors import DOOR_KINDS, Seen
from peertalk.core.entry import Admit, Content, Over, Seal, Unseal, decode_header, open_body
from peertalk.core.rooms import Terms, private_room
from peertalk.core.stored import STATE_KINDS, DropRoom, EntryRecord
from tests.core.authors import START
from tests.sim.invariants import check_claims, room_of, shape
from tests.sim.network import Violation
from tests.sim.world import Host, World

KINDS = ("text", "end", *STATE_KINDS)
PAUSES = (0.0, 0.001, 0.01, 0.05, 0.3, 2.0, 25.0)
REST = 60.0


class Watched(World):
    """A world in which everything is looked at that is said of the room `watched`."""

    watched = b""

    def __init__(self, seed: str) -> None:
        super().__init__(seed)
        self._waits: set[tuple[int, str]] = set()

    def send(self, sender: Host, number: int, message: wire.Message) -> None:
        if number in self.links and message.room == self.watched and sender.replica is not None:
            self._look(sender, number, message)
        super().send(sender, number, message)

    def _look(self, sender: Host, number: int, message: wire.Message) -> None:
        """After a `Wait` comes nothing but a card; and who is about to close the door speaks with nobody who stays outside."""
        says = (number, sender.name)
        if isinstance(message, wire.Wait):
            self._waits.add(says)
        elif isinstance(message, wire.Card | wire.Quit):
            self._waits.discard(says)
        elif says in self._waits:
            raise Violation(f"{sender.name} lets somebody wait and says {type(message).__name__}")
        if sender.replica is None or self.watched not in sender.replica.places:
            return
        room = sender.replica.places[self.watched].room
        about = [open_body(one.kind, one.body) for one in room.outbox]
        closes = next((turn for turn in reversed(about) if isinstance(turn, Seal | Unseal)), None)
        peer = self.at_other_end(number, sender).identity.public
        settled = [turn for _, _, turn in room.door._settled._turns]
        is_kept_out = isinstance(closes, Seal) and not any(lets_in(turn, peer) for turn in [*settled, *about])
        if is_kept_out and not isinstance(message, wire.Wait | wire.Quit):
            raise Violation(f"{sender.name} is about to close the door and says {type(message).__name__}")


class Circle:
    """One run in the room `record`. `log` tells what was done."""

    def __init__(self, seed: int | str, *, steps: int = 50) -> None:
        self.world = Watched(f"circle {seed}")
        self.random = self.world.random
        self.steps = steps
        self.log: list[str] = []
        self.said = 0
        self.is_fleeting = self.random.random() < 0.4
        self.stays_closed = self.random.random() < 0.5
        """Nobody opens a door in this run: who is outside stays so, unless somebody admits them."""
        self.record = private_room(Terms(self.random.randbytes(32), "Circle", "de", -1 if self.is_fleeting else 0), START)
        self.world.watched = self.record.id
        self.forgot: set[bytes] = set()
        """Identities that lost or forgot the room at some time: what they were said to have, they need not have."""
        self.unplaced: list[Content] = []
        """What crashed hosts had said that had no place yet."""
        self.ever: dict[bytes, EntryRecord] = {}
        """Everything that was ever on anybody's disk."""
        for name in "abcdef"[: self.random.randint(3, 6)]:
            self.world.host(name).start()
        for first in (self.come, self.come, self.link):
            first()

    def play(self) -> None:
        actions: list[Callable[[], None]] = [self.say] * 10 + [self.link] * 10 + [self.cut] * 2 + [self.come] * 4
        actions += [self.seal, self.seal, self.admit, self.open, self.crash, self.start, self.start, self.leave, self.end]
        for _ in range(self.steps):
            self.random.choice(actions)()
            self.world.run(self.random.choice(PAUSES))
            self.check()

    def rest(self) -> None:
        for host in self.world.hosts:
            if host.replica is None:
                host.start()
        for _ in range(2):
            self.world.mesh()
            self.world.run(REST)
        self.check()
        check_at_rest(self)

    # ── steps ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def up(self) -> list[Host]:
        return [host for host in self.world.hosts if host.replica is not None]

    def inside(self) -> list[Host]:
        """Those who have the room, whichever side of its door they are on."""
        return [host for host in self.up() if host.replica is not None and host.replica.is_active(self.record.id)]

    def somebody(self, people: list[Host]) -> Host | None:
        return self.random.choice(people) if people else None

    def do(self, content: Callable[[Host], Content | None], what: str) -> None:
        """Somebody says something of this kind, unless there is nothing to say."""
        host = self.somebody(self.inside())
        said = content(host) if host is not None else None
        if host is not None and said is not None:
            host.do(lambda replica: replica.send(self.record.id, said, host.now()))
            self.note(f"{host.name} {what}")

    def say(self) -> None:
        host = self.somebody(self.inside())
        if host is not None:
            self.said += 1
            host.say(f"{host.name} {self.said}", self.record.id)
            self.note(f"{host.name} says {self.said}")

    def come(self) -> None:
        """Somebody gets to know the secret."""
        host = self.somebody([host for host in self.up() if host not in self.inside()])
        if host is not None:
            host.join(self.record)
            self.note(f"{host.name} comes")

    def seal(self) -> None:
        host = self.somebody([host for host in self.inside() if not self.door_of(host).is_outside])
        if host is not None:
            host.do(lambda replica: replica.seal(self.record.id, host.now()))
            self.note(f"{host.name} closes the door")

    def open(self) -> None:
        self.do(lambda host: None if self.stays_closed or self.door_of(host).is_outside else Unseal(), "opens the door")

    def admit(self) -> None:
        def one_of(host: Host) -> Content | None:
            waiting = sorted(self.door_of(host).waiting)
            return Admit(self.random.choice(waiting)) if waiting else None

        self.do(one_of, "lets somebody in")

    def end(self) -> None:
        self.do(lambda _: Over(), "ends the meeting")

    def door_of(self, host: Host) -> Seen:
        assert host.replica is not None
        return host.replica.door(self.record.id)

    def link(self) -> None:
        if len(self.up()) > 1:
            one, other = self.random.sample(self.up(), 2)
            number = self.world.link(one, other, slow=self.random.choice([None, None, None, one]))
            self.note(f"link {one.name} {other.name}: {number}")

    def cut(self) -> None:
        if self.world.links:
            self.world.close(self.random.choice(sorted(self.world.links)))
            self.note("cut")

    def leave(self) -> None:
        host = self.somebody(self.inside())
        if host is not None:
            forget = self.random.random() < 0.3
            if forget:
                self.forgot.add(host.identity.public)
            host.do(lambda replica: replica.leave(self.record.id, host.now(), forget=forget))
            self.note(f"{host.name} leaves{' for good' if forget else ''}")

    def crash(self) -> None:
        """What is off the record is gone then."""
        host = self.somebody(self.up())
        if host is not None:
            self.unplaced += waiting_at(self, host)
            host.crash()
            if self.is_fleeting:
                host.disk.apply(DropRoom(self.record.id))
                self.forgot.add(host.identity.public)
            self.note(f"crash {host.name}")

    def start(self) -> None:
        host = self.somebody([host for host in self.world.hosts if host.replica is None])
        if host is not None:
            host.start()
            self.note(f"start {host.name}")

    def note(self, what: str) -> None:
        self.log.append(f"{self.world.time:9.3f} {what}")

    # ── what must hold ───────────────────────────────────────────────────────────────────────────────────────────────

    def entries(self, host: Host) -> list[EntryRecord]:
        return host.disk.entries(self.record.id, KINDS, 1_000_000)

    def check(self) -> None:
        for host in self.world.hosts:
            self.ever.update((entry.id, entry) for entry in self.entries(host))
        check_claims(self.world.hosts, self.forgot)
        for host in self.world.hosts:
            check_let_in(self, host)


def turns_of(circle: Circle, ids: Iterable[bytes]) -> list[tuple[EntryRecord, Content]]:
    """What was said of the door, in the order shown."""
    entries = sorted((circle.ever[id_] for id_ in ids if id_ in circle.ever), key=lambda entry: (entry.lamport, entry.id))
    contents = ((entry, open_body(entry.kind, entry.body or b"")) for entry in entries)
    return [(entry, content) for entry, content in contents if isinstance(content, Seal | Admit | Unseal)]


def past(circle: Circle, entry: EntryRecord) -> set[bytes]:
    """All that an entry rests on, and itself."""
    found, ahead = set[bytes](), [entry.id]
    while ahead:
        id_ = ahead.pop()
        if id_ not in found and id_ in circle.ever:
            found.add(id_)
            header = decode_header(circle.ever[id_].header)
            ahead += [one for one in (header.prev, *header.after) if one]
    return found


def admits(turns: Iterable[tuple[EntryRecord, Content]], who: bytes) -> bool:
    """The rule of the specification once more, for one person (whoever closes a door names themselves here)."""
    is_closed = is_in = False
    for _, turn in turns:
        match turn:
            case Seal(admitted):
                is_closed, is_in = True, is_in or who in admitted
            case Admit(one):
                is_in |= is_closed and one == who
            case Unseal():
                is_closed = is_in = False
    return is_in or not is_closed


def check_let_in(circle: Circle, host: Host) -> None:
    """Whoever holds what somebody wrote behind a door that was closed to them has been let in beside or after it."""
    me, all_turns = host.identity.public, turns_of(circle, circle.ever)
    if not any(isinstance(turn, Seal) for _, turn in all_turns):
        return
    for entry in made_by_others(circle, host):
        before = past(circle, entry)
        if admits(turns_of(circle, before), me):
            continue
        beside = [turn for one, turn in all_turns if one.id not in before] + unplaced(circle)
        if not any(isinstance(turn, Unseal) or lets_in(turn, me) for turn in beside):
            raise Violation(f"{host.name} holds what was written behind a door that is closed to it")


def waiting_at(circle: Circle, host: Host) -> list[Content]:
    """What somebody has said that has no place yet: it counts for them already."""
    place = host.replica.places.get(circle.record.id) if host.replica is not None else None
    contents = (open_body(one.kind, one.body) for one in place.room.outbox) if place is not None else ()
    return [content for content in contents if content is not None]


def unplaced(circle: Circle) -> list[Content]:
    return circle.unplaced + [content for host in circle.world.hosts for content in waiting_at(circle, host)]


def lets_in(turn: Content | None, who: bytes) -> bool:
    return (isinstance(turn, Seal) and who in turn.admitted) or (isinstance(turn, Admit) and turn.who == who)


def made_by_others(circle: Circle, host: Host) -> list[EntryRecord]:
    return [entry for entry in circle.entries(host) if entry.feed not in host.wrote]


def check_at_rest(circle: Circle) -> None:
    """Nobody is blamed; those who share the room are the same; what can be said is said."""
    for host in circle.world.hosts:
        if host.closed:
            raise Violation(f"{host.name} closed a link: {[(other.name, why) for other, why in host.closed]}")
    for number, (one, other) in sorted(circle.world.links.items()):
        if one in circle.inside() and other in circle.inside():
            check_pair(circle, number, one, other)
    for host in circle.inside():
        inside = room_of(host, circle.record.id)
        if inside.ready() and inside.outbox:
            raise Violation(f"something still waits at {host.name}")


def check_pair(circle: Circle, number: int, one: Host, other: Host) -> None:
    """Two who are linked share the room and are the same, or are kept apart by a door, and know it."""
    ready = [is_ready(host, circle, number) for host in (one, other)]
    told = [keeps_out(host, circle, number) for host in (one, other)]
    if ready[0] != ready[1] or ready[0] == any(told):
        raise Violation(f"{one.name} and {other.name}: {ready=} {told=}")
    if ready[0] and [shape(entry) for entry in circle.entries(one)] != [shape(entry) for entry in circle.entries(other)]:
        raise Violation(f"{one.name} and {other.name} share the room and differ")
    for host, peer, waits in ((one, other, told[0]), (other, one, told[1])):
        has_more_to_say = any(waiting.kind in DOOR_KINDS for waiting in room_of(host, circle.record.id).outbox)
        turns = turns_of(circle, [entry.id for entry in circle.entries(host)])
        if waits and not has_more_to_say and admits(turns, peer.identity.public):
            raise Violation(f"{host.name} keeps out {peer.name}, whom its door admits")


def keeps_out(host: Host, circle: Circle, number: int) -> bool:
    assert host.replica is not None
    return circle.record.id in host.replica.links[number].kept_out


def is_ready(host: Host, circle: Circle, number: int) -> bool:
    sharing = room_of(host, circle.record.id).sharings.get(number)
    return sharing is not None and sharing.ready


def run(seed: int | str, *, steps: int = 50) -> Circle:
    """Play the schedule of this seed. Violation where something does not hold."""
    circle = Circle(seed, steps=steps)
    try:
        circle.play()
        circle.rest()
    except Exception as error:
        error.add_note("\n".join(["", f"circle {seed}:", *circle.log]))
        raise
    return circle
