"""Rooms that are re-formed, at random; and that broken ways of doing so are found out. `run(seed)` plays one of them again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import nullcontext
from typing import Any

import pytest

from peertalk.core import reforming
from peertalk.core.linking import Linking
from peertalk.core.outlet import Outlet
from peertalk.core.own import Own
from tests.sim.reforming import Reformings, active, places, run

SEEDS = 30
TEETH = (52, *range(200))
Patch = pytest.MonkeyPatch


def failures(seeds: Iterable[int]) -> Iterable[str]:
    for seed in seeds:
        try:
            run(seed)
        except Exception as error:  # noqa: BLE001 - whatever is raised, the run has failed, and is told of
            yield "\n".join([f"{type(error).__name__}: {error}", *getattr(error, "__notes__", [])])


def test_nobody_hears_what_they_must_not_and_all_who_came_along_have_the_same() -> None:
    assert list(failures(range(SEEDS))) == []


def test_the_schedules_do_what_they_are_for() -> None:
    schedules = [run(seed) for seed in range(24)]
    words = " ".join(line for schedule in schedules for line in schedule.log)
    for deed in ("re-forms", "follows", "is given", "crash"):
        assert deed in words
    assert any(is_twice_removed(schedule) for schedule in schedules)
    assert any(len({one.predecessor for one in active(host)}) < len(active(host)) for one in schedules for host in one.hosts)


def is_twice_removed(schedule: Reformings) -> bool:
    """Has somebody come along from a room that had been re-formed itself?"""
    return any(one.archived and one.predecessor for host in schedule.hosts for one in places(host).values())


def speaks_with_who_is_left_out(patch: Patch) -> None:
    speak = Linking.may_speak
    patch.setattr(Linking, "may_speak", lambda self, room, link: speak(self, room, link) or self.is_active(room))


def goes_on_speaking_of_the_old_room(patch: Patch) -> None:
    patch.setattr(Linking, "quit", lambda self, room, now: None)


def comes_along_step_by_step(patch: Patch) -> None:
    patch.setattr(Outlet, "together", lambda self: nullcontext())


def forgets_what_waited(patch: Patch) -> None:
    give_up = Own.give_up
    patch.setattr(Own, "give_up", lambda self: give_up(self)[:0])


def never_asks_for_the_history_of_the_old_room(patch: Patch) -> None:
    patch.setattr(Linking, "_prove_old", lambda self, link, room: None)


def offers_to_everybody(patch: Patch) -> None:
    patch.setattr(reforming, "steps_for", lambda who, lineage: lineage[:1] if len(lineage) > 1 else [])


def goes_on_writing(patch: Patch) -> None:
    def broken(self: Own) -> list[Any]:
        return []

    patch.setattr(Own, "give_up", broken)
    patch.setattr(Linking, "is_active", lambda self, room: room in self._places)


BROKEN: list[Callable[[Patch], None]] = [
    speaks_with_who_is_left_out,
    goes_on_speaking_of_the_old_room,
    comes_along_step_by_step,
    forgets_what_waited,
    never_asks_for_the_history_of_the_old_room,
    offers_to_everybody,
    goes_on_writing,
]


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.__name__)
def test_a_replica_that(broken: Callable[[Patch], None], monkeypatch: Patch) -> None:
    broken(monkeypatch)
    found = next(iter(failures(TEETH)), None)
    assert found is not None, "no seed found it out"
    print(found.splitlines()[0])
