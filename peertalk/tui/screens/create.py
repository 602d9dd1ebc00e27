"""A new private room: one sheet, Enter through."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Input, Static

from peertalk import say
from peertalk.commands.questions import Choice
from peertalk.errors import PeerTalkError
from peertalk.i18n import _
from peertalk.tui.screens.ask import Line
from peertalk.tui.screens.sheet import Sheet
from peertalk.tui.sheets import creating
from peertalk.tui.widgets.choices import Choices
from peertalk.tui.widgets.page import Page
from peertalk.tui.widgets.picks import Picks


class Create(Sheet[str | None]):
    """What it ends with is the id of the new room."""

    AUTO_FOCUS = "Line"

    def body(self) -> ComposeResult:
        yield Page(id="text")
        yield Line(select_on_focus=False)
        yield Static(Content(_("How long is it kept?")), classes="question", markup=False)
        yield Picks(creating.keeping(), id="keeping")
        yield Static(Content(_("The language of its words, which stays:")), classes="question", markup=False)
        yield Picks(creating.languages(), id="language")
        yield Static(classes="trouble", markup=False)

    def keys(self) -> str:
        return "   ".join([_("Enter goes on"), _("↑ ↓ ← → choose"), _("Esc closes")])

    def on_mount(self) -> None:
        self.show(creating.above(), [Choice("create", _("make the room")), Choice("close", _("close"))])

    @on(Input.Submitted)
    def _named(self, event: Input.Submitted) -> None:
        if event.value.strip():
            self.query_one("#keeping").focus()
        else:
            self._complain(_("A room needs a name."))

    @on(Input.Changed)
    def _changed(self) -> None:
        self._complain("")

    @on(Picks.Done)
    def _done(self) -> None:
        self.focus_next()

    @on(Choices.Taken)
    def _taken(self, message: Choices.Taken) -> None:
        if message.key == "create":
            self.run_worker(self._create(), exclusive=True)
        else:
            self.dismiss(None)

    async def _create(self) -> None:
        language = creating.LANGUAGES[self.query_one("#language", Picks).picked[1]]
        kept = creating.retention(self.query_one("#keeping", Picks).picked)
        try:
            room = await self.node.create(self.query_one(Line).value, kept, language)
        except PeerTalkError as error:
            self._complain(say.error(error))
            self.query_one(Line).focus()
        else:
            self.dismiss(room.id)

    def _complain(self, words: str) -> None:
        self.query_one(".trouble", Static).update(Content(words))
