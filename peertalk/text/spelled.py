"""Text for outputs that do not have every character: what is lacking is spelled with what is there."""

from __future__ import annotations

import unicodedata
from typing import Final

_SPELLED: Final = {
    "“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "‚": "'", "–": "-", "—": "-", "…": "...", "·": "-", "•": "-", "→": "->", "×": "x",
    "ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "AE", "ø": "oe", "Ø": "Oe",
    "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "€": "EUR",
}  # fmt: skip


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
