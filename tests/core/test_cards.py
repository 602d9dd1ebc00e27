"""Cards: what their owner says of them, what others say, and who is believed."""

from __future__ import annotations

import pytest

from peertalk.core import cards as cards_module
from peertalk.core import wire
from peertalk.core.cards import Cards, Owner
from peertalk.core.entry import FeedKey
from peertalk.errors import RemoteError
from tests.core.authors import ROOM, Author

ME = Author("anna").public


@pytest.fixture
def cards() -> Cards:
    return Cards(ROOM.id, ME)


def key(name: str) -> FeedKey:
    return FeedKey(name.encode().ljust(32))


def test_a_card_from_its_owner_ties_its_feeds(cards: Cards) -> None:
    ben = Author("ben")
    record = cards.receive(ben.card(key("second")), ben.public)
    assert record is not None
    assert record.via == b""
    assert cards.owner(ben.feed) == cards.owner(key("second").public) == Owner(ben.public)
    assert cards.feeds(ben.public) == {ben.feed, key("second").public}
    assert ben.public in cards
    assert cards.identities() == {ben.public}


def test_the_same_card_again_says_nothing(cards: Cards) -> None:
    ben = Author("ben")
    assert cards.receive(ben.card(), ben.public) is not None
    assert cards.receive(ben.card(), ben.public) is None


def test_a_feed_stays_tied_when_a_later_card_leaves_it_out(cards: Cards) -> None:
    ben = Author("ben")
    cards.receive(ben.card(), ben.public)
    other = key("other")
    later = wire.Card(ROOM.id, ben.public, ((other.public, other.sign_owner(ROOM.id, ben.public)),))
    record = cards.receive(later, ben.public)
    assert record is not None
    assert [feed for feed, _ in record.feeds] == [ben.feed, other.public]
    assert cards.feeds(ben.public) == {ben.feed, other.public}


def test_what_another_says_is_hearsay_until_the_owner_speaks(cards: Cards) -> None:
    ben, cara = Author("ben"), Author("cara")
    cards.receive(cara.card(), ben.public)
    assert cards.owner(cara.feed) == Owner(cara.public, via=ben.public)
    cards.receive(cara.card(), cara.public)
    assert cards.owner(cara.feed) == Owner(cara.public)


def test_a_feed_that_its_supposed_owner_does_not_list_is_nobodys(cards: Cards) -> None:
    ben, cara, forged = Author("ben"), Author("cara"), key("forged")
    cards.receive(cara.card(), cara.public)
    cards.receive(wire.Card(ROOM.id, cara.public, ((forged.public, forged.sign_owner(ROOM.id, cara.public)),)), ben.public)
    assert cards.owner(forged.public) is None
    assert cards.feeds(cara.public) == {cara.feed}


def test_what_was_believed_of_somebody_is_not_once_they_come_and_do_not_say_so(cards: Cards) -> None:
    ben, cara, forged = Author("ben"), Author("cara"), key("forged")
    cards.receive(wire.Card(ROOM.id, cara.public, ((forged.public, forged.sign_owner(ROOM.id, cara.public)),)), ben.public)
    assert cards.owner(forged.public) == Owner(cara.public, via=ben.public)
    cards.receive(cara.card(), cara.public)
    assert cards.owner(forged.public) is None


def test_what_others_say_about_oneself_is_not_heard(cards: Cards) -> None:
    ben, forged = Author("ben"), key("forged")
    card = wire.Card(ROOM.id, ME, ((forged.public, forged.sign_owner(ROOM.id, ME)),))
    assert cards.receive(card, ben.public) is None
    assert cards.owner(forged.public) is None


def test_two_identities_that_claim_one_feed_are_both_shown(cards: Cards) -> None:
    ben, cara = Author("ben"), Author("cara")
    cards.receive(ben.card(), ben.public)
    both = wire.Card(ROOM.id, cara.public, ((ben.feed, ben.key.sign_owner(ROOM.id, cara.public)),))
    cards.receive(both, cara.public)
    owner = cards.owner(ben.feed)
    assert owner is not None
    assert {owner.identity, *owner.others} == {ben.public, cara.public}
    assert ben.feed in cards.feeds(ben.public) & cards.feeds(cara.public)


