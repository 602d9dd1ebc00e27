"""`python -m tests.sim COUNT [--from SEED] [--processes N]`: many runs; `python -m tests.sim --seed SEED`: one, with its log."""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Sequence

from tests.sim.runs import in_parallel
from tests.sim.schedule import run


def main(arguments: Sequence[str] | None = None) -> int:
    """The number of failed seeds, at most 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.sim", description="Seeded runs of the whole engine.")
    parser.add_argument("count", nargs="?", type=int, default=1000, help="how many seeds (default: 1000)")
    parser.add_argument("--from", dest="first", type=int, default=0, metavar="SEED", help="the first of them (default: 0)")
    parser.add_argument("--processes", type=int, default=2, help="how many at a time (default: 2)")
    parser.add_argument("--seed", type=int, help="play this one alone and say what happened")
    options = parser.parse_args(arguments)
    if options.seed is not None:
        return replay(options.seed)
    return many(range(options.first, options.first + options.count), options.processes)


def replay(seed: int) -> int:
    """Play one seed and print its log."""
    try:
        schedule = run(seed)
    except Exception:  # noqa: BLE001 - whatever it was is what is to be seen
        traceback.print_exc(file=sys.stdout)
        return 1
    print("\n".join(schedule.log))
    world = schedule.world
    print(f"seed {seed} holds: {world.sent} messages, {world.sent_bytes} bytes, {world.time:.0f} s of its time")
    return 0


def many(seeds: range, processes: int) -> int:
    """Play all of them, print those that fail."""
    done = failed = 0
    for count, failures in in_parallel(seeds, processes):
        done += count
        failed += len(failures)
        for failure in failures:
            print(f"seed {failure.seed}: {failure.why}   (python -m tests.sim --seed {failure.seed})", flush=True)
        if sys.stdout.isatty():
            print(f"\r{done} of {len(seeds)}, {failed} failed", end="", flush=True)
    start = "\r" if sys.stdout.isatty() else ""
    print(f"{start}{done} seeds from {seeds.start}: {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
