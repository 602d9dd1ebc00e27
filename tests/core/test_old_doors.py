"""The door of a room that was re-formed stands as it stood then, whatever others still bring: who was left out could have closed it."""

from __future__ import annotations

from peertalk.core.entry import Seal, Unseal
from tests.sim.private import CIRCLE, Circle


def outside() -> tuple[Circle, bytes]:
    """Ada has re-formed the room, with the door of the old one closed to Dora, who came along by an invitation; that Ben has
    opened it is something that Ada does not know: Ben is away."""
    circle = Circle("ada ben cara dora")
    ada, ben = circle["ada"], circle["ben"]
    ada.do(lambda replica: replica.send(CIRCLE.id, Seal(tuple(circle.keys("ada ben cara"))), ada.now()))
    circle.world.run(6)
    circle.away("ada")
    ben.do(lambda replica: replica.send(CIRCLE.id, Unseal(), ben.now()))
    circle.world.run(6)
    circle.away("ben")
    circle.away("cara")
    ada.start()
    new = circle.reform("ada", "cara")
    assert ada.replica is not None
    circle["dora"].join(ada.replica.places[new].room.record)
    circle.meet()
    assert circle.online("ada", new) == {"dora"}
    assert circle.online("ada") == set()
    return circle, new


def let_in(circle: Circle, new: bytes) -> None:
    circle.back("ben")
    circle.follow("ben", new)


def test_who_stood_before_the_old_door_is_not_let_in_by_what_comes_later() -> None:
    circle, new = outside()
    let_in(circle, new)
    assert circle.online("ada") == {"ben"}
    assert circle.online("dora") == set()
    assert circle.online("dora", new) == {"ada", "ben"}


def test_who_was_inside_then_is_not_shut_out_by_what_comes_later() -> None:
    circle = Circle("ada ben cara dora")
    ben = circle["ben"]
    circle.away("ada")
    ben.do(lambda replica: replica.send(CIRCLE.id, Seal(tuple(circle.keys("ada ben cara"))), ben.now()))
    circle.world.run(6)
    circle.away("ben")
    circle.away("cara")
    circle["ada"].start()
    circle["ada"].do(lambda replica: replica.rename("Ada", circle["ada"].now()))
    circle.away("dora")
    new = circle.reform("ada", "cara")
    circle.back("dora")
    circle.follow("dora", new)
    assert circle.online("ada") == {"dora"}
    let_in(circle, new)
    assert circle.online("ada") == {"ben", "dora"}


def test_who_has_left_the_new_room_is_not_let_into_the_old_one() -> None:
    circle, new = outside()
    ada, dora = circle["ada"], circle["dora"]
    dora.do(lambda replica: replica.leave(new, dora.now(), forget=True))
    circle.world.run(5)
    circle.listen("dora")
    assert ada.replica is not None
    assert all(CIRCLE.id not in link.kept_out | link.proven for link in ada.replica.links.values())
