"""What each command does: an event loop, signals, a node, a front end."""

from __future__ import annotations

import asyncio
import gc
import importlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from peertalk.cli import logs, output
from peertalk.errors import StartError
from peertalk.i18n import _

if TYPE_CHECKING:
    from peertalk.commands.opening import Profile
    from peertalk.config import Settings
    from peertalk.core.events import Report
    from peertalk.node.node import Node
    from peertalk.once import Talker

T = TypeVar("T")
INTERRUPTED: Final = 130
ASK_AGAIN: Final = 0.2
ATTEMPTS: Final = 10


def rpc(settings: Settings) -> int:
    """`peertalk rpc`."""
    logs.start(settings, console=True)
    return _run(_rpc(settings, _claim_output()))


async def _rpc(settings: Settings, output: int) -> int:
    from peertalk.rpc import serve_stdio

    stop = asyncio.Event()
    with _on_signals(stop.set):
        async with _own_node(settings) as node:
            await serve_stdio(node, stop, write_to=output)
    return 0


def _claim_output() -> int:
    """A descriptor for answers. What any library prints goes to standard error instead: nothing else is on standard output."""
    sys.stdout.flush()
    output = os.dup(1)
    os.dup2(2, 1)
    return output


def send(settings: Settings, room: str, text: str, wait: float) -> int:
    """`peertalk send`."""
    from peertalk import once

    async def work(node: Talker) -> int:
        return _complain(await once.send(node, room, text, wait))

    logs.start(settings, console=True)
    return _run(_interruptible(_with_node(settings, work), interrupted=INTERRUPTED))


def tail(settings: Settings, room: str, lines: int, *, as_json: bool) -> int:
    """`peertalk tail`: until it is interrupted, or nobody reads what it prints."""
    from peertalk import once

    async def work(node: Talker) -> int:
        if await _to_its_end(once.tail(node, room, lines, output.line, as_json=as_json)):
            raise StartError("not_running")
        return 0

    logs.start(settings, console=True)
    return _run(_interruptible(_with_node(settings, work), interrupted=0))


def export(settings: Settings, room: str, path: str | None, *, as_json: bool) -> int:
    """`peertalk export`: into a file, or to standard output."""
    from peertalk import once

    target = str(Path(path).absolute()) if path is not None else None  # what runs may be at home elsewhere

    async def work(node: Talker) -> int:
        await _to_its_end(once.export(node, room, target, output.words, as_json=as_json))
        return 0

    logs.start(settings, console=True)
    return _run(_interruptible(_with_node(settings, work), interrupted=INTERRUPTED))


async def _to_its_end(work: Coroutine[Any, Any, None]) -> bool:
    """Do it, unless whoever reads what it prints stops to; whether it was done."""
    try:
        await work
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or Python complains when it flushes at exit
        return False
    return True


def doctor(settings: Settings, *, as_json: bool) -> int:
    """`peertalk doctor`: 0 where nothing has failed."""
    from peertalk.cli import report

    async def work() -> int:
        found = await _examine(settings)
        for line in report.as_json(found) if as_json else report.as_text(found):
            output.line(line)
        return report.code(found)

    logs.start(settings, console=True)
    return _run(_interruptible(work(), interrupted=INTERRUPTED))


async def _examine(settings: Settings) -> Report:
    """By the running process of this profile; else by a node that leaves no trace: in no room, and nothing of it is kept."""
    from peertalk.rpc import find

    remote = None if settings.ephemeral else await find(settings.home)
    if remote is not None:
        async with remote:
            return await remote.doctor()
    async with _own_node(replace(settings, ephemeral=True, lobby=False)) as node:
        return await node.doctor()


def screen(settings: Settings) -> int:
    """`peertalk`."""
    from peertalk.node.keyring import profile_state

    if not _in_terminal():
        words = _("The screen needs a terminal. Without one there is peertalk plain; for scripts peertalk send, tail and rpc.")
        return _complain(words)
    profile: Profile = "new" if settings.ephemeral else profile_state(settings.home)
    logs.start(settings, console=False)
    return _show(settings, profile)


def _show(settings: Settings, profile: Profile) -> int:
    from peertalk import config, tui

    return tui.run(open_soon, settings, profile=profile, remember=partial(config.save, settings.home))


