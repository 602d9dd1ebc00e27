"""What two members say to each other: cards before all else, claims, pages, and who is told what."""

from __future__ import annotations

from typing import get_args

import pytest

from peertalk.core import wire
from peertalk.core.checks import Checked, CheckedPages
from peertalk.core.effects import Arrived, Claimed, Commit, ForkSeen, MembersChanged, Presence, Send
from peertalk.core.entry import Text
from peertalk.core.exchange import Exchange
from peertalk.core.intake import MAX_UNWRITTEN, PUT_OFF
from peertalk.core.rates import NEW_FEED, OPEN
from peertalk.core.room import DELTA_DELAY, NOTHING
from peertalk.core.rooms import Terms, private_room
from peertalk.core.sharing import MAX_PARKED
from peertalk.core.stored import EntryRecord, PutPage
from peertalk.errors import RemoteError
from tests.core.authors import ROOM, START, Author, tip
from tests.core.desk import Desk, closed, of, sent


def costs_the_link(desk: Desk, link: int, message: wire.Message) -> str:
    with pytest.raises(RemoteError) as error:
        desk.hear(link, message)
    return error.value.kind


# ── cards ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_nothing_but_the_card_leaves_before_both_cards_are_exchanged() -> None:
    desk, ben = Desk(), Author("ben")
    desk.say("hello")
    before = len(desk.effects)
    link = desk.up(ben)
    desk.say("are you there?")
    desk.later(30)
    assert {type(effect.message) for effect in of(Send, desk.effects[before:])} == {wire.Card}
    effects = desk.hear(link, ben.card())
    assert len(sent(wire.Have, effects, link)) == 1
    assert of(Presence, effects) == [Presence(ROOM.id, ben.public, True)]


@pytest.mark.parametrize(
    "message", [Author("ben").says("x"), wire.Have(ROOM.id, NOTHING, 0, True), Author("cara").card()], ids=str
)
def test_whoever_speaks_before_the_card_loses_the_link(message: wire.Message) -> None:
    desk = Desk()
    assert costs_the_link(desk, desk.up(Author("ben")), message) == "out_of_order"


def test_a_false_card_costs_the_link() -> None:
    desk, ben, cara = Desk(), Author("ben"), Author("cara")
    link = desk.meet(ben)
    pair = (cara.feed, ben.key.sign_owner(ROOM.id, cara.public))
    assert costs_the_link(desk, link, wire.Card(ROOM.id, cara.public, (pair,))) == "bad_card"


# ── claims ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_equal_digests_say_all_at_once() -> None:
    desk, ben = Desk(), Author("ben")
    desk.hear(desk.meet(ben), ben.arrives(), ben.says("x"))
    cara = Author("cara")
    link = desk.up(cara)
    (have,) = sent(wire.Have, desk.hear(link, cara.card()), link)
    assert have.entries == 3
    effects = desk.hear(link, wire.Have(ROOM.id, have.digest, have.entries, True))
    assert sent(wire.Tips, effects) == []
    assert [claim.upto for claim in of(Claimed, effects)] == [1]
    assert desk.room.sharings[link].is_caught_up(desk.room.log, desk.mono)


def test_unequal_digests_are_answered_with_all_tips_but_once() -> None:
    desk, ben, cara = Desk(), Author("ben"), Author("cara")
    desk.hear(desk.meet(ben), ben.arrives())
    link = desk.up(cara)
    desk.hear(link, cara.card())
    have = wire.Have(ROOM.id, NOTHING, 0, True)
    (tips,) = sent(wire.Tips, desk.hear(link, have), link)
    assert set(tips.tips) == set(desk.room.log.tips())
    assert (tips.fresh, tips.last) == (True, True)
    assert sent(wire.Tips, desk.hear(link, have, have, have)) == []


