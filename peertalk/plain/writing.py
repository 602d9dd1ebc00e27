"""What becomes of a line that was written: a message, a command, or the answer to a question."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, Final

from peertalk import commands, i18n, say, text
from peertalk.commands import codes
from peertalk.errors import PeerTalkError
from peertalk.i18n import _
from peertalk.plain import circle
from peertalk.plain.asking import answered, spoken_options
from peertalk.plain.waiting import Waiting

if TYPE_CHECKING:
    from peertalk.commands.opening import Remember
    from peertalk.plain.session import Session

SOON: Final = 0.5
"""Seconds after which something that still goes on is said to."""
GOES_ON: Final = "\\"


class Writing:
    """Takes lines, one after the other. `patient`: what waits for other people is waited for before the next line is taken, as for
    a pipe, whose lines were all written before."""

    def __init__(self, session: Session, remember: Remember, *, patient: bool = False) -> None:
        self._session = session
        self._voice = session.voice
        self._remember = remember
        self._patient = patient
        self._waiting = Waiting()
        self._written = 0
        self._asked: commands.AskFirst | commands.AskWhich | None = None
        self._begun: list[str] = []
        self._leaving = asyncio.Event()
        self.quit = False
        """Whether the person wants to close the program."""

    def leave(self) -> None:
        """The person wants to close the program: whatever takes a while is given up. A message is kept all the same."""
        self._leaving.set()

    async def take(self, line: str) -> None:
        """A line was written."""
        self._waiting.check()
        self._written += 1
        if self._asked is not None and not self._begun:
            asked, self._asked = self._asked, None
            if await self._is_answer(asked, line):
                return
        if line.endswith(GOES_ON):
            if not self._begun:
                await self._voice.say(_("This goes on with the next line."))
            self._begun.append(line.removesuffix(GOES_ON))
            return
        self._begun.append(line)
        await self.finish()

    async def finish(self) -> None:
        """What was begun is whole."""
        line, self._begun = "\n".join(self._begun), []
        if line.strip():
            await self._working(self._do(line))

    def end(self) -> None:
        """No more lines come: what is waited for is given up."""
        self._waiting.stop()

    async def _is_answer(self, asked: commands.AskFirst | commands.AskWhich, line: str) -> bool:
        """Whether the line was the answer to the question; a command is none, and means no."""
        understood, invocation = answered(asked, line)
        if invocation is not None:
            await self._working(self._run(invocation))
        elif understood:
            await self._voice.say(_("Nothing was changed."))
        elif not line.lstrip().startswith("/"):
            self._asked = asked
            which = isinstance(asked, commands.AskWhich)
            await self._voice.say(_("Please answer with a number, or no.") if which else _("Please answer yes or no."))
        return understood or self._asked is not None

    async def _working(self, work: Coroutine[Any, Any, None]) -> None:
        """Do it, and say so where it takes a while. What cannot be done is said."""
        task = asyncio.ensure_future(work)
        try:
            _done, late = await asyncio.wait([task], timeout=SOON)
            if late and not await self._is_worth_waiting_for(task):
                return
            await task
        except PeerTalkError as error:
            await self._voice.say(say.error(error))
        finally:
            task.cancel()

    async def _is_worth_waiting_for(self, task: asyncio.Task[None]) -> bool:
        """Say that it takes a while, and wait: until it is done, or the person leaves."""
        if not self._leaving.is_set():
            await self._voice.say(_("One moment …"))
        leaving = asyncio.create_task(self._leaving.wait(), name="leaving")
        try:
            await asyncio.wait([task, leaving], return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
        return task.done()

    async def _do(self, line: str) -> None:
        match commands.parse(line):
            case commands.Problem(error):
                raise error
            case commands.Invocation() as invocation:
                await self._run(invocation)
            case commands.Text(written) if self._is_slip(written):
                await self._voice.say(_("That is a code, and it was not sent: everybody here could come in by it."))
                await self._voice.say(_("To come in yourself: /accept {code}").format(code=text.line(written)))
            case commands.Text(written):
                await self._session.send(written)

    def _is_slip(self, written: str) -> bool:
        room = self._session.room
        return room is not None and room.kind == "open" and codes.is_one(written)

    async def _run(self, invocation: commands.Invocation) -> None:
        room = self._session.room
        context = commands.Context(room.id if room is not None else None, text.spoken, self._waiting.goes_on)
        outcome = await commands.run(self._session.node, invocation, context)
        await self._tell(outcome, invocation.command.id)

    async def _tell(self, outcome: commands.Outcome, command: str) -> None:
        """Say what came of a command, and do what it wants."""
        if isinstance(outcome.action, commands.ShowHelp):
            await self._voice.say(*help_sentences(outcome.action.command, outcome.lines))
            return
        await self._voice.say(*circle.shown(outcome))
        if outcome.action is not None:
            await self._perform(outcome.action, said=bool(outcome.lines))
        elif command == "room":
            await self._session.say_state()
        elif command in ("block", "unblock"):
            await self._session.load()

    async def _wait_for(self, invocation: commands.Invocation) -> None:
        """What waits for other people. Who has gone on writing meanwhile stays where they are: nothing is to end up in a room that
        has just opened under somebody's fingers."""
        written = self._written
        try:
            outcome = await commands.run(self._session.node, invocation, commands.Context(spelled=text.spoken))
        except PeerTalkError as error:
            await self._voice.say(say.error(error))
            return
        if isinstance(outcome.action, commands.SwitchRoom) and written != self._written:
            room = await self._session.node.room(outcome.action.room)
            opens = _("You stay where you are; /room {room} opens it.").format(room=text.spoken(room.name))
            outcome = commands.Outcome((*outcome.lines, opens))
        await self._tell(outcome, invocation.command.id)

    async def _perform(self, action: commands.Action, *, said: bool) -> None:  # noqa: C901, PLR0912 (one case for each action)
        """Do what a command wants of this front end."""
        match action:
            case commands.SwitchRoom(room):
                await self._session.enter(room, said=said)
            case commands.ShowOlder():
                await self._session.rooms.older()
            case commands.Quit():
                self.quit = True
            case commands.SetTheme():
                await self._voice.say(_("There are no colours here."))
            case commands.SetLanguage(language):
                i18n.activate(language)
                await self._voice.say(_("From now on in English."))
                self._keep("lang", language)
            case commands.AskFirst(question):
                self._asked = action
                await self._voice.say(question + " " + _("Answer yes or no."))
            case commands.AskWhich():
                self._asked = action
                await self._voice.say(*spoken_options(action))
            case commands.ShowWords(_words, room):
                self._session.circle.compares(room.id)
            case commands.Waiting(_sentence, invocation) if self._patient:
                await self._wait_for(invocation)
            case commands.Waiting(_sentence, invocation):
                self._waiting.begin(self._wait_for(invocation))
            case commands.StopWaiting():
                self._waiting.stop()
                await self._voice.say(_("Nothing is waited for any more."))

    def _keep(self, key: str, value: object) -> None:
        """For the next start too, unless nothing is to be kept. PeerTalkError."""
        if not self._session.node.settings.ephemeral:
            self._remember(key, value)


def help_sentences(topic: str | None, lines: tuple[str, ...]) -> tuple[str, ...]:
    """What `lines` say of a topic; without one the commands, one sentence each, and how to write a message."""
    if topic is not None:
        return lines
    return (
        *(f"{commands.usage(each)}: {_(each.help)}" for each in commands.COMMANDS),
        f"{commands.topic_usage()}: {commands.privacy.title()}.",
        _("Everything else that you write is a message to the room that you are in. If it begins with a slash, write two."),
        _("A line that ends with a backslash goes on in the next one, as part of the same message."),
        _("If you hear nothing after a message, it has arrived. If it has to wait, that is said. /room tells more."),
    )
