"""Everything but letters in plain ASCII, for terminals and fonts without our marks: done at the very end, so nothing is forgotten."""

from __future__ import annotations

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

# Every replacement is as wide as what it replaces.
_PLAIN = str.maketrans(
    {
        "●": "*", "○": "o", "◆": "+", "◇": "x", "▸": ">", "✓": "v", "⏳": "..", "…": ".", "·": "-", "┃": "|", "▏": "|", "│": "|", "─": "-",
        "╭": "+", "╮": "+", "╰": "+", "╯": "+", "┌": "+", "┐": "+", "└": "+", "┘": "+", "━": "-", "═": "=", "║": "|",
        "↓": "v", "↑": "^", "←": "<", "→": ">", "“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "–": "-", "—": "-",
        "▔": "-", "▁": "_", "▂": "_", "▃": "_", "▄": "_", "▅": "_", "▆": "_", "▇": "_", "█": "#", "▊": "|", "▎": "|", "▌": "|", "▐": "|",
        "‹": "<", "›": ">", "•": "*",
        "🔎": "? ", "⏎": "<", "⌫": "<",
    }
)  # fmt: skip


class Ascii(LineFilter):
    """Textual applies it to every row that goes to the terminal."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002 (Textual's signature)
        return [
            segment if segment.text.isascii() else Segment(segment.text.translate(_PLAIN), segment.style, segment.control)
            for segment in segments
        ]
