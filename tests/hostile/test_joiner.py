"""A stranger who knows the slot of an invitation and not its words: it gets the guesses that are budgeted, in whatever way it goes about
it, and learns nothing but whether each was right."""

from __future__ import annotations

import asyncio
import itertools
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest
import pytest_asyncio

from tests.hostile.conftest import Hostile
from tests.hostile.invited import ROOM, Invited, invited
from tests.hostile.joiner import Joiner, let_in
from tests.hostile.pairing import GO_ON, LINK, USED_UP, WORDS, Code, slot_secret
from tests.hostile.victim import FRIEND, VICTIM, Victim

pytestmark = pytest.mark.asyncio(loop_scope="module")
everywhere = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has all of 127.0.0.0/8")
MANY = 12
"""Guesses in each attack, of which three are budgeted."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def room(victim: Victim) -> AsyncIterator[str]:
    yield (await victim.process.call("rooms.create", name=ROOM))["id"]


@pytest.fixture(autouse=True)
def about_invitations(shown: set[str]) -> None:
    shown |= {"invite_dead", "invite_used"}


# ── the budget ───────────────────────────────────────────────────────────────────────────────────────────────────────


class Guesser:
    """Somebody who guesses at one code, over and over. `tested` counts the elements that it got: each can test one guess."""

    def __init__(self, hostile: Hostile, code: Code) -> None:
        self.hostile, self.code = hostile, code
        self.tested = 0
        self.joiners: list[Joiner] = []
        self._guesses = wrong(code)

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
        assert status == GO_ON or (status, joiner.element) == (USED_UP, bytes(33))
        self.tested += status == GO_ON
        return status == GO_ON

    async def guess(self, **options: Any) -> None:
        """One guess as it is meant to be."""
        joiner = await self.ask(**options)
        if await self.test(joiner):
            joiner.say(joiner.confirmation)
        await joiner.peer.refused()

    async def silent(self, seconds: float = 5, **options: Any) -> None:
        """It takes an element, and leaves it to the inviter to hang up."""
        joiner = await self.ask(**options)
        await self.test(joiner)
        await joiner.peer.refused(seconds=seconds)

    async def until_dead(self) -> None:
        """Guess on until the words are dead."""
        async with asyncio.timeout(20):
            while (await self.ask()) and await self.test(self.joiners[-1]):
                await self.joiners[-1].peer.hang_up()


def wrong(code: Code) -> Iterator[Code]:
    """Wrong words, none of them twice."""
    first, *rest = code.words
    return (code._replace(words=bytes([first ^ number, *rest])) for number in itertools.cycle(range(1, 256)))


def address(number: int) -> str:
    return f"127.0.3.{number + 1}"


async def one_after_another(guesser: Guesser) -> None:
    for _ in range(MANY):
        await guesser.guess()


async def all_at_once(guesser: Guesser) -> None:
    await asyncio.gather(*(guesser.guess() for _ in range(MANY)))


async def from_everywhere(guesser: Guesser) -> None:
    await asyncio.gather(*(guesser.guess(source=address(number)) for number in range(MANY)))


async def asked_at_the_same_moment(guesser: Guesser) -> None:
    """All connections stand before the first of them asks."""
    joiners = [await Joiner.find(guesser.hostile, guesser.code.slot) for _ in range(MANY)]
    for joiner, guess in zip(joiners, wrong(guesser.code), strict=False):
        joiner.ask(guess)
    for tested in await asyncio.gather(*(guesser.test(joiner) for joiner in joiners)):
        assert tested in {True, False}


async def without_a_confirmation(guesser: Guesser) -> None:
    for _ in range(MANY):
        joiner = await guesser.ask()
        await guesser.test(joiner)
        await joiner.peer.hang_up()


async def silently(guesser: Guesser) -> None:
    """Who says nothing has 2 s, and the others wait for their turn meanwhile."""
    await asyncio.gather(*(guesser.silent() for _ in range(MANY)))


async def with_a_fin(guesser: Guesser) -> None:
    """Nothing more will come, and the answer is still read."""
    for _ in range(MANY):
        joiner = await guesser.ask()
        joiner.peer.finish()
        await guesser.test(joiner)


async def gone_before_the_answer(guesser: Guesser) -> None:
    for _ in range(MANY):
        await (await guesser.ask()).peer.hang_up()


async def with_everything_in_one_piece(guesser: Guesser) -> None:
    """Whatever comes before frame 6 has left is out of turn."""
    for _ in range(MANY):
        joiner = await Joiner.find(guesser.hostile, guesser.code.slot)
        joiner.ask(next(wrong(guesser.code)))
        joiner.say(bytes(32))
        await guesser.test(joiner)


async def byte_by_byte(guesser: Guesser) -> None:
    for _ in range(4):
        joiner = await guesser.ask()
        if await guesser.test(joiner):
            for byte in joiner.sealed(joiner.confirmation):
                joiner.peer.send_raw(bytes([byte]))  # 48 bytes without a length are a wrong length
        await joiner.peer.refused()


async def with_the_same_element(guesser: Guesser) -> None:
    """An element of its own says nothing about another one of the inviter's."""
    guess = next(wrong(guesser.code))
    for _ in range(MANY):
        joiner = await Joiner.find(guesser.hostile, guesser.code.slot)
        joiner.ask(guess, private=5)
        await guesser.test(joiner)
        await joiner.peer.hang_up()


