"""The shortest plan that still fails in the same way: delta debugging (Zeller's ddmin) over the steps, then over what each of them says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from tests.sim.plan import Plan, Step

MOST_RUNS = 600
"""Runs after which what has been found is good enough."""
PARTICULARS = re.compile(r"'[^']*'|\b[a-l]2?\b|\b[0-9a-f]{8,}\b|\d+")

Play = Callable[[Plan], object]


def manner(error: BaseException) -> str:
    """In which way a run has failed: what is raised, without who and how many."""
    return f"{type(error).__name__}: {PARTICULARS.sub('#', str(error))}"


def manner_of(plan: Plan, play: Play) -> str | None:
    """How this plan fails; None if it doesn't."""
    try:
        play(plan)
    except Exception as error:  # noqa: BLE001 - whatever is raised is how the run has failed
        return manner(error)
    return None


class Shrinking:
    """Looks for shorter plans that fail as `plan` does."""

    def __init__(self, plan: Plan, why: str, play: Play, most: int = MOST_RUNS) -> None:
        self.plan, self.why, self.left = plan, why, most
        self._play = play

    def shrink(self) -> Plan:
        before = None
        while before != self.plan.steps and self.left:
            before = self.plan.steps
            self._drop_steps()
            self._lessen()
        return self.plan

    def _fails(self, steps: tuple[Step, ...]) -> bool:
        """Does it fail with these steps alone? Then they are the plan from now on."""
        if not self.left:
            return False
        self.left -= 1
        if manner_of(self.plan.of(steps), self._play) != self.why:
            return False
        self.plan = self.plan.of(steps)
        return True

    def _drop_steps(self) -> None:
        parts = 2
        while len(self.plan.steps) > 1 and self.left:
            size = max(1, len(self.plan.steps) // parts)
            if any(self._fails(rest) for rest in without_a_part(self.plan.steps, size)):
                parts = max(2, parts - 1)
            elif size == 1:
                return
            else:
                parts = min(len(self.plan.steps), 2 * parts)

    def _lessen(self) -> None:
        """Shorter waits, and fewer messages at a time."""
        for number in range(len(self.plan.steps)):
            for less in lesser(self.plan.steps[number]):
                if self._fails((*self.plan.steps[:number], less, *self.plan.steps[number + 1 :])):
                    break


def without_a_part(steps: tuple[Step, ...], size: int) -> Iterator[tuple[Step, ...]]:
    """The steps less each run of `size` of them, the last first: what the end needs is at the end."""
    for start in reversed(range(0, len(steps), size)):
        yield (*steps[:start], *steps[start + size :])


def lesser(step: Step) -> Iterator[Step]:
    """The same step, saying or waiting less, the least first."""
    waits = [wait for wait in (0.0, 0.01, 0.3) if wait < step.wait]
    if step.what in ("say", "story", "whisper", "lie") and int(step.args[-1]) > 1:
        less = step._replace(args=(*step.args[:-1], "1"))
        yield from (less._replace(wait=wait) for wait in waits[:1])
        yield less
    if step.args[2:] == ("slow",):
        yield step._replace(args=step.args[:2])
    yield from (step._replace(wait=wait) for wait in waits)


def shrink(plan: Plan, why: str, play: Play, most: int = MOST_RUNS) -> Plan:
    """The shortest that was found in `most` runs."""
    return Shrinking(plan, why, play, most).shrink()
