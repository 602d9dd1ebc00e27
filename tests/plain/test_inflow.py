from __future__ import annotations

from peertalk.plain.inflow import AT_ONCE, CALM, KEPT, LONGEST, WITHIN, Inflow
from tests.tui.make import message


def test_a_conversation_goes_on_undisturbed() -> None:
    inflow = Inflow()
    assert all(inflow.take(message(number), number * 1.0) for number in range(50))
    assert inflow.due(1000) == {}


def test_of_a_flood_the_number_and_the_last_are_kept_until_it_is_calm() -> None:
    inflow = Inflow()
    told = [inflow.take(message(number, room="a" if number % 2 else "b"), 0.001 * number) for number in range(1, 113)]
    assert told.count(True) == AT_ONCE
    assert inflow.due(0.5) == {}
    kept = inflow.due(0.112 + CALM)
    assert {room: burst.count for room, burst in kept.items()} == {"a": 50, "b": 50}
    assert [each.id for each in kept["b"].last] == [f"m{number}" for number in range(112 - 2 * KEPT + 2, 113, 2)]
    assert inflow.due(1000) == {}
    assert inflow.take(message(200), 10)


def test_a_flood_without_an_end_is_told_of_now_and_then() -> None:
    inflow = Inflow()
    now = 0.0
    while not (kept := inflow.due(now)):
        inflow.take(message(1), now)
        now += 0.1
    assert now < LONGEST + WITHIN
    assert kept["r"].count > KEPT


def test_a_file_is_told_everything() -> None:
    inflow = Inflow(everything=True)
    assert all(inflow.take(message(number), 0) for number in range(1000))
