"""Two channels that mean well, on a wire that keeps what it is given."""

from __future__ import annotations

import gc
import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peertalk.core import versions
from peertalk.core.channel import Bye, Channel, Established, Received, Refused
from peertalk.core.keys import KeyPair
from peertalk.core.noise import HandshakeState
from tests.core.pair import ann_and_ben, carry, identity, ids, kind_of, linked, rooms, settle, start

LARGEST = 320 * 1024


@pytest.mark.parametrize("size", [None, 1, 2, 7, 1000], ids=lambda size: f"pieces of {size}")
def test_two_who_share_rooms_get_to_know_each_other(size: int | None) -> None:
    ann = start("ann", rooms("lobby", "books", "hers"), initiator=True)
    ben = start("ben", rooms("lobby", "books", "his"), initiator=False)
    at_ann, at_ben = settle(ann, ben, size=size)
    assert at_ann == [Established(identity("ben").public, ids("lobby", "books"), 1)]
    assert at_ben == [Established(identity("ann").public, ids("lobby", "books"), 1)]
    assert (ann.peer, ben.peer) == (identity("ben").public, identity("ann").public)
    assert ann.rooms == ben.rooms == ids("lobby", "books")
    assert ann.binding == ben.binding
    assert len(ann.binding) == 32
    assert ann.established
    assert ben.established


def test_a_handshake_takes_seven_frames_of_fixed_size() -> None:
    ann, ben = ann_and_ben("lobby")
    sizes = []
    for source, target in [(ann, ben), (ben, ann)] * 3 + [(ann, ben)]:
        data = source.outgoing()
        sizes.append(len(data) - 2)
        target.receive(data, 0.0)
    assert sizes == [32, 48, 1040, 1040, 48, 144, 112]
    assert ann.established
    assert ben.established


def test_no_key_of_the_handshake_outlives_it() -> None:
    pair = linked()
    gc.collect()
    left = [thing for thing in gc.get_objects() if isinstance(thing, HandshakeState)]
    keys = [thing for thing in gc.get_objects() if type(thing) is KeyPair]
    assert pair
    assert (left, keys) == ([], [])


@given(st.lists(st.binary(min_size=1, max_size=3000), max_size=8), st.sampled_from([None, 1, 100, 5000]))
def test_messages_arrive_whole_and_in_order(messages: list[bytes], size: int | None) -> None:
    ann, ben = linked()
    for message in messages:
        ann.send(message, 0.0)
        ben.send(message[::-1], 0.0)
    at_ann, at_ben = settle(ann, ben, size=size)
    assert at_ben == [Received(message) for message in messages]
    assert at_ann == [Received(message[::-1]) for message in messages]


@pytest.mark.parametrize("length", [1, 65_516, 65_517, 2 * 65_516, LARGEST])
def test_long_messages_travel_in_several_frames(length: int) -> None:
    ann, ben = linked()
    message = bytes(index % 255 for index in range(length))
    ann.send(message, 0.0)
    ann.send(b"next", 0.0)
    assert carry(ann, ben, size=40_000) == [Received(message), Received(b"next")]


def test_what_is_too_long_empty_or_too_early_is_not_sent() -> None:
    ann, ben = ann_and_ben("lobby")
    for early in (lambda: ann.send(b"x", 0.0), lambda: ann.prove(rooms("books"), 0.0)):
        with pytest.raises(ValueError):
            early()
    settle(ann, ben)
    for message in (b"", bytes(LARGEST + 1)):
        with pytest.raises(ValueError):
            ann.send(message, 0.0)
    with pytest.raises(ValueError):
        ann.bye("Not a word!", 0.0)
    with pytest.raises(ValueError):
        start("ann", rooms(*map(str, range(65))), initiator=True)
    assert ann.outgoing() == b""


