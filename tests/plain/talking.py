"""Real `peertalk plain` processes: in pipes, and on pseudo-terminals."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.processes import LOOPBACK, WITHIN, Ended, environment


@dataclass
class Plain:
    """A running `peertalk plain` in pipes. `heard` are the lines so far."""

    process: asyncio.subprocess.Process
    heard: list[str] = field(default_factory=list)

    async def write(self, *lines: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("".join(f"{line}\n" for line in lines).encode())
        await self.process.stdin.drain()

    async def until(self, words: str) -> str:
        """Wait for a line with these words that was not waited for before; the line."""
        assert self.process.stdout is not None
        async with asyncio.timeout(WITHIN):
            while raw := await self.process.stdout.readline():
                self.heard.append(raw.decode())
                if words in self.heard[-1]:
                    return self.heard[-1].rstrip("\n")
        raise AssertionError(f"never heard {words!r}: {self.heard}")

    async def end(self, how: signal.Signals | None = None) -> Ended:
        """End it by a signal, or else by the end of its input."""
        assert self.process.stdin is not None
        if how is None:
            self.process.stdin.close()
        else:
            self.process.send_signal(how)
        async with asyncio.timeout(WITHIN):
            out, err = await self._rest()
        assert self.process.returncode is not None
        return Ended(self.process.returncode, out, err)

    async def _rest(self) -> tuple[str, str]:
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        out, err, _code = await asyncio.gather(self.process.stdout.read(), self.process.stderr.read(), self.process.wait())
        return "".join(self.heard) + out.decode(), err.decode()


@asynccontextmanager
async def plain(home: Path, *options: str, **variables: str) -> AsyncIterator[Plain]:
    """A `peertalk plain` in pipes; killed afterwards if it still runs."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "peertalk", "plain", *LOOPBACK, *options),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment(home) | variables,
    )
    try:
        yield Plain(process)
    finally:
        process._transport.close()  # type: ignore[attr-defined]  # kills it; and a wait() would wait for its pipes too
        await process.wait()
