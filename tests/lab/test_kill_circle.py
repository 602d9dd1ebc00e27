"""kill -9 at random moments while somebody comes in, comes along, starts anew, closes a door and ends a meeting: afterwards nothing
is half done, and nothing that was answered is lost."""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from typing import Any

import pytest

from tests.lab.circle import let_in, until
from tests.lab.conftest import Starts
from tests.lab.lab import Host, Lab
from tests.lab.rpc_process import Died, RpcProcess

KILLS = int(os.environ.get("PEERTALK_KILLS", "8"))
SEED = int(os.environ.get("PEERTALK_SEED", "20261123"))
SHORT, LONG = 0.1, 1.5
"""Seconds: most deeds are done within the one, coming in, where others may still answer, within the other."""
DEEDS = ("follow", "reform", "seal", "end")
BEFORE, AFTER = "said before", "said after"


class Killed:
    """Ben, whose process is killed again and again, with a room for each deed each time; Anna is there all the time."""

    def __init__(self, start: Starts, host: Host, anna: RpcProcess) -> None:
        self.start, self.host, self.anna = start, host, anna
        self.chance = random.Random(SEED)
        self.ben: RpcProcess
        self.rooms: dict[str, str] = {}
        self.answered: Counter[str] = Counter()
        self.found: Counter[str] = Counter()
        self.warnings: list[Any] = []

    async def begin(self) -> None:
        self.ben = await self.start(self.host, "--name", "Ben", "--no-lobby")
        await self.ben.ready()

    async def prepare(self, cara: RpcProcess) -> None:
        """All rooms but those of which the codes are; Cara is in those that are started anew without her."""
        for deed in DEEDS:
            guests = [cara, self.ben] if deed == "follow" else [self.ben]
            await asyncio.gather(*(self._prepared(f"{deed} {number}", guests) for number in range(KILLS)))

    async def _prepared(self, name: str, guests: list[RpcProcess]) -> None:
        self.rooms[name] = room = (await self.anna.call("rooms.create", name=name))["id"]
        await let_in(self.anna, *guests, room=room)

    async def one_life(self, number: int) -> None:
        rooms = {deed: self.rooms[f"{deed} {number}"] for deed in DEEDS}
        rooms["accept"] = (await self.anna.call("rooms.create", name=f"accept {number}"))["id"]
        link = (await self.anna.call("rooms.invite", room=rooms["accept"]))["link"]
        await self.anna.call("rooms.reform", room=rooms["follow"], without=["Cara"])
        offer = await self.offer(rooms["follow"])
        deeds: list[tuple[str, str, dict[str, object]]] = [
            ("accept", "rooms.accept", {"code": link}),
            ("follow", "rooms.follow", {"offer": offer}),
            ("reform", "rooms.reform", {"room": rooms["reform"], "without": ["Anna"]}),
            ("seal", "rooms.seal", {"room": rooms["seal"]}),
            ("end", "rooms.end", {"room": rooms["end"]}),
        ]
        for deed in DEEDS:
            await self.ben.call("messages.send", room=rooms[deed], text=BEFORE)
        answers = {deed: self.ben.cast(method, **given) for deed, method, given in self.chance.sample(deeds, len(deeds))}
        await asyncio.sleep(
            self.chance.uniform(0.0, self.chance.choice((SHORT, LONG)))
        )  # the moment is what is tried, nothing is waited for
        await self.ben.kill()
        self.warnings += [event for event in self.ben.events if event["type"] == "warning"]
        await self.begin()
        for deed, answer in answers.items():
            await self.check(deed, rooms[deed], await is_answered(answer))

    async def offer(self, room: str) -> str:
        found: dict[str, str] = {}

        async def is_there(ben: RpcProcess) -> bool:
            found.update({made["room"]: made["offer"] for made in await ben.call("rooms.offers")})
            return room in found

        await until(self.ben, is_there)
        return found[room]

    async def check(self, deed: str, room: str, answered: bool) -> None:
        """It is done, or it is not, and then it was not answered; either way one goes on where one is."""
        done = await getattr(self, deed)(room)
        assert done or not answered
        self.answered[deed] += answered
        self.found[deed] += done
        if deed != "accept":
            there = [room, *await self.successors(room)]  # what waited moves
            assert [text for id_ in there for text in await self.ben.texts(id_)].count(BEFORE) == 1

    async def accept(self, room: str) -> bool:
        shown = await self.shown()
        if room in shown:
            await self.go_on(room)
        return room in shown

    async def follow(self, room: str) -> bool:
        done = await self.is_new(room)
        assert [made["room"] for made in await self.ben.call("rooms.offers")] == ([] if done else [room])
        if not done:
            await self.ben.call("rooms.follow", offer=await self.offer(room))
        await self.go_on(*await self.successors(room))
        return done

    async def reform(self, room: str) -> bool:
        done = await self.is_new(room)
        if not done:
            await self.go_on(room)
        return done

    async def seal(self, room: str) -> bool:
        await self.go_on(room)
        done, *others = [(await one.call("rooms.show", room=room))["sealed"] for one in (self.ben, self.anna)]
        assert others == [done]
        return bool(done)

    async def end(self, room: str) -> bool:
        await self.go_on(room)
        done, *others = [await has_ended(one, room) for one in (self.ben, self.anna)]
        assert others == [done]
        return done

    async def go_on(self, room: str) -> None:
        """Each hears the other there."""
        await self.ben.call("messages.send", room=room, text=AFTER)
        await self.anna.has_texts(AFTER, room=room)
        await self.anna.call("messages.send", room=room, text=f"{AFTER}, too")
        await self.ben.has_texts(f"{AFTER}, too", room=room)

    async def shown(self) -> dict[str, Any]:
        return {room["id"]: room for room in await self.ben.call("rooms.list")}

    async def is_new(self, room: str) -> bool:
        """Whether a room was started anew: the old one is only read then, and there is one that says it goes on."""
        shown = await self.shown()
        assert shown[room]["archived"] is (room in [one["predecessor"] for one in shown.values()])
        return bool(shown[room]["archived"])

    async def successors(self, room: str) -> list[str]:
        return [id_ for id_, one in (await self.shown()).items() if one["predecessor"] == room]


async def is_answered(answer: asyncio.Future[Any]) -> bool:
    try:
        await answer
    except Died:
        return False
    return True


async def has_ended(one: RpcProcess, room: str) -> bool:
    said = (await one.call("messages.list", room=room))["messages"]
    return [each["author"]["name"] for each in said if each["kind"] == "over"] == ["Ben"]


@pytest.mark.timeout(300)
async def test_whoever_is_killed_meanwhile_has_done_it_or_not_and_what_was_answered_is_done(lab: Lab, start: Starts) -> None:
    print(f"\nseed {SEED}, {KILLS} kills")
    anna, cara = [await start(lab.host(), "--name", name, "--no-lobby") for name in ("Anna", "Cara")]
    one = Killed(start, lab.host(), anna)
    await one.begin()
    await one.prepare(cara)
    assert await cara.stop() == 0
    for number in range(KILLS):
        await one.one_life(number)
    print("answered:", dict(one.answered), "done:", dict(one.found))
    assert 0 < one.found.total() < 5 * KILLS
    warnings = [event for event in [*one.ben.events, *anna.events] if event["type"] == "warning"]
    assert [warning["kind"] for warning in [*warnings, *one.warnings]] == []
