"""The front end in the terminal, on Textual, over the Node API."""

from __future__ import annotations

import asyncio
import inspect
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from peertalk.config import Settings
from peertalk.tui import terminal

if TYPE_CHECKING:
    from peertalk.commands.opening import Opener, Profile, Remember
    from peertalk.tui.app import PeerTalkApp


def run(open_node: Opener, settings: Settings, *, profile: Profile, remember: Remember) -> int:
    """Show the screen until the person leaves; the exit code.

    `open_node` makes a running node (StartError: it is said, and asked what next). `profile` is what `profile_state` found.
    `remember` keeps a setting for the next start."""
    from peertalk.tui.app import PeerTalkApp  # noqa: PLC0415 (Textual, which only this front end needs)

    with terminal.drawn_on(), terminal.titled("PeerTalk"), asyncio.Runner(loop_factory=_fast_loop()) as runner:
        if not terminal.speaks_unicode():
            settings = replace(settings, ascii=True)
        app = PeerTalkApp(open_node, settings, profile, remember, _ground(settings))
        return runner.run(_run(app))


async def _run(app: PeerTalkApp) -> int:
    try:
        with terminal.on_signals(app.leave):
            await app.run_async()
    finally:
        await app.close_node()
    return app.return_code or 0


def _ground(settings: Settings) -> str:
    """What the terminal has: few colours (or none wanted), else a dark or a light ground, asked for where it decides."""
    if _few_colours(os.environ):
        return "sixteen"
    if settings.theme != "auto":
        return settings.theme
    return terminal.ground(os.environ)


def _few_colours(environ: Mapping[str, str]) -> bool:
    if "NO_COLOR" in environ:
        return True
    rich = environ.get("COLORTERM", "").lower() in ("truecolor", "24bit") or "WT_SESSION" in environ
    return not rich and not environ.get("TERM", "").endswith(("256color", "direct", "kitty", "ghostty")) and os.name != "nt"


def _fast_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415 (not on Windows)
    except ImportError:  # Windows
        return None
    return uvloop.new_event_loop if _takes_eager_tasks() else None


def _takes_eager_tasks() -> bool:
    """Textual starts its tasks eagerly. From Python 3.13 on uvloop tells the factory so, which that of 3.13.0 does not take."""
    factory = getattr(asyncio, "eager_task_factory", None)
    return factory is None or sys.version_info < (3, 13) or "eager_start" in inspect.signature(factory).parameters
