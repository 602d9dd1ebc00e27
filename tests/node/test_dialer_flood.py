"""Whom the dialer dials when most of those that are announced are not there."""

from __future__ import annotations

import math

from peertalk.node.book import MAX_TARGETS
from peertalk.node.dialer import Dialer
from peertalk.node.targets import VISIT_SECONDS, VISITS
from tests.node.test_dialer import BEN, dialer, keys, seen


def flood(it: Dialer, number: int, now: float) -> None:
    """So many instances at addresses of their own."""
    for each in range(number):
        it.found(seen(f"f{each:015x}", f"10.0.{each >> 8}.{each & 255}"), now)


def settle(it: Dialer, now: float) -> list[str]:
    """What is begun now, after what has had its time was ended."""
    for key in it.outstayed(now):
        it.failed(key, now)
    return keys(it.due(now))


def test_a_dial_without_an_answer_gives_its_place_up_after_a_second_if_others_wait() -> None:
    it = dialer()
    flood(it, 20, 100.0)
    first = settle(it, 100.0)
    assert it.wake() == 101.0
    assert settle(it, 100.9) == []
    assert len(settle(it, 101.0)) == 4
    it = dialer()
    flood(it, 16, 100.0)
    assert settle(it, 100.0) == first
    assert it.outstayed(104.0) == []
    assert it.wake() == math.inf


def test_an_address_that_was_asked_for_keeps_its_place() -> None:
    it = dialer()
    it.keep("10.9.0.1", 4000, 99.0)
    assert len(settle(it, 99.0)) == 1
    flood(it, 40, 100.0)
    settle(it, 100.0)
    assert "10.9.0.1 4000" not in it.outstayed(102.0)


def test_300_that_do_not_answer_delay_who_comes_then_by_seconds_and_who_was_there_by_twenty() -> None:
    it, now = dialer(), 100.0
    flood(it, 300, now)
    it.found(seen("f" * 16, "10.9.0.1"), now)
    while "f" * 16 not in settle(it, now):
        now = it.wake()
    assert now < 120.0
    it.linked("f" * 16, BEN, "10.9.0.1", now)
    it.found(seen("e" * 16, "10.9.0.2"), now)
    came = now
    while "e" * 16 not in settle(it, now):
        now = it.wake()
    assert now - came <= 2.0


def test_who_comes_into_a_crowd_is_dialled_as_soon_as_a_place_is_free() -> None:
    it, now = dialer(), 100.0
    flood(it, 300, now)
    settle(it, now)
    for number in range(5):
        it.found(seen(f"e{number:015x}", f"10.9.0.{number}"), now + 0.5)
    assert {f"e{number:015x}" for number in range(5)} <= set(settle(it, now + 1.0))


def test_who_failed_once_is_not_behind_those_that_keep_coming_for_ever() -> None:
    """Twenty a second come, for sixteen that are dialled."""
    it, now = dialer(), 100.0
    it.found(seen("e" * 16, "10.9.0.1"), now)
    settle(it, now)
    flood(it, 64, now)
    it.failed("e" * 16, now)
    tries = 0
    for second in range(60):
        now += 1.0
        for number in range(64 + 20 * second, 64 + 20 * (second + 1)):
            it.found(seen(f"f{number:015x}", f"10.0.{number >> 8}.{number & 255}"), now)
        tries += settle(it, now).count("e" * 16)
    assert tries


def test_one_host_under_many_names_is_dialled_now_and_then() -> None:
    it, now, dials = dialer(), 100.0, 0
    for number in range(300):
        it.found(seen(f"f{number:015x}", "10.0.0.9", port=number), now)
    while (now := max(now, it.wake())) < 160.0:
        for key in settle(it, now):
            it.failed(key, now)
            dials += 1
    assert dials <= 16 + 60
    it.keep("10.0.0.9", 4000, now)
    assert "10.0.0.9 4000" in settle(it, now)


def test_links_do_not_count_as_strangers_at_their_source() -> None:
    it = dialer()
    for number in range(40):
        it.found(seen(f"f{number:015x}", "10.0.0.9", port=number), 100.0)
    linked, now = 0, 100.0
    while dialled := settle(it, now):
        for key in dialled:
            it.linked(key, bytes([linked]) * 32, "10.0.0.9", now)
            linked += 1
        now += VISITS * VISIT_SECONDS
    assert linked == 40


def test_a_flood_of_announcements_is_bounded_and_makes_way_for_new_ones_when_it_leads_nowhere() -> None:
    it = dialer()
    for number in range(MAX_TARGETS + 10):
        it.found(seen(f"f{number:015x}", f"10.{number >> 8}.{number & 255}.1"), 100.0)
    assert len([*it.book]) == MAX_TARGETS
    for key in keys(it.due(100.0)):
        it.failed(key, 100.0)
    it.found(seen("f" * 16, "10.99.0.1"), 100.1)
    assert it.book.get("f" * 16)
    assert len([*it.book]) == MAX_TARGETS
