from __future__ import annotations

import pytest
from rich.cells import cell_len

from peertalk import i18n
from peertalk.commands import BINDINGS
from peertalk.core.events import IdentityView, Member, Peer, Room
from peertalk.say.roster import Roster
from peertalk.tui import bars
from peertalk.tui.sides import member_rows, side_rows, strip_rows
from peertalk.tui.talk import Talk
from peertalk.tui.widgets.listing import Row


def room(name: str, kind: str = "private", **fields: object) -> Room:
    return Room(id=name, name=name, kind=kind, **fields)  # type: ignore[arg-type]


def peer(name: str, *, key: str = "", **fields: object) -> Peer:
    return Peer(id=f"id-{name}{key}", name=name, tag=f"t{key}", **{"online": True, **fields})  # type: ignore[arg-type]


def roster(rooms: list[Room], peers: list[Peer]) -> Roster:
    me = IdentityView(id="me", name="Robin", tag="r0")
    return Roster(me, {each.id: each for each in rooms}, {each.id: each for each in peers})


def told(rows: list[Row]) -> list[str]:
    return [" ".join(filter(None, ["▸" if row.current else "", row.mark, row.text, row.tail])) for row in rows]


def full() -> Roster:
    return roster(
        [room("workshop", "open", unread=3), room("lobby", "open"), room("Tuesday circle"), room("Mira", "direct", unread=120)],
        [peer("Mira", rooms=["Mira"], trust="verified"), peer("Jonas", trust="verified"), peer("Sam", online=False)],
    )


def test_the_left_column_lists_rooms_then_people() -> None:
    assert told(side_rows(full(), "Tuesday circle")) == [
        "ROOMS", "# lobby", "▸ ◆ Tuesday circle", "# workshop 3", "", "DIRECT", "● Mira 99+", "",
        "PEOPLE HERE", "● Jonas ✓", "● Mira ✓",
    ]  # fmt: skip


def test_the_strip_has_marks_two_letters_and_what_is_unread() -> None:
    assert told(strip_rows(full(), "lobby")) == ["▸ # lo", "◆ Tu", "# wo 3", "", "● Mi +", "", "● Jo", "● Mi"]


def test_letters_of_the_strip_are_whole_even_where_they_are_wide() -> None:
    rows = strip_rows(roster([room("日本語", "open"), room("x", "open")], []), None)
    assert [row.text for row in rows] == ["x", "日"]


def test_namesakes_are_told_apart_by_their_tags() -> None:
    two = roster([], [peer("Anna", key="1"), peer("anna", key="2"), peer("Robin", key="3"), peer("Sam")])
    assert told(side_rows(two, None))[3:] == ["● Anna · t1", "● anna · t2", "● Robin · t3 !", "● Sam"]


def test_blocked_people_are_not_listed() -> None:
    assert "Mira" not in str(told(side_rows(roster([], [peer("Mira", blocked=True)]), None)))


def test_a_room_of_two_shows_whether_the_other_is_here() -> None:
    away = roster([room("Mira", "direct")], [peer("Mira", online=False, rooms=["Mira"])])
    assert told(side_rows(away, None))[3] == "○ Mira"


def test_members_stand_with_oneself_first_and_those_away_below() -> None:
    members = [
        Member(id="j", name="Jonas", tag="j", online=True, trust="verified"),
        Member(id="s", name="Sam", tag="s"),
        Member(id="me", name="Robin", tag="r", me=True, online=True),
    ]
    assert told(member_rows(roster([], []), members)) == [
        "IN THIS ROOM", "● Robin (you)", "● Jonas ✓", "", "AWAY", "○ Sam",
    ]  # fmt: skip


def test_rows_say_what_a_click_chooses() -> None:
    targets = [row.target for row in side_rows(full(), None) if row.target]
    assert ("room", "lobby") in targets
    assert ("peer", "id-Jonas") in targets


# ── typing ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_writing_ends_by_itself_or_with_the_message() -> None:
    here = full()
    here.seen_typing("lobby", peer("Mira"), now=100)
    here.seen_typing("lobby", peer("Jonas"), now=103)
    assert here.writing("lobby", 104) == ["Jonas", "Mira"]
    assert here.writing("workshop", 104) == []
    assert here.writing("lobby", 107) == ["Jonas"]
    here.stopped_typing("lobby", "id-Jonas")
    assert here.writing("lobby", 107) == []


# ── bars ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


class OpenTalk(Talk):
    """A talk with a room open, without a node."""

    shown: Room | None = None

    @property
    def room(self) -> Room | None:
        return self.shown


def talk(shown: Room) -> Talk:
    made = OpenTalk(node=None, roster=full())  # type: ignore[arg-type]
    made.shown = shown
    return made


def words(parts: tuple[bars.Parts, bars.Parts]) -> list[list[str]]:
    return [[part.text for part in side if part.text] for side in parts]


def test_the_header_says_which_room_this_is_and_who_is_here() -> None:
    circle = room("Tuesday circle", online=6, retention="session")
    assert words(bars.header(talk(circle), narrow=False)) == [["peertalk", "Tuesday circle"], ["● 6 here", "off the record"]]
    assert words(bars.header(talk(circle), narrow=True)) == [
        ["Tuesday circle"], ["● 6 here", "off the record", "123 unread elsewhere"],
    ]  # fmt: skip
    assert words(bars.header(talk(room("Mira", "direct")), narrow=False))[1] == ["● here"]
    assert words(bars.header(None, narrow=False)) == [["peertalk"], []]


def test_the_key_bar_says_who_can_read_this() -> None:
    keys, readers = words(bars.key_bar(BINDINGS, talk(room("lobby", "open")), narrow=False))
    assert keys == ["Ctrl+P anything", "F1 help", "F8 members"]
    assert readers == ["open: everyone on this network can read this"]
    assert words(bars.key_bar(BINDINGS, talk(room("Mira", "direct")), narrow=False))[1] == [
        "verified: only the two of you can read this"
    ]
    assert words(bars.key_bar(BINDINGS, None, narrow=True))[1] == []


def test_the_status_line_prefers_a_hint_to_who_is_writing() -> None:
    line = talk(room("lobby", "open"))
    line.roster.seen_typing("lobby", peer("Jonas"), now=100)
    assert words(bars.status(line, "", 0, 101)) == [["Jonas is writing …"], []]
    assert words(bars.status(line, "a hint", 2, 101)) == [["a hint"], ["↓ 2 new"]]
    line.roster.seen_typing("lobby", peer("Mira"), now=100)
    assert words(bars.status(line, "", 0, 101))[0] == ["Jonas and Mira are writing …"]


def test_choices_are_shown_only_where_there_are_several() -> None:
    assert bars.choices(["/leave "], 0) == ""
    assert bars.choices(["/leave ", "/lang "], 1) == "/leave   [/lang]"


@pytest.mark.parametrize("lang", ["en", "de"])
@pytest.mark.parametrize("kind", ["lobby", "workshop", "circle", "Mira"])
def test_at_80_columns_there_is_room_to_say_who_can_read_this(lang: str, kind: str) -> None:
    shown = {"lobby": "open", "workshop": "open", "circle": "private", "Mira": "direct"}[kind]
    i18n.activate(lang)
    try:
        keys, readers = words(bars.key_bar(BINDINGS, talk(room(kind, shown)), narrow=True))
    finally:
        i18n.activate("en")
    assert len(keys) == 2
    assert cell_len("   ".join([*keys, *readers])) <= 80 - 4
