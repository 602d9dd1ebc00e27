"""A room started anew without somebody: what everyone reads, and what a cable tells of the one who is left out."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.lab.capture import Packet, capture, frames, packets, streams
from tests.lab.circle import ROOM, company, let_in, shows, until
from tests.lab.conftest import Starts
from tests.lab.lab import Host, Lab
from tests.lab.rpc_process import RpcError, RpcProcess

STRANGERS = 2
"""So many frames go each way between those who have nothing in common: keys, and tags that fit nowhere."""
AT_ALL = """
    Tuesday circle: Cara, Emil
        Anna came in
        Ben came in, invited by Anna
        Cara came in, invited by Anna
        Dora came in, invited by Anna
        Emil came in, invited by Anna
        Fritz came in, invited by Anna
        Anna: welcome
        Cara: let me tell you what is wrong with each of you
        Cara: where is everybody?
"""
CAME_ALONG = """
    Tuesday circle (read only): Anna, Ben, Dora, Fritz
        Anna came in
        Ben came in, invited by Anna
        Cara came in, invited by Anna
        Dora came in, invited by Anna
        Emil came in, invited by Anna
        Fritz came in, invited by Anna
        Anna: welcome
        Cara: let me tell you what is wrong with each of you
        Cara: where is everybody? (after the split)
    Tuesday circle: Anna, Ben, Dora, Fritz
        Anna came along, without Cara
        Anna came in
        Ben came along, without Cara
        Ben came in, invited by Anna
        Dora came along, without Cara
        Dora came in, invited by Anna
        Anna: just us
        Fritz came along, without Cara
        Fritz came in, invited by Anna
        Fritz: here I am
"""
EMIL_IS_ASKED = f"""{AT_ALL.rstrip()}
    Anna has started Tuesday circle anew without Cara.
    Ben, Dora and Fritz came along so far.
    /follow comes along, /decline stays. You need not decide now.
