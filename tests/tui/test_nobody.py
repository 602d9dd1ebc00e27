from __future__ import annotations

import pytest

from peertalk import i18n
from peertalk.core.events import Discovery, IdentityView, Listening, Room, Status
from peertalk.tui.nobody import PATIENCE, nobody, opening, quiet
from peertalk.tui.widgets.page import Paragraph

LOBBY = Room(id="r", name="lobby", kind="open", members=1, online=1)
WLAN = [("wlan0", "192.168.1.7")]


def status(*, enabled: bool = True, seen: int = 0) -> Status:
    return Status(
        version="0", protocol=1, identity=IdentityView(id="me", name="Robin", tag="r"), listening=[Listening(host="", port=47000)],
        discovery=Discovery(enabled=enabled, advertised=None, services_seen=seen), links=0, rooms=1,
    )  # fmt: skip


def told(lines: tuple[Paragraph, ...]) -> str:
    return "\n".join("".join(text for text, _style in line) for line in lines)


def test_at_once_it_says_where_it_looks() -> None:
    words = told(nobody(LOBBY, status(), WLAN, 0))
    assert words.startswith("You are the first one here.")
    assert "Looking for people on  wlan0  192.168.1.7   (0 s)" in words
    assert "/connect" not in words


def test_after_five_seconds_it_says_what_to_try() -> None:
    words = told(nobody(LOBBY, status(), WLAN, PATIENCE))
    assert "(5 s)" in words
    assert "Nobody has answered yet." in words
    assert "/connect HOST:PORT" in words
    assert "/connect 192.168.1.7:47000" in words


@pytest.mark.parametrize("later", ["/doctor", "/invite"])
def test_it_names_no_command_that_does_not_exist(later: str) -> None:
    assert later not in told(nobody(LOBBY, status(), WLAN, 60))


def test_the_commands_are_named_in_the_language_of_the_person() -> None:
    i18n.activate("de")
    try:
        assert "/verbinden 192.168.1.7:47000" in told(nobody(LOBBY, status(), WLAN, 60))
    finally:
        i18n.activate("en")


def test_other_programs_in_sight_are_good_news() -> None:
    words = told(nobody(LOBBY, status(seen=2), WLAN, 60))
    assert "✓ 2 others can be seen" in words
    assert "Nobody has answered" not in words


def test_all_interfaces_are_listed_below_one_another() -> None:
    rows = told(nobody(LOBBY, status(), [*WLAN, ("eth0", "10.0.0.2")], 0)).splitlines()
    assert rows[2].index("wlan0") == rows[3].index("eth0")


def test_without_a_network_or_a_search_it_says_so() -> None:
    assert "in no network" in told(nobody(LOBBY, status(), [], 0))
    assert "switched off" in told(nobody(LOBBY, status(enabled=False), WLAN, 0))


def test_in_a_room_of_two_it_says_that_writing_is_worth_it() -> None:
    words = told(nobody(Room(id="r", name="Mira", kind="direct"), status(), WLAN, 60))
    assert words.startswith("Mira is not here right now.")
    assert "it waits here" in words


def test_waiting_is_never_without_a_sign() -> None:
    assert told(opening(0)) == "One moment: your profile is being opened."
    assert told(opening(7)).endswith("(7 s)")
    assert "hello" in told(quiet(LOBBY, "#lobby"))
