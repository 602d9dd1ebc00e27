"""Rooms that were re-formed more than once, or entered by a code: what leads where, and what is forgotten with what."""

from __future__ import annotations

from peertalk.core.entry import Follow
from tests.sim.private import CIRCLE, Circle, contents


def test_offers_that_lead_on_are_forgotten_with_the_first_room() -> None:
    circle = Circle("ada ben cara dora")
    circle.away("dora")
    second = circle.reform("ada", "cara")
    circle.reform("ada", "ben", second)
    circle.back("dora")
    dora = circle["dora"]
    assert len(dora.disk.snapshot().offers) == 2
    dora.do(lambda replica: replica.leave(CIRCLE.id, dora.now(), forget=True))
    circle.world.run(5)
    assert dora.disk.snapshot().offers == ()


def test_an_offer_is_forgotten_with_the_room_that_it_takes_the_place_of() -> None:
    circle = Circle("ada ben cara")
    circle.reform("ada", "cara")
    ben = circle["ben"]
    assert ben.disk.snapshot().offers
    ben.do(lambda replica: replica.leave(CIRCLE.id, ben.now(), forget=True))
    circle.world.run(5)
    assert ben.disk.snapshot().offers == ()
    assert circle.offers("ben") == []


def test_who_enters_the_second_of_two_by_an_invitation_comes_along_to_it_too() -> None:
    circle = Circle("ada ben cara dora")
    one, other = circle.begin("ada", "cara"), circle.begin("ben", "cara")
    circle.world.run(6)
    circle.follow("dora", one)
    assert circle["ben"].replica is not None
    circle["dora"].join(circle["ben"].replica.places[other].room.record)
    circle.meet()
    assert sum(isinstance(said, Follow) for said in contents(circle["ben"], other)) == 2
    assert circle.offers("dora") == []
    assert {one.room for one in circle["dora"].disk.snapshot().offers} == set()


def test_who_enters_by_an_invitation_a_room_further_on_comes_along_all_the_way() -> None:
    circle = Circle("ada ben cara dora")
    circle.away("dora")
    second = circle.reform("ada", "cara")
    third = circle.reform("ada", "ben", second)
    circle.back("dora")
    assert circle["ada"].replica is not None
    circle["dora"].join(circle["ada"].replica.places[third].room.record)
    circle.meet()
    assert [circle.is_archived("dora", room) for room in (CIRCLE.id, second, third)] == [True, True, False]
    assert circle["dora"].disk.snapshot().offers == ()


def test_who_comes_back_to_the_new_room_from_the_old_one_comes_along_again() -> None:
    circle = Circle("ada ben cara")
    new = circle.reform("ada", "cara")
    circle.follow("ben", new)
    ben = circle["ben"]
    record = circle["ada"].replica.places[new].room.record if circle["ada"].replica else CIRCLE
    ben.do(lambda replica: replica.leave(CIRCLE.id, ben.now(), forget=True))
    ben.do(lambda replica: replica.leave(new, ben.now(), forget=False))
    circle.world.run(5)
    ben.join(CIRCLE)
    circle.world.run(5)
    ben.join(record)
    circle.meet()
    assert circle.is_archived("ben")
    assert circle.online("ben", new) == circle.online("ben") == {"ada"}


def test_who_just_comes_back_to_the_new_room_has_come_along_before() -> None:
    circle = Circle("ada ben cara")
    new = circle.reform("ada", "cara")
    circle.follow("ben", new)
    ben = circle["ben"]
    assert ben.replica is not None
    record = ben.replica.places[new].room.record
    ben.do(lambda replica: replica.leave(new, ben.now(), forget=False))
    circle.world.run(5)
    ben.join(record)
    circle.meet()
    assert circle.online("ben", new) == {"ada"}
    assert sum(isinstance(said, Follow) for said in contents(circle["ada"], new)) == 2


def test_what_is_offered_from_a_room_that_one_is_in_is_not_forgotten_with_another() -> None:
    circle = Circle("ada ben cara dora")
    circle.away("dora")
    second = circle.reform("ada", "cara")
    circle.back("dora")
    circle.follow("dora", second)
    third = circle.reform("ada", "ben", second)
    dora = circle["dora"]
    dora.do(lambda replica: replica.leave(CIRCLE.id, dora.now(), forget=True))
    circle.world.run(5)
    assert [one.room for one in circle.offers("dora")] == [third]


def test_who_comes_to_the_new_room_while_leaving_the_old_one_is_out_of_it_whatever_happens() -> None:
    circle = Circle("ada ben cara")
    new = circle.reform("ada", "cara")
    ben = circle["ben"]
    record = circle["ada"].replica.places[new].room.record if circle["ada"].replica else CIRCLE
    ben.do(lambda replica: replica.leave(CIRCLE.id, ben.now(), forget=False))
    ben.join(record)
    circle.world.cut(ben)
    circle.world.run(5)
    kept = {one.record.id: one.record for one in ben.disk.snapshot().rooms}
    assert kept[new].shown
    assert (kept[CIRCLE.id].archived, kept[CIRCLE.id].shown) == (True, False)
