"""Which of two links to one identity survives; both sides have to decide alike."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from peertalk.node.links import CROSSING_SECONDS, Links
from tests.node.fake_clock import FakeClock

LOW, HIGH = b"a" * 32, b"b" * 32
NOW = FakeClock().mono()


def older_survives(me: bytes, peer: bytes, *, older_mine: bool, newer_mine: bool, age: float, took: float = 0.0) -> bool:
    """`age` of the older when the newer was begun; the newer `took` so long to be established."""
    links: Any = SimpleNamespace(_clock=FakeClock(), _identity=SimpleNamespace(public=me))
    older: Any = SimpleNamespace(initiator=older_mine, since=NOW - took - age)
    newer: Any = SimpleNamespace(initiator=newer_mine, begun=NOW - took)
    return Links._survives(links, older, newer, peer)


@pytest.mark.parametrize("took", [0.0, 5 * CROSSING_SECONDS])
@pytest.mark.parametrize("age", [0.0, CROSSING_SECONDS * 0.9, -1.0])
def test_of_dials_that_crossed_both_sides_keep_that_of_the_lower_identity(age: float, took: float) -> None:
    for of_low in (True, False):
        at_low = older_survives(LOW, HIGH, older_mine=of_low, newer_mine=not of_low, age=age, took=took)
        at_high = older_survives(HIGH, LOW, older_mine=not of_low, newer_mine=of_low, age=age, took=took)
        assert at_low == at_high == of_low


@pytest.mark.parametrize("mine", [True, False])
def test_of_one_direction_the_newer_survives(mine: bool) -> None:
    assert not older_survives(LOW, HIGH, older_mine=mine, newer_mine=mine, age=0.0)


@pytest.mark.parametrize("mine", [True, False])
def test_whoever_dials_anew_has_lost_a_link_that_had_lasted(mine: bool) -> None:
    assert not older_survives(LOW, HIGH, older_mine=mine, newer_mine=not mine, age=CROSSING_SECONDS)
