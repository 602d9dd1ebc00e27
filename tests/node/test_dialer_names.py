"""One machine under many names, and in many places: none of them stays behind."""

from __future__ import annotations

from peertalk.node.book import MAX_NAMES, MAX_TARGETS
from peertalk.node.dialer import RENEW_SECONDS, Dialer
from tests.node.test_dialer import ANNA, BEN, HIGH, dialer, keys, link_up, seen, waits


def names(it: Dialer) -> list[str]:
    return [target.key for target, _ in it.known()]


def name(number: int) -> str:
    return f"f{number:015x}"


def test_who_is_linked_and_changes_names_every_hour_is_kept_under_the_present_one() -> None:
    it = dialer()
    link_up(it, 100.0)
    before = HIGH
    for number in range(5):
        it.found(seen(name(number)), 200.0)
        it.lost(before)
        before = name(number)
        assert names(it) == [before]
    it.unlinked(BEN, 300.0, member=True)
    assert keys(it.due(302.0)) == [before]


def test_so_it_is_where_the_old_name_goes_first() -> None:
    it = dialer()
    link_up(it, 100.0)
    it.lost(HIGH)
    assert names(it) == [HIGH]
    it.found(seen(name(1)), 200.0)
    assert names(it) == [name(1)]


def test_a_name_that_leads_elsewhere_too_takes_nobodys_place() -> None:
    it = dialer()
    link_up(it, 100.0)
    it.found(seen(name(1), "10.0.0.66", "10.0.0.2"), 200.0)
    it.lost(HIGH)
    assert names(it) == [HIGH, name(1)]


def test_a_link_is_renewed_when_it_is_due_though_its_name_has_changed() -> None:
    it = dialer()
    link_up(it, 100.0)
    it.found(seen(name(1)), 3600.0)
    it.lost(HIGH)
    assert 0.9 * RENEW_SECONDS <= waits(it, 100.0) <= 1.1 * RENEW_SECONDS
    assert [target.key for target in it.book if target.flying] == [name(1)]


def test_somebody_who_is_met_takes_a_few_places_however_many_names_lead_there() -> None:
    it = dialer()
    it.found(seen(name(0)), 100.0)
    it.due(100.0)
    it.linked(name(0), BEN, "10.0.0.2", 100.0)
    for number in range(1, MAX_TARGETS + 50):
        it.found(seen(name(number)), 101.0)
    assert len(names(it)) == MAX_TARGETS
    for number in range(MAX_NAMES):
        it.found(seen(f"e{number:015x}", f"10.0.1.{number}"), 102.0)
        assert f"e{number:015x}" in names(it)


def test_who_refused_makes_room_for_whoever_comes() -> None:
    it = dialer()
    for number in range(MAX_TARGETS):
        it.found(seen(name(number), f"10.0.{number >> 8}.{number & 255}"), 100.0)
    it.found(seen("e" * 16, "10.9.0.1"), 100.0)
    assert "e" * 16 not in names(it)
    (refused,) = keys(it.due(100.0))[:1]
    it.refused(refused, 101.0)
    it.found(seen("e" * 16, "10.9.0.1"), 101.0)
    assert "e" * 16 in names(it)
    assert refused not in names(it)


def near(host: str) -> bool:
    return host.startswith("10.1.")


def test_in_another_network_nobody_is_asked_for_who_was_in_the_last_one() -> None:
    it = dialer()
    link_up(it, 100.0)
    it.lost(HIGH)
    it.remember("10.0.0.9", 4000, ANNA, 100.0)
    it.remember("10.1.0.9", 4000, ANNA, 100.0)
    it.keep("10.0.0.7", 4000, 100.0)
    it.found(seen(name(1), "10.0.0.8"), 100.0)
    it.carried(near)
    it.unlinked(BEN, 101.0, member=True)
    assert names(it) == ["10.1.0.9 4000", "10.0.0.7 4000", name(1)]


def test_a_dial_to_the_last_network_is_the_last_one() -> None:
    it = dialer()
    it.remember("10.0.0.9", 4000, ANNA, 100.0)
    assert keys(it.due(100.0)) == ["10.0.0.9 4000"]
    it.carried(near)
    it.failed("10.0.0.9 4000", 101.0)
    assert names(it) == []
