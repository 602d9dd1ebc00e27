"""Who is in a room, and what they are called."""

from __future__ import annotations

from itertools import permutations

import pytest

from peertalk.core.cards import Cards
from peertalk.core.entry import Content, FeedKey, Here, Left, Text
from peertalk.core.log import Item, record
from peertalk.core.members import Members
from peertalk.core.stored import EntryRecord
from tests.core.authors import ROOM, Author

ME = Author("anna").public


def said(author: Author, *contents: Content) -> list[EntryRecord]:
    entries = author.then(*contents)
    return [record(Item(entry.id, entry.header, entry.raw, entry.body), received=0) for entry in entries]


def members(*people: Author) -> Members:
    cards = Cards(ROOM.id, ME)
    for author in people:
        cards.receive(author.card(), author.public)
    return Members(cards)


def test_here_names_and_left_ends() -> None:
    ben = Author("ben")
    inside = members(ben)
    for entry, is_here in zip(said(ben, Here("Ben"), Left(), Here("Benno")), (True, False, True), strict=True):
        assert inside.add(entry)
        assert inside.is_here(ben.public) == is_here
    assert inside.name(ben.public) == "Benno"
    assert inside.identities() == {ben.public}


def test_who_has_left_keeps_the_name() -> None:
    ben = Author("ben")
    inside = members(ben)
    for entry in said(ben, Here("Ben"), Left()):
        inside.add(entry)
    assert inside.name(ben.public) == "Ben"
    assert inside.identities() == set()


def test_texts_and_bodies_that_are_not_here_say_nothing() -> None:
    ben = Author("ben")
    inside = members(ben)
    text, here = said(ben, Text("I am Ben"), Here("Ben"))
    assert not inside.add(text)
    absent = EntryRecord(**{name: getattr(here, name) for name in here.__struct_fields__} | {"body": None})
    assert not inside.add(absent)
    assert inside.name(ben.public) == ""


def test_a_body_that_lies_about_its_kind_says_nothing() -> None:
    ben = Author("ben")
    inside = members(ben)
    entry = said(ben, Text("x"))[0]
    assert not inside.add(EntryRecord(**{name: getattr(entry, name) for name in entry.__struct_fields__} | {"kind": "here"}))


@pytest.mark.parametrize("order", list(permutations(range(4))), ids=str)
def test_the_order_of_arrival_does_not_matter(order: tuple[int, ...]) -> None:
    ben = Author("ben")
    entries = said(ben, Here("Ben"), Left())
    ben.last = None
    entries += said(ben, Here("Bert"), Here("Berta"))
    one, other = members(ben), members(ben)
    for entry in entries:
        one.add(entry)
    for number in order:
        other.add(entries[number])
    assert (one.name(ben.public), one.identities()) == (other.name(ben.public), other.identities())


def test_the_last_word_counts_over_all_feeds_of_an_identity() -> None:
    ben, newer = Author("ben"), Author("ben again")
    cards = Cards(ROOM.id, ME)
    cards.receive(ben.card(newer.key), ben.public)
    inside = Members(cards)
    for entry in said(ben, Here("Ben"), Text("x"), Left()) + said(newer, Here("Benno")):
        inside.add(entry)
    assert not inside.is_here(ben.public)
    inside.add(said(newer, Text("a"), Text("b"), Here("Benno"))[2])
    assert inside.is_here(ben.public)
    assert inside.name(ben.public) == "Benno"


def test_without_a_card_nobody_is_there_and_with_it_they_were() -> None:
    ben = Author("ben")
    cards = Cards(ROOM.id, ME)
    inside = Members(cards, said(ben, Here("Ben")))
    assert inside.identities() == set()
    cards.receive(ben.card(), ben.public)
    assert inside.identities() == {ben.public}


def test_a_feed_is_tied_to_the_older_one_that_signed_it() -> None:
    ben, older, forger = Author("ben"), FeedKey(b"o" * 32), FeedKey(b"f" * 32)
    inside = members(ben)
    inside.add(said(ben, Here("Ben", next=(older.public, older.sign_next(ROOM.id, ben.feed))))[0])
    assert inside.older == {ben.feed: {older.public}}
    cara = Author("cara")
    inside.add(said(cara, Here("Cara", next=(older.public, forger.sign_next(ROOM.id, cara.feed))))[0])
    assert cara.feed not in inside.older
    dora = Author("dora")
    inside.add(said(dora, Here("Dora"), Here("Dora", next=(older.public, older.sign_next(ROOM.id, dora.feed))))[1])
    assert dora.feed not in inside.older


def test_what_a_look_at_who_is_here_costs_does_not_follow_from_made_up_cards(monkeypatch: pytest.MonkeyPatch) -> None:
    ben, asked = Author("ben"), []
    inside = members(ben, *(Author(f"n{number}") for number in range(100)))
    for entry in said(ben, Here("Ben")):
        inside.add(entry)
    owner = Cards.owner
    monkeypatch.setattr(Cards, "owner", lambda cards, feed: asked.append(feed) or owner(cards, feed))
    assert inside.identities() == {ben.public}
    assert set(asked) == {ben.feed}
    asked.clear()
    assert inside.identities() == {ben.public}
    assert not asked
