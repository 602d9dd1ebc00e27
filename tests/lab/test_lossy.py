"""A network that loses one packet in twenty and delivers the others late and out of order: nothing is lost, nothing comes twice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import pytest

from tests.lab.conftest import Starts, sized
from tests.lab.crowd import all_online, gather, heard, percentiles, same_history
from tests.lab.lab import Host, Lab
from tests.lab.rpc_process import RpcProcess

PEOPLE, EACH = sized(4, 8), sized(40, 200)
LOSS, DELAY, JITTER = 0.05, 0.1, 0.05


def losses(hosts: Sequence[Host]) -> tuple[str, int, int]:
    """What lost packets here, how many there were in all, and how many of them were lost."""
    told = [host.impaired() for host in hosts]
    return told[0][0], sum(sent for _, sent, _ in told), sum(lost for *_, lost in told)


@pytest.mark.timeout(300)
async def test_on_a_bad_network_nothing_is_lost_and_nothing_comes_twice(lab: Lab, start: Starts) -> None:
    hosts = [lab.host() for _ in range(PEOPLE)]
    for host in hosts:
        await host.impair(LOSS, DELAY, JITTER)
    people = await gather(lab, start)
    began = people[0].started
    together = await all_online(people, 90) - began
    sent: dict[str, float] = {}

    async def say(author: RpcProcess, words: str) -> None:
        for number in range(EACH):
            text = f"{words} {number}"
            sent[text] = time.monotonic()
            await author.call("messages.send", room="lobby", text=text)

    await asyncio.gather(*(say(one, f"of {number}") for number, one in enumerate(people)))
    found = await asyncio.gather(*(heard(one, sent, seconds=120) for one in people))
    half, most, worst = percentiles([times[text] - sent[text] for times in found for text in sent])
    means, packets, lost = losses(hosts)
    print(
        f"\n{LOSS:.0%} lost, {1e3 * DELAY:.0f} ms ± {1e3 * JITTER:.0f} ms by {means} ({lost:,} of {packets:,} packets): {PEOPLE} together "
        f"after {together:.1f} s; {len(sent)} messages, until everybody had them: median {half:.0f} ms, 99 % {most:.0f} ms, longest "
        f"{worst:.0f} ms"
    )
    assert 0.5 * LOSS < lost / packets < 1.5 * LOSS, "the network was not as bad as it should be"
    assert half >= 1e3 * (DELAY - JITTER)
    await same_history(people, sent)
    assert not [event for one in people for event in one.events if event["type"] == "warning"]
