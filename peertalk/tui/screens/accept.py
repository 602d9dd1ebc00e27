"""Coming in by a code that was said, or by a link: typed with help, and what is wrong is said where it was typed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input
from textual.worker import Worker

from peertalk import commands, say
from peertalk.commands import codes
from peertalk.errors import PeerTalkError
from peertalk.i18n import _
from peertalk.tui.flows import order
from peertalk.tui.screens.ask import Line
from peertalk.tui.screens.sheet import Sheet
from peertalk.tui.sheets.accepting import Entry, above, below, choices
from peertalk.tui.widgets.choices import Choices
from peertalk.tui.widgets.page import Page

if TYPE_CHECKING:
    from peertalk.tui.talk import Talk


class Accept(Sheet[commands.Outcome | None]):
    """What it ends with is what became of it: the room that was entered, and what is to be said there."""

    AUTO_FOCUS = "Line"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("tab", "complete", show=False, priority=True)]

    def __init__(self, talk: Talk, written: str = "") -> None:
        super().__init__(talk)
        self._written = written
        self._offers: tuple[str, ...] = ()
        self._chosen = 0
        self._began = 0.0
        self._search: Worker[None] | None = None

    def body(self) -> ComposeResult:
        yield Page(id="text")
        yield Line(self._written, select_on_focus=False)
        yield Page(id="below")

    def keys(self) -> str:
        return "   ".join([_("Tab completes a word"), _("Enter goes on"), _("Esc closes")])

    def on_mount(self) -> None:
        self.set_interval(1, self._tick)
        self.query_one("#text", Page).set(above(unsent=bool(self._written)))
        self._say(Entry())

    def _say(self, entry: Entry) -> None:
        self.query_one("#below", Page).set(below(entry))
        self.query_one(Choices).set(choices(entry))

    @property
    def _line(self) -> Line:
        return self.query_one(Line)

    # ── typing ───────────────────────────────────────────────────────────────────────────────────────────────────────

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        if event.value not in self._offers:
            self._offers, self._chosen = (), 0
        if self._search is None:
            self._say(Entry(tuple(codes.complete(event.value)), codes.doubt(event.value)))

    def action_complete(self) -> None:
        """Tab: the first word that it could be, then the next one; with nothing to complete, on to what can be done."""
        if not self._line.has_focus:
            self.focus_next()
        elif self._offers:
            self._chosen = (self._chosen + 1) % len(self._offers)
            self._put()
        else:
            self._offers, self._chosen = tuple(codes.complete(self._line.value)), 0
            self._put() if self._offers else self.focus_next()

    def _put(self) -> None:
        self._line.value = self._offers[self._chosen]
        self._line.cursor_position = len(self._line.value)

    # ── coming in ────────────────────────────────────────────────────────────────────────────────────────────────────

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self._look()

    @on(Choices.Taken)
    def _taken(self, message: Choices.Taken) -> None:
        if message.key == "accept":
            self._look()
        elif message.key == "stop" and self._search is not None:
            self._search.cancel()
        else:
            self.dismiss(None)

    def _look(self) -> None:
        if self._search is None and self._line.value.strip():
            self._began = time.monotonic()
            self._line.disabled = True
            self.query_one(Choices).focus()
            self._search = self.run_worker(self._accept(self._line.value), exclusive=True)
            self._tick()

    async def _accept(self, code: str) -> None:
        entry = Entry()
        try:
            self.dismiss(await commands.run(self.node, order("accept", code=code), commands.Context()))
        except PeerTalkError as error:
            entry = Entry(trouble=say.error(error))
        finally:
            self._search = None
            if self.is_attached:
                self._line.disabled = False
                self._line.focus()
                self._say(entry)

    def _tick(self) -> None:
        if self._search is not None:
            self._say(Entry(looking=int(time.monotonic() - self._began)))
