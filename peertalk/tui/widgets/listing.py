"""A quiet list of rows: the left column, its narrow strip, and the members are made of it. It draws, and says what is clicked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.events import Click, Leave, MouseEvent, MouseMove
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from peertalk.tui.wrap import fit

Target = tuple[Literal["room", "peer"], str]


@dataclass(frozen=True, slots=True)
class Row:
    """`mark` before the text in `mark_style`, `tail` at the right edge. `target` is what a click chooses."""

    text: str = ""
    style: str = "row"
    mark: str = ""
    mark_style: str = "soft"
    tail: str = ""
    tail_style: str = "soft"
    current: bool = False
    target: Target | None = None


class Listing(ScrollView, can_focus=False):
    """Shows rows; a click on one with a target posts `Chosen`."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"listing--{name}" for name in ("row", "heading", "soft", "strong", "here", "accent", "attention", "current", "hover")
    }

    class Chosen(Message):
        """Somebody clicked on a row."""

        def __init__(self, target: Target) -> None:
            super().__init__()
            self.target = target

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.rows: tuple[Row, ...] = ()
        self._hover: int | None = None

    @property
    def words(self) -> str:
        """All rows, as text."""
        return "\n".join(f"{'▸' if row.current else ' '}{row.mark} {row.text} {row.tail}".rstrip() for row in self.rows)

    def set(self, rows: list[Row]) -> None:
        """Show these rows, and the current one in any case."""
        if tuple(rows) == self.rows:
            return
        self.rows = tuple(rows)
        self.virtual_size = Size(self.scrollable_content_region.width, len(rows))
        current = next((number for number, row in enumerate(rows) if row.current), None)
        if current is not None and not 0 <= current - self.scroll_offset.y < max(self.size.height, 1):
            self.scroll_to(y=max(0, current - self.size.height // 2), animate=False)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        number = self.scroll_offset.y + y
        width = self.size.width
        if number >= len(self.rows):
            return Strip.blank(width, self.rich_style)
        row = self.rows[number]
        strip = self._strip(row, width)
        if row.current:
            return _over(strip, self.get_component_rich_style("listing--current", partial=True))
        if row.target is not None and number == self._hover:
            return _over(strip, self.get_component_rich_style("listing--hover", partial=True))
        return strip

    def _strip(self, row: Row, width: int) -> Strip:
        lead = "▸ " if row.current else "  "
        if row.style == "heading":
            lead = ""
        mark = f"{row.mark} " if row.mark else ""
        tail = f" {row.tail}" if row.tail else ""
        room = width - cell_len(lead) - cell_len(mark) - cell_len(tail)
        text = fit(row.text, room)
        segments = [
            Segment(lead, self._style("accent")),
            Segment(mark, self._style(row.mark_style)),
            Segment(text + " " * (room - cell_len(text)), self._style(row.style)),
            Segment(tail, self._style(row.tail_style)),
        ]
        return Strip(segments).adjust_cell_length(width, self.rich_style)

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"listing--{name}")

    def on_click(self, event: Click) -> None:
        number = self._row_at(event)
        target = self.rows[number].target if number is not None else None
        if target is not None:
            self.post_message(self.Chosen(target))

    def on_mouse_move(self, event: MouseMove) -> None:
        self._point_at(self._row_at(event))

    def on_leave(self, _event: Leave) -> None:
        self._point_at(None)

    def _row_at(self, event: MouseEvent) -> int | None:
        offset = event.get_content_offset(self)
        number = None if offset is None else self.scroll_offset.y + offset.y
        return number if number is not None and number < len(self.rows) else None

    def _point_at(self, number: int | None) -> None:
        if number != self._hover:
            self._hover = number
            self.refresh()


def _over(strip: Strip, style: Style) -> Strip:
    """The strip with `style` laid over it."""
    return Strip([Segment(text, (own or Style()) + style) for text, own, _control in strip], strip.cell_length)
