"""How fast a chat is between two processes on this machine: round trip, messages a second one way, memory and idle CPU of `peertalk rpc`;
beside it the bare loop."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from statistics import median, quantiles

from tests.bench import bare
from tests.bench.history import TEXT
from tests.bench.peer import Peer, acquainted, delivered, here, peer, texts
from tests.bench.report import Row, above, below, milliseconds

ROUNDS = 1000
BURSTS = 3
MOST = 20_000
IDLE_SECONDS = 10.0
IDLE, MEMORY = 0.003, 45.0


async def rows(home: Path, messages: int) -> list[Row]:
    run = here(home)
    async with peer(run, home, "Ada") as ada:
        started = ada.memory()
        async with peer(run, home, "Ben", "--connect", f"127.0.0.1:{await ada.port()}") as ben:
            room = await acquainted(ada, ben, "Ben")
            before = ada.cpu()
            await asyncio.sleep(IDLE_SECONDS)
            idle = (ada.cpu() - before) / IDLE_SECONDS
            return [
                *await round_trips(ada, room),
                *await one_way(ada, ben, room, messages),
                Row("Memory of a node without a screen, started", f"{started:.0f} MB", "≤ 45 MB", started <= MEMORY),
                Row(
                    f"Memory of a node without a screen after {ROUNDS + BURSTS * messages:,} own messages",
                    f"{ada.memory():.0f} MB",
                ),
                Row("Idle CPU, linked with one", f"{idle:.2%}", "≤ 0.3 %", idle <= IDLE),
            ]


async def round_trips(ada: Peer, room: str) -> list[Row]:
    """From the request until it is told that the other side has it on disk."""
    kept, seconds = [], []
    for number in range(ROUNDS):
        start = time.perf_counter()
        sent = await ada.ask("messages.send", room=room, text=f"{number} {TEXT}")
        kept.append(time.perf_counter() - start)
        await delivered(ada, sent["id"])
        seconds.append(time.perf_counter() - start)
    cuts, nothing = quantiles(seconds, n=100), await bare.round_trip()
    beside = f"{cuts[49] / nothing:.0f} × the bare loop ({1e6 * nothing:.0f} µs)"
    return [
        below("Round trip, on disk on both sides, median", cuts[49], 0.002, beside),
        below("Round trip, on disk on both sides, 99 %", cuts[98], 0.010),
        Row("A message is on disk here and answered, median", milliseconds(median(kept))),
    ]


async def one_way(ada: Peer, ben: Peer, room: str, messages: int) -> list[Row]:
    """As fast as a client can ask, until the other one has told of the last, which is on disk there then. What waits while another is
    being written to disk goes under one signature, as pages."""
    rates: list[float] = []
    said: list[str] = []
    for number in range(BURSTS):
        burst = [f"{number}/{at} {TEXT}" for at in range(messages)]
        lines, answers = zip(*(ada.question("messages.send", room=room, text=text) for text in burst), strict=True)
        start = time.perf_counter()
        ada.say(b"".join(lines))
        await ben.until("message", has=f'"{burst[-1]}"')
        rates.append(messages / (time.perf_counter() - start))
        await asyncio.gather(*answers)
        ada.forget()
        said += burst
    assert (await texts(ben, room))[-len(said) :] == said
    beside = (await bare.yardsticks()).of_rate(median(rates))
    return [above("Messages a second in a burst, asked for line by line", median(rates), 20_000, beside)]
