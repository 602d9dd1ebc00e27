"""A text as a QR code that a terminal can show: two rows of squares in one line."""

from __future__ import annotations

from typing import Final

import segno

QUIET: Final = 2
"""Squares of light around it. The standard asks for four; cameras make do with two, and a small terminal has no room for more."""

_HALVES: Final = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}


def lines(text: str, *, ascii: bool = False, invert: bool = False) -> list[str]:  # noqa: A002 (what the person calls it)
    """The rows, all of one width. What is drawn are the light squares, as terminals are dark; `invert` is for light ones. `ascii`:
    two signs a square and a line a row. ValueError for more than a QR code holds (2,953 bytes)."""
    rows = _squares(text, dark=invert)
    if ascii:
        return ["".join("##" if drawn else "  " for drawn in row) for row in rows]
    if len(rows) % 2:
        rows.append([False] * len(rows[0]))
    return ["".join(_HALVES[pair] for pair in zip(*two, strict=True)) for two in zip(rows[::2], rows[1::2], strict=True)]


def _squares(text: str, *, dark: bool) -> list[list[bool]]:
    """Whether each square is to be drawn, those around it included. The smallest code that holds the text, with as much error
    correction as fits into it."""
    code = segno.make_qr(text, error="l")
    return [[bool(square) is dark for square in row] for row in code.matrix_iter(border=QUIET)]
