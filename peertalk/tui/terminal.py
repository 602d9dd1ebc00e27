"""The terminal around the app: what ground it has, its title, and signals that ask the program to end."""

from __future__ import annotations

import asyncio
import os
import re
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Literal

Ground = Literal["dark", "light"]
PATIENCE = 0.15
FAR = 1.0
"""Seconds to wait for the terminal's answer, at hand and over SSH. Nearly all answer at once."""

_COLOUR = re.compile(rb"\x1b\]11;rgba?:([0-9a-fA-F]+)/([0-9a-fA-F]+)/([0-9a-fA-F]+)")
_DONE = re.compile(rb"\x1b\[\?[0-9;]*c")
_ASK = b"\x1b]11;?\x1b\\\x1b[c"  # The second question is answered by every terminal, so nobody waits for the first in vain.
_HALF = 0.5


def ground(environ: Mapping[str, str]) -> Ground:
    """Whether the terminal is dark or light: it is asked where that is possible, else COLORFGBG is, else it is dark."""
    answer = _ask(FAR if "SSH_TTY" in environ else PATIENCE) if environ.get("TERM", "dumb") not in ("dumb", "linux") else b""
    return read_ground(answer) or _from_colorfgbg(environ.get("COLORFGBG", "")) or "dark"


def read_ground(answer: bytes) -> Ground | None:
    """What the answer to OSC 11 says."""
    found = _COLOUR.search(answer)
    if found is None:
        return None
    red, green, blue = (int(part, 16) / (16 ** len(part) - 1) for part in found.groups())
    return "light" if 0.299 * red + 0.587 * green + 0.114 * blue > _HALF else "dark"


def _from_colorfgbg(value: str) -> Ground | None:
    last = value.rpartition(";")[2]
    if not last.isdecimal():
        return None
    return "light" if int(last) in (7, 15) else "dark"


def _ask(patience: float) -> bytes:
    """The terminal's answer, read without echo; b"" where there is none to be had."""
    try:
        import termios  # noqa: PLC0415 (POSIX only)
        import tty  # noqa: PLC0415 (POSIX only)
    except ImportError:
        return b""
    with suppress(OSError, ValueError, termios.error):
        terminal = sys.__stdin__.fileno() if sys.__stdin__ is not None else -1
        if terminal < 0 or not os.isatty(terminal) or sys.__stderr__ is None or not sys.__stderr__.isatty():
            return b""
        before = termios.tcgetattr(terminal)
        try:
            tty.setcbreak(terminal, termios.TCSANOW)
            os.write(sys.__stderr__.fileno(), _ASK)
            return _read_answer(terminal, patience)
        finally:
            termios.tcsetattr(terminal, termios.TCSANOW, before)
    return b""


def _read_answer(terminal: int, patience: float) -> bytes:
    answer, until = b"", time.monotonic() + patience
    while not _DONE.search(answer) and (left := until - time.monotonic()) > 0:
        if select.select([terminal], [], [], left)[0]:
            answer += os.read(terminal, 256)
    return answer


@contextmanager
def drawn_on() -> Iterator[None]:
    """Textual draws on standard error; where that was sent elsewhere, on standard output instead."""
    before = sys.__stderr__
    if sys.__stdout__ is not None and sys.__stdout__.isatty() and (before is None or not before.isatty()):
        sys.__stderr__ = sys.__stdout__  # type: ignore[misc]  # it is Final for type checkers only
    try:
        yield
    finally:
        sys.__stderr__ = before  # type: ignore[misc]  # the same


def speaks_unicode() -> bool:
    """Whether what is drawn can hold our marks."""
    return sys.__stderr__ is not None and sys.__stderr__.encoding.lower().replace("-", "") == "utf8"


@contextmanager
def titled(title: str) -> Iterator[None]:
    """The terminal's window has this title meanwhile, and then the one it had."""
    if sys.__stderr__ is None or not sys.__stderr__.isatty() or os.environ.get("TERM") in (None, "dumb", "linux"):
        yield
        return
    _write(f"\x1b[22;0t\x1b]0;{title}\x07")
    try:
        yield
    finally:
        _write("\x1b[23;0t")


def _write(sequence: str) -> None:
    if sys.__stderr__ is None:
        return
    try:
        sys.__stderr__.write(sequence)
        sys.__stderr__.flush()
    except OSError:  # The terminal is gone; Python would try again when it ends, and call that a failure.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stderr__.fileno())


@contextmanager
def on_signals(leave: Callable[[], object]) -> Iterator[None]:
    """Call `leave` on the running loop when the process is asked to end, or its terminal goes away."""
    loop = asyncio.get_running_loop()
    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)]
    before = {number: signal.signal(number, lambda *_: loop.call_soon_threadsafe(leave)) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
