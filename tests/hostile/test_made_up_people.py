"""People who do not exist, told of by somebody who does: in a process of its own, as memory is measured at its peak."""

from __future__ import annotations

import pytest

from tests.hostile import feed
from tests.hostile.conftest import Hostile
from tests.hostile.feed import Feed
from tests.hostile.member import LOBBY, SHOWN, Member, overlook
from tests.hostile.victim import Victim

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(autouse=True)
def coming(shown: set[str]) -> None:
    shown |= SHOWN


async def test_a_crowd_of_made_up_people_holds_nobody_up(hostile: Hostile, victim: Victim) -> None:
    """Cards are cheap to make, and everybody passes them on."""
    member = await Member.join(hostile, "novelist")
    keys = [Feed(LOBBY, feed.blake(b"key %d" % number)) for number in range(16)]
    for number in range(2000):
        who = feed.blake(b"made up %d" % number)[:31] + b"\0"
        member.say(feed.card(LOBBY, who, keys[number % 16].owned_by(who)))
    before = len(victim.process.events)
    await member.is_heard()
    await victim.talk()
    assert len(victim.process.events) < before + 100
    await overlook(victim)
