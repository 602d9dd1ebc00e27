"""Off the record: what belongs to a session room is kept in memory, whatever else is on disk (docs/protocol.md, "At rest").

One Store over two. Each room is wholly in one of them: those that keep nothing beyond the session in a second database that
exists only in memory, made when the first of them comes; everything else in the profile's own. Neither knows of the other.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Sequence
from typing import Final

from peertalk.core.stored import (
    DropOffer,
    DropOutbox,
    DropPeer,
    DropRoom,
    EntryRecord,
    EraseBodies,
    EraseDeleted,
    ExpireBodies,
    ForgetHistory,
    Op,
    PageRecord,
    PutBody,
    PutOffer,
    PutPeer,
    PutProfile,
    PutRoom,
    Snapshot,
)
from peertalk.node.ports import Store

SESSION: Final = "session"


class Stores:
    """`disk` is the profile's, `memory` makes the other one. Where `disk` is in memory itself (`--ephemeral`) it has everything.

    Commits are done in the order in which they were submitted, one that touches both once both are done."""

    def __init__(self, disk: Store, memory: Callable[[], Store]) -> None:
        self.durable = disk.durable
        self._disk, self._make = disk, memory
        self._memory: Store | None = None
        self._fleeting: set[bytes] = set()
        self._last: asyncio.Future[None] | None = None
        """The last that went to the disk alone, nothing else being under way: what comes after it is not done before it is."""
        self._under_way: deque[tuple[list[asyncio.Future[None]], asyncio.Future[None]]] = deque()

    @property
    def failed(self) -> Callable[[BaseException], None]:
        """See ports.Store."""
        return self._disk.failed

    @failed.setter
    def failed(self, tell: Callable[[BaseException], None]) -> None:
        self._disk.failed = tell

    async def load(self) -> Snapshot:
        """What is on disk: rooms in memory are gone with the process that had them."""
        return await self._disk.load()

    # ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def commit(self, ops: Sequence[Op]) -> None:
        """See ports.Store."""
        await self.submit(ops)

    def submit(self, ops: Sequence[Op]) -> asyncio.Future[None]:
        """See ports.Store."""
        fleeting, kept = self._divided(ops)
        if not fleeting and not self._under_way:
            self._last = self._disk.submit(kept)
            return self._last
        parts = [self._in_memory().submit(fleeting)] if fleeting else []
        if self._last is not None and not self._last.done():
            parts.append(self._last)
        if kept or not fleeting:
            parts.append(self._disk.submit(kept))
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._under_way.append((parts, done))
        for part in parts:
            part.add_done_callback(lambda _: self._report())
        return done

    def _divided(self, ops: Sequence[Op]) -> tuple[Sequence[Op], Sequence[Op]]:
        """What belongs into memory, and what does not. As long as nothing does only a room could."""
        if not self._fleeting and not any(type(op) is PutRoom for op in ops):
            return (), ops
        in_memory = [(op, self._is_fleeting(op)) for op in ops]
        return [op for op, is_fleeting in in_memory if is_fleeting], [op for op, is_fleeting in in_memory if not is_fleeting]

    def _is_fleeting(self, op: Op) -> bool:
        """Does this operation belong into memory? That of a room follows from its record, which is put before all else of it."""
        if isinstance(op, PutRoom) and op.record.retention == SESSION and self.durable:
            self._fleeting.add(op.record.id)
        if isinstance(op, PutOffer) and op.record.old in self._fleeting:
            self._fleeting.add(op.record.room)
        return _room_of(op) in self._fleeting

    def _in_memory(self) -> Store:
        if self._memory is None:
            self._memory = self._make()
        return self._memory

    def _report(self) -> None:
        """Those are done before which all are done."""
        while self._under_way and all(part.done() for part in self._under_way[0][0]):
            parts, done = self._under_way.popleft()
            errors = [error for part in parts if not part.cancelled() and (error := part.exception()) is not None]
            if done.done():  # its caller waits no more
                continue
            if errors:
                done.set_exception(errors[0])
            else:
                done.set_result(None)

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _of(self, room: bytes) -> Store:
        return self._in_memory() if room in self._fleeting else self._disk

    async def pages(self, room: bytes, numbers: Sequence[int]) -> list[PageRecord]:
        """See ports.Store."""
        return await self._of(room).pages(room, numbers)

    async def bodies(self, room: bytes, entries: Sequence[bytes]) -> dict[bytes, bytes]:
        """See ports.Store."""
        return await self._of(room).bodies(room, entries)

    async def entries(
        self,
        room: bytes,
        kinds: Collection[str],
        limit: int,
        *,
        before: tuple[int, bytes] | None = None,
        after: tuple[int, bytes] | None = None,
    ) -> list[EntryRecord]:
        """See ports.Store."""
        return await self._of(room).entries(room, kinds, limit, before=before, after=after)

    async def find(self, message: bytes, room: bytes | None = None) -> list[tuple[bytes, EntryRecord]]:
        """See ports.Store: what is on disk first."""
        if room is not None:
            return await self._of(room).find(message, room)
        found = await self._disk.find(message)
        return found + (await self._memory.find(message) if self._memory is not None else [])

    async def find_several(self, room: bytes, messages: Collection[bytes]) -> list[EntryRecord]:
        """See ports.Store."""
        return await self._of(room).find_several(room, messages)

    async def unread(
        self, room: bytes, read: tuple[int, bytes], kinds: Collection[str], without: Collection[bytes], pages: int
    ) -> int:
        """See ports.Store."""
        return await self._of(room).unread(room, read, kinds, without, pages)

    async def annotations(self, room: bytes, messages: Collection[bytes], *, every: bool = False) -> list[EntryRecord]:
        """See ports.Store."""
        return await self._of(room).annotations(room, messages, every=every)

    async def search(self, query: str, limit: int, room: bytes | None = None) -> list[tuple[bytes, EntryRecord]]:
        """See ports.Store."""
        if room is not None:
            return await self._of(room).search(query, limit, room)
        found = await self._disk.search(query, limit)
        if self._memory is None:
            return found
        both = found + await self._memory.search(query, limit)
        return sorted(both, key=lambda one: one[1].received, reverse=True)[:limit]

    async def close(self) -> None:
        """Close both; what was in memory is gone."""
        if self._memory is not None:
            await self._memory.close()
        await self._disk.close()


def _room_of(op: Op) -> bytes:
    """The room that an operation belongs to; b"" for what belongs to none."""
    match op:
        case PutProfile() | PutPeer() | DropPeer():
            return b""
        case PutRoom(record):
            return record.id
        case DropRoom(room) | ForgetHistory(room) | DropOutbox(room) | DropOffer(room):
            return room
        case ExpireBodies(room) | EraseBodies(room) | EraseDeleted(room) | PutBody(room):
            return room
        case _:
            return op.record.room
