"""The queue in which events wait for a front end."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable

from peertalk.core import events


class Subscription:
    """An async iterator of events, bounded: who reads too slowly loses the oldest, and is told so by a `dropped` warning."""

    def __init__(self, size: int, close: Callable[[Subscription], None]) -> None:
        self._events: deque[events.AnyEvent] = deque()
        self._size = size
        self._dropped = 0
        self._ready = asyncio.Event()
        self._close = close
        self._closed = False

    def put(self, event: events.AnyEvent) -> None:
        """Add an event."""
        if not self._events:
            self._ready.set()
        elif len(self._events) >= self._size:
            self._events.popleft()
            self._dropped += 1
        self._events.append(event)

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
        return self._events.popleft()

    def close(self) -> None:
        """No more events; what waits can still be read."""
        self._closed = True
        self._ready.set()
        self._close(self)
