"""What becomes of what somebody writes: a message, a command, or a sentence about what is wrong with it. Nothing is lost on the way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from textual.worker import Worker, WorkType

from peertalk import commands, say
from peertalk.commands import codes
from peertalk.errors import PeerTalkError, RequestError
from peertalk.i18n import _
from peertalk.tui import flows
from peertalk.tui.outcomes import SHOWN, perform
from peertalk.tui.widgets.composer import Composer

if TYPE_CHECKING:
    from peertalk.tui.screens.chat import ChatScreen
    from peertalk.tui.talk import Talk

TYPING_AGAIN = 3.0
"""Seconds between two signals that one is writing."""

_CHANGES_WHAT_IS_SHOWN = ("block", "unblock", "nick")
_ANSWERS = ("follow", "decline")


class Writing:
    """The hand of the chat screen that sends and runs commands."""

    def __init__(self, screen: ChatScreen) -> None:
        self._screen = screen
        self._one_by_one = asyncio.Lock()
        self._typing_told = 0.0
        self._running: list[str] = []
        self._waiting: Worker[None] | None = None

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
            case commands.Text(text) if talk.room is not None and talk.room.kind == "open" and codes.is_one(text):
                self._composer.put("")
                self.work(partial(flows.accept, self._screen.app, text))
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
                if isinstance(error, RequestError) and error.kind == "key_changed" and room in talk.roster.rooms:
                    self.work(partial(flows.key_changed, self._screen.app, talk.roster.rooms[room], error))
                else:
                    self._screen.note(say.error(error), trouble=True)

    def run(self, invocation: commands.Invocation, written: str = "") -> None:
        """Carry out a command; `written` is given back where it fails."""
        if self._screen.talk is not None:
            self._work(partial(self._run, self._screen.talk, invocation, written), "command")

    def wait(self, sentence: str, invocation: commands.Invocation) -> None:
        """Carry out a command that waits for other people, beside everything else; one at a time."""
        if self._screen.talk is not None:
            job = partial(self._run, self._screen.talk, invocation, "", sentence)
            self._waiting = self._screen.run_worker(job, group="waiting", description="waiting", exclusive=True)

    def stop_waiting(self) -> bool:
        """Give up what is waited for; whether there was anything."""
        waiting, self._waiting = self._waiting, None
        if waiting is None or not waiting.is_running:
            return False
        waiting.cancel()
        self._screen.hint(_("No longer waiting."))
        return True

    async def _run(self, talk: Talk, invocation: commands.Invocation, written: str, waiting: str = "") -> None:
        room = talk.room.id if talk.room is not None else None
        try:
            with self._at_work(waiting):
                outcome = await commands.run(talk.node, invocation, self._context(room))
            if outcome.action is not None:
                await perform(self._screen.app, outcome.action)
        except PeerTalkError as error:
            self._screen.note(say.error(error), trouble=True)
            if written:
                self._give_back(talk, room, written)
            return
        if outcome.lines and not isinstance(outcome.action, SHOWN):
            self._screen.note("\n".join(outcome.lines))
        if invocation.command.id in _CHANGES_WHAT_IS_SHOWN:
            self._screen.reading.reload()
        if invocation.command.id in _ANSWERS:
            self._screen.reading.read_offers()

    def _context(self, room: str | None) -> commands.Context:
        return commands.Context(room, waiting=self._waiting is not None and self._waiting.is_running)

    @contextmanager
    def _at_work(self, waiting: str) -> Iterator[None]:
        sign = waiting or _("One moment …")
        self._running.append(sign)
        self._screen.draw()
        try:
            yield
        finally:
            self._running.remove(sign)
            self._screen.draw()

    @property
    def sign(self) -> str:
        """That something takes a moment, while it does."""
        return self._running[-1] if self._running else ""

    def work(self, job: Callable[[], Awaitable[None]]) -> None:
        """Go through sheets; what the node refuses meanwhile is said below the messages."""
        self._work(partial(self._through, job), "sheets")

    async def _through(self, job: Callable[[], Awaitable[None]]) -> None:
        try:
            await job()
        except PeerTalkError as error:
            self._screen.note(say.error(error), trouble=True)

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
