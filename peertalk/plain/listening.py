"""What is written on standard input, line by line."""

from __future__ import annotations

import importlib.util
import re
from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final, Protocol

from peertalk.errors import RequestError
from peertalk.streams import Lines

_KEYS: Final = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|O.)")
"""What a terminal sends for arrows and function keys, which edit nothing here."""


class Input(Protocol):
    """Where bytes come from; b"" at the end."""

    async def read(self) -> bytes: ...


class Listening:
    """Reads only when it is asked for a line, so that the terminal keeps what is being typed. `terminal`: its number where the
    lines are typed, so that they stand there already and questions can be answered."""

    def __init__(self, source: Input, encoding: str, terminal: int | None) -> None:
        self.terminal = terminal
        self._source = source
        self._encoding = "utf-8" if encoding.lower().replace("-", "") in ("ascii", "usascii", "ansi_x3.41968") else encoding
        self._lines = Lines()
        self._waiting: deque[bytes | None] = deque()
        self._ended = False

    async def line(self) -> str | None:
        """The next line without its newline; None at the end. RequestError("too_large")."""
        while not self._waiting and not self._ended:
            chunk = await self._read()
            self._waiting.extend(self._lines.feed(chunk) if chunk else self._lines.end())
            self._ended = not chunk
        if not self._waiting:
            return None
        raw = self._waiting.popleft()
        if raw is None:
            raise RequestError("too_large")
        text = raw.decode(self._encoding, "replace").rstrip("\r")
        return _KEYS.sub("", text) if self.terminal is not None else text

    @property
    def hides(self) -> bool:
        """Whether it can be kept from showing what is typed."""
        return self.terminal is not None and importlib.util.find_spec("termios") is not None

    def hidden(self) -> AbstractContextManager[None]:
        """While this lasts, what is typed does not show."""
        return _hidden(self.terminal)

    async def _read(self) -> bytes:
        try:
            return await self._source.read()
        except OSError:  # the terminal is gone
            return b""


@contextmanager
def _hidden(terminal: int | None) -> Iterator[None]:
    """A terminal that does not show what is typed. (Where there is no termios, it shows.)"""
    try:
        import termios  # noqa: PLC0415 (POSIX only)
    except ImportError:
        yield
        return
    if terminal is None:
        yield
        return
    before = termios.tcgetattr(terminal)
    after = before.copy()
    after[3] = (after[3] & ~termios.ECHO) | termios.ECHONL
    termios.tcsetattr(terminal, termios.TCSADRAIN, after)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
