"""Moves the log into the database while commits go on, on a thread and a connection of its own (docs/protocol.md, "At rest").

What is moved was synced before, and no commit waits for it. The log begins anew only once all of it was moved, which does not happen
while commits follow each other: then whoever writes has to move the rest, which is little.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Final

import apsw

SOME: Final = 1000
"""Pages that are moved at one time."""
_TIMES: Final = 3
"""So often it is tried to get all of the log, also what was added meanwhile: between two things that people say there is time."""


class Moving:
    """Called from the thread that writes. `connect` gives the connection, `failed` is told of what the disk says; both are called on
    the other thread."""

    def __init__(self, connect: Callable[[], apsw.Connection], failed: Callable[[Exception], None]) -> None:
        self._connect, self._failed = connect, failed
        self._connection: apsw.Connection | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="peertalk-log")
        self._running: Future[None] | None = None
        self._moved = 0

    def grown(self, pages: int) -> None:
        """The log has so many pages: begin to move them where that is worth it."""
        if pages < self._moved:
            self._moved = 0  # it has begun anew
        if pages - self._moved >= SOME and (self._running is None or self._running.done()):
            self._moved = pages
            with suppress(RuntimeError):  # no more threads can be had: whoever writes does it
                self._running = self._thread.submit(self._move)

    def wait(self) -> None:
        """Return when nothing is being moved."""
        if self._running is not None:
            self._running.result()

    def close(self) -> None:
        """End the thread, and close the connection."""
        self._thread.shutdown()
        if self._connection is not None:
            self._connection.close()

    def _move(self) -> None:
        try:
            if self._connection is None:
                self._connection = self._connect()
            for _ in range(_TIMES):
                in_log, moved = self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
                if moved == in_log:
                    break
        except (apsw.BusyError, apsw.CantOpenError):
            pass  # somebody is in the way, or too many files are open: whoever writes does it
        except Exception as error:  # noqa: BLE001 - whatever it is, it goes to the callers
            self._failed(error)
