"""Rooms that are large by the numbers of the protocol, a few of those that `make sim-large` plays by the hundred."""

from __future__ import annotations

import pytest

from peertalk.core import pushing
from peertalk.core.introducing import Introducing
from tests.sim import large
from tests.sim.large import Result, attempt, draw, tell
from tests.sim.multitude import FEWEST, MANY, MOST, Plan

Patch = pytest.MonkeyPatch
PEOPLE = 34


@pytest.mark.parametrize("seed", [0, 1])
def test_in_a_room_that_is_large_all_holds(seed: int) -> None:
    assert attempt(draw(seed, PEOPLE)).why == ""


def test_plans_have_the_sizes_that_were_promised_and_liars_or_none() -> None:
    plans = [draw(seed) for seed in range(200)]
    assert FEWEST <= min(plan.people for plan in plans) < 60
    assert 280 < max(plan.people for plan in plans) <= MOST
    assert {plan.liars for plan in plans} == {0, 1, 2, 3}
    assert len([plan for plan in plans if plan.people > MANY]) > 30
    assert plans[7] == draw(7)
    assert draw(7, 1000).people == 1000


def test_everything_happens_in_many_runs_and_in_large_rooms_too() -> None:
    plans = [draw(seed) for seed in range(200)]
    for name in large.HAPPENINGS:
        rooms = [plan.people for plan in plans if name in plan.course]
        assert len(rooms) > 60
        assert max(rooms) > 200
    assert len([plan for plan in plans if plan.seen < 1.0]) > 15


def test_a_run_that_fails_says_when_and_how_it_can_be_played_again(
    monkeypatch: Patch, capsys: pytest.CaptureFixture[str]
) -> None:
    def arrive(_: object) -> None:
        raise ValueError("nobody came")

    monkeypatch.setattr(large, "arrive", arrive)
    result = attempt(draw(3, 8))
    assert result.why == "ValueError: nobody came (arrive, at 0.00 s)"
    tell(result, 8)
    assert "(python -m tests.sim.large --seed 3 --people 8)" in capsys.readouterr().out
    tell(Result(Plan(3, 8, 0, 0.0, 1, ("fall",), 1.0), "", 1.0, 30), None)
    assert "holds\n" in capsys.readouterr().out


def test_an_engine_that_hands_no_cards_over_is_found_out(monkeypatch: Patch) -> None:
    """Who comes later does not know who those are that have gone."""
    monkeypatch.setattr(Introducing, "answer", lambda *_: [])
    assert "does not know whose" in attempt(draw(1, PEOPLE)).why


def test_an_engine_in_which_all_pages_go_on_all_links_for_ever_is_found_out(monkeypatch: Patch) -> None:
    monkeypatch.setattr(pushing, "came_again", lambda *_: None)
    assert "bytes of pages at rest were sent" in attempt(draw(1, PEOPLE)).why
