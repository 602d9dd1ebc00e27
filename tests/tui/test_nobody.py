from __future__ import annotations

import pytest

from peertalk import i18n
from peertalk.commands import find
from peertalk.core.events import Discovery, IdentityView, Listening, Report, Room, Status
from peertalk.say.nobody import PATIENCE, Interfaces
from peertalk.tui.nobody import nobody, opening, quiet
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


def test_it_names_no_command_that_does_not_exist() -> None:
    words = told(nobody(LOBBY, status(), WLAN, 60)).split()
    named = [word.removeprefix("/") for word in words if word.startswith("/")]
    assert named
    assert not [name for name in named if find(name) is None]


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


def test_one_address_of_each_interface_is_enough_and_three_interfaces_are() -> None:
    many = [*WLAN, ("wlan0", "fe80::7"), ("eth0", "10.0.0.2"), ("eth0", "fe80::8"), ("tun0", "10.9.0.2"), ("tap0", "10.8.0.2")]
    words = told(nobody(LOBBY, status(), many, 0))
    assert [shown for _, shown in many if shown in words] == ["192.168.1.7", "10.0.0.2", "10.9.0.2"]


# ── with what the doctor found ───────────────────────────────────────────────────────────────────────────────────────


def examined(verdict: str, seconds: float = 12, interfaces: Interfaces = WLAN) -> str:
    return told(nobody(LOBBY, status(), interfaces, seconds, Report(verdict=verdict, checks=[])))


def test_the_verdict_takes_the_place_of_guesses() -> None:
    words = examined("isolated")
    assert "! This network keeps its computers apart (client isolation):" in words
    assert "hotspot" in words
    assert "Nobody has answered yet" not in words
    assert "/connect" not in words
    assert "/doctor" in words


def test_nobody_is_called_the_first_where_others_may_be_out_of_reach() -> None:
    assert examined("isolated").startswith("Nobody else is here yet.")
    assert examined("alone").startswith("You are the first one here.")


def test_where_an_address_helps_it_says_how() -> None:
    words = examined("alone")
    assert "? Everything works here, but nobody else answers." in words
    assert "/connect 192.168.1.7:47000" in words


def test_what_is_wrong_is_said_at_once_and_that_nobody_answers_after_five_seconds() -> None:
    assert "client isolation" in examined("isolated", seconds=3)
    assert "nobody else answers" not in examined("alone", seconds=4)
    assert "nobody else answers" in examined("alone", seconds=5)


def test_what_stands_above_is_not_said_twice() -> None:
    words = examined("no_interface", interfaces=[])
    assert words.count("in no network") == 1
    assert "plug in a cable" in words


def test_good_news_are_left_to_the_search() -> None:
    assert told(nobody(LOBBY, status(seen=1), WLAN, 12, Report(verdict="connecting", checks=[]))).count("can be seen") == 1


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("verdict", ["alone", "no_interface", "no_shared_room", "filtered", "isolated", "maybe_isolated",
    "unreachable", "inbound_blocked", "outbound_blocked", "multicast_blocked", "not_permitted", "search_off", "vpn"])  # fmt: skip
def test_it_fits_into_a_small_terminal(language: str, verdict: str) -> None:
    """In 80 columns and 24 rows 19 rows of 70 cells are left for it, and there may be three interfaces."""
    i18n.activate(language)
    try:
        rows = examined(verdict, interfaces=[*WLAN, ("eth0", "10.0.0.2"), ("tun0", "10.9.0.2")]).splitlines()
    finally:
        i18n.activate("en")
    assert len(rows) <= 19, rows
    assert max(map(len, rows)) <= 70


def test_in_a_room_of_two_it_says_that_writing_is_worth_it() -> None:
    words = told(nobody(Room(id="r", name="Mira", kind="direct"), status(), WLAN, 60))
    assert words.startswith("Mira is not here right now.")
    assert "it waits here" in words


def test_waiting_is_never_without_a_sign() -> None:
    assert told(opening(0)) == "One moment: your profile is being opened."
    assert told(opening(7)).endswith("(7 s)")
    assert "hello" in told(quiet(LOBBY, "#lobby"))
