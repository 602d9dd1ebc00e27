"""Messages, told one after the other: the day where it is another one, then the message; and what was told before."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import Final

from peertalk import say
from peertalk.core.events import Message
from peertalk.i18n import _
from peertalk.plain.speech import Manner, called, lines
from peertalk.plain.voice import Voice
from peertalk.say.roster import Roster

REMEMBERED: Final = 1_000


class Telling:
    """`times`: each message has its time."""

    def __init__(self, voice: Voice, roster: Roster, *, times: bool) -> None:
        self.voice = voice
        self._roster = roster
        self._times = times
        self._told: OrderedDict[str, str] = OrderedDict()
        self._day = ""

    async def tell(self, message: Message, room: str | None, at: int) -> None:
        """Tell a message where `room` is open. `at` (Unix ms) is when it is about: in history when it was written, else now."""
        now = wall()
        day, before = say.day(at, now), self._day or say.day(now, now)
        self.remember(message)
        self._day = day
        if day != before:
            await self.voice.say(f"{day}.")
        await self.voice.tell(lines(message, Manner(self._roster, room, now, self._times, self._told.get)))

    def remember(self, message: Message) -> None:
        """It need not be told any more; whose it is will be asked for by those who answer it."""
        self._told[message.id] = _("you") if message.mine else called(self._roster, message.author)
        if len(self._told) > REMEMBERED:
            self._told.popitem(last=False)

    def knows(self, message: Message) -> bool:
        """Whether it was told, lately."""
        return message.id in self._told


def wall() -> int:
    """Unix milliseconds."""
    return time.time_ns() // 1_000_000
