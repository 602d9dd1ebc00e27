"""How wide neutral text is on the screen, and what one character of it is."""

from __future__ import annotations

from collections.abc import Iterator

import wcwidth

from peertalk.text.neutral import PLAIN, neutral


def width(shown: str) -> int:
    """How many terminal cells neutral text of one line takes."""
    if shown.isascii():
        return len(shown)
    if PLAIN.fullmatch(shown):
        return wcwidth.wcswidth(shown)
    # Each by itself, since for the whole wcwidth takes what follows a virama for a conjunct in any script; and at least one,
    # since some vowel signs are graphemes of their own, to which it gives a width only behind a base.
    return sum(max(1, wcwidth.wcswidth(grapheme)) for grapheme in wcwidth.iter_graphemes(shown))


def graphemes(shown: str) -> Iterator[str]:
    """What a reader takes for one character each (UAX 29)."""
    return iter(shown) if shown.isascii() else wcwidth.iter_graphemes(shown)


def clip(shown: str, cells: int, mark: str = "…") -> str:
    """Neutral text of one line, cut between characters to at most `cells`, with `mark` where something was cut off."""
    if width(shown) <= cells:
        return shown
    room = cells - width(mark)
    if room < 0:
        return ""
    kept: list[str] = []
    for grapheme in graphemes(shown):
        room -= width(grapheme)
        if room < 0:
            break
        kept.append(grapheme)
    return neutral("".join(kept)).rstrip() + mark  # again: a joiner at the cut has lost what it joined
