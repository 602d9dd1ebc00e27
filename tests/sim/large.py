"""`python -m tests.sim.large COUNT [--from SEED] [--processes N]`: so many runs of 50 to 300 people in one room, all of which is drawn
from the seed; `--people N`: of so many; `--seed SEED`: that one alone. What fails is named as it can be played again."""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import NamedTuple

from tests.sim.multitude import SETTLING, Multitude, Plan, cheap, draw
from tests.sim.multitude_checks import check, check_at_the_end

LATE = 10
"""One of so many comes later than the others."""


class Result(NamedTuple):
    """What became of one run: `why` it failed, or "". Seconds of CPU, and the most memory it took (MiB)."""

    plan: Plan
    why: str
    seconds: float
    memory: int


# ── a run ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def play(plan: Plan) -> Multitude:
    """Violation if something does not hold. All is looked at after each of the things that happen."""
    with cheap():
        world = Multitude(plan)
        for happens in (arrive, *(HAPPENINGS[name] for name in plan.course)):
            _watched(happens, world)
            _watched(check, world)
        _watched(rest, world)
        _watched(check_at_the_end, world)
    return world


def _watched(happens: Callable[[Multitude], None], world: Multitude) -> None:
    """What fails says when."""
    try:
        happens(world)
    except Exception as error:
        error.add_note(f"{happens.__name__}, at {world.time:.2f} s")
        raise


def arrive(world: Multitude) -> None:
    """All but some, who come later."""
    for guest in world.guests[len(world.guests) // LATE :]:
        world.at(world.random.uniform(0, world.plan.calm), lambda guest=guest: world.open([guest]))
    world.run(world.plan.calm + 5)
    world.lie(5)
    talk(world)
    world.meet()


def fall(world: Multitude) -> None:
    """Some crash, some leave; others come back at once, and some come who have never met those who are gone."""
    some = world.random.sample(world.up(), world.plan.people // 5)
    for guest in some[::2]:
        guest.crash()
    world.leave(some[1::2])
    talk(world)
    world.open([*some[::4], *world.guests[: len(world.guests) // LATE]])
    world.lie(10)
    world.run(SETTLING)


def part(world: Multitude) -> None:
    """All come back, while the network falls apart."""
    world.open([guest for guest in world.guests if guest.replica is None])
    world.come_back(sorted(world.away, key=lambda guest: guest.name))
    world.split(world.random.sample(world.guests, world.plan.people // 2))
    talk(world)
    world.lie(5)
    world.meet()


def meet_again(world: Multitude) -> None:
    world.heal()
    talk(world)
    world.meet()


def rest(world: Multitude) -> None:
    """They talk once more; then only time passes."""
    world.at_rest = world.brought()
    world.lie(5)
    talk(world)
    world.run(SETTLING)


HAPPENINGS = {happens.__name__: happens for happens in (fall, part, meet_again)}


def talk(world: Multitude) -> None:
    """Somebody says something, each time somebody else, at no regular times."""
    for number in range(world.plan.talks):
        world.random.choice(world.up()).say(f"{world.time} {number}")
        world.run(world.random.choice((0.0, 0.01, 0.3, 1.5)))


# ── many ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def attempt(plan: Plan) -> Result:
    """Play it."""
    began, why = time.process_time(), ""
    try:
        play(plan)
    except Exception as error:  # noqa: BLE001 - a run that raises whatever is a failed run, and the next one follows
        why = f"{type(error).__name__}: {error} ({'; '.join(getattr(error, '__notes__', []))})"
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    return Result(plan, why, time.process_time() - began, memory)


def in_parallel(plans: Sequence[Plan], processes: int) -> Iterator[Result]:
    """The results, as they come; the longest runs first. Each has a process of its own, and leaves no memory behind."""
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        largest_first = sorted(plans, key=lambda plan: -plan.people)
        for done in as_completed([pool.submit(attempt, plan) for plan in largest_first]):
            yield done.result()


def tell(result: Result, people: int | None) -> None:
    plan = result.plan
    course = " ".join(("arrive", *plan.course, "rest"))
    what = f"seed {plan.seed}, {plan.people} people, {plan.liars} liars, {course}: {result.seconds:.0f} s of CPU, {result.memory} MiB"
    again = f"   (python -m tests.sim.large --seed {plan.seed}{f' --people {people}' if people else ''})" if result.why else ""
    print(f"{what}: {result.why or 'holds'}{again}", flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """1 if anything failed, else 0."""
    parser = argparse.ArgumentParser(prog="python -m tests.sim.large", description="Seeded runs of rooms with hundreds.")
    parser.add_argument("count", nargs="?", type=int, default=200, help="how many seeds (default: 200)")
    parser.add_argument("--from", dest="first", type=int, default=0, metavar="SEED", help="the first of them (default: 0)")
    parser.add_argument("--processes", type=int, default=2, help="how many at a time (default: 2)")
    parser.add_argument("--people", type=int, help="so many, in the place of what the seed says")
    parser.add_argument("--seed", type=int, help="play this one alone")
    options = parser.parse_args(arguments)
    seeds = [options.seed] if options.seed is not None else range(options.first, options.first + options.count)
    began, failed = time.monotonic(), 0
    for result in in_parallel([draw(seed, options.people) for seed in seeds], options.processes):
        failed += bool(result.why)
        tell(result, options.people)
    took = time.monotonic() - began
    print(f"{len(seeds)} seeds from {seeds[0]}: {failed} failed; {took // 60:.0f} min {took % 60:.0f} s")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
