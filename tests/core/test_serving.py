"""Answering what a peer lacks: in settle order, cut at a size, at the asker's pace."""

from __future__ import annotations

from typing import Any

import pytest

from peertalk.core import serving, wire
from peertalk.core.effects import LoadBodies, LoadPages
from peertalk.core.entry import Text
from tests.core.authors import NOTHING, ROOM, Author, ids, tip
from tests.core.desk import Desk, of, sent


def want(*tips: bytes, known: tuple[bytes, ...] = ()) -> wire.Want:
    return wire.Want(ROOM.id, tips, known)


def room_of_two() -> tuple[Desk, list[wire.Page], int]:
    """A desk with a history that two others wrote, and a third one linked."""
    desk, ben, cara = Desk(), Author("ben"), Author("cara")
    link = desk.meet(ben)
    first = ben.says("one", "two", "three")
    second = cara.says("four", after=(tip(first),), lamport=4)
    third = ben.says("five", after=(tip(second),), lamport=5)
    desk.hear(link, first, second, third)
    return desk, [first, second, third], desk.meet(Author("dora"))


def test_everything_up_to_what_is_wanted_comes_in_settle_order_then_done() -> None:
    desk, pages, link = room_of_two()
    effects = desk.hear(link, want(tip(pages[2])))
    assert [page for page in sent(wire.Page, effects, link) if page in pages] == pages
    assert sent(wire.Done, effects, link) == [wire.Done(ROOM.id, False)]


def test_what_the_asker_has_is_left_out_at_the_beginning() -> None:
    desk, pages, link = room_of_two()
    effects = desk.hear(link, want(tip(pages[2]), known=(ids(pages[0])[1],)))
    served = [page for page in sent(wire.Page, effects, link) if page.headers[-1] in {one.headers[-1] for one in pages}]
    assert [len(page.headers) for page in served] == [1, 1, 1]
    assert served[0].headers == pages[0].headers[2:]
    assert served[0].signature == pages[0].signature


def test_what_was_claimed_counts_as_held() -> None:
    desk, pages, link = room_of_two()
    desk.hear(link, wire.Tips(ROOM.id, (tip(pages[0]), tip(pages[1]))))
    effects = desk.hear(link, want(tip(pages[2])))
    assert pages[0] not in sent(wire.Page, effects, link)
    assert pages[2] in sent(wire.Page, effects, link)


def test_what_nobody_has_is_answered_with_done() -> None:
    desk, _, link = room_of_two()
    effects = desk.hear(link, want(NOTHING, known=(NOTHING,)))
    assert sent(wire.Page, effects) == []
    assert sent(wire.Done, effects, link) == [wire.Done(ROOM.id, False)]


def test_what_is_not_on_disk_yet_is_not_served() -> None:
    desk, ben = Desk(), Author("ben")
    to_ben, link = desk.meet(ben), desk.meet(Author("dora"))
    desk.slow = True
    page = ben.says("x")
    desk.hear(to_ben, page)
    assert page not in sent(wire.Page, desk.hear(link, want(tip(page))), link)
    desk.sync()
    assert page in sent(wire.Page, desk.hear(link, want(tip(page))), link)


def test_a_long_answer_is_cut_and_goes_on_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "MAX_AT_ONCE", 2)
    monkeypatch.setattr(serving, "ANSWER_SIZE", 1000)
    desk, ben = Desk(), Author("ben")
    to_ben = desk.meet(ben)
    pages = [ben.says(f"{number}") for number in range(12)]
    desk.hear(to_ben, *pages)
    link = desk.meet(Author("dora"))
    got: list[wire.Page] = []
    for _ in range(12):
        effects = desk.hear(link, want(tip(pages[-1]), known=tuple(tip(page) for page in got)))
        got += sent(wire.Page, effects, link)
        (done,) = sent(wire.Done, effects, link)
        if not done.more:
            break
        assert len(sent(wire.Page, effects, link)) <= 6
    assert [page for page in got if page in pages] == pages


def test_a_newer_request_replaces_the_one_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "MAX_AT_ONCE", 1)
    desk, pages, link = room_of_two()
    room, sharing = desk.room, desk.room.sharings[link]
    serving.answer(room, sharing, want(tip(pages[2])), desk.now)
    serving.answer(room, sharing, want(tip(pages[2])), desk.now)
    effects = desk.do(lambda _: None)
    assert len(sent(wire.Done, effects, link)) == 1
    assert len(of(LoadPages, effects)) <= len(room.log.pages) + 1


def test_nothing_is_sent_to_a_link_that_went_while_pages_were_read() -> None:
    desk, pages, link = room_of_two()
    room, sharing = desk.room, desk.room.sharings[link]
    serving.answer(room, sharing, want(tip(pages[2])), desk.now)
    room.sharings.pop(link)
    assert sent(wire.Page, desk.do(lambda _: None), link) == []


