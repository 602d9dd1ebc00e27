"""Somebody who has the number of a code and not the words: no more guesses than there are, whatever they do."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from peertalk.core import events, pairing
from peertalk.core.codes import Code
from peertalk.node.node import Node
from tests.node.company import Company, company, event
from tests.node.guesser import Guesser

WRONG = b"peertalk/1 words" + bytes((1, 2, 3))


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Company]:
    async with company(tmp_path) as one:
        yield one


class Target:
    """Mira invites."""

    def __init__(self, mira: Node) -> None:
        self.mira = mira
        self.port = mira.status().listening[0].port
        self.dialled: list[Guesser] = []

    async def invite(self, uses: int = 1) -> Code:
        room = (await self.mira.create("friends")).id
        await self.mira.invite(room, uses)
        return self.mira._life.entrance.inviting.alive()[-1].words

    async def guessers(self, code: Code, count: int) -> list[Guesser]:
        made = [self.guesser(code.slot) for _ in range(count)]
        assert all([await one.dial() for one in made])
        return made

    def guesser(self, slot: int) -> Guesser:
        self.dialled.append(Guesser(slot, self.port, len(self.dialled)))
        return self.dialled[-1]


@pytest.fixture
async def target(home: Company) -> AsyncIterator[Target]:
    one = Target(await home.node("Mira", lobby=False))
    yield one
    for dialled in one.dialled:
        dialled.close()


async def test_whoever_has_the_words_gets_the_room_and_whoever_has_not_is_hung_up_on(target: Target) -> None:
    code = await target.invite()
    wrong, right = await target.guessers(code, 2)
    assert await wrong.ask(WRONG) == 0
    assert await wrong.confirm() is None
    assert await right.ask(code.password) == 0
    given = await right.confirm()
    assert given is not None
    assert [link.proven for link in target.mira._life.links._all.values()] == [True]
    assert given[0] == 0
    assert given[1:33] == target.mira._life.identity.public
    assert b"friends" in given


@pytest.mark.parametrize("uses", [1, 2])
async def test_elements_leave_for_as_many_as_may_guess_at_once(
    target: Target, uses: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They ask at the same time and never confirm: three from one address have their turn, the others when those are over."""
    monkeypatch.setattr(pairing, "CONFIRM_SECONDS", 0.2)
    told = target.mira.subscribe()
    code = await target.invite(uses)
    made = await target.guessers(code, 12)
    said = await asyncio.gather(*(one.ask(WRONG) for one in made))
    assert Counter(said) == {0: 3 * uses, 2: 12 - 3 * uses}
    assert (await event(target.mira, events.InviteDead, events=told)).reason == "guessed"


async def test_who_hangs_up_has_guessed_as_well(target: Target) -> None:
    told = target.mira.subscribe()
    code = await target.invite()
    for one in await target.guessers(code, 3):
        assert await one.ask(WRONG) == 0
        one.close()
    assert (await event(target.mira, events.InviteDead, events=told)).reason == "guessed"


async def test_who_has_asked_for_nothing_has_not_guessed(target: Target) -> None:
    code = await target.invite()
    for one in await target.guessers(code, 6):
        one.close()
    (right,) = await target.guessers(code, 1)
    assert await right.ask(code.password) == 0
    assert await right.confirm()


async def test_guesses_at_the_link_cost_the_words_nothing(target: Target) -> None:
    code = await target.invite()
    for one in await target.guessers(code, 6):
        assert await one.ask(b"peertalk/1 link" + bytes(16), way=1) == 0
        assert await one.confirm() is None
        one.close()
    (right,) = await target.guessers(code, 1)
    assert await right.ask(code.password) == 0
    assert await right.confirm()


async def test_a_pairing_is_half_open_has_proven_nothing_and_counts_for_nobody(target: Target) -> None:
    code = await target.invite()
    (one,) = await target.guessers(code, 1)
    assert await one.ask(WRONG) == 0
    (link,) = target.mira._life.links._all.values()
    assert (link.pairing, link.half_open, link.proven, link.peer) == (True, True, False, None)
    assert target.mira._life.links.lines == {}
    assert target.mira.status().links == 0


async def test_where_nobody_invites_a_slot_is_like_any_other_room(target: Target) -> None:
    assert not await target.guesser(7).dial()


async def test_too_much_at_once_or_anything_else_ends_the_connection_and_the_try(target: Target) -> None:
    told = target.mira.subscribe()
    code = await target.invite()
    early, short, long = await target.guessers(code, 3)
    assert await early.ask(WRONG) == 0
    early.say(bytes(32) + b"more")
    short.say(bytes(12))
    assert await long.ask(WRONG) == 0
    assert await long.confirm(bytes(32)) is None
    assert not await early.hear()
    assert not await short.hear()
    (last,) = await target.guessers(code, 1)
    assert await last.ask(WRONG) == 0
    assert (await event(target.mira, events.InviteDead, events=told)).reason == "guessed"
