"""A hostile inviter: it answers in a slot, knows the words or doesn't, and says what a test wants it to say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from tests.hostile import feed
from tests.hostile.mallory import Mallory
from tests.hostile.pairing import GO_ON, WORDS, Code, Gift, Half, Pairing, slot_secret
from tests.hostile.peer import HOST, MALLORY, SECONDS, HostilePeer


class Caller(Pairing):
    """Somebody who has dialled it, and offers its slot. `code` is what the inviter believes."""

    def __init__(self, peer: HostilePeer, code: Code) -> None:
        super().__init__(peer)
        self.code = code
        self.way = WORDS
        self.half: Half | None = None

    async def find(self) -> bool:
        """Frames 1 to 4. Whether they look for this slot; if not, they are hung up on."""
        self.peer.send_frame(await self.peer.due(2))
        await self.hear()
        secret = slot_secret(self.code.slot)
        if self.tag(secret, 3) not in self.tags(3):
            await self.peer.hang_up()
            return False
        self.say(self.peer.reference.proof([secret], b"peertalk/1 room" + b"r" + self.anonymous))
        return True

    async def asked(self) -> bytes:
        """Their element, in frame 5."""
        asked = await self.hear()
        self.way = asked[0]
        return asked[1:]

    def answer(self, status: int = GO_ON, element: bytes | None = None) -> None:
        """Frame 6."""
        self.half = Half(False, self.anonymous, self.code.slot, self.way, self.code.password(self.way))
        self.say(bytes([status]) + (element or (bytes(33) if status else self.half.element)))

    async def confirmed(self, seconds: float = SECONDS) -> bool:
        """Whether they know what the inviter believes, by frame 7."""
        return await self.hear(seconds) == self.confirmations[0]

    @property
    def confirmations(self) -> tuple[bytes, bytes]:
        """Those of joiner and inviter."""
        assert self.half
        return self.half.confirmations(self.heard[5][1:])

    def gift(self, given: bytes, **changes: Any) -> bytes:
        """Frame 8 with these terms, and what else is changed of it."""
        right = {"confirmation": self.confirmations[1], "status": GO_ON, "identity": feed.identity(MALLORY), "terms": given}
        return Gift(**{**right, **changes}).pack()


Play = Callable[[Caller], Awaitable[None]]


class Inviter:
    """Listens on loopback. While it has a `play`, whoever looks for the slot of its code is met with that; `callers` are those, in
    order. Whoever else dials is hung up on."""

    def __init__(self) -> None:
        self.code = Code(0)
        self.play: Play | None = None
        self.callers: list[Caller] = []
        self.port = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._peers: list[HostilePeer] = []

    async def listen(self) -> None:
        def take() -> HostilePeer:
            return HostilePeer(Mallory(initiator=False, seed=MALLORY, secrets=[]), self._met)

        self._server = await asyncio.get_running_loop().create_server(take, HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def begin(self, code: Code, play: Play) -> None:
        self.code, self.play, self.callers = code, play, []

    async def rest(self) -> None:
        """Hang up on everybody. Raises what a play has raised."""
        self.play = None
        for peer in self._peers:
            await peer.hang_up()
        tasks, self._tasks, self._peers = self._tasks, [], []
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, BaseException):
                raise result

    def close(self) -> None:
        self._server.close()

    def _met(self, peer: HostilePeer) -> None:
        if self.play is None:
            peer._transport.abort()
        else:
            self._peers.append(peer)
            self._tasks.append(asyncio.create_task(self._meet(Caller(peer, self.code), self.play)))

    async def _meet(self, caller: Caller, play: Play) -> None:
        with suppress(ConnectionError, TimeoutError):  # they have hung up
            if await caller.find():
                self.callers.append(caller)
                await play(caller)


@asynccontextmanager
async def stage(count: int) -> AsyncIterator[list[Inviter]]:
    """So many hostile inviters."""
    inviters = [Inviter() for _ in range(count)]
    try:
        for one in inviters:
            await one.listen()
        yield inviters
    finally:
        for one in inviters:
            await one.rest()
            one.close()


def giving(given: bytes, **changes: Any) -> Play:
    """Plays the right inviter, but for what is changed in frame 8; it listens for frame 9."""

    async def play(caller: Caller) -> None:
        await caller.asked()
        caller.answer()
        await caller.confirmed()
        caller.say(caller.gift(given, **changes))
        await caller.hear(8)

    return play
