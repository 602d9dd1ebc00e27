"""Signs of life in a large room: whose count, for how long, who is told; and that nobody speaks for others."""

from __future__ import annotations

from hashlib import blake2b

import msgspec
import pytest

from peertalk.core import crowd, wire
from peertalk.core.cards import pair
from peertalk.core.effects import Claimed, Presence, Send
from peertalk.core.entry import Here, Left, Text
from peertalk.core.pulses import LIFE, PERIOD
from peertalk.errors import RemoteError
from tests.core.authors import NOTHING, ROOM, START, Author
from tests.core.crowded import MANY, Crowded, Patch, few_are_many, pulse, pulses
from tests.core.desk import Desk, of, sent

__all__ = ["few_are_many"]


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


def test_who_says_what_others_have_passed_on_already_is_met_all_the_same() -> None:
    it = Crowded()
    link = it.meet(it.zoe)
    said = pulse(it.zoe, it.seconds() - 20)
    it.hear(it.link["p1"], pulses(said))
    it.hear(link, pulses(said), wire.Need(ROOM.id, needed=False))
    it.later(10)
    it.down(link)
    it.hear(it.link["p1"], pulses(pulse(it.zoe, it.seconds() - 20)))
    it.later(LIFE - 5)
    assert it.zoe.public in it.room.online()
    it.later(6)
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


@pytest.mark.parametrize("needless", [True, False])
def test_who_has_ended_a_link_as_needless_is_still_there_and_whose_link_broke_may_not_be(needless: bool) -> None:
    it = Crowded()
    it.later(PERIOD)
    link = it.meet(it.zoe)
    it.hear(link, pulses(pulse(it.zoe, it.seconds())))
    it.do(lambda replica: replica.link_down(link, it.now, needless=needless))
    assert (it.zoe.public in it.room.online()) == needless


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


def test_who_leaves_their_pulse_with_visitors_tells_all_others_no_later() -> None:
    it = Crowded()
    it.later(PERIOD)
    own, visitor = it.room.keys[0].feed, it.room.ready()[0]

    def said(seconds: float) -> bool:
        """To others?"""
        told = [one.message for one in of(Send, it.later(seconds)) if one.link != visitor.link]
        return any(own == each[0] for one in told if isinstance(one, wire.Pulses) for each in one.pulses)

    def is_visited() -> None:
        it.do(lambda _: it.place.pulses.say_own(visitor, it.now))

    quiet = longest = 0
    for _ in range(20):
        is_visited()
        quiet = 0 if said(3) else quiet + 3
        longest = max(longest, quiet)
    assert longest <= PERIOD + 3
    it.say("something new")
    is_visited()
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
    tips = sorted({*it.room.held, ben.last.id if ben.last is not None else b""})
    then = blake2b(b"".join(tips), digest_size=32, person=b"peertalk/1 have").digest()
    it.hear(it.link["p1"], pulses(pulse(it.zoe, it.seconds(), then, disk=False)))
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


def test_who_asks_whose_feed_it_is_is_told_the_pulse_again() -> None:
    """The one that was told at once said nothing to who did not know that."""
    it, new = Crowded(), Author("new")
    it.hear(it.link["p1"], pulses(pulse(it.zoe, it.seconds())))
    link = it.meet(new)
    told = it.hear(link, wire.WantCards(ROOM.id, (pair(ROOM.id, it.zoe.feed, it.zoe.public),)))
    kinds = [type(one.message) for one in of(Send, told)]
    assert kinds.index(wire.Card) < kinds.index(wire.Pulses)
    (message,) = sent(wire.Pulses, told, link)
    assert [one[0] for one in message.pulses] == [it.zoe.feed]


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