async def with_old_confirmations(guesser: Guesser) -> None:
    old = bytes(32)
    for _ in range(MANY):
        joiner = await guesser.ask()
        if await guesser.test(joiner):
            joiner.say(old)
            old = joiner.confirmation
        await joiner.peer.refused()


async def with_the_inviters_own_words(guesser: Guesser) -> None:
    """What the inviter has sent is sent back: as a confirmation, and as an element in the next connection."""
    last = None
    for _ in range(MANY):
        joiner = await Joiner.find(guesser.hostile, guesser.code.slot)
        joiner.ask(next(wrong(guesser.code)), element=last and b"A" + last[1:])
        if await guesser.test(joiner):
            joiner.say(joiner.element[1:])
            last = joiner.element
        await joiner.peer.refused()


async def too_late(guesser: Guesser) -> None:
    """Confirmations that come after 2 s: nobody listens any more."""
    joiners = [await guesser.ask() for _ in range(3)]
    for joiner in joiners:
        await guesser.test(joiner)
    await asyncio.gather(*(joiner.peer.refused(seconds=5) for joiner in joiners))
    for joiner in joiners:
        joiner.say(joiner.confirmation)


Attack = Callable[[Guesser], Awaitable[None]]
ATTACKS: list[Attack] = [
    one_after_another,
    all_at_once,
    asked_at_the_same_moment,
    without_a_confirmation,
    silently,
    with_a_fin,
    gone_before_the_answer,
    with_everything_in_one_piece,
    byte_by_byte,
    with_the_same_element,
    with_old_confirmations,
    with_the_inviters_own_words,
    too_late,
]
UNREAD = {gone_before_the_answer, with_everything_in_one_piece}
"""Elements that left, or nearly did, are counted here by the inviter and seen by nobody."""


@pytest.mark.parametrize("attack", [*ATTACKS, pytest.param(from_everywhere, marks=everywhere)])
async def test_guesses_are_as_many_as_budgeted(hostile: Hostile, victim: Victim, room: str, attack: Attack) -> None:
    """Three for one use, by the elements that leave. Then the words are dead for everybody, the link isn't."""
    invite = await invited(victim, room)
    guesser = Guesser(hostile, invite.code)
    await attack(guesser)
    await guesser.until_dead()
    assert guesser.tested <= 3 if attack in UNREAD else guesser.tested == 3
    assert (await invite.dead())["reason"] == "guessed"
    right = await Joiner.find(hostile, invite.code.slot)
    right.ask(invite.code)
    assert await right.answer() == USED_UP
    gift = await let_in(hostile, invite.code, LINK)
    assert (gift.status, gift.room.hex()) == (GO_ON, room)


