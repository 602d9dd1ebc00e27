"""Breaking text into lines of at most so many terminal cells, at words where there are any. Pure, and quick for plain ASCII."""

from __future__ import annotations

import re

from rich.cells import cell_len, chop_cells

# A run of spaces, or one character of a script that is written without spaces (with its marks), or a word.
_WIDE = "\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef"
_TOKENS = re.compile(rf"[ \t]+|[{_WIDE}][\u0300-\u036f\u3099\u309a\ufe00-\ufe0f]*|[^ \t{_WIDE}]+")


def wrap(text: str, width: int) -> list[str]:
    """The lines of `text` (a newline always breaks); at least one. Words longer than a line are cut between graphemes."""
    width = max(width, 2)
    if text.isascii() and len(text) <= width and "\n" not in text and "\t" not in text:
        return [text]
    lines: list[str] = []
    for paragraph in text.expandtabs(4).split("\n"):
        if paragraph.isascii():
            _wrap_ascii(paragraph, width, lines)
        else:
            _wrap_cells(paragraph, width, lines)
    return lines


def _wrap_ascii(text: str, width: int, lines: list[str]) -> None:
    start, length, before = 0, len(text), len(lines)
    while length - start > width:
        cut = text.rfind(" ", start, start + width + 1)
        if cut < 0:
            lines.append(text[start : start + width])
            start += width
            continue
        if text[start:cut].strip(" "):
            lines.append(text[start:cut].rstrip(" "))
        start = _skip_spaces(text, cut)
    if start < length or len(lines) == before:
        lines.append(text[start:])


def _skip_spaces(text: str, start: int) -> int:
    while start < len(text) and text[start] == " ":
        start += 1
    return start


def _wrap_cells(text: str, width: int, lines: list[str]) -> None:
    line, used = "", 0
    for token in _TOKENS.findall(text):
        cells = cell_len(token)
        if used + cells <= width:
            line, used = line + token, used + cells
        elif token.isspace():
            lines.append(line)
            line, used = "", 0
        else:
            if line.strip():
                lines.append(line.rstrip(" "))
            *full, line = chop_cells(token, width)
            lines.extend(full)
            used = cell_len(line)
    if line or not text:
        lines.append(line)


def fit(text: str, width: int) -> str:
    """`text` in one line of at most `width` cells, with … where something was cut off."""
    text = text.replace("\n", " ")
    if cell_len(text) <= width:
        return text
    return "" if width < 1 else chop_cells(text, width - 1)[0].rstrip() + "…" if width > 1 else "…"
