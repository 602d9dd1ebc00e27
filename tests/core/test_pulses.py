"""Signs of life in a large room: whose count, for how long, who is told; and that nobody speaks for others."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from peertalk.core import crowd, wire
from peertalk.core.effects import Claimed, Presence, Seek, Spare
from peertalk.core.entry import Here, Left, Text
from peertalk.core.pulses import LIFE, PERIOD
from peertalk.core.reach import Whence
from peertalk.core.rooms import open_room
from peertalk.errors import RemoteError
from tests.core.authors import NOTHING, ROOM, START, Author
from tests.core.desk import Desk, of, sent

Patch = pytest.MonkeyPatch
MANY = 8


@pytest.fixture(autouse=True)
def _few_are_many(monkeypatch: Patch) -> None:
    monkeypatch.setattr(crowd, "LARGE", 4)
    monkeypatch.setattr(crowd, "SMALL", 3)


def pulse(by: Author, at: int, digest: bytes = NOTHING, *, disk: bool = True) -> wire.Pulse:
    """As its clock shows `at` seconds after the start of all tests."""
    counter = START // 1000 + at
    return by.feed, counter, digest, disk, by.key.sign_pulse(ROOM.id, counter, digest, disk=disk)


def pulses(*some: wire.Pulse) -> wire.Pulses:
    return wire.Pulses(ROOM.id, some)


class Crowded(Desk):
    """With so many linked that the room is large; and Zoe, of whom there is a card and no link."""

    def __init__(self) -> None:
        super().__init__()
        self.zoe = Author("zoe")
        self.others = [Author(f"p{number}") for number in range(MANY)]
        self.link = {one.name: self.meet(one) for one in self.others}
        self.hear(self.link["p0"], self.zoe.card())
        self.later(5)

    def zoe_comes_and_goes(self) -> None:
        """So that her card is her own word."""
        self.down(self.meet(self.zoe))

    def seconds(self) -> int:
        """Since the start, by everybody's clock."""
        return (self.wall - START) // 1000


def test_a_room_is_large_from_more_people_on_than_some_until_for_a_minute_there_are_fewer_than_others() -> None:
    it = Desk()
    links = [it.meet(Author(f"p{number}")) for number in range(3)]
    assert not it.room.is_large
    links.append(it.meet(Author("p3")))
    assert it.room.is_large
    it.down(links.pop())
    it.down(links.pop())
    it.later(crowd.LINGERS + PERIOD)
    assert it.room.is_large
    it.down(links.pop())
    it.later(crowd.LINGERS - 1)
    assert it.room.is_large
    it.later(1 + PERIOD)
    assert not it.room.is_large


def test_who_is_few_only_for_a_moment_links_with_nobody_else() -> None:
    it = Crowded()
    some = list(it.link.values())
    it.later(12)
    for link in some[1:]:
        it.down(link)
    it.later(LIFE)
    assert it.room.is_large
    for number in range(MANY):
        it.meet(Author(f"again {number}"))
    it.later(crowd.LINGERS + PERIOD)
    assert it.room.is_large


def test_who_is_heard_of_is_online_for_thirty_seconds() -> None:
    it = Crowded()
    effects = it.hear(it.link["p1"], pulses(pulse(it.zoe, it.seconds())))
    assert Presence(ROOM.id, it.zoe.public, online=True) in effects
    assert it.zoe.public in it.room.online()
    assert it.zoe.public in it.room.everyone()
    it.later(LIFE - 1)
    assert it.zoe.public in it.room.online()
    assert Presence(ROOM.id, it.zoe.public, online=False) in it.later(2)
    assert it.zoe.public not in it.room.online()


def test_a_pulse_that_is_old_when_it_comes_counts_for_the_rest_of_its_time_or_not_at_all() -> None:
    it = Crowded()
    it.later(100)
    it.hear(it.link["p1"], pulses(pulse(it.zoe, it.seconds() - 40)))
    assert it.zoe.public not in it.room.online()
    it.hear(it.link["p1"], pulses(pulse(it.zoe, it.seconds() - 20)))
    assert it.zoe.public in it.room.online()
    it.later(11)
    assert it.zoe.public not in it.room.online()


def test_what_somebody_said_before_keeps_nobody_online() -> None:
    it = Crowded()
    it.later(60)
    recorded = [pulse(it.zoe, it.seconds() - 50 + number) for number in range(50)]
    it.hear(it.link["p1"], pulses(recorded[-1]))
    assert it.zoe.public in it.room.online()
    seen = 0.0
    for one in recorded:
        it.hear(it.link["p1"], pulses(one))
        it.later(2)
        seen += 2 * (it.zoe.public in it.room.online())
    assert seen <= LIFE


