"""Frames 5 to 9: two who were told the same words, and everybody else."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peertalk.core import slots
from peertalk.core.channel import Channel, Established, Refused
from peertalk.core.pairing import Answered, Asked, Came, Confirmed, Given, Pairing, SlotFound, Status
from peertalk.core.spake import Way
from peertalk.errors import RemoteError
from tests.core.couple import FAKE, LINK, OTHER, TERMS, WORDS, Inviter, Joiner, asking, both, forge, found, phase, side, so_far
from tests.core.pair import identity, kind_of, rooms, settle, start
from tests.core.pairing_reference import BASE, P, add, encode

IDENTITY = b"\x01" + bytes(31)
SMALL_ORDER = bytes(32)
NOT_CANONICAL = (2**255 - 19 + 3).to_bytes(32, "little")
NO_POINT = b"\x02" + bytes(31)
MIXED_ORDER = encode(add(BASE, (0, P - 1, 1, 0)))


@pytest.mark.parametrize("size", [None, 1, 7, 1000], ids=lambda size: f"pieces of {size}")
@pytest.mark.parametrize(("way", "password"), [(Way.WORDS, WORDS), (Way.LINK, LINK)])
def test_who_knows_the_code_gets_the_room(size: int | None, way: Way, password: bytes) -> None:
    joiner, inviter = side("ann", joiner=True), side("ben", joiner=False)
    at_ann, at_ben = both(Joiner(joiner, password, way), Inviter(inviter, password), size=size)
    assert [type(event) for event in at_ann] == [SlotFound, Answered, Given]
    assert at_ann[-1] == Given(Status.GO_ON, identity("ben").public, TERMS)
    assert [type(event) for event in at_ben] == [Asked, Confirmed, Came]
    assert at_ben[-1] == Came(identity("ann").public)
    assert joiner.closed
    assert inviter.closed
    assert joiner.rooms == inviter.rooms == set()
    assert joiner.established is inviter.established is False


def test_all_frames_have_the_lengths_that_are_written_down() -> None:
    joiner, inviter = Joiner(side("ann", joiner=True)), Inviter(side("ben", joiner=False))
    sizes = []
    for source, target in [(joiner, inviter), (inviter, joiner)] * 4 + [(joiner, inviter)]:
        data = source.channel.outgoing()
        sizes.append(len(data) - 2)
        for event in target.channel.receive(data, 0.0):
            if not target.channel.closed:
                target.react(event, 0.0)
    assert sizes == [32, 48, 1040, 1040, 50, 50, 48, 2000, 48]


@pytest.mark.parametrize(("mine", "theirs"), [(WORDS, OTHER), (OTHER, WORDS), (LINK, WORDS)])
def test_who_does_not_know_the_words_gets_nothing(mine: bytes, theirs: bytes) -> None:
    joiner, inviter = Joiner(side("ann", joiner=True), mine), Inviter(side("ben", joiner=False), theirs)
    assert kind_of(lambda: both(joiner, inviter)) == "wrong_code"
    assert inviter.channel.closed
    assert inviter.channel.outgoing() == b""
    assert joiner.given is None
    assert joiner.channel.cut_off() == "wrong_code"


def test_who_poses_as_the_inviter_is_not_believed() -> None:
    joiner, inviter = Joiner(side("ann", joiner=True)), Inviter(side("ben", joiner=False), OTHER)
    phase_of = inviter.channel
    events = both_but_confirming(joiner, inviter)
    assert [type(event) for event in events] == [SlotFound, Answered]
    phase(phase_of)._due = None  # it takes any confirmation
    inviter.channel.pair(lambda pairing: pairing.give(identity("ben").public, TERMS, 0.0))
    assert kind_of(lambda: joiner.channel.receive(inviter.channel.outgoing(), 0.0)) == "wrong_code"
    assert joiner.channel.closed
    assert joiner.given is None


def both_but_confirming(joiner: Joiner, inviter: Inviter) -> list[object]:
    """Up to frame 7, which is written and not read."""
    events: list[object] = []
    while not (
        isinstance(joiner.channel._phase, Pairing)
        and phase(joiner.channel)._due
        and phase(joiner.channel).hung_up == "wrong_code"
    ):
        for event in inviter.channel.receive(joiner.channel.outgoing(), 0.0):
            inviter.react(event, 0.0)
        for event in joiner.channel.receive(inviter.channel.outgoing(), 0.0):
            events.append(event)
            joiner.react(event, 0.0)
    return events


@pytest.mark.parametrize("status", [Status.EXPIRED, Status.USED_UP, Status.SEALED])
@pytest.mark.parametrize("number", [6, 8])
def test_a_dead_code_says_what_it_died_of(status: Status, number: int) -> None:
    joiner = Joiner(side("ann", joiner=True))
    inviter = Inviter(side("ben", joiner=False), deny={number: status})
    at_ann, at_ben = both(joiner, inviter)
    last = at_ann[-1]
    assert last == (Answered(status, bytes(33)) if number == 6 else Given(status, bytes(32), b""))
    assert [type(event) for event in at_ben] == ([Asked] if number == 6 else [Asked, Confirmed])
    assert joiner.channel.closed
    assert inviter.channel.closed


def test_who_does_not_invite_in_a_slot_answers_as_to_any_other_room() -> None:
    for inviting in [(), (8,)]:
        joiner, other = side("ann", joiner=True), side("ben", joiner=False, slots=inviting)
        assert settle(joiner, other) == ([], [])
        assert not other.pairing
        assert other.tick(2.0) == [Refused("no_shared_room")]
        assert joiner.cut_off() == "no_shared_room"


def test_who_looks_for_free_slots_sees_which_are_taken() -> None:
    looking, inviter = side("ann", joiner=True, slots=tuple(range(1, 65))), side("ben", joiner=False, slots=(3, 64))
    assert settle(looking, inviter) == ([SlotFound(frozenset({3, 64}), looking.anonymous)], [])
    looking.pair(lambda pairing: pairing._say(bytes(34), None))
    assert kind_of(lambda: inviter.receive(looking.outgoing(), 0.0)) == "malformed"


def test_rooms_count_for_nothing_beside_a_slot() -> None:
    inviter = side("ben", joiner=False)
    joiner = start("ann", {**rooms("lobby"), **slots.secrets({7})}, initiator=True)
    settle(joiner, inviter)
    assert inviter.pairing
    assert (inviter.rooms, inviter.established) == (set(), False)
    assert inviter.cut_off() == "handshake_cut"


def test_who_invites_is_linked_with_as_ever() -> None:
    inviter, other = side("ben", joiner=False), start("ann", rooms("lobby"), initiator=True)
    at_ann, at_ben = settle(other, inviter)
    assert [type(event) for event in at_ann + at_ben] == [Established, Established]


def test_slots_are_offered_without_rooms() -> None:
    with pytest.raises(ValueError):
        Channel(
            initiator=True, identity=identity("ann"), offered=rooms("lobby"), known=dict, refuse=lambda peer: False,
            random=bytes, now=0.0, slots=lambda: (7,),
        )  # fmt: skip


# ── what is wrong ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("point", [IDENTITY, SMALL_ORDER, NOT_CANONICAL, NO_POINT, MIXED_ORDER, b"\xff" * 32])
def test_an_element_that_is_none_is_refused_by_both(point: bytes) -> None:
    joiner, inviter = asking()
    assert kind_of(lambda: inviter.channel.receive(forge(joiner.channel, b"\0A" + point), 0.0)) == "bad_key"
    joiner, inviter = asking()
    joiner.react(found(joiner.channel), 0.0)
    assert kind_of(lambda: joiner.channel.receive(forge(inviter.channel, b"\0B" + point), 0.0)) == "bad_key"


def test_an_element_of_the_wrong_side_or_sent_back_is_refused() -> None:
    joiner, inviter = asking()
    joiner.react(found(joiner.channel), 0.0)
    mine = joiner.offer.element
    for element in (mine, b"B" + mine[1:]):
        one, other = asking()
        one.react(found(one.channel), 0.0)
        assert one.offer.element == mine
        answer = partial(one.channel.receive, forge(other.channel, b"\0" + element), 0.0)
        assert kind_of(answer) == "bad_key"
    joiner, inviter = asking()
    assert kind_of(lambda: inviter.channel.receive(forge(joiner.channel, b"\0B" + mine[1:]), 0.0)) == "bad_key"


@pytest.mark.parametrize("content", [b"\x02A", b"\xffA"], ids=["way 2", "way 255"])
def test_a_way_that_nobody_knows_is_malformed(content: bytes) -> None:
    joiner, inviter = asking()
    assert kind_of(lambda: inviter.channel.receive(forge(joiner.channel, content.ljust(34, b"\1")), 0.0)) == "malformed"


@pytest.mark.parametrize("content", [b"\x04" + bytes(33), b"\x01" + bytes(32) + b"\1"], ids=["status 4", "not zeros"])
def test_a_status_that_nobody_knows_or_that_says_more_is_malformed(content: bytes) -> None:
    joiner, inviter = asking()
    joiner.react(found(joiner.channel), 0.0)
    assert kind_of(lambda: joiner.channel.receive(forge(inviter.channel, content), 0.0)) == "malformed"


def gift(status: int, identity: bytes, length: int, rest: bytes) -> bytes:
    return (bytes((status,)) + identity + length.to_bytes(2, "big") + rest).ljust(1952, b"\0")


SOMEBODY = identity("ben").public
GIFTS = {
    "no terms": (gift(0, SOMEBODY, 0, b""), "malformed"),
    "too long": (gift(0, SOMEBODY, 1601, b"x" * 1601), "malformed"),
    "longer than the frame": (gift(0, SOMEBODY, 65535, b"x" * 1917), "malformed"),
    "no zeros after": (gift(0, SOMEBODY, 1, b"xx"), "malformed"),
    "status": (gift(4, SOMEBODY, 1, b"x"), "malformed"),
    "denied with terms": (gift(1, bytes(32), 1, b"x"), "malformed"),
    "denied with an identity": (gift(2, SOMEBODY, 0, b""), "malformed"),
    "no identity": (gift(0, bytes(32), 1, b"x"), "bad_key"),
}


@pytest.mark.parametrize("case", GIFTS)
def test_a_gift_that_is_not_right_in_every_part_is_none(case: str) -> None:
    joiner, inviter = asking()
    joiner.react(found(joiner.channel), 0.0)
    confirmations = FAKE
    (event,) = joiner.channel.receive(forge(inviter.channel, b"\0B" + encode(BASE)), 0.0)
    assert isinstance(event, Answered)
    joiner.channel.pair(lambda pairing: pairing.confirm(confirmations, 0.0))
    content, kind = GIFTS[case]
    data = forge(inviter.channel, confirmations.inviter + content)
    assert kind_of(lambda: joiner.channel.receive(data, 0.0)) == kind


def test_who_came_has_a_key_that_is_one() -> None:
    joiner, inviter = asking()
    phase(inviter.channel)._due = None
    inviter.channel.pair(lambda pairing: pairing.give(SOMEBODY, TERMS, 0.0))
    assert kind_of(lambda: inviter.channel.receive(forge(joiner.channel, bytes(32)), 0.0)) == "bad_key"


# ── too early, too late ──────────────────────────────────────────────────────────────────────────────────────────────


def test_nothing_may_come_when_it_is_ones_own_turn() -> None:
    joiner, inviter = asking()
    assert kind_of(lambda: joiner.channel.receive(b"\0\x32", 0.0)) == "malformed"
    joiner, inviter = asking()
    joiner.react(found(joiner.channel), 0.0)
    both_frames = joiner.channel.outgoing() + forge(joiner.channel, bytes(32))
    (event,) = inviter.channel.receive(both_frames, 0.0)
    assert isinstance(event, Asked)
    assert kind_of(lambda: inviter.channel.tick(0.0)) == "malformed"


def test_each_waits_for_the_other_for_so_long_and_no_longer() -> None:
    joiner, inviter = asking()
    assert joiner.channel.wake() == inviter.channel.wake() == 10.0
    joiner.react(found(joiner.channel), 0.0)
    (asked,) = inviter.channel.receive(joiner.channel.outgoing(), 1.0)
    inviter.react(asked, 3.0)
    assert inviter.channel.wake() == 5.0
    (answered,) = joiner.channel.receive(inviter.channel.outgoing(), 4.0)
    joiner.react(answered, 4.0)
    assert joiner.channel.wake() == 9.0
    (confirmed,) = inviter.channel.receive(joiner.channel.outgoing(), 4.5)
    inviter.react(confirmed, 4.5)
    assert inviter.channel.wake() == 14.5
    assert inviter.channel.tick(14.4) == []
    assert kind_of(lambda: inviter.channel.tick(14.5)) == "handshake_timeout"
    joiner.channel.receive(inviter.channel.outgoing(), 8.0)
    assert joiner.channel.wake() == 18.0


def test_calls_out_of_turn_are_mistakes() -> None:
    joiner, inviter = asking()
    for step in (
        lambda pairing: pairing.deny(Status.EXPIRED),
        lambda pairing: pairing.give(SOMEBODY, TERMS, 0.0),
        lambda pairing: pairing.confirm(FAKE, 0.0),
    ):
        with pytest.raises(ValueError):
            inviter.channel.pair(step)
    for terms in (b"", bytes(1601)):
        with pytest.raises(ValueError):
            joiner.channel.pair(lambda pairing, terms=terms: pairing.give(SOMEBODY, terms, 0.0))
    with pytest.raises(ValueError):
        start("ann", rooms("lobby"), initiator=True).pair(lambda pairing: None)
    joiner.channel.bye("closing", 0.0)
    joiner.channel.pair(lambda pairing: pairing.ask(Way.WORDS, bytes(33)))
    assert joiner.channel.outgoing() == b""


# ── in between ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_who_hands_everything_on_is_between_two_who_do_not_agree() -> None:
    """Mallory runs NN with both and hands elements and confirmations on, as they are."""
    joiner, to_joiner = Joiner(side("ann", joiner=True)), side("mallory", joiner=False)
    to_inviter, inviter = side("mallory", joiner=True), Inviter(side("ben", joiner=False))
    settle(joiner.channel, to_joiner)
    settle(to_inviter, inviter.channel)
    joiner.react(found(joiner.channel), 0.0)
    (asked,) = to_joiner.receive(joiner.channel.outgoing(), 0.0)
    assert isinstance(asked, Asked)
    (asked,) = inviter.channel.receive(forge(to_inviter, bytes((0,)) + asked.element), 0.0)
    inviter.react(asked, 0.0)
    (answered,) = joiner.channel.receive(forge(to_joiner, _read(to_inviter, inviter.channel.outgoing())), 0.0)
    joiner.react(answered, 0.0)
    confirmation = _read(to_joiner, joiner.channel.outgoing())
    assert kind_of(lambda: inviter.channel.receive(forge(to_inviter, confirmation), 0.0)) == "wrong_code"


def _read(channel: Channel, data: bytes) -> bytes:
    return phase(channel)._receiving.decrypt(data[2:])


# ── any bytes ────────────────────────────────────────────────────────────────────────────────────────────────────────


@given(st.booleans(), st.integers(0, 3), st.binary(max_size=3000), st.booleans(), st.integers(1, 100))
def test_whatever_comes_gives_events_or_an_error(joins: bool, frames: int, data: bytes, sealed: bool, size: int) -> None:
    outcomes = [_outcome(joins, frames, data, sealed, size) for size in (size, len(data) or 1)]
    assert outcomes[0] == outcomes[1]


def _outcome(joins: bool, frames: int, data: bytes, sealed: bool, size: int) -> list[object]:
    victim, other = so_far(joins, frames)
    due = phase(victim).sizes
    if sealed and due:
        data = forge(other, data[: due[0] - 16].ljust(due[0] - 16, b"\0")) + data
    seen: list[object] = []
    for at in range(0, len(data), size):
        try:
            seen += victim.receive(data[at : at + size], 0.0)
        except RemoteError as error:
            seen.append(error.kind)
    try:
        victim.tick(0.0)
    except RemoteError as error:
        seen.append(error.kind)
    assert {one for one in seen if isinstance(one, str)} <= {"malformed", "decrypt", "bad_key", "wrong_code"}
    return [*seen, victim.closed]
