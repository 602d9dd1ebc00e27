"""All that can be done with private rooms, at random and at once; and that broken engines are found out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import pytest

from peertalk.core.linking import Linking
from peertalk.core.own import Own
from tests.sim.everything import run

SEEDS = range(25)
TEETH = (80, *range(150))
Patch = pytest.MonkeyPatch


def failures(seeds: Iterable[int]) -> Iterator[str]:
    for seed in seeds:
        try:
            run(seed)
        except Exception as error:  # noqa: BLE001 - a run that raises whatever is a failed run, and the next one follows
            yield "\n".join([repr(error), *getattr(error, "__notes__", [])])


def test_whatever_is_done_at_once_those_who_share_a_room_have_the_same() -> None:
    assert list(failures(SEEDS)) == []


def test_the_schedules_do_what_they_are_for() -> None:
    schedules = [run(seed) for seed in range(20)]
    words = " ".join(line for schedule in schedules for line in schedule.log)
    for deed in (
        "re-forms",
        "follows",
        "closes the door",
        "opens the door",
        "leaves",
        "for good",
        "comes to",
        "loses",
        "crash",
    ):
        assert deed in words
    assert sum(len(list(schedule.pairs())) for schedule in schedules) > 40


def lets_nobody_in_again(patch: Patch) -> None:
    patch.setattr(Linking, "see_to_door", lambda self, room, now: None)


def never_asks_for_the_history_of_the_old_room(patch: Patch) -> None:
    patch.setattr(Linking, "_prove_old", lambda self, link, room: None)


def goes_on_writing(patch: Patch) -> None:
    patch.setattr(Own, "give_up", lambda self: [])


@pytest.mark.parametrize("fault", [lets_nobody_in_again, never_asks_for_the_history_of_the_old_room, goes_on_writing])
def test_a_broken_engine_is_found_out(fault: Callable[[Patch], None], monkeypatch: Patch) -> None:
    fault(monkeypatch)
    assert next(failures(TEETH), None) is not None
