"""Where one writes. Enter sends, Ctrl+J or Shift+Enter breaks the line, Tab completes; it grows to a few lines.

It does nothing with the text itself: it posts what was submitted, and the screen puts it back if that could not be done.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import events
from textual.actions import SkipAction
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import TextArea

# What a terminal would obey, and what would turn the line around. Pasted text is the one way in for it.
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

Complete = Callable[[str], Sequence[str]]
"""The text before the cursor → what it could become (each the whole text before the cursor)."""


class Composer(TextArea):
    """A text area that sends."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+underscore,ctrl+7", "undo", show=False),
    ]

    class Submitted(Message):
        """Enter was pressed on something."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Choices(Message):
        """Tab: these are possible. The first is in place already; more presses go on to the others."""

        def __init__(self, choices: Sequence[str], chosen: int) -> None:
            super().__init__()
            self.choices = choices
            self.chosen = chosen

    def __init__(self, complete: Complete, *, id: str | None = None) -> None:
        super().__init__(id=id, highlight_cursor_line=False, max_checkpoints=100)
        self.cursor_blink = False
        self.match_cursor_bracket = False
        self._complete = complete
        self._choices: Sequence[str] = ()
        self._chosen = -1

    def put(self, text: str) -> None:
        """Hold this text, with the cursor at its end."""
        self._choices = ()
        self.load_text(text)
        self.move_cursor(self.document.end)

    async def _on_key(self, event: events.Key) -> None:
        action = {
            "enter": self._submit,
            "shift+enter": self._break_line,
            "alt+enter": self._break_line,
            "ctrl+j": self._break_line,
            "tab": self._next_choice,
        }.get(event.key)
        if action is None:
            self._choices = ()
            return
        event.stop()
        event.prevent_default()
        action()

    async def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        text = event.text.replace("\r\n", "\n").replace("\r", "\n").expandtabs(4)
        self.insert(_CONTROL.sub("", text))

    def action_cursor_line_end(self, select: bool = False) -> None:
        """To the end of the line; with nothing written the key is free for others."""
        if not self.text:
            raise SkipAction
        super().action_cursor_line_end(select)

    def _submit(self) -> None:
        text = self.text
        if text.strip():
            self.post_message(self.Submitted(text))

    def _break_line(self) -> None:
        self.insert("\n")

    def _next_choice(self) -> None:
        """Put the first choice in place of what stands before the cursor, or the next one if the last key was Tab too."""
        if self._choices:
            self._chosen = (self._chosen + 1) % len(self._choices)
        else:
            self._choices, self._chosen = self._complete(self._before_cursor()), 0
        if self._choices:
            done = self.replace(self._choices[self._chosen], (0, 0), self.cursor_location)
            self.move_cursor(done.end_location)
            self.post_message(self.Choices(self._choices, self._chosen))

    def _before_cursor(self) -> str:
        return self.get_text_range((0, 0), self.cursor_location)
