"""Addresses that nobody announces: remembered ones, and hearsay. They are tried, and are in nobody's way."""

from __future__ import annotations

import math

import pytest

from peertalk.node.book import GIVEN_UP, MAX_GUESSES, MAX_TARGETS
from peertalk.node.dialer import Dialer
from peertalk.node.targets import GUESSES_IN_FLIGHT, GUESSES_PER_INTRODUCER, IN_FLIGHT
from tests.node.test_dialer import ANNA, BEN, HIGH, dialer, keys, seen

CARA, DORA = b"c" * 32, b"d" * 32
HOST, PORT = "10.0.0.3", 4000
KEY = f"{HOST} {PORT}"


def who(number: int) -> bytes:
    return number.to_bytes(32)


def hear(it: Dialer, count: int, introducer: bytes = ANNA, *, now: float = 100.0, network: int = 1) -> None:
    """So many people, each at an address of its own."""
    for number in range(count):
        it.hear(f"10.{network}.{number >> 8}.{number & 255}", PORT, who(network * 10_000 + number), introducer, now)


def fail(it: Dialer, key: str, times: int, now: float = 100.0) -> float:
    """Dial it in vain so many times; when the last failed."""
    for _ in range(times):
        now = max(now, it.wake())
        assert keys(it.due(now)) == [key]
        it.failed(key, now)
    return now


def test_hearsay_is_dialled_when_it_is_due_and_linked_by_it() -> None:
    it = dialer()
    it.hear(HOST, PORT, CARA, ANNA, 101.5)
    assert it.wake() == 101.5
    assert keys(it.due(101.5)) == [KEY]
    it.linked(KEY, CARA, HOST, 101.6)
    assert it.is_linked(CARA)
    it.unlinked(CARA, 200.0, member=True)
    assert keys(it.due(it.wake())) == [KEY]


def test_hearsay_is_given_up_after_a_few_failures_at_ever_longer_distances() -> None:
    it = dialer()
    it.hear(HOST, PORT, CARA, ANNA, 100.0)
    last = fail(it, KEY, GIVEN_UP)
    assert last - 100.0 > 1.5
    assert it.wake() == math.inf
    assert it.book.endpoints() == set()


@pytest.mark.parametrize("outcome", ["no room in common", "came by itself"])
def test_hearsay_that_is_of_no_use_any_more_is_dropped(outcome: str) -> None:
    it = dialer()
    it.hear(HOST, PORT, CARA, ANNA, 100.0)
    it.due(100.0)
    if outcome == "no room in common":
        it.refused(KEY, 100.1)
    else:
        it.linked(None, CARA, HOST, 100.1)
        it.failed(KEY, 105.0)
    assert it.book.endpoints() == set()


def test_who_is_linked_is_not_looked_for_elsewhere() -> None:
    it = dialer()
    it.hear(HOST, PORT, CARA, ANNA, 101.5)
    it.linked(None, CARA, HOST, 101.0)
    it.hear("10.0.0.4", PORT, CARA, ANNA, 102.0)
    assert it.book.endpoints() == set()


def test_hearsay_about_an_address_that_is_dialled_anyway_changes_nothing() -> None:
    it = dialer()
    it.found(seen(HIGH, HOST, port=PORT), 100.0)
    it.keep("10.0.0.4", PORT, 100.0)
    it.linked(None, BEN, "10.0.0.2", 100.0)
    it.hear(HOST, PORT, BEN, ANNA, 100.0)
    it.hear("10.0.0.4", PORT, BEN, ANNA, 100.0)
    assert sorted(keys(it.due(100.0))) == ["10.0.0.4 4000", HIGH]


def test_a_guess_makes_way_for_whoever_is_announced_there() -> None:
    it = dialer()
    it.hear(HOST, PORT, CARA, ANNA, 100.0)
    it.found(seen(HIGH, HOST, port=PORT), 100.0)
    it.due(100.0)
    it.failed(HIGH, 100.1)
    it.lost(HIGH)
    assert it.book.endpoints() == set()


def test_nobody_is_kept_from_being_dialled_by_what_is_said_of_their_address() -> None:
    """A liar says that somebody who is linked is where somebody else is; then that one is announced, or asked for."""
    it = dialer()
    it.hear(HOST, PORT, CARA, ANNA, 100.0)
    it.hear("10.0.0.4", PORT, CARA, ANNA, 100.0)
    it.linked(None, CARA, "10.0.0.9", 100.0)
    it.remember("10.0.0.5", PORT, CARA, 100.0)
    it.found(seen(HIGH, HOST, port=PORT), 101.0)
    it.keep("10.0.0.4", PORT, 101.0)
    it.keep("10.0.0.5", PORT, 101.0)
    assert sorted(keys(it.due(101.0))) == ["10.0.0.4 4000", "10.0.0.5 4000", HIGH]


