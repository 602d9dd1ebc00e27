"""What stands on the sheets over a conversation, as values."""

from __future__ import annotations

import msgspec
import pytest

from peertalk import i18n
from peertalk.core import events
from peertalk.core.events import IdentityView, Invite, Member, Offer, Peer, Room, Words
from peertalk.say.roster import Roster
from peertalk.tui.sheets import accepting, comparing, creating, inviting, offering
from peertalk.tui.sheets.comparing import Comparison
from peertalk.tui.sheets.inviting import Door
from peertalk.tui.widgets import choices as row
from peertalk.tui.widgets.page import Paragraph
from peertalk.tui.widgets.ticks import Tick, columns

ROOM = Room(id="r", name="Tuesday circle", kind="private")
INVITE = Invite(code="7-guitar-meadow-comet", link="peertalk:1/7/abc", uses=1, expires_at=600_000, room="r")


def said(lines: tuple[Paragraph, ...]) -> str:
    return "\n".join("".join(text for text, _style in line) for line in lines)


def peer(name: str, **fields: object) -> Peer:
    return Peer(id=f"id-{name}", name=name, tag=name[:2].lower(), **{"online": True, "rooms": ["r"], **fields})  # type: ignore[arg-type]


def member(name: str, **fields: object) -> Member:
    return Member(id=f"id-{name}", name=name, tag=name[:2].lower(), **{"online": True, **fields})  # type: ignore[arg-type]


def called(somebody: IdentityView) -> str:
    return somebody.name


# ── an invitation ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_invitation_says_its_code_how_often_and_how_long_and_what_they_type() -> None:
    words = said(inviting.lines(Door(INVITE, ROOM), 18_600))
    assert "7   guitar   meadow   comet" in words
    assert "It works once, for the next 9:42 minutes." in words
    assert "/accept 7 guitar meadow comet" in words
    assert INVITE.link not in words
    assert [choice.key for choice in inviting.choices(Door(INVITE, ROOM))] == ["copy", "more", "cancel", "close"]


@pytest.mark.parametrize(("left", "shown"), [(600_000, "10:00"), (59_001, "1:00"), (1, "0:01"), (0, "0:00"), (-5_000, "0:00")])
def test_time_counts_down_to_nothing_and_no_further(left: int, shown: str) -> None:
    assert inviting.countdown(left) == shown


def test_it_says_who_came_in_and_for_how_many_more_it_is() -> None:
    many = Door(msgspec.structs.replace(INVITE, uses=3), ROOM)
    used = inviting.follow(many, events.InviteUsed(code=INVITE.code, peer=peer("Sam"), room="r"))
    assert "✓ Sam came in by it." in said(inviting.lines(used, 0))
    assert "It works for 2 people" in said(inviting.lines(used, 0))
    assert inviting.follow(many, events.InviteUsed(code="8-other-code-here", peer=peer("Eve"), room="r")) == many


@pytest.mark.parametrize("reason", ["expired", "used_up", "cancelled", "guessed", "sealed", "of a later version"])
def test_a_dead_code_is_gone_from_the_sheet_and_says_why(reason: str) -> None:
    dead = inviting.follow(Door(INVITE, ROOM), events.InviteDead(code=INVITE.code, fresh=True, reason=reason, room="r"))
    words = said(inviting.lines(dead, 0))
    assert "guitar" not in words
    assert "nobody in any more" in words or "everyone it was for" in words or "no code lets anybody in" in words
    keys = [choice.key for choice in inviting.choices(dead)]
    assert ("fresh" in keys) is (reason != "sealed")
    assert ("copy" in keys) is (reason == "guessed")  # guessing ends the words, not the link


# ── a code that is typed ─────────────────────────────────────────────────────────────────────────────────────────────


def test_while_a_code_is_typed_it_offers_words_and_says_what_it_does_not_know() -> None:
    entry = accepting.Entry(offers=("7 guitar meadow", "7 guitar melody"), doubt="no such word")
    assert said(accepting.below(entry)) == "Tab   meadow   melody\nno such word"
    assert said(accepting.below(accepting.Entry())) == ""


def test_while_it_looks_it_says_so_and_after_five_seconds_what_is_needed() -> None:
    assert said(accepting.below(accepting.Entry(looking=0))) == "Looking for whoever invites with this code …"
    assert "has to be on this network" in said(accepting.below(accepting.Entry(looking=5)))
    assert [choice.key for choice in accepting.choices(accepting.Entry(looking=0))] == ["stop"]


