"""Members that bring, ask and claim as much as they can: what exceeds a rate is taken later, and nobody else is held up."""

from __future__ import annotations

import asyncio

import pytest

from tests.hostile import feed
from tests.hostile.conftest import Hostile
from tests.hostile.feed import Feed, pack
from tests.hostile.member import LOBBY, SHOWN, Member, overlook
from tests.hostile.victim import Victim

pytestmark = pytest.mark.asyncio(loop_scope="module")
CROWD = 100
WORD = "flood"


@pytest.fixture(autouse=True)
def coming(shown: set[str]) -> None:
    shown |= SHOWN


async def crowd(hostile: Hostile, name: str, count: int) -> list[Member]:
    """So many members, ten of them joining at a time."""
    few = asyncio.Semaphore(10)

    async def one(number: int) -> Member:
        async with few:
            return await Member.join(hostile, f"{name} {number}")

    return await asyncio.gather(*(one(number) for number in range(count)))


async def test_who_comes_and_goes_all_the_time_leaves_nothing_open(hostile: Hostile, victim: Victim) -> None:
    before = victim.descriptors()
    for number in range(60):
        member = await Member.link(hostile, f"comes and goes {number % 3}")
        await member.peer.hang_up()
    async with asyncio.timeout(5):
        while victim.descriptors() > before:
            await victim.process.call("node.status")
    await victim.talk()
    await overlook(victim)


def pages(own: Feed, count: int, entries: int, text: str = WORD) -> list[bytes]:
    return [own.says(*[text] * entries) for _ in range(count)]


async def flooded(victim: Victim, room: str = "lobby") -> int:
    return [*await victim.process.texts(room)].count(WORD)


async def test_who_asks_for_everything_and_reads_nothing_is_a_burden_to_nobody(hostile: Hostile, victim: Victim) -> None:
    members = await crowd(hostile, "asks", 20)
    writer = await Member.join(hostile, "written")
    writer.say(*pages(writer.feed, 30, 1, "x" * 30_000))
    await writer.is_heard()
    for one in members:
        one.peer._transport.pause_reading()
    for _ in range(60):
        for one in members:
            one.say(feed.want(LOBBY, [writer.feed.last]), pack([feed.WANT_BODIES, LOBBY, [writer.feed.last] * 64]))
        await victim.process.call("node.status")
    for _ in range(3):
        await victim.talk()
    await overlook(victim)


async def test_a_flood_of_tips_is_noted_within_limits(hostile: Hostile, victim: Victim) -> None:
    members = await crowd(hostile, "tips", 20)
    for number, one in enumerate(members):
        alone = one.direct(bytes.fromhex(victim.id))
        await alone.greet()
        for where in (one, alone):
            for start in range(0, 10_000, 1000):
                where.say(feed.tips(where.room, [feed.blake(b"%d %d" % (number, start + tip)) for tip in range(1000)]))
            await where.is_heard()
    await victim.talk()


async def test_pages_that_rest_on_nothing_are_not_hoarded(hostile: Hostile, victim: Victim) -> None:
    for one in await crowd(hostile, "hoard", 20):
        for _ in range(20):
            entry = one.feed.entry({"text": "x" * 31_000}, after=[feed.NOBODY], lamport=2)
            one.say(one.feed.page(entry))
        one.say(*[feed.have(LOBBY)] * 100)
        await one.is_heard()
    await victim.talk()


async def test_a_flood_of_cards_is_kept_within_limits(hostile: Hostile, victim: Victim) -> None:
    members = await crowd(hostile, "cards", 6)
    keys = [Feed(LOBBY, feed.blake(b"%d" % number)) for number in range(1024)]
    for number, one in enumerate(members):
        for about in range(4):
            who = feed.identity(feed.blake(b"nobody %d %d" % (number, about)))
            one.say(feed.card(LOBBY, who, *(key.owned_by(who) for key in keys[about * 256 : about * 256 + 256])))
        one.say(feed.card(LOBBY, one.identity, *(key.owned_by(one.identity) for key in keys[:256])))
    for one in members:
        await one.is_heard()
    await victim.talk()
    await overlook(victim)
