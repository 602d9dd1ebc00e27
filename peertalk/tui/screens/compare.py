"""The words of a room, read aloud: whoever is ticked is verified, once all see the same."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from peertalk import say
from peertalk.core import events
from peertalk.core.events import Room, Words
from peertalk.errors import PeerTalkError
from peertalk.i18n import _
from peertalk.tui.bridge import Told
from peertalk.tui.screens.sheet import Sheet
from peertalk.tui.sheets import comparing
from peertalk.tui.sheets.comparing import Comparison
from peertalk.tui.widgets.choices import Choices
from peertalk.tui.widgets.page import Page
from peertalk.tui.widgets.ticks import Tick, Ticks

if TYPE_CHECKING:
    from peertalk.tui.talk import Talk


class Compare(Sheet[str | None]):
    """What it ends with: "create" or "leave", where that was chosen."""

    AUTO_FOCUS = "Ticks"

    def __init__(self, talk: Talk, words: Words, room: Room) -> None:
        super().__init__(talk)
        self.comparison = Comparison(room, words)

    def body(self) -> ComposeResult:
        yield Page(id="text")
        yield Page(id="below")
        yield Ticks(id="ticks")
        yield Static(classes="question", markup=False)

    def keys(self) -> str:
        return "   ".join([_("Space ticks"), _("Enter goes on"), _("Esc closes")]) if self._people() else super().keys()

    def on_mount(self) -> None:
        self.draw()

    def _people(self) -> tuple[Tick, ...]:
        """Who can be ticked."""
        now = self.comparison
        return () if now.verdict or now.words.gathering else comparing.people(now.words, self.talk.roster.called)

    def draw(self) -> None:
        """Bring it up to date."""
        now, called = self.comparison, self.talk.roster.called
        below = comparing.below(now, called)
        people = self._people()
        self.show(comparing.lines(now, called), comparing.choices(now, called))
        self.query_one("#below", Page).set(below)
        self.query_one("#below").display = bool(below)
        self._draw_ticks(people)
        asked = comparing.question(now, called)
        self.query_one(".question", Static).update(Content(asked))
        self.query_one(".question").display = bool(asked)

    def _draw_ticks(self, people: tuple[Tick, ...]) -> None:
        """Who was ticked stays so while nobody can be. Ticking comes first."""
        ticks = self.query_one(Ticks)
        appear = people and not (ticks.display and ticks.people)
        ticks.display = bool(people)
        if people:
            ticks.set(people)
        if appear:
            ticks.focus()
        elif not people:
            self.query_one(Choices).focus()

    # ── what the node says ───────────────────────────────────────────────────────────────────────────────────────────

    @on(Told)
    def _told(self, message: Told) -> None:
        room = self.comparison.room.id
        if any(isinstance(event, events.RoomChanged) and event.room.id == room for event in message.events):
            self.run_worker(self._read(), group="words", exclusive=True)

    async def _read(self) -> None:
        """The words as they are now. What somebody is about to say yes to never changes unseen."""
        now = self.comparison
        if now.verdict == "same":
            return
        try:
            words = await self.node.words(now.room.id)
        except PeerTalkError as error:
            self.comparison = replace(now, trouble=say.error(error))
        else:
            new = bool(now.words.words) and not now.words.gathering and words.words != now.words.words
            self.comparison = replace(now, words=words, changed=now.changed or new)
            if new and not words.gathering:
                self.query_one(Ticks).focus()
        self.draw()

    # ── what is answered ─────────────────────────────────────────────────────────────────────────────────────────────

    @on(Ticks.Ticked)
    def _ticked(self) -> None:
        self.comparison = replace(self.comparison, trouble="")
        self.draw()

    @on(Choices.Taken)
    def _taken(self, message: Choices.Taken) -> None:
        match message.key:
            case "same":
                self._same()
            case "differs":
                self.comparison = replace(self.comparison, verdict="differs", trouble="")
                self.draw()
            case "again":
                self.comparison = replace(self.comparison, verdict="", changed=False)
                self.run_worker(self._read(), group="words", exclusive=True)
                self.draw()
            case _:
                self.dismiss(None if message.key == "close" else message.key)

    def _same(self) -> None:
        present = sorted(self.query_one(Ticks).ticked)
        if present:
            self.run_worker(self._verify(present), group="words", exclusive=True)
            return
        self.comparison = replace(self.comparison, trouble=_("Tick first who is really here: only they are verified by it."))
        self.draw()
        self.query_one(Ticks).focus()

    async def _verify(self, present: list[str]) -> None:
        now = self.comparison
        try:
            await self.node.verified(now.room.id, present)
            self.comparison = replace(now, verdict="same", verified=tuple(present), trouble="")
        except PeerTalkError as error:
            self.comparison = replace(now, trouble=say.error(error))
        self.draw()
