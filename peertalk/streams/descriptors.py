"""File descriptors as a stream.

Blocking calls on a thread for each direction, not on the event loop: that works for pipes, files, terminals and on Windows
alike, and it leaves the blocking mode of descriptors alone that may be shared with other programs. A little that a pipe has room
for is written at once: to wake a thread takes longer.
"""

from __future__ import annotations

import asyncio
import os
import queue
import select
import stat
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final, TypeVar

CHUNK: Final = 1 << 16
T = TypeVar("T")


class Descriptors:
    """Two file descriptors as a stream."""

    def __init__(self, read_from: int, write_to: int) -> None:
        self._read_from = read_from
        self._write_to = write_to
        self._in = BlockingThread("peertalk-stdin")
        self._out = BlockingThread("peertalk-stdout")
        self._has_room = _watch(write_to)

    async def read(self) -> bytes:
        return await self._in.call(lambda: os.read(self._read_from, CHUNK))

    async def write(self, data: bytes) -> None:
        if self._out.is_idle and self._has_room(len(data)):
            os.write(self._write_to, data)
        else:
            await self._out.call(lambda: _write_all(self._write_to, data))

    def close(self) -> None:
        """Let the threads end; one that hangs in a call ends with the process."""
        self._in.end()
        self._out.end()


def _watch(descriptor: int) -> Callable[[int], bool]:
    """Tells whether so many bytes can be written without waiting: PIPE_BUF can, all of them, where a pipe is ready to be written to."""
    if not hasattr(select, "poll") or not stat.S_ISFIFO(os.fstat(descriptor).st_mode):
        return lambda _: False
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return lambda size: size <= select.PIPE_BUF and poll.poll(0) == [(descriptor, select.POLLOUT)]


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


class BlockingThread:
    """Runs blocking calls one after the other. A daemon, unlike the threads of an executor: a read from a terminal that
    never returns must not keep the process from ending."""

    def __init__(self, name: str) -> None:
        self._calls: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._begun = self._done = 0
        threading.Thread(target=self._work, name=name, daemon=True).start()

    @property
    def is_idle(self) -> bool:
        """Is every call over? One whose caller was cancelled may still be under way."""
        return self._begun == self._done

    async def call(self, function: Callable[[], T]) -> T:
        """What `function` returns or raises, called on the thread."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._begun += 1
        self._calls.put(lambda: self._call(function, loop, future))
        return await future

    def end(self) -> None:
        self._calls.put(None)

    def _work(self) -> None:
        while call := self._calls.get():
            call()

    def _call(self, function: Callable[[], T], loop: asyncio.AbstractEventLoop, future: asyncio.Future[T]) -> None:
        try:
            report = partial(_succeed, future, function())
        except Exception as error:  # noqa: BLE001 (whatever it is, it belongs to whoever awaits the call)
            report = partial(_fail, future, error)
        self._done += 1  # before anybody hears of it
        with suppress(RuntimeError):  # the loop is closed: nobody waits
            loop.call_soon_threadsafe(report)


def _succeed(future: asyncio.Future[T], value: T) -> None:
    if not future.cancelled():
        future.set_result(value)


def _fail(future: asyncio.Future[T], error: Exception) -> None:
    if not future.cancelled():
        future.set_exception(error)
