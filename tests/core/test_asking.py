"""Asking for what others claim: whom, for what, and what becomes of liars."""

from __future__ import annotations

from itertools import pairwise

import pytest

from peertalk.core import intake, room, wire
from peertalk.core.asking import LONGEST, MOST_EXPECTED, PATIENCE
from peertalk.core.effects import Arrived, Claimed, Send, SyncStep
from peertalk.core.entry import Text
from peertalk.core.room import DELTA_DELAY
from peertalk.core.sharing import BODY_BACKOFF
from peertalk.core.stored import PutBody
from tests.core.authors import NOTHING, ROOM, Author, ids, tip
from tests.core.desk import Desk, closed, of, sent

DONE = wire.Done(ROOM.id, False)
MORE = wire.Done(ROOM.id, True)


def wants(effects: list[object], link: int | None = None) -> list[wire.Want]:
    return sent(wire.Want, effects, link)


def bogus(number: int) -> bytes:
    return bytes([number]) * 32


def test_what_is_claimed_and_not_here_is_asked_for_at_once() -> None:
    desk, ben = Desk(), Author("ben")
    page = ben.says("x")
    link = desk.meet(ben, tip(page))
    (want,) = wants(desk.effects, link)
    assert want.tips == (tip(page),)
    desk.hear(link, page, DONE)
    assert len(desk.texts()) == 1
    desk.later(60)
    assert len(wants(desk.effects)) == 1


def test_a_tip_told_live_is_given_time_to_arrive_by_itself() -> None:
    desk, ben, cara = Desk(), Author("ben"), Author("cara")
    to_ben, to_cara = desk.meet(ben), desk.meet(cara)
    page = ben.says("x")
    assert wants(desk.hear(to_cara, wire.Tips(ROOM.id, (tip(page),)))) == []
    desk.hear(to_ben, page)
    assert wants(desk.later(5)) == []
    other = ben.says("y")
    desk.hear(to_cara, wire.Tips(ROOM.id, (tip(other),)))
    assert [want.tips for want in wants(desk.later(1), to_cara)] == [(tip(other),)]


def test_a_request_names_at_most_64_tips() -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben, *(bogus(number) for number in range(100)))
    assert [len(want.tips) for want in wants(desk.effects, link)] == [64]


def test_a_request_says_where_we_part() -> None:
    desk, ben, cara = Desk(), Author("ben"), Author("cara")
    to_ben = desk.meet(ben)
    pages = [ben.says(f"{number}") for number in range(20)]
    desk.hear(to_ben, *pages)
    later = ben.says("later")
    to_cara = desk.meet(cara, tip(pages[4]), tip(later))
    (want,) = wants(desk.effects, to_cara)
    assert {tip(pages[4]), tip(pages[19])} <= set(want.known)
    assert tip(pages[10]) not in want.known
    dora = Author("dora")
    to_dora = desk.meet(dora, bogus(1))
    desk.hear(to_cara, DONE)
    (want,) = wants(desk.effects, to_dora)
    assert [tip(pages[19 - back]) for back in (0, 1, 2, 4, 8, 16)] == [id_ for id_ in want.known if id_ in map(tip, pages)]


