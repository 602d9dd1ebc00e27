"""Many runs: which seeds fail, in one process or in several."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

from tests.sim.schedule import run

CHUNK = 25


@dataclass(frozen=True, slots=True)
class Failure:
    """A seed whose run failed, and what it said."""

    seed: int
    why: str
    log: str


def attempt(seed: int) -> Failure | None:
    """Play one seed."""
    try:
        run(seed)
    except Exception as error:  # noqa: BLE001 - a run that raises whatever is a failed run, and the next one follows
        return Failure(seed, f"{type(error).__name__}: {error}", "\n".join(getattr(error, "__notes__", [])))
    return None


def attempt_all(seeds: Iterable[int]) -> list[Failure]:
    """Those of these seeds that fail."""
    return [failure for seed in seeds if (failure := attempt(seed)) is not None]


def in_parallel(seeds: range, processes: int) -> Iterator[tuple[int, list[Failure]]]:
    """(how many more are done, those of them that failed), as they are done."""
    chunks = [seeds[at : at + CHUNK] for at in range(0, len(seeds), CHUNK)]
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for chunk, failures in zip(chunks, pool.map(attempt_all, chunks), strict=True):
            yield len(chunk), failures
