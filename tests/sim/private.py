"""A private room of replicas that may be started anew: for tests of what each of them then has, and hears."""

from __future__ import annotations

from peertalk.core import wire
from peertalk.core.entry import open_body
from peertalk.core.rooms import Terms, private_room
from peertalk.core.stored import OfferRecord
from tests.core.authors import START
from tests.sim.world import Host, World

CIRCLE = private_room(Terms(b"circle".ljust(32), "Circle", "en"), START)
SETTLE = 6.0


class Circle:
    """People in `CIRCLE`, all linked. `heard` is what each of them was sent since `listen`."""

    def __init__(self, names: str, seed: int | str = 1) -> None:
        self.world = World(seed)
        self.people = {name: self.world.host(name) for name in names.split()}
        self.heard: dict[str, list[wire.Message]] = {}
        for host in self.people.values():
            host.start()
            host.join(CIRCLE)
        self.meet()

    def __getitem__(self, name: str) -> Host:
        return self.people[name]

    def key(self, name: str) -> bytes:
        return self[name].identity.public

    def keys(self, names: str) -> list[bytes]:
        return sorted(self.key(name) for name in names.split())

    # ── what happens ─────────────────────────────────────────────────────────────────────────────────────────────────

    def meet(self) -> None:
        """Everybody who runs is linked with all who will be, and has the time to hear what there is."""
        self.world.mesh()
        self.world.run(SETTLE)

    def away(self, name: str) -> None:
        """Switched off."""
        self.world.cut(self[name])
        self[name].replica = None

    def back(self, name: str) -> None:
        self[name].start()
        self.meet()

    def say(self, name: str, text: str, room: bytes = CIRCLE.id) -> None:
        self[name].say(text, room)
        self.world.run(SETTLE)

    def begin(self, name: str, without: str, room: bytes = CIRCLE.id) -> bytes:
        """Start a room anew, in this very moment; the id of the new one."""
        host, made = self[name], []
        seed = self.world.random.randbytes(32)
        host.do(lambda replica: made.append(replica.reforming.reform(room, self.keys(without), seed, host.now()).id))
        return made[0]

    def reform(self, name: str, without: str, room: bytes = CIRCLE.id) -> bytes:
        made = self.begin(name, without, room)
        self.world.run(SETTLE)
        return made

    def follow(self, names: str, room: bytes) -> None:
        for name in names.split():
            host = self[name]
            host.do(lambda replica, host=host: replica.reforming.follow(room, host.now()))
        self.meet()

    def decline(self, name: str, room: bytes) -> None:
        self[name].do(lambda replica: replica.reforming.offers.decline(room))
        self.world.run(SETTLE)

    def listen(self, name: str) -> None:
        """From now on, note whatever somebody is sent."""
        self.heard[name] = []
        self.world.watch = self._note

    def _note(self, _: Host, peer: Host, message: wire.Message) -> None:
        if peer.name in self.heard:
            self.heard[peer.name].append(message)

    # ── what there is ────────────────────────────────────────────────────────────────────────────────────────────────

    def offers(self, name: str) -> list[OfferRecord]:
        replica = self[name].replica
        assert replica is not None
        return replica.reforming.offers.open()

    def rooms(self, name: str) -> set[bytes]:
        replica = self[name].replica
        assert replica is not None
        return set(replica.places)

    def is_archived(self, name: str, room: bytes = CIRCLE.id) -> bool:
        replica = self[name].replica
        assert replica is not None
        return replica.places[room].room.record.archived

    def online(self, name: str, room: bytes = CIRCLE.id) -> set[str]:
        """Who is here, as somebody sees it."""
        replica = self[name].replica
        assert replica is not None
        there = replica.places[room].room.online()
        return {other for other, host in self.people.items() if host.identity.public in there}

    def linked(self, name: str) -> set[str]:
        here = self[name]
        return {host.name for ends in self.world.links.values() if here in ends for host in ends if host is not here}

    def texts(self, name: str, room: bytes = CIRCLE.id) -> list[str]:
        return self[name].texts(room)


def contents(host: Host, room: bytes) -> list[object]:
    """What was said of a room on its disk, in the order shown."""
    kinds = ("here", "follow", "text", "end", "left")
    return [open_body(entry.kind, entry.body or b"") for entry in host.disk.entries(room, kinds, 1000)]