"""


class Circle:
    """Six people on six hosts, in one room and in nothing else."""

    def __init__(self, start: Starts, lab: Lab) -> None:
        self.start, self.lab = start, lab
        self.people: dict[str, RpcProcess] = {}
        self.room = ""

    def __getitem__(self, name: str) -> RpcProcess:
        return self.people[name]

    def of(self, names: str) -> list[RpcProcess]:
        return [self.people[name] for name in names.split()]

    async def gather(self) -> None:
        self.people = await company(self.lab, self.start, 6)
        self.hosts = dict(zip(self.people, self.lab.hosts, strict=True))
        self.room = (await self["Anna"].call("rooms.create", name=ROOM, language="en"))["id"]
        for one in list(self.people.values())[1:]:
            await let_in(self["Anna"], one, room=self.room)
        await self.came(self.room, " ".join(self.people), "here")

    async def say(self, name: str, room: str, text: str, to: str) -> None:
        await self[name].call("messages.send", room=room, text=text)
        for one in self.of(to):
            await one.has_texts(text, room=room)

    async def back(self, name: str) -> None:
        self.people[name] = await self.start(self.hosts[name], "--name", name, "--no-lobby")

    async def asked(self, name: str, by: str, followers: str) -> str:
        """Wait until somebody is asked by `by`, and so many have come along; the offer."""
        offers: dict[tuple[str, frozenset[str]], str] = {}

        async def is_asked(one: RpcProcess) -> bool:
            for made in await one.call("rooms.offers"):
                offers[made["by"]["name"], frozenset(each["name"] for each in made["followers"])] = made["offer"]
            return wanted in offers

        wanted = by, frozenset(followers.split())
        await until(self[name], is_asked)
        return offers[wanted]

    async def follow(self, name: str, by: str, followers: str) -> None:
        await self[name].call("rooms.follow", offer=await self.asked(name, by, followers))

    async def came(self, room: str, names: str, kind: str = "follow") -> None:
        """Wait until each of these has read that all of them came along (or in)."""

        async def all_came(one: RpcProcess) -> bool:
            said = (await one.call("messages.list", room=room))["messages"]
            return {each["author"]["name"] for each in said if each["kind"] == kind} == set(names.split())

        for one in self.of(names):
            await until(one, all_came)


@pytest.mark.timeout(180)
async def test_six_people_one_left_out_one_away_and_two_who_start_anew_at_once(lab: Lab, start: Starts) -> None:
    circle = Circle(start, lab)
    for _ in range(6):
        lab.host()
    async with capture(lab) as file:
        await circle.gather()
        new, split = await without_cara(circle)
        await circle.back("Fritz")
        await circle["Fritz"].has_texts("where is everybody?", room=circle.room)
        await circle.follow("Fritz", "Anna", "Anna Ben Dora")
        await circle.came(new, "Anna Ben Dora Fritz")
        await circle.say("Fritz", new, "here I am", "Anna Ben Dora")
        await until(circle["Cara"], only_emil_is_there)
        alone = time.monotonic()
        await shows(circle.people, "Anna Ben Dora Fritz", CAME_ALONG)
        await shows(circle.people, "Emil", EMIL_IS_ASKED)
        await shows(circle.people, "Cara", AT_ALL)
        await circle.say("Fritz", new, "still just us", "Anna Ben Dora")
        await she_learns_nothing(circle, new)
        await asyncio.gather(*(one.stop() for one in circle.people.values()))
    captured, cara = packets(file), circle.hosts["Cara"]
    since = {circle.hosts[name]: split for name in ("Anna", "Ben", "Dora")} | {circle.hosts["Fritz"]: alone}
    assert channels(captured, cara, dict.fromkeys(since, 0.0)) == list(since)
    assert channels(captured, cara, since) == []
    assert channels(captured, cara, {circle.hosts["Emil"]: alone}) == [circle.hosts["Emil"]]


async def without_cara(circle: Circle) -> tuple[str, float]:
    """Anna and Ben both start anew at once, Ben and Dora come along with Anna, and Fritz is away; the new room, and when they had
    gone from Cara."""
    old = circle.room
    await circle.say("Anna", old, "welcome", "Ben Cara Dora Emil Fritz")
    await circle.say("Cara", old, "let me tell you what is wrong with each of you", "Anna Ben Dora Emil Fritz")
    assert await circle["Fritz"].stop() == 0
    reformed = [circle[name].call("rooms.reform", room=old, without=["Cara"]) for name in ("Anna", "Ben")]
    new, other = [room["id"] for room in await asyncio.gather(*reformed)]
    for name in ("Dora", "Emil"):
        await circle.asked(name, "Anna", "Anna")
        await circle.asked(name, "Ben", "Ben")
    await circle.follow("Dora", "Anna", "Anna")
    await circle.follow("Ben", "Anna", "Anna Dora")
    await circle["Ben"].call("rooms.leave", room=other, forget=True)
    await circle.came(new, "Anna Ben Dora")
    await until(circle["Cara"], only_emil_is_there)
    split = time.monotonic()
    await circle.say("Anna", new, "just us", "Ben Dora")
    await circle.say("Cara", old, "where is everybody?", "Emil")
    return new, split


async def only_emil_is_there(cara: RpcProcess) -> bool:
    return [peer["name"] for peer in await cara.call("peers.list") if peer["online"]] == ["Emil"]


async def she_learns_nothing(circle: Circle, new: str) -> None:
    """Whatever she tries: a new start, and the addresses that she remembers."""
    before = circle["Cara"].events
    assert await circle["Cara"].stop() == 0
    await circle.back("Cara")
    cara = circle["Cara"]
    await cara.online(await circle["Emil"].identity())
    for name in ("Anna", "Ben", "Dora", "Fritz"):
        port = (await circle[name].call("node.status"))["listening"][0]["port"]
        with pytest.raises(RpcError, match="not_reachable"):
            await cara.call("peers.connect", host=circle.hosts[name].address, port=port)
    assert await only_emil_is_there(cara)
    assert (await cara.call("node.status"))["links"] == 1
    seen = str([before, cara.events, await cara.call("rooms.list"), await cara.call("messages.list", room=circle.room)])
    assert not [word for word in (new, "just us", "here I am", "reform_offer") if word in seen]
    with pytest.raises(RpcError, match="unknown_room"):
        await cara.call("messages.list", room=new)


def channels(captured: list[Packet], one: Host, since: dict[Host, float]) -> list[Host]:
    """Those hosts between which and `one` more was said than between strangers, after the time given for each."""
    owners = {packet.source: packet.host for packet in captured if packet.kind == "tcp"}
    spoken: dict[int, float] = {}
    for (host, _, target, _), pieces in streams(captured).items():
        if one.number in (pair := {host, owners.get(target, 0)}):
            last = max([at for at, _ in frames(pieces)[STRANGERS:]], default=0.0)
            other = max(pair - {one.number})
            spoken[other] = max(last, spoken.get(other, 0.0))
    return [host for host, begin in since.items() if spoken.get(host.number, 0.0) > begin]
