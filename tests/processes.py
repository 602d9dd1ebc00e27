"""Real `peertalk` processes for black-box tests: on the loopback interface, without mDNS, each in its own home."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from peertalk.demo.children import ProcessStream
from peertalk.rpc import RemoteNode

LOOPBACK = ("--no-mdns", "--interface", "127.0.0.1")
WITHIN = 20.0


@dataclass(frozen=True, slots=True)
class Ended:
    """What an ended process left."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Running:
    """A running `peertalk rpc`."""

    process: asyncio.subprocess.Process
    node: RemoteNode
    home: Path

    async def port(self) -> int:
        return (await self.node.status()).listening[0].port

    async def end(self, how: signal.Signals | None = None) -> Ended:
        """End it, by a signal or else by the end of its input."""
        if how is None:
            assert self.process.stdin is not None
            self.process.stdin.close()
        else:
            self.process.send_signal(how)
        async with asyncio.timeout(WITHIN):
            code = await self.process.wait()
        assert self.process.stderr is not None
        return Ended(code, "", (await self.process.stderr.read()).decode())


def environment(home: Path) -> dict[str, str]:
    """The environment of a process with this home: nothing of the person who runs the tests."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PEERTALK_", "LC_", "LANG"))}
    return kept | {"PEERTALK_STATE": str(home.parent / "state"), "PEERTALK_LANG": "en", "PEERTALK_HOME": str(home)}


async def begin(home: Path, arguments: Sequence[str], stdin: int = subprocess.PIPE) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "peertalk", *arguments),
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(home),
    )


async def run(home: Path, *arguments: str, given: bytes = b"") -> Ended:
    """Run a command to its end."""
    process = await begin(home, arguments)
    async with asyncio.timeout(WITHIN):
        out, err = await process.communicate(given)
    assert process.returncode is not None
    return Ended(process.returncode, out.decode(), err.decode())


@asynccontextmanager
async def rpc(home: Path, *options: str) -> AsyncIterator[Running]:
    """A `peertalk rpc` that is ready; killed afterwards if it still runs."""
    process = await begin(home, ["rpc", *LOOPBACK, *options])
    node = RemoteNode(ProcessStream(process))
    try:
        async with asyncio.timeout(WITHIN):
            await node.ready()
        yield Running(process, node, home)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await node.close()
        process._transport.close()  # type: ignore[attr-defined]  # or its pipe for errors stays open


async def has_ended(pid: int) -> None:
    """Wait until a process has ended that is not ours to wait for. (Linux)"""
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    descriptor = os.pidfd_open(pid)
    loop.add_reader(descriptor, over.set)
    try:
        async with asyncio.timeout(15):
            await over.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
