"""A circle, as people use it: a private room by spoken code, and words that are the same for all."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

import pytest

from tests.lab.circle import ROOM, all_here, circle, company, let_in, until, words, words_of_all
from tests.lab.conftest import Starts
from tests.lab.lab import Lab
from tests.lab.rpc_process import RpcProcess

SEED = 20261123
ORDERS = 3


async def one_by_one(people: list[RpcProcess], room: str, chance: random.Random) -> None:
    """Each is invited by somebody of those who came before."""
    for number, joiner in enumerate(people[1:], 1):
        await let_in(chance.choice(people[:number]), joiner, room=room)


async def at_one_moment(people: list[RpcProcess], room: str, chance: random.Random) -> None:
    await let_in(people[0], *people[1:], room=room)


Coming = Callable[[list[RpcProcess], str, random.Random], Awaitable[None]]


async def gathered(people: list[RpcProcess], number: int, coming: Coming) -> tuple[str, tuple[str, ...]]:
    """A room into which these people came in some order; its words, the same for all."""
    chance = random.Random(SEED + number)
    order = chance.sample(people, len(people))
    room = (await order[0].call("rooms.create", name=f"circle {number}", language="en"))["id"]
    await coming(order, room, chance)
    await all_here(people, room)
    return room, await words_of_all(people, room)


@pytest.mark.timeout(180)
async def test_eight_people_read_the_same_words_in_whatever_order_they_came(lab: Lab, start: Starts) -> None:
    people = list((await company(lab, start, 8)).values())
    ways = [*[one_by_one] * ORDERS, at_one_moment]
    rooms = await asyncio.gather(*(gathered(people, number, coming) for number, coming in enumerate(ways)))
    assert len({read for _, read in rooms}) == len(ways)
    assert all(len(set(read)) >= 5 for _, read in rooms)
    await other_words_on_each_change(people, rooms[0][0])


async def other_words_on_each_change(people: list[RpcProcess], room: str) -> None:
    read = [await words_of_all(people, room)]
    gone, *others = people
    await gone.call("rooms.leave", room=room, forget=True)
    await all_here(others, room)
    read.append(await words_of_all(others, room))
    await let_in(others[-1], gone, room=room)
    await all_here(people, room)
    again = await words_of_all(people, room)
    assert again == read[0]  # they are the same people
    await people[3].call("node.set_name", name="Dora the second")
    await until(people[0], lambda one: has_name(one, room, "Dora the second"))
    read.append(await words_of_all(people, room))
    await others[0].stop()
    assert await words(people[0], room) == read[-1]  # who is away is a member still
    assert len(set(read)) == len(read)


async def has_name(one: RpcProcess, room: str, name: str) -> bool:
    return name in {each["name"] for each in await one.call("rooms.members", room=room)}


@pytest.mark.timeout(120)
async def test_who_compared_words_is_verified_and_two_who_compare_symbols_see_the_same(lab: Lab, start: Starts) -> None:
    anna, ben, cara = await circle(lab, start, 3)
    await words_of_all([anna, ben, cara])
    verified = await anna.call("rooms.verified", room=ROOM, present=["Ben"])
    assert {each["name"]: each["trust"] for each in verified if not each["me"]} == {"Ben": "verified", "Cara": "new"}

    shown = asyncio.gather(anna.call("peers.verify", peer="Cara"), cara.call("peers.verify", peer="Anna"))
    seen, also_seen = await shown
    assert seen == also_seen
    assert len(seen["emoji"]) == 7
    assert (await anna.call("peers.confirm", peer="Cara", matches=True))["trust"] == "verified"


@pytest.mark.timeout(120)
async def test_what_is_off_the_record_is_gone_with_the_last_program(lab: Lab, start: Starts) -> None:
    anna, ben = await circle(lab, start, 2, retention="session")
    await anna.call("messages.send", room=ROOM, text="off the record")
    await ben.has_texts("off the record", room=ROOM)
    messages = (await anna.call("messages.list", room=ROOM))["messages"]
    said = next(each for each in messages if each["text"] == "off the record")
    assert said["delivered_to"] == []
    assert said["held_by"] == [await ben.identity()]
    assert await anna.stop() == 0
    anna = await start(lab.hosts[0], "--no-lobby")
    assert await anna.call("rooms.list") == []
    await ben.has_texts("off the record", room=ROOM)
    await let_in(ben, anna)
    await anna.has_texts("off the record", room=ROOM)

    assert await anna.stop() == await ben.stop() == 0
    for host in lab.hosts:
        back = await start(host, "--no-lobby")
        assert await back.call("rooms.list") == await back.call("peers.list") == []