def test_hearsay_about_nobodys_feeds_says_nothing(cards: Cards) -> None:
    assert cards.receive(wire.Card(ROOM.id, Author("cara").public, ()), Author("ben").public) is None
    assert cards.identities() == set()


@pytest.mark.parametrize("wrong", ["owner", "room", "feed"])
def test_a_wrong_signature_costs_the_link_and_nothing_is_kept(cards: Cards, wrong: str) -> None:
    ben, cara = Author("ben"), Author("cara")
    signature = ben.key.sign_owner(bytes(32) if wrong == "room" else ROOM.id, cara.public if wrong == "owner" else ben.public)
    feed = cara.feed if wrong == "feed" else ben.feed
    with pytest.raises(RemoteError) as error:
        cards.receive(wire.Card(ROOM.id, ben.public, ((feed, signature),)), ben.public)
    assert error.value.kind == "bad_card"
    assert cards.identities() == set()


@pytest.mark.parametrize("identity", [bytes(32), b"\xff" * 32], ids=["low order", "not canonical"])
def test_a_key_that_is_none_costs_the_link(cards: Cards, identity: bytes) -> None:
    with pytest.raises(RemoteError) as error:
        cards.receive(wire.Card(ROOM.id, identity, ()), Author("ben").public)
    assert error.value.kind == "bad_key"


def test_a_card_does_not_grow_without_end(cards: Cards) -> None:
    ben = Author("ben")
    for start in range(0, 600, 200):
        keys = [key(f"{number}") for number in range(start, start + 200)]
        pairs = tuple((one.public, one.sign_owner(ROOM.id, ben.public)) for one in keys)
        cards.receive(wire.Card(ROOM.id, ben.public, pairs), ben.public)
    assert len(cards.records[ben.public, b""].feeds) == wire.MAX_FEEDS
    assert len(cards.feeds(ben.public)) == wire.MAX_FEEDS