def test_once_met_it_does_not_matter_what_somebodys_clock_shows() -> None:
    it = Crowded()
    link = it.meet(it.zoe)
    it.hear(link, pulses(pulse(it.zoe, it.seconds() - 5000)))
    it.hear(link, wire.Need(ROOM.id, needed=False))
    it.later(10)
    it.down(link)
    it.hear(it.link["p1"], pulses(pulse(it.zoe, it.seconds() - 5000)))
    assert it.zoe.public in it.room.online()
    recorded = pulse(it.zoe, it.seconds() - 4999)
    it.later(LIFE + 1)
    it.hear(it.link["p1"], pulses(recorded))
    assert it.zoe.public not in it.room.online()


def test_a_wrong_signature_costs_the_link() -> None:
    it = Crowded()
    feed, counter, digest, disk, signature = pulse(it.zoe, it.seconds())
    for forged in (
        (feed, counter + 1, digest, disk, signature),
        (feed, counter, b"x" * 32, disk, signature),
        (feed, counter, digest, not disk, signature),
        (feed, counter, digest, disk, bytes(64)),
    ):
        with pytest.raises(RemoteError, match="bad_signature"):
            it.hear(it.link["p1"], pulses(forged))
    assert it.zoe.public not in it.room.online()


def test_of_who_has_left_or_is_unknown_a_pulse_counts_for_nothing() -> None:
    it = Crowded()
    it.hear(it.link["p1"], pulses(pulse(Author("nobody"), it.seconds())))
    it.hear(it.link["p1"], pulses(pulse(it.zoe, it.seconds())))
    assert it.zoe.public in it.room.online()
    it.hear(it.link["p1"], it.zoe.page(*it.zoe.then(Left())))
    assert it.zoe.public not in it.room.online()
    it.hear(it.link["p1"], pulses(pulse(it.zoe, it.seconds() + 1)))
    assert len(it.room.online()) == MANY


def test_who_is_blocked_is_not_shown_and_still_passed_on() -> None:
    it = Crowded()
    it.replica.crowds.is_ignored = lambda one: one == it.zoe.public
    it.hear(it.link["p1"], pulses(pulse(it.zoe, it.seconds())))
    assert it.zoe.public not in it.room.online()
    assert any(one[0] == it.zoe.feed for message in sent(wire.Pulses, it.later(4)) for one in message.pulses)


def test_pulses_are_passed_on_gathered_and_not_back() -> None:
    it = Crowded()
    it.later(PERIOD)
    effects = it.hear(it.link["p1"], pulses(pulse(it.zoe, it.seconds())))
    assert not sent(wire.Pulses, effects)
    effects = it.later(3.1)
    told = {one: sent(wire.Pulses, effects, it.link[one.name]) for one in it.others}
    to = {one.name for one, messages in told.items() if any(it.zoe.feed == each[0] for m in messages for each in m.pulses)}
    assert 2 <= len(to) < MANY
    assert "p1" not in to
    assert all(len(messages) <= 4 for messages in told.values())


def test_one_says_every_ten_seconds_that_one_is_there_and_sooner_what_is_new() -> None:
    it = Crowded()
    it.later(PERIOD)
    own = it.room.keys[0].feed

    def said(seconds: float) -> set[int]:
        messages = sent(wire.Pulses, it.later(seconds))
        return {one[1] for message in messages for one in message.pulses if one[0] == own}

    assert 3 <= len(said(40)) <= 5
    it.say("something new")
    assert said(2.5)


def test_who_holds_the_same_has_what_one_wrote() -> None:
    it = Crowded()
    it.zoe_comes_and_goes()
    it.hear(it.link["p1"], pulses(pulse(it.zoe, it.seconds())))
    it.say("hello")
    own = it.room.keys[0].feed
    digest = it.room.digest()
    effects = it.hear(it.link["p1"], pulses(pulse(it.zoe, it.seconds() + 1, digest)))
    assert of(Claimed, effects) == [Claimed(ROOM.id, own, 0, 2)]
    assert it.room.holders(own, 2) == ([it.zoe.public], [])
    it.say("more")
    assert it.room.holders(own, 3) == ([], [])


