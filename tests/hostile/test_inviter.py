"""Whoever answers in the slot of a code that somebody wants to come in by, and is not who they hope for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.hostile.conftest import Hostile
from tests.hostile.invited import ROOM as CANARY
from tests.hostile.invited import Invite, word_indices
from tests.hostile.inviter import Caller, Inviter, Play, giving, stage
from tests.hostile.joiner import Joiner
from tests.hostile.pairing import EXPIRED, GO_ON, SEALED, USED_UP, Code, slot_secret, terms
from tests.hostile.peer import HOST
from tests.hostile.test_middle import wire
from tests.hostile.victim import COMING, MARK, VICTIM, Victim, dial, start
from tests.lab.rpc_process import RpcError, RpcProcess

pytestmark = pytest.mark.asyncio(loop_scope="module")
SLOT = 37
CODE = Code(SLOT, bytes([3, 141, 59]), bytes(range(16)))
INVITERS = 6
NAME = "Canaryjoinersiskin"


def said(code: Code) -> str:
    """As it is said, in one of the languages."""
    words = {index: word for word, index in word_indices().items()}
    return "-".join([str(code.slot), *(words[index] for index in code.words)])


async def accept(process: RpcProcess, code: str = "", seconds: float = 8) -> str:
    """Let it come in by this code: the id of the room, or why not."""
    try:
        room: str = (await process.call("rooms.accept", code=code or said(CODE), timeout=seconds))["id"]
    except RpcError as error:
        return str(error).partition("'reason': '")[2].partition("'")[0] or str(error.kind)
    return room


class Stage:
    """A process that wants to come in, and hostile inviters whom it knows the addresses of. Called with a play it is the first of them
    that has none who plays it."""

    def __init__(self, process: RpcProcess, inviters: list[Inviter]) -> None:
        self.process, self._inviters = process, inviters

    def __call__(self, play: Play, code: Code = CODE) -> Inviter:
        inviter = next(one for one in self._inviters if one.play is None)
        inviter.begin(code, play)
        return inviter

    async def rest(self) -> None:
        for one in self._inviters:
            await one.rest()

    async def rooms(self) -> set[str]:
        return {room["id"] for room in await self.process.call("rooms.list")}


@asynccontextmanager
async def staged(home: Path, count: int, *options: str) -> AsyncIterator[Stage]:
    """The process knows of nobody else, so it has nobody in common with whoever is attacked in other tests."""
    async with stage(count) as inviters:
        known = [option for one in inviters for option in ("--connect", f"{HOST}:{one.port}")]
        process = await start(home, NAME, *known, *options)
        yield Stage(process, inviters)
        assert process.process.returncode is not None or await process.stop() == 0
        Victim.judge([*process.log, *process.noise])
        assert not [word for word in (NAME, MARK) if word in str(process.log)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def theatre(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with staged(tmp_path_factory.mktemp("joiner") / "home", INVITERS) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def bait(theatre: Stage, undisturbed: None) -> AsyncIterator[Stage]:
    """Whatever happens, the process is in the rooms that it was in."""
    before = await theatre.rooms()
    yield theatre
    await theatre.rest()
    assert await theatre.rooms() == before
    assert MARK not in str(theatre.process.events)


async def nothing_more(caller: Caller) -> None:
    """They hang up."""
    with pytest.raises(ConnectionError):
        await caller.hear(8)


def batches(cases: Iterable[str]) -> list[list[str]]:
    """As many as there are inviters on the stage: what is said to one of them takes as long as what is said to all."""
    names = list(cases)
    return [names[at : at + INVITERS] for at in range(0, len(names), INVITERS)]


# ── what is learned ──────────────────────────────────────────────────────────────────────────────────────────────────


async def guess(caller: Caller) -> None:
    await caller.asked()
    caller.answer()
    assert not await caller.confirmed()
    await caller.peer.hang_up()


async def test_who_does_not_know_the_words_learns_whether_one_guess_was_right(bait: Stage, lobby: bytes) -> None:
    """Once, however often it could be asked again; nothing of who asks, or of which rooms they are in."""
    inviter = bait(guess, CODE._replace(words=b"\1\2\3"))
    assert await accept(bait.process) == "wrong"
    (caller,) = inviter.callers
    assert [len(caller.heard[number]) for number in (3, 5, 7)] == [1024, 34, 32]
    assert caller.heard.keys() == {3, 5, 7}
    assert caller.tag(lobby, 3) not in caller.tags(3)
    assert [number for number in range(1, 65) if caller.tag(slot_secret(number), 3) in caller.tags(3)] == [SLOT]
    heard = b"".join([*caller.heard.values(), *caller.peer.frames])
    assert bytes.fromhex(await bait.process.identity()) not in heard
    assert NAME.encode() not in heard


async def test_who_hangs_up_before_it_has_an_answer_is_asked_again_and_gets_no_guess(bait: Stage) -> None:
    async def play(caller: Caller) -> None:
        await caller.asked()
        await caller.peer.hang_up()

    inviter = bait(play)
    assert await accept(bait.process, seconds=2) == "not_found"
    assert len(inviter.callers) > 1
    assert not [caller for caller in inviter.callers if 7 in caller.heard]


@pytest.mark.timeout(100)
async def test_a_crowd_of_inviters_has_at_most_64_guesses(tmp_path: Path, undisturbed: None) -> None:
    """All on one code, and all of them wrong."""
    async with staged(tmp_path / "home", 70) as crowd:
        callers = [crowd(guess, CODE._replace(words=b"\1\2\3")) for _ in range(70)]
        assert await accept(crowd.process, seconds=15) == "wrong"
        assert sum(7 in caller.heard for one in callers for caller in one.callers) == 64


# ── who says something else than the room ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("status", "reason"), [(EXPIRED, "expired"), (USED_UP, "used_up"), (SEALED, "sealed")])
@pytest.mark.parametrize("frame", [6, 8])
async def test_a_status_is_told_as_what_somebody_says(bait: Stage, frame: int, status: int, reason: str) -> None:
    async def play(caller: Caller) -> None:
        await caller.asked()
        caller.answer(status if frame == 6 else GO_ON)
        if frame == 8:
            await caller.confirmed()
            caller.say(caller.gift(b"", status=status, identity=bytes(32)))
        await nothing_more(caller)

    bait(play)
    assert await accept(bait.process) == reason


BAD_ELEMENTS = {
    "the other side": b"A" + b"\x58" + b"\x66" * 31,
    "the identity": b"B" + (1).to_bytes(32, "little"),
    "the identity, not canonical": b"B" + (2**255 - 18).to_bytes(32, "little"),
    "order 2": b"B" + (2**255 - 20).to_bytes(32, "little"),
    "order 4": b"B" + bytes(32),
    "of another order": b"B" + (3).to_bytes(32, "little"),
    "no point": b"B" + (2).to_bytes(32, "little"),
    "its own": None,
}


def answering(element: bytes | None) -> Play:
    async def play(caller: Caller) -> None:
        theirs = await caller.asked()
        caller.answer(GO_ON, element or b"B" + theirs[1:])
        await nothing_more(caller)

    return play


@pytest.mark.parametrize("names", batches(BAD_ELEMENTS), ids=" · ".join)
async def test_an_element_that_is_none_is_not_confirmed(bait: Stage, names: list[str]) -> None:
    inviters = [bait(answering(BAD_ELEMENTS[name])) for name in names]
    assert await accept(bait.process, seconds=1) == "not_found"
    for inviter in inviters:
        assert inviter.callers
        assert not [caller for caller in inviter.callers if 7 in caller.heard]


# ── who says what is no room ─────────────────────────────────────────────────────────────────────────────────────────

ROOM = terms()
NO_TERMS: dict[str, bytes] = {
    "a byte": b"x",
    "1,600 bytes of zeros": bytes(1600),
    "with a byte behind": ROOM + b"\0",
    "in another encoding": ROOM[:2] + b"\0\x20" + ROOM[2:],
    "no array": b"\xc0",
    "a short seed": terms(seed=bytes(31)),
    "no name": terms(""),
    "a name of spaces": terms("  "),
    "a name with a space around it": terms(f" {MARK}"),
    "a name of two lines": terms(f"{MARK}\n{MARK}"),
    "a name that turns the text around": terms(f"\u202e{MARK}"),
    "a name that is not normal": terms(f"{MARK}e\u0301"),
    "a name with an escape": terms(f"\x1b[2J{MARK}"),
    "a name that is too long": terms("x" * 65),
    "a name that is no text": terms(b"name"),  # type: ignore[arg-type]
    "another language": terms(language="fr"),
    "kept for less than nothing": terms(retention=-2),
    "kept for too long": terms(retention=3651),
    "kept for a while": terms(retention=1.5),
    "kept if you like": terms(retention=True),
    "without somebody, of no other room": terms(without=[bytes(32)]),
    "of another room, without nobody": terms(predecessor=bytes(32)),
    "without somebody twice": terms(predecessor=bytes(32), without=[bytes(32), bytes(32)]),
    "without some, not in order": terms(predecessor=bytes(32), without=[b"\1" * 32, bytes(32)]),
    "without too many": terms(predecessor=bytes(32), without=[bytes([number]) * 32 for number in range(33)]),
    "half a predecessor": terms(predecessor=bytes(16), without=[bytes(32)]),
}


@pytest.mark.parametrize("names", batches(NO_TERMS), ids=" · ".join)
async def test_terms_of_no_room_are_not_joined(bait: Stage, names: list[str]) -> None:
    inviters = [bait(giving(NO_TERMS[name])) for name in names]
    assert await accept(bait.process) == "wrong"
    for inviter in inviters:
        assert [sorted(caller.heard) for caller in inviter.callers] == [[3, 5, 7]]


WRONG_GIFTS: dict[str, dict[str, Any]] = {
    "another confirmation": {"confirmation": bytes(32)},
    "an unknown status": {"status": 4},
    "a status and a room": {"status": EXPIRED},
    "a status, and who says so": {"status": EXPIRED, "terms": b""},
    "no room": {"terms": b""},
    "too long": {"terms": bytes(1601)},
    "no identity": {"identity": bytes(32)},
    "an identity that is none": {"identity": b"\xff" * 32},
}


@pytest.mark.parametrize("names", batches(WRONG_GIFTS), ids=" · ".join)
async def test_a_wrong_frame_8_is_not_joined(bait: Stage, names: list[str]) -> None:
    inviters = [bait(giving(ROOM, **WRONG_GIFTS[name])) for name in names]
    assert await accept(bait.process) in {"wrong", "expired"}
    for inviter in inviters:
        assert [sorted(caller.heard) for caller in inviter.callers] == [[3, 5, 7]]


async def test_what_stands_behind_the_terms_is_nothing(bait: Stage) -> None:
    async def play(caller: Caller) -> None:
        await caller.asked()
        caller.answer()
        await caller.confirmed()
        caller.say(caller.gift(ROOM)[:-1] + b"\1")
        await nothing_more(caller)

    bait(play)
    assert await accept(bait.process) == "wrong"


async def test_a_room_that_leaves_the_joiner_out_is_not_joined(bait: Stage) -> None:
    inviter = bait(giving(terms(predecessor=bytes(32), without=[bytes.fromhex(await bait.process.identity())])))
    assert await accept(bait.process) == "refused"
    assert not [caller for caller in inviter.callers if 9 in caller.heard]


# ── two at once ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_two_rooms_behind_one_code_are_neither_joined(bait: Stage) -> None:
    """Somebody has overheard it: whom one would get to is chance."""
    first, second = bait(giving(terms("One"))), bait(giving(terms("Two")))
    assert await accept(bait.process) == "two_rooms"
    for inviter in (first, second):
        assert [sorted(caller.heard) for caller in inviter.callers] == [[3, 5, 7]]


async def test_one_who_lies_keeps_nobody_from_the_room(bait: Stage) -> None:
    """Statuses and wrong words of some don't count where another one has the room."""

    def saying(status: int) -> Play:
        async def play(caller: Caller) -> None:
            await caller.asked()
            caller.answer(status)
            await nothing_more(caller)

        return play

    for status in (EXPIRED, USED_UP, SEALED):
        bait(saying(status))
    bait(guess, CODE._replace(words=b"\1\2\3"))
    honest = bait(giving(ROOM))
    joined = await accept(bait.process)
    assert [caller.heard[9] for caller in honest.callers] == [bytes.fromhex(await bait.process.identity())]
    await bait.process.call("rooms.leave", room=joined, forget=True)


