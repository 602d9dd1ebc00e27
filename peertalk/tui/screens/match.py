"""Seven symbols, compared with one person: both have to open it, and nobody is verified but by a yes."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from textual import on

from peertalk import say
from peertalk.core.events import Emoji, Peer
from peertalk.errors import PeerTalkError
from peertalk.tui.screens.sheet import Sheet
from peertalk.tui.sheets.matching import Match, choices, lines
from peertalk.tui.widgets.choices import Choices

if TYPE_CHECKING:
    from peertalk.tui.talk import Talk


class Matching(Sheet[None]):
    """With `emoji` it begins with them; without, it waits for the other one to come as well."""

    def __init__(self, talk: Talk, peer: Peer, emoji: Emoji | None = None) -> None:
        super().__init__(talk)
        self._peer = peer
        self._began = 0.0
        self.match = Match(peer, talk.roster.called(peer), "comparing" if emoji is not None else "waiting", emoji)

    def on_mount(self) -> None:
        self.set_interval(1, self._tick)
        if self.match.emoji is None:
            self._begin()
        self.draw()

    def draw(self) -> None:
        """Bring it up to date."""
        # Nobody is verified by an Enter that was meant for something else: at first none is chosen.
        chosen = -1 if self.match.state == "comparing" else 0
        self.show(lines(self.match, symbols=not self.app.ascii), choices(self.match), chosen)

    def _tick(self) -> None:
        if self.match.state == "waiting":
            self.match = replace(self.match, seconds=int(time.monotonic() - self._began))
            self.draw()

    def _begin(self) -> None:
        self._began = time.monotonic()
        self.match = replace(self.match, state="waiting", emoji=None, seconds=0, trouble="")
        self.run_worker(self._wait(), exclusive=True)

    async def _wait(self) -> None:
        try:
            self.match = replace(self.match, state="comparing", emoji=await self.node.verify(self._peer.id))
        except PeerTalkError as error:
            self.match = replace(self.match, state="failed", trouble=say.error(error))
        self.draw()

    @on(Choices.Taken)
    def _taken(self, message: Choices.Taken) -> None:
        match message.key:
            case "match" | "differ":
                self.run_worker(self._confirm(matches=message.key == "match"), exclusive=True)
            case "again":
                self._begin()
                self.draw()
            case _:
                self.dismiss(None)

    async def _confirm(self, *, matches: bool) -> None:
        try:
            await self.node.confirm(self._peer.id, matches)
            self.match = replace(self.match, state="match" if matches else "differ")
        except PeerTalkError as error:
            self.match = replace(self.match, state="failed", trouble=say.error(error))
        self.draw()
