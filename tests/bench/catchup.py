"""A newcomer with nothing catches up with a long history: how long, with how much memory, and how a chat goes on meanwhile."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles
from typing import Any

from tests.bench import bare
from tests.bench.history import TEXT, write
from tests.bench.peer import Peer, Refused, Run, acquainted, peer
from tests.bench.report import Row, above, below, milliseconds

ONE_BY_ONE, IN_PAGES = "one by one", "in pages"
PAUSE, SLICE = 0.02, 5000
PATIENCE = 600.0
FULL, MEMORY, CHAT = 100_000, 150.0, 0.05


@dataclass
class CaughtUp:
    """`stored`: seconds from the code being given to the program until the last message was told of, which is after it was on disk;
    `searched`: until a search for a word of it found it, None where the program has no search. Memory in MB: the most of the newcomer
    and of whoever served, and what the latter had before."""

    count: int
    stored: float
    synced: float
    searched: float | None
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


async def catch_up(ada: Peer, newcomer: Peer, room: str, count: int, chats: dict[str, Any] | None = None) -> CaughtUp:
    """Let the newcomer into the room, and wait until all is there. `chats` are round trips to be made meanwhile, by name."""
    code = (await ada.ask("rooms.invite", room=room))["code"]
    newcomer.forget()
    ada.forget_peak()
    newcomer.forget_peak()
    before, cpu = ada.memory(), newcomer.cpu()
    talking = {name: asyncio.create_task(_talk(chat)) for name, chat in (chats or {}).items()}
    began = time.perf_counter()
    accepting = newcomer.ask("rooms.accept", code=code)
    async with asyncio.timeout(PATIENCE):
        await newcomer.until("room", change="joined")
        joined = time.perf_counter() - began
        await newcomer.until("message", has=f'"{count - 1} {TEXT}"')
    stored = time.perf_counter() - began
    for task in talking.values():
        task.cancel()
    room_id = (await accepting)["id"]
    searched = await _search(newcomer, room_id, count - 1)
    searched_at = time.perf_counter() - began
    memory, served = newcomer.memory("VmHWM"), ada.memory("VmHWM")
    await _is_whole(newcomer, room_id, count)
    for task in talking.values():
        await asyncio.wait([task])
    return CaughtUp(
        count=count,
        stored=stored,
        synced=stored - joined,
        searched=searched_at if searched else None,
        newcomer=memory,
        server=served,
        server_before=before,
        cpu=newcomer.cpu() - cpu,
        chats={name: chat.seconds for name, chat in (chats or {}).items()},
    )


async def _is_whole(one: Peer, room: str, count: int) -> None:
    """All of it, in the order in which it was written, nothing twice."""
    texts: list[str] = []
    before: dict[str, str] = {}
    more = True
    while more:
        listed = await one.ask("messages.list", room=room, limit=SLICE, **before)
        texts += [message["text"] for message in reversed(listed["messages"]) if message["kind"] == "text"]
        before, more = {"before": listed["messages"][0]["id"]}, listed["more"]
    assert texts[::-1] == [f"{number} {TEXT}" for number in range(count)]


async def _search(one: Peer, room: str, number: int) -> bool:
    try:
        found = await one.ask("messages.search", query=f"{number}", room=room)
    except Refused as error:
        if "no such method" not in str(error):
            raise
        return False
    assert any(each["text"].startswith(f"{number} ") for each in found)
    return True


class Chat:
    """Two that talk while something else goes on: `seconds` from the request until it is known that the other has it on disk."""

    def __init__(self, one: Peer, room: str) -> None:
        self.one, self.room = one, room
        self.seconds: list[float] = []

    async def round_trip(self, number: int) -> float:
        start = time.perf_counter()
        sent = await self.one.ask("messages.send", room=self.room, text=f"{number} {TEXT}")
        await self.one.until("delivered", has=sent["id"], message=sent["id"])
        return time.perf_counter() - start


async def _talk(chat: Chat) -> None:
    while True:
        chat.seconds.append(await chat.round_trip(len(chat.seconds)))
        await asyncio.sleep(PAUSE)


def percentile(seconds: list[float], of: int) -> float:
    return quantiles(seconds, n=100, method="inclusive")[of - 1]


async def with_a_newcomer(run: Run, home: Path, ada: Peer, address: str, room: str, count: int, name: str) -> CaughtUp:
    async with peer(run, home, name, "--connect", address) as newcomer:
        await newcomer.until("peer", change="online", has='"Ada"')
        return await catch_up(ada, newcomer, room, count)


async def with_a_chat(run: Run, home: Path, ada: Peer, address: str, count: int, name: str, host: str) -> CaughtUp:
    """The same, while somebody talks to the newcomer, who is at `host`, and to the one who serves."""
    async with peer(run, home, name, "--connect", address) as newcomer:
        await newcomer.until("peer", change="online", has='"Ada"')
        other = f"{host}:{await newcomer.port()}"
        async with (
            peer(run, home, "Cleo", "--connect", address) as cleo,
            peer(run, home, "Dora", "--connect", other) as dora,
        ):
            serving = Chat(cleo, await acquainted(cleo, ada, "Ada"))
            receiving = Chat(dora, await acquainted(dora, newcomer, name))
            return await catch_up(ada, newcomer, ONE_BY_ONE, count, {"serving": serving, "receiving": receiving})


async def measured(run: Run, home: Path, count: int, host: str = "127.0.0.1") -> list[Row]:
    """Everything of this page, on one `host`."""
    async with author(run, home, count) as ada:
        at = f"{host}:{await ada.port()}"
        single = await with_a_newcomer(run, home, ada, at, ONE_BY_ONE, count, "Ben")
        in_pages = await with_a_newcomer(run, home, ada, at, IN_PAGES, count, "Bob")
        talked = await with_a_chat(run, home, ada, at, count, "Bea", host)
    return rows(single, in_pages, talked)


def rows(single: CaughtUp, in_pages: CaughtUp, talked: CaughtUp) -> list[Row]:
    count, alone = single.count, bare.verification() * single.count
    full = count >= FULL
    what, packed = f"Catch-up, {count:,} signed one by one", f"Catch-up, {count:,} signed in pages"
    beside = f"{single.stored / alone:.1f} × the signatures alone ({alone:.1f} s)"
    serving, receiving = talked.chats["serving"], talked.chats["receiving"]
    return [
        _time(f"{what}: stored, in order", single.stored, 6, full, beside),
        Row(f"{what}: searchable", f"{single.searched:.1f} s", "≤ 6 s", single.searched <= 6 if full else None)
        if single.searched is not None
        else Row(f"{what}: searchable", "there is no search", "≤ 6 s", False if full else None),
        above(f"{what}: messages a second", count / single.synced, 15_000),
        Row(f"{what}: most memory of the newcomer", f"{single.newcomer:.0f} MB", "< 150 MB", single.newcomer < MEMORY if full else None),
        Row(f"{what}: most memory of who serves", f"{single.server:.0f} MB", beside=f"{single.server_before:.0f} MB before"),
        _time(f"{packed}: stored, in order", in_pages.stored, 2, full),
        Row(f"{packed}: messages a second", f"{count / in_pages.synced:,.0f} a second"),
        below("Round trip of a chat with who is catching up, 99 %", percentile(receiving, 99), CHAT, _of(receiving)),
        below("Round trip of a chat with who serves, 99 %", percentile(serving, 99), CHAT, _of(serving)),
    ]  # fmt: skip


def _of(seconds: list[float]) -> str:
    return f"median {milliseconds(percentile(seconds, 50))} of {len(seconds)}"


def _time(what: str, seconds: float, goal: float, full: bool, beside: str = "") -> Row:
    row = below(what, seconds, goal, beside)
    return row if full else dataclasses.replace(row, reached=None)