def test_a_card_beyond_the_limit_costs_no_signatures(cards: Cards, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MAX_FEEDS", 1)
    ben = Author("ben")
    cards.receive(ben.card(), ben.public)
    monkeypatch.setattr(Cards, "_is_signed", lambda *_: pytest.fail("looked at a signature"))
    assert cards.receive(ben.card(key("one too many")), ben.public) is None


def test_one_introducer_tells_only_so_much(cards: Cards, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cards_module, "GIVEN", 2)
    monkeypatch.setattr(cards_module, "GIVEN_TOGETHER", 1)
    ben, cara = Author("ben"), Author("cara")
    told = [cards.receive(Author(f"x{number}").card(), ben.public) for number in range(5)]
    assert [record is not None for record in told] == [True, True, True, False, False]
    assert cards.receive(Author("x4").card(), cara.public) is not None
    assert cards.receive(ben.card(), ben.public) is not None


def test_all_together_tell_only_so_much_but_each_a_little(cards: Cards, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cards_module, "GIVEN", 2)
    monkeypatch.setattr(cards_module, "GIVEN_TOGETHER", 3)
    for liar in (Author("ben"), Author("cara")):
        cards.receive(liar.card(*(key(f"{liar.name} {number}") for number in range(9))), liar.public)
    assert sum(len(record.feeds) for record in cards.records.values()) == 2 + 3 + 2
    dora = Author("dora")
    for number in range(5):
        cards.receive(Author(f"x{number}").card(), dora.public)
    assert sum(len(record.feeds) for record in cards.records.values()) == 2 + 3 + 2 + 2


def test_who_has_introduced_many_still_hands_over_a_new_feed_of_their_own(
    cards: Cards, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cards_module, "GIVEN_TOGETHER", 0)
    ben = Author("ben")
    cards.receive(ben.card(), ben.public)
    for number in range(300):
        cards.receive(Author(f"x{number}").card(), ben.public)
    assert len(cards.identities()) == 1 + cards_module.GIVEN
    assert cards.receive(ben.card(key("successor")), ben.public) is not None
    assert cards.owner(key("successor").public) == Owner(ben.public)


def test_in_a_crowd_in_which_everybody_names_everybody_all_are_known(cards: Cards) -> None:
    """Said again it takes nobody's place: a newcomer whom one member alone has met is named too."""
    crowd = [Author(f"x{number}") for number in range(200)]
    for introducer in crowd[:50]:
        for other in crowd:
            if other is not introducer:
                cards.receive(other.card(), introducer.public)
    newcomer = Author("newcomer")
    cards.receive(newcomer.card(), crowd[0].public)
    assert cards.owner(newcomer.feed) == Owner(newcomer.public, via=crowd[0].public)
    assert sum(len(record.feeds) for record in cards.records.values()) == len(crowd) + 1


def test_what_several_say_of_somebody_is_passed_on_together(cards: Cards) -> None:
    ben, cara, dora = Author("ben"), Author("cara"), Author("dora")
    cards.receive(dora.card(), ben.public)
    cards.receive(dora.card(key("second")), cara.public)
    (card,) = cards.of(cards.said, Author("emil").public)
    assert {feed for feed, _ in card.feeds} == {dora.feed, key("second").public}


def test_cards_come_back_from_their_records(cards: Cards) -> None:
    ben, cara = Author("ben"), Author("cara")
    cards.receive(ben.card(), ben.public)
    cards.receive(cara.card(), ben.public)
    again = Cards(ROOM.id, ME, cards.records.values())
    assert again.owner(ben.feed) == Owner(ben.public)
    assert again.owner(cara.feed) == Owner(cara.public, via=ben.public)
    assert again.receive(cara.card(), ben.public) is None


def test_the_believed_card_is_passed_on_but_not_to_whom_it_concerns(cards: Cards) -> None:
    ben, cara, dora = Author("ben"), Author("cara"), Author("dora")
    cards.own([(key("mine").public, key("mine").sign_owner(ROOM.id, ME))])
    cards.receive(ben.card(), ben.public)
    cards.receive(cara.card(), ben.public)
    assert cards.of(cards.said, dora.public) == [ben.card(), cara.card()]
    assert cards.of(cards.said, ben.public) == [cara.card()]
    assert cards.of(cards.said, cara.public) == [ben.card()]


def test_what_its_supposed_owner_does_not_list_is_not_passed_on(cards: Cards) -> None:
    ben, cara = Author("ben"), Author("cara")
    cards.receive(cara.card(key("made up")), ben.public)
    cards.receive(cara.card(), cara.public)
    assert cards.of(cards.said, Author("dora").public) == [cara.card()]


def test_those_who_know_the_same_have_the_same_digest_whoever_said_it(cards: Cards) -> None:
    ben, cara, other = Author("ben"), Author("cara"), Cards(ROOM.id, Author("emil").public)
    cards.receive(ben.card(), ben.public)
    before = cards.digest()
    cards.receive(cara.card(), ben.public)
    other.receive(cara.card(), cara.public)
    assert cards.digest() not in (before, other.digest())
    other.receive(ben.card(), cara.public)
    assert cards.digest() == other.digest() == Cards(ROOM.id, ME, cards.records.values()).digest()


def test_a_feed_is_shown_under_few_however_many_have_its_key(cards: Cards) -> None:
    feed, crowd = key("shared"), [Author(f"c{number}") for number in range(50)]
    for one in crowd:
        cards.receive(one.card(feed), one.public)
    owner = cards.owner(feed.public)
    assert owner is not None
    assert [owner.identity, *owner.others] == sorted(one.public for one in crowd)[: cards_module.MAX_OWNERS]


def test_who_told_first_of_somebody_is_known_until_they_come(cards: Cards) -> None:
    ben, cara, dora = Author("ben"), Author("cara"), Author("dora")
    cards.receive(ben.card(), cara.public)
    cards.receive(ben.card(), dora.public)
    assert cards.introducer(ben.public) == cara.public
    cards.receive(ben.card(), ben.public)
    assert cards.introducer(ben.public) == cards.introducer(dora.public) == b""
