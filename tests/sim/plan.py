"""What is done in a run, as data: a list of steps drawn from a seed before anything happens, so that any part of it can be played.

A step is a line of text: `link c a slow +0.3` is "c dials a, what c says takes long; then 0.3 s pass". Whoever draws does not see what
comes of the steps, it only keeps in mind what is likely; a step that makes no sense when its turn comes is passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from random import Random
from typing import NamedTuple

import msgspec

from peertalk.core.stored import RoomRecord
from tests.core.authors import ROOM

PAUSES = (0.0, 0.001, 0.01, 0.05, 0.3, 2.0)
LONG = (30.0, 700.0, 5000.0)
MINUTE, HOUR, DAY, YEAR = 60_000, 3_600_000, 86_400_000, 31_557_600_000
NAMES = "abcdefghijkl"
GESTURES = ("heart", "laugh", "yes")
MAX_ENTRIES = 60
"""What is written in one run: messages, and what is said about them."""


class Step(NamedTuple):
    """Something that is done, by whom or to whom, and how many seconds pass then."""

    what: str
    args: tuple[str, ...] = ()
    wait: float = 0.0

    def __str__(self) -> str:
        return " ".join((self.what, *self.args, f"+{self.wait:g}"))

    @classmethod
    def parse(cls, line: str) -> Step:
        what, *args, wait = line.split()
        return cls(what, tuple(args), float(wait.removeprefix("+")))


def parse_steps(text: str) -> tuple[Step, ...]:
    """The steps in `text`, one a line; lines that begin with # say something to people."""
    return tuple(Step.parse(line) for line in text.splitlines() if line.strip() and not line.startswith("#"))


@dataclass(frozen=True)
class Plan:
    """All of a run. `hosts`: name → how far off its clock is (ms). Of a room that is not `lasting` history is forgotten and what
    comes into it is limited, so there nobody's clock is far off."""

    seed: int | str
    hosts: dict[str, int]
    liars: tuple[str, ...]
    is_lasting: bool
    steps: tuple[Step, ...]

    @property
    def is_scarce(self) -> bool:
        """Are the limits small? In every third run."""
        return isinstance(self.seed, int) and self.seed % 3 == 2

    @property
    def is_real(self) -> bool:
        """Are signatures real ones? In every twentieth run."""
        return not isinstance(self.seed, int) or self.seed % 20 == 0

    @property
    def room(self) -> RoomRecord:
        """The room that all share."""
        return msgspec.structs.replace(ROOM, kind="private") if self.is_lasting else ROOM

    @property
    def are_mute(self) -> bool:
        """Do the liars say nothing any more at the end? In every second run: then nobody hears from them what others keep back."""
        return not isinstance(self.seed, int) or self.seed % 2 == 0

    def of(self, steps: Iterable[Step]) -> Plan:
        """The same with other steps."""
        return replace(self, steps=tuple(steps))

    def __str__(self) -> str:
        kind = "lasting" if self.is_lasting else "open"
        return "\n".join([f"# seed {self.seed}, {kind}{', scarce' if self.is_scarce else ''}", *map(str, self.steps)])


