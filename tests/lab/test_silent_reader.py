"""Two that read nothing while the others talk: a process that stands still, and one that shows life and leaves all that comes unread,
so that its window is closed. They cost nobody anything but their own links."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Sequence

import pytest

from tests.lab.conftest import Starts, sized
from tests.lab.crowd import all_online, heard, meanwhile, percentiles, same_history
from tests.lab.lab import Lab
from tests.lab.rpc_process import RpcProcess

TALKERS, BEFORE, SILENCE = 4, sized(4.0, 15.0), sized(14.0, 60.0)
PAUSE, LONG = sized(0.1, 0.16), "a long story " * 1200
LATENCY, MEMORY = 1000.0, 25.0
"""Milliseconds in which 99 % come even on a busy machine, and MiB: of the link that is left unread 4 may wait, for ten seconds more."""


async def talk(people: Sequence[RpcProcess], words: str, seconds: float) -> tuple[list[str], list[float]]:
    """Each says long things for so long: what was said, and the seconds until each of the others had it."""
    sent: dict[str, float] = {}
    end = time.monotonic() + seconds

    async def tell(author: RpcProcess, number: int) -> None:
        while time.monotonic() < end:
            text = f"{words} {number} {len(sent)} {LONG}".strip()
            sent[text] = time.monotonic()
            await author.call("messages.send", room="lobby", text=text)
            await meanwhile(PAUSE)

    await asyncio.gather(*(tell(one, number) for number, one in enumerate(people)))
    found = await asyncio.gather(*(heard(one, sent) for one in people))
    return list(sent), [times[text] - sent[text] for times in found for text in sent]


@pytest.mark.timeout(300)
async def test_who_reads_nothing_costs_the_others_nothing_but_its_own_link(lab: Lab, start: Starts) -> None:
    hosts = [lab.host() for _ in range(TALKERS + 2)]
    *talkers, sleeper = [await start(host, "--log-level", "info") for host in hosts[:-1]]
    await all_online([*talkers, sleeper])
    ports = [(await one.call("node.status"))["listening"][0]["port"] for one in talkers]
    addresses = [f"{host.address}:{port}" for host, port in zip(hosts, ports, strict=False)]
    said, usual = await talk(talkers, "before", BEFORE)

    await hosts[-1].hold([sys.executable, "-m", "tests.lab.deaf", *addresses])
    marks = [len(one.events) for one in talkers]
    os.kill(sleeper.process.pid, signal.SIGSTOP)
    memory = [one.memory() for one in talkers]
    more, seconds = await talk(talkers, "meanwhile", SILENCE)
    grown = max(one.memory() - before for one, before in zip(talkers, memory, strict=True))
    os.kill(sleeper.process.pid, signal.SIGCONT)

    half, most, worst = percentiles(seconds)
    ended = sum(any("slow_reader" in line for line in one.log) for one in talkers)
    print(
        f"\n{len(more)} long messages in {SILENCE:.0f} s while two read nothing: median {half:.0f} ms, 99 % {most:.0f} ms, longest "
        f"{worst:.0f} ms (before: {percentiles(usual)[0]:.0f}, {percentiles(usual)[1]:.0f} ms); at most {grown:.1f} MiB more, {ended} "
        "links to who left all unread were ended"
    )
    assert most <= LATENCY
    assert grown <= MEMORY
    assert ended == TALKERS or SILENCE < 30
    gone = {
        event["peer"]["id"]
        for one, mark in zip(talkers, marks, strict=True)
        for event in one.events[mark:]
        if is_offline(event)
    }
    assert not gone & {await one.identity() for one in talkers}
    await heard(sleeper, [*said, *more])
    await same_history([*talkers, sleeper], [*said, *more])


def is_offline(event: dict) -> bool:
    return event["type"] == "peer" and event["change"] == "offline"
