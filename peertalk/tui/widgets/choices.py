"""What can be answered, in one row or more: `[ more people ]   [ copy link ]   [ cancel ]`. It draws, and says what was taken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.events import Click
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from peertalk.commands.questions import Choice

GAP = 3


class Choices(Widget, can_focus=True):
    """One is chosen with the arrow keys or Tab, and taken with Enter or a click."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"choices--choice", "choices--chosen"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,up,shift+tab", "step(-1)", show=False),
        Binding("right,down,tab", "step(1)", show=False),
        Binding("enter,space", "take", show=False),
    ]

    class Taken(Message):
        """Somebody decided."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def __init__(self, choices: Sequence[Choice] = (), *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.choices = tuple(choices)
        self.chosen = 0

    @property
    def words(self) -> str:
        """What it offers, as text."""
        return "   ".join(choice.title for choice in self.choices)

    def set(self, choices: Sequence[Choice], chosen: int = 0) -> None:
        """Offer these, unless they are the same as before; `chosen` is the one to begin with, -1 for none: then Enter alone takes
        nothing."""
        if tuple(choices) != self.choices:
            self.choices, self.chosen = tuple(choices), chosen
            self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002 (Textual's signature)
        return len(rows([choice.title for choice in self.choices], width))

    def render_line(self, y: int) -> Strip:
        laid = rows([choice.title for choice in self.choices], self.size.width)
        segments: list[Segment] = []
        for start, number in laid[y] if y < len(laid) else ():
            used = sum(segment.cell_length for segment in segments)
            segments += [Segment(" " * (start - used), self.rich_style), self._shown(number)]
        return Strip(segments).adjust_cell_length(self.size.width, self.rich_style)

    def _shown(self, number: int) -> Segment:
        chosen = number == self.chosen and self.has_focus
        style: Style = self.get_component_rich_style("choices--chosen" if chosen else "choices--choice")
        return Segment(f"[{'▸' if chosen else ' '}{self.choices[number].title} ]", style)

    def action_step(self, step: int) -> None:
        """To the next one; past the ends to what else there is on the screen."""
        if self.chosen < 0:
            self.chosen = 0 if step > 0 else len(self.choices) - 1
        elif 0 <= self.chosen + step < len(self.choices):
            self.chosen += step
        else:
            self.chosen = 0 if step > 0 else len(self.choices) - 1
            (self.screen.focus_next if step > 0 else self.screen.focus_previous)()
        self.refresh()

    def action_take(self) -> None:
        if 0 <= self.chosen < len(self.choices):
            self.post_message(self.Taken(self.choices[self.chosen].key))

    def on_click(self, event: Click) -> None:
        laid = rows([choice.title for choice in self.choices], self.size.width)
        for start, number in laid[event.y] if event.y < len(laid) else ():
            if start <= event.x < start + _width(self.choices[number].title):
                self.chosen = number
                self.refresh()
                self.action_take()


def rows(titles: Sequence[str], width: int) -> list[list[tuple[int, int]]]:
    """(column, number) of each title, row by row, so that each row fits."""
    laid: list[list[tuple[int, int]]] = []
    at = 0
    for number, title in enumerate(titles):
        if not laid or at + _width(title) > width:
            laid.append([])
            at = 0
        laid[-1].append((at, number))
        at += _width(title) + GAP
    return laid


def _width(title: str) -> int:
    return cell_len(title) + 4
