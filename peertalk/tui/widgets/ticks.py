"""People to be ticked off, in as many columns as fit: `[x] Jonas   [ ] Sam`. It draws, and says who is ticked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.events import Click
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from peertalk.tui.wrap import fit

GAP = 3
BOX = 4
"""Columns of `[x] `."""


@dataclass(frozen=True, slots=True)
class Tick:
    """Somebody: the id, and how they are called."""

    id: str
    name: str


class Ticks(Widget, can_focus=True):
    """Arrow keys move, Space ticks; Enter goes on to what can be answered."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"ticks--tick", "ticks--at"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "step(-1)", show=False),
        Binding("right", "step(1)", show=False),
        Binding("up", "row(-1)", show=False),
        Binding("down", "row(1)", show=False),
        Binding("space", "tick", show=False),
        Binding("enter", "go_on", show=False),
    ]

    class Ticked(Message):
        """Somebody was ticked, or no longer is."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.people: tuple[Tick, ...] = ()
        self.ticked: frozenset[str] = frozenset()
        self.at = 0

    @property
    def words(self) -> str:
        """All of it, as text."""
        return "   ".join(self._text(tick) for tick in self.people)

    def set(self, people: Sequence[Tick]) -> None:
        """These are to be ticked; who was ticked stays so."""
        if tuple(people) != self.people:
            self.people = tuple(people)
            self.ticked &= {tick.id for tick in people}
            self.at = min(self.at, max(len(people) - 1, 0))
            self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002 (Textual's signature)
        return -(-len(self.people) // columns(self.people, width))

    def render_line(self, y: int) -> Strip:
        count = columns(self.people, self.size.width)
        each = self.size.width // count
        segments: list[Segment] = []
        for number in range(y * count, min((y + 1) * count, len(self.people))):
            style = self.get_component_rich_style("ticks--at" if number == self.at and self.has_focus else "ticks--tick")
            text = fit(self._text(self.people[number]), each - 1)
            segments += [Segment(text, style), Segment(" " * (each - cell_len(text)), self.rich_style)]
        return Strip(segments).adjust_cell_length(self.size.width, self.rich_style)

    def _text(self, tick: Tick) -> str:
        return f"[{'x' if tick.id in self.ticked else ' '}] {tick.name}"

    def action_step(self, step: int) -> None:
        self._go(self.at + step)

    def action_row(self, step: int) -> None:
        """To the row above or below; past the ends to what else there is on the screen."""
        to = self.at + step * columns(self.people, self.size.width)
        if 0 <= to < len(self.people):
            self._go(to)
        else:
            (self.screen.focus_next if step > 0 else self.screen.focus_previous)()

    def _go(self, to: int) -> None:
        if 0 <= to < len(self.people):
            self.at = to
            row = to // columns(self.people, self.size.width)
            around = self.parent
            if isinstance(around, Widget):
                around.scroll_to_region(Region(0, self.virtual_region.y + row, 1, 1), animate=False)
            self.refresh()

    def action_tick(self) -> None:
        if self.people:
            self.ticked ^= {self.people[self.at].id}
            self.refresh()
            self.post_message(self.Ticked())

    def action_go_on(self) -> None:
        self.screen.focus_next()

    def on_click(self, event: Click) -> None:
        count = columns(self.people, self.size.width)
        number = event.y * count + min(event.x // (self.size.width // count), count - 1)
        if number < len(self.people):
            self.at = number
            self.action_tick()


def columns(people: Sequence[Tick], width: int) -> int:
    """How many fit side by side."""
    widest = max((cell_len(tick.name) for tick in people), default=1) + BOX + GAP
    return max(1, min(width // widest, len(people)))
