"""Whom the dialer dials where everybody visits everybody, and only a few stay."""

from __future__ import annotations

from peertalk.node.dialer import MEMBER_SECONDS, SPARED_SECONDS, Dialer
from peertalk.node.targets import VISIT_SECONDS, VISITS
from tests.node.test_dialer import ANNA, BEN, HIGH, dialer, keys, link_up, seen

ROOM = b"r" * 32


def who(number: int) -> bytes:
    return number.to_bytes(32, "big")


def crowd(it: Dialer, count: int, now: float = 100.0) -> list[str]:
    """So many are announced, all of them mine to dial."""
    names = [f"f{number:015x}" for number in range(count)]
    for number, name in enumerate(names):
        it.found(seen(name, f"10.0.{number >> 8}.{number & 255}"), now)
    return names


def visit(it: Dialer, name: str, now: float) -> None:
    """A link that neither side needs."""
    identity = who(int(name[1:], 16))
    it.linked(name, identity, "10.0.0.1", now)
    it.unlinked(identity, now + 3, spare=True)


def test_a_crowd_is_visited_a_few_at_once_and_then_two_a_second() -> None:
    it, now = dialer(), 100.0
    crowd(it, 60)
    met: list[float] = []
    while len(met) < 60:
        dialled = keys(it.due(now))
        for name in dialled:
            visit(it, name, now)
            met.append(now)
        now = max(now + 0.001, it.wake())
    assert met[:VISITS] == [100.0] * VISITS
    assert met[-1] - 100.0 >= (60 - VISITS) * VISIT_SECONDS
    assert met[-1] - 100.0 <= (60 - VISITS + 1) * VISIT_SECONDS + 1


def test_dials_that_lead_nowhere_hold_nobody_up() -> None:
    it = dialer()
    crowd(it, 60)
    for _ in range(3):
        for name in keys(it.due(100.0)):
            it.failed(name, 100.0)
    assert len(keys(it.due(100.0))) == 60 - 3 * 16


def test_who_was_not_needed_is_left_alone_for_long() -> None:
    it = dialer()
    link_up(it, 100.0)
    it.unlinked(BEN, 103.0, spare=True)
    assert 0.8 * SPARED_SECONDS <= it.wake() - 103.0 <= 1.2 * SPARED_SECONDS
    it.jump(110.0)
    assert it.due(110.0 + MEMBER_SECONDS) == []
    it.found(seen(HIGH, "10.0.0.3"), 800.0)
    assert keys(it.due(800.0)) == [HIGH]


def test_so_is_who_came_and_said_where_they_listen() -> None:
    it = dialer()
    it.linked(None, BEN, "10.0.0.2", 99.0)
    it.found(seen(), 100.0)
    it.listens("10.0.0.2", 4000, BEN, 100.0)
    it.unlinked(BEN, 103.0, spare=True)
    assert it.wake() - 103.0 >= 0.8 * SPARED_SECONDS


def test_and_under_another_name() -> None:
    it = dialer()
    link_up(it, 100.0)
    it.unlinked(BEN, 103.0, spare=True)
    it.found(seen("e" * 16), 200.0)
    it.lost(HIGH)
    assert it.wake() - 103.0 >= 0.8 * SPARED_SECONDS


def test_who_is_sought_is_dialled_at_once_whatever_was() -> None:
    it = dialer()
    link_up(it, 100.0)
    it.unlinked(BEN, 103.0, spare=True)
    it.seek(ROOM, [BEN], 104.0)
    assert keys(it.due(104.0)) == [HIGH]
    it.linked(HIGH, BEN, "10.0.0.2", 104.1)
    it.unlinked(BEN, 200.0, member=True)
    assert it.wake() < 201.0


def test_who_is_said_to_be_there_is_met_first_if_sought() -> None:
    it = dialer()
    names = crowd(it, 60)
    while dialled := keys(it.due(100.0)):
        for name in dialled:
            visit(it, name, 100.0)
    left = next(name for name in names if it.book.get(name) and not it.book.get(name).identity)  # type: ignore[union-attr]
    number = int(left[1:], 16)
    it.seek(ROOM, [BEN], 100.0)
    assert it.due(100.0) == []
    it.hear_of(f"10.0.{number >> 8}.{number & 255}", 4000, BEN, 100.1)
    assert keys(it.due(100.1)) == [left]