def test_as_many_rooms_are_offered_as_a_proof_holds() -> None:
    names = list(map(str, range(64)))
    ann, ben = ann_and_ben(*names)
    assert (ann.peer, ann.binding, ann.rooms) == (None, b"", set())
    settle(ann, ben)
    assert ann.rooms == ben.rooms == ids(*names)


def test_the_first_message_may_come_with_the_last_frame_of_the_handshake() -> None:
    ann, ben = ann_and_ben("lobby")
    for source, target in [(ann, ben), (ben, ann)] * 3:
        carry(source, target)
    ann.send(b"hello", 0.0)
    assert carry(ann, ben) == [Established(identity("ann").public, ids("lobby"), 1), Received(b"hello")]


# ── no channel ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_stranger_waits_and_is_refused() -> None:
    ann = start("ann", rooms("hers"), initiator=True)
    ben = start("ben", rooms("his"), initiator=False, seed=1)
    assert settle(ann, ben, now=1.0) == ([], [])
    assert not ben.closed
    due = ben.wake()
    assert 1.1 <= due <= 2.0
    assert ben.receive(b"anything", 1.0) == []
    assert ben.tick(due - 0.001) == []
    assert ben.tick(due) == [Refused("no_shared_room")]
    assert ben.closed
    assert ben.outgoing() == b""
    assert ann.cut_off() == "no_shared_room"


def test_strangers_wait_for_different_times_and_never_so_short_that_checking_shows() -> None:
    def wait(seed: int) -> float:
        ann, ben = start("ann", {}, initiator=True), start("ben", rooms("his"), initiator=False, seed=seed)
        settle(ann, ben)
        return ben.wake()

    waits = [wait(seed) for seed in range(60)]
    assert all(0.1 <= due <= 1.0 for due in waits)
    assert max(waits) - min(waits) > 0.6


def test_a_prober_gets_the_same_bytes_in_number_from_whomever_it_asks() -> None:
    def heard(*names: str) -> list[int]:
        prober, ben = start("eve", rooms("guess"), initiator=True), start("ben", rooms(*names), initiator=False)
        lengths = []
        for _ in range(4):
            ben.receive(prober.outgoing(), 0.0)
            lengths.append(len(data := ben.outgoing()))
            prober.receive(data, 0.0)
        return lengths

    assert heard() == heard("his") == heard(*map(str, range(300))) == [50, 0, 0, 0]


def test_a_member_of_one_room_learns_of_no_other() -> None:
    eve = start("eve", rooms("lobby"), initiator=True, known=rooms("lobby", "his"))
    ben = start("ben", rooms("lobby", "his", "more"), initiator=False)
    settle(eve, ben)
    assert eve.rooms == ben.rooms == ids("lobby")


def test_an_initiator_stops_before_a_blocked_identity_learns_of_it() -> None:
    ann = start("ann", rooms("lobby"), initiator=True, blocked=["ben"])
    ben = start("ben", rooms("lobby"), initiator=False)
    at_ann, at_ben = settle(ann, ben)
    assert (at_ann, at_ben) == ([Refused("blocked")], [])
    assert ann.closed
    assert not ann.established
    assert (ann.peer, ben.peer) == (None, None)
    assert ben.cut_off() == "refused"


def test_a_responder_refuses_a_blocked_identity() -> None:
    ann = start("ann", rooms("lobby"), initiator=True)
    ben = start("ben", rooms("lobby"), initiator=False, blocked=["ann"])
    _, at_ben = settle(ann, ben)
    assert at_ben == [Refused("blocked")]
    assert ben.closed
    assert ann.cut_off() == "cut_off"


def test_a_link_to_oneself_is_refused() -> None:
    one, same = start("ann", rooms("lobby"), initiator=True), start("ann", rooms("lobby"), initiator=False)
    assert settle(one, same) == ([Refused("self")], [])


