"""Rooms with more people than are linked with each other: everything that must hold, and that it is noticed where it does not.

Most of it with a room that is large from nine people on, which follows the same rules and takes a tenth of the time;
`python -m tests.sim.crowd 300` plays the same with as many as one likes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import pytest

from peertalk.core import crowd, entry, exchange, graph, pulses, pushing, wire
from peertalk.core.crowd import Crowds
from peertalk.core.graph import Graph
from peertalk.core.pulses import Pulses
from peertalk.core.sharing import Sharing
from tests.core.authors import ROOM
from tests.sim.crowd import Crowd, Guest, check_connected, check_delivered, check_presence, check_same, play
from tests.sim.world import Violation, World

Patch = pytest.MonkeyPatch
NEW = (wire.Pulses, wire.Need, wire.Prune)


@pytest.fixture(autouse=True)
def _looked_at_once(monkeypatch: Patch) -> Iterator[None]:
    """All look at the same signatures: each is verified once."""
    verify = cache(entry._verify)
    monkeypatch.setattr(entry, "_verify", verify)
    yield
    verify.cache_clear()


@pytest.fixture
def _few_are_many(monkeypatch: Patch) -> None:
    monkeypatch.setattr(crowd, "LARGE", 8)
    monkeypatch.setattr(crowd, "SMALL", 6)
    monkeypatch.setattr(crowd, "PAIRED", 4)
    monkeypatch.setattr(crowd, "PULSED", 2)
    monkeypatch.setattr(graph, "RING", 1)


@pytest.mark.usefixtures("_few_are_many")
def test_a_crowd_comes_falls_parts_and_meets_again() -> None:
    end = play(1, 20)
    assert sum(len(guest.mine) for guest in end.guests) / 20 < 10


@pytest.mark.usefixtures("_few_are_many")
def test_all_open_at_once_and_are_few_links_from_each_other() -> None:
    it = Crowd(1, 24)
    it.open(it.guests)
    it.run(20)
    assert check_connected(it.guests) <= 6
    check_presence(it.guests)
    check_same(it.guests)
    assert sum(len(guest.mine) for guest in it.guests) / 24 <= 8
    it.guests[0].say("this makes the tree")
    it.run(5)
    it.counts.clear()
    for guest in it.guests[1:6]:
        guest.say("hello")
        it.run(2)
    check_same(it.guests)
    necessary = 5 * 23
    assert necessary <= it.counts["Page"] <= 1.3 * necessary
    assert it.counts["Tips"] <= 5 * necessary
    it.counts.clear()
    it.run(30)
    for guest in it.guests:
        check_delivered(it.guests, guest)
    assert it.counts.keys() <= {"Pulses"}
    assert it.counts["Pulses"] <= 24 * 30 * 3  # three a second of each


@pytest.mark.usefixtures("_few_are_many")
def test_up_to_where_a_room_is_large_nothing_of_this_is_said_and_all_are_linked() -> None:
    it = Crowd(1, crowd.LARGE)
    it.open(it.guests)
    it.run(20)
    it.guests[3].say("hello")
    it.run(20)
    assert {len(guest.mine) for guest in it.guests} == {crowd.LARGE - 1}
    assert not it.counts.keys() & {kind.__name__ for kind in NEW}
    check_presence(it.guests)


def test_a_small_room_says_word_for_word_what_it_said_without_all_of_this(monkeypatch: Patch) -> None:
    def transcript() -> list[tuple[str, str, bytes]]:
        it, said = Crowd(7, 9), []
        it.watch = lambda sender, peer, message: said.append((sender.name, peer.name, wire.encode(message)))
        it.open(it.guests)
        it.run(5)
        for guest in it.guests[:4]:
            guest.say(f"hello from {guest.name}")
            it.run(1)
        it.guests[2].crash()
        it.run(20)
        it.open([it.guests[2]])
        it.run(20)
        return said

    with_it = transcript()
    monkeypatch.setattr(Crowds, "pump", lambda *_: None)
    monkeypatch.setattr(Crowds, "look", lambda *_: None)
    monkeypatch.setattr(Crowds, "wakes", lambda *_: float("inf"))
    monkeypatch.setattr(pushing, "relay", lambda *_: frozenset())
    monkeypatch.setattr(pushing, "came_again", lambda *_: None)
    assert transcript() == with_it
    assert len(with_it) > 500


# ── teeth ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def has_no_ring(patch: Patch) -> None:
    """Only hashes of pairs decide: some are alone."""
    patch.setattr(Graph, "_near", lambda *_: [])
    patch.setattr(crowd, "PAIRED", 1)


def never_chooses_again(patch: Patch) -> None:
    """Who is to be linked stays as it was when the room became large."""
    choose = Crowds._choose

    def once(self: Crowds, place: exchange.Place, now: object) -> None:
        if place.room.id not in self._chosen or not place.room.is_large:
            choose(self, place, now)  # type: ignore[arg-type]

    patch.setattr(Crowds, "_choose", once)


def prunes_without_grafting(patch: Patch) -> None:
    """On links that were pruned nothing is named, so nobody misses anything."""
    tell = Sharing.tell

    def only_where_pages_go(self: Sharing, *rest: object) -> None:
        if self.is_eager:
            tell(self, *rest)  # type: ignore[arg-type]

    patch.setattr(Sharing, "tell", only_where_pages_go)


def believes_pulses_for_ever(patch: Patch) -> None:
    patch.setattr(pulses, "LIFE", 10_000.0)


def passes_no_pulse_on(patch: Patch) -> None:
    spread = Pulses._spread

    def own_only(self: Pulses, feed: bytes, source: object, now: object, *, is_news: bool) -> None:
        if source is None:
            spread(self, feed, None, now, is_news=is_news)  # type: ignore[arg-type]

    patch.setattr(Pulses, "_spread", own_only)


def says_nothing_when_the_room_shrinks(patch: Patch) -> None:
    patch.setattr(crowd, "AFTERWARDS", 0.0)
    patch.setattr(Crowds, "_seek", lambda *_, **__: None)


BROKEN = [
    has_no_ring,
    never_chooses_again,
    prunes_without_grafting,
    believes_pulses_for_ever,
    passes_no_pulse_on,
    says_nothing_when_the_room_shrinks,
]


@pytest.mark.usefixtures("_few_are_many")
@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.__name__)
def test_an_engine_that(broken: Callable[[Patch], None], monkeypatch: Patch) -> None:
    broken(monkeypatch)
    with pytest.raises(Violation):
        for seed in range(3):
            play(seed, 18)


@pytest.mark.usefixtures("_few_are_many")
def test_pages_that_are_not_passed_on_take_longer() -> None:
    """What the tree is for."""

    def seconds(it: Crowd) -> float:
        tips = it.guests[0].replica.places[ROOM.id].room.log.count if it.guests[0].replica is not None else 0
        it.guests[0].say("hello")
        began = it.time
        while any(_count(guest) <= tips for guest in it.guests):
            World.run(it, 0.02)
        return it.time - began

    it = Crowd(3, 22)
    it.open(it.guests)
    it.run(25)
    seconds(it)
    it.run(5)
    assert seconds(it) < 0.25


def _count(guest: Guest) -> int:
    assert guest.replica is not None
    return guest.replica.places[ROOM.id].room.log.count
