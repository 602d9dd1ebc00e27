"""Messages, told one after the other: the day where it is another one, then the message; and what was told before."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import Final

import msgspec

from peertalk import say, text
from peertalk.core.events import Message
from peertalk.i18n import _
from peertalk.plain.speech import Manner, called, gestures, lines
from peertalk.plain.voice import Voice
from peertalk.say.roster import Roster

REMEMBERED: Final = 1_000
QUOTED: Final = 40


class Telling:
    """`times`: each message has its time."""

    def __init__(self, voice: Voice, roster: Roster, *, times: bool) -> None:
        self.voice = voice
        self._roster = roster
        self._times = times
        self._told: OrderedDict[str, Message] = OrderedDict()
        self._day = ""

    async def tell(self, message: Message, room: str | None, at: int) -> None:
        """Tell a message where `room` is open. `at` (Unix ms) is when it is about: in history when it was written, else now."""
        now = wall()
        before = self._day or say.day(now, now)
        day = before if message.clock else say.day(at, now)  # a clock that is far off says nothing about the day
        self.remember(message)
        self._day = day
        if day != before:
            await self.voice.say(f"{day}.")
        await self.voice.tell(lines(message, Manner(self._roster, room, now, self._times, self._author_of)))
        if message.reactions and message.is_speech:
            await self.voice.say(_("To that: {gestures}.").format(gestures=gestures(message, self._roster)))

    async def changed(self, message: Message, room: str | None) -> None:
        """A message is something else now: tell what is new about it, if it was told here."""
        before = self._told.get(message.id)
        if before is None or message.state == "waiting":
            return
        self.remember(message)
        if message.deleted and not (before.deleted or message.mine):
            await self.voice.say(f"{say.message(message, called(self._roster, message.author))}.")
        elif message.is_speech and say.words(message) != say.words(before):
            await self.voice.tell(lines(message, Manner(self._roster, room, wall(), self._times, self._author_of)))
        if new := _new_gestures(before, message):
            about = text.spoken(text.line(message.title or message.text, QUOTED))
            told = _("To “{text}”: {gestures}.")
            await self.voice.say(told.format(text=about, gestures=gestures(new, self._roster)))

    def remember(self, message: Message) -> None:
        """It need not be told any more; whose it is will be asked for by those who answer it."""
        self._told[message.id] = message
        if len(self._told) > REMEMBERED:
            self._told.popitem(last=False)

    def _author_of(self, message: str) -> str | None:
        told = self._told.get(message)
        return None if told is None else called(self._roster, told.author)

    def knows(self, message: Message) -> bool:
        """Whether it was told, lately."""
        return message.id in self._told


def _new_gestures(before: Message, message: Message) -> Message | None:
    """The message with those gestures that it did not have; None if there are none."""
    new = {
        name: more
        for name, people in message.reactions.items()
        if (more := [each for each in people if each not in before.reactions.get(name, ())])
    }
    return msgspec.structs.replace(message, reactions=new) if new else None


def wall() -> int:
    """Unix milliseconds."""
    return time.time_ns() // 1_000_000
