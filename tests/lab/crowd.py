"""Many in one room, each a real process on a host of its own, and how soon what one says is with all of them."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from statistics import quantiles

from tests.lab.conftest import Starts
from tests.lab.lab import Lab
from tests.lab.rpc_process import Event, RpcProcess

READY, SLICE = 60.0, 500
"""Seconds that forty processes may take to start on a machine with other work; messages that are asked for at once."""


async def gather(lab: Lab, start: Starts) -> list[RpcProcess]:
    """A process on each host of the lab, all started one right after the other, and ready."""
    lab.introduce()
    people = [await start(host) for host in lab.hosts]
    await asyncio.gather(*(one.wait_event(lambda event: event["type"] == "ready", READY) for one in people))
    return people


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
    found: list[tuple[str, str]] = []
    before: dict[str, str] = {}
    more = True
    while more:
        listed = await one.call("messages.list", room="lobby", limit=SLICE, **before)
        found[:0] = [(message["id"], message["text"]) for message in listed["messages"]]
        before, more = {"before": found[0][0]}, listed["more"]
    return found


async def same_history(people: Sequence[RpcProcess], texts: Collection[str]) -> None:
    """All have the same before them, in it each of these texts, nothing twice."""
    first, *others = [await history(one) for one in people]
    assert not [entry for entry, times in Counter(first).items() if times > 1]
    said = Counter(text for _, text in first)
    assert not [text for text in texts if said[text] != 1]
    for other in others:
        assert other == first


# ── what is measured ─────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Opening:
    """Many that open at once. `within`: seconds in which they were started; `together`: until each saw each other one; `links`, `idle`
    (share of a core) and `memory` (MiB) of each; `seconds` of `rounds`, whose texts are `texts`."""

    people: list[RpcProcess]
    within: float
    together: float
    links: str
    seconds: list[float]
    texts: list[str]
    idle: list[float]
    memory: list[float]


async def opening(lab: Lab, start: Starts, count: int, idle_seconds: float, patience: float = 60) -> Opening:
    """Start one on each host of the lab, let them say `count` messages, then nothing."""
    people = await gather(lab, start)
    began = people[0].started
    together = await all_online(people, patience) - began
    seconds = await rounds(people, count)
    used = await idle(people, idle_seconds)
    links = [(await one.call("node.status"))["links"] for one in people]
    return Opening(
        people=people,
        within=people[-1].started - began,
        together=together,
        links=f"{min(links)} to {max(links)}",
        seconds=seconds,
        texts=[f"round {number}" for number in range(count)],
        idle=used,
        memory=[one.memory() for one in people],
    )


@dataclass(frozen=True)
class Apart:
    """A network that was in two halves: what was said before and meanwhile, the seconds after healing in which each had all, and when
    that was (monotonic)."""

    people: list[RpcProcess]
    texts: list[str]
    within: list[float]
    healed: float


async def apart(lab: Lab, start: Starts, seconds: float, pause: float = 0.5) -> Apart:
    """Start one on each host of the lab, part them for so long while all talk, and wait until each has everything."""
    people = await gather(lab, start)
    await all_online(people)
    before = ["all of us"]
    await people[0].call("messages.send", room="lobby", text=before[0])
    await asyncio.gather(*(heard(one, before) for one in people))
    away = lab.hosts[len(people) // 2 :]
    lab.part(*away)
    said = await asyncio.gather(*(_talk(one, f"of {number}", seconds, pause) for number, one in enumerate(people)))
    for one, of_the_others in ((people[0], said[-1]), (people[-1], said[0])):
        assert not told(one) & set(of_the_others), "the halves were not apart"
    lab.unite(*away)
    healed = time.monotonic()
    texts = [*before, *(text for own in said for text in own)]
    found = await asyncio.gather(*(heard(one, texts) for one in people))
    return Apart(people, texts, sorted(max(times.values()) - healed for times in found), healed)


async def _talk(one: RpcProcess, words: str, seconds: float, pause: float) -> list[str]:
    """Say something now and then for so long; what was said, and answered as kept."""
    texts: list[str] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        text = f"{words} {len(texts)}"
        await one.call("messages.send", room="lobby", text=text)
        texts.append(text)
        await meanwhile(pause)
    return texts
