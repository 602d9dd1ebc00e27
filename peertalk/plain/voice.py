"""Lines on their way out: the program's own are marked, and all are put into what the terminal can show."""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Iterable
from typing import Final, Protocol

MARK: Final = "* "
"""What every line begins with that the program itself says. No line of a person does, see speech.py."""

_SPELLED: Final = {
    "“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "‚": "'", "–": "-", "—": "-", "…": "...", "·": "-", "•": "-", "→": "->", "×": "x",
    "ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "AE", "ø": "oe", "Ø": "Oe",
    "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "€": "EUR",
}  # fmt: skip


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


def encoded(text: str, encoding: str) -> bytes:
    """The bytes of a text. What this encoding lacks is spelled in another way, or shows as `?`."""
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:
        return "".join(_spelled(character, encoding) for character in text).encode(encoding, "replace")


def _spelled(character: str, encoding: str) -> str:
    if _has(encoding, character):
        return character
    base = "".join(part for part in unicodedata.normalize("NFKD", character) if _has(encoding, part))
    return _SPELLED.get(character) or base or ("" if unicodedata.category(character)[0] == "M" else "?")


def _has(encoding: str, character: str) -> bool:
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
