"""Six people in a private room, one of whom is left out: what each of them has before them, line by line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest

from peertalk.core.events import MessageArrived, MessageChanged, ReformOffer, RoomChanged
from peertalk.errors import RequestError
from peertalk.node.node import Node
from tests.node.company import PATIENCE, Company, company, event, let_in, until
from tests.node.transcripts import lines, transcript

NAMES = ("Anna", "Ben", "Cara", "Dora", "Emil", "Finn")


class Group:
    """People by name, in the private room `Tuesday`, and in nothing else."""

    def __init__(self, people: Company) -> None:
        self.company = people
        self.nodes: dict[str, Node] = {}
        self.room = ""

    def __getitem__(self, name: str) -> Node:
        return self.nodes[name]

    async def gather(self, *names: str) -> None:
        """One after the other enters, so that their first words have an order."""
        for name in names:
            self.nodes[name] = node = await self.company.node(name, *self.nodes.values(), lobby=False)
            if len(self.nodes) == 1:
                self.room = (await node.create("Tuesday", "forever", "en")).id
            else:
                first = next(iter(self.nodes.values()))
                await let_in(first, await first.room(self.room), node)
            await self.all_online(self.nodes, self.room)

    async def all_online(self, names: Iterable[str], room: str) -> None:
        wanted = sorted(names)
        for name in wanted:
            await self.see(name, lambda name=name: self._online(name, room, wanted))

    async def _online(self, name: str, room: str, wanted: list[str]) -> bool:
        members = await self[name].members(room)
        return sorted(one.name for one in members if one.online) == wanted

    async def see(self, name: str, test: object) -> None:
        await until(self[name], test)  # type: ignore[arg-type]

    async def away(self, name: str) -> None:
        await self.nodes.pop(name).close()

    async def back(self, name: str) -> None:
        self.nodes[name] = await self.company.node(name, *self.nodes.values(), lobby=False)

    async def say(self, name: str, room: str, text: str, to: str) -> None:
        await self[name].send(room, text)
        for other in to.split():
            await self.see(other, lambda other=other: self.has(other, room, text))

    async def has(self, name: str, room: str, text: str) -> bool:
        return text in [one.text for one in (await self[name].messages(room)).messages]

    async def asked(self, name: str, by: str, followers: str) -> str:
        """Wait until somebody is asked by `by`, and so many have come along; the offer."""
        await self.see(name, lambda: self._asked(name, by, followers))
        return next(one.offer for one in await self[name].offers() if one.by.name == by)

    async def _asked(self, name: str, by: str, followers: str) -> bool:
        offers = [one for one in await self[name].offers() if one.by.name == by]
        return any({peer.name for peer in one.followers} == set(followers.split()) for one in offers)

    async def came(self, room: str, names: str) -> None:
        """Wait until each of these has read that all of them came along."""
        for name in names.split():
            await self.see(name, lambda name=name: self._came(name, room, names))

    async def _came(self, name: str, room: str, names: str) -> bool:
        said = (await self[name].messages(room)).messages
        return {one.author.name for one in said if one.kind == "follow"} == set(names.split())

    async def shows(self, name: str, expected: str) -> None:
        """In the end this is what somebody has before them."""
        try:
            await self.see(name, lambda: self._shows(name, expected))
        except TimeoutError:
            print(await transcript(self[name]))
            raise

    async def _shows(self, name: str, expected: str) -> bool:
        return await transcript(self[name]) == lines(expected)


@pytest.fixture
async def group(tmp_path: Path) -> AsyncIterator[Group]:
    async with company(tmp_path) as people:
        yield Group(people)


async def test_six_people_one_left_out_one_away_and_two_who_start_anew_at_once(group: Group) -> None:
    await group.gather(*NAMES)
    old = group.room
    await group.say("Anna", old, "welcome", "Ben Cara Dora Emil Finn")
    await group.say("Cara", old, "let me tell you what is wrong with each of you", "Anna Ben Dora Emil Finn")
    await group.away("Finn")
    new, other = await asyncio.gather(group["Anna"].reform(old, ["Cara"]), group["Ben"].reform(old, ["Cara"]))
    for name in ("Dora", "Emil"):
        await group.asked(name, "Anna", "Anna")
        await group.asked(name, "Ben", "Ben")
    await group["Dora"].follow(await group.asked("Dora", "Anna", "Anna"))
    await group.asked("Emil", "Anna", "Anna Dora")
    await group["Emil"].decline(await group.asked("Emil", "Ben", "Ben"))
    await group["Ben"].follow(await group.asked("Ben", "Anna", "Anna Dora"))
    await group["Ben"].leave(other.id, forget=True)
    await group.came(new.id, "Anna Ben Dora")
    await group.say("Anna", new.id, "just us", "Ben Dora")
    await group.say("Cara", old, "where is everybody?", "Emil")
    await group["Dora"].decline(await group.asked("Dora", "Ben", "Ben"))
    await group["Anna"].decline(await group.asked("Anna", "Ben", "Ben"))
    await group.back("Finn")
    await group.see("Finn", lambda: group.has("Finn", old, "where is everybody?"))
    await group["Finn"].follow(await group.asked("Finn", "Anna", "Anna Ben Dora"))
    await group.came(new.id, "Anna Ben Dora Finn")
    await group.say("Finn", new.id, "here I am", "Anna Ben Dora")
    for name in ("Anna", "Ben", "Dora", "Finn"):
        await group.shows(
            name,
            """
            Tuesday (read only): Anna, Ben, Dora, Finn
                Anna is here
                Ben is here
                Cara is here
                Dora is here
                Emil is here
                Finn is here
                Anna: welcome
                Cara: let me tell you what is wrong with each of you
                Cara: where is everybody? (after the split)
            Tuesday: Anna, Ben, Dora, Finn
                Anna came along, without Cara
                Anna is here
                Ben came along, without Cara
                Ben is here
                Dora came along, without Cara
                Dora is here
                Anna: just us
                Finn came along, without Cara
                Finn is here
                Finn: here I am
            """,
        )
    await group.shows(
        "Emil",
        """
        Tuesday: Cara, Emil
            Anna is here
            Ben is here
            Cara is here
            Dora is here
            Emil is here
            Finn is here
            Anna: welcome
            Cara: let me tell you what is wrong with each of you
            Cara: where is everybody?
        Anna asks to come along to Tuesday without Cara: Anna, Ben, Dora, Finn
        """,
    )
    await group.shows(
        "Cara",
        """
        Tuesday: Cara, Emil
            Anna is here
            Ben is here
            Cara is here
            Dora is here
            Emil is here
            Finn is here
            Anna: welcome
            Cara: let me tell you what is wrong with each of you
            Cara: where is everybody?
        """,
    )