class Draft:
    """Draws steps. What it keeps in mind of hosts and links is what would be if all went well."""

    def __init__(self, seed: int | str, *, small: bool) -> None:
        self.random = Random(f"plan {seed}")
        count = self.random.choice((3, 3, 4, 5) if small else (3, 3, 4, 4, 5, 5, 6, 6, 8, 10, 12))
        self.is_lasting = self.random.random() < 0.3
        self.hosts = {name: self._skew() for name in NAMES[:count]}
        self.liars = tuple(f"m{number}" for number in range(self.random.choice((0, 0, 0, 1, 1, 1, 2, 3))))
        self.steps: list[Step] = []
        self.left = MAX_ENTRIES // 2 if small else MAX_ENTRIES
        self.up: set[str] = set()
        self.linked: set[tuple[str, str]] = set()
        self.spoken: dict[str, int] = dict.fromkeys(self.hosts, 0)
        self.kept: set[str] = set()
        self.copied: set[str] = set()
        self.jumped: set[str] = set()

    def _skew(self) -> int:
        far = (10 * YEAR, -10 * YEAR, 2 * YEAR) if self.is_lasting else ()
        return self.random.choice((0, 0, 0, 90_000, -HOUR, *far))

    def add(self, what: str, *args: object) -> None:
        wait = self.random.choice(PAUSES) if self.random.random() < 0.98 else self.random.choice(LONG)
        self.steps.append(Step(what, tuple(map(str, args)), wait))

    def draw(self, count: int) -> None:
        for name in self.hosts:
            if self.random.random() < 0.75 or not self.up:
                self.start(name)
        for name in self.liars:
            self.add("enter", name)
        actions = self.actions()
        while len(self.steps) < count:
            self.random.choice(actions)()
        if self.liars and self.random.random() < 0.4:
            self.finish()

    def finish(self) -> None:
        """All have the same, and then are told different things: the last that happens."""
        for name in sorted({*self.hosts} - self.up):
            self.start(name)
        self.steps += [Step("heal"), *(Step("unwall", (name,)) for name in self.hosts), Step("mesh", (), 40.0)]
        self.tongues()

    def actions(self) -> list[Callable[[], None]]:
        """In each run some kinds of steps are many, and some are not there at all: so that more is met than if all were mixed."""
        kinds = [
            [self.annotate] * 3,
            [self.crash, self.restart, self.restart],
            [self.leave, self.come, self.come, self.rename],
            [self.renew],
            [self.again, self.stall, self.part, self.heal, self.heal, self.wall],
            [self.keep, self.keep, self.restore, self.twin],
            [self.whisper],
            [self.clock],
            [self.lie, self.lie, self.lie, self.tongues] if self.liars else [],
        ]
        some = [kind * self.random.choice((0, 1, 1, 4)) for kind in kinds]
        return (
            [self.say] * 10
            + [self.link] * 9
            + [self.cut] * 3
            + [self.mesh, self.restart]
            + [one for kind in some for one in kind]
        )

    def somebody(self) -> str:
        return self.random.choice(sorted(self.up or self.hosts))

    # ── steps ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def start(self, name: str) -> None:
        self.up.add(name)
        self.add("start", name)

    def restart(self) -> None:
        down = sorted({*self.hosts} - self.up)
        if down:
            self.start(self.random.choice(down))

    def crash(self) -> None:
        name = self.somebody()
        self.up.discard(name)
        self.linked = {pair for pair in self.linked if name not in pair}
        self.add("crash", name)

    def say(self) -> None:
        self._say("story" if self.random.random() < 0.1 else "say", (1, 1, 1, 3, 20))

    def whisper(self) -> None:
        if len(self.hosts) > 1:
            self._say("whisper", (1, 1, 40), self.random.choice(sorted(self.hosts)))

    def _say(self, what: str, counts: tuple[int, ...], *to: str) -> None:
        name, count = self.somebody(), min(self.left, self.random.choice(counts))
        if count and name not in to:
            self.left -= count
            self.spoken[name] += 0 if to else count
            self.add(what, name, *to, count)

    def annotate(self) -> None:
        """Edit or delete what one has said oneself, or make a gesture towards what anybody said."""
        authors = sorted(name for name, count in self.spoken.items() if count)
        if not authors or not self.left:
            return
        author, what = self.random.choice(authors), self.random.choice(("edit", "edit", "delete", "react", "react", "unreact"))
        which = self.random.randrange(self.spoken[author])
        self.left -= 1
        gesture = (self.somebody(), self.random.choice(GESTURES)) if what.endswith("react") else ()
        self.add(what, author, which, *gesture)

    def link(self) -> None:
        people = sorted(self.up | {*self.liars})
        if len(people) > 1:
            one, other = self.random.sample(people, 2)
            self.linked.add((one, other))
            self.add("link", one, other, *self.random.choice(((), (), (), (), ("slow",))))

    def again(self) -> None:
        if self.linked:
            self.add("again", *self.random.sample(self.random.choice(sorted(self.linked)), 2))

    def cut(self) -> None:
        if self.linked:
            pair = self.random.choice(sorted(self.linked))
            self.linked.discard(pair)
            self.add("cut", *pair)

    def mesh(self) -> None:
        self.add("mesh")

    def part(self) -> None:
        people = sorted({*self.hosts, *self.liars})
        self.random.shuffle(people)
        at = self.random.randint(1, len(people) - 1)
        self.add("part", ",".join(sorted(people[:at])), ",".join(sorted(people[at:])))

    def heal(self) -> None:
        self.add("heal")

    def wall(self) -> None:
        self.add(self.random.choice(("wall", "wall", "unwall")), self.random.choice(sorted(self.hosts)))

    def stall(self) -> None:
        self.add("stall", self.somebody(), self.random.choice((1, 4, 30)))

    def rename(self) -> None:
        self.add("rename", self.somebody())

    def renew(self) -> None:
        """Somebody changes the feed; and changes what the old one said, which only counts where others know of both."""
        name = self.somebody()
        self.add("renew", name)
        if self.spoken[name] and self.left and self.random.random() < 0.7:
            self.left -= 1
            self.add(self.random.choice(("edit", "delete")), name, self.random.randrange(self.spoken[name]))

    def leave(self) -> None:
        self.add(self.random.choice(("leave", "leave", "forget")), self.somebody())

    def come(self) -> None:
        self.add("come", self.somebody())

    def clock(self) -> None:
        """A clock is set. Far, where nothing is forgotten by it; where it is, once for each, so that nobody's is far off."""
        name, far = self.somebody(), (40 * DAY, 3 * YEAR, -3 * YEAR) if self.is_lasting else (8 * DAY,)
        if name in self.jumped and not self.is_lasting:
            far = ()
        by = self.random.choice((MINUTE, -MINUTE, HOUR, -HOUR, *far))
        if by in far:
            self.jumped.add(name)
        self.add("clock", name, by)

    def keep(self) -> None:
        name = self.somebody()
        self.kept.add(name)
        self.add("keep", name)

    def restore(self) -> None:
        if self.kept:
            name = self.random.choice(sorted(self.kept))
            self.up.add(name)
            self.add(self.random.choice(("restore", "unpack", "revive")), name)

    def twin(self) -> None:
        """A copy of one that runs, at the same time, called after it."""
        name = self.somebody()
        if name.isalpha() and name not in self.copied and len(self.copied) < 2:
            self.copied.add(name)
            self.up.add(f"{name}2")
            self.spoken[f"{name}2"] = 0
            self.add("twin", name)

    def tongues(self) -> None:
        people = sorted(self.up)
        if len(people) > 1:
            self.random.shuffle(people)
            at = self.random.randint(1, len(people) - 1)
            self.add("tongues", self.random.choice(self.liars), ",".join(sorted(people[:at])), ",".join(sorted(people[at:])))

    def lie(self) -> None:
        self.add("lie", self.random.choice(self.liars), self.random.choice((1, 1, 1, 2, 30)))


def draw(seed: int | str, *, small: bool = False) -> Plan:
    """The plan of a seed. `small`: few replicas that write little, for many runs in little time."""
    draft = Draft(seed, small=small)
    draft.draw(draft.random.randint(15, 35) if small else draft.random.randint(30, 80))
    return Plan(seed, draft.hosts, draft.liars, draft.is_lasting, tuple(draft.steps))