# ── who vanishes ─────────────────────────────────────────────────────────────────────────────────────────────────────


def until(frame: int) -> Play:
    """Goes on until this frame is due from it, and hangs up instead."""

    async def play(caller: Caller) -> None:
        await caller.asked()
        if frame > 6:
            caller.answer()
            await caller.confirmed()
        await caller.peer.hang_up()

    return play


@pytest.mark.parametrize(("frame", "reason"), [(6, "not_found"), (8, "wrong")])
async def test_who_vanishes_was_not_there(bait: Stage, frame: int, reason: str) -> None:
    bait(until(frame))
    assert await accept(bait.process, seconds=2) == reason


async def test_who_says_nothing_any_more_is_waited_for_for_5_seconds(bait: Stage) -> None:
    async def play(caller: Caller) -> None:
        await caller.asked()
        caller.answer()
        await caller.confirmed()
        await nothing_more(caller)

    bait(play)
    assert await accept(bait.process, seconds=15) == "not_reachable"


@pytest.mark.parametrize("frame", [8, 9])
async def test_nothing_is_half_joined_after_a_kill(tmp_path: Path, undisturbed: None, frame: int) -> None:
    """Killed as soon as frame 8 has left for it, or frame 9 has come from it: then it is in the room as a whole, or not at all."""
    home, come = tmp_path / "home", asyncio.Event()

    async def play(caller: Caller) -> None:
        await caller.asked()
        caller.answer()
        await caller.confirmed()
        caller.say(caller.gift(ROOM))
        if frame == 9:
            await caller.hear()
        come.set()

    async with staged(home, 1, "--no-lobby") as alone:
        alone(play)
        accepting = alone.process.cast("rooms.accept", code=said(CODE))
        await come.wait()
        await alone.process.kill()
        await asyncio.wait([accepting])
    again = await start(home, NAME, "--no-lobby")
    joined = await again.call("rooms.list")
    assert len(joined) == 1 or (frame == 8 and not joined)
    for room in joined:
        assert [member["me"] for member in await again.call("rooms.members", room=room["id"])] == [True]
        await again.call("messages.send", room=room["id"], text="here")
    assert await again.stop() == 0