def test_somebody_else_who_is_met_there_is_who_is_there() -> None:
    it = dialer()
    it.hear(HOST, PORT, CARA, ANNA, 100.0)
    it.due(100.0)
    it.linked(KEY, DORA, HOST, 100.1)
    it.linked(None, CARA, "10.0.0.9", 100.2)
    it.unlinked(DORA, 200.0)
    assert keys(it.due(it.wake())) == [KEY]


def test_one_liar_fills_neither_the_dials_nor_the_guesses_of_others() -> None:
    it = dialer()
    hear(it, 100)
    assert len(it.due(100.0)) == GUESSES_PER_INTRODUCER
    it.hear(HOST, PORT, CARA, BEN, 100.0)
    assert keys(it.due(100.0)) == [KEY]


def test_guesses_leave_room_for_what_was_seen() -> None:
    it = dialer()
    for number in range(10):
        hear(it, 10, who(number), network=number + 1)
    for number in range(20):
        it.remember(f"10.99.0.{number}", PORT, who(number), 100.0)
    assert len(it.due(100.0)) == GUESSES_IN_FLIGHT
    for number in range(20):
        it.found(seen(f"f{number:015x}", f"10.98.0.{number}"), 100.0)
    assert len(it.due(100.0)) == IN_FLIGHT - GUESSES_IN_FLIGHT


def test_what_was_seen_is_dialled_before_what_is_guessed() -> None:
    it = dialer()
    hear(it, 30, now=99.0)
    it.found(seen(), 100.0)
    assert keys(it.due(100.0))[0] == HIGH


def test_too_many_guesses_displace_neither_each_other_nor_anybody_seen_but_what_failed() -> None:
    it = dialer()
    hear(it, MAX_GUESSES + 50)
    assert len(it.book.endpoints()) == MAX_GUESSES
    it.hear(HOST, PORT, CARA, BEN, 100.0)
    assert (HOST, PORT) not in it.book.endpoints()
    for key in keys(it.due(100.0)):
        it.failed(key, 100.0)
    it.hear(HOST, PORT, CARA, BEN, 100.0)
    assert (HOST, PORT) in it.book.endpoints()
    for number in range(MAX_TARGETS):
        it.found(seen(f"f{number:015x}", f"10.{200 + (number >> 8)}.{number & 255}.1"), 100.0)
    assert all(target.announced for target in it.book)
    assert len([*it.book]) == MAX_TARGETS
    hear(it, 5, now=101.0, network=9)
    assert all(target.announced for target in it.book)


def test_many_who_are_announced_leave_room_for_guesses() -> None:
    it = dialer()
    for number in range(MAX_GUESSES + 50):
        it.found(seen(f"f{number:015x}", f"10.{200 + (number >> 8)}.{number & 255}.1"), 100.0)
    it.hear(HOST, PORT, CARA, BEN, 100.0)
    assert (HOST, PORT) in it.book.endpoints()


def test_where_somebody_who_dialled_me_listens_is_dialled_once_they_are_gone() -> None:
    it = dialer()
    it.linked(None, CARA, HOST, 100.0)
    it.remember(HOST, PORT, CARA, 100.0)
    assert it.due(150.0) == []
    it.unlinked(CARA, 200.0, member=True)
    assert 201.5 <= it.wake() <= 201.7  # it dialled before, so it may do so again
    assert fail(it, KEY, 2 * GIVEN_UP, 201.7) < 300.0  # a member of before: again and again for ten minutes
    it.linked(None, CARA, HOST, 300.0)
    it.unlinked(CARA, 400.0, member=True, gone=True)
    assert it.wake() == math.inf


def test_a_remembered_address_does_not_spoil_who_is_told_apart_by_counting() -> None:
    it = dialer()
    it.remember("10.0.0.2", 5000, ANNA, 90.0)
    it.found(seen("1" * 16, "10.0.0.2", port=4000), 90.0)
    assert keys(it.due(90.0)) == ["10.0.0.2 5000"]
    it.failed("10.0.0.2 5000", 90.1)
    it.linked(None, BEN, "10.0.0.2", 90.2)
    assert keys(it.due(95.0)) == ["10.0.0.2 5000"]


def test_a_name_is_dialled_like_an_address_and_known_when_it_answers() -> None:
    it = dialer()
    it.keep("laptop.local", PORT, 100.0)
    assert not it.reaches("laptop.local", PORT)
    assert [dial.endpoints for dial in it.due(100.0)] == [(("laptop.local", PORT),)]
    it.linked(f"laptop.local {PORT}", CARA, HOST, 100.1)
    assert it.reaches("laptop.local", PORT)
