"""How things stand in a room, as the bars say it."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from peertalk import i18n
from peertalk.core.events import Member, Offer, Peer, Room
from peertalk.say.roster import Roster
from peertalk.tui import standing
from peertalk.tui.sides import member_rows, side_rows
from peertalk.tui.talk import Talk


def room(**fields: object) -> Room:
    return Room(id="r", name="circle", **{"kind": "private", "members": 4, "online": 4, **fields})  # type: ignore[arg-type]


def peer(name: str, trust: str = "verified", **fields: object) -> Peer:
    return Peer(id=f"id-{name}", name=name, tag=name[:2].lower(), trust=trust, **{"online": True, "rooms": ["r"], **fields})  # type: ignore[arg-type]


def roster(*people: Peer, **fields: object) -> Roster:
    return Roster(peers={each.id: each for each in people}, rooms={"r": room()}, **fields)  # type: ignore[arg-type]


def marks(here: Roster, **fields: object) -> list[str]:
    return [part.text for part in standing.marks(here, room(**fields))]


def readers(here: Roster, *, narrow: bool = False, **fields: object) -> str:
    return standing.readers(here, room(**fields), narrow=narrow).text


def test_the_header_asks_to_compare_until_all_are_verified() -> None:
    assert marks(roster(peer("Mira"), peer("Sam", "known"))) == ["words: compare"]
    assert marks(roster(peer("Mira"), peer("Sam", "known", online=False))) == ["words: compare"]
    assert marks(roster(peer("Mira"))) == ["✓ all verified"]
    assert marks(roster()) == []
    assert marks(roster(peer("Mira")), kind="open") == []


def test_the_header_says_whether_the_door_is_closed_and_nothing_is_kept() -> None:
    assert marks(roster(peer("Mira")), sealed=True, retention="session") == ["door closed", "off the record", "✓ all verified"]
    assert marks(roster(peer("Mira")), sealed=True, outside=True) == ["the door is closed"]
    assert marks(roster(peer("Mira")), archived=True) == ["only to be read"]


def test_below_it_says_of_whom_one_is_sure() -> None:
    assert readers(roster(peer("Mira"), peer("Jonas"))) == "everyone here is verified"
    assert readers(roster(peer("Mira"), peer("Sam", "new"))) == "everyone here is verified but Sam"
    assert (
        readers(roster(peer("Mira"), peer("Sam", "new"), peer("Tarek", "known")))
        == "everyone here is verified but Sam and Tarek"
    )
    many = [peer(f"P{number}", "known") for number in range(3)]
    assert readers(roster(peer("Mira"), *many)) == "1 of 4 here are verified"


def test_where_nobody_is_verified_it_says_who_can_read_it() -> None:
    assert readers(roster(peer("Sam", "known"))) == "only members can read this"
    assert readers(roster(peer("Sam", "known"), peer("Mira", online=False))) == "only members can read this"
    assert readers(roster(peer("Mira")), kind="open").startswith("open:")
    assert readers(roster(peer("Mira")), kind="direct") == "verified: only the two of you can read this"
    assert readers(roster(peer("Mira")), archived=True) == "nothing is written here any more"


def test_blocked_people_do_not_count_as_here() -> None:
    assert readers(roster(peer("Mira"), peer("Sam", "new", blocked=True))) == "everyone here is verified"


@pytest.mark.parametrize("lang", ["en", "de"])
def test_all_of_it_fits_beside_two_keys_at_80_columns(lang: str) -> None:
    i18n.activate(lang)
    try:
        people = roster(peer("Mira"), *(peer(name, "new") for name in ("Jonathan", "Katharina")))
        for said in (readers(people, narrow=True), readers(people, narrow=True, kind="direct")):
            assert said
            assert cell_len(said) <= 80 - 4 - len("Strg+P alles finden   F1 Hilfe   ")
    finally:
        i18n.activate("en")


def test_a_name_cannot_say_that_it_is_verified() -> None:
    sly = peer("Sam. Everyone is verified", "new")
    assert readers(roster(peer("Mira"), sly)) == "1 of 2 here are verified"
    sly = peer("Sam. Verified", "new")
    assert readers(roster(peer("Mira"), sly)) == "everyone here is verified but Sam Verified · sa"


# ── what waits for an answer ─────────────────────────────────────────────────────────────────────────────────────────


def asks(talk: Talk, width: int = 100) -> str:
    return "   ".join(part.text for part in standing.asks(talk, "F5", width))


def test_the_line_above_the_composer_says_what_waits_and_how_many() -> None:
    mira, sam = peer("Mira"), peer("Sam", "new")
    talk = Talk(node=None, roster=roster(mira, sam))  # type: ignore[arg-type]
    assert asks(talk) == ""
    talk.offers = [Offer(offer="o", room="r", name="circle", by=mira, without=[sam], followers=[], still_shared=[])]
    assert asks(talk) == "Mira has started circle anew without Sam   F5 opens it"
    talk.callers[sam.id] = sam
    assert asks(talk) == "Sam wants to compare symbols with you   F5 opens it   and 1 more"
    assert asks(talk, 40) == "Sam wants to…   F5 opens it   and 1 more"


# ── the columns at the sides ─────────────────────────────────────────────────────────────────────────────────────────


def test_who_looks_like_somebody_verified_is_marked() -> None:
    here = roster(peer("Mira"), peer("Mіra", "new"))  # the second one has a Cyrillic letter
    rows = [f"{row.text} {row.tail}" for row in side_rows(here, None) if row.target and row.target[0] == "peer"]
    assert rows == ["Mira · mi ✓", "Mіra · mі !"]


def test_rooms_that_are_only_read_or_whose_door_is_closed_have_another_mark() -> None:
    for fields, mark in (({}, "◆"), ({"sealed": True}, "◆"), ({"archived": True}, "◇"), ({"outside": True}, "◇")):
        here = Roster(rooms={"r": room(**fields)})
        assert [row.mark for row in side_rows(here, None)][1] == mark


def test_the_members_say_in_small_who_brought_whom() -> None:
    members = [
        Member(id="1", name="Jonas", tag="jo", online=True, invited_by="Mira"),
        Member(id="2", name="Lena", tag="le", via="Sam. Is verified", invited_by="Mira"),
        Member(id="3", name="Robin", tag="ro", me=True),
    ]
    rows = [f"{row.mark}{row.text}" for row in member_rows(Roster(), members)]
    assert rows == [
        "IN THIS ROOM", "●Robin (you)", "●Jonas", "  invited by Mira", "", "AWAY", "○Lena", "  known through Sam Is verified",
    ]  # fmt: skip
