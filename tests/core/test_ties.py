"""What deletions cost, whoever has many feeds, and says late which of them go on from which."""

from __future__ import annotations

import tracemalloc
from collections.abc import Collection, Mapping

import msgspec
import pytest

from peertalk.core import lineage, wire
from peertalk.core.effects import Commit
from peertalk.core.entry import Delete, Here, Text, encode_header, hash32
from peertalk.core.stored import EraseBodies, EraseDeleted
from tests.core.authors import ROOM, Author, Written
from tests.core.desk import Desk, of, sent
from tests.core.test_deletions import goes_on, gone, id_of, on_disk


def test_whoever_has_many_feeds_makes_nothing_dear_that_they_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """How far one's word reaches is found out once for all of a page, not for each entry in it."""
    desk, feeds = Desk(), [Author("first")]
    link = desk.meet(feeds[0])
    desk.hear(link, feeds[0].arrives())
    for number in range(30):
        feeds.append(goes_on(f"feed {number}", feeds[-1]))
        desk.hear(link, feeds[-1].page(*([feeds[-1].last] if feeds[-1].last else [])))
    last, walks = feeds[-1], 0
    find = lineage.speaks_for

    def counted(feed: bytes, older: Mapping[bytes, Collection[bytes]]) -> frozenset[bytes]:
        nonlocal walks
        walks += 1
        return find(feed, older)

    twin = last.entry(Text("again and again"))
    for older in feeds[1:-1]:
        desk.hear(link, older.page(*older.then(Delete(id_of(twin)))))
    monkeypatch.setattr(lineage, "speaks_for", counted)
    effects = desk.hear(link, last.page(*last.then(*(Delete(hash32(bytes([n]))) for n in range(100)))))
    erasures = [op for commit in of(Commit, effects) for op in commit.ops if isinstance(op, EraseBodies)]
    assert len(erasures) == 100
    assert len({id(op.feeds) for op in erasures}) == len({id(op.edits) for op in erasures}) == 1
    twins = []
    for _ in range(100):
        before = last.last
        assert before is not None
        kept = msgspec.structs.replace(
            twin.header, seq=before.header.seq + 1, prev=before.id, lamport=before.header.lamport + 1
        )
        last.last = Written(kept, encode_header(kept), twin.body)
        twins.append(last.last)
    desk.hear(link, last.page(*twins))
    assert gone(desk, *twins) == [False] * 100
    assert walks <= 4


def chained(desk: Desk, link: int, count: int) -> list[Author]:
    """So many feeds of one person, each of which goes on from the one before."""
    feeds = [Author("first")]
    for number in range(count):
        feeds.append(goes_on(f"feed {number}", feeds[-1]))
        begin = feeds[-1].last
        assert begin is not None
        desk.hear(link, feeds[-1].page(begin))
    return feeds


def forked(author: Author, *older: Author) -> list[wire.Page]:
    """Other beginnings of this feed, each of which goes on from another."""
    last, pages = author.last, []
    for before in older:
        author.last = None
        next_ = (before.feed, before.key.sign_next(ROOM.id, author.feed))
        pages.append(author.page(*author.then(Here(author.name, next=next_))))
    author.last = last
    return pages


def test_what_ties_feeds_late_looks_at_no_more_than_what_they_bring() -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    desk.hear(link, ben.arrives(), ben.page(*ben.then(*(Delete(hash32(bytes([n]))) for n in range(250)))))
    others = [Author(f"other {number}") for number in range(30)]
    for one in others:
        (text,) = one.then(Text("deleted before anybody knew by whom"))
        desk.hear(link, one.page(text), ben.page(*ben.then(Delete(id_of(text)))))
    effects = desk.hear(link, *forked(ben, *others))
    ops = [op for commit in of(Commit, effects) for op in commit.ops]
    assert len(ops) <= 4 * len(others)
    assert len(of(EraseDeleted, ops)) >= len(others)
    assert all(gone == "deleted" for gone, _ in (on_disk(desk)[one.last.id] for one in others if one.last is not None))


@pytest.mark.parametrize("much", [0, 90], ids=["little was deleted", "much was"])
@pytest.mark.parametrize("deleter", [0, 3])
def test_where_lines_are_longer_than_words_count_what_is_erased_is_as_far_back_as_they_do(
    monkeypatch: pytest.MonkeyPatch, deleter: int, much: int
) -> None:
    """And it is found with no more work: two lines that are tied in many places must not cost what all pairs of their feeds do."""
    monkeypatch.setattr(lineage, "MAX_OLDER", 4)
    desk = Desk()
    link = desk.meet(Author("relay"))
    older, newer = chained(desk, link, 6)[1:], [Author("bottom")]
    desk.hear(link, newer[0].arrives())
    for number in range(3):
        newer.append(goes_on(f"newer {number}", newer[-1]))
        desk.hear(link, newer[-1].page(*[newer[-1].last] if newer[-1].last else []))
    said = [one.then(Text("regrettable"), *[Text("fine")] * 9) for one in older]
    desk.hear(link, *(one.page(*entries) for one, entries in zip(older, said, strict=True)))
    texts = [entries[0] for entries in said]
    named = [*(id_of(text) for text in texts), *(hash32(bytes([n])) for n in range(much))]
    desk.hear(link, newer[deleter].page(*newer[deleter].then(*map(Delete, named))))
    effects = desk.hear(link, *forked(newer[0], older[-1]))
    assert gone(desk, *texts) == [back <= 3 - deleter for back in reversed(range(len(texts)))]
    assert not any(gone(desk, *(one for entries in said for one in entries[1:])))
    erasures = [op for commit in of(Commit, effects) for op in commit.ops if isinstance(op, EraseBodies | EraseDeleted)]
    assert len(erasures) == (2 if much else 2 * len(texts))


@pytest.mark.parametrize("much", [1, 9], ids=["little was deleted", "much was"])
def test_what_is_missed_and_was_deleted_by_who_is_known_late_is_missed_no_longer(much: int) -> None:
    desk, ben, older = Desk(), Author("ben"), Author("older")
    link = desk.meet(ben)
    (text,) = older.then(Text("regrettable"))
    deletes = ben.then(*(Delete(hash32(bytes([n]))) for n in range(1, much)), Delete(id_of(text)))
    desk.hear(link, ben.page(*deletes), older.page(text, bodies=[None]))
    assert [*desk.room.bodies.absent] == [text.id]
    desk.hear(link, *forked(ben, older))
    assert not desk.room.bodies.absent
    assert gone(desk, text) == [True]
    assert sent(wire.WantBodies, desk.later(9)) == []


def test_what_is_to_be_erased_takes_no_memory_without_end_while_the_disk_is_slow() -> None:
    """With each tie and each deletion, all of somebody's feeds are named: what waits of that counts as pages that wait do."""
    desk = Desk()
    link = desk.meet(Author("relay"))
    feeds = chained(desk, link, 600)
    desk.later(60)  # what may be taken in at once has come back
    desk.slow = True
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for number in range(300):
        pages = forked(feeds[-1], Author(f"older {number}"))
        desk.hear(link, *pages, feeds[-1].page(*feeds[-1].then(Delete(hash32(number.to_bytes(2))))))
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size - before < 4 << 20
    desk.sync()
    assert desk.replica.unwritten == 0
