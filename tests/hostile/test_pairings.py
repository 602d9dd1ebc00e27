"""What is no pairing, what can be learned from one, and those who know the words and mean no good."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress

import pytest

from tests.hostile import feed
from tests.hostile.conftest import Hostile
from tests.hostile.invited import ROOM, Invite
from tests.hostile.joiner import Guesser, Joiner, let_in
from tests.hostile.member import overlook
from tests.hostile.pairing import EXPIRED, GO_ON, LINK, SLOTS, USED_UP, WORDS, Half, slot_secret
from tests.hostile.victim import COMING, FRIEND, VICTIM, Victim
from tests.lab.rpc_process import RpcError

pytestmark = pytest.mark.asyncio(loop_scope="module")
everywhere = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has all of 127.0.0.0/8")


# ── what is no pairing ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("size", [0, 1, 32, 33, 35, 64, 1984])
async def test_frame_5_of_another_length(hostile: Hostile, invite: Invite, size: int) -> None:
    joiner = await Joiner.find(hostile, (await invite()).code.slot)
    joiner.say(bytes(size))
    await joiner.peer.refused()


@pytest.mark.parametrize("way", [2, 3, 0x41, 0xFF])
async def test_a_way_that_there_is_not(hostile: Hostile, invite: Invite, way: int) -> None:
    code = (await invite()).code
    joiner = await Joiner.find(hostile, code.slot)
    joiner.say(bytes([way]) + Half(True, joiner.anonymous, code.slot, way, code.password(WORDS)).element)
    await joiner.peer.refused()


@pytest.mark.parametrize("way", [WORDS, LINK], ids=["words", "link"])
async def test_the_secret_of_the_other_way_is_wrong(hostile: Hostile, invite: Invite, way: int) -> None:
    """Even to who knows both: the link secret is no words, and the words are no link."""
    code = (await invite()).code
    joiner = await Joiner.find(hostile, code.slot)
    joiner.half = Half(True, joiner.anonymous, code.slot, way, code.password(1 - way))
    joiner.say(bytes([way]) + joiner.half.element)
    assert await joiner.answer() == GO_ON
    joiner.say(joiner.confirmation)
    await joiner.peer.refused()


async def test_who_goes_on_as_if_it_were_a_room(hostile: Hostile, invite: Invite, lobby: bytes) -> None:
    """Frame 5 of an ordinary channel: who one is belongs into no pairing, whatever was proven beside the slot."""
    slot = slot_secret((await invite()).code.slot)
    for secrets in ([slot], [slot, lobby]):
        peer = await hostile.dial(secrets=secrets)
        peer.send_frame(await peer.due(5))
        await peer.refused()


async def test_a_room_beside_a_slot_is_not_answered(hostile: Hostile, invite: Invite, lobby: bytes) -> None:
    slot = (await invite()).code.slot
    joiner = await Joiner.find(hostile, slot, secrets=[slot_secret(slot), lobby])
    assert joiner.tag(lobby, 4) not in joiner.tags(4)


async def test_a_slot_is_no_room(hostile: Hostile, invite: Invite, lobby: bytes) -> None:
    """It is not proven later on a channel that there is."""
    slot = slot_secret((await invite()).code.slot)
    peer = await (await hostile.dial(seed=feed.blake(b"proves a slot"), secrets=[lobby])).establish()
    peer.reference.secrets = [slot]
    peer.reference.question([slot], 1)
    peer._flush()
    while (await peer.receive())[0] != 7:
        pass
    assert slot not in peer.reference.shared


async def test_who_asks_in_several_slots_at_once(hostile: Hostile, invite: Invite) -> None:
    """That is how free slots are looked for: frame 4 says which are taken, and that is all."""
    first, second = [(await invite()).code for _ in range(2)]
    joiner = await Joiner.find(hostile, first.slot, secrets=[slot_secret(number) for number in SLOTS])
    assert joiner.tag(slot_secret(second.slot), 4) in joiner.tags(4)
    joiner.ask(first)
    await joiner.peer.refused()
    assert (await let_in(hostile, first)).room.hex() == invite.room


async def test_frames_of_another_connection(hostile: Hostile, invite: Invite) -> None:
    """Neither a frame as it was sealed there, nor the right confirmation of there, to the same element even."""
    code = (await invite()).code
    first, second, third = [await Joiner.find(hostile, code.slot) for _ in range(3)]
    first.ask(code, private=7)
    assert await first.answer() == GO_ON
    second.peer.send_frame(first.sealed(first.confirmation))
    await second.peer.refused()
    third.ask(code, private=7)
    assert await third.answer() == GO_ON
    third.say(first.confirmation)
    await third.peer.refused()


async def test_the_key_of_another_connection_or_slot_or_role(hostile: Hostile, invite: Invite) -> None:
    """SPAKE2 with the right words, but bound to anything else."""
    code = (await invite(uses=2)).code
    other = await Joiner.find(hostile, code.slot)
    for anonymous, slot, way, joins in (
        (other.anonymous, code.slot, WORDS, True),
        (None, code.slot % 64 + 1, WORDS, True),
        (None, code.slot, LINK, True),
        (None, code.slot, WORDS, False),
    ):
        joiner = await Joiner.find(hostile, code.slot)
        half = Half(joins, anonymous or joiner.anonymous, slot, way, code.password(WORDS))
        joiner.half = half
        joiner.say(bytes([WORDS]) + b"A" + half.element[1:])
        assert await joiner.answer() == GO_ON
        joiner.say(joiner.confirmation)
        await joiner.peer.refused()
    assert (await let_in(hostile, code)).room.hex() == invite.room


# ── what is learned ──────────────────────────────────────────────────────────────────────────────────────────────────


async def test_nothing_is_learned(hostile: Hostile, invite: Invite, victim: Victim, lobby: bytes) -> None:
    """All that came, in whatever way it was asked for, holds no name, key, room or secret, and no tag but that of the slot."""
    gift = await let_in(hostile, (await invite()).code)
    made = await invite()
    guesser = Guesser(hostile, made.code)
    await asyncio.gather(*(guesser.guess() for _ in range(3)))
    assert (await made.dead())["reason"] == "guessed"
    for way in (WORDS, LINK):
        await guesser.guess(way=way)
    guesser.joiners.append(
        await Joiner.find(hostile, made.code.slot, secrets=[slot_secret(made.code.slot), lobby, gift.secret])
    )
    heard = b"".join(content for joiner in guesser.joiners for content in joiner.heard.values())
    raw = b"".join(frame for joiner in guesser.joiners for frame in joiner.peer.frames)
    for known in [*await belonging_to(victim), gift.terms, gift.secret, gift.identity, made.code.password(WORDS)]:
        assert known not in heard
        assert known not in raw
    for joiner in guesser.joiners:
        assert not {joiner.tag(secret, 4) for secret in (lobby, gift.secret)} & set(joiner.tags(4))
        assert sorted(joiner.heard) in ([4], [4, 6])


async def belonging_to(victim: Victim) -> list[bytes]:
    """What is known of the victim, its friend and its rooms, in bytes."""
    rooms = [bytes.fromhex(room["id"]) for room in await victim.process.call("rooms.list")]
    return [
        *(name.encode() for name in (ROOM, VICTIM, FRIEND)),
        *rooms,
        bytes.fromhex(victim.id),
        bytes.fromhex(victim.friend_id),
    ]


# ── who knows the words ──────────────────────────────────────────────────────────────────────────────────────────────


async def test_uses_are_as_many_as_were_meant(hostile: Hostile, invite: Invite) -> None:
    """Three confirm at the same moment: one gets the room, and the others the word that it is used up."""
    made = await invite()
    joiners = [await Joiner.find(hostile, made.code.slot) for _ in range(3)]
    for joiner in joiners:
        joiner.ask(made.code)
        assert await joiner.answer() == GO_ON
    for joiner in joiners:
        joiner.say(joiner.confirmation)
    gifts = [await joiner.gift() for joiner in joiners]
    assert sorted(gift.status for gift in gifts) == [GO_ON, USED_UP, USED_UP]
    assert all(gift.terms == b"" and gift.identity == bytes(32) for gift in gifts if gift.status)
    assert (await made.dead())["reason"] == "used_up"
    for way in (WORDS, LINK):
        late = await Joiner.find(hostile, made.code.slot)
        late.ask(made.code, way)
        assert await late.answer() == USED_UP


async def test_what_was_taken_back_lets_nobody_in(hostile: Hostile, invite: Invite, victim: Victim) -> None:
    """Neither who comes, nor who has its element already."""
    made = await invite()
    early = await Joiner.find(hostile, made.code.slot)
    early.ask(made.code)
    assert await early.answer() == GO_ON
    await victim.process.call("rooms.cancel_invite", code=made.text)
    early.say(early.confirmation)
    gift = await early.gift()
    assert (gift.status, gift.terms) == (EXPIRED, b"")
    late = await Joiner.find(hostile, made.code.slot)
    late.ask(made.code)
    assert await late.answer() == EXPIRED


@pytest.mark.parametrize("frame_9", [None, b"", bytes(32), b"\xff" * 32, bytes(33), "the victim", "its friend"])
async def test_who_came_is_told_by_nobody_but_who_came(
    hostile: Hostile, invite: Invite, victim: Victim, frame_9: bytes | str | None
) -> None:
    """Frame 9 is a claim. Nothing is shown by it, whoever it names; that is for a link that proves the room."""
    made = await invite()
    joiner = await Joiner.find(hostile, made.code.slot)
    await joiner.enter(made.code)
    named = {"the victim": victim.id, "its friend": victim.friend_id}.get(str(frame_9))
    if frame_9 is not None:
        joiner.say(bytes.fromhex(named) if named else bytes(frame_9))
        await joiner.peer.refused()
    await joiner.peer.hang_up()
    assert (await made.dead())["reason"] == "used_up"
    await victim.talk()
    assert not [event for event in victim.process.events[made.since :] if event["type"] == "invite_used"]
    assert [one["id"] for one in await victim.process.call("rooms.members", room=invite.room)] == [victim.id]


# ── the link ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_guesses_do_not_end_a_link(hostile: Hostile, invite: Invite) -> None:
    code = (await invite()).code
    guesser = Guesser(hostile, code)
    for _ in range(3):
        await asyncio.gather(*(guesser.guess(way=LINK) for _ in range(8)))
    assert guesser.tested == 24
    assert (await let_in(hostile, code, LINK)).room.hex() == invite.room


@everywhere
async def test_who_holds_the_places_of_a_link_keeps_nobody_out(hostile: Hostile, invite: Invite) -> None:
    """Four machines that hold as many connections as they may, each with its place in the queue, saying nothing: who comes from elsewhere
    has its turn."""
    code = (await invite()).code
    guesser = Guesser(hostile, code)
    async with asyncio.TaskGroup() as tasks:
        held = [tasks.create_task(hold(guesser, f"127.0.4.{number % 4 + 1}")) for number in range(60)]
        async with asyncio.timeout(20):
            await guesser.until_tested(8)
            gift = await let_in(hostile, code, LINK)
        for one in held:
            one.cancel()
    assert gift.room.hex() == invite.room


async def hold(guesser: Guesser, source: str) -> None:
    """Ask, take what comes, say nothing, and do the same again as soon as that is hung up on."""
    while True:
        with suppress(ConnectionError, TimeoutError):
            await guesser.silent(way=LINK, source=source, seconds=11)


# ── somebody honest, meanwhile ───────────────────────────────────────────────────────────────────────────────────────


async def test_somebody_comes_in_by_the_link_though_guesses_have_ended_the_words(
    hostile: Hostile, invite: Invite, victim: Victim, shown: set[str]
) -> None:
    """Who was told the code is told that it is used up, as everybody is."""
    shown |= COMING
    made = await invite()
    guesser = Guesser(hostile, made.code)
    async with asyncio.TaskGroup() as tasks:
        for _ in range(9):
            tasks.create_task(guesser.guess())
        await made.dead()
        with pytest.raises(RpcError, match="used_up"):
            await victim.friend.call("rooms.accept", code=made.text)
        assert (await victim.friend.call("rooms.accept", code=made.link))["id"] == invite.room
    await victim.friend.call("rooms.leave", room=invite.room, forget=True)
    await overlook(victim)


@everywhere
async def test_somebody_comes_in_though_half_open_pairings_hold_all_places(
    hostile: Hostile, invite: Invite, victim: Victim, shown: set[str]
) -> None:
    """A hundred addresses, each of which has found the slot and says nothing more."""
    shown |= COMING
    made = await invite()
    held = [await Joiner.find(hostile, made.code.slot, source=f"127.0.5.{number + 1}") for number in range(100)]
    held += [await Joiner.find(hostile, made.code.slot, source="127.0.5.1") for _ in range(40)]
    assert (await victim.friend.call("rooms.accept", code=made.text))["id"] == invite.room
    assert len([joiner for joiner in held if not joiner.peer.over]) <= 128
    await overlook(victim)
