"""The companions' nodes: each a `peertalk rpc` process of its own, in a temporary home, on the loopback interface only."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from peertalk.errors import StartError
from peertalk.rpc import RemoteNode

STATE: Final = "PEERTALK_STATE"
LOOPBACK: Final = "127.0.0.1"
CHUNK: Final = 1 << 16
START_WITHIN: Final = 20.0
END_WITHIN: Final = 4.0

# Removes a directory when its input ends, that is, however we end; tries for as long as the children take to end themselves.
_JANITOR: Final = """
import os, shutil, sys, time
sys.stdin.read()
for _ in range(100):
    shutil.rmtree(sys.argv[1], ignore_errors=True)
    if not os.path.exists(sys.argv[1]):
        break
    time.sleep(0.1)
"""


@contextmanager
def temporary_homes() -> Iterator[Path]:
    """A directory for the homes of the demo, and for all that their nodes keep outside of them. It is removed afterwards, even
    if this process is killed."""
    base = Path(tempfile.mkdtemp(prefix="peertalk-demo-"))
    os.environ[STATE] = str(base / "state")
    janitor = subprocess.Popen(  # noqa: S603 (our own interpreter and program)
        [sys.executable, "-I", "-S", "-c", _JANITOR, str(base)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield base
    finally:
        del os.environ[STATE]
        shutil.rmtree(base, ignore_errors=True)
        janitor.communicate()


class Child:
    """A running `peertalk rpc`, and the node behind it."""

    def __init__(self, process: asyncio.subprocess.Process, node: RemoteNode, identity: str) -> None:
        self._process = process
        self.node = node
        self.identity = identity

    @classmethod
    async def start(cls, home: Path, name: str, language: str, connect: tuple[tuple[str, int], ...] = ()) -> Child:
        """Start one; it is ready when this returns. StartError("not_running")."""
        options = ["--home", str(home), "--name", name, "--lang", language, "--no-mdns", "--interface", LOOPBACK]
        for host, port in connect:
            options += ["--connect", f"{host}:{port}"]
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "peertalk", "rpc", *options),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={key: value for key, value in os.environ.items() if key == STATE or not key.startswith("PEERTALK_")},
            start_new_session=True,  # Ctrl+C in the terminal is for us; they end when their input does
        )
        node = RemoteNode(ProcessStream(process))
        try:
            async with asyncio.timeout(START_WITHIN):
                ready = await node.ready()
        except BaseException as error:
            await node.close()
            await _end(process)
            if isinstance(error, TimeoutError):
                raise StartError("not_running") from error
            raise
        return cls(process, node, ready.identity.id)

    async def address(self) -> tuple[str, int]:
        """Where others reach it."""
        status = await self.node.status()
        return LOOPBACK, status.listening[0].port

    async def end(self) -> None:
        """Let it end as it ends by itself, and wait for that."""
        await self.node.close()
        await _end(self._process)


async def _end(process: asyncio.subprocess.Process) -> None:
    try:
        await asyncio.wait_for(process.wait(), END_WITHIN)
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


class ProcessStream:
    """The standard input and output of a child as a stream."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None  # noqa: S101 (they were asked for)
        assert process.stdout is not None  # noqa: S101 (the same)
        self._input = process.stdin
        self._output = process.stdout

    async def read(self) -> bytes:
        return await self._output.read(CHUNK)

    async def write(self, data: bytes) -> None:
        self._input.write(data)
        await self._input.drain()

    async def close(self) -> None:
        self._input.close()
        with suppress(OSError):
            await self._input.wait_closed()
