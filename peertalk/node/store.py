"""The encrypted database of one profile: the Store port over SQLite (protocol.md, section 8).

Three threads, each with a connection of its own: one writes (writer.py: group commit), one reads and sees what was committed, one
moves the log into the database (moving.py).
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Concatenate, ParamSpec, Self, TypeVar

import apsw

from peertalk.core.stored import EntryRecord, Op, PageRecord, Snapshot
from peertalk.errors import StartError
from peertalk.node import queries, schema
from peertalk.node.writer import Writer

P = ParamSpec("P")
T = TypeVar("T")


class Store:
    """An open database. All calls come from one event loop.

    A disk that fails raises StartError("disk", why=…) or StartError("broken_database") from `commit` and from every later one:
    nothing is written any more. A read that fails so is told to `failed` too: what is asked next may be on the same page.
    """

    durable: bool

    def __init__(
        self,
        writer: apsw.Connection,
        reader: apsw.Connection,
        path: Path | None,
        another: Callable[[], apsw.Connection] | None = None,
    ) -> None:
        self.durable = path is not None
        self.failed: Callable[[BaseException], None] = lambda _: None
        self._path = path
        self._reader = reader
        self._writer = Writer(writer, path, another)
        self._reading = ThreadPoolExecutor(1, thread_name_prefix="peertalk-reader")
        self._closing: asyncio.Task[None] | None = None

    @classmethod
    def open(cls, path: Path | None, key: bytes) -> Self:
        """Open, create or migrate the database in `path`; None: in memory, gone at `close`. Blocks for milliseconds.

        `key` are 32 random bytes. StartError: `newer_database` (found, known), `broken_database` (file; also for a wrong key),
        `disk` (why).
        """
        if path is None:
            return cls(*schema.connect_memory(secrets.token_hex(16)), None)
        connections = schema.connect(path, key)
        try:
            with schema.failures_told(path):
                return cls(*connections, path, partial(schema.connect_another, path, key))
        except BaseException:
            schema.disconnect(connections)
            raise

    async def load(self) -> Snapshot:
        """What a replica starts from: rooms as they came, pages in settle order."""
        return await self._read(queries.snapshot)

    async def commit(self, ops: Sequence[Op]) -> None:
        """Make `ops` durable, in one transaction with or after all earlier commits; on disk when it returns."""
        await self.submit(ops)

    def submit(self, ops: Sequence[Op]) -> asyncio.Future[None]:
        """The same without waiting: queued when this returns, durable when the future is done."""
        return self._writer.submit(tuple(ops))

    async def pages(self, room: bytes, numbers: Sequence[int]) -> list[PageRecord]:
        """Those of these pages that are there, in the order asked for."""
        return await self._read(queries.pages, room, numbers)

    async def bodies(self, room: bytes, entries: Sequence[bytes]) -> dict[bytes, bytes]:
        """The bodies of these entries, those that are here."""
        return await self._read(queries.bodies, room, entries)

    async def entries(
        self,
        room: bytes,
        kinds: Collection[str],
        limit: int,
        *,
        before: tuple[int, bytes] | None = None,
        after: tuple[int, bytes] | None = None,
    ) -> list[EntryRecord]:
        """See ports.Store; with both bounds: the ones just after `after` that come before `before`."""
        return await self._read(queries.entries, room, kinds, limit, before, after)

    async def find(self, message: bytes, room: bytes | None = None) -> list[tuple[bytes, EntryRecord]]:
        """See ports.Store; the body may be absent."""
        return await self._read(queries.find, message, room)

    async def find_several(self, room: bytes, messages: Collection[bytes]) -> list[EntryRecord]:
        """See ports.Store."""
        return await self._read(queries.find_several, room, messages)

    async def unread(
        self, room: bytes, read: tuple[int, bytes], kinds: Collection[str], without: Collection[bytes], pages: int
    ) -> int:
        """See ports.Store; counts what `entries` would give."""
        return await self._read(queries.unread, room, read, kinds, without, pages)

    async def annotations(self, room: bytes, messages: Collection[bytes], *, every: bool = False) -> list[EntryRecord]:
        """See ports.Store."""
        return await self._read(queries.about, room, messages, every=every)

    async def search(self, query: str, limit: int, room: bytes | None = None) -> list[tuple[bytes, EntryRecord]]:
        """See ports.Store."""
        await self._writer.index()
        return await self._read(queries.search, query, limit, room)

    def pragma(self, name: str) -> object:
        """What the connection that writes says of itself, e.g. `synchronous`."""
        return self._writer.ask(lambda connection: connection.pragma(name))

    async def close(self) -> None:
        """Everything queued is committed, the log moved into the database, threads and files let go. May be repeated."""
        if self._closing is None:
            self._closing = asyncio.ensure_future(self._close())
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._reading, self._reader.close)
        await loop.run_in_executor(self._reading, self._writer.close)  # its last report comes to the loop before this is done
        self._reading.shutdown()

    async def _read(self, query: Callable[Concatenate[apsw.Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._reading, partial(self._query, query, *args, **kwargs))
        except StartError as error:
            self.failed(error)
            raise

    def _query(self, query: Callable[Concatenate[apsw.Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """On the reading thread, inside a transaction: all of it as of one moment."""
        with schema.failures_told(self._path):
            self._reader.execute("BEGIN")
            try:
                return query(self._reader, *args, **kwargs)
            finally:
                self._reader.execute("ROLLBACK")