def test_who_is_no_longer_sought_waits_again() -> None:
    it = dialer()
    link_up(it, 100.0)
    it.unlinked(BEN, 103.0, spare=True)
    it.seek(ROOM, [who(7)], 104.0)
    assert it.due(104.0) == []
    it.seek(ROOM, [], 105.0)
    assert it.wake() - 103.0 >= 0.8 * SPARED_SECONDS


def test_when_ones_rooms_have_grown_all_are_visited_again_in_time() -> None:
    it = dialer()
    crowd(it, 40)
    now = 100.0
    while any(target.identity is None for target in it.book):
        for name in keys(it.due(now)):
            visit(it, name, now)
        now = max(now + 0.001, it.wake())
    now += 60.0
    it.changed_rooms(now)
    dialled = keys(it.due(now))
    assert len(dialled) == 16
    for name in dialled:
        visit(it, name, now)
    assert it.due(now) == []
    assert len(keys(it.due(now + 4 * VISIT_SECONDS))) == 4


def test_an_address_that_was_asked_for_is_kept() -> None:
    it = dialer()
    it.keep("10.0.0.2", 4000, 100.0)
    it.due(100.0)
    it.linked("10.0.0.2 4000", BEN, "10.0.0.2", 100.0)
    assert it.is_kept("10.0.0.2 4000")
    assert not it.is_kept(None)
    it.found(seen(), 100.0)
    assert not it.is_kept(HIGH)


def test_who_has_lost_everybody_looks_for_those_too_who_were_not_needed() -> None:
    """Those who stayed linked may be gone by now, and the others know nothing of it."""
    it = dialer()
    names = crowd(it, 3)
    visit(it, names[0], 100.0)
    visit(it, names[1], 100.0)
    it.linked(names[2], who(2), "10.0.0.1", 100.0)
    it.due(110.0)
    assert it.wake() >= 0.8 * SPARED_SECONDS
    it.unlinked(who(2), 200.0)
    assert {*names[:2]} <= {*keys(it.due(210.0))}


# ── both dial ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_who_has_come_by_themselves_meanwhile_is_dialled_no_further() -> None:
    it = dialer()
    link_up(it, 100.0)
    it.unlinked(BEN, 130.0, member=True)
    assert keys(it.due(131.0)) == [HIGH]
    assert it.overtaken() == []
    it.linked(None, BEN, "10.0.0.2", 131.1)
    assert it.overtaken() == [HIGH]
    it.called_off(HIGH, 131.1)
    assert it.overtaken() == it.due(140.0) == []
    it.unlinked(BEN, 150.0, member=True)
    assert keys(it.due(152.0)) == [HIGH]


def test_nor_whose_name_is_not_known_yet_if_as_many_came_from_there_as_are_announced() -> None:
    it = dialer()
    it.found(seen(), 100.0)
    assert keys(it.due(100.0)) == [HIGH]
    it.linked(None, ANNA, "10.0.0.3", 100.2)
    assert it.overtaken() == []
    it.linked(None, BEN, "10.0.0.2", 100.3)
    assert it.overtaken() == [HIGH]


def test_a_dial_that_renews_a_link_goes_on() -> None:
    it = dialer()
    link_up(it, 0.0)
    assert keys(it.due(100_000.0)) == [HIGH]
    assert it.overtaken() == []


def test_a_dial_that_was_asked_for_goes_on() -> None:
    it = dialer()
    it.keep("10.0.0.2", 4000, 100.0, identity=BEN)
    assert len(it.due(100.0)) == 1
    it.linked(None, BEN, "10.0.0.2", 100.1)
    assert it.overtaken() == []


def test_a_dial_that_was_called_off_is_no_failure() -> None:
    it = dialer()
    link_up(it, 100.0)
    it.unlinked(BEN, 130.0, member=True)
    it.due(131.0)
    it.linked(None, BEN, "10.0.0.2", 131.0)
    it.called_off(HIGH, 131.0)
    target = it.book.get(HIGH)
    assert target is not None
    assert (target.flying, target.failures) == (False, 0)