# ── in the middle ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_who_runs_the_anonymous_part_with_both_can_not_pass_anything_on(
    hostile: Hostile, invite: Invite, bait: Stage
) -> None:
    """Neither elements nor confirmations mean anything on the other side, and it costs a try like any guess."""
    made = await invite()

    async def play(caller: Caller) -> None:
        to_inviter = await Joiner.find(hostile, made.code.slot)
        to_inviter.say(b"\0" + await caller.asked())
        assert await to_inviter.answer() == GO_ON
        caller.say(b"\0" + to_inviter.element)
        to_inviter.say(await caller.hear())
        await to_inviter.peer.refused()
        await caller.peer.hang_up()

    for _ in range(3):
        inviter = bait(play, made.code)
        assert await accept(bait.process, made.text) == "wrong"
        assert [sorted(caller.heard) for caller in inviter.callers] == [[3, 5, 7]]
        await bait.rest()
    assert (await made.dead())["reason"] == "guessed"


async def test_who_passes_on_every_byte_of_an_invitation_is_a_cable(
    invite: Invite, victim: Victim, shown: set[str], tmp_path: Path
) -> None:
    made = await invite()
    shown |= COMING
    process = await start(tmp_path / "home", NAME)
    victim.guests.add(await process.identity())
    async with wire(victim.port) as (between, port):
        assert await dial(process, port) == ""
        assert await accept(process, made.text) == invite.room
        await victim.process.wait_event(lambda event: event["type"] == "invite_used", since=made.since)
        seen = between.passed[True] + between.passed[False]
    known = [made.code.secret, made.code.password(0), bytes.fromhex(invite.room), bytes.fromhex(victim.id)]
    assert not [word for word in [*known, VICTIM.encode(), NAME.encode(), CANARY.encode()] if word in seen]
    assert await process.stop() == 0
