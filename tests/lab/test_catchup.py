"""A newcomer catches up with a long history over a network, while others talk: all of it comes, in order and once. How long that takes
is printed; `make bench` measures it."""

from __future__ import annotations

import pytest

from tests.bench.catchup import author, percentile, with_a_chat
from tests.lab.conftest import sized
from tests.lab.lab import Lab

COUNT = sized(5000, 100_000)


@pytest.mark.timeout(400)
async def test_a_newcomer_has_the_whole_history_while_others_talk(lab: Lab) -> None:
    here, there = lab.host(), lab.host()
    async with author(here.start, here.home, COUNT) as ada:
        address = f"{here.address}:{await ada.port()}"
        found = await with_a_chat(there.start, there.home, ada, address, COUNT, "Ben", there.address)
    chats = ", ".join(
        f"with who is {name} 99 % within {1e3 * percentile(seconds, 99):.0f} ms" for name, seconds in found.chats.items()
    )
    searched = f"searchable after {found.searched:.1f} s" if found.searched else "no search"
    print(
        f"\n{COUNT:,} messages, each signed by itself: stored and in order after {found.stored:.1f} s, {searched}; at most "
        f"{found.newcomer:.0f} MB, {found.server:.0f} MB where they came from; round trips meanwhile: {chats}"
    )
    assert all(found.chats.values())
