"""`peertalk rpc` processes to be measured: what they say is not parsed until somebody looks, as this process is not what is measured."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

SLICE = 5000
"""Messages that are asked for at a time."""
Run = Callable[[list[str]], Awaitable[asyncio.subprocess.Process]]


class Refused(Exception):
    """An error was answered."""


class Peer:
    """A `peertalk rpc` process. `events` are the lines of all that was not waited for yet."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.events: asyncio.Queue[bytes] = asyncio.Queue()
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._numbers = itertools.count(1)
        self.reading = asyncio.gather(self._read(), self._drain())

    async def _read(self) -> None:
        try:
            await self._take_in()
        finally:
            for answer in self._answers.values():
                answer.cancel()

    async def _take_in(self) -> None:
        assert self.process.stdout is not None
        while line := await self.process.stdout.readline():
            if b'"method"' in line[:32]:
                self.events.put_nowait(line)
                continue
            message = json.loads(line)
            answer = self._answers.pop(message["id"])
            if answer.done():
                continue
            if "error" in message:
                answer.set_exception(Refused(message["error"]["message"]))
            else:
                answer.set_result(message["result"])

    async def _drain(self) -> None:
        while self.process.stderr is not None and await self.process.stderr.readline():
            pass

    def ask(self, method: str, **params: object) -> asyncio.Future[Any]:
        line, answer = self.question(method, **params)
        self.say(line)
        return answer

    def question(self, method: str, **params: object) -> tuple[bytes, asyncio.Future[Any]]:
        """What is to be said, and the answer to it once that is done."""
        number = next(self._numbers)
        self._answers[number] = asyncio.get_running_loop().create_future()
        line = json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        return line.encode() + b"\n", self._answers[number]

    def say(self, lines: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(lines)

    async def until(self, kind: str, has: str = "", **wanted: object) -> dict[str, Any]:
        """The next event of this kind with these values, whose line has `has` in it; those before it are forgotten."""
        while True:
            line = await self.events.get()
            if f'"{kind}"'.encode() not in line or has.encode() not in line:
                continue
            event: dict[str, Any] = json.loads(line)["params"]
            if event["type"] == kind and all(event.get(key) == value for key, value in wanted.items()):
                return event

    def forget(self) -> None:
        """All events so far."""
        while not self.events.empty():
            self.events.get_nowait()

    async def port(self) -> int:
        return int((await self.ask("node.status"))["listening"][0]["port"])

    def memory(self, which: str = "VmRSS") -> float:
        """Resident memory in MB, with that of the processes that it has started; VmHWM is the most since `forget_peak`."""
        own = Path(f"/proc/{self.process.pid}")
        children = [pid for thread in own.glob("task/*/children") for pid in thread.read_text(encoding="ascii").split()]
        status = [Path(f"/proc/{pid}/status").read_text(encoding="ascii") for pid in (self.process.pid, *children)]
        return sum(int(one.split(f"{which}:")[1].split()[0]) for one in status) * 1024 / 1e6

    def forget_peak(self) -> None:
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5", encoding="ascii")

    def cpu(self) -> float:
        """CPU seconds so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@asynccontextmanager
async def peer(run: Run, home: Path, name: str, *options: str) -> AsyncIterator[Peer]:
    """Somebody called `name` with a profile in `home`/`name`, ready; ended afterwards. `run` starts a command."""
    command = [sys.executable, "-m", "peertalk", "rpc", "--home", str(home / name), "--name", name, *options]
    one = Peer(await run(command))
    try:
        await one.until("ready")
        yield one
    finally:
        with contextlib.suppress(OSError):
            one.process.stdin.close()  # type: ignore[union-attr]
        await one.process.wait()
        await one.reading


def here(home: Path) -> Run:
    """Starts commands on this machine; what they remember beside a profile is in `home`."""

    async def run(command: list[str]) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *command, "--no-mdns", "--interface", "127.0.0.1",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, limit=1 << 24,
            env={**os.environ, "PEERTALK_STATE": str(home / "state")},
        )  # fmt: skip

    return run


async def acquainted(one: Peer, other: Peer, name: str) -> str:
    """Let the two talk to each other, as those who have answered do: their direct room. `name` is that of the other."""
    await one.until("peer", change="online", has=f'"{name}"')
    room = (await one.ask("direct.open", peer=name))["id"]
    for writer, reader, text in ((one, other, f"hello in {room}"), (other, one, f"hello to you in {room}")):
        await writer.ask("messages.send", room=room, text=text)
        await reader.until("message", has=f'"{text}"')
    return str(room)


async def delivered(one: Peer, message: str) -> None:
    """Wait until it is told that somebody else has this message on disk."""
    while not (await one.until("delivered", has=message, message=message))["delivered_to"]:
        pass


async def texts(one: Peer, room: str) -> list[str]:
    """What was said in the room, in the order in which it is shown."""
    found: list[str] = []
    before: dict[str, str] = {}
    more = True
    while more:
        listed = await one.ask("messages.list", room=room, limit=SLICE, **before)
        found += [message["text"] for message in reversed(listed["messages"]) if message["kind"] == "text"]
        before, more = {"before": listed["messages"][0]["id"]}, listed["more"]
    return found[::-1]
