"""A companion: it listens to its node, and answers when it is its turn."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Final

from peertalk.core.events import Message, MessageArrived
from peertalk.demo import words
from peertalk.demo.words import COMPANIONS, Language, Persona
from peertalk.errors import PeerTalkError
from peertalk.rpc import RemoteNode

Pause = Callable[[float], Awaitable[None]]
THINKS: Final = 0.6
TYPES: Final = 0.012  # seconds a character
TYPES_AT_MOST: Final = 2.0
log = logging.getLogger("peertalk.demo")


class Companion:
    """One of the two. `own` are the ids of both: everyone else is the person. `pause` waits as long as a person would.

    In the lobby one answer follows each message of the person: from the companion that it names, or by turns. Both count the
    same messages, so they agree without a word. What is written to one alone that one answers."""

    def __init__(
        self, who: Persona, node: RemoteNode, own: frozenset[str], language: Language, pause: Pause = asyncio.sleep
    ) -> None:
        self._who = who
        self._node = node
        self._own = own
        self._language = language
        self._pause = pause
        self._greeted: set[str] = set()
        self._heard = 0
        self._touched: Counter[str] = Counter()

    async def run(self) -> None:
        """Keep the person company until the node ends."""
        events = self._node.subscribe()
        try:
            lobby = (await self._node.room("lobby")).id
            for message in (await self._node.messages(lobby)).messages:
                await self._hear(message, lobby)
            async for event in events:
                if isinstance(event, MessageArrived):
                    await self._hear(event.message, lobby)
        except PeerTalkError as error:
            log.warning("a companion ended: %s", error.kind)
        finally:
            events.close()

    async def _hear(self, message: Message, lobby: str) -> None:
        if message.author.id in self._own:
            return
        if message.kind == "here":
            await self._greet(message, lobby)
        elif message.is_speech:
            await self._consider(message, lobby)

    async def _greet(self, came: Message, lobby: str) -> None:
        if came.room == lobby and came.author.id not in self._greeted:
            self._greeted.add(came.author.id)
            await self._pause(2.5 * COMPANIONS.index(self._who))
            await self._say(lobby, words.greeting(self._who, came.author.name, self._language))

    async def _consider(self, message: Message, lobby: str) -> None:
        subject = words.subject_of(message.text)
        turn = self._touched[subject]
        self._touched[subject] += 1
        if message.room == lobby:
            next_one = COMPANIONS[self._heard % len(COMPANIONS)]
            self._heard += 1
            if (words.called(message.text) or next_one) is not self._who:
                return
        self._language = words.language_of(message.text, self._language)
        await self._say(message.room, words.answer(self._who, message.text, message.author.name, turn, self._language))

    async def _say(self, room: str, text: str) -> None:
        await self._pause(THINKS)
        await self._node.typing(room)
        await self._pause(min(len(text) * TYPES, TYPES_AT_MOST))
        await self._node.send(room, text)