def test_bodies_that_do_not_fit_in_a_message_travel_by_themselves() -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    entries = ben.then(*(Text("x" * 30_000) for _ in range(12)))
    page = ben.page(*entries, bodies=[None] * 12)
    desk.hear(link, page)
    for entry in entries:
        desk.hear(link, wire.Bodies(ROOM.id, ((entry.id, entry.body or b""),)))
    assert desk.room.bodies.absent == {}
    other = desk.meet(Author("dora"))
    effects = desk.hear(other, want(tip(page)))
    (served,) = (one for one in sent(wire.Page, effects, other) if one.headers == page.headers)
    assert 0 < sum(body is not None for body in served.bodies) < 12
    assert len(wire.encode(served)) <= wire.MAX_MESSAGE
    left_out = tuple(id_ for id_, body in zip(ids(served), served.bodies, strict=True) if body is None)
    (answer,) = sent(wire.Bodies, desk.hear(other, wire.WantBodies(ROOM.id, left_out)), other)
    assert {id_ for id_, _ in answer.bodies} == set(left_out)


def test_only_so_many_bodies_as_fit_are_in_one_answer() -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    for _ in range(3):
        desk.hear(link, ben.says(*("x" * 30_000 for _ in range(6))))
    entries = tuple(entry.id for entry in desk.disk.entries(ROOM.id, ("text",), 100))
    other = desk.meet(Author("dora"))
    (answer,) = sent(wire.Bodies, desk.hear(other, wire.WantBodies(ROOM.id, (*entries, NOTHING))), other)
    assert 0 < len(answer.bodies) < 18
    assert len(wire.encode(answer)) <= wire.MAX_MESSAGE
    assert {id_ for id_, _ in answer.bodies} <= set(entries)


def test_one_request_for_bodies_is_answered_at_a_time() -> None:
    desk, pages, link = room_of_two()
    room, sharing = desk.room, desk.room.sharings[link]
    for _ in range(5):
        serving.answer_bodies(room, sharing, wire.WantBodies(ROOM.id, (tip(pages[0]),)))
    effects = desk.do(lambda _: None)
    assert len(of(LoadBodies, effects)) == 1
    assert len(sent(wire.Bodies, effects, link)) == 1
    assert len(sent(wire.Bodies, desk.hear(link, wire.WantBodies(ROOM.id, (tip(pages[0]),))), link)) == 1


# ── who does not read ────────────────────────────────────────────────────────────────────────────────────────────────


def test_who_does_not_read_is_answered_when_they_do() -> None:
    desk, pages, link = room_of_two()
    desk.do(lambda replica: replica.congested(link, much=True))
    bodies = wire.WantBodies(ROOM.id, (tip(pages[0]),))
    effects = desk.hear(link, *[want(tip(pages[2]))] * 3, bodies)
    assert sent(wire.Page, effects, link) == sent(wire.Done, effects, link) == sent(wire.Bodies, effects, link) == []
    effects = desk.do(lambda replica: replica.congested(link, much=False))
    assert [page for page in sent(wire.Page, effects, link) if page in pages] == pages
    assert len(sent(wire.Done, effects, link)) == 1
    assert sent(wire.Done, desk.do(lambda replica: replica.congested(link, much=False)), link) == []


def test_an_answer_is_cut_where_the_link_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "MAX_AT_ONCE", 1)
    desk, pages, link = room_of_two()
    load = desk.room.outlet.load_pages

    def full(*arguments: Any) -> None:
        desk.room.outlet.congested.add(link)
        load(*arguments)

    monkeypatch.setattr(desk.room.outlet, "load_pages", full)
    effects = desk.hear(link, want(tip(pages[2])))
    assert len(sent(wire.Page, effects, link)) == 1
    assert sent(wire.Done, effects, link) == [wire.Done(ROOM.id, True)]


def test_few_are_answered_at_a_time_and_all_in_the_end() -> None:
    desk, pages, link = room_of_two()
    links = [link, *(desk.meet(Author(f"reader {number}")) for number in range(9))]
    waiting: list[tuple[Any, ...]] = []
    load = desk.room.outlet.load_pages
    desk.room.outlet.load_pages = lambda *arguments: waiting.append(arguments)  # type: ignore[method-assign]
    for one in links:
        desk.hear(one, want(tip(pages[2])))
    assert len(waiting) == 4
    desk.down(links[0])
    desk.room.outlet.load_pages = load  # type: ignore[method-assign]
    for arguments in waiting:
        load(*arguments)
    desk.do(lambda _: None)
    assert all(sent(wire.Done, desk.effects, one) for one in links[1:])
