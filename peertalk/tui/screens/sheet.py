"""A sheet over the conversation: lines, perhaps something to type or to tick, and what can be answered. Esc always leaves it.

The chat screen passes on what the node says (`Told`), so that a sheet is as true as what lies under it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from peertalk.commands.questions import Choice
from peertalk.i18n import _
from peertalk.tui.widgets.choices import Choices
from peertalk.tui.widgets.page import Page, Paragraph

if TYPE_CHECKING:
    from peertalk.node.node import Node
    from peertalk.tui.app import PeerTalkApp
    from peertalk.tui.talk import Talk


Answer = TypeVar("Answer")


class Sheet(ModalScreen[Answer]):
    """Ends with None for Esc."""

    app: PeerTalkApp
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", show=False)]
    AUTO_FOCUS = "Choices"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (96, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (30, "-tall")]

    def __init__(self, talk: Talk) -> None:
        super().__init__(classes="-overlay")
        self.talk = talk

    @property
    def node(self) -> Node:
        """The node that all this is about."""
        return self.talk.node

    def compose(self) -> ComposeResult:
        with Vertical(id="over"):
            with VerticalScroll(can_focus=False):
                yield from self.body()
            yield Choices(id="choices")
            yield Static(self.keys(), classes="keys", markup=False)

    def body(self) -> ComposeResult:
        """What stands on it."""
        yield Page(id="text")

    def keys(self) -> str:
        """The keys that do something here."""
        return "   ".join([_("← → choose"), _("Enter takes it"), _("Esc closes")])

    def show(self, lines: tuple[Paragraph, ...], choices: Sequence[Choice], chosen: int = 0) -> None:
        """Say this, and offer this."""
        self.query_one("#text", Page).set(lines)
        self.query_one(Choices).set(choices, chosen)
        self.query_one(".keys", Static).update(Content(self.keys()))

    def action_close(self) -> None:
        self.dismiss(None)
