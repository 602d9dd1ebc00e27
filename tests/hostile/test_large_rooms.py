"""A member that says of a large room what is not so: who is there, who holds what, which links are needed. And makes one large."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.hostile import feed
from tests.hostile.conftest import Hostile
from tests.hostile.feed import NOBODY, Feed, pack
from tests.hostile.member import LOBBY, SHOWN, Member, overlook
from tests.hostile.peer import HOST, HostilePeer
from tests.hostile.test_pages import hears
from tests.hostile.victim import Victim

pytestmark = pytest.mark.asyncio(loop_scope="module")
ZEROS = bytes(64)
MADE_UP = 150


@pytest.fixture(autouse=True)
def coming(shown: set[str]) -> None:
    shown |= SHOWN


def now() -> int:
    return int(time.time())


MALFORMED: dict[str, bytes] = {
    "no pulse": pack([feed.PULSES, LOBBY, []]),
    "257 pulses": pack([feed.PULSES, LOBBY, [[NOBODY, 1, NOBODY, True, ZEROS]] * 257]),
    "a counter of 2^53": pack([feed.PULSES, LOBBY, [[NOBODY, 2**53, NOBODY, True, ZEROS]]]),
    "a counter of 2^63": pack([feed.PULSES, LOBBY, [[NOBODY, 2**63, NOBODY, True, ZEROS]]]),
    "a counter of -1": pack([feed.PULSES, LOBBY, [[NOBODY, -1, NOBODY, True, ZEROS]]]),
    "a counter that is none": pack([feed.PULSES, LOBBY, [[NOBODY, 1.0, NOBODY, True, ZEROS]]]),
    "a digest of 31 bytes": pack([feed.PULSES, LOBBY, [[NOBODY, 1, NOBODY[1:], True, ZEROS]]]),
    "half on disk": pack([feed.PULSES, LOBBY, [[NOBODY, 1, NOBODY, 1, ZEROS]]]),
    "a signature of 65 bytes": pack([feed.PULSES, LOBBY, [[NOBODY, 1, NOBODY, True, ZEROS + b"x"]]]),
    "a need that is a number": pack([feed.NEED, LOBBY, 1]),
    "a need of nothing": pack([feed.NEED, LOBBY]),
    "a prune of something": pack([feed.PRUNE, LOBBY, NOBODY]),
}


@pytest.mark.parametrize("message", MALFORMED.values(), ids=MALFORMED)
async def test_what_is_no_pulse_costs_the_link(hostile: Hostile, message: bytes) -> None:
    one = await Member.join(hostile, "no pulse")
    one.say(message)
    assert await one.peer.closed() == "malformed"


EARLY: dict[str, bytes] = {
    "pulses": feed.pulses(LOBBY, [NOBODY, 1, NOBODY, True, ZEROS]),
    "need": pack([feed.NEED, LOBBY, False]),
    "prune": pack([feed.PRUNE, LOBBY]),
}


@pytest.mark.parametrize("message", EARLY.values(), ids=EARLY)
async def test_nothing_of_it_is_said_before_the_cards(hostile: Hostile, message: bytes) -> None:
    one = await Member.link(hostile, "early pulse")
    one.say(message)
    assert await one.peer.closed() == "out_of_order"


async def cards_of(one: Member, victim: bytes, friend: bytes) -> list[bytes]:
    """The feeds of the victim and its friend, as a newcomer hears them: the victim's at once, the friend's when it asks."""
    one.say(feed.card(LOBBY, one.identity, one.feed.owned_by(one.identity)))
    one.say(feed.have(LOBBY), feed.tips(LOBBY, [], fresh=True, last=True))
    found = [await feed_of(one, victim)]
    await one.introduced()
    return [*found, await feed_of(one, friend)]


async def feed_of(one: Member, about: bytes) -> bytes:
    """Of the next card about them."""
    while (card := await one.until(feed.CARD))[2] != about:
        pass
    found: bytes = card[3][0][0]
    return found


WRONG: dict[str, Callable[[list[Any]], list[Any]]] = {
    "zeros": lambda one: [*one[:4], ZEROS],
    "another counter": lambda one: [one[0], one[1] + 1, *one[2:]],
    "another digest": lambda one: [*one[:2], NOBODY, *one[3:]],
    "not on disk": lambda one: [*one[:3], False, one[4]],
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
async def test_a_pulse_that_somebody_has_changed_costs_the_link(
    hostile: Hostile, change: Callable[[list[Any]], list[Any]]
) -> None:
    one = await Member.join(hostile, "changes pulses")
    one.say(feed.pulses(LOBBY, change(one.feed.pulse(now()))))
    assert await one.peer.closed() == "bad_signature"


async def test_a_pulse_of_the_friend_can_not_be_made_and_one_of_the_victim_is_nothing(hostile: Hostile, victim: Victim) -> None:
    one = await Member.link(hostile, "speaks for others")
    mine, friends = await cards_of(one, bytes.fromhex(victim.id), bytes.fromhex(victim.friend_id))
    one.say(feed.pulses(LOBBY, [mine, now(), NOBODY, True, ZEROS], [NOBODY, now(), NOBODY, True, ZEROS]))
    await one.is_heard()
    one.say(feed.pulses(LOBBY, [friends, now(), NOBODY, True, ZEROS]))
    assert await one.peer.closed() == "bad_signature"
    await overlook(victim)


async def test_pulses_from_all_times_without_end_hold_nobody_up(hostile: Hostile, victim: Victim) -> None:
    """Of sixty feeds, 256 in each message, at any hour, back and forth; the same again; and needs and prunes between them."""
    one = await Member.join(hostile, "beats")
    feeds = [Feed(LOBBY, feed.blake(b"beat %d" % number)) for number in range(60)]
    one.say(feed.card(LOBBY, one.identity, *(each.owned_by(one.identity) for each in feeds)))
    hours = (0, 1, now(), now() + 10**6, 2**53 - 1, now() - 5)
    some = [each.pulse(hour, feed.blake(bytes([hour % 251]))) for hour in hours for each in feeds]
    turns = [pack([feed.NEED, LOBBY, bool(number % 2)]) for number in range(20)] + [pack([feed.PRUNE, LOBBY])]
    for _ in range(20):
        one.say(feed.pulses(LOBBY, *some[:256]), feed.pulses(LOBBY, *some[104:]), *turns)
    assert await hears(victim) < 1
    await one.is_heard()
    await overlook(victim)


async def test_who_prunes_everything_is_still_told_what_there_is(hostile: Hostile, victim: Victim) -> None:
    one = await Member.join(hostile, "prunes")
    since = len(victim.process.events)
    one.say(*[pack([feed.PRUNE, LOBBY])] * 500, *[pack([feed.NEED, LOBBY, False])] * 500, pack([feed.SIGNAL, LOBBY, "typing"]))
    await victim.process.wait_event(lambda event: event["type"] == "typing", since=since)
    await victim.process.call("messages.send", room="lobby", text="who hears this?")
    tips = (await one.until(feed.TIPS))[2]
    one.say(feed.want(LOBBY, tips[-1:]))
    assert await one.until(feed.PAGE)
    await overlook(victim)


# ── who holds what ───────────────────────────────────────────────────────────────────────────────────────────────────


async def digest_here(hostile: Hostile, name: str) -> bytes:
    """Of what the victim holds, as it says to a newcomer."""
    one = await Member.link(hostile, name)
    one.say(feed.card(LOBBY, one.identity, one.feed.owned_by(one.identity)))
    said: bytes = (await one.until(feed.HAVE))[2]
    return said


async def test_nobody_is_said_to_have_what_others_say_they_have(hostile: Hostile, victim: Victim) -> None:
    """By a card of somebody whom the victim never met, and a pulse of the feed on it; whoever says it of itself is believed."""
    one = await Member.join(hostile, "vouches")
    absent, vouched = feed.identity(feed.blake(b"somebody who is not here")), Feed(LOBBY, feed.blake(b"vouched"))
    one.say(feed.card(LOBBY, absent, vouched.owned_by(absent)))
    sent = await victim.process.call("messages.send", room="lobby", text="who has got this?")
    await victim.talk()
    digest = await digest_here(hostile, "looks")
    before = len(victim.process.events)
    one.say(feed.pulses(LOBBY, vouched.pulse(now(), digest), one.feed.pulse(now(), digest)))
    told = await victim.process.wait_event(
        lambda event: event["type"] == "delivered" and one.identity.hex() in event["delivered_to"], since=before
    )
    assert absent.hex() not in told["delivered_to"]
    listed = (await victim.process.call("messages.list", room="lobby", limit=100))["messages"]
    assert [absent.hex() in each["delivered_to"] for each in listed if each["id"] == sent["id"]] == [False]
    await overlook(victim)


# ── people who do not exist ──────────────────────────────────────────────────────────────────────────────────────────


async def test_two_are_not_parted_by_a_crowd_that_is_not_there(hostile: Hostile, victim: Victim) -> None:
    """A hundred and fifty made-up people, all said to be online: few links are chosen then, and most of these to nobody. So no link
    is called needless, whoever says that it is."""
    made_up = [
        (feed.identity(feed.blake(b"made up %d" % n)), Feed(LOBBY, feed.blake(b"made up %d" % n))) for n in range(MADE_UP)
    ]
    friend = (await victim.friend.call("node.status"))["listening"][0]["port"]
    before = [len(process.events) for process in (victim.process, victim.friend)]
    members = []
    for port in (victim.port, friend):
        for number in range(2):
            seed = feed.blake(b"novelist %d %d" % (port, number))
            peer = await HostilePeer.connect(HOST, port, secrets=[feed.open_secret("lobby")], seed=seed)
            hostile.ends.push_async_callback(peer.hang_up)
            members.append(Member(await peer.establish(), seed))
            await members[-1].greet()
    for one in members:
        one.say(*(feed.card(LOBBY, who, own.owned_by(who)) for who, own in made_up))
    for beat in range(9):
        for one in members:
            one.say(feed.pulses(LOBBY, *(own.pulse(now() + beat) for _, own in made_up)))
            one.say(pack([feed.NEED, LOBBY, False]))
            await one.is_heard()
        until = time.monotonic() + 0.6
        while time.monotonic() < until:
            await victim.talk()
    for one in members:
        assert pack([feed.NEED, LOBBY, False]) not in [content for _, content in one.peer.reference.got]
    online = [who for who in await victim.process.call("rooms.members", room="lobby") if who["online"]]
    assert len(online) > 100
    for process, since, other in ((victim.process, before[0], victim.friend_id), (victim.friend, before[1], victim.id)):
        assert not [one for one in process.events[since:] if one["type"] == "peer" and one["peer"]["id"] == other]
    assert await hears(victim) < 1
    await overlook(victim)
