"""Members of a private room who say of offers, doors, emoji and rolls what is not so, or say it without end; and somebody left out who
has got hold of the secret."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
import pytest_asyncio

from tests.hostile import feed
from tests.hostile.conftest import Hostile
from tests.hostile.feed import COMMIT, NOBODY, pack
from tests.hostile.invited import ROOM, Invite
from tests.hostile.joiner import let_in
from tests.hostile.member import LOBBY, SHOWN, Member, overlook
from tests.hostile.pairing import LINK, Gift, terms
from tests.hostile.peer import HostilePeer
from tests.hostile.victim import MARK, Victim
from tests.lab.rpc_process import RpcError, RpcProcess

pytestmark = pytest.mark.asyncio(loop_scope="module")
ZEROS = bytes(32)


@pytest.fixture(autouse=True)
def coming(shown: set[str]) -> None:
    shown |= {*SHOWN, "reform_offer", "verify_request", "sealed", "unsealed"}


class Insider(NamedTuple):
    """Mallory, in the private room of the victim's, and in the direct room of the two. `gift` is what let her in."""

    member: Member
    direct: bytes
    gift: Gift

    @property
    def peer(self) -> HostilePeer:
        return self.member.peer

    @property
    def language(self) -> str:
        return str(feed.unpack(self.gift.terms)[2])

    def formed(self, **changes: Any) -> bytes:
        """Terms of the room started anew without nobody in particular, but for what is changed."""
        right = {"predecessor": self.member.room, "without": [NOBODY], "language": self.language}
        return terms(**{"name": ROOM, **right, **changes})

    def offers(self, formed: bytes, **changes: Any) -> bytes:
        right = {"room": self.direct, "old": self.member.room, "by": self.member.identity, "followers": [self.member.identity]}
        return feed.offer(**{"terms": formed, **right, **changes})

    async def is_heard(self) -> None:
        await self.member.is_heard()


@pytest_asyncio.fixture(loop_scope="module")
async def insider(hostile: Hostile, invite: Invite, victim: Victim, request: pytest.FixtureRequest) -> Insider:
    """Another one in each test."""
    gift = await let_in(hostile, (await invite()).code, LINK)
    seed = feed.blake(request.node.name.encode())
    member = Member(await (await hostile.dial(seed=seed, secrets=[gift.secret])).establish(), seed, gift.room)
    await member.greet()
    member.say(member.feed.arrives("Insider"))
    await member.claimed(member.feed.last)
    return Insider(member, member.direct(bytes.fromhex(victim.id)).room, gift)


# ── offers ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_offer_is_asked_about(insider: Insider, victim: Victim) -> None:
    """What all the others below are like, but for one thing."""
    before = len(victim.process.events)
    insider.member.say(insider.offers(insider.formed()))
    event = await victim.process.wait_event(lambda event: event["type"] == "reform_offer", since=before)
    assert [offer["by"]["id"] for offer in await victim.process.call("rooms.offers")] == [insider.member.identity.hex()]
    await victim.process.call("rooms.decline", offer=event["offer"])
    assert await victim.process.call("rooms.offers") == []
    await overlook(victim)


Offered = Callable[[Insider, Victim], bytes]
IGNORED: dict[str, Offered] = {
    "of a room that the victim is not in": lambda one, _: one.offers(one.formed(predecessor=NOBODY), old=NOBODY),
    "of the lobby": lambda one, _: one.offers(one.formed(predecessor=LOBBY), old=LOBBY),
    "without the victim": lambda one, it: one.offers(one.formed(without=[bytes.fromhex(it.id)])),
    "without who says so": lambda one, _: one.offers(one.formed(without=[one.member.identity])),
    "without who did it": lambda one, _: one.offers(one.formed(without=[NOBODY]), by=NOBODY),
    "under another name": lambda one, _: one.offers(one.formed(name=MARK)),
    "kept for less": lambda one, _: one.offers(one.formed(retention=-1)),
    "in another language": lambda one, _: one.offers(one.formed(language="de" if one.language == "en" else "en")),
}


@pytest.mark.parametrize("offered", IGNORED.values(), ids=IGNORED)
async def test_a_false_offer_is_ignored(insider: Insider, victim: Victim, offered: Offered) -> None:
    insider.member.say(offered(insider, victim))
    await insider.is_heard()
    assert await victim.process.call("rooms.offers") == []
    await overlook(victim)


REFUSED: dict[str, tuple[str, Offered]] = {
    "in the room itself": ("out_of_order", lambda one, _: one.offers(one.formed(), room=one.member.room)),
    "in a room that is not proven": ("not_proven", lambda one, _: one.offers(one.formed(), room=LOBBY)),
    "no terms": ("malformed", lambda one, _: one.offers(b"x")),
    "terms that are too long": ("malformed", lambda one, _: one.offers(bytes(1601))),
    "terms of a room that is not started anew": ("malformed", lambda one, _: one.offers(terms(ROOM))),
    "terms that name another room": ("malformed", lambda one, _: one.offers(one.formed(predecessor=NOBODY))),
    "65 followers": ("malformed", lambda one, _: one.offers(one.formed(), followers=[bytes([n]) * 32 for n in range(65)])),
    "half an identity": ("malformed", lambda one, _: one.offers(one.formed(), by=bytes(16))),
}


