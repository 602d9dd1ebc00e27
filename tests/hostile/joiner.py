"""A hostile joiner: it knows the slot, or was told the words, and goes about it in whatever way a test wants."""

from __future__ import annotations

import asyncio
from typing import Any, Self

from tests.hostile.conftest import Hostile
from tests.hostile.pairing import GO_ON, WORDS, Code, Gift, Half, Pairing, slot_secret
from tests.hostile.peer import SECONDS

WRONG = b"\0\0\0"
"""Words that are not those of any code here: the tests see to it."""


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

    async def guess(self, code: Code, way: int = WORDS) -> int:
        """A wrong guess: the status in frame 6. Where that is 0, the confirmation is not believed, and nothing more is said."""
        self.ask(code, way)
        if (status := await self.answer()) == GO_ON:
            self.say(self.confirmation)
        await self.peer.refused()
        return status


async def let_in(hostile: Hostile, code: Code, way: int = WORDS, **options: Any) -> Gift:
    """What somebody gets who knows the words."""
    joiner = await Joiner.find(hostile, code.slot, **options)
    gift = await joiner.enter(code, way)
    await joiner.peer.hang_up()
    return gift


async def statuses(guesses: list[Any]) -> list[int]:
    """What several who guess at once are told, in any order."""
    return sorted(await asyncio.gather(*guesses))
