"""A member that says what is no message, what is not its turn to say, and what is not true."""

from __future__ import annotations

import ast
import inspect
from collections.abc import AsyncIterator
from typing import Any

import msgpack
import pytest
from nacl import bindings

from tests.core import pairing_reference, reference
from tests.core.reference import FINAL
from tests.hostile import feed, inviter, joiner, mallory, member, pairing, peer
from tests.hostile.conftest import Hostile
from tests.hostile.feed import NOBODY, Feed, pack
from tests.hostile.member import LOBBY, SHOWN, Member, overlook
from tests.hostile.victim import FRIEND, MARK, Victim
from tests.lab.rpc_process import Event

pytestmark = pytest.mark.asyncio(loop_scope="module")
DEEP = b"\x91" * 1000 + b"\xc0"
ID = bytes(32)
OWN = Feed(LOBBY, bytes(31) + b"\1")
SIGNED = OWN.sign(b"")


@pytest.fixture(autouse=True)
def coming(shown: set[str]) -> None:
    shown |= SHOWN


async def test_the_hostile_peer_is_written_from_the_specification_alone() -> None:
    for module in (reference, pairing_reference, feed, mallory, member, peer, pairing, joiner, inviter):
        tree = ast.parse(inspect.getsource(module))
        names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
        names += [str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        assert not [name for name in names if name.partition(".")[0] == "peertalk"], module


async def test_a_member_written_from_the_specification_is_heard(hostile: Hostile, victim: Victim) -> None:
    one = await Member.join(hostile, "meaning well")
    one.say(one.feed.arrives("Well"), one.feed.says("hello"))
    await one.claimed(one.feed.last)
    await victim.friend.has_texts("hello")
    await overlook(victim)


# ── what is no message ───────────────────────────────────────────────────────────────────────────────────────────────

FLOATS = {"NaN": float("nan"), "infinity": float("inf"), "a float": 1.0}
NUMBERS = {**FLOATS, "2^53": 2**53, "2^63": 2**63, "2^64-1": 2**64 - 1, "-1": -1, "-2^63": -(2**63), "yes": True}
PAGE = [feed.PAGE, LOBBY, [b"h" * 200], SIGNED, [b"b" * 64]]


def page(**changes: Any) -> bytes:
    names = ("headers", "signature", "bodies")
    return pack([feed.PAGE, LOBBY, *(changes.get(name, right) for name, right in zip(names, PAGE[2:], strict=True))])


def full() -> bytes:
    """A right page, but for its size: 9 bodies of 32 KiB."""
    one = Feed(LOBBY, ID)
    return one.page(*(one.then({"text": "x" * 30_000}) for _ in range(9)))


MALFORMED: dict[str, bytes] = {
    "1,000 deep": DEEP,
    "320 KiB deep": b"\x91" * 327_680,
    "1,000 deep inside": pack([feed.TIPS, LOBBY])[:-34].replace(b"\x92", b"\x93") + pack(LOBBY) + DEEP,
    "64 KiB of empty arrays": b"\xdd\x00\x01\x00\x00" + b"\x90" * 65_536,
    "64 KiB of empty maps inside": b"\x93\x03" + pack(LOBBY) + b"\xdd\x00\x01\x00\x00" + b"\x80" * 65_536,
    "320 KiB of maps": b"\x81\x80" * 163_840,
    "a map": pack({0: feed.QUIT, 1: LOBBY}),
    "a promise of 2^32-1 elements": b"\xdd\xff\xff\xff\xff\x0a",
    "a promise of 2^32-1 bytes": b"\x92\x0a\xc6\xff\xff\xff\xff",
    "trailing byte": pack([feed.QUIT, LOBBY]) + b"\0",
    "two in one": pack([feed.QUIT, LOBBY]) * 2,
    "cut off": pack([feed.QUIT, LOBBY])[:-1],
    "never used byte": b"\xc1",
    "nothing in an array": pack([]),
    "just a type": pack([feed.QUIT]),
    "an extension": pack([feed.QUIT, msgpack.ExtType(5, LOBBY)]),
    "a timestamp": feed.have(LOBBY, entries=msgpack.Timestamp(1)),
    "a str for a bin": b"\x92\x0a\xd9\x20" + ID,
    "a bin for a str": pack([feed.SIGNAL, LOBBY, b"typing"]),
    "invalid UTF-8": b"\x93\x09" + pack(LOBBY) + b"\xa2\xff\xfe",
    "half a surrogate pair": b"\x93\x09" + pack(LOBBY) + b"\xa3\xed\xa0\x80",
    "nil for an id": pack([feed.QUIT, None]),
    "an id of 31 bytes": pack([feed.QUIT, LOBBY[:31]]),
    "an id of 33 bytes": pack([feed.QUIT, LOBBY + b"\0"]),
    "an int for a bool": feed.have(LOBBY, disk=1),
    **{f"type {kind!r}": pack([kind, LOBBY]) for kind in (0, 99, 255, -1, 2**63, "10", None, True, 10.0, [10], b"\x0a")},
    **{f"entries {name}": feed.have(LOBBY, entries=number) for name, number in NUMBERS.items()},
    "an element too many": pack([feed.QUIT, LOBBY, None]),
    "an element too few": pack([feed.HAVE, LOBBY, ID, 0]),
    "1,001 tips": feed.tips(LOBBY, [NOBODY] * 1001),
    "257 absent": feed.tips(LOBBY, [], [NOBODY] * 257),
    "no tip wanted": feed.want(LOBBY, []),
    "65 tips wanted": feed.want(LOBBY, [NOBODY] * 65),
    "4,097 known": feed.want(LOBBY, [NOBODY], [NOBODY] * 4097),
    "a card of 257 feeds": feed.card(LOBBY, ID, *[(ID, SIGNED)] * 257),
    "a signature of 63 bytes": feed.card(LOBBY, ID, (ID, SIGNED[:63])),
    "a page of nothing": page(headers=[], bodies=[]),
    "a page of 513": page(headers=[b"h"] * 513, bodies=[None] * 513),
    "a header of 1,025 bytes": page(headers=[b"h" * 1025]),
    "an empty header": page(headers=[b""]),
    "a body of 32 KiB + 1": page(bodies=[b"b" * 32_769]),
    "a body of 31 bytes": page(bodies=[b"b" * 31]),
    "more bodies than headers": page(bodies=[None, None]),
    "a page of more than 256 KiB": full(),
    "bodies of nothing wanted": pack([feed.WANT_BODIES, LOBBY, []]),
    "65 bodies wanted": pack([feed.WANT_BODIES, LOBBY, [ID] * 65]),
    "65 bodies": pack([feed.BODIES, LOBBY, [[ID, bytes(32)]] * 65]),
    "a signal of 17 characters": pack([feed.SIGNAL, LOBBY, "x" * 17]),
}


@pytest.mark.parametrize("message", MALFORMED.values(), ids=MALFORMED.keys())
async def test_what_is_no_message_costs_the_link(hostile: Hostile, message: bytes) -> None:
    one = await Member.join(hostile, "malformed")
    one.say(message)
    assert await one.peer.closed() == "malformed"


async def test_an_empty_message_costs_the_link(hostile: Hostile) -> None:
    one = await Member.join(hostile, "empty")
    one.peer.send_record(FINAL, b"")
    assert await one.peer.closed() == "malformed"


async def test_a_message_of_more_than_320_kib_costs_the_link(hostile: Hostile) -> None:
    one = await Member.join(hostile, "too large")
    one.say(bytes(327_681))
    assert await one.peer.closed() == "too_large"


async def test_numbers_may_be_longer_than_they_need_in_a_message(hostile: Hostile) -> None:
    one = await Member.join(hostile, "wide")
    one.say(b"\xdc\x00\x03\xcf" + (feed.SIGNAL).to_bytes(8, "big") + b"\xc5\x00\x20" + LOBBY + b"\xd9\x01x")
    await one.is_heard()


# ── what is not its turn, or not its room ────────────────────────────────────────────────────────────────────────────

FOREIGN = feed.room_id(b"the secret of a room of others..")
SPOKEN = {
    "have": feed.have,
    "tips": lambda room: feed.tips(room, [NOBODY]),
    "want": lambda room: feed.want(room, [NOBODY]),
    "page": lambda room: Feed(room, ID).says(MARK),
    "done": lambda room: pack([feed.DONE, room, False]),
    "want bodies": lambda room: pack([feed.WANT_BODIES, room, [NOBODY]]),
    "bodies": lambda room: pack([feed.BODIES, room, []]),
    "signal": lambda room: pack([feed.SIGNAL, room, "typing"]),
}


@pytest.mark.parametrize("speak", SPOKEN.values(), ids=SPOKEN.keys())
async def test_who_speaks_before_the_cards_loses_the_link(hostile: Hostile, speak: Any) -> None:
    one = await Member.link(hostile, "early")
    one.say(speak(LOBBY))
    assert await one.peer.closed() == "out_of_order"


@pytest.mark.parametrize(
    "speak",
    [*SPOKEN.values(), lambda room: feed.card(room, ID), lambda room: pack([feed.QUIT, room])],
    ids=[*SPOKEN, "card", "quit"],
)
async def test_who_speaks_of_a_room_that_is_not_proven_loses_the_link(hostile: Hostile, speak: Any) -> None:
    one = await Member.join(hostile, "foreign")
    one.say(speak(FOREIGN))
    assert await one.peer.closed() == "not_proven"


async def test_who_speaks_of_the_direct_room_of_two_others_loses_the_link(hostile: Hostile, victim: Victim) -> None:
    one = await Member.join(hostile, "between")
    theirs = feed.room_id(feed.direct_secret(feed.blake(b"somebody"), bytes.fromhex(victim.id)))
    one.say(feed.card(theirs, one.identity))
    assert await one.peer.closed() == "not_proven"


async def test_who_has_quit_is_not_listened_to(hostile: Hostile) -> None:
    one = await Member.join(hostile, "gone")
    one.say(pack([feed.QUIT, LOBBY]), one.feed.arrives(MARK), one.feed.says(MARK), pack([feed.SIGNAL, LOBBY, "typing"]))
    one.say(feed.card(LOBBY, one.identity, one.feed.owned_by(one.identity)), one.feed.says(MARK))
    one.say(pack([99]))
    assert await one.peer.closed() == "malformed"


async def test_a_direct_room_can_be_quit_and_begun_again(hostile: Hostile, victim: Victim) -> None:
    alone = (await Member.join(hostile, "back and forth")).direct(bytes.fromhex(victim.id))
    for _ in range(3):
        await alone.greet()
        alone.say(pack([feed.QUIT, alone.room]), feed.have(alone.room))
    await alone.greet()


# ── cards ────────────────────────────────────────────────────────────────────────────────────────────────────────────

Maker = Any
P = 2**255 - 19


def number(value: int) -> bytes:
    return value.to_bytes(32, "little")


LOW = [0, 1, P - 1, 325606250916557431795983626356110631294008115727848805560023387167927233504, P, P + 1, 2**255 - 1]
SMALL_FEEDS = {
    "the identity": number(1),
    "of order 2": number(P - 1),
    "of order 4": number(0),
    "of order 8": bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    "not canonical": number(P + 1),
    "no point": number(2),
    "of mixed order": bindings.crypto_core_ed25519_add(OWN.key, number(P - 1)),
}


def false_cards(one: Member, victim: Victim) -> dict[str, tuple[bytes, str]]:
    other, friend, me = Feed(LOBBY, bytes(31) + b"\2"), bytes.fromhex(victim.friend_id), bytes.fromhex(victim.id)
    mine = one.feed.owned_by(one.identity)
    return {
        "signed by another feed": (feed.card(LOBBY, one.identity, (other.key, mine[1])), "bad_card"),
        "signed for another room": (feed.card(LOBBY, one.identity, other.owned_by(one.identity, FOREIGN)), "bad_card"),
        "signed for another identity": (feed.card(LOBBY, one.identity, other.owned_by(friend)), "bad_card"),
        "about the friend, signed for me": (feed.card(LOBBY, friend, mine), "bad_card"),
        "not signed": (feed.card(LOBBY, one.identity, (other.key, bytes(64))), "bad_card"),
        "one of many wrong": (feed.card(LOBBY, one.identity, mine, (other.key, mine[1])), "bad_card"),
        "about the victim": (feed.card(LOBBY, me, (other.key, bytes(64))), ""),
        **{f"about identity {low:x}": (feed.card(LOBBY, number(low), mine), "bad_key") for low in LOW},
        **{f"feed {name}": (feed.card(LOBBY, one.identity, (key, bytes(64))), "bad_key") for name, key in SMALL_FEEDS.items()},
    }


class _Nobody:
    id = friend_id = ID.hex()


CARDS = list(false_cards(Member(None, ID), _Nobody()))  # type: ignore[arg-type]  # for their names alone


@pytest.mark.parametrize("name", CARDS)
async def test_a_false_card_costs_the_link_or_says_nothing(hostile: Hostile, victim: Victim, name: str) -> None:
    one = await Member.join(hostile, "false card")
    message, reason = false_cards(one, victim)[name]
    one.say(message)
    if reason:
        assert await one.peer.closed() == reason
    else:
        await one.is_heard()
    members = await victim.process.call("rooms.members", room="lobby")
    assert {who["id"] for who in members if who["me"]} == {victim.id}


async def feeds_of(one: Member, about: bytes) -> list[bytes]:
    """The feeds of somebody, as the victim tells a newcomer."""
    await one.introduced()
    while (card := await one.until(feed.CARD))[2] != about:
        pass
    return [key for key, _ in card[3]]


async def test_a_feed_of_others_can_not_be_claimed(hostile: Hostile, victim: Victim) -> None:
    one = await Member.link(hostile, "thief")
    one.say(feed.card(LOBBY, one.identity, one.feed.owned_by(one.identity)))
    (theirs,) = await feeds_of(one, bytes.fromhex(victim.friend_id))
    one.say(feed.card(LOBBY, one.identity, (theirs, one.feed.owned_by(one.identity)[1])))
    assert await one.peer.closed() == "bad_card"


async def test_what_is_said_of_the_friend_is_not_believed(hostile: Hostile, victim: Victim) -> None:
    one, liar = await Member.join(hostile, "framed"), Feed(LOBBY, bytes(31) + b"\3")
    friend = bytes.fromhex(victim.friend_id)
    one.say(feed.card(LOBBY, friend, liar.owned_by(friend)), liar.arrives("Liar"), liar.says("I am your friend"))
    await one.claimed(liar.last)
    heard = await victim.process.wait_event(
        lambda event: event["type"] == "message" and event["message"]["text"] == "I am your friend"
    )
    assert heard["message"]["author"]["id"] == ""
    await victim.friend.has_texts("I am your friend")
    await overlook(victim)


async def test_who_is_introduced_by_others_has_neither_name_nor_trust_from_them(hostile: Hostile, victim: Victim) -> None:
    """In a room where the friend is not, nobody can say that a card of theirs is false."""
    await victim.join("elsewhere")
    secret, seed = feed.open_secret("elsewhere"), feed.blake(b"introducer")
    one = Member(await (await hostile.dial(seed=seed, secrets=[secret])).establish(), seed, feed.room_id(secret))
    await one.greet()
    friend, liar = bytes.fromhex(victim.friend_id), Feed(one.room, bytes(31) + b"\4")
    one.say(feed.card(one.room, friend, liar.owned_by(friend)), liar.arrives("Zenobia"), liar.says("I am your friend"))
    await one.claimed(liar.last)
    members = await victim.process.call("rooms.members", room="elsewhere")
    [shown] = [member for member in members if member["id"] == victim.friend_id]
    assert (shown["name"], shown["trust"]) == (FRIEND, "new")
    assert shown["via"]
    listed = (await victim.process.call("messages.list", room="elsewhere"))["messages"]
    [said] = [message for message in listed if message["text"] == "I am your friend"]
    assert said["author"]["via"]
    await victim.process.call("rooms.leave", room="elsewhere", forget=True)
    await overlook(victim)


# ── claims ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "digest", [NOBODY, ID, feed.digest([NOBODY])], ids=["false", "of absent bodies", "of what is not there"]
)
async def test_a_false_have_is_worth_nothing(hostile: Hostile, digest: bytes) -> None:
    one = await Member.join(hostile, "boaster")
    one.say(*[feed.have(LOBBY, digest, 2**53 - 1)] * 50)
    await one.is_heard()