@pytest.mark.parametrize(("reason", "offered"), REFUSED.values(), ids=REFUSED)
async def test_an_offer_that_is_none_costs_the_link(insider: Insider, victim: Victim, reason: str, offered: Offered) -> None:
    insider.member.say(offered(insider, victim))
    assert await insider.peer.closed() == reason
    assert await victim.process.call("rooms.offers") == []
    await overlook(victim)


async def test_who_is_not_in_the_room_offers_nothing(hostile: Hostile, insider: Insider, victim: Victim) -> None:
    """A member of the lobby, who knows the id of the room and no more."""
    one = await Member.join(hostile, "offers from outside")
    direct = one.direct(bytes.fromhex(victim.id)).room
    one.say(insider.offers(insider.formed(), room=direct, by=one.identity, followers=[one.identity]))
    one.say(insider.offers(insider.formed(), room=direct))
    await one.is_heard()
    assert await victim.process.call("rooms.offers") == []
    await overlook(victim)


async def test_offers_without_end_are_kept_within_limits(insider: Insider, victim: Victim) -> None:
    formed = [insider.formed(seed=feed.blake(b"offer %d" % number)) for number in range(2000)]
    insider.member.say(*(insider.offers(one) for one in formed))
    insider.member.say(*(insider.offers(formed[0], followers=[NOBODY, bytes([number % 200]) * 32]) for number in range(500)))
    try:
        await insider.is_heard()
    except ConnectionError:
        assert await insider.peer.closed() in {"flood", "malformed"}
    offers = await victim.process.call("rooms.offers")
    assert len(offers) <= 64
    for one in offers:
        await victim.process.call("rooms.decline", offer=one["offer"])
    await overlook(victim)


# ── waiting, emoji, rolls ────────────────────────────────────────────────────────────────────────────────────────────


async def test_who_says_that_the_door_is_closed_is_not_spoken_to_and_no_more(insider: Insider, victim: Victim) -> None:
    member = insider.member
    member.say(*[pack([feed.WAIT, member.room])] * 2000)
    await victim.talk()
    await member.greet()
    member.say(member.feed.says("back"))
    await victim.process.has_texts("back", room=insider.gift.room.hex())
    await overlook(victim)


@pytest.mark.parametrize("kind", [feed.WAIT, feed.ROLL])
async def test_the_lobby_has_no_door(hostile: Hostile, victim: Victim, kind: int) -> None:
    one = await Member.link(hostile, f"no door {kind}")
    one.say(pack([feed.WAIT, LOBBY]) if kind == feed.WAIT else pack([feed.ROLL, LOBBY, ZEROS]))
    assert await one.peer.closed() == "out_of_order"


Verified = Callable[[Insider], list[bytes]]
STEPS: dict[str, tuple[str, Verified]] = {
    "of the private room": ("out_of_order", lambda one: [feed.verify(one.member.room, COMMIT, ZEROS)]),
    "of a room that is not proven": ("not_proven", lambda one: [feed.verify(NOBODY, COMMIT, ZEROS)]),
    "a step that there is not": ("malformed", lambda one: [feed.verify(one.direct, 3, ZEROS)]),
    "a step of less than nothing": ("malformed", lambda one: [feed.verify(one.direct, -1, ZEROS)]),
    "a step that is no number": ("malformed", lambda one: [feed.verify(one.direct, True, ZEROS)]),
    "a short value": ("malformed", lambda one: [feed.verify(one.direct, COMMIT, bytes(31))]),
    "cancelled with a value": ("malformed", lambda one: [feed.verify(one.direct, feed.CANCEL, NOBODY)]),
    "a nonce first": ("out_of_order", lambda one: [feed.verify(one.direct, feed.NONCE, NOBODY)]),
    "two commitments": ("out_of_order", lambda one: [feed.verify(one.direct, COMMIT, NOBODY)] * 2),
    "a nonce to nobody's": (
        "out_of_order",
        lambda one: [feed.verify(one.direct, COMMIT, NOBODY), feed.verify(one.direct, feed.NONCE, NOBODY)],
    ),
    "without end": (
        "flood",
        lambda one: [feed.verify(one.direct, step, ZEROS) for step in (COMMIT, feed.CANCEL)] * 17,
    ),
}


@pytest.mark.parametrize(("reason", "said"), STEPS.values(), ids=STEPS)
async def test_who_compares_emoji_out_of_turn_loses_the_link(
    insider: Insider, victim: Victim, reason: str, said: Verified
) -> None:
    insider.member.say(*said(insider))
    assert await insider.peer.closed() == reason
    await overlook(victim)


