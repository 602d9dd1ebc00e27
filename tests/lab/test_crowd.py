"""Forty laptops that open at once (PEERTALK_LAB=full; else a dozen): how soon they are together, and what one says with all of them.
Goals are printed; asserted is what a machine with other work still keeps."""

from __future__ import annotations

import pytest

from tests.lab.conftest import Starts, sized
from tests.lab.crowd import all_online, gather, idle, percentiles, rounds, same_history
from tests.lab.lab import Lab
from tests.lab.rpc_process import RpcProcess

PEOPLE, ROUNDS, IDLE = sized(12, 40), sized(24, 80), sized(8.0, 30.0)
MESH = 32
"""Up to so many all are linked with all (docs/protocol.md, "Large rooms")."""
TOGETHER, SPREAD, AT_REST = 15.0, 500.0, 0.003
SLACK = 4.0


@pytest.mark.timeout(300)
async def test_many_that_open_at_once_are_soon_together_and_hear_each_other(lab: Lab, start: Starts) -> None:
    for _ in range(PEOPLE):
        lab.host()
    people = await gather(lab, start)
    began, within = people[0].started, people[-1].started - people[0].started
    together = await all_online(people, TOGETHER * SLACK) - began
    links = [await linked(one) for one in people]
    seconds = await rounds(people, ROUNDS)
    half, most, worst = percentiles(seconds)
    used = sorted(await idle(people, IDLE))
    memory = sorted(one.memory() for one in people)
    print(
        f"\n{PEOPLE} processes, started within {within:.2f} s: everybody saw everybody after {together:.1f} s (goal {TOGETHER:.0f});"
        f"\n{min(links)} to {max(links)} links each; one to all: median {half:.0f} ms, 99 % {most:.0f} ms (goal {SPREAD:.0f}),"
        f" longest {worst:.0f} ms;\nidle: median {used[len(used) // 2]:.2%} of a core, most {used[-1]:.2%} (goal {AT_REST:.1%});"
        f" memory: median {memory[len(memory) // 2]:.0f} MiB, most {memory[-1]:.0f} MiB"
    )
    assert links == [PEOPLE - 1] * PEOPLE or PEOPLE > MESH
    assert together <= TOGETHER * SLACK
    assert most <= SPREAD * SLACK
    assert used[len(used) // 2] <= 0.1
    await same_history(people, [f"round {number}" for number in range(ROUNDS)])
    assert not [event for one in people for event in one.events if event["type"] == "warning"]


async def linked(one: RpcProcess) -> int:
    """How many links it has."""
    return int((await one.call("node.status"))["links"])
