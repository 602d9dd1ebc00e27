"""Lines on their way out: the program's own are marked, and all are put into what the terminal can show."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final, Protocol

from peertalk.text.spelled import encoded

MARK: Final = "* "
"""What every line begins with that the program itself says. No line of a person does, see speech.py."""


class Output(Protocol):
    """Where bytes go, in the order in which they are given. OSError: nobody reads any more."""

    async def write(self, data: bytes) -> None: ...


class Voice:
    """Says lines. A reader that is slow makes whoever says something wait, and nothing else: so nothing piles up here."""

    def __init__(self, output: Output, encoding: str) -> None:
        self._output = output
        self._encoding = encoding
        self._one_by_one = asyncio.Lock()

    async def say(self, *sentences: str) -> None:
        """What the program says."""
        await self.tell(MARK + line for sentence in sentences for line in sentence.split("\n") if line.strip())

    async def tell(self, lines: Iterable[str]) -> None:
        """Lines as they are, together. OSError: nobody reads them."""
        written = "".join(f"{line}\n" for line in lines)
        if written:
            async with self._one_by_one:
                await self._output.write(encoded(written, self._encoding))
