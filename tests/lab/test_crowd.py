"""Forty laptops that open at once (PEERTALK_LAB=full; else a dozen): how soon they are together, and what one says with all of them.
Goals are printed; asserted is what a machine with other work still keeps."""

from __future__ import annotations

import pytest

from tests.lab.conftest import Starts, sized
from tests.lab.crowd import opening, percentiles, same_history
from tests.lab.lab import Lab

PEOPLE, ROUNDS, IDLE = sized(12, 40), sized(24, 80), sized(8.0, 30.0)
MESH = 32
"""Up to so many all are linked with all (docs/protocol.md, "Large rooms")."""
TOGETHER, SPREAD, AT_REST = 15.0, 500.0, 0.003
SLACK = 4.0


@pytest.mark.timeout(300)
async def test_many_that_open_at_once_are_soon_together_and_hear_each_other(lab: Lab, start: Starts) -> None:
    for _ in range(PEOPLE):
        lab.host()
    found = await opening(lab, start, ROUNDS, IDLE, TOGETHER * SLACK)
    half, most, worst = percentiles(found.seconds)
    used, memory = sorted(found.idle), sorted(found.memory)
    print(
        f"\n{PEOPLE} processes, started within {found.within:.2f} s: everybody saw everybody after {found.together:.1f} s (goal "
        f"{TOGETHER:.0f});\n{found.links} links each; one to all: median {half:.0f} ms, 99 % {most:.0f} ms (goal {SPREAD:.0f}), longest "
        f"{worst:.0f} ms;\nidle: median {used[PEOPLE // 2]:.2%} of a core, most {used[-1]:.2%} (goal {AT_REST:.1%}); memory: median "
        f"{memory[PEOPLE // 2]:.0f} MiB, most {memory[-1]:.0f} MiB"
    )
    assert found.links == f"{PEOPLE - 1} to {PEOPLE - 1}" or PEOPLE > MESH
    assert found.together <= TOGETHER * SLACK
    assert most <= SPREAD * SLACK
    assert used[PEOPLE // 2] <= 0.1
    await same_history(found.people, found.texts)
    assert not [event for one in found.people for event in one.events if event["type"] == "warning"]
