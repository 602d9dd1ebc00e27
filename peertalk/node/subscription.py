"""The queue in which events wait for a front end."""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Final, cast

from peertalk.core import events

MAX_BYTES: Final = 64 * 1024 * 1024
"""Of texts, and of ids of who has a message, that wait: a few thousand of the longest messages."""
_ID: Final = sys.getsizeof("0" * 64)
_OF_MESSAGES: Final = frozenset((events.MessageArrived, events.MessageChanged))


class Subscription:
    """An async iterator of events, bounded: who reads too slowly loses the oldest, and is told so by a `dropped` warning."""

    def __init__(self, size: int, close: Callable[[Subscription], None]) -> None:
        self._events: deque[tuple[events.AnyEvent, int]] = deque()
        self._size = size
        self._bytes = 0
        self._dropped = 0
        self._ready = asyncio.Event()
        self._close = close
        self._closed = False

    def put(self, event: events.AnyEvent) -> None:
        """Add an event."""
        if not self._events:
            self._ready.set()
        size = _bytes(event)
        self._events.append((event, size))
        self._bytes += size
        while len(self._events) > self._size or (self._bytes > MAX_BYTES and len(self._events) > 1):
            self._take()
            self._dropped += 1

    def _take(self) -> events.AnyEvent:
        event, size = self._events.popleft()
        self._bytes -= size
        return event

    def __aiter__(self) -> AsyncIterator[events.AnyEvent]:
        return self

    async def __anext__(self) -> events.AnyEvent:
        while not self._events:
            if self._closed:
                raise StopAsyncIteration
            self._ready.clear()
            await self._ready.wait()
        if self._dropped:
            dropped, self._dropped = self._dropped, 0
            return events.Warning(kind="dropped", text=str(dropped))
        return self._take()

    def close(self) -> None:
        """No more events; what waits can still be read."""
        self._closed = True
        self._ready.set()
        self._close(self)


def _bytes(event: events.AnyEvent) -> int:
    """About how much memory it takes, of what can be much."""
    if type(event) in _OF_MESSAGES:
        has = cast("events.MessageArrived", event).message
        return sys.getsizeof(has.text) + _ID * (len(has.delivered_to) + len(has.held_by))
    if type(event) is events.Delivered:
        return _ID * (len(event.delivered_to) + len(event.held_by))
    return 0
