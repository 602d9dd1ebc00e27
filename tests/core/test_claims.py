"""Tips, put into messages: what is absent in one feed says nothing of another."""

from __future__ import annotations

from peertalk.core.claims import tips_messages

ROOM = b"r" * 32


def id_(number: int) -> bytes:
    return number.to_bytes(32, "big")


def test_nothing_needs_no_message() -> None:
    assert tips_messages(ROOM, {}, {id_(1): id_(2)}, disk=True) == []


def test_a_thousand_tips_go_into_a_message() -> None:
    tips = {id_(number): id_(number) for number in range(2001)}
    messages = tips_messages(ROOM, tips, {}, disk=True)
    assert [len(one.tips) for one in messages] == [1000, 1000, 1]
    assert [tip for one in messages for tip in one.tips] == list(tips)


def test_absent_bodies_are_named_beside_the_tips_of_their_feed_alone() -> None:
    tips = {id_(1): b"a", id_(2): b"b"}
    (message,) = tips_messages(ROOM, tips, {id_(8): b"a", id_(9): b"c"}, disk=True)
    assert (message.tips, message.absent, message.disk) == ((id_(1), id_(2)), (id_(8),), True)


def test_a_feed_that_lacks_too_many_bodies_takes_nothing_from_the_others() -> None:
    tips = {id_(number): bytes([number]) for number in range(3)}
    absent = {id_(1000 + number): b"\1" for number in range(257)}
    second, first = tips_messages(ROOM, tips, absent, disk=True)
    assert (first.tips, first.absent, first.disk) == ((id_(0), id_(2)), (), True)
    assert (second.tips, second.absent, second.disk) == ((id_(1),), (), False)


def test_feeds_whose_absent_bodies_do_not_fit_together_go_apart() -> None:
    tips = {id_(number): bytes([number % 2]) for number in range(4)}
    absent = {id_(1000 + number): bytes([number % 2]) for number in range(400)}
    messages = tips_messages(ROOM, tips, absent, disk=True)
    assert all(len(one.absent) == 200 and one.disk for one in messages)
    assert {tip for one in messages for tip in one.tips} == set(tips)
