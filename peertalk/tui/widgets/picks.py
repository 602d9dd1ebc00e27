"""Several ways, one of which holds; some have a value that is turned with ← and →. It draws, and says when somebody goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.widget import Widget


@dataclass(frozen=True, slots=True)
class Pick:
    """One way: its key, what it is and what it means. `titles` are its values, if there are several; `at` is the one to begin with."""

    key: str
    titles: tuple[str, ...]
    meaning: str = ""
    at: int = 0


class Picks(Widget, can_focus=True):
    """The chosen one has a mark; Enter goes on."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "step(-1)", show=False),
        Binding("down", "step(1)", show=False),
        Binding("left", "turn(-1)", show=False),
        Binding("right,space", "turn(1)", show=False),
        Binding("enter", "done", show=False),
    ]

    class Done(Message):
        """Enter was pressed."""

    def __init__(self, picks: Sequence[Pick], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._picks = tuple(picks)
        self._values = [pick.at for pick in picks]
        self._at = 0

    @property
    def picked(self) -> tuple[str, int]:
        """The key of the chosen one, and the number of its value."""
        return self._picks[self._at].key, self._values[self._at]

    def render(self) -> Content:
        return Content("\n").join(self._row(number) for number in range(len(self._picks)))

    def _row(self, number: int) -> Content:
        pick, chosen = self._picks[number], number == self._at
        title = pick.titles[self._values[number]]
        shown = f"‹ {title} ›" if len(pick.titles) > 1 and chosen and self.has_focus else title
        style = ("bold $accent" if self.has_focus else "bold") if chosen else ""
        meaning = (f"   {pick.meaning}", "$soft") if pick.meaning and chosen else ("", "")
        return Content.assemble(("(•) " if chosen else "( ) ", style), (shown, style), meaning)

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def action_step(self, step: int) -> None:
        """To the next one; past the ends to what else there is on the screen."""
        if 0 <= self._at + step < len(self._picks):
            self._at += step
            self.refresh(layout=True)
        else:
            (self.screen.focus_next if step > 0 else self.screen.focus_previous)()

    def action_turn(self, step: int) -> None:
        count = len(self._picks[self._at].titles)
        self._values[self._at] = (self._values[self._at] + step) % count
        self.refresh(layout=True)

    def action_done(self) -> None:
        self.post_message(self.Done())

    def on_click(self, event: Click) -> None:
        if event.y < len(self._picks):
            if event.y == self._at:
                self.action_turn(1)
            self._at = event.y
            self.refresh(layout=True)
