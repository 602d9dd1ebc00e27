"""Rooms that are joined while a channel is up."""

from __future__ import annotations

import pytest

from peertalk.core.channel import Channel, Proven
from tests.core.pair import ids, rooms, settle, start


def late(*, hers: str = "", his: str = "") -> tuple[Channel, Channel, dict[bytes, bytes], dict[bytes, bytes]]:
    """A link over the lobby; `hers` and `his` are joined later, and in what they know now."""
    of_ann, of_ben = rooms("lobby"), rooms("lobby")
    ann = start("ann", rooms("lobby"), initiator=True, known=of_ann)
    ben = start("ben", {}, initiator=False, known=of_ben)
    settle(ann, ben)
    of_ann.update(rooms(*hers.split()))
    of_ben.update(rooms(*his.split()))
    return ann, ben, of_ann, of_ben


def test_a_room_joined_later_is_proven_on_the_link() -> None:
    ann, ben, *_ = late(hers="books garden", his="books maps")
    ann.prove(rooms("books", "garden"), 1.0)
    assert settle(ann, ben, now=1.0) == ([Proven(ids("books"))], [Proven(ids("books"))])
    assert ann.rooms == ben.rooms == ids("lobby", "books")


def test_the_responder_can_ask_too() -> None:
    ann, ben, *_ = late(hers="books", his="books")
    ben.prove(rooms("books"), 1.0)
    assert settle(ann, ben, now=1.0) == ([Proven(ids("books"))], [Proven(ids("books"))])


def test_both_may_ask_at_once() -> None:
    ann, ben, *_ = late(hers="books", his="books")
    ann.prove(rooms("books"), 1.0)
    ben.prove(rooms("books"), 1.0)
    assert settle(ann, ben, now=1.0) == ([Proven(ids("books"))], [Proven(ids("books"))])
    assert ann.rooms == ben.rooms == ids("lobby", "books")


def test_a_room_that_the_other_joins_later_still_is_proven_when_that_one_asks() -> None:
    ann, ben, _, of_ben = late(hers="books")
    ann.prove(rooms("books"), 1.0)
    assert settle(ann, ben, now=1.0) == ([], [])
    of_ben.update(rooms("books"))
    ben.prove(rooms("books"), 2.0)
    assert settle(ann, ben, now=2.0) == ([Proven(ids("books"))], [Proven(ids("books"))])


def test_a_question_and_its_answer_have_the_same_size_whatever_is_in_them() -> None:
    def sizes(hers: str, his: str) -> tuple[int, int]:
        ann, ben, *_ = late(hers=hers, his=his)
        ann.prove(rooms(*hers.split()), 1.0)
        question = ann.outgoing()
        ben.receive(question, 1.0)
        return len(question), len(ben.outgoing())

    many = " ".join(map(str, range(64)))
    assert sizes("books", "") == sizes("books", "books") == sizes(many, many) == (2 + 16 + 2048,) * 2


def test_questions_are_answered_ten_times_a_second_at_most_and_rooms_gather_meanwhile() -> None:
    many = " ".join(map(str, range(100)))
    ann, ben, *_ = late(hers=many, his=many)
    proven: set[bytes] = set()
    for number in range(100):
        ann.prove(rooms(str(number)), 1.0)
        at_ann, _ = settle(ann, ben, now=1.0)
        proven.update(*(event.rooms for event in at_ann if isinstance(event, Proven)))
    assert len(proven) == 1
    times = []
    while (now := ben.wake()) < 2:
        times.append(now)
        assert [type(event) for event in ben.tick(now)] == [Proven]
        at_ann, _ = settle(ann, ben, now=now)
        proven.update(*(event.rooms for event in at_ann if isinstance(event, Proven)))
    assert times == pytest.approx([1.1, 1.2, 1.3])
    assert len(proven) == 100


def test_a_forgotten_room_is_not_proven_and_can_be_proven_again() -> None:
    ann, ben, *_ = late(hers="books", his="books")
    books = next(iter(ids("books")))
    ann.prove(rooms("books"), 1.0)
    ann.forget(books)
    assert settle(ann, ben, now=1.0) == ([], [Proven(ids("books"))])
    assert ann.rooms == ids("lobby")
    ben.forget(books)
    assert ben.rooms == ids("lobby")
    ann.prove(rooms("books"), 2.0)
    assert settle(ann, ben, now=2.0) == ([Proven(ids("books"))], [Proven(ids("books"))])


def test_a_room_forgotten_before_its_turn_is_not_asked_about() -> None:
    ann, ben, *_ = late(hers="books maps", his="books maps")
    ann.prove(rooms("books"), 1.0)
    ann.prove(rooms("maps"), 1.0)
    ann.forget(next(iter(ids("maps"))))
    assert settle(ann, ben, now=1.0) == ([Proven(ids("books"))], [Proven(ids("books"))])
    assert ben.tick(2.0) == []
