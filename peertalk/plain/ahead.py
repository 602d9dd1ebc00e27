"""Lines that are typed while something is still being done: read ahead, so that the wish to leave is known at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final, Protocol

from peertalk import commands
from peertalk.errors import RequestError
from peertalk.plain.writing import GOES_ON

FAR: Final = 100
"""Lines; whatever is pasted beyond these stays in the terminal until its turn has come."""


class Written(Protocol):
    """Where lines come from: as Listening.line."""

    async def line(self) -> str | None: ...


class Ahead:
    """The lines of `source`, in their order."""

    def __init__(self) -> None:
        self._lines: asyncio.Queue[str | Exception | None] = asyncio.Queue(FAR)

    async def line(self) -> str | None:
        """The next line; None at the end. RequestError("too_large"), and whatever else the source raises."""
        line = await self._lines.get()
        if isinstance(line, Exception):
            raise line
        return line

    async def read(self, source: Written, leaves: Callable[[], None]) -> None:
        """Read until the end. `leaves` is called as soon as one of the lines, or the end, says that the person leaves."""
        line: str | None = ""
        while line is not None:
            begun = line.endswith(GOES_ON)
            try:
                line = await source.line()
            except RequestError as error:
                line = ""
                await self._lines.put(error)
                continue
            except Exception as error:  # noqa: BLE001 (raised where the line is taken)
                await self._lines.put(error)
                return
            if line is None or (not begun and is_leaving(line)):
                leaves()
            await self._lines.put(line)


@asynccontextmanager
async def reading_ahead(source: Written, leaves: Callable[[], None]) -> AsyncIterator[Ahead]:
    """The lines of `source`, which are read as long as this lasts."""
    ahead = Ahead()
    reader = asyncio.create_task(ahead.read(source, leaves), name="reading ahead")
    try:
        yield ahead
    finally:
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)


def is_leaving(line: str) -> bool:
    """Whether a line is the command that closes the program."""
    meant = commands.parse(line)
    return isinstance(meant, commands.Invocation) and meant.command.id == "quit"
