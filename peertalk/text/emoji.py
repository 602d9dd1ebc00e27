"""A single emoji, as somebody answers with one."""

from __future__ import annotations

from typing import Final

from peertalk.text.cells import graphemes, width
from peertalk.text.neutral import neutral
from peertalk.text.sequences import is_pictographic

LOOKS_LIKE_EMOJI: Final = "\ufe0f"
WIDE: Final = 2
MOST: Final = 64
"""Code points: no emoji is longer."""


def emoji(raw: str) -> str:
    """`raw` as one emoji, in the form in which it looks like one (❤ as ❤️); "" if it is not exactly that."""
    for candidate in (raw, raw + LOOKS_LIKE_EMOJI):
        if len(raw) <= MOST and neutral(candidate) == candidate and _is_emoji(candidate):
            return candidate
    return ""


def _is_emoji(raw: str) -> bool:
    """One character as people see it, as wide as a picture, and no letter of a script that is that wide."""
    return (
        len(list(graphemes(raw))) == 1 and width(raw) == WIDE and not any(each.isalpha() for each in raw) and _is_picture(raw)
    )


def _is_picture(raw: str) -> bool:
    first = raw[0]
    return is_pictographic(first) or "\U0001f1e6" <= first <= "\U0001f1ff" or raw.endswith("\u20e3")
