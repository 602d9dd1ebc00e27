"""Carries out what the dialer decides."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from peertalk.errors import RequestError
from peertalk.node.dialer import Dialer
from peertalk.node.ports import Clock
from peertalk.node.targets import Dial, Endpoint

STAGGER = 0.25  # seconds that an endpoint gets before the next one is tried beside it


class Dialled(Protocol):
    """What is needed of a Link."""

    @property
    def peer(self) -> bytes | None: ...

    @property
    def reason(self) -> str | None: ...

    async def settled(self) -> None: ...

    def close(self, reason: str) -> None: ...


Connect = Callable[[str, str, int], Awaitable[Dialled]]


async def run(dialer: Dialer, connect: Connect, clock: Clock) -> None:
    """Dial until cancelled. `connect(target, host, port)` gives a link whose TCP stream is open, or RequestError.

    Whoever makes the links calls `dialer.linked` when one is established, and `dialer.unlinked` when such a one ended;
    what becomes of a dial before that is told from here."""
    changed = asyncio.Event()
    dialer.on_change = changed.set
    flying: dict[str, asyncio.Task[None]] = {}
    async with asyncio.TaskGroup() as tasks:
        while True:
            changed.clear()
            for target in dialer.overtaken():
                flying[target].cancel()
                dialer.called_off(target, clock.mono())
            for target in dialer.outstayed(clock.mono()):
                flying[target].cancel()
                dialer.failed(target, clock.mono())
            for dial in dialer.due(clock.mono()):
                flying[dial.target] = tasks.create_task(carry_out(dial, dialer, connect, clock))
            flying = {target: task for target, task in flying.items() if not task.done()}
            await wait(changed, dialer.wake() - clock.mono())


async def wait(event: asyncio.Event, longest: float) -> None:
    """Until the event, but not longer than that."""
    try:
        async with asyncio.timeout(None if math.isinf(longest) else max(0.0, longest)):
            await event.wait()
    except TimeoutError:
        return


async def carry_out(dial: Dial, dialer: Dialer, connect: Connect, clock: Clock) -> None:
    """One dial, until it is known what becomes of it."""
    link = await first(dial, connect)
    if link is not None:
        try:
            await link.settled()
        except asyncio.CancelledError:
            link.close("outstayed")
            raise
    if link is None or not link.peer:
        refused = link is not None and (link.reason or "").startswith("refused:")
        (dialer.refused if refused else dialer.failed)(dial.target, clock.mono())


async def first(dial: Dial, connect: Connect, stagger: float = STAGGER) -> Dialled | None:
    """The first endpoint that connects: each next one starts when the one before it failed or has had its time."""
    waiting: Sequence[Endpoint] = dial.endpoints
    attempts: set[asyncio.Task[Dialled | None]] = set()
    try:
        while waiting or attempts:
            if waiting:
                (host, port), *waiting = waiting
                attempts.add(asyncio.create_task(attempt(connect(dial.target, host, port))))
            done, attempts = await asyncio.wait(
                attempts, timeout=stagger if waiting else None, return_when=asyncio.FIRST_COMPLETED
            )
            links = [link for task in done if (link := task.result())]
            for spare in links[1:]:
                spare.close("spare")
            if links:
                return links[0]
    finally:
        await drop(attempts)
    return None


async def attempt(connecting: Awaitable[Dialled]) -> Dialled | None:
    """None where nothing can be reached."""
    try:
        return await connecting
    except RequestError:
        return None


async def drop(attempts: set[asyncio.Task[Dialled | None]]) -> None:
    """End what is no longer needed; one that connected meanwhile is hung up."""
    for task in attempts:
        task.cancel()
    for result in await asyncio.gather(*attempts, return_exceptions=True):
        if result is not None and not isinstance(result, BaseException):
            result.close("spare")
