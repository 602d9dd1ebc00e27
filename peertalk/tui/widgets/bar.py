"""One row with something at its left end and something at its right: header, status line and key bar are made of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from peertalk.tui.wrap import fit

GAP = 3


@dataclass(frozen=True, slots=True)
class Part:
    """A text in one of the bar's styles; a click on it runs `action`."""

    text: str
    style: str = "soft"
    action: str | None = None


class Bar(Widget, can_focus=False):
    """Shows `left` and `right`, three columns apart. Where there is no room for all, the parts given last are left out;
    the first part at the left is shortened instead."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"bar--{name}" for name in ("soft", "text", "strong", "accent", "attention", "key")
    }

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._left: tuple[Part, ...] = ()
        self._right: tuple[Part, ...] = ()

    @property
    def words(self) -> str:
        """All that it has to say, as text."""
        return "   ".join(part.text for part in (*self._left, *self._right))

    def set(self, left: tuple[Part, ...] = (), right: tuple[Part, ...] = ()) -> None:
        """Say something else."""
        if (left, right) != (self._left, self._right):
            self._left, self._right = left, right
            self.refresh()

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        left, right = _choose(self._left, self._right, width)
        gap = width - _width(left) - _width(right)
        segments = [*self._segments(left), Segment(" " * max(gap, 0), self.rich_style), *self._segments(right)]
        return Strip(segments).adjust_cell_length(width, self.rich_style) if y == 0 else Strip.blank(width, self.rich_style)

    def _segments(self, parts: tuple[Part, ...]) -> list[Segment]:
        segments = []
        for number, part in enumerate(parts):
            if number:
                segments.append(Segment(" " * GAP, self.rich_style))
            style = self.get_component_rich_style(f"bar--{part.style}")
            segments.append(Segment(part.text, style + Style(meta={"@click": part.action}) if part.action else style))
        return segments


def _width(parts: tuple[Part, ...]) -> int:
    return sum(cell_len(part.text) for part in parts) + GAP * max(len(parts) - 1, 0)


def _choose(left: tuple[Part, ...], right: tuple[Part, ...], width: int) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
    """What of it fits: right parts go first, then left ones but the first, which is shortened."""
    while right and _width(left) + GAP + _width(right) > width:
        right = right[:-1]
    while len(left) > 1 and _width(left) > width:
        left = left[:-1]
    if left and _width(left) > width:
        left = (Part(fit(left[0].text, width), left[0].style, left[0].action),)
    return left, right
