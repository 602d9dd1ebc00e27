"""A hostile inviter: it answers in a slot, knows the words or doesn't, and says what a test wants it to say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from tests.hostile import feed
from tests.hostile.pairing import GO_ON, WORDS, Code, Gift, Half, Pairing, slot_secret, terms
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
    """Listens on loopback. Whoever looks for its slot is met with `play`; `callers` are those, in order."""

    def __init__(self, code: Code, play: Play) -> None:
        self.code = code
        self.callers: list[Caller] = []
        self.port = 0
        self._play = play
        self._peers: list[HostilePeer] = []

    @property
    def hint(self) -> str:
        return f"{HOST}:{self.port}"

    async def meet(self, peer: HostilePeer) -> None:
        self._peers.append(peer)
        caller = Caller(peer, self.code)
        with suppress(ConnectionError, TimeoutError):  # they have hung up
            if await caller.find():
                self.callers.append(caller)
                await self._play(caller)

    async def close(self) -> None:
        for peer in self._peers:
            await peer.hang_up()


@asynccontextmanager
async def inviting(code: Code, play: Play) -> AsyncIterator[Inviter]:
    """A hostile inviter, for as long as the block lasts."""
    inviter = Inviter(code, play)
    async with HostilePeer.answer(secrets=[]) as (inviter.port, came), asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(_serve(inviter, came, tasks))
        try:
            yield inviter
        finally:
            serving.cancel()
            await inviter.close()


async def _serve(inviter: Inviter, came: asyncio.Queue[HostilePeer], tasks: asyncio.TaskGroup) -> None:
    while True:
        tasks.create_task(inviter.meet(await came.get()))


def giving(given: bytes | None = None, **changes: Any) -> Play:
    """Plays the right inviter, but for what is changed in frame 8; it listens for frame 9."""

    async def play(caller: Caller) -> None:
        await caller.asked()
        caller.answer()
        await caller.confirmed()
        caller.say(caller.gift(terms() if given is None else given, **changes))
        await caller.hear()

    return play
