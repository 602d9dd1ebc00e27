"""The demo: two companions, each a real node in a process of its own, connected over the loopback interface.

words.py          what they say
companion.py      when they say it
children.py       their processes and temporary homes
script.py         the conversation without a terminal
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from peertalk import i18n
from peertalk.demo.children import LOOPBACK, Child, temporary_homes
from peertalk.demo.companion import Companion, Pause
from peertalk.demo.script import Opener, Write, converse
from peertalk.demo.words import COMPANIONS, Language
from peertalk.i18n import _

if TYPE_CHECKING:
    from peertalk.config import Settings

Show = Callable[["Settings"], int]


@dataclass(frozen=True, slots=True)
class Stage:
    """What a demo plays on: settings for the person's node, connected to the companions, and the companions' nodes."""

    settings: Settings
    children: tuple[Child, ...]


def on_screen(settings: Settings, show: Show) -> int:
    """Show the chat with two companions in it; the exit code of `show`. The companions live on a thread, since `show` has a
    loop of its own."""
    with Backstage(settings) as stage:
        return show(stage.settings)


async def in_lines(settings: Settings, open_node: Opener, write: Write) -> str | None:
    """The same as a conversation, written line by line as it is received. None, or a sentence that says what went wrong."""

    async def briefly(seconds: float) -> None:
        await asyncio.sleep(seconds / 10)

    write(_("PeerTalk: I am starting three nodes on this computer, two companions and you …"))
    async with companions(settings, briefly) as stage:
        trouble = await converse(stage.settings, stage.children, open_node, write)
    if trouble is None:
        write(
            _("PeerTalk: Every line above came over an encrypted connection, and was stored on all sides. Now it is removed.")
        )
    return trouble


class Backstage:
    """The companions on an event loop of their own, in a thread."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stage: Future[Stage] = Future()
        self._over: Future[None] = Future()
        self._thread = threading.Thread(target=self._work, name="peertalk-demo")

    def __enter__(self) -> Stage:
        self._thread.start()
        try:
            return self._stage.result()
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_error: object) -> None:
        self._over.set_result(None)
        self._thread.join()

    def _work(self) -> None:
        try:
            asyncio.run(self._play())
        except Exception as error:  # noqa: BLE001 (it belongs to whoever waits for the stage)
            if not self._stage.done():
                self._stage.set_exception(error)

    async def _play(self) -> None:
        async with companions(self._settings, asyncio.sleep) as stage:
            self._stage.set_result(stage)
            await asyncio.wrap_future(self._over)


@asynccontextmanager
async def companions(settings: Settings, pause: Pause) -> AsyncIterator[Stage]:
    """Two companions that run and are connected with each other; all of it is gone afterwards."""
    language: Language = "de" if i18n.language() == "de" else "en"
    async with AsyncExitStack() as stack:
        base = stack.enter_context(temporary_homes())
        children = await _start(base, language, stack)
        own = frozenset(child.identity for child in children)
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(Companion(who, child.node, own, language, pause).run())
                for who, child in zip(COMPANIONS, children, strict=True)
            ]
            addresses = tuple([await child.address() for child in children])
            try:
                yield Stage(_for_person(settings, base / "you", addresses), children)
            finally:
                for task in tasks:
                    task.cancel()


async def _start(base: Path, language: Language, stack: AsyncExitStack) -> tuple[Child, ...]:
    """Start the children, one after the other ready, each connected to those before it."""
    children: list[Child] = []
    for who in COMPANIONS:
        addresses = tuple([await child.address() for child in children])
        child = await Child.start(base / who.name.lower(), who.name, language, addresses)
        stack.push_async_callback(child.end)
        children.append(child)
    return tuple(children)


def _for_person(settings: Settings, home: Path, addresses: tuple[tuple[str, int], ...]) -> Settings:
    """Settings for the person's node: what concerns the screen stays, all else is the demo's."""
    return replace(
        settings,
        home=home,
        interfaces=(LOOPBACK,),
        port=0,
        connect=addresses,
        mdns=False,
        lobby=True,
        ephemeral=False,
        passphrase_file=None,
    )
