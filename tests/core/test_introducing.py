"""Cards of others: named, asked for where they are lacking, of one at a time, and handed over; in a large room along the tree."""

from __future__ import annotations

import pytest

from peertalk.core import introducing, wire
from peertalk.core.cards import Owner, pair
from peertalk.core.effects import Commit, Send
from peertalk.core.introducing import GATHERED, GATHERED_LARGE, PATIENCE, PUSHED_BURST
from peertalk.core.stored import PutCard
from tests.core.authors import ROOM, Author
from tests.core.desk import Desk, of, sent

LONG = 2 * GATHERED
NOBODY = bytes(32)


def whose(author: Author) -> bytes:
    return pair(ROOM.id, author.feed, author.public)


def known(*authors: Author) -> wire.Known:
    return wire.Known(ROOM.id, NOBODY, tuple(map(whose, authors)))


def want(*authors: Author) -> wire.WantCards:
    return wire.WantCards(ROOM.id, tuple(map(whose, authors)))


def test_at_the_beginning_a_digest_is_said_and_who_says_the_same_is_told_no_more() -> None:
    desk, ben, cara = Desk(), Author("ben"), Author("cara")
    desk.meet(ben)
    before = len(desk.effects)
    link = desk.meet(cara)
    (said,) = sent(wire.Known, desk.effects[before:], link)
    assert said == wire.Known(ROOM.id, desk.room.cards.digest(), ())
    assert sent(wire.Known, desk.hear(link, said)) == []


def test_who_says_another_digest_is_named_all_once_and_given_what_it_asks_for() -> None:
    desk, ben, cara = Desk(), Author("ben"), Author("cara")
    desk.meet(ben)
    link = desk.meet(cara)
    (said,) = sent(wire.Known, desk.hear(link, known()), link)
    assert {whose(ben), whose(cara)} < set(said.pairs)
    assert sent(wire.Known, desk.hear(link, known())) == []
    assert sent(wire.Card, desk.hear(link, want(ben)), link) == [ben.card()]
    assert sent(wire.Card, desk.hear(link, want(cara, Author("nobody")))) == []


def test_who_asks_and_does_not_read_is_answered_once_it_does() -> None:
    """Else what is asked for again and again would wait in memory."""
    desk, ben, cara = Desk(), Author("ben"), Author("cara")
    desk.meet(ben)
    link = desk.meet(cara)
    desk.later(LONG)
    desk.do(lambda replica: replica.congested(link, much=True))
    told = desk.hear(link, *[want(ben, Author("nobody"))] * 100)
    assert sent(wire.Card, [*told, *desk.later(5 * PATIENCE)]) == []
    assert sent(wire.Card, desk.do(lambda replica: replica.congested(link, much=False)), link) == [ben.card()]
    assert sent(wire.Card, desk.later(5 * PATIENCE)) == []


def test_of_what_is_named_only_what_is_lacking_is_asked_for() -> None:
    desk, ben, cara = Desk(), Author("ben"), Author("cara")
    link = desk.meet(ben)
    assert sent(wire.WantCards, desk.hear(link, known(ben, cara)), link) == [want(cara)]
    desk.hear(link, cara.card())
    assert desk.room.cards.owner(cara.feed) == Owner(cara.public, via=ben.public)
    assert sent(wire.WantCards, desk.hear(link, known(cara))) == []


def test_what_is_asked_of_one_is_asked_of_another_only_where_no_answer_comes() -> None:
    desk, ben, cara, dora, emil = Desk(), *map(Author, ("ben", "cara", "dora", "emil"))
    to_ben, to_cara = desk.meet(ben), desk.meet(cara)
    assert sent(wire.WantCards, desk.hear(to_ben, known(dora, emil)), to_ben) == [want(dora, emil)]
    assert sent(wire.WantCards, desk.hear(to_cara, known(dora, emil))) == []
    desk.hear(to_ben, dora.card())
    assert sent(wire.WantCards, desk.later(PATIENCE)) == [want(emil)]
    assert sent(wire.WantCards, desk.later(5 * PATIENCE)) == []


def test_what_was_asked_of_who_went_is_asked_of_another() -> None:
    desk, ben, cara, dora = Desk(), Author("ben"), Author("cara"), Author("dora")
    to_ben, to_cara = desk.meet(ben), desk.meet(cara)
    desk.hear(to_ben, known(dora))
    desk.hear(to_cara, known(dora))
    desk.down(to_ben)
    assert sent(wire.WantCards, desk.later(PATIENCE), to_cara) == [want(dora)]


def test_who_comes_is_named_to_the_others_after_a_moment() -> None:
    desk, ben, cara = Desk(), Author("ben"), Author("cara")
    to_ben = desk.meet(ben)
    desk.later(LONG)
    before = len(desk.effects)
    desk.meet(cara)
    assert sent(wire.Known, desk.effects[before:], to_ben) == []
    (said,) = sent(wire.Known, desk.later(LONG), to_ben)
    assert said == wire.Known(ROOM.id, desk.room.cards.digest(), (whose(cara),))


