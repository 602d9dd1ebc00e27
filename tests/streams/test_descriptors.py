"""Descriptors as a stream: all that is written arrives in order, and nothing that does not read keeps the event loop waiting."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import AsyncIterator

import pytest

from peertalk.streams import Descriptors

SMALL, LARGE = 512, 100_000


@pytest.fixture
async def pipe() -> AsyncIterator[tuple[Descriptors, int]]:
    """A stream, and the other end of what it writes."""
    nothing, silent = os.pipe()
    other, written = os.pipe()
    stream = Descriptors(nothing, written)
    yield stream, other
    stream.close()
    for descriptor in (silent, nothing, other, written):
        os.close(descriptor)


async def read(descriptor: int, size: int) -> bytes:
    def all_of_it() -> bytes:
        data = b""
        while len(data) < size:
            data += os.read(descriptor, size - len(data))
        return data

    return await asyncio.to_thread(all_of_it)


async def test_what_is_written_arrives_in_order_whatever_its_size(pipe: tuple[Descriptors, int]) -> None:
    stream, other = pipe
    parts = [bytes([number]) * size for number, size in enumerate((1, SMALL, LARGE, SMALL, LARGE, LARGE, 1))]
    reading = asyncio.create_task(read(other, sum(map(len, parts))))
    for part in parts:
        await stream.write(part)
    assert await reading == b"".join(parts)


async def test_a_little_is_written_at_once(pipe: tuple[Descriptors, int]) -> None:
    stream, other = pipe
    writing = stream.write(b"a line\n")
    with pytest.raises(StopIteration):
        writing.send(None)  # it has not waited for anything
    assert os.read(other, 100) == b"a line\n"


async def test_a_pipe_that_nobody_reads_keeps_nothing_else_waiting(pipe: tuple[Descriptors, int]) -> None:
    stream, other = pipe
    size = 0
    while True:
        writing = asyncio.create_task(stream.write(b"x" * SMALL))
        size += SMALL
        if not (await asyncio.wait((writing,), timeout=0.05))[0]:
            break
    assert await read(other, size) == b"x" * size
    await asyncio.wait_for(writing, 10)


async def test_what_nobody_waits_for_any_more_comes_before_what_is_written_next(
    pipe: tuple[Descriptors, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, other = pipe
    begun, free, write = threading.Event(), threading.Event(), os.write

    def slow(descriptor: int, data: bytes) -> int:
        if threading.current_thread().name == "peertalk-stdout":
            begun.set()
            assert free.wait(30)
        return write(descriptor, data)

    monkeypatch.setattr(os, "write", slow)
    given_up = asyncio.create_task(stream.write(b"x" * LARGE))
    await asyncio.to_thread(begun.wait, 30)
    given_up.cancel()
    next_one = asyncio.create_task(stream.write(b"a line\n"))
    await asyncio.wait((given_up,))
    free.set()
    assert await read(other, LARGE + 7) == b"x" * LARGE + b"a line\n"
    await next_one


async def test_who_has_gone_is_an_error() -> None:
    nothing, silent = os.pipe()
    other, written = os.pipe()
    stream = Descriptors(nothing, written)
    os.close(other)
    with pytest.raises(BrokenPipeError):
        await stream.write(b"x")
    stream.close()
    for descriptor in (silent, nothing, written):
        os.close(descriptor)


async def test_what_is_no_pipe_is_written_on_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[str] = []
    write = os.write
    monkeypatch.setattr(os, "write", lambda *given: (threads.append(threading.current_thread().name), write(*given))[1])
    ours, theirs = socket.socketpair()
    nothing, silent = os.pipe()
    with ours, theirs:
        stream = Descriptors(nothing, ours.fileno())
        await stream.write(b"x")
        assert theirs.recv(1) == b"x"
        stream.close()
    assert threads == ["peertalk-stdout"]
    os.close(nothing)
    os.close(silent)
