"""What becomes of what somebody writes: a message, a command, or a sentence about what is wrong with it. Nothing is lost on the way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from textual.worker import WorkType

from peertalk import commands, say
from peertalk.errors import PeerTalkError
from peertalk.i18n import _
from peertalk.tui.outcomes import perform
from peertalk.tui.widgets.composer import Composer

if TYPE_CHECKING:
    from peertalk.tui.screens.chat import ChatScreen
    from peertalk.tui.talk import Talk

TYPING_AGAIN = 3.0
"""Seconds between two signals that one is writing."""

_CHANGES_WHAT_IS_SHOWN = ("block", "unblock", "nick")


class Writing:
    """The hand of the chat screen that sends and runs commands."""

    def __init__(self, screen: ChatScreen) -> None:
        self._screen = screen
        self._one_by_one = asyncio.Lock()
        self._typing_told = 0.0
        self._running = 0

    def submit(self, line: str) -> None:
        """Enter was pressed on this."""
        talk = self._screen.talk
        if talk is None:
            self._screen.hint(_("One moment: your profile is still being opened. Your text stays."))
            return
        match commands.parse(line):
            case commands.Problem(error):
                self._screen.note(say.error(error), trouble=True)
            case commands.Invocation() as invocation:
                self._composer.put("")
                self.run(invocation, line)
            case commands.Text(text) if talk.room is not None:
                self._typing_told = 0.0
                self._composer.put("")
                self._work(partial(self._send, talk, talk.room.id, text), "send")
            case _:
                self._screen.hint(_("You are in no room. /join NAME enters one."))

    async def _send(self, talk: Talk, room: str, text: str) -> None:
        """In the order in which they were written. What cannot be sent goes back to where it came from."""
        async with self._one_by_one:
            try:
                await talk.node.send(room, text)
            except PeerTalkError as error:
                self._give_back(talk, room, text)
                self._screen.note(say.error(error), trouble=True)

    def run(self, invocation: commands.Invocation, written: str = "") -> None:
        """Carry out a command; `written` is given back where it fails."""
        if self._screen.talk is not None:
            self._work(partial(self._run, self._screen.talk, invocation, written), "command")

    async def _run(self, talk: Talk, invocation: commands.Invocation, written: str) -> None:
        room = talk.room.id if talk.room is not None else None
        try:
            with self._at_work():
                outcome = await commands.run(talk.node, invocation, commands.Context(room))
            if outcome.action is not None:
                await perform(self._screen.app, outcome.action)
        except PeerTalkError as error:
            self._screen.note(say.error(error), trouble=True)
            if written:
                self._give_back(talk, room, written)
            return
        if outcome.lines and not isinstance(outcome.action, commands.ShowHelp):
            self._screen.note("\n".join(outcome.lines))
        if invocation.command.id in _CHANGES_WHAT_IS_SHOWN:
            self._screen.reading.reload()

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        self._running += 1
        self._screen.draw()
        try:
            yield
        finally:
            self._running -= 1
            self._screen.draw()

    @property
    def sign(self) -> str:
        """That something takes a moment, while it does."""
        return _("One moment …") if self._running else ""

    def _work(self, job: WorkType[None], kind: str) -> None:
        self._screen.run_worker(job, group=kind, description=kind)

    def _give_back(self, talk: Talk, room: str | None, text: str) -> None:
        """Into the composer, or into the draft of the room that was left meanwhile."""
        open_room = talk.room.id if talk.room is not None else None
        if room is None or room == open_room:
            self._composer.put("\n".join(filter(None, [text, self._composer.text])))
        else:
            talk.drafts[room] = "\n".join(filter(None, [text, talk.drafts.get(room, "")]))

    def changed(self, text: str) -> None:
        """Something was typed: others may see that, but not what."""
        talk, now = self._screen.talk, time.monotonic()
        if talk is None or talk.room is None or not text.strip() or text.lstrip().startswith("/") or now < self._typing_told:
            return
        self._typing_told = now + TYPING_AGAIN
        talk.node.typing(talk.room.id)

    def complete(self, before: str) -> list[str]:
        """What the text before the cursor could become."""
        if self._screen.talk is None:
            return []
        roster = self._screen.talk.roster
        people = [*roster.here(), *(peer for peer in roster.peers.values() if not peer.online)]
        known = commands.Candidates([roster.title(room) for room in roster.order()], [roster.called(peer) for peer in people])
        return [before[: found.start] + found.text for found in commands.complete(before, len(before), known)]

    @property
    def _composer(self) -> Composer:
        return self._screen.query_one(Composer)
