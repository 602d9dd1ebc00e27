"""The quiet page in place of a transcript: nothing written yet, nobody here, or the profile is still being opened."""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget

Paragraph = tuple[tuple[str, str], ...]
"""Pieces of text with a style of the theme: "" for text, "soft", "accent", "strong", "attention", "code"."""

_STYLES = {"": "", "soft": "$soft", "accent": "$accent", "strong": "bold", "attention": "$attention", "code": "bold $accent"}


class Page(Widget, can_focus=False):
    """Shows lines in the middle, left-aligned among themselves."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines: tuple[Paragraph, ...] = ()

    @property
    def words(self) -> str:
        """What it says."""
        return "\n".join("".join(text for text, _style in line) for line in self._lines)

    def set(self, lines: tuple[Paragraph, ...]) -> None:
        """Say this."""
        if lines != self._lines:
            relayout = len(lines) != len(self._lines)
            self._lines = lines
            self.refresh(layout=relayout)

    def render(self) -> Content:
        return Content("\n").join(Content.assemble(*((text, _STYLES[style]) for text, style in line)) for line in self._lines)
