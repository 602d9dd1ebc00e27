"""Who waits until something of their own is on disk."""

from __future__ import annotations

import asyncio
from typing import Any

from peertalk.core import events
from peertalk.core.stored import EntryRecord, OutboxRecord
from peertalk.errors import RequestError

Kept = OutboxRecord | EntryRecord
_Waiting = list[tuple[asyncio.Future[Any], bool]]


class Answers:
    """By the ids of own entries, as people's programs know them."""

    def __init__(self) -> None:
        self._waiting: dict[bytes, _Waiting] = {}
        self._rooms: dict[bytes, bytes] = {}
        """The rooms in which that is which is waited for."""

    def wait(self, room: bytes, message: bytes) -> asyncio.Future[Kept]:
        """Done once this is on disk: as it waits there, or in its place. RequestError("unknown_room") if the room goes before."""
        return self._wait(room, message, shown=False)

    def wait_shown(self, room: bytes, message: bytes) -> asyncio.Future[events.Message]:
        """The same with the message as it is shown then."""
        return self._wait(room, message, shown=True)

    def _wait(self, room: bytes, message: bytes, *, shown: bool) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._rooms[message] = room
        self._waiting.setdefault(message, []).append((future, shown))
        return future

    def resolve(self, message: bytes, kept: Kept, shown: events.Message | None) -> bool:
        """It is on disk, and `shown` so; None where its room is here no longer. Was anybody waiting?"""
        room = self._rooms.get(message, b"")
        waiting = self._take(message)
        for future, wants_shown in waiting:
            if future.done():
                continue
            if not wants_shown:
                future.set_result(kept)
            elif shown is not None:
                future.set_result(shown)
            else:
                future.set_exception(RequestError("unknown_room", room=room.hex()))
        return bool(waiting)

    def refuse(self, room: bytes) -> None:
        """What was about to be said there will never be."""
        for message in [message for message, where in self._rooms.items() if where == room]:
            _fail(self._take(message), RequestError("unknown_room", room=room.hex()))

    def refuse_one(self, message: bytes, error: RequestError) -> None:
        """This one will never be said."""
        _fail(self._take(message), error)

    def fail(self, error: BaseException) -> None:
        """The disk failed: nobody gets an answer that would be a lie."""
        for message in list(self._waiting):
            _fail(self._take(message), error)

    def close(self) -> None:
        """There will be no answers any more."""
        for waiting in self._waiting.values():
            for future, _ in waiting:
                future.cancel()

    def _take(self, message: bytes) -> _Waiting:
        self._rooms.pop(message, None)
        return self._waiting.pop(message, [])


def _fail(waiting: _Waiting, error: BaseException) -> None:
    for future, _ in waiting:
        if not future.done():
            future.set_exception(error)
