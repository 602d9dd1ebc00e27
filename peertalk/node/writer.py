"""The thread that writes: group commit.

It takes the commits that were queued while its last fsync ran, as many as take some milliseconds, applies them in order inside one
transaction, and reports them together once COMMIT has returned. After a failure nothing is written any more: every later commit gets
the same error.

The full-text indexes lag behind what is durable (words.py). They are written in transactions of their own: when nothing was to be
written for a moment, when they lack much, before somebody searches (`index`), and at the end. The log is moved into the database
beside all that (moving.py).
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Final, TypeVar

import apsw

from peertalk.core.stored import Op
from peertalk.errors import StartError
from peertalk.node import schema
from peertalk.node.changes import Changes, weight
from peertalk.node.moving import Moving

_log: Final = logging.getLogger("peertalk.store")
AT_ONCE: Final = 192
"""The work (changes.weight) that is reported to the event loop at one time: what follows from it must not keep it from everything
else."""
MUCH: Final = 1000
"""The work (changes.weight) that is put into one transaction, unless a single commit is more: about 8 ms."""
FAR_BEHIND: Final = 100_000
"""The work that may be lacking in the full-text indexes before they are written in between: half a second for who searches then. In a
burst, or while a long history comes, nobody waits for them."""
_A_MOMENT: Final = 5.0  # seconds
_LONG_WAL: Final = 4000  # pages; the rest of a longer write-ahead log is moved into the database by whoever writes it

T = TypeVar("T")


@dataclass(slots=True)
class _Commit:
    ops: tuple[Op, ...]
    done: asyncio.Future[None]
    words: bool = False
    """Is it done once the full-text indexes have all that was queued before?"""
    work: int = 0
    """Known from when it is taken from the queue."""


class Writer:
    """Owns the writing connection and its thread. `submit`, `index` and `close` are called from one event loop.

    `another` gives a connection to the same database, which moves the log; without, that is done between commits."""

    def __init__(
        self, connection: apsw.Connection, path: Path | None, another: Callable[[], apsw.Connection] | None = None
    ) -> None:
        self._connection = connection
        self._moving = Moving(another, self._fail) if another is not None else None
        self._using = Lock()
        self._path = path
        self._file = _identity(path)
        self._changes = Changes(connection)
        self._behind = self._changes.behind
        """As of what is durable."""
        self._queue: SimpleQueue[_Commit | None] = SimpleQueue()
        self._ahead: deque[_Commit | None] = deque()
        """What was taken from the queue, and not into a transaction."""
        self._open = True
        self._done: deque[tuple[_Commit, Exception | None]] = deque()
        self._failed: Exception | None = None
        self._wal_pages = 0
        self._old_log = path is not None and _size(path.with_name(f"{path.name}-wal")) > 0
        """There was one at the start. What was erased just before a crash may still be in it."""
        connection.set_wal_hook(self._wal_grew)
        self._thread = Thread(target=self._run, name="peertalk-writer", daemon=True)
        self._thread.start()

    def submit(self, ops: tuple[Op, ...]) -> asyncio.Future[None]:
        """Queue a commit; the future is done when it is durable."""
        return self._put(ops)

    async def index(self) -> None:
        """Return when the full-text indexes have all that was durable; or at once, if nothing is written any more."""
        if self._behind and self._open and self._failed is None:
            with suppress(StartError):
                await self._put((), words=True)

    def _put(self, ops: tuple[Op, ...], *, words: bool = False) -> asyncio.Future[None]:
        if not self._open:
            raise RuntimeError("the store is closed")
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.put(_Commit(ops, done, words))
        return done

    def close(self) -> None:
        """Commit what is queued, move the log into the database, end the thread. Blocks; may be repeated."""
        if self._open:
            self._open = False
            self._queue.put(None)
        self._thread.join()

    def ask(self, question: Callable[[apsw.Connection], T]) -> T:
        """What the connection answers, between two batches. Blocks."""
        with self._using:
            return question(self._connection)

    def _run(self) -> None:
        while (batch := self._next_batch()) is not None:
            with self._using:
                self._carry_out(batch)
        with self._using:
            self._catch_up(0)
            if self._moving is not None:
                self._moving.close()
            self._checkpoint(apsw.SQLITE_CHECKPOINT_TRUNCATE)
            self._disconnect()

    def _next_batch(self) -> list[_Commit] | None:
        """What goes into one transaction, in the order in which it was queued; [] if nothing comes for a moment, None at the end."""
        batch: list[_Commit] = []
        work = 0
        try:
            is_left = self._changes.behind or self._changes.erased or self._old_log
            item = self._take(_A_MOMENT if is_left and self._failed is None else None)
            while item is not None:
                item.work = sum(map(weight, item.ops))
                work += item.work
                if batch and work > MUCH:
                    break
                batch.append(item)
                item = self._take(0)
        except Empty:
            return batch
        if not batch:
            return None
        self._ahead.append(item)
        return batch

    def _take(self, patience: float | None) -> _Commit | None:
        if self._ahead:
            return self._ahead.popleft()
        return self._queue.get(timeout=patience) if patience is None or patience else self._queue.get_nowait()

    def _carry_out(self, batch: list[_Commit]) -> None:
        """And what follows from it: nobody waits for the log to be moved."""
        if not batch and (self._changes.erased or self._old_log):  # a reader, or a crash, kept it from being emptied
            self._checkpoint(apsw.SQLITE_CHECKPOINT_TRUNCATE, patient=False)
        commits, waiting = [one for one in batch if not one.words], [one for one in batch if one.words]
        if commits:
            self._write(lambda: self._changes.apply_all(chain.from_iterable(commit.ops for commit in commits)))
            self._report(commits, self._failed)
        self._catch_up(FAR_BEHIND if commits and not waiting else 0, gives_way=not batch)
        if waiting:
            self._report(waiting, self._failed)
        if self._moving is not None and self._failed is None:
            self._moving.grown(self._wal_pages)
        if self._wal_pages >= _LONG_WAL:
            self._checkpoint(apsw.SQLITE_CHECKPOINT_PASSIVE)

    def _catch_up(self, enough: int, *, gives_way: bool = False) -> None:
        """Write what the full-text indexes lack, until it is no more than that, or something is queued that it `gives_way` to."""
        while self._changes.behind > enough and self._failed is None:
            self._write(self._changes.catch_up)
            if gives_way and not self._queue.empty():
                break

    def _write(self, change: Callable[[], None]) -> None:
        """One transaction."""
        if self._failed is not None:
            return
        before, self._changes.erased = self._changes.erased, False
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            change()
            self._changes.finish()
            self._connection.execute("COMMIT")
            self._behind = self._changes.behind
            if _identity(self._path) != self._file:
                raise StartError("disk", why="gone", file=str(self._path))
        except Exception as error:  # noqa: BLE001 - whatever it is, it goes to the callers
            self._fail(error)
        else:
            if self._changes.erased or before:  # only who erases something waits for a reader who is in the way
                is_new, self._changes.erased = self._changes.erased, True
                self._checkpoint(apsw.SQLITE_CHECKPOINT_TRUNCATE, patient=is_new)

    def _report(self, batch: list[_Commit], error: Exception | None) -> None:
        """Tell of a batch. A loop that has ended meanwhile has nobody left to tell."""
        try:
            batch[0].done.get_loop().call_soon_threadsafe(self._reported, [(commit, error) for commit in batch])
        except RuntimeError:
            _log.info("committed after the end of the event loop")

    def _reported(self, batch: list[tuple[_Commit, Exception | None]]) -> None:
        """On the event loop: those before these come first."""
        is_going_on = bool(self._done)
        self._done.extend(batch)
        if not is_going_on or not self._open:
            self._settle_some()

    def _settle_some(self) -> None:
        work = 0
        while self._done and (work < AT_ONCE or not self._open):
            commit, error = self._done.popleft()
            work += commit.work
            _settle(commit.done, error)
        if self._done:
            asyncio.get_running_loop().call_soon(self._settle_some)

    def _disconnect(self) -> None:
        try:
            self._connection.close()
        except apsw.Error as error:  # what was answered for is in the log, and is found there at the next start
            _log.error("closing failed: %s", type(error).__name__)

    def _wal_grew(self, _connection: apsw.Connection, _schema: str, pages: int) -> int:
        self._wal_pages = pages
        return apsw.SQLITE_OK

    def _checkpoint(self, mode: int, *, patient: bool = True) -> None:
        """Move the log into the database; TRUNCATE leaves nothing in it. A reader may be in the way: the next one tries again."""
        if self._failed is not None:
            return
        patience = int(self._connection.pragma("busy_timeout"))
        try:
            if self._moving is not None:
                self._moving.wait()
            self._connection.set_busy_timeout(patience if patient else 0)
            self._connection.wal_checkpoint(mode=mode)
        except apsw.BusyError:
            _log.info("checkpoint delayed by a reader")
        except apsw.Error as error:
            self._fail(error)
        else:
            self._wal_pages = 0
            self._changes.erased &= mode != apsw.SQLITE_CHECKPOINT_TRUNCATE
            self._old_log &= mode != apsw.SQLITE_CHECKPOINT_TRUNCATE
        finally:
            self._connection.set_busy_timeout(patience)

    def _fail(self, error: Exception) -> None:
        """Also called on the thread that moves the log. What comes first is told: the rest may follow from it."""
        if self._failed is not None:
            return
        self._failed = schema.failure(error, self._path)
        _log.error("writing has stopped: %s", type(error).__name__)


def _identity(path: Path | None) -> tuple[int, int] | None:
    """Which file is there. SQLite writes on into one that was deleted, and nothing of that would be found again."""
    try:
        found = path.stat() if path is not None else None
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if found is not None else None


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _settle(future: asyncio.Future[None], error: Exception | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)