def plain(settings: Settings, *, times: bool) -> int:
    """`peertalk plain`."""
    from peertalk.node.keyring import profile_state

    profile: Profile = "new" if settings.ephemeral else profile_state(settings.home)
    logs.start(settings, console=False)
    return _run(_interruptible(_plain(settings, profile, times=times), interrupted=INTERRUPTED))


async def _plain(settings: Settings, profile: Profile, *, times: bool) -> int:
    from peertalk import config
    from peertalk.plain import Listening, Start, Voice, run
    from peertalk.streams import Descriptors

    stream = Descriptors(0, 1)
    listening = Listening(stream, sys.stdin.encoding, 0 if sys.stdin.isatty() else None)
    voice = Voice(stream, "ascii" if settings.ascii else sys.stdout.encoding)
    start = Start(settings, profile, everything=not sys.stdout.isatty(), times=times)
    try:
        return await run(start, open_soon, partial(config.save, settings.home), listening, voice)
    finally:
        stream.close()


async def open_soon(settings: Settings, passphrase: str | None) -> Node:
    """As `build.open_node`, whose many parts are imported while the first frame is drawn."""
    build = await asyncio.to_thread(importlib.import_module, "peertalk.cli.build")
    gc.freeze()  # as in _own_node
    node: Node = await build.open_node(settings, passphrase)
    return node


def _in_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def demo(settings: Settings) -> int:
    """`peertalk demo`: the screen where there is a terminal, else a conversation that is printed."""
    from peertalk.demo import on_screen

    logs.start(settings, console=False)
    if _in_terminal():
        output.line(_("PeerTalk: I am starting your two companions on this computer …"))
        return on_screen(settings, partial(_show, profile="key_file"))
    return _run(_interruptible(_script(settings), interrupted=INTERRUPTED))


async def _script(settings: Settings) -> int:
    from peertalk.cli.build import open_node
    from peertalk.demo import in_lines

    return _complain(await in_lines(settings, open_node, output.line))


def _complain(sentence: str | None) -> int:
    """The exit code; a sentence that says what went wrong goes to standard error."""
    if sentence is None:
        return 0
    output.complaint(sentence)
    return 1


# ── a node for a short command ───────────────────────────────────────────────────────────────────────────────────────


async def _with_node(settings: Settings, work: Callable[[Talker], Coroutine[Any, Any, int]]) -> int:
    """Do `work` with the node of the running process of this profile, or with one of our own where none runs."""
    from peertalk.rpc import find

    attempts = ATTEMPTS
    while True:
        remote = None if settings.ephemeral else await find(settings.home)
        if remote is not None:
            async with remote:
                return await work(remote)
        try:
            async with _own_node(settings) as node:
                return await work(node)
        except StartError as error:
            attempts -= 1
            if error.kind != "profile_in_use" or not attempts:
                raise
        await asyncio.sleep(ASK_AGAIN)  # the process that has the profile may be about to open its socket


@asynccontextmanager
async def _own_node(settings: Settings) -> AsyncIterator[Node]:
    """A node of this process. What ended it by itself is raised at the end."""
    from peertalk.cli.build import open_node

    gc.freeze()  # the program itself: the collector need not look through it again and again, 15 ms each time
    node = await open_node(settings)
    try:
        yield node
    finally:
        await node.close()
    if node.failure is not None:
        raise node.failure


# ── loop and signals ─────────────────────────────────────────────────────────────────────────────────────────────────


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` on a new event loop: the fast one where it exists."""
    with asyncio.Runner(loop_factory=_fast_loop()) as runner:
        return runner.run(work)


def _fast_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # Windows
        return None
    return uvloop.new_event_loop


async def _interruptible(work: Coroutine[Any, Any, int], *, interrupted: int) -> int:
    """The code of `work`; `interrupted` if a signal ended it."""
    task = asyncio.ensure_future(work)
    with _on_signals(task.cancel):
        try:
            return await task
        except asyncio.CancelledError:
            return interrupted


@contextmanager
def _on_signals(stop: Callable[[], object]) -> Iterator[None]:
    """Call `stop` on the loop when the process is asked to end."""
    loop = asyncio.get_running_loop()
    names = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before = {number: signal.signal(number, lambda *_signal: loop.call_soon_threadsafe(stop)) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
