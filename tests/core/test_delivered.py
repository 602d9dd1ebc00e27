"""What counts as delivered is on the other disk: claims of bodies that are under way, after a start, and of forked feeds."""

from __future__ import annotations

import copy

import pytest

from peertalk.core import wire
from peertalk.core.effects import Effect
from peertalk.core.room import NOTHING
from peertalk.core.rooms import DAY_MS
from peertalk.core.sync import Replica
from tests.core.authors import ROOM, Author, tip
from tests.core.desk import Desk, sent
from tests.core.test_asking import without_bodies


def claims(effects: list[Effect], link: int) -> list[tuple[tuple[bytes, ...], tuple[bytes, ...]]]:
    return [(tips.tips, tips.absent) for tips in sent(wire.Tips, effects, link)]


def test_a_body_that_has_come_is_claimed_once_it_is_on_disk() -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    one, two = ben.says("one"), ben.says("two")
    desk.hear(link, without_bodies(one))
    desk.slow = True
    desk.hear(link, two, wire.Bodies(ROOM.id, ((tip(one), one.bodies[0] or b""),)))
    assert desk.room.digest() == NOTHING
    assert claims(desk.sync(1), link) == [((tip(two),), (tip(one),))]
    desk.crash()
    assert list(desk.room.bodies.absent) == [tip(one)]


def test_a_body_under_way_to_the_disk_is_not_asked_for_again() -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    page = ben.says("one")
    desk.hear(link, without_bodies(page))
    desk.slow = True
    effects = desk.hear(link, wire.Bodies(ROOM.id, ((tip(page), page.bodies[0] or b""),)))
    assert sent(wire.WantBodies, [*effects, *desk.later(30)]) == []
    assert claims(desk.sync(), link) == [((tip(page),), ())]
    assert desk.room.digest() != NOTHING


@pytest.mark.parametrize(("later", "absent"), [(0, True), (31 * DAY_MS, False)], ids=["absent", "expired"])
def test_after_a_start_what_is_absent_is_not_claimed_and_what_would_have_expired_is_not_absent(
    later: int, absent: bool
) -> None:
    desk, ben = Desk(), Author("ben")
    page = ben.says("one")
    desk.hear(desk.meet(ben), without_bodies(page))
    snapshot = desk.disk.snapshot()
    desk.wall += later
    replica = Replica(desk.identity, snapshot, disk=True, random=desk.random, now=desk.now)
    replica.link_up(1, ben.public, (ROOM.id,), desk.now)
    replica.received(1, wire.encode(ben.card()), desk.now)
    replica.received(1, wire.encode(wire.Have(ROOM.id, bytes(32), 1, True)), desk.now)
    effects = replica.drain(desk.now)
    assert [have.digest == NOTHING for have in sent(wire.Have, effects)] == [absent]
    assert [tips.absent for tips in sent(wire.Tips, effects)] == [(tip(page),) if absent else ()]


def test_who_claims_one_branch_of_an_own_feed_was_not_given_the_other() -> None:
    """Another copy of this profile wrote on: what was written here is not at or below the tips of that branch."""
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    twin = copy.deepcopy(desk)
    (mine,) = sent(wire.Page, desk.say("mine"), link)
    theirs = [page for text in ("theirs", "more") for page in sent(wire.Page, twin.say(text), link)]
    feed = desk.room.log.index[tip(mine)].feed
    desk.hear(link, *theirs, wire.Tips(ROOM.id, (tip(theirs[-1]),)))
    assert [desk.room.holders(feed, seq)[0] for seq in (1, 2, 3)] == [[ben.public], [], []]
    desk.hear(link, wire.Tips(ROOM.id, (tip(mine), tip(theirs[-1]))))
    assert [desk.room.holders(feed, seq)[0] for seq in (1, 2, 3)] == [[ben.public]] * 3
