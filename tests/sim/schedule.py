"""Random schedules over a world (docs/protocol.md, "What a replica guarantees").

`run(seed)` plays one: links come and break, hosts crash and come back, some from a copy of their disk, people write, leave and come
again, and somebody may lie. Then everybody is linked with everybody, and when the world is at rest all must be the same.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext

from peertalk.core.asking import LONGEST
from peertalk.core.intake import PUT_OFF
from peertalk.core.rooms import direct_room
from peertalk.core.sharing import MAX_BACKOFF
from tests.core.authors import ROOM
from tests.sim.invariants import check_claims, check_rest
from tests.sim.mallory import Mallory
from tests.sim.scarcity import REFILL, scarcity
from tests.sim.world import Host, World

REST = 45.0
QUIET = MAX_BACKOFF + LONGEST + PUT_OFF + REFILL
"""Seconds within which whoever lacks what another has gets more of it: it may have to wait for its turn with who brought nothing,
for a request to a liar to end, and for a quota. Where nothing came to anybody for so long, nothing is still to come."""
LONGEST_REST = 900.0
PAUSES = (0.0, 0.001, 0.01, 0.05, 0.3, 2.0)
LONG = (30.0, 700.0, 5000.0)


class Schedule:
    """One run. `log` tells what was done, for a person who looks for the reason of a violation."""

    def __init__(self, seed: int | str, *, steps: int = 60) -> None:
        self.world = World(seed)
        self.random = self.world.random
        self.steps = steps
        self.log: list[str] = []
        self.said = 0
        self.copied: set[bytes] = set()
        """Identities that were copied: they may fork, once."""
        self.gone: list[Host] = []
        """Those who never come back: a copy goes on instead."""
        self.forgot: set[bytes] = set()
        """Identities that left for good at some time: what they were said to have, they need not have."""
        self.mallory: Mallory | None = None
        for name in "abcdef"[: self.random.randint(3, 6)]:
            skew = self.random.choice([0, 0, 0, 90_000, -3_600_000])
            self.start(self.world.host(name, skew=skew))
        if self.random.random() < 0.5:
            self.mallory = Mallory(self.world, "mallory")
            self.world.hosts.append(self.mallory)

    def play(self) -> None:
        """Random steps, each followed by a random time, claims checked at each."""
        actions: list[Callable[[], None]] = [self.say] * 10 + [self.link] * 8 + [self.cut] * 2
        actions += [self.crash, self.restart, self.restart, self.rename, self.whisper, self.leave, self.come_back]
        actions += [self.random.choice([self.copy, self.run_twice])]
        actions += [self.mallory.act] * 6 if self.mallory else []
        for _ in range(self.steps):
            self.random.choice(actions)()
            self.world.run(self.random.choice(PAUSES) if self.random.random() < 0.98 else self.random.choice(LONG))
            check_claims(self.honest(), self.copied | self.forgot)

    def rest(self) -> None:
        """Everybody up and in the room, everybody linked, and time. Who lies does so until then, and answers badly still."""
        for host in self.world.hosts:
            if host.replica is None and host not in self.gone:
                self.start(host)
        for host in self.up():
            host.join()
        self.world.mesh()
        if self.mallory is not None:
            self.world.run(1)
            self.mallory.liar.is_quiet = True
        self.world.run(1)
        self.world.mesh()
        self.world.run(REST)
        self.world.mesh()
        self.world.run(REST if self.mallory else 1)
        end = self.world.time + LONGEST_REST
        while self.world.time < min(end, self.world.changed + QUIET):
            self.world.run(1)

    def honest(self) -> list[Host]:
        return [host for host in self.world.hosts if host is not self.mallory]

    def up(self) -> list[Host]:
        """The honest ones that run."""
        return [host for host in self.honest() if host.replica is not None]

    def inside(self) -> list[Host]:
        """Those of them that are in the room."""
        return [host for host in self.up() if host.replica is not None and host.replica.is_active(ROOM.id)]

    # ── steps ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def start(self, host: Host) -> None:
        """A start joins the room, as a program joins its lobby: the first joining may have been lost in a crash."""
        host.start()
        host.join()

    def say(self) -> None:
        if self.inside():
            host = self.random.choice(self.inside())
            for _ in range(self.random.choice([1, 1, 1, 3, 20])):
                self.said += 1
                host.say(f"{host.name} {self.said}")
            self.note(f"{host.name} says up to {self.said}")

    def whisper(self) -> None:
        """Say something to one other; or a lot."""
        people = [host for host in self.up() if host.identity.public not in self.copied]
        if len(people) > 1:
            one, other = self.random.sample(people, 2)
            record = direct_room(one.identity, other.identity.public, one.now().wall, shown=True)
            one.join(record)
            for _ in range(self.random.choice([1, 1, 40])):
                self.said += 1
                one.say(f"{one.name} {self.said}", record.id)
            self.note(f"{one.name} to {other.name}: up to {self.said}")

    def link(self) -> None:
        people = [*self.up(), *([self.mallory] if self.mallory else [])]
        if len(people) > 1:
            one, other = self.random.sample(people, 2)
            slow = self.random.choice([None, None, None, None, one])
            number = self.world.link(one, other, slow=slow)
            self.note(f"link {one.name} {other.name}: {number}{', one way slow' if slow else ''}")

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
        down = [host for host in self.honest() if host.replica is None and host not in self.gone]
        if down:
            host = self.random.choice(down)
            self.start(host)
            self.note(f"start {host.name}")

    def rename(self) -> None:
        if self.up():
            host = self.random.choice(self.up())
            host.do(lambda replica: replica.rename(f"{host.name}{self.said}", host.now()))

    def leave(self) -> None:
        """Leave the room; for good, or hidden."""
        if not self.inside():
            return
        host, forget = self.random.choice(self.inside()), self.random.random() < 0.3
        if forget and not any(other.identity.public == host.identity.public for other in self.up() if other is not host):
            self.forgot.add(host.identity.public)
            host.answered = {(room, text) for room, text in host.answered if room != ROOM.id}
            host.waiting.clear()
        elif forget:
            return
        host.do(lambda replica: replica.leave(ROOM.id, host.now(), forget=forget))
        self.note(f"{host.name} leaves{' for good' if forget else ''}")

    def come_back(self) -> None:
        outside = [host for host in self.up() if host not in self.inside()]
        if outside:
            host = self.random.choice(outside)
            host.join()
            self.note(f"{host.name} comes back")

    def copy(self) -> None:
        """A host goes on from a copy of its disk, while what it had sent since is out there: a fork, unless noticed."""
        host = self._to_copy()
        if host is None:
            return
        twin = self.world.copy_of(host, host.name + "'")
        host.say(f"{host.name} after the copy")
        self.world.run(self.random.choice([0.0, 0.1, 1.0]))
        host.crash()
        host.answered.clear()
        self.gone.append(host)
        self.start(twin)
        self.note(f"{host.name} goes on as a copy")

    def run_twice(self) -> None:
        """A host and a copy of it run at the same time."""
        host = self._to_copy()
        if host is not None:
            twin = self.world.copy_of(host, host.name + "'")
            self.start(twin)
            self.note(f"{host.name} runs twice")

    def _to_copy(self) -> Host | None:
        people = [host for host in self.inside() if host.identity.public not in self.copied]
        if not people or len(self.world.hosts) > 6:
            return None
        host = self.random.choice(people)
        self.copied.add(host.identity.public)
        return host

    def note(self, what: str) -> None:
        self.log.append(f"{self.world.time:9.3f} {what}")


def is_scarce(seed: int | str) -> bool:
    """Are the limits small in the schedule of this seed? In every third."""
    return isinstance(seed, int) and seed % 3 == 2


def run(seed: int | str, *, steps: int = 60) -> Schedule:
    """Play the schedule of this seed. Violation where something does not hold."""
    with scarcity() if is_scarce(seed) else nullcontext():
        schedule = Schedule(seed, steps=steps)
        try:
            schedule.play()
            schedule.rest()
            check_claims(schedule.honest(), schedule.copied | schedule.forgot)
            check_rest(schedule.up(), schedule.honest(), schedule.mallory, schedule.copied)
        except Exception as error:
            error.add_note("\n".join(["", f"seed {seed}:", *schedule.log]))
            raise
    return schedule
