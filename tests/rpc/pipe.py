"""A client of the interface, for tests: no bytes leave this process."""

from __future__ import annotations

import asyncio
import json
from typing import Any


class Pipe:
    """The stream of a client: what it says, and what it heard. `reading` clear: it does not read."""

    def __init__(self) -> None:
        self.heard = b""
        self.reading = asyncio.Event()
        self.reading.set()
        self.broken = False
        self._said: asyncio.Queue[bytes] = asyncio.Queue()
        self._news = asyncio.Event()

    def say(self, *requests: object) -> None:
        for request in requests:
            self.raw(json.dumps(request).encode() + b"\n")

    def raw(self, data: bytes) -> None:
        self._said.put_nowait(data)

    def end(self) -> None:
        self._said.put_nowait(b"")

    async def read(self) -> bytes:
        return await self._said.get()

    async def write(self, data: bytes) -> None:
        if self.broken:
            raise BrokenPipeError
        await self.reading.wait()
        self.heard += data
        self._news.set()

    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.heard.splitlines()]

    def answers(self) -> list[Any]:
        return [line for line in self.lines() if isinstance(line, list) or "method" not in line]

    async def until(self, count: int) -> list[Any]:
        """The answers as soon as there are `count`."""
        async with asyncio.timeout(10):
            while len(self.answers()) < count:
                self._news.clear()
                await self._news.wait()
        return self.answers()


def ask(id: object, method: str, **params: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": id, "method": method, "params": params}