def test_many_tips_are_named_a_thousand_a_message() -> None:
    desk, cara = Desk(), Author("cara")
    link = desk.meet(cara)
    for number in range(1100):
        author = Author(f"a{number}")
        desk.hear(link, author.says("x"))
        desk.later(0.1)
    other = Author("other")
    link = desk.up(other)
    statements = sent(wire.Tips, desk.hear(link, other.card(), wire.Have(ROOM.id, NOTHING, 0, True)), link)
    assert [(len(one.tips), one.fresh, one.last) for one in statements] == [(1000, True, False), (101, False, True)]


def test_the_author_is_told_at_once_and_others_soon_and_gathered() -> None:
    desk, ben, cara = Desk(), Author("ben"), Author("cara")
    to_ben, to_cara = desk.meet(ben), desk.meet(cara)
    desk.later(1)
    desk.hear(to_ben, ben.arrives())
    page = ben.says("x")
    effects = desk.hear(to_ben, page)
    assert [tips.tips for tips in sent(wire.Tips, effects, to_ben)] == [(tip(page),)]
    assert sent(wire.Tips, effects, to_cara) == []
    assert [tips.tips for tips in sent(wire.Tips, desk.later(DELTA_DELAY + 0.01), to_cara)] == [(tip(page),)]


def test_nothing_is_claimed_before_it_is_on_disk() -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    desk.slow = True
    assert sent(wire.Tips, desk.hear(link, ben.says("x"))) == []
    assert len(sent(wire.Tips, desk.sync(), link)) == 1


def test_of_a_forked_feed_each_branch_is_held_once_it_is_on_disk() -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    pages = []
    for text in ("left", "right", "and another"):
        ben.last = None
        pages.append(ben.says(text))
    desk.hear(link, *pages[:2])
    desk.slow = True
    desk.hear(link, pages[2])
    assert desk.room.state().feeds[ben.feed] == {tip(page): 1 for page in pages[:2]}
    desk.sync()
    assert desk.room.state().feeds[ben.feed] == {tip(page): 1 for page in pages}


def test_a_replica_without_a_disk_says_so() -> None:
    desk, ben = Desk(on_disk=False), Author("ben")
    link = desk.meet(ben)
    effects = desk.hear(link, ben.says("x"))
    assert [have.disk for have in sent(wire.Have, desk.effects, link)] == [False]
    assert [tips.disk for tips in sent(wire.Tips, effects, link)] == [False]


def test_claims_of_own_entries_tell_who_has_them() -> None:
    desk, ben, cara = Desk(), Author("ben"), Author("cara")
    to_ben, to_cara = desk.meet(ben), desk.meet(cara)
    effects = desk.say("hello")
    (page,) = sent(wire.Page, effects, to_ben)
    feed = desk.room.keys[0].feed
    told = desk.hear(to_ben, wire.Tips(ROOM.id, (tip(page),)))
    assert of(Claimed, told) == [Claimed(ROOM.id, feed, 0, 2)]
    desk.hear(to_cara, wire.Tips(ROOM.id, (tip(page),), disk=False))
    assert desk.room.holders(feed, 2) == ([ben.public], [cara.public])
    assert of(Claimed, desk.hear(to_ben, wire.Tips(ROOM.id, (tip(page),)))) == []
    desk.later(2)
    desk.crash()
    assert desk.room.holders(feed, 2) == ([ben.public], [cara.public])
    assert desk.room.holders(feed, 3) == ([], [])


def test_a_page_is_no_claim_and_a_claim_of_others_entries_tells_nothing() -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    page = ben.says("x")
    assert of(Claimed, desk.hear(link, page, wire.Tips(ROOM.id, (tip(page),)))) == []


def test_own_entries_whose_bodies_a_peer_lacks_are_not_delivered() -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    pages = [sent(wire.Page, desk.say(text), link)[0] for text in ("one", "two", "three")]
    told = desk.hear(link, wire.Tips(ROOM.id, (tip(pages[2]),), absent=(tip(pages[1]),)))
    assert [claim.upto for claim in of(Claimed, told)] == [2]
    told = desk.hear(link, wire.Tips(ROOM.id, (tip(pages[2]),)))
    assert [(claim.since, claim.upto) for claim in of(Claimed, told)] == [(2, 4)]


