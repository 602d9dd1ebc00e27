"""People in a private room, each on a host of their own, and what each of them has before them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from itertools import groupby, pairwise
from textwrap import dedent
from typing import Any

import msgspec

from peertalk import say
from peertalk.core.events import Message, Offer
from peertalk.say.quiet import quiet
from tests.lab.conftest import Starts
from tests.lab.lab import Lab
from tests.lab.rpc_process import RpcProcess

ROOM = "Tuesday circle"
NAMES = ("Anna", "Ben", "Cara", "Dora", "Emil", "Fritz", "Gesa", "Hugo")
People = dict[str, RpcProcess]


async def company(lab: Lab, start: Starts, number: int) -> People:
    """So many people by name, on the first hosts of the lab, in no room yet."""
    hosts = [*lab.hosts, *(lab.host() for _ in range(number - len(lab.hosts)))]
    return {name: await start(host, "--name", name, "--no-lobby") for host, name in zip(hosts, NAMES, strict=False)}


async def circle(lab: Lab, start: Starts, number: int, **terms: object) -> list[RpcProcess]:
    """So many people, all in one private room; the first has made it, and they came in one by one, each invited by whoever came
    before."""
    people = list((await company(lab, start, number)).values())
    room = (await people[0].call("rooms.create", name=ROOM, language="en", **terms))["id"]
    for inviter, joiner in pairwise(people):
        await let_in(inviter, joiner, room=room)
    await all_here(people, room)
    return people


async def let_in(inviter: RpcProcess, *joiners: RpcProcess, room: str = ROOM) -> None:
    """By one code, all at the same moment."""
    code = (await inviter.call("rooms.invite", room=room, uses=len(joiners)))["code"]
    await asyncio.gather(*(joiner.call("rooms.accept", code=code) for joiner in joiners))


async def until(one: RpcProcess, holds: Callable[[RpcProcess], Awaitable[bool]], seconds: float = 20) -> None:
    """Wait for events until it holds."""
    async with asyncio.timeout(seconds):
        while True:
            since = len(one.events)
            if await holds(one):
                return
            await one.wait_event(lambda _: True, seconds, since)


async def all_here(people: Iterable[RpcProcess], room: str = ROOM) -> None:
    """Everybody sees everybody in the room, and nobody else."""
    people = list(people)
    wanted = {await one.identity() for one in people}

    async def complete(one: RpcProcess) -> bool:
        return {each["id"] for each in await one.call("rooms.members", room=room) if each["online"]} == wanted

    for one in people:
        await until(one, complete)


async def words(one: RpcProcess, room: str = ROOM) -> tuple[str, ...]:
    """The words of the room once nobody is still coming in."""
    said: dict[str, Any] = {}

    async def gathered(asked: RpcProcess) -> bool:
        said.update(await asked.call("rooms.words", room=room))
        return not said["gathering"]

    await until(one, gathered)
    return tuple(said["words"])


async def words_of_all(people: Iterable[RpcProcess], room: str = ROOM) -> tuple[str, ...]:
    """What is the same on all screens."""
    read = {await words(one, room) for one in people}
    assert len(read) == 1
    return read.pop()


# ── what is seen ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def transcript(one: RpcProcess) -> str:
    """All rooms with who is there, oldest first, and what is in them, in the sentences that people read; then what is offered."""
    told: list[str] = []
    for room in await one.call("rooms.list"):
        present = sorted(each["name"] for each in await one.call("rooms.members", room=room["id"]) if each["online"])
        told.append(f"{room['name']}{' (read only)' if room['archived'] else ''}: {', '.join(present)}")
        listed = await one.call("messages.list", room=room["id"], limit=1000)
        told += [f"    {line}" for line in _in_order(msgspec.convert(listed["messages"], list[Message]))]
    for made in msgspec.convert(await one.call("rooms.offers"), list[Offer]):
        told += say.offer(msgspec.structs.replace(made, followers=sorted(made.followers, key=lambda one: one.name)))
    return "\n".join(told)


def _in_order(messages: list[Message]) -> list[str]:
    """The lines; quiet ones that follow on each other by name, as those who write at one moment come in any order."""
    found: list[str] = []
    for is_quiet, run in groupby(messages, key=lambda one: one.kind != "text"):
        lines = [_line(message) for message in run]
        found += sorted(lines) if is_quiet else lines
    return found


def _line(message: Message) -> str:
    after = " (after the split)" if message.after_split else ""
    return quiet(message, message.author.name) or f"{message.author.name}: {message.text}{after}"


async def shows(people: Mapping[str, RpcProcess], names: str, expected: str) -> None:
    """In the end this is what each of these has before them."""
    wanted = dedent(expected).strip()

    async def is_shown(one: RpcProcess) -> bool:
        return await transcript(one) == wanted

    for name in names.split():
        try:
            await until(people[name], is_shown)
        except TimeoutError:
            raise AssertionError(f"what {name} has before them:\n{await transcript(people[name])}") from None
