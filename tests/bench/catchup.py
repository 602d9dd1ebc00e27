"""A newcomer with nothing catches up with a long history: how long, with how much memory, and how a chat goes on meanwhile."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles
from types import MappingProxyType

from tests.bench import bare
from tests.bench.history import TEXT, write
from tests.bench.peer import Peer, Run, acquainted, peer, texts
from tests.bench.report import Row, above, below, milliseconds
from tests.bench.talk import Chat

ONE_BY_ONE, IN_PAGES = "one by one", "in pages"
PATIENCE = 600.0
FULL, MEMORY, CHAT = 100_000, 150.0, 0.05


@dataclass
class CaughtUp:
    """`stored`: seconds from the code being given to the program until the last message was told of, which is after it was on disk;
    `synced`: of these, since the newcomer was in the room; `searched`: until a search for a word of the last message found it. Memory in
    MB: the most of the newcomer and of whoever served, and what the latter had before. `chats`: seconds of all that was said since the
    newcomer was in the room and before all was stored."""

    count: int
    stored: float
    synced: float
    searched: float
    newcomer: float
    server: float
    server_before: float
    cpu: float
    chats: dict[str, list[float]] = field(default_factory=dict)


@asynccontextmanager
async def author(run: Run, home: Path, count: int, *options: str) -> AsyncIterator[Peer]:
    """Ada, with two private rooms: in one each message was signed by itself, in the other they were signed in pages."""
    async with peer(run, home, "Ada", *options) as ada:
        for name in (ONE_BY_ONE, IN_PAGES):
            await ada.ask("rooms.create", name=name)
    await write(home / "Ada", ONE_BY_ONE, count)
    await write(home / "Ada", IN_PAGES, count, page=200)
    async with peer(run, home, "Ada", *options) as ada:
        yield ada


async def catch_up(
    ada: Peer, newcomer: Peer, room: str, count: int, chats: Mapping[str, Chat] = MappingProxyType({})
) -> CaughtUp:
    """Let the newcomer into the room, and wait until all is there. `chats` go on meanwhile."""
    code = (await ada.ask("rooms.invite", room=room))["code"]
    newcomer.forget()
    ada.forget_peak()
    newcomer.forget_peak()
    before, cpu, is_over = ada.memory(), newcomer.cpu(), asyncio.Event()
    talking = [asyncio.create_task(chat.talk(is_over)) for chat in chats.values()]
    began = time.perf_counter()
    accepting = newcomer.ask("rooms.accept", code=code)
    async with asyncio.timeout(PATIENCE):
        await newcomer.until("room", change="joined")
        joined = time.perf_counter()
        await newcomer.until("message", has=f'"{count - 1} {TEXT}"')
    stored = time.perf_counter()
    is_over.set()
    room_id = (await accepting)["id"]
    await _search(newcomer, room_id, count - 1)
    searched = time.perf_counter()
    memory, served = newcomer.memory("VmHWM"), ada.memory("VmHWM")
    await asyncio.gather(*talking)
    await _is_whole(newcomer, room_id, count)
    return CaughtUp(
        count=count,
        stored=stored - began,
        synced=stored - joined,
        searched=searched - began,
        newcomer=memory,
        server=served,
        server_before=before,
        cpu=newcomer.cpu() - cpu,
        chats={name: chat.seconds(joined) for name, chat in chats.items()},
    )


async def _is_whole(one: Peer, room: str, count: int) -> None:
    """All of it, in the order in which it was written, nothing twice; and what was said at the beginning and in the middle is found."""
    assert await texts(one, room) == [f"{number} {TEXT}" for number in range(count)]
    for number in (0, count // 2):
        await _search(one, room, number)


async def _search(one: Peer, room: str, number: int) -> None:
    found = await one.ask("messages.search", query=f"{number}", room=room)
    assert any(each["text"].startswith(f"{number} ") for each in found)


def percentile(seconds: list[float], of: int) -> float:
    return quantiles(seconds, n=100, method="inclusive")[of - 1]


async def with_a_newcomer(run: Run, home: Path, ada: Peer, address: str, room: str, count: int, name: str) -> CaughtUp:
    async with peer(run, home, name, "--connect", address) as newcomer:
        await newcomer.until("peer", change="online", has='"Ada"')
        return await catch_up(ada, newcomer, room, count)


async def with_a_chat(run: Run, home: Path, ada: Peer, address: str, count: int, name: str, host: str) -> CaughtUp:
    """The same, while others talk to the newcomer, who is at `host`, and to the one who serves, and this one to the newcomer."""
    async with peer(run, home, name, "--connect", address) as newcomer:
        await newcomer.until("peer", change="online", has='"Ada"')
        between = Chat(ada, await acquainted(ada, newcomer, name))
        other = f"{host}:{await newcomer.port()}"
        async with (
            peer(run, home, "Cleo", "--connect", address) as cleo,
            peer(run, home, "Dora", "--connect", other) as dora,
        ):
            serving = Chat(cleo, await acquainted(cleo, ada, "Ada"))
            receiving = Chat(dora, await acquainted(dora, newcomer, name))
            chats = {"serving": serving, "catching up": receiving, "serving, over the link that brings the history": between}
            return await catch_up(ada, newcomer, ONE_BY_ONE, count, chats)


async def measured(run: Run, home: Path, count: int, host: str = "127.0.0.1") -> list[Row]:
    """Everything of this page, on one `host`."""
    async with author(run, home, count) as ada:
        at = f"{host}:{await ada.port()}"
        single = await with_a_newcomer(run, home, ada, at, ONE_BY_ONE, count, "Ben")
        in_pages = await with_a_newcomer(run, home, ada, at, IN_PAGES, count, "Bob")
        talked = await with_a_chat(run, home, ada, at, count, "Bea", host)
    return rows(single, in_pages, talked, await bare.yardsticks())


def rows(single: CaughtUp, in_pages: CaughtUp, talked: CaughtUp, beside: bare.Yardsticks) -> list[Row]:
    count = single.count
    what, packed = f"Catch-up, {count:,} signed one by one", f"Catch-up, {count:,} signed in pages"
    return [
        *_times(what, single, 6, beside),
        _full(above(f"{what}: messages a second", count / single.synced, 15_000, beside.of_rate(count / single.synced)), count),
        _full(Row(f"{what}: most memory of the newcomer", f"{single.newcomer:.0f} MB", "< 150 MB", single.newcomer < MEMORY), count),
        Row(f"{what}: most memory of who serves", f"{single.server:.0f} MB", beside=f"{single.server_before:.0f} MB before"),
        *_times(packed, in_pages, 2, beside),
        Row(f"{packed}: messages a second", f"{count / in_pages.synced:,.0f} a second", beside=beside.of_rate(count / in_pages.synced)),
        *(_of_chat(name, seconds, count) for name, seconds in talked.chats.items()),
    ]  # fmt: skip


def _times(what: str, found: CaughtUp, goal: float, beside: bare.Yardsticks) -> list[Row]:
    times = {"stored, in order": found.stored, "searchable": found.searched}
    rows = [below(f"{what}: {until}", each, goal, beside.of_time(each, found.count)) for until, each in times.items()]
    return [_full(row, found.count) for row in rows]


def _of_chat(name: str, seconds: list[float], count: int) -> Row:
    beside = f"median {milliseconds(percentile(seconds, 50))}, longest {milliseconds(max(seconds))}, of {len(seconds)}"
    return _full(below(f"Round trip of a chat with who is {name}, 99 %", percentile(seconds, 99), CHAT, beside), count)


def _full(row: Row, count: int) -> Row:
    """Of less than the whole history it says nothing whether the goal is reached."""
    return row if count >= FULL else dataclasses.replace(row, reached=None)
