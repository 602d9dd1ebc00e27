"""A newcomer catches up with a long history over a network, alone with its author and while others talk: all of it comes, in order and
once, and memory stays bounded. How long that takes is printed; `make bench` measures it."""

from __future__ import annotations

import pytest

from tests.bench.catchup import MEMORY, ONE_BY_ONE, CaughtUp, author, percentile, with_a_chat, with_a_newcomer
from tests.lab.conftest import sized
from tests.lab.lab import Lab

COUNT = sized(5000, 100_000)


@pytest.mark.timeout(400)
async def test_a_newcomer_has_the_whole_history_also_while_others_talk(lab: Lab) -> None:
    here, there = lab.host(), lab.host()
    async with author(here.start, here.home, COUNT) as ada:
        address = f"{here.address}:{await ada.port()}"
        alone = await with_a_newcomer(there.start, there.home, ada, address, ONE_BY_ONE, COUNT, "Ben")
        found = await with_a_chat(there.start, there.home, ada, address, COUNT, "Bea", there.address)
    chats = ", ".join(
        f"with who is {name} 99 % within {1e3 * percentile(seconds, 99):.0f} ms" for name, seconds in found.chats.items()
    )
    print(
        f"\n{COUNT:,} messages, each signed by itself: {told(alone)}\nwhile others talk: {told(found)}; round trips meanwhile: {chats}"
    )
    assert all(found.chats.values())
    assert max(alone.newcomer, found.newcomer) < MEMORY


def told(found: CaughtUp) -> str:
    """What was measured."""
    searched = f"searchable after {found.searched:.1f} s"
    memory = f"at most {found.newcomer:.0f} MB, {found.server:.0f} MB where they came from"
    return f"stored and in order after {found.stored:.1f} s, {searched}; {memory}"
