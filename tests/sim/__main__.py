"""`python -m tests.sim COUNT [--from SEED] [--processes N]`: many runs; `--seed SEED`: one, with its log. What fails is shrunk to the
shortest list of steps that fails in the same way; `--seed SEED --steps FILE` plays such a list (- is the standard input)."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.sim.plan import Plan, draw, parse_steps
from tests.sim.runs import Failure, attempt_plan, in_parallel
from tests.sim.schedule import play

MOST_SHRUNK = 5
"""Failed seeds of many that are shrunk; the others are named."""
TOLD = 500
"""Seeds after which it is said how far it has come, where nobody watches."""


def main(arguments: Sequence[str] | None = None) -> int:
    """1 if anything failed, else 0."""
    parser = argparse.ArgumentParser(prog="python -m tests.sim", description="Seeded runs of the whole engine.")
    parser.add_argument("count", nargs="?", type=int, default=1000, help="how many seeds (default: 1000)")
    parser.add_argument("--from", dest="first", type=int, default=0, metavar="SEED", help="the first of them (default: 0)")
    parser.add_argument("--processes", type=int, default=2, help="how many at a time (default: 2)")
    parser.add_argument("--small", action="store_true", help="small plans, as in `make test`")
    parser.add_argument("--seed", type=int, help="play this one alone and say what happened")
    parser.add_argument("--steps", metavar="FILE", help="with --seed: these steps in the place of its own")
    options = parser.parse_args(arguments)
    if options.seed is None:
        return many(range(options.first, options.first + options.count), options.processes, small=options.small)
    plan = draw(options.seed, small=options.small)
    if options.steps is not None:
        text = sys.stdin.read() if options.steps == "-" else Path(options.steps).read_text(encoding="utf-8")
        plan = plan.of(parse_steps(text))
    return replay(plan)


def replay(plan: Plan) -> int:
    """Play one plan and print its log; if it fails, the shortest that fails likewise."""
    failure = attempt_plan(plan)
    if failure is not None:
        print(failure.log, failure.why, sep="\n")
        tell_shrunk(failure)
        return 1
    schedule = play(plan)
    print("\n".join(schedule.log))
    world = schedule.world
    print(f"seed {plan.seed} holds: {world.sent} messages, {world.sent_bytes} bytes, {world.time:.0f} s of its time")
    return 0


def tell_shrunk(failure: Failure) -> None:
    """The shortest schedule, as it can be played again."""
    plan = failure.shrunk()
    print(f"\n# the shortest found that fails so: {failure.manner}\n{plan}\n", flush=True)


def many(seeds: range, processes: int, *, small: bool) -> int:
    """Play all of them, print those that fail."""
    began, done, failed = time.monotonic(), 0, 0
    mode = " --small" if small else ""
    for count, failures in in_parallel(seeds, processes, small=small):
        done += count
        for failure in failures:
            failed += 1
            print(
                f"seed {failure.plan.seed}: {failure.why}   (python -m tests.sim{mode} --seed {failure.plan.seed})", flush=True
            )
            if failed <= MOST_SHRUNK:
                tell_shrunk(failure)
        if sys.stdout.isatty():
            print(f"\r{done} of {len(seeds)}, {failed} failed", end="", flush=True)
        elif done % TOLD == 0:
            print(f"{done} of {len(seeds)}, {failed} failed, {time.monotonic() - began:.0f} s", flush=True)
    start = "\r" if sys.stdout.isatty() else ""
    took = time.monotonic() - began
    print(
        f"{start}{done} seeds from {seeds.start}: {failed} failed; {took // 60:.0f} min {took % 60:.0f} s, {processes} at a time"
    )
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
