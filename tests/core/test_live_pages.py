"""Live pages in a large room: passed on along the links that deliver first (docs/protocol.md, "Large rooms")."""

from __future__ import annotations

import pytest

from peertalk.core import crowd, wire
from peertalk.core.effects import Effect, Seek, Spare
from peertalk.core.entry import Left, Text
from peertalk.core.sync import Replica
from tests.core.authors import ROOM, Author, tip
from tests.core.crowded import Crowded
from tests.core.desk import Desk, of, sent

Patch = pytest.MonkeyPatch


@pytest.fixture(autouse=True)
def _few_are_many(monkeypatch: Patch) -> None:
    monkeypatch.setattr(crowd, "LARGE", 4)
    monkeypatch.setattr(crowd, "SMALL", 3)


def test_a_live_page_is_passed_on_before_it_is_on_disk_and_not_back() -> None:
    it = Crowded()
    it.slow = True
    page = it.zoe.says("hello")
    effects = it.hear(it.link["p1"], page)
    to = {one.name for one in it.others if page in sent(wire.Page, effects, it.link[one.name])}
    assert to == {one.name for one in it.others} - {"p1"}


def test_a_page_that_came_twice_is_only_named_from_then_on() -> None:
    it = Crowded()
    page = it.zoe.says("hello")
    it.hear(it.link["p1"], page)
    assert sent(wire.Prune, it.hear(it.link["p2"], page)) == [wire.Prune(ROOM.id)]
    assert not sent(wire.Prune, it.hear(it.link["p2"], page))
    it.hear(it.link["p3"], wire.Prune(ROOM.id))
    effects = [*it.hear(it.link["p1"], it.zoe.says("more")), *it.later(0.3)]
    tip = it.zoe.last.id if it.zoe.last is not None else b""
    for name in ("p2", "p3"):
        assert not sent(wire.Page, effects, it.link[name])
        assert [tips.tips for tips in sent(wire.Tips, effects, it.link[name])] == [(tip,)]
    assert sent(wire.Page, effects, it.link["p4"])
    assert not sent(wire.Tips, effects, it.link["p4"])


def test_who_asks_for_a_page_gets_the_next_ones_at_once() -> None:
    it = Crowded()
    it.hear(it.link["p2"], wire.Prune(ROOM.id))
    it.hear(it.link["p1"], it.zoe.says("hello"))
    tip = it.zoe.last.id if it.zoe.last is not None else b""
    it.hear(it.link["p2"], wire.Want(ROOM.id, (tip,)))
    assert sent(wire.Page, it.hear(it.link["p1"], it.zoe.says("more")), it.link["p2"])


def test_what_is_asked_for_because_it_is_missing_makes_the_link_eager() -> None:
    it = Crowded()
    page = it.zoe.says("hello")
    it.hear(it.link["p2"], wire.Prune(ROOM.id), wire.Tips(ROOM.id, (it.zoe.last.id if it.zoe.last else b"",)))
    effects = it.later(1)
    assert sent(wire.Want, effects, it.link["p2"])
    effects = it.hear(it.link["p2"], page, wire.Done(ROOM.id, more=False))
    assert sent(wire.Page, effects, it.link["p1"]) == [page]
    it.say("mine")
    assert any(one.link == it.link["p2"] for one in it.effects[-40:] if getattr(one, "message", None).__class__ is wire.Page)


def named(it: Crowded, name: str, effects: list[Effect]) -> set[bytes]:
    return {tip for tips in sent(wire.Tips, effects, it.link[name]) for tip in tips.tips}


def test_where_much_waits_what_others_wrote_is_only_named_and_what_one_writes_oneself_is_sent() -> None:
    it = Crowded()
    it.do(lambda replica: replica.congested(it.link["p2"], much=True))
    page = it.zoe.says("hello")
    effects = [*it.hear(it.link["p1"], page), *it.later(0.3)]
    assert not sent(wire.Page, effects, it.link["p2"])
    assert named(it, "p2", effects) == {tip(page)}
    assert sent(wire.Page, effects, it.link["p3"]) == [page]
    assert sent(wire.Page, it.say("mine"), it.link["p2"])
    it.do(lambda replica: replica.congested(it.link["p2"], much=False))
    assert sent(wire.Page, it.hear(it.link["p1"], it.zoe.says("more")), it.link["p2"])


def test_many_who_write_at_once_do_not_have_all_of_it_wait_on_each_link() -> None:
    """All of it comes before anything could leave, so that no link says that it has enough."""
    it = Crowded()
    pages = [it.zoe.says("x" * 20_000) for _ in range(9)]
    before = len(it.effects)

    def at_once(replica: Replica) -> None:
        for page in pages:
            replica.received(it.link["p1"], wire.encode(page), it.now)

    it.do(at_once)
    effects = [*it.effects[before:], *it.later(0.3)]
    assert sent(wire.Page, effects, it.link["p2"]) == pages[:3]
    assert tip(pages[-1]) in named(it, "p2", effects)
    big = it.zoe.page(*it.zoe.then(*[Text("x" * 30_000)] * 3))
    assert sent(wire.Page, it.hear(it.link["p1"], big), it.link["p2"]) == [big]


def test_of_pages_that_come_at_once_all_are_named_where_not_all_were_sent() -> None:
    it = Crowded()
    pages = [author.says("x" * 25_000) for author in (it.zoe, *(Author(f"another {n}") for n in range(5)))]
    many = wire.Pages(ROOM.id, tuple((page.headers, page.signature, page.bodies) for page in pages))
    effects = [*it.hear(it.link["p1"], many), *it.later(0.3)]
    assert sent(wire.Page, effects, it.link["p2"]) == pages[:2]
    assert {tip(page) for page in pages[2:]} <= named(it, "p2", effects)


def test_in_a_small_room_others_pages_are_not_passed_on_and_nothing_of_this_is_said() -> None:
    it = Desk()
    links = [it.meet(Author(f"p{number}")) for number in range(3)]
    it.hear(links[0], Author("p0").page(*Author("p0").then(Left())))
    page = Author("p1").says("hello")
    it.hear(links[1], page)
    it.hear(links[2], page)
    it.say("mine")
    it.later(60)
    assert not [one for kind in (wire.Pulses, wire.Need, wire.Prune) for one in sent(kind, it.effects)]
    assert not of(Spare, it.effects)
    assert not of(Seek, it.effects)
    assert page not in sent(wire.Page, it.effects)


# ── what pulses may not do ───────────────────────────────────────────────────────────────────────────────────────────
