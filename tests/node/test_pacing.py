"""How much may wait for the disk follows from what it takes."""

from __future__ import annotations

import pytest

from peertalk.node.pacing import LEAST, MOST, QUEUE, Pace

PAGES = 64 * 1024


def limit_of(rate: float, *, step: float = 0.002, seconds: float = 5.0, pace: Pace | None = None) -> int:
    """To what it comes where a disk takes `rate` bytes a second, and is given pages whenever it may be."""
    pace = pace or Pace()
    waits, now = 0.0, 1000.0
    for _ in range(round(seconds / step)):
        now += step
        waits = max(0.0, waits - rate * step)
        pace.look(round(waits), now)
        if waits <= pace.limit:
            waits += PAGES
            pace.gave(round(waits))
    return pace.limit


@pytest.mark.parametrize("rate", [6e6, 10e6, 20e6])
def test_as_much_waits_as_the_disk_takes_in_a_moment(rate: float) -> None:
    assert limit_of(rate) == pytest.approx(rate * QUEUE, rel=0.3)


def test_a_slow_disk_is_given_a_little_and_a_fast_one_not_more_than_is_good() -> None:
    assert limit_of(1e5) == LEAST
    assert limit_of(1e9) == MOST


def test_a_disk_that_becomes_slow_or_fast_is_followed() -> None:
    pace = Pace()
    limit_of(20e6, pace=pace)
    assert limit_of(6e6, pace=pace) == pytest.approx(6e6 * QUEUE, rel=0.3)
    assert limit_of(20e6, pace=pace) == pytest.approx(20e6 * QUEUE, rel=0.3)


def test_what_waits_while_nothing_is_reported_changes_nothing() -> None:
    pace = Pace()
    limit_of(10e6, pace=pace)
    before = pace.limit
    pace.gave(PAGES)
    for number in range(100):
        pace.look(PAGES, 2000 + number)
    assert pace.limit == before
