"""Which `follow` says where a room has parted, and what lies before that."""

from __future__ import annotations

import pytest

from peertalk.core import split
from peertalk.core.entry import Content, Follow, Here
from peertalk.core.log import Item, Log, record
from peertalk.core.split import Before, Splits
from peertalk.core.stored import EntryRecord, PageRecord
from tests.core.authors import Author, Written

A, B, C = bytes([1]) * 32, bytes([2]) * 32, bytes([3]) * 32


def entry(content: Content, lamport: int = 1, name: str = "ada") -> EntryRecord:
    written = Author(name).entry(content, lamport=lamport)
    return record(Item(written.id, written.header, written.raw, written.body), received=0)


def test_the_first_in_order_counts_whatever_the_order_of_arrival() -> None:
    said = [entry(Follow((A,)), 7), entry(Follow((B,)), 3), entry(Follow((C,)), 5), entry(Here("ada"))]
    for order in (said, said[::-1]):
        assert Splits(order).tips == (B,)


def test_before_all_others_that_of_who_has_re_formed_the_room() -> None:
    said = [entry(Follow((A,)), 2), entry(Follow((B,), first=True), 8), entry(Follow((C,), first=True), 9)]
    for order in (said, said[::-1]):
        assert Splits(order).tips == (B,)


def test_one_without_tips_says_nothing() -> None:
    assert Splits([entry(Follow(()), 1)]).tips == ()
    assert Splits([entry(Follow(()), 1), entry(Follow((A,)), 2)]).tips == (A,)


def add(found: Log, run: list[Written]) -> None:
    entries = tuple(record(Item(one.id, one.header, one.raw, one.body), received=0) for one in run)
    first, number = run[0].header, len(found.pages)
    page = PageRecord(room=first.room, number=number, feed=first.feed, prev=first.prev, signature=bytes(64), entries=entries)
    found.add(page, ())


def log(*runs: list[Written]) -> Log:
    found = Log(runs[0][0].header.room)
    for run in runs:
        add(found, run)
    return found


def test_what_lies_at_or_below_a_tip_was_before_each_feed_for_itself() -> None:
    ada, ben = Author("ada"), Author("ben")
    one, two, three = (ada.then(Here("a"), Here("b")), ada.then(Here("c")), ben.then(Here("d")))
    before = Before(log(one, two, three))
    tips = (one[1].id, A)
    assert [before.contains(each.id, tips) for each in (*one, *two, *three)] == [True, True, False, False]
    assert [before.contains(each.id, (one[0].id,)) for each in one] == [True, False]
    assert not before.contains(A, (A,))


def test_what_comes_later_below_a_tip_or_with_one_is_looked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    ada, ben = Author("ada"), Author("ben")
    runs = [ada.then(Here(name)) for name in "abcdef"] + [ben.then(Here("g"))]
    tips = runs[3][0].id, runs[6][0].id
    looked: list[bytes] = []
    known = split.cover
    monkeypatch.setattr(
        split, "cover", lambda found, more, index: known(found, (looked.append(tip) or tip for tip in more), index)
    )
    found = log(runs[0])
    before = Before(found)
    for number, run in enumerate(runs):
        if number:
            add(found, run)
        for each, of in enumerate(runs[: number + 1]):
            assert before.contains(of[0].id, tips) == ((number >= 3 and each <= 3) or each == 6)
    assert looked == list(tips)
