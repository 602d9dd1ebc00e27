"""The schedule of dialling, with a clock that is an argument."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peertalk.node.dialer import Dialer
from peertalk.node.ports import Advertisement
from peertalk.node.targets import Dial

ME = "8888888888888888"
LOW, HIGH = "1111111111111111", "ffffffffffffffff"  # the lesser of us dials first: I dial HIGH at once, LOW dials me
ANNA, BEN = b"a" * 32, b"b" * 32


def dialer(seed: int = 0) -> Dialer:
    return Dialer(lambda: ME, random=random.Random(seed).randbytes)


def seen(instance: str = HIGH, *hosts: str, port: int = 4000) -> Advertisement:
    return Advertisement(instance, hosts or ("10.0.0.2",), port)


def keys(dials: list[Dial]) -> list[str]:
    return [dial.target for dial in dials]


def waits(it: Dialer, now: float) -> float:
    """How long it waits for what comes next, which then is one dial."""
    wake = it.wake()
    assert it.due(math.nextafter(wake, 0)) == []
    assert len(it.due(wake)) == 1
    return wake - now


def link_up(it: Dialer, now: float, identity: bytes = BEN, instance: str = HIGH) -> None:
    """Found, dialled, linked."""
    it.found(seen(instance), now)
    assert keys(it.due(now)) == [instance]
    it.linked(instance, identity, "10.0.0.2", now)


# ── who dials first ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_lesser_instance_dials_at_once() -> None:
    it = dialer()
    it.found(seen(HIGH, "10.0.0.2", "fe80::2%3", port=4711), 100.0)
    assert it.wake() == 100.0
    assert it.due(100.0) == [Dial(HIGH, (("10.0.0.2", 4711), ("fe80::2%3", 4711)))]


def test_the_greater_gives_it_time() -> None:
    it = dialer()
    it.found(seen(LOW), 100.0)
    assert it.wake() == 101.5
    assert it.due(101.4) == []
    assert keys(it.due(101.5)) == [LOW]


def test_an_address_that_was_asked_for_is_dialled_at_once() -> None:
    it = dialer()
    it.keep("0.0.0.1", 4000, 100.0)
    assert it.due(100.0) == [Dial("0.0.0.1 4000", (("0.0.0.1", 4000),))]


def test_a_dial_in_flight_is_not_dialled_again() -> None:
    it = dialer()
    it.found(seen(), 100.0)
    it.due(100.0)
    it.found(seen(HIGH, "10.0.0.3"), 100.1)
    it.changed_rooms(100.1)
    it.jump(100.1)
    assert it.due(1000.0) == []
    assert it.wake() == math.inf


def test_who_is_linked_is_not_dialled() -> None:
    it = dialer()
    link_up(it, 100.0)
    it.changed_rooms(101.0)
    it.jump(101.0)
    assert it.due(1000.0) == []
    assert it.wake() > 70_000


def test_a_link_is_renewed_about_once_a_day_by_whoever_dialled() -> None:
    it = dialer()
    link_up(it, 0.0)
    it.found(seen(LOW, "10.0.0.3"), 0.0)
    it.linked(None, ANNA, "10.0.0.3", 0.0)
    renew = it.wake()
    assert 0.9 * 86_400 <= renew <= 1.1 * 86_400
    assert keys(it.due(renew)) == [HIGH]
    it.failed(HIGH, renew)
    again = it.wake()
    assert again - renew <= 0.5
    assert keys(it.due(again)) == [HIGH]
    it.linked(HIGH, BEN, "10.0.0.2", again)
    it.unlinked(BEN, again)
    assert it.wake() - again > 0.8 * 86_400


# ── links that come in have no instance name ─────────────────────────────────────────────────────────────────────────


def test_who_has_dialled_me_from_its_address_is_not_dialled() -> None:
    it = dialer()
    it.found(seen(LOW), 100.0)
    it.linked(None, ANNA, "10.0.0.2", 100.2)
    assert it.due(200.0) == []
    assert it.wake() == math.inf


def test_two_processes_of_one_host_are_told_apart_by_counting() -> None:
    it = dialer()
    it.found(seen(LOW), 100.0)
    it.found(seen("2" * 16, port=4001), 100.0)
    it.linked(None, ANNA, "10.0.0.2", 100.2)
    assert len(it.due(101.5)) == 2  # one of them it is, but nobody can say which
    it = dialer()
    it.found(seen(LOW), 100.0)
    it.found(seen("2" * 16, port=4001), 100.0)
    it.linked(None, ANNA, "10.0.0.2", 100.2)
    it.linked(None, BEN, "10.0.0.2", 100.3)
    assert it.due(101.5) == []


def test_a_crossed_dial_of_somebody_met_already_covers_nobody_else() -> None:
    it = dialer()
    link_up(it, 100.0)
    it.found(seen("9" * 16, port=4001), 100.0)
    it.linked(None, BEN, "10.0.0.2", 100.1)
    assert keys(it.due(100.2)) == ["9" * 16]


def test_a_link_that_came_in_and_ended_leaves_the_next_dial_to_the_lesser_too() -> None:
    it = dialer()
    it.found(seen(LOW), 100.0)
    it.linked(None, ANNA, "10.0.0.2", 100.2)
    it.unlinked(ANNA, 200.0, member=True)
    assert waits(it, 200.0) == 1.5


def test_an_instance_under_a_new_name_at_the_same_port_is_known() -> None:
    it = dialer()
    link_up(it, 100.0)
    it.found(seen("9" * 16), 200.0)
    it.lost(HIGH)
    assert it.due(300.0) == []
    it.unlinked(BEN, 300.0)
    assert len(it.due(301.0)) == 1


def test_the_new_name_may_come_after_the_old_one_went() -> None:
    it = dialer()
    link_up(it, 100.0)
    it.lost(HIGH)
    it.found(seen("9" * 16), 200.0)
    assert it.due(300.0) == []


def test_a_second_way_to_somebody_waits_for_the_first() -> None:
    it = dialer()
    it.keep("10.0.0.2", 4000, 100.0)
    it.found(seen(), 100.0)
    assert len(it.due(100.0)) == 1
    it.linked("10.0.0.2 4000", BEN, "10.0.0.2", 100.1)
    assert it.due(200.0) == []


# ── failures ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def delays(it: Dialer, failures: int, key: str = HIGH, now: float = 100.0) -> list[float]:
    """The pauses after so many failures in a row, of a dial that is due now."""
    assert keys(it.due(now)) == [key]
    pauses = []
    for _ in range(failures):
        it.failed(key, now)
        pauses.append(it.wake() - now)
        now = it.wake()
        assert keys(it.due(now)) == [key]
    return pauses


def test_failures_are_tried_again_ever_later_up_to_a_minute() -> None:
    it = dialer()
    it.found(seen(), 100.0)
    for pause, most in zip(delays(it, 12), [0.5, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60], strict=True):
        assert most / 2 <= pause <= most


def test_no_two_wait_equally_long() -> None:
    pauses = set()
    for seed in range(20):
        it = dialer(seed)
        it.found(seen(), 100.0)
        pauses.update(delays(it, 1))
    assert len(pauses) == 20


def test_a_member_of_the_last_ten_minutes_is_tried_at_least_every_three_seconds() -> None:
    it = dialer()
    link_up(it, 100.0)
    it.unlinked(BEN, 200.0, member=True)
    now = it.wake()
    pauses = []
    while now < 795:
        assert keys(it.due(now)) == [HIGH]
        it.failed(HIGH, now)
        pauses.append(it.wake() - now)
        now = it.wake()
    assert max(pauses) <= 3.0
    assert len(pauses) > 200
    while now < 830:
        it.due(now)
        it.failed(HIGH, now)
        pauses.append(it.wake() - now)
        now = it.wake()
    assert pauses[-1] > 3.0


@pytest.mark.parametrize(("instance", "least"), [(HIGH, 0.0), (LOW, 1.5)])
def test_a_link_that_lasted_is_renewed_at_once_by_the_lesser(instance: str, least: float) -> None:
    it = dialer()
    it.found(seen(instance), 90.0)
    it.due(100.0)
    it.linked(instance, BEN, "10.0.0.2", 100.0)
    it.unlinked(BEN, 200.0, member=True)
    assert least <= waits(it, 200.0) <= least + 0.2


def test_links_that_end_as_soon_as_they_are_up_count_as_failures() -> None:
    it = dialer()
    it.found(seen(), 100.0)
    now, pauses = 100.0, []
    for _ in range(8):
        assert keys(it.due(now)) == [HIGH]
        it.linked(HIGH, BEN, "10.0.0.2", now)
        it.unlinked(BEN, now + 0.1)
        pauses.append(it.wake() - now)
        now = it.wake()
    assert pauses[-1] > 20


def test_crossed_links_are_no_failure() -> None:
    it = dialer()
    link_up(it, 100.0)
    it.linked(None, BEN, "10.0.0.2", 100.0)
    it.unlinked(BEN, 100.1)
    assert it.due(200.0) == []
    it.unlinked(BEN, 200.0, member=True)
    assert waits(it, 200.0) <= 0.2


def test_who_said_that_it_leaves_is_dialled_no_more() -> None:
    it = dialer()
    link_up(it, 100.0)
    it.unlinked(BEN, 200.0, member=True, gone=True)
    assert it.due(1000.0) == []


def test_an_address_that_was_asked_for_is_tried_even_so() -> None:
    it = dialer()
    it.keep("10.0.0.2", 4000, 100.0)
    it.due(100.0)
    it.linked("10.0.0.2 4000", BEN, "10.0.0.2", 100.0)
    it.unlinked(BEN, 200.0, member=True, gone=True)
    assert keys(it.due(it.wake())) == ["10.0.0.2 4000"]


# ── no shared room ───────────────────────────────────────────────────────────────────────────────────────────────────


def refuse(it: Dialer, now: float) -> None:
    it.found(seen(), now)
    it.due(now)
    it.refused(HIGH, now)


def test_who_shares_no_room_is_left_alone_for_minutes() -> None:
    it = dialer()
    refuse(it, 100.0)
    assert 240 <= waits(it, 100.0) <= 360


@pytest.mark.parametrize("change", ["my rooms", "its name"])
def test_until_rooms_may_have_changed(change: str) -> None:
    it = dialer()
    refuse(it, 100.0)
    if change == "my rooms":
        it.changed_rooms(110.0)
    else:
        it.found(seen("9" * 16), 110.0)
        it.lost(HIGH)
    assert len(it.due(110.0)) == 1


def test_rooms_that_changed_during_a_dial_make_it_count_for_nothing() -> None:
    for ending in (Dialer.refused, Dialer.failed):
        it = dialer()
        it.found(seen(), 100.0)
        it.due(100.0)
        it.changed_rooms(100.1)
        ending(it, HIGH, 100.2)
        assert keys(it.due(100.2)) == [HIGH]
        ending(it, HIGH, 100.3)
        assert it.due(100.3) == []


def test_whoever_has_a_new_room_waits_for_nobody() -> None:
    it = dialer()
    it.found(seen(LOW), 100.0)
    it.changed_rooms(100.0)
    assert keys(it.due(100.0)) == [LOW]


# ── other networks, other addresses ──────────────────────────────────────────────────────────────────────────────────


def test_after_a_jump_what_failed_is_tried_at_once_and_who_refused_is_not() -> None:
    it = dialer()
    it.found(seen(), 100.0)
    delays(it, 8)
    it.failed(HIGH, 300.0)
    refused = seen("9" * 16, "10.0.0.9")
    it.found(refused, 300.0)
    it.due(300.0)
    it.refused("9" * 16, 300.0)
    it.jump(301.0)
    assert keys(it.due(301.2)) == [HIGH]


def test_a_new_address_is_tried_at_once() -> None:
    it = dialer()
    it.found(seen(), 100.0)
    delays(it, 8)
    it.failed(HIGH, 300.0)
    it.found(seen(HIGH, "10.0.0.3"), 301.0)
    assert it.due(301.0) == [Dial(HIGH, (("10.0.0.3", 4000),))]


def test_the_same_announcement_again_changes_nothing() -> None:
    it = dialer()
    it.found(seen(), 100.0)
    delays(it, 8)
    it.failed(HIGH, 300.0)
    it.found(seen(), 301.0)
    assert it.due(301.0) == []


def test_who_is_no_longer_announced_is_not_dialled() -> None:
    it = dialer()
    it.found(seen(LOW), 100.0)
    it.lost(LOW)
    it.lost("never seen")
    assert it.due(200.0) == []


def test_who_was_linked_is_tried_a_few_times_though_it_is_no_longer_announced() -> None:
    it = dialer()
    link_up(it, 100.0)
    it.lost(HIGH)
    it.unlinked(BEN, 200.0)
    now, tries = it.wake(), 0
    while now < math.inf:
        assert keys(it.due(now)) == [HIGH]
        it.failed(HIGH, now)
        tries += 1
        now = it.wake()
    assert tries == 4


def test_a_remembered_address_is_tried_a_few_times_unless_who_was_there_is_linked() -> None:
    it = dialer()
    it.remember("10.0.0.2", 4000, BEN, 100.0)
    key = "10.0.0.2 4000"
    assert len(delays(it, 3, key)) == 3
    it.failed(key, 200.0)
    assert it.wake() == math.inf
    it = dialer()
    link_up(it, 100.0)
    it.remember("10.0.0.7", 4000, BEN, 100.0)
    assert it.due(200.0) == []


def test_an_address_that_was_asked_for_is_never_given_up() -> None:
    it = dialer()
    it.remember("10.0.0.2", 4000, BEN, 100.0)
    it.keep("10.0.0.2", 4000, 100.0)
    assert len(delays(it, 30, "10.0.0.2 4000")) == 30


# ── limits ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_at_most_sixteen_dials_are_in_flight() -> None:
    it = dialer()
    for number in range(20):
        it.found(seen(f"{0xF000 + number:016x}".replace("0", "f", 1), f"10.0.1.{number}"), 100.0)
    first = keys(it.due(100.0))
    assert len(first) == 16
    assert it.due(100.1) == []
    it.failed(first[0], 100.1)
    it.refused(first[1], 100.1)
    assert len(it.due(100.1)) == 2


def test_at_most_four_dials_go_to_one_source() -> None:
    it = Dialer(lambda: ME, source=lambda host: host.rpartition(".")[0])
    for number in range(6):
        it.found(seen(f"f{number:015x}", f"10.0.1.{number}"), 100.0)
    it.found(seen("f" * 16, "10.0.2.1"), 100.0)
    assert len(it.due(100.0)) == 5
    assert it.wake() == math.inf


def test_what_never_failed_comes_first() -> None:
    it = dialer()
    for number in range(17):
        it.found(seen(f"f{number:015x}", f"10.0.1.{number}"), 100.0)
    for key in keys(it.due(100.0)):
        it.failed(key, 100.0)
    it.found(seen("f" * 16, "10.0.2.1"), 109.0)
    assert {"f" * 16, f"f{16:015x}"} <= set(keys(it.due(109.0))[:2])


# ── whatever happens ─────────────────────────────────────────────────────────────────────────────────────────────────

INSTANCES = [f"{number:x}" * 16 for number in range(1, 16)]
EVENTS = ["found", "lost", "land", "link", "come", "cut", "leave", "rooms", "jump", "keep", "remember"]


@given(st.lists(st.tuples(st.sampled_from(EVENTS), st.integers(0, 14), st.floats(0, 20)), max_size=120), st.integers())
def test_whatever_happens_dials_are_bounded_and_waking_is_never_in_vain(steps: list[tuple[str, int, float]], seed: int) -> None:
    it, now = dialer(seed), 100.0
    flying: list[str] = []
    links: list[bytes] = []
    changes: list[int] = []
    it.on_change = lambda: changes.append(1)
    for what, number, pause in steps:
        now += pause
        happen(it, what, number, now, flying, links)
        give_up(it, now, flying)
        started = keys(it.due(now))
        assert not set(started) & set(flying)
        flying += started
        assert len(flying) <= 16
        assert it.wake() > now
        if (wake := it.wake()) < math.inf:
            now = wake
            give_up(it, now, flying)
            woken = keys(it.due(now))
            assert woken
            flying += woken
    assert len(changes) >= len([what for what, _, _ in steps if what in {"found", "rooms", "jump", "keep"}])


def give_up(it: Dialer, now: float, flying: list[str]) -> None:
    for key in it.outstayed(now):
        flying.remove(key)
        it.failed(key, now)


def happen(it: Dialer, what: str, number: int, now: float, flying: list[str], links: list[bytes]) -> None:
    instance, host, identity = INSTANCES[number], f"10.0.0.{number % 5}", bytes([number % 6]) * 32
    simple = {
        "found": lambda: it.found(seen(instance, host, port=4000 + number % 3), now),
        "lost": lambda: it.lost(instance),
        "rooms": lambda: it.changed_rooms(now),
        "jump": lambda: it.jump(now),
        "keep": lambda: it.keep(host, 4000, now),
        "remember": lambda: it.remember(host, 4000, identity, now),
    }
    if what in simple:
        simple[what]()
    elif what == "land" and flying:
        (it.failed if number % 3 else it.refused)(flying.pop(number % len(flying)), now)
    elif what == "come" or (what == "link" and flying):
        it.linked(None if what == "come" else flying.pop(number % len(flying)), identity, host, now)
        links.append(identity)
    elif what in {"cut", "leave"} and links:
        it.unlinked(links.pop(number % len(links)), now, member=number % 2 == 0, gone=what == "leave")