def few_are_noted(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(room, "OWN_WANTED", 2)
    patch.setattr(room, "MAX_WANTED", 0)


def test_what_is_claimed_beyond_the_tips_that_are_noted_is_asked_for_when_those_came_from_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    few_are_noted(monkeypatch)
    desk, ben, cara, dora = Desk(), Author("ben"), Author("cara"), Author("dora")
    pages = [author.says("x") for author in (ben, cara, dora)]
    to_cara, to_dora = desk.meet(cara), desk.meet(dora)
    link = desk.meet(Author("giver"), *map(tip, pages))
    assert [want.tips for want in wants(desk.effects, link)] == [(tip(pages[1]), tip(pages[2]))]
    desk.hear(to_cara, pages[1])
    desk.hear(to_dora, pages[2])
    assert wants(desk.hear(link, DONE), link) == []
    (want,) = wants(desk.later(1), link)
    assert {*want.tips} == {tip(pages[1]), tip(pages[2])} <= {*want.known}
    desk.hear(link, pages[0], DONE)
    assert len(desk.texts()) == 3
    assert wants(desk.later(60)) == []


def test_what_exceeds_a_rate_comes_also_where_it_was_not_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    few_are_noted(monkeypatch)
    desk, ben, cara, dora = Desk(), Author("ben"), Author("cara"), Author("dora")
    pages = [author.says("x") for author in (ben, cara, dora)]
    link = desk.meet(Author("giver"), *map(tip, pages[1:]))
    with monkeypatch.context() as scarce:
        scarce.setattr(intake, "charged", lambda *_: None)
        desk.hear(link, pages[0])
    desk.hear(link, *pages[1:], DONE)
    (want,) = wants(desk.later(3), link)
    assert {*want.tips} == {tip(pages[1]), tip(pages[2])}
    desk.hear(link, MORE)
    assert len(wants(desk.later(1), link)) == 1
    desk.hear(link, pages[0], DONE)
    assert len(desk.texts()) == 3
    assert wants(desk.later(60)) == []


def test_who_does_not_answer_is_not_waited_for() -> None:
    desk, liar, ben = Desk(), Author("liar"), Author("ben")
    page = ben.says("x")
    desk.meet(liar, bogus(1), tip(page))
    to_ben = desk.meet(ben, tip(page))
    assert wants(desk.effects, to_ben) == []
    assert len(wants(desk.later(PATIENCE + 0.1), to_ben)) == 1


def test_who_has_nothing_after_all_is_asked_ever_less_often() -> None:
    desk, liar = Desk(), Author("liar")
    link = desk.meet(liar, bogus(1))
    times = []
    for _ in range(600):
        if wants(desk.later(0.1), link) or not times:
            times.append(desk.mono)
            desk.hear(link, DONE)
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert len(times) < 16
    assert all(a <= b + 0.2 for a, b in pairwise(gaps))
    assert max(gaps) < 8.3


@pytest.mark.parametrize("gift", ["known pages", "fresh pages", "nothing"])
def test_a_liar_who_keeps_busy_keeps_nobody_from_the_others(gift: str) -> None:
    desk, liar, ben = Desk(), Author("liar"), Author("ben")
    pages = [ben.says(f"{number}") for number in range(3)]
    to_liar = desk.meet(liar, *(bogus(number) for number in range(1, 100)))
    old = liar.says("seen")
    desk.hear(to_liar, old)
    to_ben = desk.meet(ben, *map(tip, pages))
    start = desk.mono
    while not wants(desk.effects, to_ben) and desk.mono < start + 60:
        gifts = {"known pages": (old,), "fresh pages": (liar.says("more"),), "nothing": ()}[gift]
        desk.hear(to_liar, *gifts, DONE)
        desk.later(0.05)
    assert desk.mono < start + PATIENCE
    desk.hear(to_ben, *pages, DONE)
    assert set(desk.texts()) >= {entry.message for entry in desk.disk.entries(ROOM.id, ("text",), 9) if entry.feed == ben.feed}
    assert sum(entry.feed == ben.feed for entry in desk.disk.entries(ROOM.id, ("text",), 1000)) == 3


def test_who_failed_once_has_its_turn_beside_a_liar_who_keeps_busy() -> None:
    desk, liar, ben = Desk(), Author("liar"), Author("ben")
    to_ben = desk.meet(ben, bogus(1))
    desk.hear(to_ben, DONE)
    to_liar = desk.meet(liar, *(bogus(number) for number in range(2, 100)))
    start = desk.mono
    while len(wants(desk.effects, to_ben)) < 2 and desk.mono < start + 60:
        desk.hear(to_liar, liar.says("more"), DONE)
        desk.later(0.05)
    assert desk.mono < start + 1


def test_an_answer_that_trickles_has_an_end() -> None:
    desk, liar, ben = Desk(), Author("liar"), Author("ben")
    to_liar = desk.meet(liar, bogus(1))
    to_ben = desk.meet(ben, bogus(2))
    start = desk.mono
    while not wants(desk.effects, to_ben) and desk.mono < start + 60:
        desk.hear(to_liar, liar.says("drop"))
        desk.later(PATIENCE / 2)
    assert desk.mono <= start + LONGEST + PATIENCE


def test_a_long_answer_is_asked_for_in_parts_and_progress_is_told() -> None:
    desk, ben = Desk(), Author("ben")
    pages = [ben.says(*"x" * 150) for _ in range(4)]
    link = desk.up(ben)
    desk.hear(link, ben.card(), wire.Have(ROOM.id, NOTHING, 600, True))
    desk.hear(link, wire.Tips(ROOM.id, (tip(pages[-1]),), fresh=True, last=True))
    effects = desk.hear(link, *pages[:2], MORE)
    assert [(step.done, step.total) for step in of(SyncStep, effects)] == [(300, 600)]
    assert len(wants(effects, link)) == 1
    effects = desk.hear(link, *pages[2:], DONE)
    assert [(step.done, step.total) for step in of(SyncStep, effects)] == [(600, 600)]
    assert wants(effects) == []


def test_no_progress_bar_believes_in_endless_histories() -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.up(ben)
    desk.hear(link, ben.card(), wire.Have(ROOM.id, NOTHING, 2**53 - 1, True))
    page = ben.says("x")
    desk.hear(link, wire.Tips(ROOM.id, (tip(page),), fresh=True, last=True))
    assert [step.total for step in of(SyncStep, desk.hear(link, page, MORE))] == [MOST_EXPECTED]


def test_when_a_link_goes_the_next_one_is_asked() -> None:
    desk, ben, cara = Desk(), Author("ben"), Author("cara")
    page = ben.says("x")
    to_ben = desk.meet(ben, tip(page))
    to_cara = desk.meet(cara, tip(page))
    assert wants(desk.effects, to_cara) == []
    assert len(wants(desk.down(to_ben), to_cara)) == 1


def test_an_answer_that_nobody_asked_for_is_passed_over() -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    effects = desk.hear(link, DONE, MORE, wire.Bodies(ROOM.id, ((NOTHING, NOTHING),)))
    assert closed(effects) == []
    assert sent(wire.Want, effects) == []


# ── bodies ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def without_bodies(page: wire.Page) -> wire.Page:
    return wire.Page(page.room, page.headers, page.signature, (None,) * len(page.headers))


def test_an_absent_body_is_asked_for_and_arrives_with_its_text() -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    page = ben.says("x")
    effects = desk.hear(link, without_bodies(page))
    (want,) = sent(wire.WantBodies, effects, link)
    assert want.entries == (tip(page),)
    assert desk.texts() == []
    effects = desk.hear(link, wire.Bodies(ROOM.id, ((tip(page), page.bodies[0] or b""),)))
    assert len(of(Arrived, effects)) == 1
    assert len(desk.texts()) == 1
    assert desk.room.bodies.absent == {}


def test_absent_bodies_are_told_and_what_has_come_is_claimed() -> None:
    desk, ben, cara = Desk(), Author("ben"), Author("cara")
    link = desk.meet(ben)
    page = ben.says("x")
    (tips,) = sent(wire.Tips, desk.hear(link, without_bodies(page)), link)
    assert (tips.tips, tips.absent) == ((tip(page),), (tip(page),))
    to_cara = desk.up(cara)
    assert [have.digest for have in sent(wire.Have, desk.hear(to_cara, cara.card()), to_cara)] == [NOTHING]
    effects = desk.hear(link, wire.Bodies(ROOM.id, ((tip(page), page.bodies[0] or b""),)))
    (tips,) = sent(wire.Tips, effects, link)
    assert (tips.tips, tips.absent) == ((tip(page),), ())


def test_two_that_both_lack_bodies_do_not_take_each_other_for_complete() -> None:
    desk, ben, cara = Desk(), Author("ben"), Author("cara")
    desk.say("mine")
    desk.hear(desk.meet(ben), without_bodies(ben.says("x")))
    link = desk.up(cara)
    effects = desk.hear(link, cara.card(), wire.Have(ROOM.id, NOTHING, 1, True))
    assert of(Claimed, effects) == []
    assert len(sent(wire.Tips, effects, link)) == 1


def test_a_wrong_body_costs_the_link_and_others_are_asked() -> None:
    desk, ben, cara = Desk(), Author("ben"), Author("cara")
    to_ben, to_cara = desk.meet(ben), desk.meet(cara)
    page = ben.says("x")
    desk.hear(to_ben, without_bodies(page))
    effects = desk.hear(to_ben, wire.Bodies(ROOM.id, ((tip(page), bytes(64)),)))
    assert closed(effects) == [(to_ben, "bad_body")]
    assert of(PutBody, [op for effect in effects for op in getattr(effect, "ops", ())]) == []
    assert len(sent(wire.WantBodies, desk.down(to_ben), to_cara)) == 1


def test_bodies_that_nobody_has_hold_up_no_others() -> None:
    desk, liar, ben = Desk(), Author("liar"), Author("ben")
    link, to_ben = desk.meet(liar), desk.meet(ben)
    kept_back = liar.page(*liar.then(*map(Text, "x" * wire.MAX_WANT)))
    desk.hear(link, without_bodies(kept_back))
    page = ben.says("honest")
    desk.hear(to_ben, without_bodies(page))
    bodies = dict(zip(ids(page), page.bodies, strict=True))
    for _ in range(12):
        effects = desk.later(BODY_BACKOFF)
        for one in sent(wire.WantBodies, effects, to_ben):
            found = tuple((id_, bodies[id_]) for id_ in one.entries if id_ in bodies)
            desk.hear(to_ben, wire.Bodies(ROOM.id, found))
    assert len(desk.texts()) == 1


def test_who_claims_and_gives_nothing_does_not_keep_bodies_from_being_asked_of_others() -> None:
    """Somebody is always being asked for what they say they hold; found by seed 3846."""
    desk, liar, ben, cara = Desk(), *map(Author, ("liar", "ben", "cara"))
    link, *others = desk.meet(liar), desk.meet(ben), desk.meet(cara)
    desk.hear(link, wire.Tips(ROOM.id, (tip(liar.says("never given")),)))
    assert len(sent(wire.Want, desk.later(DELTA_DELAY), link)) == 1
    desk.hear(others[0], without_bodies(ben.says("x")))
    asked = [one.link for one in of(Send, desk.later(3 * PATIENCE)) if isinstance(one.message, wire.WantBodies)]
    assert asked == [*others, link][: len(asked)]
    assert len(asked) > 1


def test_bodies_that_nobody_has_are_asked_for_ever_less_often_until_there_is_news() -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    desk.hear(link, without_bodies(ben.says("kept back")))
    asked = 0
    for _ in range(360):
        for _ in sent(wire.WantBodies, desk.later(10), link):
            asked += 1
            desk.hear(link, wire.Bodies(ROOM.id, ()))
    assert 8 < asked < 16
    desk.hear(link, wire.Tips(ROOM.id, ()))
    assert len(sent(wire.WantBodies, desk.later(BODY_BACKOFF + 1), link)) == 1


def test_who_lacks_the_body_too_is_asked_again_after_a_while() -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    desk.hear(link, without_bodies(ben.says("x")))
    desk.hear(link, wire.Bodies(ROOM.id, ()))
    assert sent(wire.WantBodies, desk.later(BODY_BACKOFF - 1)) == []
    assert len(sent(wire.WantBodies, desk.later(2), link)) == 1


def test_old_pages_that_cannot_settle_now_take_no_place_of_what_is_newer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever sent something live tells nothing of it again: forgotten, it would never be asked for."""
    monkeypatch.setattr("peertalk.core.room.OWN_WANTED", 2)
    monkeypatch.setattr("peertalk.core.room.MAX_WANTED", 0)
    desk, ben, cara = Desk(), Author("ben"), Author("cara")
    link = desk.meet(ben)
    first, second, live = ben.says("first"), ben.says("second"), ben.says("live")
    desk.hear(link, second, live)
    desk.hear(link, *(cara.page(cara.entry(after=(bogus(number),), lamport=9)) for number in range(4)))
    desk.hear(link, second)
    (want,) = wants(desk.later(1), link)[:1]
    assert tip(live) in want.tips
    desk.hear(link, first, second, live, DONE)
    assert len(desk.texts()) == 3
