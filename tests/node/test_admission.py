from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable

import pytest

from peertalk.core.identity import Identity
from peertalk.core.stored import PeerRecord
from peertalk.node import admission
from peertalk.node.acquaintances import Acquaintances, Rank
from peertalk.node.admission import KEPT, LINK_BURST, LINK_RATE, LINKS, LINKS_PER_SOURCE, NEW_BURST, Admission, Guest, excess

FLOOD = "10.0.0.66"


def guest(name: str, source: str | None = FLOOD, rank: Rank = Rank.STRANGER) -> Guest:
    return Guest(name.encode(), source, rank)


def come(comers: Iterable[Guest]) -> list[Guest]:
    """Who is linked when these have come one after another, as links do it."""
    linked: list[Guest] = []
    for new in comers:
        loser = excess(linked, new)
        if loser is not new:
            linked = [one for one in linked if one is not loser] + [new]
    return linked


def people(number: int, rank: Rank = Rank.STRANGER) -> list[Guest]:
    """Everybody at an address of their own."""
    return [guest(f"{rank.name} {each}", f"10.1.{each // 250}.{each % 250}", rank) for each in range(number)]


def flood(number: int, *, sources: int = 1, rank: Rank = Rank.STRANGER) -> list[Guest]:
    return [guest(f"sybil {each}", f"10.66.0.{each % sources}", rank) for each in range(number)]


def test_there_is_room_for_an_ordinary_company() -> None:
    assert come(people(LINKS - KEPT)) == people(LINKS - KEPT)


def test_one_laptop_gets_no_more_than_its_share() -> None:
    assert come(flood(500)) == flood(LINKS_PER_SOURCE)


def test_a_flood_from_one_laptop_keeps_nobody_out_and_pushes_nobody_out() -> None:
    before, after = people(100)[:50], people(100)[50:]
    linked = come([*before, *flood(1000), *after])
    assert set(before) | set(after) <= set(linked)


@pytest.mark.parametrize("seed", range(5))
def test_so_it_is_in_whatever_order_they_come(seed: int) -> None:
    honest = people(150)
    comers = [*honest, *flood(1000, sources=4)]
    random.Random(seed).shuffle(comers)
    linked = come(comers)
    assert set(honest) <= set(linked)
    assert len(linked) <= LINKS


def test_places_are_kept_for_people_who_are_known() -> None:
    known = people(KEPT, Rank.KNOWN)
    linked = come([*flood(1000, sources=250), *known])
    assert set(known) <= set(linked)
    assert len(linked) == LINKS


def test_a_flood_with_many_addresses_pushes_nobody_out_who_is_linked() -> None:
    before = people(100)
    assert set(before) <= set(come([*before, *flood(1000, sources=250)]))


def test_whoever_is_known_takes_the_place_of_a_stranger_of_the_same_source() -> None:
    known = guest("friend", FLOOD, Rank.KNOWN)
    assert come([*(guest(f"{each}") for each in range(LINKS_PER_SOURCE)), known])[-1] == known


def test_identities_that_were_met_yesterday_are_no_way_round_it() -> None:
    linked = come([*people(100), *flood(1000, rank=Rank.KNOWN)])
    assert Counter(one.source for one in linked)["10.66.0.0"] == LINKS_PER_SOURCE
    assert set(people(100)) <= set(linked)


def test_whoever_is_trusted_is_never_sent_away() -> None:
    trusted = [guest(f"{each}", FLOOD, Rank.TRUSTED) for each in range(LINKS + 1)]
    assert come(trusted) == trusted
    assert excess(trusted, guest("stranger", "10.9.9.9")) == guest("stranger", "10.9.9.9")


def test_programs_on_this_machine_are_not_counted_by_their_address() -> None:
    here = [guest(f"{each}", None) for each in range(LINKS - KEPT)]
    assert come(here) == here
    assert set(people(50)) <= set(come([*here, *people(50)]))


# ── what is asked of it by links ─────────────────────────────────────────────────────────────────────────────────────


ME = Identity(b"m" * 32)


def admission_of(*known: bytes, trusted: bytes = b"") -> tuple[Admission, dict[bytes, PeerRecord]]:
    peers = {who: PeerRecord(identity=who, first_seen=0, last_seen=0) for who in known}
    return Admission(Acquaintances(ME, peers, lambda who: who == trusted), source=str), peers


def identity(number: int) -> bytes:
    return Identity(bytes(8) + number.to_bytes(24, "little")).public


def test_addresses_of_this_machine_are_no_sources() -> None:
    it, _ = admission_of()
    assert it.guest(b"a", "127.0.0.1", "127.0.0.1").source is None
    assert it.guest(b"a", "::1", "::1").source is None
    assert it.guest(b"a", "10.0.0.1", "10.0.0.1").source is None
    assert it.guest(b"a", "fe80::1%2", "fe80::1").source is None
    assert it.guest(b"a", "10.0.0.2", "10.0.0.1").source == "10.0.0.2"


def test_new_identities_of_one_source_come_at_a_rate() -> None:
    it, peers = admission_of(identity(0))
    new = [it.guest(identity(1 + number), FLOOD, "") for number in range(NEW_BURST + 1)]
    assert all(it.excess([], one, now=0.0) is None for one in new[:-1])
    assert it.excess([], new[-1], now=0.0) is new[-1]
    assert it.excess([], it.guest(identity(0), FLOOD, ""), now=0.0) is None
    assert it.excess([], it.guest(identity(99), "10.0.0.2", ""), now=0.0) is None
    assert it.excess([], new[-1], now=6.0) is None
    peers[identity(500)] = PeerRecord(identity=identity(500), first_seen=0, last_seen=0)
    assert it.excess([], it.guest(identity(500), FLOOD, ""), now=6.0) is None


def test_sources_are_forgotten_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "MAX_SOURCES", 3)
    it, _ = admission_of()
    for number in range(10):
        assert it.excess([], it.guest(identity(number), f"10.0.0.{number}", ""), now=0.0) is None
    assert len(it._newcomers._buckets) == 3


def test_links_of_one_source_come_at_a_rate_and_those_of_trusted_people_at_any() -> None:
    it, _ = admission_of(b"f" * 32, trusted=b"t" * 32)
    known, trusted = (it.guest(who * 32, "10.66.0.1", "10.0.0.1") for who in (b"f", b"t"))
    elsewhere, here = (it.guest(b"f" * 32, host, "10.0.0.1") for host in ("10.66.0.2", "10.0.0.1"))
    assert sum(it.is_in_time(known, 0.0) for _ in range(1000)) == LINK_BURST
    assert sum(it.is_in_time(known, 10.0) for _ in range(1000)) == 10 * LINK_RATE
    assert it.is_in_time(elsewhere, 10.0)
    assert all(it.is_in_time(one, 10.0) for one in (trusted, here) for _ in range(1000))
