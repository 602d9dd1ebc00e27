"""People edit, delete and react at random while links break and machines crash; and broken engines are found out."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from peertalk.core.bodies import Bodies
from peertalk.core.lineage import Lineage
from tests.sim.annotations import run

SEEDS = range(25)
Patch = pytest.MonkeyPatch


def failures(seeds: range) -> Iterator[str]:
    for seed in seeds:
        try:
            run(seed)
        except Exception as error:  # noqa: BLE001 - a run that raises whatever is a failed run, and the next one follows
            yield "\n".join([repr(error), *getattr(error, "__notes__", [])])


def test_all_come_to_the_same_and_what_was_deleted_is_on_no_disk() -> None:
    assert list(failures(SEEDS)) == []


def test_the_schedules_do_what_they_are_for() -> None:
    runs = [run(seed) for seed in range(12)]
    words = " ".join(line for schedule, _ in runs for line in schedule.log)
    for deed in ("edits", "deletes", "which waits", "new feed", "for good", "crash"):
        assert deed in words
    assert sum(count for _, count in runs) > 20


def erases_nothing(patch: Patch) -> None:
    patch.setattr(Bodies, "_erase", lambda *_: None)


def believes_nobody_who_has_a_new_feed(patch: Patch) -> None:
    patch.setattr(Lineage, "tie", lambda *_: None)


@pytest.mark.parametrize("fault", [erases_nothing, believes_nobody_who_has_a_new_feed])
def test_an_engine_that_errs_is_found_out(fault: Callable[[Patch], None], monkeypatch: Patch) -> None:
    fault(monkeypatch)
    assert next(failures(range(50)), None) is not None
