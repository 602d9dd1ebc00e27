"""Coming in by a code where those who answer are not who they pose as."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from peertalk.config import load
from peertalk.core import pairing
from peertalk.core.codes import Code
from peertalk.core.identity import Identity
from peertalk.core.rooms import Terms, encode_terms
from peertalk.errors import RequestError
from peertalk.node import joining
from peertalk.node.node import Node
from peertalk.node.store import Store
from tests.node.company import KEY, Clock
from tests.node.poser import Poser, posing

CODE = Code(7, "words", bytes((3, 141, 59)))
OTHER = Code(7, "words", bytes((3, 141, 58)))
EVERY = list(range(1, 65))
EVE = Identity.from_seed(b"e" * 32).public


def terms(name: str = "friends", seed: bytes = b"s" * 32) -> bytes:
    return encode_terms(Terms(seed, name, "en"))


def gift(raw: bytes = b"", identity: bytes = EVE) -> bytes:
    """Frame 8 without the confirmation."""
    raw = raw or terms()
    return b"\0" + identity + len(raw).to_bytes(2, "big") + raw


class Stage:
    """Posers, and Jon who knows where they are."""

    def __init__(self, directory: Path, stack: AsyncExitStack) -> None:
        self._directory, self._stack = directory, stack
        self.posers: list[Poser] = []

    async def pose(self, poser: Poser) -> Poser:
        self.posers.append(await self._stack.enter_async_context(posing(poser)))
        return poser

    async def jon(self) -> Node:
        connect = [f"127.0.0.1:{poser.port}" for poser in self.posers]
        given = {"home": self._directory, "mdns": False, "interfaces": ["127.0.0.1"], "connect": connect, "lobby": False}
        store = Store.open(self._directory / "jon.db", KEY)
        node = await Node.open(load(given, {}), store, None, Clock(), name="Jon")
        self._stack.push_async_callback(node.close)
        return node


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack:
        yield Stage(tmp_path, stack)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody who is asked is waited for, however slow this machine is."""
    monkeypatch.setattr(joining, "PLACE_SECONDS", 15.0)
    monkeypatch.setattr(joining, "COLLECT_SECONDS", 15.0)


async def accept(node: Node, code: Code = CODE, seconds: float = 10) -> str:
    """The name of the room, or what was said instead."""
    try:
        return (await node._life.entrance.joining.accept(code, seconds)).record.name
    except RequestError as error:
        assert await node.rooms() == []
        return str(error.data.get("reason", error.kind))


async def test_an_independent_inviter_lets_us_in(stage: Stage) -> None:
    poser = await stage.pose(Poser(EVERY, CODE.password, gift=gift()))
    jon = await stage.jon()
    assert await accept(jon) == "friends"
    record = jon._life.lookup.rooms()[0].record
    assert (record.invited_by, record.kind) == (EVE, "private")
    await poser.came[9].wait()


async def test_one_slot_is_asked_for_and_no_room_is_offered(stage: Stage) -> None:
    await stage.pose(Poser([one for one in EVERY if one != 7], CODE.password))
    assert await accept(await stage.jon(), seconds=0.5) == "not_found"
    assert stage.posers[0].seen[5] == 0


@pytest.mark.parametrize(("status", "said"), [(1, "expired"), (2, "used_up"), (3, "sealed")])
async def test_what_a_code_died_of_is_said_at_once(stage: Stage, status: int, said: str) -> None:
    await stage.pose(Poser(EVERY, CODE.password, status=status))
    assert await accept(await stage.jon()) == said
    assert stage.posers[0].seen == {5: 1, 7: 0, 9: 0}


@pytest.mark.parametrize(("status", "said"), [(1, "expired"), (2, "used_up"), (3, "sealed")])
async def test_what_it_has_died_of_meanwhile_is_said_as_well(stage: Stage, status: int, said: str) -> None:
    await stage.pose(Poser(EVERY, CODE.password, gift=bytes((status,))))
    assert await accept(await stage.jon()) == said


GIFTS = {
    "nothing": None,
    "no terms": b"\0" + EVE + b"\0\0",
    "terms that are none": gift(b"what?"),
    "terms with more": gift(terms() + b"\0"),
    "no identity": gift(identity=bytes(32)),
    "a status that there is not": b"\x09",
}


@pytest.mark.parametrize("case", GIFTS)
async def test_who_gives_no_room_knows_nothing_that_helps(stage: Stage, case: str) -> None:
    await stage.pose(Poser(EVERY, CODE.password, gift=GIFTS[case]))
    assert await accept(await stage.jon()) == "wrong"
    assert stage.posers[0].seen == {5: 1, 7: 1, 9: 0}


async def test_who_guesses_has_one_guess_and_the_real_one_is_found_among_them(stage: Stage, patient: None) -> None:
    for _ in range(3):
        await stage.pose(Poser(EVERY, OTHER.password, gift=gift(terms("trap", b"t" * 32))))
    await stage.pose(Poser(EVERY, CODE.password, gift=gift()))
    assert await accept(await stage.jon()) == "friends"
    assert [poser.seen[7] for poser in stage.posers] == [1, 1, 1, 1]
    assert [poser.right for poser in stage.posers] == [0, 0, 0, 1]


async def test_who_has_overheard_the_code_keeps_us_from_joining_either(stage: Stage, patient: None) -> None:
    await stage.pose(Poser(EVERY, CODE.password, gift=gift()))
    await stage.pose(Poser(EVERY, CODE.password, gift=gift(terms("trap", b"t" * 32))))
    assert await accept(await stage.jon()) == "two_rooms"
    assert [poser.seen[9] for poser in stage.posers] == [0, 0]


async def test_one_room_by_two_is_one_room(stage: Stage, patient: None) -> None:
    for _ in range(2):
        await stage.pose(Poser(EVERY, CODE.password, gift=gift()))
    assert await accept(await stage.jon()) == "friends"
    assert sum(poser.seen[9] for poser in stage.posers) <= 1


async def test_so_many_confirmations_leave_for_one_code_and_no_more(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joining, "MAX_CONFIRMED", 2)
    for _ in range(5):
        await stage.pose(Poser(EVERY, OTHER.password))
    assert await accept(await stage.jon()) == "wrong"
    assert sum(poser.seen[7] for poser in stage.posers) == 2


async def test_one_machine_does_not_use_up_all_confirmations(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joining, "MAX_AT_ONE_HOST", 2)
    monkeypatch.setattr(joining, "is_here", lambda host: host != "127.0.0.1")
    for _ in range(5):
        await stage.pose(Poser(EVERY, OTHER.password))
    assert await accept(await stage.jon()) == "wrong"
    assert sum(poser.seen[7] for poser in stage.posers) == 2


async def test_an_inviter_that_falls_silent_cannot_be_reached(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairing, "GIVE_SECONDS", 0.2)
    await stage.pose(Poser(EVERY, CODE.password, silent=8))
    assert await accept(await stage.jon()) == "not_reachable"


async def test_who_falls_silent_earlier_is_as_good_as_not_there(stage: Stage) -> None:
    await stage.pose(Poser(EVERY, CODE.password, silent=2))
    assert await accept(await stage.jon(), seconds=0.5) == "not_found"


async def test_who_is_not_there_yet_is_asked_again(stage: Stage) -> None:
    poser = await stage.pose(Poser([], CODE.password, gift=gift()))
    jon = await stage.jon()
    accepting = asyncio.create_task(accept(jon))
    await poser.came[3].wait()
    poser.slots = EVERY
    assert await accepting == "friends"
    assert poser.seen[7] == 1
