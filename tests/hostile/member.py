"""A hostile member: it shares the lobby, has a channel, and says what a test wants it to say."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, Self

from tests.hostile import feed
from tests.hostile.conftest import Hostile
from tests.hostile.feed import Feed
from tests.hostile.peer import SECONDS, HostilePeer
from tests.hostile.victim import COMING, Victim

SHOWN = {*COMING, "name"}
"""What may be told of somebody who is in the lobby, and says how they are called."""
LOBBY = feed.room_id(feed.open_secret("lobby"))


class Member:
    """`feed` is its feed in `room`."""

    def __init__(self, peer: HostilePeer, seed: bytes, room: bytes = LOBBY) -> None:
        self.peer, self.seed, self.room = peer, seed, room
        self.identity = feed.identity(seed)
        self.feed = Feed(room, feed.blake(seed + room))
        self._heard: deque[list[Any]] = deque()

    @classmethod
    async def link(cls, hostile: Hostile, name: str) -> Self:
        """With a channel; nothing was said on it yet."""
        seed = feed.blake(name.encode())
        return cls(await (await hostile.dial(seed=seed)).establish(), seed)

    @classmethod
    async def join(cls, hostile: Hostile, name: str) -> Self:
        """With a channel, cards exchanged, and having said that it has nothing."""
        member = await cls.link(hostile, name)
        await member.greet()
        return member

    async def greet(self) -> None:
        self.say(feed.card(self.room, self.identity, self.feed.owned_by(self.identity)))
        self.say(feed.have(self.room), feed.tips(self.room, [], fresh=True, last=True))
        await self.until(feed.HAVE)

    def direct(self, other: bytes) -> Member:
        """The same one, in the direct room with somebody."""
        return Member(self.peer, self.seed, feed.room_id(feed.direct_secret(self.seed, other)))

    def say(self, *messages: bytes) -> None:
        for message in messages:
            self.peer.send_message(message)

    async def hear(self, seconds: float = SECONDS) -> list[Any]:
        """The next message; each of several pages by itself, as a page."""
        if not self._heard:
            message = list(feed.unpack(await self.peer.message(seconds)))
            pages = message[2] if message[0] == feed.PAGES else []
            self._heard += [[feed.PAGE, message[1], *page] for page in pages] or [message]
        return self._heard.popleft()

    async def until(self, kind: int, seconds: float = SECONDS) -> list[Any]:
        """The next message of this kind about the room."""
        async with asyncio.timeout(seconds):
            while True:
                message = await self.hear(seconds)
                if message[0] == kind and message[1] == self.room:
                    return message

    async def introduced(self) -> None:
        """Ask for the cards of all others whom the victim names; they come after what it says itself."""
        self.say(feed.known(self.room, feed.NOBODY))
        while not (pairs := (await self.until(feed.KNOWN))[3:]) or not pairs[0]:
            pass
        self.say(feed.want_cards(self.room, pairs[0]))

    async def claimed(self, entry: bytes) -> None:
        """Wait until the victim says that it holds this entry."""
        while entry not in (await self.until(feed.TIPS))[2]:
            pass

    async def is_heard(self) -> None:
        """Wait until all that was said was taken in: the answer to a request comes after what follows from all before it."""
        self.say(feed.want(self.room, [feed.NOBODY]))
        await self.until(feed.DONE)


async def overlook(victim: Victim) -> None:
    """What was shown so far was looked at: the look after the test begins here. Events come in order, so what follows from all
    that was said before has come when the two have heard each other."""
    await victim.talk()
    victim._seen = {"victim": len(victim.process.events), "friend": len(victim.friend.events)}
