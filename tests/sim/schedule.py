"""Playing a plan over a world (docs/protocol.md, "What it promises").

Links come and break, hosts crash and come back, some from a copy of their disk, people write, leave and come again, and some may lie.
Then everybody is linked with everybody, and when the world is at rest all must be the same. `run(seed)` plays the plan of a seed.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import ExitStack

from peertalk.core.asking import LONGEST
from peertalk.core.entry import Edit, React
from peertalk.core.intake import PUT_OFF
from peertalk.core.rooms import direct_room
from peertalk.core.sharing import MAX_BACKOFF
from peertalk.core.sync import Replica
from peertalk.errors import RequestError
from tests.core.authors import ROOM
from tests.sim.backups import Backup, backed_up
from tests.sim.bounds import check_bounds, check_bytes
from tests.sim.deleting import check_deleted, what_deletes
from tests.sim.invariants import Claims, check_rest, check_same
from tests.sim.mallory import Mallory
from tests.sim.plan import Plan, Step, draw
from tests.sim.scarcity import REFILL, scarcity
from tests.sim.signer import keyed_hashes
from tests.sim.world import Host, World

REST = 45.0
QUIET = MAX_BACKOFF + LONGEST + PUT_OFF + REFILL
"""Seconds within which whoever lacks what another has gets more of it: it may have to wait for its turn with who brought nothing,
for a request to a liar to end, and for a quota. Where nothing came to anybody for so long, nothing is still to come."""
LONGEST_REST = 900.0
MOST_HOSTS = 14


class Schedule:
    """One run of a plan. `log` tells what was done, for a person who looks for the reason of a violation."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.world = World(plan.seed)
        self.log: list[str] = []
        self.said = 0
        self.copied: set[bytes] = set()
        """Identities that were copied without noticing it: they may fork, once."""
        self.backups: dict[str, Backup] = {}
        self.hosts = {name: self.world.host(name, skew=skew) for name, skew in plan.hosts.items()}
        self.liars = [Mallory(self.world, name) for name in plan.liars]
        self.claims = Claims()
        steps = (self.start, self.enter, self.crash, self.say, self.story, self.whisper, self.edit, self.delete, self.react)
        steps += (self.unreact, self.link, self.again, self.cut, self.mesh, self.part, self.heal, self.wall, self.unwall)
        steps += (self.stall, self.rename, self.renew, self.leave, self.forget, self.come, self.clock, self.keep, self.restore)
        steps += (self.unpack, self.revive, self.twin, self.lie, self.tongues)
        self._steps: dict[str, Callable[..., object]] = {step.__name__: step for step in steps}

    def play(self) -> None:
        """All steps, each followed by its time; what must hold at every moment is looked at after each."""
        for step in self.plan.steps:
            self.do(step)
            self.world.run(step.wait)
            self.check()

    def do(self, step: Step) -> None:
        """Carry a step out, or pass it over where it makes no sense: then it gives False."""
        done = self._steps[step.what](*step.args) is not False
        self.log.append(f"{self.world.time:9.3f} {step}{'' if done else '   (passed over)'}")

    def check(self) -> None:
        self.claims.check(self.honest(), self.copied | self.world.lost)
        check_bounds(self.up())

    def rest(self) -> None:
        """Everybody up and in the room, everybody linked, and time. Who lies does so until then, and answers badly still. Those whom
        nobody can dial have to hear all by way of others first."""
        self.world.heal()
        for liar in self.liars:
            liar.liar.is_quiet = liar.liar.is_mute = self.plan.are_mute
        for host in self.begun():
            if host.replica is None:
                self.begin(host)
            host.join(self.plan.room)
        self.settle()
        if self.world.ways.walled:
            check_same(self.up(), ROOM.id)
            self.world.ways.walled.clear()
            self.settle()
        self.world.run_until(lambda: not any(host.is_busy for host in self.up()))

    def settle(self) -> None:
        self.world.mesh()
        self.world.run(1)
        for liar in self.liars:
            liar.liar.is_quiet = True
        self.world.mesh()
        self.world.run(REST)
        self.world.mesh()
        self.world.run(REST if self.liars else 1)
        end = self.world.time + LONGEST_REST
        while self.world.time < min(end, self.world.changed + QUIET):
            self.world.run(1)

    def honest(self) -> list[Host]:
        return [host for host in self.world.hosts if not isinstance(host, Mallory)]

    def begun(self) -> list[Host]:
        """Those who have run at all."""
        return [host for host in self.honest() if host.life]

    def up(self) -> list[Host]:
        """The honest ones that run."""
        return [host for host in self.honest() if host.replica is not None]

    def is_inside(self, host: Host) -> bool:
        return host.replica is not None and host.replica.is_active(ROOM.id)

    # ── hosts ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def begin(self, host: Host) -> None:
        """A start joins the room, as a program joins its lobby: the first joining may have been lost in a crash."""
        host.start()
        host.join(self.plan.room)

    def start(self, name: str) -> bool:
        host = self.hosts.get(name)
        if host is None or host.replica is not None:
            return False
        self.begin(host)
        return True

    def crash(self, name: str) -> bool:
        host = self.hosts.get(name)
        if host is None or host.replica is None:
            return False
        host.crash()
        return True

    def enter(self, name: str) -> None:
        liar = next(liar for liar in self.liars if liar.name == name)
        self.world.hosts.append(liar)
        self.hosts[name] = liar

    def lie(self, name: str, count: str) -> bool:
        liar = self.hosts.get(name)
        if not isinstance(liar, Mallory):
            return False
        for _ in range(int(count)):
            liar.act()
        return True

    def tongues(self, name: str, *halves: str) -> bool:
        """All have the same; then one half of them is told one thing and the other half another, and nobody speaks across."""
        liar, told = (
            self.hosts.get(name),
            [[self.hosts[one] for one in half.split(",") if one in self.hosts] for half in halves],
        )
        if not isinstance(liar, Mallory):
            return False
        self.world.mesh()
        self.world.run(1)
        for number, ends in list(self.world.links.items()):
            if all(set(ends) & set(half) for half in told):
                self.world.close(number)
        numbers = [[number for host in half if (number := self.world.between(liar, host)) is not None] for half in told]
        liar.do(lambda _: liar.liar.tell_apart(*numbers))
        return True

    def clock(self, name: str, by: str) -> bool:
        host = self.hosts.get(name)
        if host is None:
            return False
        host.skew += int(by)
        host.may_renew = True
        return True

    def stall(self, name: str, seconds: str) -> bool:
        host = self.hosts.get(name)
        if host is None:
            return False
        self.world.stall(host, float(seconds))
        return True

    def keep(self, name: str) -> bool:
        """A copy of the profile is put aside, as it would be after power loss."""
        host = self.hosts.get(name)
        if host is None or not host.life:
            return False
        disk = copy.deepcopy(host.disk)
        disk.crash()
        self.backups[name] = Backup(disk, backed_up(disk, host.now().wall), set(host.answered))
        return True

    def restore(self, name: str) -> bool:
        """The copy takes the place of the profile, which is noticed at the start."""
        return self._restore(name, noticed=True)

    def unpack(self, name: str) -> bool:
        """The same from a backup in a file, which has other feed keys."""
        return self._restore(name, noticed=True, from_file=True)

    def revive(self, name: str) -> bool:
        """The same, and nobody notices until others tell: as where a whole machine is set back."""
        return self._restore(name, noticed=False)

    def _restore(self, name: str, *, noticed: bool, from_file: bool = False) -> bool:
        host, backup = self.hosts.get(name), self.backups.get(name)
        if host is None or backup is None or host.identity.public in self.copied:
            return False
        if host.replica is not None:
            host.crash()
        disk = backup.file if from_file else backup.disk
        host.disk, host.answered = copy.deepcopy(disk), set(backup.answered)
        host.is_restored |= noticed
        self.world.lost.add(host.identity.public)
        if not noticed:
            self.copied.add(host.identity.public)
        self.begin(host)
        return True

    def twin(self, name: str) -> bool:
        """A host and a copy of it run at the same time."""
        host = self.hosts.get(name)
        if host is None or not self.is_inside(host) or host.identity.public in self.copied:
            return False
        self.copied.add(host.identity.public)
        self.hosts[f"{name}2"] = twin = self.world.copy_of(host, f"{name}2")
        self.begin(twin)
        return True

    # ── links ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def link(self, one: str, other: str, pace: str = "") -> bool:
        if one not in self.hosts or other not in self.hosts:
            return False
        dials, dialled = self.hosts[one], self.hosts[other]
        return self.world.link(dials, dialled, slow=dials if pace else None) is not None

    def again(self, one: str, other: str) -> bool:
        if one not in self.hosts or other not in self.hosts:
            return False
        number = self.world.between(self.hosts[one], self.hosts[other])
        return number is not None and self.world.link(self.hosts[one], self.hosts[other], again=True) is not None

    def cut(self, one: str, other: str) -> bool:
        number = self.world.between(self.hosts[one], self.hosts[other]) if {one, other} <= self.hosts.keys() else None
        if number is None:
            return False
        self.world.close(number)
        return True

    def mesh(self) -> None:
        self.world.mesh()

    def part(self, *parts: str) -> None:
        self.world.part(*(part.split(",") for part in parts))

    def heal(self) -> None:
        self.world.heal()

    def wall(self, name: str) -> bool:
        """Nobody can dial this one any more. There is always somebody whom all can dial."""
        if not {*self.plan.hosts} - self.world.ways.walled - {name}:
            return False
        self.world.ways.walled.add(name)
        return True

    def unwall(self, name: str) -> None:
        self.world.ways.walled.discard(name)

    # ── what is said ─────────────────────────────────────────────────────────────────────────────────────────────────

    def say(self, name: str, count: str, *, story: bool = False) -> bool:
        host = self.hosts.get(name)
        if host is None or not self.is_inside(host):
            return False
        for _ in range(int(count)):
            self.said += 1
            host.say(f"{name} {self.said}", story=story)
        return True

    def story(self, name: str, count: str) -> bool:
        return self.say(name, count, story=True)

    def whisper(self, name: str, to: str, count: str) -> bool:
        """Say something to one other; or a lot."""
        one, other = self.hosts.get(name), self.hosts.get(to)
        if one is None or other is None or one.replica is None or not other.life:
            return False
        if self.copied & {one.identity.public, other.identity.public}:
            return False
        record = direct_room(one.identity, other.identity.public, one.now().wall, shown=True)
        one.join(record)
        for _ in range(int(count)):
            self.said += 1
            one.say(f"{name} {self.said}", record.id)
        return True

    def edit(self, name: str, which: str) -> bool:
        return self._annotate(name, name, which, lambda message: Edit(message, f"{name} says otherwise"))

    def delete(self, name: str, which: str) -> bool:
        """As a person does, who sees the message and what was said about it; what is on its way to the disk is waited for."""
        host = self.hosts.get(name)
        if host is None or not self.is_inside(host) or int(which) >= len(host.spoken):
            return False
        self.world.run_until(lambda: not host.disk.queued)
        said = host.spoken[int(which)]
        about = what_deletes(host, said.message)
        for content in about:
            host.annotate(content)
        if about:
            self._is_deleted(host, (ROOM.id, said.text))
        return bool(about)

    def _is_deleted(self, host: Host, text: tuple[bytes, str]) -> None:
        """It need not be there any more."""
        host.answered.discard(text)
        host.waiting = {message: said for message, said in host.waiting.items() if said != text}
        if host.name in self.backups:
            self.backups[host.name].answered.discard(text)

    def react(self, author: str, which: str, name: str, gesture: str) -> bool:
        return self._annotate(name, author, which, lambda message: React(message, gesture))

    def unreact(self, author: str, which: str, name: str, gesture: str) -> bool:
        return self._annotate(name, author, which, lambda message: React(message, gesture, remove=True))

    def _annotate(self, name: str, author: str, which: str, about: Callable[[bytes], Edit | React]) -> bool:
        host, said = self.hosts.get(name), self.hosts[author].spoken if author in self.hosts else []
        if host is None or not self.is_inside(host) or int(which) >= len(said):
            return False
        try:
            host.annotate(about(said[int(which)].message))
        except RequestError:  # it was deleted by its author before
            return False
        return True

    def rename(self, name: str) -> bool:
        host = self.hosts.get(name)
        if host is None or host.replica is None:
            return False
        host.do(lambda replica: replica.rename(f"{name}{self.said}", host.now()))
        return True

    def renew(self, name: str) -> bool:
        """Go on with a new feed, as everybody does every 30 days."""
        host = self.hosts.get(name)
        if host is None or not self.is_inside(host):
            return False

        def retire(replica: Replica) -> None:
            replica.places[ROOM.id].own.retire(host.now())
            replica._mark(ROOM.id)

        host.may_renew = True
        host.do(retire)
        return True

    # ── coming and going ─────────────────────────────────────────────────────────────────────────────────────────────

    def leave(self, name: str, *, forget: bool = False) -> bool:
        host = self.hosts.get(name)
        if host is None or not self.is_inside(host):
            return False
        host.do(lambda replica: replica.leave(ROOM.id, host.now(), forget=forget))
        return True

    def forget(self, name: str) -> bool:
        """Leave for good. Not who runs twice: the other one would still have what was answered."""
        host = self.hosts.get(name)
        if host is None or not self.is_inside(host) or host.identity.public in self.copied:
            return False
        host.forgets(ROOM.id)
        return self.leave(name, forget=True)

    def come(self, name: str) -> bool:
        host = self.hosts.get(name)
        if host is None or host.replica is None or self.is_inside(host):
            return False
        host.join(self.plan.room)
        return True


def play(plan: Plan) -> Schedule:
    """Play a plan to its end. Violation where something does not hold."""
    with ExitStack() as stack:
        if plan.is_scarce:
            stack.enter_context(scarcity())
        if not plan.is_real:
            stack.enter_context(keyed_hashes())
        schedule = Schedule(plan)
        try:
            schedule.play()
            schedule.rest()
            schedule.check()
            check_rest(schedule.up(), schedule.liars, schedule.copied, schedule.world.lost)
            check_deleted(schedule.up(), is_among_honest=not schedule.liars)
            check_bytes(schedule.world, schedule.begun(), is_scarce=plan.is_scarce)
        except Exception as error:
            error.add_note("\n".join(["", f"seed {plan.seed}:", *schedule.log]))
            raise
    return schedule


def run(seed: int | str, *, small: bool = False) -> Schedule:
    """Play the plan of this seed. Violation where something does not hold."""
    return play(draw(seed, small=small))