# ── pages ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_entry_arrives_when_it_is_on_disk_and_once() -> None:
    desk, ben, cara = Desk(), Author("ben"), Author("cara")
    to_ben, to_cara = desk.meet(ben), desk.meet(cara)
    desk.slow = True
    page = ben.says("x")
    assert of(Arrived, desk.hear(to_ben, page)) == []
    assert of(Arrived, desk.hear(to_cara, page)) == []
    (arrived,) = of(Arrived, desk.sync())
    assert [entry.id for entry in arrived.entries] == [tip(page)]
    assert of(Arrived, desk.hear(to_ben, page)) == []


def test_a_live_page_that_comes_too_early_waits_for_what_it_names() -> None:
    desk, ben, cara = Desk(), Author("ben"), Author("cara")
    to_ben, to_cara = desk.meet(ben), desk.meet(cara)
    first = ben.says("one")
    second = cara.says("two", after=(tip(first),), lamport=2)
    third = ben.says("three", after=(tip(second),), lamport=3)
    assert of(Arrived, desk.hear(to_cara, second)) == []
    assert of(Arrived, desk.hear(to_ben, third)) == []
    arrived = of(Arrived, desk.hear(to_ben, first))
    assert [entry.id for one in arrived for entry in one.entries] == [tip(first), tip(second), tip(third)]


def test_few_pages_are_parked_and_those_only_looked_at_when_their_time_has_come(monkeypatch: pytest.MonkeyPatch) -> None:
    desk, ben, cara = Desk(), Author("ben"), Author("cara")
    to_ben, to_cara = desk.meet(ben), desk.meet(cara)
    for number in range(MAX_PARKED + 5):
        desk.hear(to_cara, Author(f"x{number}").says("x", after=(NOTHING,), lamport=2))
    assert len(desk.room.sharings[to_cara].parked) == MAX_PARKED
    looked: list[Checked] = []
    admit = desk.room.log.admit
    monkeypatch.setattr(desk.room.log, "admit", lambda page: looked.append(page) or admit(page))
    desk.hear(to_ben, ben.says("x"))
    assert len(looked) == 1


def test_a_parked_page_that_turns_out_void_costs_the_link_it_came_over() -> None:
    desk, ben, cara = Desk(), Author("ben"), Author("cara")
    to_ben, to_cara = desk.meet(ben), desk.meet(cara)
    first = ben.says("one")
    desk.hear(to_cara, cara.says("void", after=(tip(first),), lamport=7))
    effects = desk.hear(to_ben, first)
    assert closed(effects) == [(to_cara, "void_entry")]
    assert len(of(Arrived, effects)) == 1


def test_a_page_for_another_room_costs_the_link_and_changes_nothing() -> None:
    desk, ben = Desk(), Author("ben", b"r" * 32)
    link = desk.meet(Author("ben"))
    assert costs_the_link(desk, link, ben.page(ben.entry(), room=ROOM.id)) == "void_entry"
    assert desk.room.log.count == 1


def test_a_fork_is_told_once_and_both_branches_are_kept() -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    start = ben.says("start")
    fork = ben.last
    left = ben.says("left")
    ben.last = fork
    right = ben.says("right")
    ben.last = fork
    more = ben.says("and another")
    effects = desk.hear(link, start, left, right, more)
    assert of(ForkSeen, effects) == [ForkSeen(ROOM.id, ben.feed)]
    assert len(desk.texts()) == 4


def test_kinds_of_a_later_version_are_kept_and_passed_on() -> None:
    desk, ben, cara = Desk(), Author("ben"), Author("cara")
    link = desk.meet(ben)
    page = ben.page(*ben.then(Text("?"), kind="from_the_future"))
    assert len(of(Arrived, desk.hear(link, page))) == 1
    other = desk.meet(cara)
    effects = desk.hear(other, wire.Want(ROOM.id, (tip(page),)))
    assert page in sent(wire.Page, effects, other)


