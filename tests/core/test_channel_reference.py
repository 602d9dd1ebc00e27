"""The channel against a second implementation that was written from the specification, in both roles."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from peertalk.core.channel import Bye, Channel, ChannelEvent, Established, Proven, Received, Refused
from peertalk.core.identity import Identity
from tests.core.pair import identity, ids, kind_of, noise, rooms, start
from tests.core.reference import BYE, FINAL, MORE, PING, PONG, PROVE, PROVED, REKEY, Reference

ROLES = pytest.mark.parametrize("initiator", [True, False], ids=["as initiator", "as responder"])
SEED = noise("reference")(32)


def reference(*names: str, initiator: bool, spoken: bytes = b"\x01") -> Reference:
    return Reference(initiator=initiator, seed=SEED, secrets=rooms(*names).values(), spoken=spoken)


def settle(own: Channel, other: Reference, now: float = 0.0) -> list[ChannelEvent]:
    events: list[ChannelEvent] = []
    while True:
        to_own, to_other = other.drain(), own.outgoing()
        if not to_own and not to_other:
            return events
        if to_own:
            events += own.receive(to_own, now)
        if to_other:
            other.feed(to_other)


def linked(initiator: bool) -> tuple[Channel, Reference]:
    own, other = start("ann", rooms("lobby", "books"), initiator=initiator), reference("lobby", initiator=not initiator)
    settle(own, other)
    return own, other


@ROLES
def test_the_whole_handshake(initiator: bool) -> None:
    own = start("ann", rooms("lobby", "hers", "books"), initiator=initiator)
    other = reference("lobby", "books", "his", initiator=not initiator)
    assert settle(own, other) == [Established(Identity.from_seed(SEED).public, ids("lobby", "books"), 1)]
    assert other.peer == identity("ann").public
    assert other.shared == set(rooms("lobby", "books").values())
    assert own.binding == other.binding


@ROLES
def test_messages_of_all_sizes(initiator: bool) -> None:
    own, other = linked(initiator)
    sent = [bytes([length % 256]) * length for length in (1, 61, 62, 2045, 4096, 61_437, 61_438, 65_516, 65_517, 327_680)]
    for message in sent:
        own.send(message, 0.0)
        other.message(message)
    assert settle(own, other) == [Received(message) for message in sent]
    assert other.messages() == sent


@ROLES
def test_more_padding_than_needed_and_parts_that_are_not_full_are_accepted(initiator: bool) -> None:
    own, other = linked(initiator)
    other.record(MORE, b"a", size=128)
    other.record(PING)
    other.record(REKEY)
    other.record(FINAL, b"b", size=65_519)
    assert settle(own, other) == [Received(b"ab")]
    assert other.got == [(PONG, b"")]


@ROLES
def test_both_change_keys(initiator: bool) -> None:
    own, other = linked(initiator)
    own.send(b"before", 1.0)
    own.send(b"after", 901.0)
    other.message(b"one")
    other.record(REKEY)
    other.message(b"two")
    other.record(REKEY)
    other.record(REKEY)
    other.message(b"three")
    assert settle(own, other, now=901.0) == [Received(b"one"), Received(b"two"), Received(b"three")]
    assert other.got == [(FINAL, b"before"), (REKEY, b""), (FINAL, b"after")]


@ROLES
def test_rooms_are_proven_later_in_both_directions(initiator: bool) -> None:
    own, other = linked(initiator)
    other.secrets += rooms("books").values()
    own.prove(rooms("books"), 0.0)
    assert settle(own, other) == [Proven(ids("books"))]
    assert other.shared == set(rooms("lobby", "books").values())
    own, other = linked(initiator)
    other.secrets += rooms("books", "his").values()
    other.question(rooms("books", "his").values(), 1)
    assert settle(own, other, now=1.0) == [Proven(ids("books"))]
    assert other.shared == set(rooms("lobby", "books").values())
    other.question(rooms("books", "lobby").values(), 2)
    assert settle(own, other, now=2.0) == []
    assert [kind for kind, _ in other.got] == [PROVED, PROVED]


@ROLES
def test_a_ping_is_answered_by_the_other_and_a_bye_is_read(initiator: bool) -> None:
    own, other = linked(initiator)
    own.tick(5.0)
    assert settle(own, other, now=5.0) == []
    assert own.wake() == 10.0
    assert other.got == [(PING, b"")]
    other.record(BYE, b"leaving")
    assert settle(own, other, now=5.0) == [Bye("leaving")]
    own, other = linked(initiator)
    own.bye("leaving", 0.0)
    settle(own, other)
    assert other.got == [(BYE, b"leaving")]


@ROLES
def test_a_newer_implementation_falls_back(initiator: bool) -> None:
    own = start("ann", rooms("lobby"), initiator=initiator)
    other = reference("lobby", initiator=not initiator, spoken=b"\x01\x02\x09")
    assert settle(own, other) == [Established(Identity.from_seed(SEED).public, ids("lobby"), 1)]


@ROLES
@pytest.mark.parametrize(
    ("versions", "kind"),
    [(b"\x02\x01\x02", "version"), (b"\x01\x02\x02\x01", "malformed"), (b"", "malformed"), (b"\x01\x01\x01\x01", "malformed")],
)
def test_wrong_versions(initiator: bool, versions: bytes, kind: str) -> None:
    own, other = start("ann", rooms("lobby"), initiator=initiator), reference("lobby", initiator=not initiator)
    other.versions = versions
    assert kind_of(lambda: settle(own, other)) == kind
    assert own.closed


def test_a_choice_that_is_not_the_greatest_common_version() -> None:
    own, other = start("ann", rooms("lobby"), initiator=False), reference("lobby", initiator=True)
    other.versions = b"\x00\x01\x01"
    assert kind_of(lambda: settle(own, other)) == "version"


def test_a_responder_that_proves_nothing_learns_nothing() -> None:
    own, other = start("ann", rooms("lobby"), initiator=True), reference("lobby", initiator=False)
    other.claims = []
    assert settle(own, other) == [Refused("no_shared_room")]
    assert own.closed
    assert own.outgoing() == b""


def test_a_responder_can_prove_rooms_only_that_were_offered() -> None:
    own = start("ann", rooms("lobby"), initiator=True, known=rooms("lobby", "books"))
    other = reference("lobby", initiator=False)
    other.claims = list(rooms("lobby", "books").values())
    assert settle(own, other) == [Established(Identity.from_seed(SEED).public, ids("lobby"), 1)]


@ROLES
@pytest.mark.parametrize(
    ("records", "kind"),
    [
        pytest.param([(9, b"")], "malformed", id="unknown kind"),
        pytest.param([(FINAL, b"")], "malformed", id="empty message"),
        pytest.param([(MORE, b"")], "malformed", id="empty part"),
        pytest.param([(BYE, b"")], "malformed", id="bye without a reason"),
        pytest.param([(BYE, b"Two words")], "malformed", id="bye with prose"),
        pytest.param([(BYE, b"\x1b[2J")], "malformed", id="bye with control characters"),
        pytest.param([(BYE, "schluß".encode())], "malformed", id="bye beyond ASCII"),
        pytest.param([(BYE, b"leaving\n")], "malformed", id="bye with a line end"),
        pytest.param([(BYE, b"a" * 33)], "malformed", id="bye at length"),
        pytest.param([(PING, b"x")], "malformed", id="ping with content"),
        pytest.param([(PROVE, bytes(1028))], "malformed", id="question 0"),
        pytest.param([(PROVE, b"\0\0\0\2" + bytes(1024))], "malformed", id="question 2"),
        pytest.param([(PROVE, b"\0\0\0\1" + bytes(1023))], "malformed", id="short question"),
        pytest.param([(PROVE, b"\0\0\0\1" + bytes(1025))], "malformed", id="long question"),
        pytest.param([(PROVED, b"\0\0\0\1" + bytes(1024))], "malformed", id="answer to nothing"),
        pytest.param([(MORE, bytes(65_516))] * 6, "too_large", id="too large"),
        pytest.param([(MORE, bytes(65_516))] * 5 + [(FINAL, bytes(101))], "too_large", id="a byte too large"),
    ],
)
def test_broken_rules_close_with_a_reason(initiator: bool, records: list[tuple[int, bytes]], kind: str) -> None:
    own, other = linked(initiator)
    for record in records:
        other.record(*record)
    assert kind_of(lambda: own.receive(other.drain(), 0.0)) == kind
    assert own.closed
    other.feed(own.outgoing())
    assert other.got[-1] == (BYE, kind.encode())


@ROLES
def test_a_second_question_before_the_answer_is_malformed(initiator: bool) -> None:
    own, other = linked(initiator)
    for counter in (1, 2, 3):
        other.question([], counter)
    assert kind_of(lambda: own.receive(other.drain(), 1.0)) == "malformed"


@ROLES
def test_an_answer_with_another_counter_or_length_is_malformed(initiator: bool) -> None:
    for answer in (b"\0\0\0\2" + bytes(1024), b"\0\0\0\1" + bytes(1023), b""):
        own, other = linked(initiator)
        own.prove(rooms("books"), 0.0)
        own.outgoing()
        other.record(PROVED, answer)
        assert kind_of(lambda own=own, other=other: own.receive(other.drain(), 0.0)) == "malformed"


@ROLES
def test_a_second_answer_to_one_question_is_malformed(initiator: bool) -> None:
    own, other = linked(initiator)
    own.prove(rooms("books"), 0.0)
    other.silent = True
    settle(own, other)
    answer = b"\0\0\0\1" + bytes(1024)
    other.record(PROVED, answer)
    assert settle(own, other) == []
    other.record(PROVED, answer)
    assert kind_of(lambda: own.receive(other.drain(), 0.0)) == "malformed"


@ROLES
def test_a_size_that_is_none_is_refused(initiator: bool) -> None:
    own, other = linked(initiator)
    other.record(FINAL, b"x", size=100)
    assert kind_of(lambda: own.receive(other.drain(), 0.0)) == "malformed"


@ROLES
@pytest.mark.parametrize("again", [lambda own: own.tick(0.0), lambda own: own.receive(b"more", 0.0)], ids=["tick", "receive"])
def test_what_came_before_something_wrong_is_not_lost_with_it(initiator: bool, again: Callable[[Channel], object]) -> None:
    own, other = linked(initiator)
    other.message(b"good")
    other.record(9)
    other.message(b"never read")
    assert own.receive(other.drain(), 0.0) == [Received(b"good")]
    assert own.closed
    assert own.wake() <= 0.0
    assert kind_of(lambda: again(own)) == "malformed"
    other.feed(own.outgoing())
    assert other.got == [(BYE, b"malformed")]
    assert own.receive(b"more", 0.0) == own.tick(99.0) == []


@ROLES
def test_a_question_answered_later_still_proves(initiator: bool) -> None:
    own, other = linked(initiator)
    other.secrets += rooms("books").values()
    other.question([], 1)
    settle(own, other, now=1.0)
    other.question(rooms("books").values(), 2)
    assert settle(own, other, now=1.01) == []
    assert own.wake() == pytest.approx(1.1)
    assert own.tick(own.wake()) == [Proven(ids("books"))]
    settle(own, other)
    assert other.shared == set(rooms("lobby", "books").values())
