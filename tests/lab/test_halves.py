"""The network falls into two halves, both go on talking, and it becomes one again: in the end all have the same before them."""

from __future__ import annotations

import pytest

from tests.lab.conftest import Starts, sized
from tests.lab.crowd import apart, same_history
from tests.lab.lab import Lab

PEOPLE, SECONDS = sized(8, 40), sized(14.0, 30.0)
"""Whoever is gone is missed after 10 seconds: the cut lasts longer."""
GOAL, SLACK = 5.0, 6.0


@pytest.mark.timeout(300)
async def test_two_halves_that_talked_alone_have_one_history_soon_after(lab: Lab, start: Starts) -> None:
    for _ in range(PEOPLE):
        lab.host()
    found = await apart(lab, start, SECONDS)
    print(
        f"\n{PEOPLE} people, {SECONDS:.0f} s in two halves, {len(found.texts)} messages: after healing half of them had all of it within "
        f"{found.within[PEOPLE // 2]:.2f} s, the last within {found.within[-1]:.2f} s (goal {GOAL})"
    )
    assert found.within[-1] <= GOAL * SLACK
    await same_history(found.people, found.texts)
