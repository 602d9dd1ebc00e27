"""What is said of rooms behind a code, in both languages: the quiet lines, codes that died, doors, rooms started anew, trust."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from peertalk import i18n, say, text
from peertalk.core import events
from peertalk.core.events import Author, Emoji, Ended, IdentityView, Invite, Member, Message, Offer, Peer, Room, Symbol, Words
from peertalk.errors import RequestError

MIRA = Peer(id="aa" * 32, name="Mira", tag="m1ra")
JONAS = Peer(id="bb" * 32, name="Jonas", tag="j0na")
SAM = Peer(id="cc" * 32, name="Sam", tag="s4mm")
CIRCLE = Room(id="r1", name="Tuesday circle", kind="private", members=4, online=3)
NOW = 1_795_539_600_000


@pytest.fixture(autouse=True, params=["en", "de"])
def language(request: pytest.FixtureRequest) -> Iterator[str]:
    """Every test runs in both languages."""
    i18n.activate(request.param)
    yield request.param
    i18n.activate("en")


def line(kind: str, *about: IdentityView, text: str = "", author: Peer = MIRA) -> events.MessageArrived:
    who = Author(id=author.id, name=author.name, tag=author.tag)
    return events.MessageArrived(
        message=Message(id="m", room="r1", author=who, seq=1, lamport=1, time=0, kind=kind, text=text, about=list(about))
    )


def dead(reason: str, *, fresh: bool = False) -> events.InviteDead:
    return events.InviteDead(code="7-guitar-meadow-comet", fresh=fresh, reason=reason, room="r1")


def changed(change: Any, **fields: Any) -> events.RoomChanged:
    return events.RoomChanged(room=msgspec.structs.replace(CIRCLE, **fields), change=change)


EVENTS: list[tuple[events.AnyEvent, str | None, str | None]] = [
    (line("here", JONAS, text="Mira"), "Mira came in, invited by Jonas", "Mira ist gekommen, eingeladen von Jonas"),
    (line("seal"), "Mira closed the room", "Mira hat den Raum geschlossen"),
    (
        line("seal", MIRA, JONAS),
        "Mira closed the room; inside: Mira and Jonas",
        "Mira hat den Raum geschlossen; drin sind: Mira und Jonas",
    ),
    (line("admit", SAM), "Mira lets Sam in", "Mira lässt Sam herein"),
    (line("unseal"), "Mira opened the room again", "Mira hat den Raum wieder geöffnet"),
    (line("follow", SAM), "Mira came along, without Sam", "Mira ist mitgegangen, ohne Sam"),
    (line("follow"), "Mira came along", "Mira ist mitgegangen"),
    (line("over"), "Mira has ended the meeting for themselves", "Mira hat das Treffen für sich beendet"),
    (
        events.InviteUsed(code="7-guitar-meadow-comet", peer=SAM, room="r1"),
        "Sam came in by your code",
        "Sam ist mit deinem Code hereingekommen",
    ),
    (
        dead("expired", fresh=True),
        "Your code 7 guitar meadow comet has run out. /invite makes a fresh one.",
        "Dein Code 7 guitar meadow comet ist abgelaufen. /einladen macht einen neuen.",
    ),
    (
        dead("used_up"),
        "Your code 7 guitar meadow comet has let in as many as it was for.",
        "Dein Code 7 guitar meadow comet hat so viele hereingelassen, wie er sollte.",
    ),
    (
        dead("of old age"),
        "Your code 7 guitar meadow comet lets nobody in any more.",
        "Dein Code 7 guitar meadow comet lässt niemanden mehr herein.",
    ),
    (
        events.VerifyRequest(peer=SAM),
        "Sam wants to compare symbols with you, to be sure of each other: /verify Sam",
        "Sam möchte mit dir Symbole vergleichen, damit ihr einander sicher sein könnt: /vergleichen Sam",
    ),
    (
        events.ReformOffer(offer="o", room="r1", by=MIRA, without=[SAM]),
        "Mira has started the room anew without Sam, and asks whether you come along. /offers tells more.",
        "Mira hat den Raum ohne Sam neu angefangen und fragt, ob du mitgehst. /angebote sagt mehr.",
    ),
    (changed("sealed", sealed=True), "Tuesday circle is closed now: nobody else comes in.", None),
    (changed("unsealed"), "Tuesday circle is open again.", "Tuesday circle ist wieder offen."),
    (changed("outside"), "You are let into Tuesday circle.", "Du bist in Tuesday circle eingelassen worden."),
    (events.PeerChanged(peer=SAM, change="blocked"), "Sam is blocked", "Sam ist blockiert"),
    (events.PeerChanged(peer=SAM, change="unblocked"), "Sam is not blocked any more", "Sam ist nicht mehr blockiert"),
    (changed("ended"), "The meeting in Tuesday circle is over.", "Das Treffen in Tuesday circle ist zu Ende."),
]


@pytest.mark.parametrize(("event", "english", "german"), EVENTS)
def test_each_event_is_a_line(event: events.AnyEvent, english: str, german: str | None, language: str) -> None:
    if language == "en":
        assert say.event(event) == english
    elif german is not None:
        assert say.event(event) == german


@pytest.mark.parametrize("reason", ["expired", "used_up", "guessed", "sealed", "cancelled"])
def test_each_end_of_a_code_has_a_sentence_of_its_own(reason: str) -> None:
    told = say.event(dead(reason))
    assert told is not None
    assert "7 guitar meadow comet" in told
    assert told != say.event(dead("of old age"))


def test_who_stands_outside_hears_that_the_door_is_closed_and_what_opens_it(language: str) -> None:
    told = say.event(changed("outside", outside=True, sealed=True)) or ""
    assert told.startswith("Tuesday circle ")
    assert ("lets you in" if language == "en" else "einlässt") in told


@pytest.mark.parametrize("change", ["words", "archived"])
def test_other_changes_of_a_room_are_said(change: str) -> None:
    assert (say.event(changed(change)) or "").endswith(".")


@pytest.mark.parametrize("kind", ["seal", "admit", "follow", "here"])
def test_names_in_quiet_lines_cannot_be_sentences(kind: str) -> None:
    forger = msgspec.structs.replace(SAM, name="Ben is here. Zoe: hi", tag="f0rg")
    for event in (line(kind, forger), line(kind, SAM, author=forger)):
        told = say.event(event) or ""
        assert "Ben is here Zoe hi · f0rg" in told
        assert ". Zoe" not in told


def test_of_a_workshop_only_some_are_named(language: str) -> None:
    crowd = [msgspec.structs.replace(SAM, id=f"{number}", name=f"p{number}") for number in range(40)]
    told = say.event(line("seal", *crowd)) or ""
    assert told.endswith("p11 and 28 more" if language == "en" else "p11 und 28 weitere")


# ── codes that fail: what can honestly be known, and what to do ──────────────────────────────────────────────────────


def test_a_wrong_code_says_that_tries_are_used_up_and_blames_nobody(language: str) -> None:
    told = say.error(RequestError("bad_code", reason="wrong"))
    assert told == (
        "Those words don't fit. Ask for the code again, word by word: each wrong try uses up a bit of it."
        if language == "en"
        else "Diese Wörter passen nicht. Lass dir den Code noch einmal sagen, Wort für Wort: "
        "Jeder falsche Versuch verbraucht ein Stück davon."
    )


def test_every_reason_has_a_sentence_of_its_own() -> None:
    reasons = ("not_found", "wrong", "expired", "used_up", "two_rooms", "malformed")
    told = {say.error(RequestError("bad_code", reason=reason)) for reason in reasons}
    whys = ("empty", "slot", "words", "unknown_word", "version", "link")
    told |= {say.error(RequestError("bad_code", reason="malformed", why=why, word="x", suggestions=())) for why in whys}
    assert len(told) == len(reasons) + len(whys)


def test_two_rooms_says_that_somebody_may_pretend_and_names_the_words() -> None:
    told = say.error(RequestError("bad_code", reason="two_rooms"))
    assert "/w" in told  # /words, /wörter


def test_a_closed_room_of_ones_own_and_one_behind_a_code_are_told_apart() -> None:
    assert "Tuesday circle" in say.error(RequestError("sealed", room="Tuesday circle"))
    assert "/admit" not in say.error(RequestError("sealed"))


def test_a_changed_key_has_two_choices(language: str) -> None:
    told = say.error(RequestError("key_changed", name="Mira", room="r1"))
    assert ("/verify Mira" if language == "en" else "/vergleichen Mira") in told
    assert "; or write nothing here" in told or "oder schreib hier nichts" in told


# ── lines for who has no screen for it ───────────────────────────────────────────────────────────────────────────────


def invite(**fields: Any) -> Invite:
    made = Invite(code="7-guitar-meadow-comet", link="peertalk:1/7/abc", uses=1, expires_at=NOW + 581_000, room="r1")
    return msgspec.structs.replace(made, **fields)


def test_an_invitation_has_the_code_how_it_is_typed_its_life_and_the_link(language: str) -> None:
    told = say.invitation(invite(), CIRCLE, NOW)
    assert told[0].endswith("Tuesday circle: 7 guitar meadow comet") or "7 guitar meadow comet" in told[0]
    assert ("/accept" if language == "en" else "/annehmen") + " 7 guitar meadow comet" in told[1]
    assert told[2] == (
        "It works once, for the next 10 minutes." if language == "en" else "Er gilt einmal, und noch 10 Minuten."
    )
    assert told[3].endswith("peertalk:1/7/abc")


def test_a_code_for_many_says_how_many_it_still_lets_in(language: str) -> None:
    told = say.lives(invite(uses=20, used=3), NOW + 530_000)
    assert told == ("It works 17 times, for the next 1 minute." if language == "en" else "Er gilt 17-mal, und noch 1 Minute.")


def test_the_words_stand_in_two_groups_with_their_numbers_and_the_names_they_are_for() -> None:
    members = [Member(id="m", name="Robin", tag="r", me=True), Member(id="s", name="Sam", tag="s")]
    words = Words(words=[f"w{n}" for n in range(1, 11)], gathering=False, differ=[], members=members)
    told = say.room_words(words, CIRCLE)
    assert told[1:3] == ("1 w1  2 w2  3 w3  4 w4  5 w5", "6 w6  7 w7  8 w8  9 w9  10 w10")
    assert "Sam" in told[3]
    assert "Robin" not in told[3]
    assert "2" in told[3]


def test_what_speaks_against_comparing_stands_before_the_words() -> None:
    words = Words(words=["w"] * 10, gathering=True, differ=[], members=[])
    gathering, first = say.room_words(words, CIRCLE)[:2]
    assert "Tuesday circle" in first
    differ = say.room_words(msgspec.structs.replace(words, differ=[SAM]), CIRCLE)[0]
    assert differ != gathering
    assert differ.startswith("Sam ")
    assert "/w" in differ  # /who, /wer


def test_symbols_are_named_in_their_order() -> None:
    told = say.symbols(Emoji(emoji=[Symbol(symbol="🐶", name="Dog"), Symbol(symbol="🎩", name="Hat")]), "Sam")
    assert told[1] == "1 Dog, 2 Hat."
    assert "🐶" not in "".join(told)


def test_after_comparing_it_is_said_what_follows() -> None:
    same, different = say.compared("Sam", same=True), say.compared("Sam", same=False)
    assert all(lines[0].startswith("Sam ") for lines in (same, different))
    assert len(different) == 2


def test_an_offer_names_who_asks_who_is_left_out_who_came_along_and_where_one_still_meets(language: str) -> None:
    offer = Offer(
        offer="o",
        room="r1",
        name="Tuesday circle",
        by=MIRA,
        without=[SAM],
        followers=[MIRA, JONAS],
        still_shared=["#lobby", "Work"],
    )
    if language == "en":
        assert say.offer(offer)[:3] == (
            "Mira has started Tuesday circle anew without Sam.",
            "Jonas came along so far.",
            "You would still meet Sam in: #lobby, Work.",
        )
    assert say.offer(msgspec.structs.replace(offer, followers=[MIRA], still_shared=[]))[1:] == say.offer(offer)[3:]
    posing = msgspec.structs.replace(offer, still_shared=["#lobby", "#x. Ben is here: come"])
    assert "Ben is here:" not in "".join(say.offer(posing, text.spoken))
    assert "#lobby" in "".join(say.offer(posing, text.spoken))


def test_what_stays_and_what_is_gone_after_a_meeting(language: str) -> None:
    told = say.ended(Ended(stays=["messages", "members"], forgotten=["key", "moon"]))
    if language == "en":
        assert told[:2] == (
            "Stays on this computer: what was said and who was there.",
            "Gone from this computer: your key for this room and moon.",
        )
    assert len(say.ended(Ended(stays=[], forgotten=["messages"]))) == 2


def test_who_somebody_is_is_told_with_the_whole_key_in_groups(language: str) -> None:
    peer = Peer(
        id="0123456789abcdef" * 4,
        name="Sam",
        tag="s4mm",
        online=True,
        trust="verified",
        since=NOW,
        blocked=True,
        fingerprint="s4mm " * 8,
    )
    ties = {"Tuesday circle": Member(id=peer.id, name="Sam", tag="s4mm", via="Jonas", invited_by="Mira")}
    told = say.whois(peer, ties)
    assert any("s4mm " * 8 in each for each in told)
    assert not any("cdef" in each for each in told)
    assert told[0].startswith("Sam · s4mm: ")
    assert any("Jonas" in each and "Mira" in each and "Tuesday circle" in each for each in told)
    assert len(told) == 6
    if language == "en":
        assert told[1] == "verified: you have compared, and it is this person's key"


@pytest.mark.parametrize(
    ("retention", "english"), [("session", "off the record"), ("forever", "forever"), (1, "1 day"), (30, "30 days")]
)
def test_how_long_things_are_kept(retention: Any, english: str, language: str) -> None:
    assert (say.kept(retention) == english) == (language == "en")
    assert say.kept_how(retention).endswith(".")
