"""Random schedules in a private room, and engines that are broken on purpose in what concerns its door."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from peertalk.core.doors import Door, Now, Turns
from peertalk.core.entry import Seal, Unseal
from peertalk.core.linking import Linking
from tests.sim.circle import Circle, run

SEEDS = range(30)
Patch = pytest.MonkeyPatch


def failures(seeds: Iterable[int]) -> Iterator[tuple[int, str]]:
    for seed in seeds:
        try:
            run(seed)
        except Exception as error:  # noqa: BLE001 - a run that raises whatever is a failed run, and the next one follows
            yield seed, "\n".join([repr(error), *getattr(error, "__notes__", [])])


def test_whoever_is_inside_is_the_same_and_nobody_else_learns_anything() -> None:
    assert list(failures(SEEDS)) == []


def test_the_schedules_do_what_they_are_for() -> None:
    circles = [run(seed) for seed in range(25)]
    words = " ".join(line for circle in circles for line in circle.log)
    for deed in ("closes the door", "opens the door", "lets somebody in", "ends the meeting", "leaves for good", "crash"):
        assert deed in words
    assert {circle.is_fleeting for circle in circles} == {circle.stays_closed for circle in circles} == {True, False}
    assert sum(is_outside_at_the_end(circle) for circle in circles) > 5


def is_outside_at_the_end(circle: Circle) -> bool:
    return any(circle.door_of(host).is_outside for host in circle.inside())


# ── teeth ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def goes_on_with_who_is_shut_out(patch: Patch) -> None:
    fall_silent = Linking._fall_silent

    def broken(linking: Linking, link: int, room: bytes, now: Any) -> None:
        if linking._places[room].room.door.admits(linking.links[link].identity) or linking._places[room].leaving:
            fall_silent(linking, link, room, now)

    patch.setattr(Linking, "_fall_silent", broken)


def begins_with_everybody(patch: Patch) -> None:
    admits = Door.admits

    def broken(door: Door, *identities: bytes) -> bool:
        return door._me not in identities or admits(door, *identities)

    patch.setattr(Door, "admits", broken)


def takes_the_last_word_for_all(patch: Patch) -> None:
    take = Turns.take

    def broken(turns: Turns, place: tuple[int, bytes], feed: bytes, turn: Any) -> None:
        if isinstance(turn, Seal):
            take(turns, (place[0], b""), feed, Unseal())
        take(turns, place, feed, turn)

    patch.setattr(Turns, "take", broken)


def forgets_what_it_is_about_to_say(patch: Patch) -> None:
    now = Door._now

    def broken(door: Door) -> Now:
        outbox, door._outbox = door._outbox, []
        try:
            return now(door)
        finally:
            door._outbox = outbox

    patch.setattr(Door, "_now", broken)


BROKEN: list[Callable[[Patch], None]] = [
    goes_on_with_who_is_shut_out,
    begins_with_everybody,
    takes_the_last_word_for_all,
    forgets_what_it_is_about_to_say,
]


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.__name__)
def test_an_engine_that(broken: Callable[[Patch], None], monkeypatch: Patch) -> None:
    broken(monkeypatch)
    found = next(failures((51, *range(200))), None)
    assert found is not None, "no seed found it out"
    print(*found)
