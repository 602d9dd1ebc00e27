"""What is forgotten, and when, by the wall clock; and what is not."""

from __future__ import annotations

import pytest

from peertalk.core import wire
from peertalk.core.chores import ASLEEP_MS
from peertalk.core.effects import Commit, RoomWent
from peertalk.core.entry import Here, Text, open_body
from peertalk.core.rooms import DAY_MS, HOUR_MS, LOBBY, open_room
from peertalk.core.stored import ExpireBodies, ForgetHistory
from tests.core.authors import START, Author, tip
from tests.core.desk import Desk, closed, of, said, sent


@pytest.mark.parametrize(("name", "limit"), [(LOBBY, 2 * HOUR_MS), ("workshop", 7 * DAY_MS)])
def test_an_open_room_forgets_when_nobody_of_it_was_linked_for_long(name: str, limit: int) -> None:
    record = open_room(name, b"w" * 32, START)
    desk, ben = Desk(room=record), Author("ben", record.id)
    desk.later(10)
    link = desk.meet(ben, rooms=(record.id,))
    desk.hear(link, ben.says("x"))
    desk.down(link)
    desk.do(lambda replica: replica.flush())
    desk.wall += limit - 1000
    desk.crash()
    assert len(desk.texts(record.id)) == 1
    desk.wall += 2000
    desk.crash()
    assert desk.texts(record.id) == []
    inside = desk.disk.snapshot().rooms[0]
    assert (inside.pages, inside.claims) == ((), ())
    assert [card.identity for card in inside.cards] == [desk.me]
    assert desk.replica.is_active(record.id)
    assert RoomWent(record.id, True) in desk.effects
    link = desk.meet(ben, rooms=(record.id,))
    assert said(desk.effects, link)[-1] == Here("anna")


def stay_awake(desk: Desk, ms: int) -> None:
    """So much time passes, in which the clock is looked at as often as it is."""
    while ms > 0:
        desk.wall += min(ms, ASLEEP_MS)
        ms -= ASLEEP_MS
        desk.do(lambda replica: replica.do_chores(desk.now))


def test_nothing_is_forgotten_while_somebody_is_linked() -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    desk.hear(link, ben.says("x"))
    stay_awake(desk, 8 * DAY_MS)
    effects = desk.do(lambda replica: replica.do_chores(desk.now))
    assert [op for commit in of(Commit, effects) for op in of(ForgetHistory, commit.ops)] == []
    desk.later(2)
    desk.crash()
    assert len(desk.texts()) == 1


@pytest.mark.parametrize(("slept", "forgets"), [(7 * DAY_MS - 60_000, False), (7 * DAY_MS + 60_000, True)])
def test_who_has_slept_forgets_although_the_links_of_before_still_seem_to_be_up(slept: int, forgets: bool) -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    desk.hear(link, ben.says("x"))
    desk.wall += slept
    effects = desk.do(lambda replica: replica.do_chores(desk.now))
    assert len(desk.texts()) == (0 if forgets else 1)
    assert closed(effects) == ([(link, "forgotten")] if forgets else [])
    desk.down(link)
    again = desk.meet(ben)
    desk.hear(again, Author("cara").says("new"))
    assert len(desk.texts()) == (1 if forgets else 2)


def test_who_comes_right_after_waking_is_told_nothing_of_before() -> None:
    desk, ben, cara = Desk(), Author("ben"), Author("cara")
    desk.hear(desk.meet(ben), ben.says("on Monday"))
    (old,) = desk.room.own_feeds()
    desk.wall += 7 * DAY_MS + 60_000
    link = desk.meet(cara)
    (have,) = sent(wire.Have, desk.effects, link)
    assert (have.entries, desk.texts()) == (0, [])
    (card,) = sent(wire.Card, desk.effects, link)
    assert card.identity == desk.me
    assert old not in dict(card.feeds)


def test_forgetting_does_not_bring_back_a_key_that_was_about_to_retire() -> None:
    desk, ben = Desk(), Author("ben")
    desk.down(desk.meet(ben))
    old = desk.room.keys[0].feed
    desk.wall += 40 * DAY_MS
    desk.crash()
    keys = desk.disk.snapshot().rooms[0].feeds
    assert old not in {key.feed for key in keys}
    assert len(keys) == 1


def test_what_waited_longer_than_the_room_remembers_is_forgotten_with_it() -> None:
    desk = Desk()
    desk.say("old")
    desk.wall += 7 * DAY_MS
    desk.say("young")
    desk.wall += 1000
    desk.do(lambda replica: replica.do_chores(desk.now))
    waiting = desk.disk.snapshot().rooms[0].outbox
    assert [open_body(one.kind, one.body) for one in waiting if one.kind == "text"] == [Text("young")]
    assert [one.kind for one in waiting].count("here") == 1


def test_bodies_of_open_rooms_expire_and_the_chain_stays() -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    page = ben.says("x")
    desk.hear(link, page)
    stay_awake(desk, 30 * DAY_MS - 10_000)
    assert len(desk.texts()) == 1
    desk.wall += 20_000
    effects = desk.do(lambda replica: replica.do_chores(desk.now))
    assert any(of(ExpireBodies, commit.ops) for commit in of(Commit, effects))
    assert desk.texts() == []
    assert sent(wire.WantBodies, desk.later(30)) == []
    assert tip(page) in desk.room.log.index


def test_a_body_that_expired_long_ago_is_not_asked_for() -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    entry = ben.then(Text("old"), time=START - 31 * DAY_MS)[0]
    effects = desk.hear(link, ben.page(entry, bodies=[None]))
    assert sent(wire.WantBodies, effects) == []
    assert desk.room.bodies.absent == {}


@pytest.mark.parametrize("later", [DAY_MS, 31 * DAY_MS], ids=["soon", "when it would have expired"])
def test_after_a_restart_bodies_that_were_missing_are_asked_for_and_expired_ones_are_not(later: int) -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    here, text = ben.page(*ben.then(Here("ben")), bodies=[None]), ben.page(*ben.then(Text("x")), bodies=[None])
    desk.hear(link, here, text)
    stay_awake(desk, later)
    desk.later(2)
    desk.crash()
    before = len(desk.effects)
    link = desk.meet(ben)
    (want,) = sent(wire.WantBodies, desk.effects[before:], link)
    assert want.entries == ((tip(here), tip(text)) if later == DAY_MS else (tip(here),))
