"""Rooms as secrets."""

from __future__ import annotations

from peertalk.core.rooms import (
    DAY_MS,
    HOUR_MS,
    bodies_expire_after,
    direct_room,
    direct_secret,
    forgets_after,
    open_room,
    room_id,
)
from tests.core.authors import Author


def test_two_people_find_the_same_direct_secret_and_others_another() -> None:
    anna, ben, cara = (Author(name).identity for name in ("anna", "ben", "cara"))
    assert direct_secret(anna, ben.public) == direct_secret(ben, anna.public)
    assert len({direct_secret(anna, ben.public), direct_secret(anna, cara.public), direct_secret(ben, cara.public)}) == 3


def test_the_id_of_a_room_is_not_its_secret() -> None:
    assert room_id(b"s" * 32) != b"s" * 32
    assert room_id(b"s" * 32) == room_id(b"s" * 32) != room_id(b"t" * 32)


def test_open_rooms_forget_and_expire_direct_ones_do_not() -> None:
    lobby, workshop = open_room("lobby", b"1" * 32, 0), open_room("workshop", b"2" * 32, 0)
    direct = direct_room(Author("anna").identity, Author("ben").public, 0, shown=True)
    assert [forgets_after(room) for room in (lobby, workshop, direct)] == [2 * HOUR_MS, 7 * DAY_MS, None]
    assert [bodies_expire_after(room) for room in (lobby, workshop, direct)] == [DAY_MS, 30 * DAY_MS, None]
