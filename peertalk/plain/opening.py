"""The whole run: standard input and output, the questions of the first start, a node, a conversation, and the way out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterable, Awaitable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from peertalk import say
from peertalk.commands.opening import Opener, Profile, Remember, open_profile
from peertalk.config import Settings
from peertalk.errors import RequestError
from peertalk.i18n import _
from peertalk.plain.ahead import Written, reading_ahead
from peertalk.plain.asking import LineAsking, NobodyAnswersError
from peertalk.plain.listening import Listening
from peertalk.plain.session import Session
from peertalk.plain.voice import Voice
from peertalk.plain.writing import SOON, Writing

if TYPE_CHECKING:
    from peertalk.core.events import AnyEvent
    from peertalk.node.node import Node

INTERRUPTED: Final = 130
TICK: Final = 0.5
GOODBYE: Final = 3.0
"""Seconds that closing the node may take."""
LAST_CHANCE: Final = 5.0
"""Seconds in which somebody may still take what a pipe or a file wrote."""


@dataclass(frozen=True, slots=True)
class Start:
    """What a run begins with. `everything`: every message is told in full, as to a file; `times`: with its time."""

    settings: Settings
    profile: Profile
    everything: bool = False
    times: bool = False


async def run(start: Start, opener: Opener, remember: Remember, listening: Listening, voice: Voice) -> int:
    """Talk until the input ends, the person leaves, nobody reads any more, or this is cancelled; the exit code.

    StartError: where nobody can be asked. What ended the node by itself is raised."""
    try:
        node = await _open(start, opener, remember, listening, voice)
    except (NobodyAnswersError, OSError):
        return 1
    except asyncio.CancelledError:
        return INTERRUPTED
    if node is None:
        return 1
    try:
        with suppress(OSError, asyncio.CancelledError):  # nobody reads any more; asked to end
            await _talk(node, start, remember, listening, voice)
    finally:
        with suppress(TimeoutError):
            await asyncio.wait_for(node.close(), GOODBYE)
    if node.failure is not None:
        raise node.failure
    return 0


async def _open(start: Start, opener: Opener, remember: Remember, listening: Listening, voice: Voice) -> Node | None:
    """A running node; None if the person gives up."""

    async def patiently(settings: Settings, passphrase: str | None) -> Node:
        return await _said(opener(settings, passphrase), voice)

    if listening.terminal is None:
        return await patiently(start.settings, None)
    return await open_profile(LineAsking(voice, listening), patiently, start.settings, start.profile, remember)


async def _said(work: Awaitable[Node], voice: Voice) -> Node:
    """Wait for the node, and say so."""
    task = asyncio.ensure_future(work)
    try:
        _done, late = await asyncio.wait([task], timeout=SOON)
        if late:
            await voice.say(_("One moment: your profile is being opened."))
        return await task
    except BaseException:
        if not task.cancel() and not task.cancelled() and task.exception() is None:
            await task.result().close()
        raise


async def _talk(node: Node, start: Start, remember: Remember, listening: Listening, voice: Voice) -> None:
    """Everything at the same time, until the first of it ends."""
    echoed = listening.terminal is not None
    events = node.subscribe()
    session = Session(node, voice, echoed=echoed, everything=start.everything, times=start.times)
    await session.begin()
    if echoed:
        await voice.say(_("Write a message and press Enter. /help lists what else there is."))
    writing = Writing(session, remember, patient=not echoed)
    tasks = [
        asyncio.ensure_future(work) for work in (_listen(session, writing, listening), _follow(session, events), _tick(session))
    ]
    try:
        done, _rest = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        session.end()
        writing.end()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        events.close()


async def _listen(session: Session, writing: Writing, listening: Listening) -> None:
    """Take lines until there are no more, or the person has enough. Who types wants to leave at once; a pipe has written all
    of its lines before, and each is done."""
    if listening.terminal is None:
        await _take(session, writing, listening)
    else:
        async with reading_ahead(listening, writing.leave) as lines:
            await _take(session, writing, lines)
    if listening.terminal is None and not writing.quit:
        await _last_chance(session)
    await session.mark_read()
    await session.say_waiting()


async def _take(session: Session, writing: Writing, lines: Written) -> None:
    while not writing.quit:
        try:
            line = await lines.line()
        except RequestError as error:
            await session.voice.say(say.error(error))
            continue
        if line is None:
            await writing.finish()
            break
        await writing.take(line)


async def _last_chance(session: Session) -> None:
    """What a pipe wrote was all written at once, perhaps before anybody was found: give them a moment."""
    with suppress(TimeoutError):
        async with asyncio.timeout(LAST_CHANCE):
            await session.nothing_waits.wait()
    if session.wrote and not session.deliveries.waiting:
        await session.say_state()


async def _follow(session: Session, events: AsyncIterable[AnyEvent]) -> None:
    async for event in events:
        await session.take(event)


async def _tick(session: Session) -> None:
    while True:
        await asyncio.sleep(TICK)
        await session.tick(time.monotonic())
