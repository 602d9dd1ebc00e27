"""What needs network namespaces: forty that open at once, and a network in two halves. Root on Linux."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from tests.bench.report import Row, below
from tests.lab.crowd import apart, opening, percentiles
from tests.lab.lab import Host, Lab, why_not
from tests.lab.rpc_process import RpcProcess

PEOPLE, ROUNDS, IDLE_SECONDS, APART_SECONDS = 40, 80, 30.0, 30.0
IDLE = 0.003


def left_out() -> str | None:
    """Why these cannot be measured here."""
    reason = why_not()
    return f"forty processes, and a network in two halves: {reason}" if reason else None


@asynccontextmanager
async def started(hosts: int) -> AsyncIterator[tuple[Lab, Callable[[Host], Awaitable[RpcProcess]]]]:
    """A lab with so many hosts, and what starts a process on one of them."""
    processes: list[RpcProcess] = []

    async def start(host: Host) -> RpcProcess:
        processes.append(await host.rpc())
        return processes[-1]

    with Lab() as lab:
        for _ in range(hosts):
            lab.host()
        try:
            yield lab, start
        finally:
            for process in processes:
                await process.kill()


async def rows() -> list[Row]:
    async with started(PEOPLE) as (lab, start):
        found = await opening(lab, start, ROUNDS, IDLE_SECONDS)
    half, most, _ = (each / 1e3 for each in percentiles(found.seconds))
    idle = sorted(found.idle)
    async with started(PEOPLE) as (lab, start):
        healed = await apart(lab, start, APART_SECONDS)
    said = f"{PEOPLE} processes"
    return [
        below(f"{said} that start at once: everybody sees everybody", found.together, 15, f"links each: {found.links}"),
        below(f"{said}, one message to all, 99 %", most, 0.5, f"median {1e3 * half:.0f} ms"),
        Row(
            f"{said}: idle CPU of each, median",
            f"{idle[len(idle) // 2]:.2%}",
            "≤ 0.3 %",
            idle[len(idle) // 2] <= IDLE,
            f"most {idle[-1]:.2%}",
        ),
        Row(f"{said}: memory of each, median", f"{sorted(found.memory)[PEOPLE // 2] * 1.048576:.0f} MB"),
        below(
            f"{said}, two halves for {APART_SECONDS:.0f} s, then the same history everywhere",
            healed.within[-1],
            5,
            f"{len(healed.texts):,} messages",
        ),
    ]
