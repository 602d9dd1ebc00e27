"""A hundred hostile members at once in the lobby."""

from __future__ import annotations

import asyncio

import pytest

from peertalk.core.pushing import MAX_RELAYED
from peertalk.node.link import HIGH_WATER
from tests.hostile.conftest import Hostile
from tests.hostile.member import SHOWN, Member, overlook
from tests.hostile.test_member_floods import CROWD, crowd, flooded, pages
from tests.hostile.victim import MEMORY, Victim

pytestmark = pytest.mark.asyncio(loop_scope="module")

ON_A_LINK = (HIGH_WATER + MAX_RELAYED) // 1024
"""KiB that may wait on each link of what others wrote."""


@pytest.fixture(autouse=True)
def coming(shown: set[str]) -> None:
    shown |= SHOWN


async def test_a_crowd_that_writes_holds_nobody_up(hostile: Hostile, victim: Victim) -> None:
    """Nor does what all of them write at once, 60 MB, wait in memory: not before the disk, and not once more on each link."""
    victim.most = MEMORY + CROWD * ON_A_LINK
    members = await crowd(hostile, "crowd", CROWD)
    for one in members:
        one.say(one.feed.arrives(f"Crow {one.feed.key[0]}"), *pages(one.feed, 4, 100), *pages(one.feed, 10, 1))
        one.say(*pages(one.feed, 20, 1, "x" * 30_000))
    for _ in range(3):
        await victim.talk()
    await asyncio.gather(*(one.is_heard() for one in members))
    assert await flooded(victim) <= 10_000 + 200 * 60
    await overlook(victim)


async def test_one_who_writes_at_full_speed_is_taken_in_at_a_rate(hostile: Hostile, victim: Victim) -> None:
    one = await Member.join(hostile, "writes")
    before = await flooded(victim)
    one.say(*pages(one.feed, 5000, 1))
    for _ in range(3):
        await victim.talk()
    await one.is_heard()
    assert 20 <= await flooded(victim) - before <= 1000 + 200 * 60
    await overlook(victim)
