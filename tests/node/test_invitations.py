"""Inviting and coming in by a code, between real nodes in one process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path

import pytest

from peertalk.core import events, slots
from peertalk.core.codes import spoken
from peertalk.core.rooms import Terms, private_room
from peertalk.errors import RequestError
from peertalk.node import invitations, joining
from peertalk.node.node import Node
from tests.node.company import Clock, Company, company, event, online, port, texts, until


class Turning(Clock):
    """Whose monotonic clock can be turned."""

    def __init__(self) -> None:
        super().__init__()
        self.ahead = 0.0

    def mono(self) -> float:
        return super().mono() + self.ahead


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Company]:
    async with company(tmp_path) as one:
        yield one


async def private(node: Node, name: str = "friends") -> str:
    return (await node.create(name)).id


async def pair(home: Company, *, clock: Clock | None = None) -> tuple[Node, Node, str]:
    """Mira with a private room, and Jon who knows where she is and shares nothing with her."""
    mira = await home.node("Mira", lobby=False, clock=clock)
    jon = await home.node("Jon", mira, lobby=False)
    return mira, jon, await private(mira)


async def why(call: Awaitable[object]) -> tuple[str, object]:
    """(kind, reason or why) of the RequestError."""
    with pytest.raises(RequestError) as caught:
        await call
    return caught.value.kind, caught.value.data.get("reason") or caught.value.data.get("why")


def other_than(code: str) -> str:
    """A code in the same slot with other words."""
    slot = int(code.split("-", maxsplit=1)[0])
    other = spoken(slot, (1, 2, 3), "en")
    return other if other != code else spoken(slot, (3, 2, 1), "en")


async def has(node: Node, room: str, text: str) -> bool:
    return text in await texts(node, room)


# ── coming in ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_who_has_the_words_is_in_and_both_can_talk(home: Company) -> None:
    mira, jon, room = await pair(home)
    told = mira.subscribe()
    invite = await mira.invite(room)
    joined = await jon.accept(invite.code.upper().replace("-", " "))
    assert (joined.id, joined.name, joined.kind) == (room, "friends", "private")
    assert [(one.name, one.online, one.me, one.invited_by) for one in await jon.members(room)] == [
        ("Jon", True, True, "Mira"),
        ("Mira", True, False, None),
    ]
    dead = await event(mira, events.InviteDead, events=told)
    assert (dead.code, dead.reason, dead.fresh, dead.room) == (invite.code, "used_up", False, room)
    used = await event(mira, events.InviteUsed, events=told)
    assert (used.code, used.room, used.peer.id) == (invite.code, room, jon.status().identity.id)
    await mira.send(room, "welcome")
    await until(jon, lambda: has(jon, room, "welcome"))
    assert jon._life.lookup.room(room).record.invited_by.hex() == mira.status().identity.id
    assert await why(jon.accept(invite.code)) == ("bad_code", "used_up")


async def test_a_link_leads_there_as_well_in_whatever_language_the_words_are(home: Company) -> None:
    mira, jon, room = await pair(home)
    invite = await mira.invite(room, language="de")
    assert (await jon.accept(f"<{invite.link}>")).id == room
    german = await mira.invite(room, language="de")
    secret = mira._life.entrance.inviting._codes[-1].words.secret
    eve = await home.node("Eve", mira, lobby=False)
    assert (await eve.accept(spoken(int(german.code.split("-", maxsplit=1)[0]), secret, "en"))).id == room


async def test_who_was_asked_for_in_vain_may_invite(home: Company) -> None:
    """Where multicast is filtered, and the two share nothing so far."""
    mira, jon = await home.node("Mira", lobby=False), await home.node("Jon", lobby=False)
    invite = await mira.invite(await private(mira))
    assert (await why(jon.connect("127.0.0.1", port(mira))))[0] == "not_reachable"
    assert (await jon.accept(invite.code)).id == invite.room


async def test_who_has_connected_to_us_may_invite(home: Company) -> None:
    jon = await home.node("Jon")
    mira = await home.node("Mira", jon)
    await until(jon, lambda: online(jon, "Mira"))
    invite = await mira.invite(await private(mira))
    assert (await jon.accept(invite.code)).id == invite.room


async def test_who_could_not_be_reached_any_more_may_invite_all_the_same(home: Company) -> None:
    mira, jon = await home.node("Mira"), await home.node("Jon")
    await jon.connect("127.0.0.1", port(mira))
    await until(mira, lambda: online(mira, "Jon"))
    invite = await mira.invite(await private(mira))
    await jon.close()
    jon = await home.node("Jon", lobby=False)
    book = jon._life.dialer.book
    for target in list(book):
        book.drop(target)
    assert (await jon.accept(invite.code)).id == invite.room


async def test_five_come_at_once_by_one_code(home: Company) -> None:
    mira = await home.node("Mira", lobby=False)
    room = await private(mira)
    invite = await mira.invite(room, uses=5)
    others = [await home.node(f"Nr. {number}", mira, lobby=False) for number in range(5)]
    joined = await asyncio.gather(*(one.accept(invite.code) for one in others))
    assert {one.id for one in joined} == {room}
    assert mira.invites() == []
    await until(mira, lambda: _is_full(mira, room, 6))


async def _is_full(node: Node, room: str, members: int) -> bool:
    return len(await node.members(room)) == members


async def test_a_room_that_one_is_in_is_joined_again_without_harm(home: Company) -> None:
    mira, jon, room = await pair(home)
    for _ in range(2):
        invite = await mira.invite(room)
        assert (await jon.accept(invite.code)).id == room
    assert [one.id for one in await jon.rooms()] == [room]


async def test_a_room_is_on_disk_before_the_inviter_hears_that_somebody_came(home: Company) -> None:
    mira, jon, room = await pair(home)
    invite = await mira.invite(room)
    told = mira.subscribe()
    accepting = asyncio.create_task(jon.accept(invite.code))
    await event(mira, events.InviteUsed, events=told)
    assert [one.record.id.hex() for one in (await jon._life.store.load()).rooms] == [room]
    await accepting


# ── codes that are not, or no longer, good ───────────────────────────────────────────────────────────────────────────


async def test_three_wrong_tries_end_the_words_for_everybody_and_the_link_goes_on(home: Company) -> None:
    mira, jon, room = await pair(home)
    told = mira.subscribe()
    invite = await mira.invite(room)
    for _ in range(3):
        assert await why(jon.accept(other_than(invite.code))) == ("bad_code", "wrong")
    dead = await event(mira, events.InviteDead, events=told)
    assert (dead.reason, dead.fresh) == ("guessed", True)
    assert await why(jon.accept(invite.code)) == ("bad_code", "used_up")
    assert await jon.rooms() == []
    assert (await jon.accept(invite.link)).id == room


async def test_nobody_invites_there(home: Company) -> None:
    mira, jon, room = await pair(home)
    invite = await mira.invite(room)
    slot = int(invite.code.split("-", maxsplit=1)[0])
    assert await why(jon.accept(spoken(slot % 64 + 1, (1, 2, 3), "en"), 0.5)) == ("bad_code", "not_found")


async def test_a_code_has_its_time(home: Company) -> None:
    clock = Turning()
    mira, jon, room = await pair(home, clock=clock)
    invite = await mira.invite(room, ttl=10)
    assert invite.expires_at == pytest.approx(clock.wall() + 10_000, abs=5000)
    clock.ahead = 11
    assert mira.invites(room) == []
    assert await why(jon.accept(invite.code)) == ("bad_code", "expired")
    clock.ahead = 700
    assert await why(jon.accept(invite.code, 0.5)) == ("bad_code", "not_found")


async def test_the_time_of_a_code_goes_on_while_the_machine_sleeps(home: Company) -> None:
    """Its monotonic clock may stand still then."""
    clock = Clock()
    mira, jon, room = await pair(home, clock=clock)
    told = mira.subscribe()
    invite = await mira.invite(room)
    clock.offset = 601_000
    assert mira.invites() == []
    assert await why(jon.accept(invite.code)) == ("bad_code", "expired")
    assert (await event(mira, events.InviteDead, events=told)).reason == "expired"


async def test_a_code_can_be_taken_back_by_words_or_link(home: Company) -> None:
    mira, jon, room = await pair(home)
    for by in ("code", "link"):
        told = mira.subscribe()
        invite = await mira.invite(room)
        await mira.cancel_invite(getattr(invite, by))
        assert (await event(mira, events.InviteDead, events=told)).reason == "cancelled"
        assert await why(jon.accept(invite.code)) == ("bad_code", "expired")
        assert await why(mira.cancel_invite(invite.code)) == ("refused", "not_yours")


async def test_who_leaves_a_room_invites_nobody_to_it_any_more(home: Company) -> None:
    mira, jon, room = await pair(home)
    told = mira.subscribe()
    invite = await mira.invite(room)
    await mira.leave(room)
    assert (await event(mira, events.InviteDead, events=told)).reason == "cancelled"
    assert await why(jon.accept(invite.code)) == ("bad_code", "expired")
    assert [one.terms for one in mira._life.entrance.inviting._codes] == [b""], "the seed of the room is not kept either"


async def test_a_room_whose_door_is_closed_lets_nobody_in(home: Company) -> None:
    mira, jon, room = await pair(home)
    told = mira.subscribe()
    invite = await mira.invite(room)
    await mira.seal(room)
    assert (await event(mira, events.InviteDead, events=told)).reason == "sealed"
    assert await why(jon.accept(invite.code)) == ("sealed", None)
    assert await why(mira.invite(room)) == ("sealed", None)
    await mira.unseal(room)
    assert await why(jon.accept(invite.code)) == ("sealed", None)
    assert (await jon.accept((await mira.invite(room)).code)).id == room


@pytest.mark.parametrize("what", ["sealed", "unknown_room"])
async def test_what_happens_to_a_room_while_one_looks_for_a_slot_counts(home: Company, what: str) -> None:
    jon = await home.node("Jon", lobby=False)
    mira = await home.node("Mira", jon, lobby=False)
    room = await private(mira)
    inviting = asyncio.create_task(mira.invite(room))
    await asyncio.sleep(0)
    await (mira.seal(room) if what == "sealed" else mira.leave(room))
    assert not inviting.done()
    assert (await why(inviting))[0] == what
    assert mira.invites() == []


async def test_who_was_left_out_of_a_room_does_not_come_in_by_a_code(home: Company) -> None:
    mira = await home.node("Mira", lobby=False)
    jon = await home.node("Jon", mira, lobby=False)
    record = private_room(Terms(b"s" * 32, "friends", "en", 0, b"p" * 32, (jon._life.identity.public,)), 0)
    await mira._life.enter(record)
    invite = await mira.invite(record.id.hex())
    assert await why(jon.accept(invite.code)) == ("refused", "left_out")
    assert await jon.rooms() == []


async def test_ones_own_code_leads_nowhere(home: Company) -> None:
    mira, _, room = await pair(home)
    invite = await mira.invite(room)
    listening = mira.status().listening[0]
    mira._life.dialer.keep(listening.host, listening.port, mira._life.clock.mono())
    assert await why(mira.accept(invite.code, 0.5)) == ("bad_code", "not_found")
    assert (await mira.invite(room)).code


async def test_where_two_rooms_answer_one_code_neither_is_joined(home: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joining, "COLLECT_SECONDS", 15.0)
    monkeypatch.setattr(joining, "PLACE_SECONDS", 15.0)
    mira, eve = await home.node("Mira", lobby=False), await home.node("Eve", lobby=False)
    jon = await home.node("Jon", mira, eve, lobby=False)
    invite = await mira.invite(await private(mira))
    theirs = await eve.invite(await private(eve, "others"))
    code, other = (one._life.entrance.inviting._codes[0] for one in (mira, eve))
    other.words = code.words
    other.invitation.slot = code.invitation.slot
    assert theirs.code != invite.code or theirs.link != invite.link
    assert await why(jon.accept(invite.code)) == ("bad_code", "two_rooms")
    assert await jon.rooms() == []


@pytest.mark.parametrize("text", ["", "guitar", "65-guitar-meadow-comet", "peertalk:2/7/aaaa"])
async def test_what_is_no_code_asks_nobody(home: Company, text: str) -> None:
    mira = await home.node("Mira", lobby=False)
    assert await why(mira.accept(text)) == ("bad_code", "malformed")


# ── making codes ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_there_are_invitations_to_private_rooms_only(home: Company) -> None:
    mira = await home.node("Mira")
    room = await private(mira)
    assert await why(mira.invite("lobby")) == ("refused", "not_private")
    for uses, ttl in [(0, 600), (257, 600), (1, 9), (1, 86_401)]:
        assert await why(mira.invite(room, uses, ttl)) == ("refused", "bounds")


async def test_there_are_as_too_many_at_a_time_as_one_can_keep_apart(home: Company) -> None:
    mira = await home.node("Mira", lobby=False)
    room = await private(mira)
    made = [await mira.invite(room) for _ in range(16)]
    assert len({one.code.split("-", maxsplit=1)[0] for one in made}) == 16
    assert await why(mira.invite(room)) == ("refused", "too_many")
    await mira.cancel_invite(made[0].code)
    assert (await mira.invite(room)).code != made[0].code
    assert [one.code for one in mira.invites(room)][:15] == [one.code for one in made[1:]]


async def test_two_who_see_each_other_never_have_one_slot(home: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invitations, "LOOK_SECONDS", 15.0)
    mira = await home.node("Mira", lobby=False)
    eve = await home.node("Eve", mira, lobby=False)
    rooms = [await private(mira), await private(eve, "others")]
    monkeypatch.setattr(slots, "choose", lambda taken, random: min(slots.ALL - set(taken)))
    theirs = [await mira.invite(rooms[0]) for _ in range(3)]
    ours = [await eve.invite(rooms[1]) for _ in range(2)]
    assert [one.code.partition("-")[0] for one in theirs + ours] == ["1", "2", "3", "4", "5"]


async def test_of_two_who_take_one_slot_at_one_moment_one_takes_another(home: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invitations, "LOOK_SECONDS", 15.0)
    mira = await home.node("Mira", lobby=False)
    eve = await home.node("Eve", mira, lobby=False)
    rooms = [await private(mira), await private(eve, "others")]
    monkeypatch.setattr(slots, "choose", lambda taken, random: min(slots.ALL - set(taken)))
    made = await asyncio.gather(mira.invite(rooms[0]), eve.invite(rooms[1]))
    assert {one.code.partition("-")[0] for one in made} == {"1", "2"}


# ── the end of the program ───────────────────────────────────────────────────────────────────────────────────────────


async def test_who_waits_for_an_inviter_is_told_when_the_program_ends(home: Company) -> None:
    mira = await home.node("Mira", lobby=False)
    accepting = asyncio.create_task(mira.accept("7-guitar-meadow-comet"))
    await asyncio.sleep(0)
    await mira.close()
    assert await why(accepting) == ("not_reachable", "closing")
    assert await why(mira.accept("7-guitar-meadow-comet")) == ("not_reachable", "closing")


async def test_who_no_longer_waits_leaves_nothing_behind(home: Company) -> None:
    mira, jon, room = await pair(home)
    invite = await mira.invite(room)
    accepting = asyncio.create_task(jon.accept(invite.code))
    await asyncio.sleep(0)
    accepting.cancel()
    await asyncio.gather(accepting, return_exceptions=True)
    assert (await jon.accept(invite.link)).id == room
