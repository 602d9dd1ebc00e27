"""A circle, as people use it: a private room by spoken code, words that are the same for all, and a room started anew."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import pytest

from tests.lab.conftest import Starts
from tests.lab.lab import Lab
from tests.lab.rpc_process import RpcError, RpcProcess

ROOM = "Tuesday circle"
NAMES = ("Anna", "Ben", "Cara", "Dora", "Emil", "Fritz", "Gesa", "Hugo")


async def circle(lab: Lab, start: Starts, number: int, **terms: object) -> list[RpcProcess]:
    """So many people on as many hosts, all in one private room; the first has made it, and they came in one by one, each invited by
    whoever came before."""
    hosts = [lab.host() for _ in range(number)]
    people = [await start(host, "--name", name, "--no-lobby") for host, name in zip(hosts, NAMES, strict=False)]
    await people[0].call("rooms.create", name=ROOM, language="en", **terms)
    for inviter, joiner in pairwise(people):
        code = (await inviter.call("rooms.invite", room=ROOM))["code"]
        await joiner.call("rooms.accept", code=code)
    await all_here(people)
    return people


async def all_here(people: list[RpcProcess]) -> None:
    """Everybody sees everybody in the room."""
    wanted = {await one.identity() for one in people}

    async def complete(one: RpcProcess) -> bool:
        return {each["id"] for each in await one.call("rooms.members", room=ROOM) if each["online"]} == wanted

    for one in people:
        await until(one, complete)


async def until(one: RpcProcess, holds: Any, seconds: float = 20) -> None:
    """Wait for events until it holds."""
    async with asyncio.timeout(seconds):
        while not await holds(one):
            await one.wait_event(lambda _: True, since=len(one.events))


async def words(one: RpcProcess) -> tuple[str, ...]:
    """The words of the room once nobody is still coming in."""
    said: dict[str, Any] = {}

    async def gathered(asked: RpcProcess) -> bool:
        said.update(await asked.call("rooms.words", room=ROOM))
        return not said["gathering"]

    await until(one, gathered)
    return tuple(said["words"])


@pytest.mark.timeout(120)
async def test_eight_people_who_came_in_one_by_one_read_the_same_words(lab: Lab, start: Starts) -> None:
    people = await circle(lab, start, 8)
    first = {await words(one) for one in people}
    assert len(first) == 1
    assert len(set(first.pop())) >= 5

    before = await words(people[0])
    await people[3].call("node.set_name", name="Dora the second")
    await until(people[0], lambda one: has_name(one, "Dora the second"))
    await all_here(people)
    changed = {await words(one) for one in people}
    assert len(changed) == 1
    assert changed != {before}


async def has_name(one: RpcProcess, name: str) -> bool:
    return name in {each["name"] for each in await one.call("rooms.members", room=ROOM)}


@pytest.mark.timeout(120)
async def test_who_compared_words_is_verified_and_two_who_compare_symbols_see_the_same(lab: Lab, start: Starts) -> None:
    anna, ben, cara = await circle(lab, start, 3)
    assert await words(anna) == await words(ben) == await words(cara)
    verified = await anna.call("rooms.verified", room=ROOM, present=["Ben"])
    assert {each["name"]: each["trust"] for each in verified if not each["me"]} == {"Ben": "verified", "Cara": "new"}

    shown = asyncio.gather(anna.call("peers.verify", peer="Cara"), cara.call("peers.verify", peer="Anna"))
    seen, also_seen = await shown
    assert seen == also_seen
    assert len(seen["emoji"]) == 7
    assert (await anna.call("peers.confirm", peer="Cara", matches=True))["trust"] == "verified"


@pytest.mark.timeout(180)
async def test_a_room_started_anew_goes_on_without_one_and_whoever_was_away_is_asked_on_coming(lab: Lab, start: Starts) -> None:
    people = await circle(lab, start, 5)
    anna, ben, cara, dora, emil = people
    await anna.call("messages.send", room=ROOM, text="to all of us")
    for one in people[1:]:
        await one.has_texts("to all of us", room=ROOM)
    assert await emil.stop() == 0

    old = (await anna.call("rooms.list"))[0]["id"]
    new = (await anna.call("rooms.reform", room=ROOM, without=["Cara"]))["id"]
    for one in (ben, dora):
        offer = await one.wait_event(lambda event: event["type"] == "reform_offer")
        await one.call("rooms.follow", offer=offer["offer"])
    for one in (anna, ben, dora):
        await one.call("messages.send", room=new, text=f"{await one.identity()} is in")
    for one in (anna, ben, dora):
        await one.has_texts(*[f"{await each.identity()} is in" for each in (anna, ben, dora)], room=new)

    emil = await start(lab.hosts[4], "--no-lobby")
    offer = await emil.wait_event(lambda event: event["type"] == "reform_offer")
    assert [each["name"] for each in offer["without"]] == ["Cara"]
    await emil.call("rooms.follow", offer=offer["offer"])
    await emil.has_texts(f"{await anna.identity()} is in", room=new)

    left_out = await cara.call("rooms.list")
    assert [each["id"] for each in left_out] == [old]
    assert left_out[0]["online"] == 1
    assert not [event for event in cara.events if event["type"] == "reform_offer"]
    assert not [peer for peer in await cara.call("peers.list") if peer["online"]]
    said = str(await cara.call("messages.list", room=old)) + str(cara.events)
    assert "is in" not in said
    assert new not in said
    with pytest.raises(RpcError):
        await cara.call("messages.list", room=new)


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
    code = (await ben.call("rooms.invite", room=ROOM))["code"]
    await anna.call("rooms.accept", code=code)
    await anna.has_texts("off the record", room=ROOM)