def test_who_holds_already_what_comes_here_later_counts_once_it_is_here() -> None:
    it, ben = Crowded(), Author("ben")
    it.zoe_comes_and_goes()
    it.say("hello")
    page = ben.says("from ben")
    other = Crowded()
    other.room.held.clear()
    tips = sorted({*it.room.held, ben.last.id if ben.last is not None else b""})
    other.room.held.update(dict.fromkeys(tips, b""))
    it.hear(it.link["p1"], pulses(pulse(it.zoe, it.seconds(), other.room.digest(), disk=False)))
    own = it.room.keys[0].feed
    assert it.room.holders(own, 2) == ([], [])
    it.hear(it.link["p1"], page)
    it.later(5)
    assert it.room.holders(own, 2) == ([], [it.zoe.public])


def test_whoever_is_new_is_told_of_all_at_once() -> None:
    it, new = Crowded(), Author("new")
    it.hear(it.link["p1"], pulses(pulse(it.zoe, it.seconds())))
    before = len(it.effects)
    link = it.meet(new)
    (message,) = sent(wire.Pulses, it.effects[before:], link)
    assert it.zoe.feed in {one[0] for one in message.pulses}
    assert it.zoe.public in {card.identity for card in sent(wire.Card, it.effects[before:], link)}


# ── which links are needed ───────────────────────────────────────────────────────────────────────────────────────────


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


# ── pages ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_somebody_holds_is_believed_of_nobody_but_themselves() -> None:
    """A card can be made up for anybody who was never met: what was delivered must not rest on that."""
    it = Crowded()
    it.say("hello")
    own = it.room.keys[0].feed
    it.hear(it.link["p1"], pulses(pulse(it.zoe, it.seconds(), it.room.digest())))
    assert it.zoe.public in it.room.online()
    assert it.room.holders(own, 2) == ([], [])


def test_of_a_feed_that_has_forked_since_a_digest_of_before_claims_nothing() -> None:
    it = Crowded()
    it.zoe_comes_and_goes()
    it.say("one")
    it.say("two")
    it.later(5)
    digest, key = it.room.digest(), it.place.own.key()
    assert key is not None
    twin = Author("anna")
    twin.key, twin.feed = key, key.public
    it.hear(it.link["p1"], twin.page(*twin.then(Here("anna"), Text("elsewhere"))))
    assert it.room.log.chain(key.public).forked
    it.hear(it.link["p1"], pulses(pulse(it.zoe, it.seconds(), digest)))
    assert it.room.holders(key.public, 1) == ([], [])


def test_a_clock_that_is_set_back_makes_nobody_who_was_met_disappear() -> None:
    """The counter goes on as the clock did before."""
    it = Crowded()
    own = it.room.keys[0].feed
    it.later(PERIOD * 2)
    it.wall -= 3_600_000
    began, before = it.mono, len(it.effects)
    it.later(100)
    said = {one[1] for message in sent(wire.Pulses, it.effects[before:]) for one in message.pulses if one[0] == own}
    assert max(said) - min(said) > it.mono - began - 3 * PERIOD


def test_a_direct_room_is_of_two() -> None:
    it = Crowded()
    ben = Author("ben")
    record = it.direct(ben)
    it.do(lambda replica: replica.join(record, it.now))
    link = it.meet(Author("ben", record.id), rooms=(record.id,))
    some = [Author(f"x{number}", record.id) for number in range(9)]
    it.hear(link, *(one.card() for one in some))
    signs = [
        (one.feed, START // 1000, NOTHING, True, one.key.sign_pulse(record.id, START // 1000, NOTHING, disk=True))
        for one in some
    ]
    it.hear(link, wire.Pulses(record.id, tuple(signs)))
    room = it.replica.places[record.id].room
    assert room.online() == {ben.public}
    assert not room.is_large


def test_who_is_left_out_is_not_online_whoever_passes_their_pulse_on() -> None:
    it = Crowded()
    it.room.record = msgspec.structs.replace(it.room.record, without=(it.zoe.public,))
    it.hear(it.link["p1"], pulses(pulse(it.zoe, it.seconds())))
    assert it.zoe.public not in it.room.online()


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


def test_who_says_new_pulses_all_the_time_has_nobody_look_at_each(monkeypatch: Patch) -> None:
    it, looked = Crowded(), 0
    it.zoe_comes_and_goes()

    def counted(*args: object, **kwargs: object) -> bool:
        nonlocal looked
        looked += 1
        return True

    monkeypatch.setattr("peertalk.core.pulses.verify_pulse", counted)
    for number in range(200):
        it.hear(it.link[f"p{number % MANY}"], pulses(pulse(it.zoe, it.seconds() + number)))
    assert looked <= 8
    it.later(10)
    it.hear(it.link["p1"], pulses(pulse(it.zoe, it.seconds() + 500)))
    assert it.zoe.public in it.room.online()