async def test_tips_that_do_not_exist_are_asked_for_and_forgotten(hostile: Hostile) -> None:
    one = await Member.join(hostile, "dreamer")
    dreams = [number(dream) for dream in range(25_000)]
    for start in range(0, len(dreams), 1000):
        one.say(feed.tips(LOBBY, dreams[start : start + 1000], dreams[:256]))
    asked = await one.until(feed.WANT)
    assert len(asked[2]) == 64
    one.say(pack([feed.DONE, LOBBY, True]))
    assert len((await one.until(feed.WANT))[2]) == 64


async def deliveries(victim: Victim, message: str, to: set[str]) -> AsyncIterator[Event]:
    """What is told of who has a message, until they all have it."""
    since = 0
    while True:
        event = await victim.process.wait_event(
            lambda one: one["type"] == "delivered" and one["message"] == message, since=since
        )
        since = victim.process.events.index(event) + 1
        yield event
        if set(event["delivered_to"]) >= to:
            return


async def test_nobody_is_said_to_have_what_they_do_not_claim(hostile: Hostile, victim: Victim) -> None:
    one = await Member.join(hostile, "greedy")
    sent = await victim.process.call("messages.send", room="lobby", text="who has this?")
    (header,) = (await one.until(feed.PAGE))[2]
    one.say(feed.tips(LOBBY, [NOBODY, one.feed.key, bytes.fromhex(sent["id"])]), feed.tips(LOBBY, [], [feed.blake(header)]))
    await one.is_heard()
    told = [event for event in victim.process.events if event["type"] == "delivered" and event["message"] == sent["id"]]
    assert {who for event in told for who in event["delivered_to"]} <= {victim.friend_id}
    one.say(feed.tips(LOBBY, [feed.blake(header)]))
    both = {victim.friend_id, one.identity.hex()}
    told = [event async for event in deliveries(victim, sent["id"], both)]
    assert all(set(event["delivered_to"]) <= both for event in told)
    await overlook(victim)


async def test_signals_are_heard_at_a_rate(hostile: Hostile, victim: Victim) -> None:
    one = await Member.join(hostile, "nervous")
    since = len(victim.process.events)
    one.say(*[pack([feed.SIGNAL, LOBBY, "typing"])] * 2000, *[pack([feed.SIGNAL, LOBBY, "yawning"])] * 100)
    await one.is_heard()
    await victim.talk()
    told = [event for event in victim.process.events[since:] if event["type"] == "typing"]
    assert 1 <= len(told) <= 30
    await overlook(victim)
