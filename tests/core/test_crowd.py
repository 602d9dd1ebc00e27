"""Which links are needed in a large room, which are given up, and who is sought."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from peertalk.core import crowd, wire
from peertalk.core.effects import Seek, Spare
from peertalk.core.reach import Whence
from peertalk.core.rooms import open_room
from tests.core.authors import NOTHING, ROOM, START, Author
from tests.core.crowded import Crowded, Patch, few_are_many, pulse, pulses
from tests.core.desk import of, sent

__all__ = ["few_are_many"]


def stranger(it: Crowded, *, dialled: bool) -> tuple[Author, int]:
    """A link to somebody who is not chosen."""
    chosen = it.place.graph.chosen
    one = next(a for a in map(Author, map(str, range(99))) if a.public not in chosen([*it.room.online(), a.public]))
    it.links += 1
    whence = Whence(bytes([10, 0, 0, 9]), 0, 4000 if dialled else 0)
    it.do(lambda replica: replica.link_up(it.links, one.public, (ROOM.id,), it.now, whence=whence))
    it.hear(it.links, one.card(), wire.Have(ROOM.id, NOTHING, 0, disk=True), wire.Tips(ROOM.id, (), fresh=True, last=True))
    return one, it.links


@pytest.fixture
def crowded(monkeypatch: Patch) -> Callable[[], Crowded]:
    monkeypatch.setattr("peertalk.core.crowd.PAIRED", 1)
    monkeypatch.setattr("peertalk.core.graph.RING", 1)
    return Crowded


def test_a_link_that_neither_side_needs_is_given_up_by_who_dialled(crowded: Callable[[], Crowded]) -> None:
    it = crowded()
    _, link = stranger(it, dialled=True)
    effects = it.later(6)
    assert sent(wire.Need, effects, link) == [wire.Need(ROOM.id, needed=False)]
    assert [one[0] for message in sent(wire.Pulses, effects, link) for one in message.pulses][-1:] == [it.room.keys[0].feed]
    assert Spare(link) not in effects
    it.hear(link, wire.Need(ROOM.id, needed=False))
    assert Spare(link) in it.later(2)


def test_no_link_is_needless_while_most_of_those_who_are_chosen_are_not_to_be_had(crowded: Callable[[], Crowded]) -> None:
    """As where somebody has made them up: then whoever is there is all that one has."""
    it = crowded()
    one, link = stranger(it, dialled=True)
    some = [Author(f"nobody {number}") for number in range(40)]
    said = pulses(*(pulse(nobody, it.seconds()) for nobody in some))
    it.hear(it.link["p0"], *(nobody.card() for nobody in some), said, wire.Need(ROOM.id, needed=False))
    it.hear(link, wire.Need(ROOM.id, needed=False))
    chosen = it.place.graph.chosen(it.room.online(), 1)
    assert 2 * len(chosen.difference(nobody.public for nobody in some)) < len(chosen - {one.public}) == len(chosen)
    assert not [*sent(wire.Need, effects := it.later(12), link), *of(Spare, effects)]


def test_who_was_dialled_waits(crowded: Callable[[], Crowded]) -> None:
    it = crowded()
    _, link = stranger(it, dialled=False)
    it.hear(link, wire.Need(ROOM.id, needed=False))
    effects = it.later(6)
    assert sent(wire.Need, effects, link) == [wire.Need(ROOM.id, needed=False)]
    assert not of(Spare, effects)


def test_who_is_known_is_kept(crowded: Callable[[], Crowded]) -> None:
    it = crowded()
    it.replica.crowds.is_known = lambda _: True
    _, link = stranger(it, dialled=True)
    it.hear(link, wire.Need(ROOM.id, needed=False))
    known = sent(wire.Need, it.later(12), link)
    kept = it.place.graph.kept(it.room.online())
    assert bool(known) == (it.replica.links[link].identity not in kept)


def test_a_link_is_needed_for_a_direct_room_that_is_listed(crowded: Callable[[], Crowded]) -> None:
    it = crowded()
    one, link = stranger(it, dialled=True)
    record = it.direct(one)
    it.do(lambda replica: replica.join(record, it.now))
    it.hear(link, Author(one.name, record.id).card())
    it.hear(link, wire.Need(ROOM.id, needed=False))
    assert not of(Spare, it.later(20))


def test_who_is_chosen_and_not_linked_is_sought(crowded: Callable[[], Crowded]) -> None:
    it = crowded()
    some = [Author(f"far {number}") for number in range(20)]
    it.hear(it.link["p0"], *(one.card() for one in some))
    it.hear(it.link["p0"], pulses(*(pulse(one, it.seconds()) for one in some)))
    effects = it.later(2)
    sought = of(Seek, effects)[-1]
    chosen = it.place.graph.chosen(it.room.online(), 1)
    assert set(sought.identities) == {one.public for one in some} & chosen
    assert sought.identities
    one = next(a for a in some if a.public in sought.identities)
    it.meet(one)
    assert one.public not in of(Seek, it.later(12))[-1].identities


def test_a_room_that_is_small_again_seeks_everybody_who_was_heard_of(
    crowded: Callable[[], Crowded], monkeypatch: Patch
) -> None:
    monkeypatch.setattr(crowd, "LINGERS", 0.5)
    it = crowded()
    it.hear(it.link["p1"], pulses(pulse(it.zoe, it.seconds())))
    it.later(12)
    for link in it.link.values():
        it.down(link)
    effects = it.later(2)
    assert not it.room.is_large
    assert Seek(ROOM.id, (it.zoe.public,)) in [*of(Seek, it.effects), *of(Seek, effects)]


def test_nobody_is_sought_for_a_room_that_was_left() -> None:
    it = Crowded()
    other = open_room("other", b"another".ljust(32), START)
    it.do(lambda replica: replica.join(other, it.now))
    zoe = Author("zoe", other.id)
    link = it.up(it.zoe, ROOM.id, other.id)
    it.hear(link, it.zoe.card(), zoe.card(), zoe.arrives())
    it.do(lambda replica: replica.leave(other.id, it.now, forget=False))
    it.later(5)
    it.down(link)
    it.hear(it.link["p1"], pulses(pulse(it.zoe, it.seconds())))
    it.later(12)
    assert it.zoe.public in it.room.online()
    assert not [seek for seek in of(Seek, it.effects) if seek.room == other.id and seek.identities]


def test_who_turned_out_not_to_share_a_room_is_not_sought_for_it_again_and_again(crowded: Callable[[], Crowded]) -> None:
    it = crowded()
    other = open_room("other", b"another".ljust(32), START)
    it.do(lambda replica: replica.join(other, it.now))
    one, link = stranger(it, dialled=True)
    there = Author(one.name, other.id)
    it.hear(it.meet(Author("p99", other.id), rooms=(other.id,)), there.card(), there.arrives())
    it.hear(link, wire.Need(ROOM.id, needed=False))
    assert Spare(link) in it.later(8)
    it.down(link)
    before = len(it.effects)
    for _ in range(4):
        it.hear(it.link["p1"], pulses(pulse(one, it.seconds())))
        it.later(12)
    assert one.public in it.room.online()
    assert not [seek for seek in of(Seek, it.effects[before:]) if seek.room == other.id and one.public in seek.identities]