async def test_the_budget_of_a_workshop_has_an_upper_bound(hostile: Hostile, victim: Victim, room: str) -> None:
    invite = await invited(victim, room, uses=200)
    guesser = Guesser(hostile, invite.code)
    await asyncio.gather(*(guesser.guess() for _ in range(15)))
    gift = await let_in(hostile, invite.code)
    assert gift.room.hex() == room
    await asyncio.gather(*(guesser.guess() for _ in range(14)))
    await let_in(hostile, invite.code)
    await guesser.until_dead()
    assert guesser.tested == 30


async def test_elements_that_are_none_are_no_guess(hostile: Hostile, victim: Victim, room: str) -> None:
    """They are refused before the inviter says anything, so they test nothing, and spend nothing."""
    invite = await invited(victim, room)
    for element in NO_ELEMENTS.values():
        joiner = await Joiner.find(hostile, invite.code.slot)
        joiner.ask(invite.code, element=element)
        await joiner.peer.refused()
    guesser = Guesser(hostile, invite.code)
    await guesser.guess()
    await guesser.guess()
    assert (await let_in(hostile, invite.code)).room.hex() == room
    assert guesser.tested == 2


P = 2**255 - 19
ORDER_8 = 2707385501144840649318225287225658788936804267575313519463743609750303021122
NO_ELEMENTS = {
    "a side that is taken": b"B" + bytes(31) + b"\1",
    "no side": b"S" + bytes([0x58]) + bytes([0x66]) * 31,
    "the identity": b"A" + (1).to_bytes(32, "little"),
    "the identity with a sign": b"A" + (1 | 1 << 255).to_bytes(32, "little"),
    "the identity, not canonical": b"A" + (P + 1).to_bytes(32, "little"),
    "order 2": b"A" + (P - 1).to_bytes(32, "little"),
    "order 2 with a sign": b"A" + (P - 1 | 1 << 255).to_bytes(32, "little"),
    "order 4": b"A" + bytes(32),
    "order 4 with a sign": b"A" + (1 << 255).to_bytes(32, "little"),
    "order 4, not canonical": b"A" + P.to_bytes(32, "little"),
    "order 8": b"A" + ORDER_8.to_bytes(32, "little"),
    "order 8 with a sign": b"A" + (ORDER_8 | 1 << 255).to_bytes(32, "little"),
    "no point": b"A" + (2).to_bytes(32, "little"),
    "a point of another order": b"A" + (3).to_bytes(32, "little"),
    "all ones": b"A" + b"\xff" * 32,
}


# ── what is no pairing ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("size", [0, 1, 32, 33, 35, 64, 1984])
async def test_frame_5_of_another_length(hostile: Hostile, code: Invited, size: int) -> None:
    joiner = await Joiner.find(hostile, code.code.slot)
    joiner.say(bytes(size))
    await joiner.peer.refused()


@pytest.mark.parametrize("way", [2, 3, 0x41, 0xFF])
async def test_a_way_that_there_is_not(hostile: Hostile, code: Invited, way: int) -> None:
    joiner = await Joiner.find(hostile, code.code.slot)
    joiner.ask(code.code, WORDS)
    joiner.peer.reference.drain()
    other = await Joiner.find(hostile, code.code.slot)
    other.say(bytes([way]) + joiner.half.element)
    await other.peer.refused()
    await joiner.peer.hang_up()


async def test_words_of_the_other_way_are_wrong(hostile: Hostile, victim: Victim, room: str) -> None:
    """The link secret is no words, and the words are no link, even to who knows both and swaps them."""
    code = (await invited(victim, room)).code
    for way in (WORDS, LINK):
        joiner = await Joiner.find(hostile, code.slot)
        joiner.ask(code, way)
        assert await joiner.answer() == GO_ON
        swapped = Joiner(joiner.peer)
        swapped.slot = code.slot
        swapped.half = type(joiner.half)(True, joiner.anonymous, code.slot, way, code.password(1 - way))
        joiner.say(swapped.half.confirmations(joiner.element)[0])
        await joiner.peer.refused()


