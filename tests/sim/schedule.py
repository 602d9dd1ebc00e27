"""Random schedules over a world, and what must hold in it (docs/protocol.md, section "What a replica guarantees").

`run(seed)` plays one: links come and break, hosts crash and come back, one may come back twice from a copy of its disk, people
write. Then everybody is linked with everybody, and when the world is at rest all must be the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from tests.sim.world import ROOM, Host, Violation, World

REST = 45.0


class Schedule:
    """One run. `log` tells what was done, for a person who looks for the reason of a violation."""

    def __init__(self, seed: int | str, *, steps: int = 60) -> None:
        self.world = World(seed)
        self.random = self.world.random
        self.steps = steps
        self.log: list[str] = []
        self.said = 0
        self.copied: set[bytes] = set()
        for name in "abcdef"[: self.random.randint(3, 6)]:
            skew = self.random.choice([0, 0, 0, 90_000, -3_600_000])
            host = self.world.host(name, skew=skew)
            self.start(host)

    def play(self) -> None:
        """Random steps, each followed by a random time, invariants checked at each."""
        actions: list[Callable[[], None]] = [self.say] * 8 + [self.link] * 6 + [self.cut] * 2 + [self.crash, self.restart]
        actions += [self.restart, self.rename, self.copy]
        for _ in range(self.steps):
            self.random.choice(actions)()
            self.world.run(self.random.choice([0.0, 0.001, 0.01, 0.05, 0.3, 2.0]))
            self.check_claims()

    def start(self, host: Host) -> None:
        """A start joins the room, as a program joins its lobby: the first joining may have been lost in a crash."""
        host.start()
        host.join()

    def rest(self) -> None:
        """Everybody up, everybody linked, and time."""
        for host in self.world.hosts:
            if host.replica is None and not self.is_doubled(host):
                self.start(host)
        self.world.mesh()
        self.world.run(REST)

    def is_doubled(self, host: Host) -> bool:
        """Is another copy of this profile the one that goes on?"""
        copies = [other for other in self.world.hosts if other.identity.public == host.identity.public]
        return copies[-1] is not host

    # ── steps ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def up(self) -> list[Host]:
        return [host for host in self.world.hosts if host.replica is not None]

    def say(self) -> None:
        if self.up():
            host = self.random.choice(self.up())
            for _ in range(self.random.choice([1, 1, 1, 3, 20])):
                self.said += 1
                host.say(f"{host.name} {self.said}")
            self.note(f"{host.name} says up to {self.said}")

    def link(self) -> None:
        if len(self.up()) > 1:
            one, other = self.random.sample(self.up(), 2)
            self.note(f"link {one.name} {other.name}: {self.world.link(one, other)}")

    def cut(self) -> None:
        if self.world.links:
            number = self.random.choice(sorted(self.world.links))
            self.note(f"cut {number}")
            self.world.close(number)

    def crash(self) -> None:
        if self.up():
            host = self.random.choice(self.up())
            host.crash()
            self.note(f"crash {host.name}")

    def restart(self) -> None:
        down = [host for host in self.world.hosts if host.replica is None and not self.is_doubled(host)]
        if down:
            host = self.random.choice(down)
            self.start(host)
            self.note(f"start {host.name}")

    def rename(self) -> None:
        if self.up():
            host = self.random.choice(self.up())
            host.do(lambda replica: replica.rename(f"{host.name}{self.said}", host.now()))

    def copy(self) -> None:
        """A host goes on from a copy of its disk, while what it had sent since is out there: a fork, unless noticed."""
        host = self.random.choice(self.up()) if self.up() else None
        if host is None or host.identity.public in self.copied or len(self.world.hosts) > 6:
            return
        self.copied.add(host.identity.public)
        twin = self.world.copy_of(host, host.name + "'")
        host.say(f"{host.name} after the copy")
        self.world.run(self.random.choice([0.0, 0.1, 1.0]))
        host.crash()
        host.answered.clear()
        self.start(twin)
        self.note(f"{host.name} goes on as a copy")

    def note(self, what: str) -> None:
        self.log.append(f"{self.world.time:9.3f} {what}")

    # ── what must hold ───────────────────────────────────────────────────────────────────────────────────────────────

    def check_claims(self) -> None:
        """Whatever somebody was said to have on disk, it has on disk."""
        for host in self.up():
            assert host.replica is not None
            for (feed, identity, _disk), seq in host.replica.places[ROOM.id].room.claims.items():
                holders = [other for other in self.world.hosts if other.identity.public == identity]
                if identity not in self.copied and not any(held(other, feed) >= seq for other in holders):
                    raise Violation(f"{holders[-1].name} does not have {feed.hex()[:8]} up to {seq}")

    def check_rest(self) -> None:
        """All the same, all complete, nothing twice, nothing waiting, no link lost to a supposed mistake of a peer."""
        alive = self.up()
        orders = {host.name: host.order() for host in alive}
        first = orders[alive[0].name]
        for host in alive:
            if host.closed:
                raise Violation(f"{host.name} closed a link to an honest peer: {host.closed}")
            if orders[host.name] != first:
                raise Violation(f"{host.name} and {alive[0].name} differ: {len(orders[host.name])} and {len(first)}")
            if host.disk.snapshot().rooms[0].outbox:
                raise Violation(f"something still waits at {host.name}")
        self.check_answered(alive)
        self.check_forks(alive)

    def check_answered(self, alive: list[Host]) -> None:
        entries = alive[0].disk.entries(ROOM.id, ("text",), 1_000_000)
        counts = Counter(entry.message for entry in entries)
        for host in self.world.hosts:
            lost = [message for message in host.answered if counts[message] != 1]
            if lost:
                raise Violation(f"{len(lost)} messages of {host.name} that were answered are not there once")

    def check_forks(self, alive: list[Host]) -> None:
        """Nobody forks but who was copied."""
        for host in alive:
            assert host.replica is not None
            room = host.replica.places[ROOM.id].room
            for feed, chain in room.log.chains.items():
                owner = room.cards.owner(feed)
                if chain.forked and (owner is None or owner.identity not in self.copied):
                    raise Violation(f"{feed.hex()[:8]} is forked")


def held(host: Host, feed: bytes) -> int:
    """Up to which seq this host has a feed on disk."""
    rooms = host.disk.snapshot().rooms
    return max((seq for page in rooms[0].pages if page.feed == feed for _, seq, _ in page.entries), default=0)


def run(seed: int | str, *, steps: int = 60) -> Schedule:
    """Play the schedule of this seed. Violation where something does not hold."""
    schedule = Schedule(seed, steps=steps)
    schedule.play()
    schedule.rest()
    schedule.check_claims()
    schedule.check_rest()
    return schedule