async def test_rolls_without_end_are_worth_a_look_and_no_more(insider: Insider, victim: Victim) -> None:
    """Whoever says other rolls is shown to see something else; that is all that can be had."""
    insider.member.say(*(pack([feed.ROLL, insider.member.room, feed.blake(b"%d" % number)]) for number in range(3000)))
    await victim.talk()
    await insider.is_heard()
    said = await victim.process.call("rooms.words", room=insider.gift.room.hex())
    assert len(said["words"]) == 10
    victim.forget_memory()
    await overlook(victim)


# ── doors ────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def door(process: RpcProcess, room: str) -> bool:
    """Whether it is closed, as this one sees it."""
    return bool((await process.call("rooms.show", room=room))["sealed"])


async def test_who_closes_the_lobby_closes_nothing(hostile: Hostile, victim: Victim) -> None:
    one = await Member.join(hostile, "closes the lobby")
    one.say(one.feed.arrives("Closes"), one.feed.page(one.feed.then({"admitted": [one.identity]}, "seal")))
    await one.claimed(one.feed.last)
    assert not await door(victim.process, "lobby")
    await overlook(victim)


BODIES: dict[str, dict[str, Any] | bytes] = {
    "of nobody": {"admitted": []},
    "of 257": {"admitted": [number.to_bytes(32, "big") for number in range(257)]},
    "of half an identity": {"admitted": [bytes(16)]},
    "of a text": {"admitted": MARK},
    "of nothing": {},
    "deep": {"admitted": [[[[ZEROS]]]]},
    "no map": b"\x93\1\2\3",
}


async def test_seals_that_are_none_close_nothing(insider: Insider, victim: Victim) -> None:
    member, room = insider.member, insider.gift.room.hex()
    for content in BODIES.values():
        member.say(member.feed.page(member.feed.then(content, "seal")))
    member.say(member.feed.page(member.feed.then({"who": bytes(16)}, "admit"), member.feed.then({"tips": MARK}, "follow")))
    await member.claimed(member.feed.last)
    assert not await door(victim.process, room)
    await overlook(victim)


async def test_who_closes_the_door_to_everybody_but_made_up_people_is_seen_and_each_can_open_it(
    insider: Insider, invite: Invite, victim: Victim
) -> None:
    """Nobody is above anybody: each member may close it, and each who was inside may open it, for themselves to begin with."""
    member, room = insider.member, insider.gift.room.hex()
    await victim.friend.call("rooms.accept", code=(await invite()).text)
    made_up = [feed.identity(feed.blake(b"made up %d" % number)) for number in range(200)]
    await victim.process.call("messages.send", room=room, text="before")
    await victim.friend.has_texts("before", room=room)
    member.say(member.feed.page(member.feed.then({"admitted": made_up}, "seal")))
    await member.claimed(member.feed.last)
    assert await door(victim.process, room)
    lines = (await victim.process.call("messages.list", room=room))["messages"]
    assert [line["author"]["id"] for line in lines if line["kind"] == "seal"] == [member.identity.hex()]
    listed = {one["id"] for one in await victim.process.call("rooms.members", room=room)}
    assert not listed & {identity.hex() for identity in made_up}
    for process in (victim.process, victim.friend):
        await process.call("rooms.unseal", room=room)
        assert not await door(process, room)
    await victim.process.call("messages.send", room=room, text="after")
    await victim.friend.has_texts("after", room=room)
    await overlook(victim)


# ── who is left out ──────────────────────────────────────────────────────────────────────────────────────────────────


async def test_who_is_left_out_learns_nothing_though_somebody_gave_them_the_secret(
    hostile: Hostile, insider: Insider, victim: Victim
) -> None:
    """An accomplice is let into the new room, and tells its secret. Proven by who is left out, it is answered with a `Quit`."""
    old = insider.gift.room.hex()
    new = await victim.process.call("rooms.reform", room=old, without=[insider.member.identity.hex()])
    accomplice = Invite(victim, new["id"])
    gift = await let_in(hostile, (await accomplice()).code, LINK)
    assert gift.room.hex() == new["id"]
    again = await (await hostile.dial(seed=insider.member.seed, secrets=[gift.secret, insider.gift.secret])).establish()
    place = Member(again, insider.member.seed, gift.room)
    place.say(feed.card(place.room, place.identity, place.feed.owned_by(place.identity)))
    heard = []
    with pytest.raises(ConnectionError):
        while True:
            heard.append(feed.unpack(await again.message()))
    assert await again.closed() == "left_out"
    assert {message[0] for message in heard if message[1] == gift.room} <= {feed.QUIT}
    assert not [message for message in heard if message[1] == insider.gift.room and message[0] != feed.QUIT]
    with pytest.raises(RpcError, match="reformed"):
        await victim.process.call("messages.send", room=old, text="x")
    await overlook(victim)