async def test_who_goes_on_as_if_it_were_a_room(hostile: Hostile, code: Invited) -> None:
    """Frame 5 of an ordinary channel: who one is belongs into no pairing."""
    peer = await hostile.dial(secrets=[slot_secret(code.code.slot)])
    peer.send_frame(await peer.due(5))
    await peer.refused()


async def test_a_pairing_is_nothing_else(hostile: Hostile, code: Invited, lobby: bytes) -> None:
    """The lobby is proven beside the slot: it is not answered, and there is no channel to speak on."""
    joiner = await Joiner.find(hostile, code.code.slot, secrets=[slot_secret(code.code.slot), lobby])
    assert joiner.tag(lobby, 4) not in joiner.tags(4)
    peer = await hostile.dial(secrets=[slot_secret(code.code.slot), lobby])
    peer.send_frame(await peer.due(5))
    await peer.refused()
    await joiner.peer.hang_up()


async def test_who_asks_in_several_slots_at_once(hostile: Hostile, victim: Victim, room: str) -> None:
    """That is how free slots are looked for: frame 4 says which are taken, and that is all."""
    first, second = [await invited(victim, room) for _ in range(2)]
    every = [slot_secret(number) for number in range(1, 65)]
    joiner = await Joiner.find(hostile, first.code.slot, secrets=every)
    assert joiner.tag(slot_secret(second.code.slot), 4) in joiner.tags(4)
    joiner.ask(first.code)
    await joiner.peer.refused()
    assert (await let_in(hostile, first.code)).room.hex() == room


async def test_frames_of_another_connection(hostile: Hostile, code: Invited) -> None:
    first = await Joiner.find(hostile, code.code.slot)
    second = await Joiner.find(hostile, code.code.slot)
    first.ask(code.code)
    await first.answer()
    second.peer.send_frame(first.sealed(first.confirmation))
    await second.peer.refused()
    third = await Joiner.find(hostile, code.code.slot)
    third.ask(code.code)
    await third.answer()
    third.say(first.confirmation)
    await third.peer.refused()
    await first.peer.hang_up()


# ── what is learned ──────────────────────────────────────────────────────────────────────────────────────────────────


async def test_nothing_is_learned(hostile: Hostile, victim: Victim, lobby: bytes) -> None:
    """All that came, in whatever way it was asked for, holds no name, key, room or secret, and no tag but that of the slot."""
    room = (await victim.process.call("rooms.create", name=ROOM))["id"]
    invite = await invited(victim, room)
    gift = await let_in(hostile, invite.code, LINK)
    fresh = await invited(victim, room)
    guesser = Guesser(hostile, fresh.code)
    await asyncio.gather(one_after_another(guesser), silently(guesser))
    guesser.joiners.append(await Joiner.find(hostile, fresh.code.slot, secrets=[slot_secret(fresh.code.slot), lobby]))
    heard = b"".join(content for joiner in guesser.joiners for content in joiner.heard.values())
    raw = b"".join(frame for joiner in guesser.joiners for frame in joiner.peer.frames)
    for known in await secret_of(victim, gift.terms):
        assert known not in heard
        assert known not in raw
    for joiner in guesser.joiners:
        answered = joiner.tags(4)
        assert not [secret for secret in (lobby, gift.secret) if joiner.tag(secret, 4) in answered]
        assert sorted(joiner.heard) in ([4], [4, 6])
    await guesser.joiners[-1].peer.hang_up()


async def secret_of(victim: Victim, terms: bytes) -> list[bytes]:
    """What belongs to the victim and its rooms, in bytes."""
    names = [ROOM, VICTIM, FRIEND]
    rooms = [bytes.fromhex(room["id"]) for room in await victim.process.call("rooms.list")]
    return [*(name.encode() for name in names), *rooms, bytes.fromhex(victim.id), bytes.fromhex(victim.friend_id), terms[2:34]]
