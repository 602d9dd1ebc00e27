"""A hostile joiner: it knows the slot, or was told the words, and goes about it in whatever way a test wants."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from typing import Any, Self

from tests.hostile.conftest import Hostile
from tests.hostile.pairing import EXPIRED, GO_ON, USED_UP, WORDS, Code, Gift, Half, Pairing, slot_secret
from tests.hostile.peer import SECONDS


class Joiner(Pairing):
    """One connection to an inviter, in this slot."""

    slot = 0
    half: Half

    @classmethod
    async def find(cls, hostile: Hostile, slot: int, **options: Any) -> Self:
        """Frames 1 to 4. ConnectionError where nobody invites there."""
        joiner = cls(await hostile.dial(**{"secrets": [slot_secret(slot)], **options}))
        joiner.slot = slot
        joiner.peer.send_frame(await joiner.peer.due(3))
        await joiner.hear()
        assert joiner.tag(slot_secret(slot), 4) in joiner.tags(4)
        return joiner

    def ask(self, code: Code, way: int = WORDS, element: bytes | None = None, private: int | None = None) -> None:
        """Frame 5, with the element that belongs to this code, or another."""
        self.half = Half(True, self.anonymous, self.slot, way, code.password(way), private)
        self.say(bytes([way]) + (element or self.half.element))

    async def answer(self, seconds: float = SECONDS) -> int:
        """The status in frame 6."""
        return (await self.hear(seconds))[0]

    @property
    def element(self) -> bytes:
        """That of the inviter, in frame 6."""
        return self.heard[6][1:]

    @property
    def confirmation(self) -> bytes:
        """The right one, if the words are."""
        return self.half.confirmations(self.element)[0]

    async def gift(self, seconds: float = SECONDS) -> Gift:
        """Frame 8, which has to be by somebody who knows the words."""
        gift = Gift.read(await self.hear(seconds))
        assert gift.confirmation == self.half.confirmations(self.element)[1]
        return gift

    async def enter(self, code: Code, way: int = WORDS) -> Gift:
        """Frames 5 to 8, as who knows the words would."""
        self.ask(code, way)
        assert await self.answer() == GO_ON
        self.say(self.confirmation)
        return await self.gift()


async def let_in(hostile: Hostile, code: Code, way: int = WORDS, **options: Any) -> Gift:
    """What somebody gets who knows the words."""
    joiner = await Joiner.find(hostile, code.slot, **options)
    gift = await joiner.enter(code, way)
    await joiner.peer.hang_up()
    return gift


class Guesser:
    """Somebody who guesses at one code, over and over. `tested` counts the elements that it got: each can test one guess."""

    def __init__(self, hostile: Hostile, code: Code) -> None:
        self.hostile, self.code = hostile, code
        self.tested = 0
        self.joiners: list[Joiner] = []
        self._guesses = wrong(code)
        self._news = asyncio.Event()

    async def ask(self, way: int = WORDS, **options: Any) -> Joiner:
        """As far as frame 5."""
        joiner = await Joiner.find(self.hostile, self.code.slot, **options)
        self.joiners.append(joiner)
        joiner.ask(next(self._guesses), way)
        return joiner

    async def test(self, joiner: Joiner) -> bool:
        """Whether there is an element in frame 6."""
        try:
            status = await joiner.answer(11)
        except ConnectionError:
            return False
        assert status == GO_ON or (status in {EXPIRED, USED_UP} and not any(joiner.element))
        self.tested += status == GO_ON
        self._news.set()
        return status == GO_ON

    async def guess(self, **options: Any) -> None:
        """One guess as it is meant to be. `way` and `source` may be said."""
        joiner = await self.ask(**options)
        if await self.test(joiner):
            joiner.say(joiner.confirmation)
        await joiner.peer.refused()

    async def silent(self, seconds: float = 5, **options: Any) -> None:
        """It takes an element, and leaves it to the inviter to hang up."""
        joiner = await self.ask(**options)
        await self.test(joiner)
        await joiner.peer.refused(seconds=seconds)

    async def until_tested(self, count: int) -> None:
        """Wait until so many elements came, whoever asks for them meanwhile."""
        while self.tested < count:
            self._news.clear()
            await self._news.wait()

    async def until_dead(self) -> None:
        """Guess on until the words are dead."""
        async with asyncio.timeout(20):
            while (await self.ask()) and await self.test(self.joiners[-1]):
                await self.joiners[-1].peer.hang_up()


def wrong(code: Code) -> Iterator[Code]:
    """Codes of which neither words nor secret are right, none of them twice."""
    for number in itertools.cycle(range(1, 256)):
        yield code._replace(words=flipped(code.words, number), secret=flipped(code.secret, number))


def flipped(data: bytes, bits: int) -> bytes:
    return bytes([data[0] ^ bits]) + data[1:]