def test_who_writes_is_named_before_what_they_wrote() -> None:
    """Else somebody might read a message, and not by whom it is."""
    desk, ben, cara = Desk(), Author("ben"), Author("cara")
    to_ben = desk.meet(ben)
    to_cara = desk.meet(cara)
    before = len(desk.effects)
    desk.hear(to_cara, cara.says("hello"))
    desk.later(LONG)
    told = [type(one.message) for one in of(Send, desk.effects[before:]) if one.link == to_ben]
    assert told[:2] == [wire.Known, wire.Tips]


def test_not_to_who_names_them_or_knows_the_same() -> None:
    desk, ben, cara, dora = Desk(), Author("ben"), Author("cara"), Author("dora")
    to_ben, to_dora = desk.meet(ben), desk.meet(dora)
    desk.later(LONG)
    to_cara = desk.meet(cara)
    desk.hear(to_ben, known(cara))
    desk.hear(to_dora, wire.Known(ROOM.id, desk.room.cards.digest()))
    told = desk.later(LONG)
    assert sent(wire.Known, told, to_ben) == sent(wire.Known, told, to_dora) == []
    assert {pair for said in sent(wire.Known, told, to_cara) for pair in said.pairs} == set()


def test_not_to_who_had_named_them_before_they_were_handed_over() -> None:
    """Whoever comes into a room is named everybody by all of it, and given them by one."""
    desk, ben, cara, dora = Desk(), Author("ben"), Author("cara"), Author("dora")
    to_ben, to_cara = desk.meet(ben), desk.meet(cara)
    desk.later(LONG)
    desk.hear(to_ben, known(dora))
    desk.hear(to_cara, known(dora))
    desk.hear(to_ben, dora.card())
    assert sent(wire.Known, desk.later(5 * PATIENCE)) == []


def test_hearsay_is_kept_and_named_once() -> None:
    desk, ben, cara, dora = Desk(), Author("ben"), Author("cara"), Author("dora")
    to_ben, to_cara = desk.meet(ben), desk.meet(cara)
    desk.later(LONG)
    desk.hear(to_ben, dora.card())
    told = desk.later(LONG)
    assert [said.pairs for said in sent(wire.Known, told, to_cara)] == [(whose(dora),)]
    assert sent(wire.Known, told, to_ben) == sent(wire.Card, told) == []
    again = desk.hear(to_cara, dora.card())
    assert sent(wire.Known, desk.later(LONG)) == []
    assert [op for commit in of(Commit, again) for op in of(PutCard, commit.ops)] == []


def test_in_a_large_room_who_comes_goes_along_the_tree_and_what_was_asked_for_does_not() -> None:
    desk, ben, cara, dora, emil = Desk(), *map(Author, ("ben", "cara", "dora", "emil"))
    to_ben, to_cara, to_dora = desk.meet(ben), desk.meet(cara), desk.meet(dora)
    desk.room.is_large = True
    desk.room.sharings[to_dora].is_eager = False
    told = desk.hear(to_ben, emil.card())
    assert sent(wire.Card, told, to_cara) == [emil.card()]
    assert sent(wire.Card, told, to_dora) == []
    old = Author("old")
    desk.room.is_large = True
    desk.hear(to_ben, known(old))
    assert sent(wire.Card, desk.hear(to_ben, old.card())) == []


def test_where_hundreds_come_at_once_they_are_named_and_not_sent_on() -> None:
    desk, ben, cara = Desk(), Author("ben"), Author("cara")
    to_ben, to_cara = desk.meet(ben), desk.meet(cara)
    desk.later(LONG)
    desk.room.is_large = True
    for number in range(PUSHED_BURST):
        assert len(sent(wire.Card, desk.hear(to_ben, Author(f"x{number}").card()), to_cara)) == 1
        desk.room.is_large = True
    late = Author("late")
    assert sent(wire.Card, desk.hear(to_ben, late.card())) == []
    (said,) = sent(wire.Known, desk.later(2 * GATHERED_LARGE), to_cara)
    assert said.pairs == (whose(late),)


def test_what_one_names_by_the_thousand_fills_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(introducing, "MOST_NAMED", 100)
    desk, ben, cara = Desk(), Author("ben"), Author("cara")
    to_ben, to_cara = desk.meet(ben), desk.meet(cara)
    for number in range(20):
        made_up = tuple((number * 100 + one).to_bytes(16, "big") for one in range(100))
        for link in (to_ben, to_cara):
            desk.hear(link, wire.Known(ROOM.id, NOBODY, made_up))
    assert len(desk.place.introducing._asked) <= 200
    assert all(len(desk.room.sharings[link].named) <= 100 for link in (to_ben, to_cara))
    desk.later(5 * PATIENCE)
    assert sent(wire.WantCards, desk.hear(to_ben, known(Author("dora")))) == [want(Author("dora"))]
