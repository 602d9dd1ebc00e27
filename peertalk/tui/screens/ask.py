"""One question at a time, in the middle of the screen: something to type, or something to choose.

What is asked comes as a value (commands/questions.py). `Back` is the answer of somebody who pressed Esc.
"""

from __future__ import annotations

import re
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from peertalk.commands.questions import BACK, Ask, AskChoice, AskText, Back, Choice
from peertalk.i18n import _
from peertalk.tui.wrap import wrap

CARD = 76
"""Columns of a question, as in ask.tcss."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def card(ask: Ask, *, overlay: bool = False) -> Card:
    """The screen that asks this. `overlay`: it stands over a conversation, which shines through."""
    return TextCard(ask, overlay) if isinstance(ask, AskText) else ChoiceCard(ask, overlay)


class Card(ModalScreen[str | Back]):
    """A question."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "back", show=False)]

    def __init__(self, ask: Ask, overlay: bool) -> None:
        super().__init__(classes="-overlay" if overlay else "-page")
        self.question = ask.question
        self._back = ask.back
        self._overlay = overlay

    def compose(self) -> ComposeResult:
        with Vertical(id="card"):
            if self.question.over:
                yield _static(self.question.over, "over")
            yield _static(self.question.title, "title")
            if self.question.why:
                yield _static(self.question.why, "why")
            yield from self.answers()
            yield _static(self.question.trouble, "trouble")
            yield _static(self.keys(), "keys")

    def answers(self) -> ComposeResult:
        """What can be answered with."""
        raise NotImplementedError

    def keys(self) -> str:
        """The keys that do something here."""
        escape = _("Esc {what}").format(what=self._back) if self._back else ""
        return "   ".join(filter(None, [_("Enter goes on"), escape, "" if self._overlay else _("Ctrl+Q closes")]))

    def complain(self, words: str) -> None:
        """Say what is wrong with the answer."""
        self.query_one(".trouble", Static).update(Content(words))

    def action_back(self) -> None:
        if self._back:
            self.dismiss(BACK)


class TextCard(Card):
    """Something to type."""

    def __init__(self, ask: AskText, overlay: bool) -> None:
        super().__init__(ask, overlay)
        self._ask = ask

    def answers(self) -> ComposeResult:
        yield Line(self._ask.text, password=self._ask.secret, select_on_focus=not self._ask.secret)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        wrong = self._ask.check(event.value)
        if wrong:
            self.complain(wrong)
        else:
            self.dismiss(event.value)

    @on(Input.Changed)
    def _changed(self) -> None:
        self.complain("")


class ChoiceCard(Card):
    """Something to choose, with the arrow keys and Enter, or with the mouse."""

    def __init__(self, ask: AskChoice, overlay: bool) -> None:
        super().__init__(ask, overlay)
        self._choices = ask.choices

    def answers(self) -> ComposeResult:
        roomy = any(choice.meaning for choice in self._choices)
        options = [
            Option(self._shown(choice, marked=number == 0), id=choice.key) for number, choice in enumerate(self._choices)
        ]
        yield OptionList(*([each for option in options for each in (option, None)][:-1] if roomy else options))

    def keys(self) -> str:
        return "   ".join([_("↑ ↓ choose"), super().keys()])

    @on(OptionList.OptionHighlighted)
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        for number, choice in enumerate(self._choices):
            event.option_list.replace_option_prompt_at_index(number, self._shown(choice, marked=number == event.option_index))

    def _shown(self, choice: Choice, *, marked: bool) -> Content:
        mark = ("▸ " if marked else "  ", "$accent")
        if not choice.meaning:
            return Content.assemble(mark, choice.title)
        meaning = "".join(
            f"\n  {line}" for line in wrap(choice.meaning, min(self.app.size.width, CARD) - (10 if self._overlay else 8))
        )
        return Content.assemble(mark, (choice.title, "bold"), (meaning, "$soft"))

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option_id or "")


class Line(Input):
    """One line to type into; what is pasted cannot do anything to the terminal."""

    def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        lines = event.text.splitlines()
        if lines:
            self.insert_text_at_cursor(_CONTROL.sub("", lines[0]))


def _static(text: str, classes: str) -> Static:
    return Static(Content(text), classes=classes, markup=False)