def test_an_open_room_takes_so_much_at_once_and_the_rest_later() -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    pages = [ben.says(*"x" * 500) for _ in range(OPEN.entries // 500 + 2)]
    desk.hear(link, *pages)
    assert OPEN.entries - NEW_FEED - 500 < len(desk.texts()) <= OPEN.entries
    desk.hear(link, wire.Tips(ROOM.id, (tip(pages[-1]),)))
    for _ in range(10):
        desk.later(3)
        if sent(wire.Want, desk.effects, link):
            desk.hear(link, *pages[-3:], wire.Done(ROOM.id, False))
    assert len(desk.texts()) == len(pages) * 500


def test_an_open_room_takes_no_more_than_a_slow_disk_can_write_and_the_rest_later() -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    pages = [ben.says(*["x" * 30_000] * 6) for _ in range(12)]
    desk.slow = True
    desk.hear(link, *pages)
    waiting = [op.record for commit in of(Commit, desk.effects) for op in commit.ops if isinstance(op, PutPage)]
    size = sum(len(entry.body or b"") for page in waiting for entry in page.entries)
    assert MAX_UNWRITTEN - 262_144 < size < MAX_UNWRITTEN + 262_144
    desk.sync()
    desk.slow = False
    assert len(desk.texts()) < 12 * 6
    desk.hear(link, wire.Tips(ROOM.id, (tip(pages[-1]),)))
    desk.later(PUT_OFF + 1)
    assert sent(wire.Want, desk.effects, link)
    desk.hear(link, *pages, wire.Done(ROOM.id, False))
    assert len(desk.texts()) == 12 * 6


def test_who_just_writes_is_heard_however_slow_the_disk_is() -> None:
    desk, ben, cara = Desk(), Author("ben"), Author("cara")
    to_ben, to_cara = desk.meet(ben), desk.meet(cara)
    desk.slow = True
    desk.hear(to_ben, *(ben.says(*["x" * 30_000] * 6) for _ in range(12)))
    desk.hear(to_cara, cara.says("hello"))
    desk.sync()
    assert len(desk.texts()) % 6 == 1


def test_in_a_room_of_ones_own_all_is_taken_however_slow_the_disk_is() -> None:
    circle = private_room(Terms(bytes(32), "Circle", "en"), START)
    desk, ben = Desk(room=circle), Author("ben", circle.id)
    link = desk.meet(ben, rooms=(circle.id,))
    desk.slow = True
    desk.hear(link, *(ben.says(*["x" * 30_000] * 6) for _ in range(12)))
    desk.sync()
    assert len(desk.texts(circle.id)) == 12 * 6


def test_what_lands_above_what_was_seen_is_late() -> None:
    desk, ben, cara = Desk(), Author("ben"), Author("cara")
    to_ben = desk.meet(ben)
    desk.hear(to_ben, ben.says("one", "two", "three"))
    to_cara = desk.meet(cara)
    arrived: list[EntryRecord] = [entry for one in of(Arrived, desk.hear(to_cara, cara.says("a"))) for entry in one.entries]
    assert [entry.late for entry in arrived] == [False]
    desk.later(11)
    arrived = [entry for one in of(Arrived, desk.hear(to_cara, cara.says("b"))) for entry in one.entries]
    assert [entry.late for entry in arrived] == [True]


def test_a_name_is_news_when_card_and_entry_are_both_here() -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    assert MembersChanged(ROOM.id, (ben.public,)) in desk.hear(link, ben.arrives())
    assert desk.room.members.name(ben.public) == "ben"
    assert desk.room.everyone() == {desk.me, ben.public}


def test_each_kind_of_message_has_somebody_who_handles_it() -> None:
    elsewhere = {wire.Signal, wire.Quit, wire.Wait, wire.Offer, wire.Verify, wire.Roll, wire.Need}
    assert {*Exchange._handlers, *elsewhere} == {*get_args(wire.Message), CheckedPages}
