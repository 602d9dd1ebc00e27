"""The network falls into two halves, both go on talking, and it becomes one again: in the end all have the same before them."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.lab.conftest import Starts, sized
from tests.lab.crowd import all_online, gather, heard, meanwhile, same_history, told
from tests.lab.lab import Lab
from tests.lab.rpc_process import RpcProcess

PEOPLE, APART = sized(8, 40), sized(14.0, 30.0)
"""Whoever is gone is missed after 10 seconds: the cut lasts longer."""
PAUSE = 0.5
GOAL, SLACK = 5.0, 6.0


async def talk(one: RpcProcess, words: str, seconds: float) -> list[str]:
    """Say something now and then for so long; what was said, and answered as kept."""
    texts: list[str] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        text = f"{words} {len(texts)}"
        await one.call("messages.send", room="lobby", text=text)
        texts.append(text)
        await meanwhile(PAUSE)
    return texts


@pytest.mark.timeout(300)
async def test_two_halves_that_talked_alone_have_one_history_soon_after(lab: Lab, start: Starts) -> None:
    hosts = [lab.host() for _ in range(PEOPLE)]
    people = await gather(lab, start)
    await all_online(people)
    before = ["all of us"]
    await people[0].call("messages.send", room="lobby", text=before[0])
    await asyncio.gather(*(heard(one, before) for one in people))
    away = hosts[PEOPLE // 2 :]
    lab.part(*away)
    said = await asyncio.gather(*(talk(one, f"of {number}", APART) for number, one in enumerate(people)))
    for one, of_the_others in ((people[0], said[-1]), (people[-1], said[0])):
        assert not told(one) & set(of_the_others)
    lab.unite(*away)
    healed = time.monotonic()
    texts = [*before, *(text for own in said for text in own)]
    found = await asyncio.gather(*(heard(one, texts) for one in people))
    last = sorted(max(times.values()) - healed for times in found)
    print(
        f"\n{PEOPLE} people, {APART:.0f} s in two halves, {len(texts)} messages: after healing half of them had all of it within "
        f"{last[len(last) // 2]:.2f} s, the last within {last[-1]:.2f} s (goal {GOAL})"
    )
    assert last[-1] <= GOAL * SLACK
    await same_history(people, texts)
