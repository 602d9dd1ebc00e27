"""Many in one room, each a real process on a host of its own, and how soon what one says is with all of them."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import suppress
from statistics import quantiles

from tests.lab.conftest import Starts
from tests.lab.lab import Lab
from tests.lab.rpc_process import Event, RpcProcess


async def gather(lab: Lab, start: Starts) -> list[RpcProcess]:
    """A process on each host of the lab, all started one right after the other."""
    lab.introduce()
    return [await start(host) for host in lab.hosts]


async def all_online(people: Sequence[RpcProcess], seconds: float = 60) -> float:
    """Wait until each sees each other one online: when the last of them does (monotonic)."""
    names = [await one.identity() for one in people]
    sees = (_sees(one, set(names) - {name}, seconds) for one, name in zip(people, names, strict=True))
    return max(await asyncio.gather(*sees))


async def _sees(one: RpcProcess, others: set[str], seconds: float) -> float:
    seen: set[str] = set()

    def sees_all(event: Event) -> bool:
        if event["type"] == "peer":
            {"online": seen.add, "offline": seen.discard}.get(event["change"], lambda _: None)(event["peer"]["id"])
        return others <= seen

    return when(one, await one.wait_event(sees_all, seconds))


def when(one: RpcProcess, event: Event) -> float:
    """When an event came (monotonic)."""
    return one.started + float(event["at"])


async def heard(one: RpcProcess, texts: Collection[str], seconds: float = 60, since: int = 0) -> dict[str, float]:
    """Wait until these messages have come, whatever else has: when each did (monotonic)."""
    missing, found = set(texts), {}

    def completes(event: Event) -> bool:
        if event["type"] == "message" and (text := event["message"]["text"]) in missing:
            missing.discard(text)
            found[text] = when(one, event)
        return not missing

    try:
        if missing:
            await one.wait_event(completes, seconds, since)
    except TimeoutError:
        raise AssertionError(f"{len(missing)} of {len(texts)} never came, such as {sorted(missing)[:3]}") from None
    return found


def told(one: RpcProcess) -> set[str]:
    """The messages that have come so far."""
    return {event["message"]["text"] for event in one.events if event["type"] == "message"}


async def spread(author: RpcProcess, others: Sequence[RpcProcess], text: str) -> list[float]:
    """Say it to the lobby: seconds until each of the others is told of it."""
    marks = [len(one.events) for one in others]
    began = time.monotonic()
    author.cast("messages.send", room="lobby", text=text)
    found = await asyncio.gather(*(heard(one, [text], since=mark) for one, mark in zip(others, marks, strict=True)))
    return [each[text] - began for each in found]


async def rounds(people: Sequence[RpcProcess], count: int, words: str = "round") -> list[float]:
    """So many messages, of one after the other, each when all have the one before: seconds until each of the others has it."""
    seconds: list[float] = []
    for number in range(count):
        author = people[number % len(people)]
        seconds += await spread(author, [one for one in people if one is not author], f"{words} {number}")
    return seconds


def percentiles(seconds: Sequence[float]) -> tuple[float, float, float]:
    """Median, 99 %, the longest, in milliseconds."""
    cuts = quantiles(seconds, n=100)
    return 1e3 * cuts[49], 1e3 * cuts[98], 1e3 * max(seconds)


async def meanwhile(seconds: float) -> None:
    """Let so much time pass: nothing but that is waited for."""
    with suppress(TimeoutError):
        await asyncio.wait_for(asyncio.Event().wait(), seconds)


async def idle(people: Sequence[RpcProcess], seconds: float) -> list[float]:
    """The share of a core that each uses while nobody does anything."""
    began, before = time.monotonic(), [one.cpu_seconds() for one in people]
    await meanwhile(seconds)
    took = time.monotonic() - began
    return [(one.cpu_seconds() - cpu) / took for one, cpu in zip(people, before, strict=True)]


async def history(one: RpcProcess) -> list[tuple[str, str]]:
    """Everything in the lobby in the order in which it is shown: (id, text)."""
    listed = await one.call("messages.list", room="lobby", limit=1_000_000)
    return [(message["id"], message["text"]) for message in listed["messages"]]


async def same_history(people: Sequence[RpcProcess], texts: Collection[str]) -> None:
    """All have the same before them, in it each of these texts, nothing twice."""
    first, *others = [await history(one) for one in people]
    assert not [entry for entry, times in Counter(first).items() if times > 1]
    said = Counter(text for _, text in first)
    assert not [text for text in texts if said[text] != 1]
    for other in others:
        assert other == first