# ── a new room ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_room_can_keep_for_ever_for_days_or_not_at_all() -> None:
    ways = creating.keeping()
    assert [pick.key for pick in ways] == ["forever", "days", "session"]
    assert [creating.retention((pick.key, pick.at)) for pick in ways] == ["forever", 30, "session"]
    assert ways[1].titles[0] == "for 1 day"


def test_the_language_of_a_room_begins_as_that_of_the_person() -> None:
    assert creating.languages()[0].at == 0
    i18n.activate("de")
    try:
        assert creating.languages()[0].at == 1
    finally:
        i18n.activate("en")


# ── words ────────────────────────────────────────────────────────────────────────────────────────────────────────────

TEN = ["river", "candle", "anchor", "window", "tiger", "bread", "violin", "island", "pepper", "comet"]
PEOPLE = [member("Robin", me=True), member("Sam"), member("Jonas"), member("Lena", online=False)]


def comparison(**fields: object) -> Comparison:
    words = Words(words=TEN, gathering=False, differ=[], members=PEOPLE)
    return Comparison(ROOM, msgspec.structs.replace(words, **fields))


def test_ten_words_stand_in_two_rows_and_who_is_here_now_can_be_ticked() -> None:
    now = comparison()
    rows = said(comparing.lines(now, called)).splitlines()
    assert [row.split() for row in rows if "river" in row or "bread" in row] == [TEN[:5], TEN[5:]]
    assert comparing.people(now.words, called) == (Tick("id-Jonas", "Jonas"), Tick("id-Sam", "Sam"))
    assert comparing.question(now, called) == "3 names with yours: are you 3 people?"


def test_while_not_all_see_the_same_people_there_is_nothing_to_compare() -> None:
    now = comparison(gathering=True, differ=[peer("Sam")])
    words = said(comparing.lines(now, called))
    assert "river" not in words
    assert "Sam sees other people here than you do." in words
    assert [choice.key for choice in comparing.choices(now, called)] == ["close"]


def test_alone_there_is_nobody_to_compare_with() -> None:
    now = comparison(members=PEOPLE[:1])
    assert said(comparing.below(now, called)) == "Nobody else is here now: there is nobody to compare with."
    assert [choice.key for choice in comparing.choices(now, called)] == ["close"]


def test_a_name_cannot_end_the_sentence_that_it_stands_in() -> None:
    now = comparison(gathering=True, differ=[peer("Sam. All the same: verified")])
    assert "verified." not in said(comparing.lines(now, called))
    assert "Sam All the same verified · sa sees other people" in said(comparing.lines(now, called))


# ── an offer ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_offer_says_who_without_whom_who_came_along_and_what_is_still_shared() -> None:
    mira, sam, tarek = peer("Mira"), peer("Sam"), peer("Tarek")
    offer = Offer(
        offer="o", room="r", name="Tuesday circle", by=mira, without=[sam], followers=[mira, tarek], still_shared=["#workshop"]
    )
    asked = offering.question(offer, Roster(peers={each.id: each for each in (mira, sam, tarek)}))
    assert asked.question.title == "Mira has started Tuesday circle anew without Sam."
    assert asked.question.why == "Tarek came along so far.\n\nYou still share this with Sam: #workshop."
    assert [choice.key for choice in asked.choices] == ["follow", "decline"]
    alone = offering.question(msgspec.structs.replace(offer, followers=[mira], still_shared=[]), Roster())
    assert alone.question.why == "Nobody else came along yet."


# ── laying out ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_choices_that_do_not_fit_side_by_side_stand_below_each_other() -> None:
    assert row.rows(["ab", "cd", "ef"], 80) == [[(0, 0), (9, 1), (18, 2)]]
    assert row.rows(["ab", "cd", "ef"], 15) == [[(0, 0), (9, 1)], [(0, 2)]]
    assert row.rows(["far too long"], 5) == [[(0, 0)]]


def test_people_stand_in_as_many_columns_as_fit() -> None:
    assert columns([Tick("1", "Jonas"), Tick("2", "Mira")], 80) == 2
    assert columns([Tick(str(number), "Jonas") for number in range(40)], 80) == 6
    assert columns([Tick("1", "J" * 100)], 20) == 1
