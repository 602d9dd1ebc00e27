"""Who waits until something of their own is on disk."""

from __future__ import annotations

import asyncio

from peertalk.core.stored import EntryRecord, OutboxRecord
from peertalk.errors import RequestError

Kept = OutboxRecord | EntryRecord


class Answers:
    """By the ids of own entries, as people's programs know them."""

    def __init__(self) -> None:
        self._waiting: dict[bytes, list[asyncio.Future[Kept]]] = {}
        self._awaited: dict[bytes, set[bytes]] = {}

    def wait(self, room: bytes, message: bytes) -> asyncio.Future[Kept]:
        """Done once this is on disk: as it waits there, or in its place. RequestError("unknown_room") if the room goes before."""
        future: asyncio.Future[Kept] = asyncio.get_running_loop().create_future()
        self._awaited.setdefault(room, set()).add(message)
        self._waiting.setdefault(message, []).append(future)
        return future

    def resolve(self, room: bytes, message: bytes, kept: Kept) -> bool:
        """It is on disk. Was anybody waiting?"""
        self._awaited.get(room, set()).discard(message)
        waiting = self._waiting.pop(message, [])
        for future in waiting:
            if not future.done():
                future.set_result(kept)
        return bool(waiting)

    def refuse(self, room: bytes) -> None:
        """What was about to be said there will never be."""
        for message in self._awaited.pop(room, set()):
            for future in self._waiting.pop(message, []):
                if not future.done():
                    future.set_exception(RequestError("unknown_room", room=room.hex()))

    def refuse_one(self, room: bytes, message: bytes, error: RequestError) -> None:
        """This one will never be said."""
        self._awaited.get(room, set()).discard(message)
        for future in self._waiting.pop(message, []):
            if not future.done():
                future.set_exception(error)

    def fail(self, error: BaseException) -> None:
        """The disk failed: nobody gets an answer that would be a lie."""
        for waiting in self._waiting.values():
            for future in waiting:
                if not future.done():
                    future.set_exception(error)
        self._waiting.clear()

    def close(self) -> None:
        """There will be no answers any more."""
        for waiting in self._waiting.values():
            for future in waiting:
                future.cancel()
