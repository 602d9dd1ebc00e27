"""Textual's driver for terminals, steadier where the terminal goes away: what is drawn then goes nowhere, and nothing waits for it.

Without this a closed window or a lost SSH connection leaves a process behind for ever: the kernel sends SIGCONT with the
SIGHUP, Textual takes that for the end of a Ctrl+Z and starts a second writer, that one dies of the first error, and the
program waits for it to write (Textual 8.2).
"""

from __future__ import annotations

from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from textual.app import App
    from textual.driver import Driver


class Unbreakable:
    """A file that takes everything, and loses what cannot be written any more."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, text: str) -> int:
        with suppress(OSError, ValueError):
            self._file.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._file.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def steady(chosen: type[Driver]) -> type[Driver]:
    """The steadier kind of Textual's driver for POSIX terminals; any other one as it is."""
    if chosen.__name__ != "LinuxDriver":
        return chosen
    from textual.drivers.linux_driver import LinuxDriver  # noqa: PLC0415 (POSIX only)

    class SteadyDriver(LinuxDriver):
        def __init__(self, app: App[Any], **options: Any) -> None:
            super().__init__(app, **options)
            self._file: Any = Unbreakable(self._file)

        def _sigcont_application(self, *signal: Any) -> None:
            if self._must_signal_resume:
                super()._sigcont_application(*signal)

    return SteadyDriver
