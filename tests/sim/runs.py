"""Many runs: which seeds fail, in one process or in several."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context

from tests.sim.plan import Plan, draw
from tests.sim.schedule import play
from tests.sim.shrink import manner, shrink

CHUNK = 25


@dataclass(frozen=True, slots=True)
class Failure:
    """A plan that failed: what it said, how (shrink.manner), and what was done."""

    plan: Plan
    why: str
    manner: str
    log: str

    def shrunk(self) -> Plan:
        """The shortest plan that fails in the same way."""
        return shrink(self.plan, self.manner, play)


def attempt_plan(plan: Plan) -> Failure | None:
    """Play it."""
    try:
        play(plan)
    except Exception as error:  # noqa: BLE001 - a run that raises whatever is a failed run, and the next one follows
        return Failure(plan, f"{type(error).__name__}: {error}", manner(error), "\n".join(getattr(error, "__notes__", [])))
    return None


def attempt(seed: int, *, small: bool = False) -> Failure | None:
    """Play the plan of a seed."""
    return attempt_plan(draw(seed, small=small))


def attempt_all(seeds: Iterable[int], *, small: bool = False) -> list[Failure]:
    """Those of these seeds that fail."""
    return [failure for seed in seeds if (failure := attempt(seed, small=small)) is not None]


def in_parallel(seeds: range, processes: int, *, small: bool = False) -> Iterator[tuple[int, list[Failure]]]:
    """(how many more are done, those of them that failed), as they are done."""
    chunks = [seeds[at : at + CHUNK] for at in range(0, len(seeds), CHUNK)]
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for chunk, failures in zip(chunks, pool.map(partial(attempt_all, small=small), chunks), strict=True):
            yield len(chunk), failures
