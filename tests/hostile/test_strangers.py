"""Strangers that begin direct rooms and write there: nobody has to answer for them to try."""

from __future__ import annotations

import pytest

from tests.hostile import feed
from tests.hostile.conftest import Hostile
from tests.hostile.member import LOBBY, SHOWN, Member, overlook
from tests.hostile.test_member_floods import CROWD, crowd, flooded, pages
from tests.hostile.victim import Victim

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(autouse=True)
def coming(shown: set[str]) -> None:
    shown |= SHOWN


async def test_strangers_bring_direct_rooms_and_entries_at_a_rate(hostile: Hostile, victim: Victim) -> None:
    members = await crowd(hostile, "stranger", CROWD)
    alone = [one.direct(bytes.fromhex(victim.id)) for one in members]
    for one in alone:
        one.say(feed.card(one.room, one.identity, one.feed.owned_by(one.identity)))
    began = []
    for one, member in zip(alone, members, strict=True):
        member.say(feed.want(LOBBY, [feed.NOBODY]))
        if await begun(one):
            began.append(one)
    assert 60 <= len(began) <= 70
    for one in began:
        one.say(feed.have(one.room), feed.tips(one.room, [], fresh=True, last=True), *pages(one.feed, 5, 100))
        await one.is_heard()
    rooms = await victim.process.call("rooms.list")
    brought = [await flooded(victim, room["id"]) for room in rooms if room["kind"] == "direct"]
    assert 2_000 <= sum(brought) <= 10_000 + 200 * 60
    await victim.talk()
    await overlook(victim)


async def begun(one: Member) -> bool:
    """Has the victim answered with its own card, before it said that it has nothing of what was wanted in the lobby?"""
    while True:
        message = feed.unpack(await one.peer.message())
        if message[0] == feed.CARD and message[1] == one.room:
            return True
        if message[0] == feed.DONE:
            return False