def before_the_last_frame() -> tuple[Channel, Channel]:
    """The responder's frame 6 is on its way."""
    ann, ben = ann_and_ben("lobby")
    for source, target in [(ann, ben), (ben, ann)] * 2 + [(ann, ben)]:
        carry(source, target)
    return ann, ben


def test_a_newer_version_speaks_with_an_older_one(monkeypatch: pytest.MonkeyPatch) -> None:
    ann, ben = before_the_last_frame()
    carry(ben, ann)
    monkeypatch.setattr(versions, "SPOKEN", (1, 2))
    assert carry(ann, ben) == [Established(identity("ann").public, ids("lobby"), 1)]


def test_a_choice_below_what_both_speak_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "SPOKEN", (1, 2))
    ann, ben = before_the_last_frame()
    with monkeypatch.context() as lower:
        lower.setattr(versions, "greatest_common", min)
        assert carry(ben, ann) == [Established(identity("ben").public, ids("lobby"), 1)]
    assert kind_of(lambda: carry(ann, ben)) == "version"
    assert ben.closed


def test_without_a_common_version_there_is_no_channel(monkeypatch: pytest.MonkeyPatch) -> None:
    ann, ben = before_the_last_frame()
    monkeypatch.setattr(versions, "SPOKEN", (2,))
    assert kind_of(lambda: carry(ben, ann)) == "version"
    assert ann.closed
    assert ann.outgoing() == b""


# ── the end ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_bye_comes_after_all_that_was_said_and_closes() -> None:
    ann, ben = linked()
    ann.send(b"last words", 0.0)
    ann.bye("leaving", 0.0)
    assert carry(ann, ben, size=3) == [Received(b"last words"), Bye("leaving")]
    for side in (ann, ben):
        assert side.closed
        assert side.cut_off() == "closed"
        assert side.wake() == math.inf
        side.send(b"too late", 1.0)
        side.prove(rooms("books"), 1.0)
        side.bye("again", 1.0)
        assert side.outgoing() == b""
        assert side.receive(b"anything", 1.0) == []
        assert side.tick(1000.0) == []


def test_what_a_hang_up_means_at_each_point() -> None:
    ann, ben = ann_and_ben("lobby")
    meanings = [(ann.cut_off(), ben.cut_off())]
    for source, target in [(ann, ben), (ben, ann)] * 3 + [(ann, ben)]:
        carry(source, target)
        meanings.append((ann.cut_off(), ben.cut_off()))
    assert meanings == [
        ("handshake_cut", "handshake_cut"),
        ("handshake_cut", "handshake_cut"),
        ("no_shared_room", "handshake_cut"),
        ("no_shared_room", "handshake_cut"),
        ("handshake_cut", "handshake_cut"),
        ("handshake_cut", "refused"),
        ("cut_off", "refused"),
        ("cut_off", "cut_off"),
    ]


def test_a_bye_before_the_channel_is_there_says_nothing() -> None:
    ann, _ = ann_and_ben("lobby")
    ann.outgoing()
    ann.bye("leaving", 0.0)
    assert ann.outgoing() == b""
    assert ann.closed


def test_a_message_costs_little() -> None:
    ann, ben = linked()
    message = bytes(300)

    def seconds() -> float:
        begin = time.perf_counter()
        for _ in range(500):
            ann.send(message, 0.0)
            ben.receive(ann.outgoing(), 0.0)
        return (time.perf_counter() - begin) / 500

    assert min(seconds() for _ in range(5)) < 100e-6  # about 12 µs on a quiet machine


def test_many_messages_in_one_piece_cost_no_more_than_one_by_one() -> None:
    def seconds(count: int) -> float:
        ann, ben = linked()
        for _ in range(count):
            ann.send(b"x" * 300, 0.0)
        data = ann.outgoing()
        begin = time.perf_counter()
        assert len(ben.receive(data, 0.0)) == count
        return (time.perf_counter() - begin) / count

    assert min(seconds(8000) for _ in range(3)) < 5 * min(seconds(500) for _ in range(3))
