"""`python -m peertalk rpc` as a black box: calls, events, and every way to end it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

Event = dict[str, Any]
Test = Callable[[Event], bool]
Start = Callable[[list[str]], Any]
SECONDS = 20.0


class RpcError(Exception):
    """An error that was answered; `kind` of docs/rpc.md, or the code."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(f"{error.get('code')} {error.get('message')} {error.get('data')}")
        self.data: dict[str, Any] = error.get("data") or {}
        self.kind = self.data.get("kind", error.get("code"))


class Died(Exception):
    """The process ended before it answered."""


class RpcProcess:
    """A running process. `events` are all that it sent, each with its `at`: seconds after the start of the process."""

    def __init__(self, process: asyncio.subprocess.Process, started: float) -> None:
        self.process = process
        self.started = started
        self.events: list[Event] = []
        self.log: list[str] = []
        self.noise: list[str] = []
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._news = asyncio.Event()
        self._ended = False
        self._readers = [asyncio.create_task(self._read()), asyncio.create_task(self._read_log())]

    @classmethod
    async def start(cls, start: Start, home: Path, *options: str) -> RpcProcess:
        """`start` starts a command (see Host.start); the profile is in `home`."""
        started = time.monotonic()
        process = await start([sys.executable, "-m", "peertalk", "rpc", "--home", str(home), *options])
        return cls(process, started)

    def cast(self, method: str, **params: object) -> asyncio.Future[Any]:
        """Write a request now; the future is its result. RpcError, Died."""
        number = next(self._numbers)
        self._answers[number] = asyncio.get_running_loop().create_future()
        if self._ended:
            self._answers[number].set_exception(Died("ended before"))
        request = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        if self.process.stdin is not None:
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
        return self._answers[number]

    async def call(self, method: str, **params: object) -> Any:
        async with asyncio.timeout(SECONDS):
            return await self.cast(method, **params)

    async def wait_event(self, test: Test, seconds: float = SECONDS, since: int = 0) -> Event:
        """The first event, of those since number `since` and those to come, that passes."""
        async with asyncio.timeout(seconds):
            while True:
                for event in self.events[since:]:
                    if test(event):
                        return event
                since = len(self.events)
                if self._ended:
                    await self._gone()
                    raise Died(self.explain())
                self._news.clear()
                await self._news.wait()

    async def ready(self) -> Event:
        return await self.wait_event(lambda event: event["type"] == "ready")

    async def online(self, *peers: str) -> list[Event]:
        """Wait until these peers (ids) have come online; their events."""
        return [await self.wait_event(lambda event, who=peer: came(event, who)) for peer in peers]

    async def identity(self) -> str:
        identity: str = (await self.ready())["identity"]["id"]
        return identity

    async def texts(self, room: str = "lobby") -> list[str]:
        """In slices, as front ends do: all at once would cost the process more memory than what anybody does to it."""
        texts: list[str] = []
        before: dict[str, str] = {}
        more = True
        while more:
            listed = await self.call("messages.list", room=room, limit=500, **before)
            messages, more = listed["messages"], listed["more"]
            texts[:0] = [message["text"] for message in messages if message["kind"] == "text"]
            before = {"before": messages[0]["id"]} if messages else before
        return texts

    async def has_texts(self, *texts: str, room: str = "lobby", seconds: float = SECONDS) -> None:
        """Wait until these messages have arrived in `room`, whatever else has."""
        async with asyncio.timeout(seconds):
            since = len(self.events)
            while not set(texts) <= set(await self.texts(room)):
                await self.wait_event(lambda event: event["type"] in {"message", "message_changed", "sync"}, seconds, since)
                since = len(self.events)

    def cpu_seconds(self) -> float:
        """The processor time that it has used so far."""
        after_name = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> float:
        """What it has in memory now, in MiB."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    async def stop(self) -> int:
        """Close its input, as docs/rpc.md says it is ended; the exit code."""
        if self.process.stdin is not None:
            with contextlib.suppress(ConnectionError):
                self.process.stdin.close()
        return await self._gone()

    async def kill(self) -> None:
        """kill -9"""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await self._gone()

    def explain(self) -> str:
        return f"exit {self.process.returncode}; log: {' | '.join(self.log[-5:])}; printed: {' | '.join(self.noise[-3:])}"

    async def _gone(self) -> int:
        async with asyncio.timeout(SECONDS):
            code = await self.process.wait()
            await asyncio.gather(*self._readers, return_exceptions=True)
        return code

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self._take(line)
        self._ended = True
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(Died("no answer"))
                answer.exception()  # a cast that nobody waits for is no error of the test
        self._news.set()

    def _take(self, line: bytes) -> None:
        try:
            said = msgspec.json.decode(
                line
            )  # forty processes say 20,000 lines a second: what hears them must not be what is measured
        except ValueError:
            self.noise.append(line.decode(errors="replace"))
            return
        if said.get("method") == "event":
            self.events.append({**said["params"], "at": time.monotonic() - self.started})
            self._news.set()
        elif (answer := self._answers.pop(said.get("id"), None)) and not answer.done():
            if "error" in said:
                answer.set_exception(RpcError(said["error"]))
            else:
                answer.set_result(said["result"])

    async def _read_log(self) -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            self.log.append(line.decode(errors="replace").rstrip())


def delivered(message: str, to: str) -> Test:
    """Whether an event says that `to` has this own message on disk."""
    return lambda event: event["type"] == "delivered" and event["message"] == message and to in event["delivered_to"]


def came(event: Event, peer: str) -> bool:
    """Whether an event says that this peer is online now."""
    return event["type"] == "peer" and event["change"] == "online" and event["peer"]["id"] == peer
