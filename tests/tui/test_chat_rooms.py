from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from peertalk import commands, i18n
from peertalk.core import events
from peertalk.core.events import Delivered, RoomChanged, SyncProgress
from peertalk.errors import RequestError, StartError
from peertalk.tui.widgets.bar import Bar
from tests.tui.driving import company, driving, lines_are_counted_right, long_talk
from tests.tui.fake_node import FakeNode, identity
from tests.tui.make import SETTINGS

# ── rooms ────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_rooms_are_switched_by_keys_and_drafts_stay_where_they_were_written() -> None:
    async with driving(company("circle")) as driver:
        await driver.write("a thought")
        await driver.press("alt+down")
        await driver.until(lambda: "circle" in driver.bar("header"))
        assert driver.chat.composer.text == ""
        await driver.write("another")
        await driver.press("alt+1")
        await driver.until(lambda: "#lobby" in driver.bar("header"))
        assert driver.chat.composer.text == "a thought"
        await driver.press("alt+up")
        await driver.until(lambda: driver.chat.composer.text == "another")


async def test_a_click_opens_a_room_and_a_person() -> None:
    async with driving(company("circle")) as driver:
        await driver.pilot.click("#rooms", offset=(6, 3))
        await driver.until(lambda: "circle" in driver.bar("header"))
        row = next(number for number, row in enumerate(driver.chat.query_one("#rooms").rows) if row.text == "Mira")  # type: ignore[attr-defined]
        await driver.pilot.click("#rooms", offset=(6, row + 1))
        await driver.until(lambda: driver.node.called("open_direct") == [(identity("Mira")["id"],)])
        await driver.until(lambda: "only the two of you can read this" in driver.bar("keys"))


async def test_what_comes_elsewhere_is_counted_at_the_left() -> None:
    async with driving(company("circle")) as driver:
        driver.node.hear("circle", "Mira", "hello")
        driver.node.hear("circle", "Mira", "again")
        await driver.until(lambda: "circle 2" in driver.bar("rooms"))
        await driver.press("alt+a")
        await driver.until(lambda: driver.shows("── new", "hello", "again"))
        await driver.until(lambda: driver.node.called("read") == [("room-circle", None)])
        await driver.until(lambda: "circle 2" not in driver.bar("rooms"))


async def test_it_begins_where_something_is_unread() -> None:
    node = company("circle")
    for number in range(4):
        node.says("circle", "Mira", f"text {number}")
    node._put(msgspec.structs.replace(node.rooms_by_id["room-circle"], unread=2))
    async with driving(node) as driver:
        await driver.until(lambda: driver.shows("text 1", "── new", "text 2", "text 3"))


async def test_nothing_is_read_while_nobody_looks() -> None:
    async with driving(company()) as driver:
        driver.app.app_focus = False
        driver.node.hear("lobby", "Mira", "psst")
        await driver.until(lambda: driver.shows("── new", "psst"))
        assert driver.node.called("read") == []
        driver.app.app_focus = True
        await driver.until(lambda: driver.node.called("read") == [("room-lobby", None)])
        assert driver.shows("── new")
        await driver.write("yes?", "enter")
        await driver.until(lambda: driver.shows("yes?"))
        assert not driver.shows("── new")
        lines_are_counted_right(driver)


async def test_a_room_that_was_left_closes_and_another_one_opens() -> None:
    async with driving(company("circle")) as driver:
        await driver.press("alt+2")
        await driver.until(lambda: "circle" in driver.bar("header"))
        await driver.node.leave("circle")
        await driver.until(lambda: "#lobby" in driver.bar("header"))
        assert "circle" not in driver.bar("rooms")


async def test_an_open_room_that_forgets_is_empty_and_says_why() -> None:
    async with driving(company()) as driver:
        driver.node.hear("lobby", "Mira", "yesterday")
        await driver.until(lambda: driver.shows("yesterday"))
        driver.node.texts["room-lobby"].clear()
        driver.node.emit(RoomChanged(room=driver.node.rooms_by_id["room-lobby"], change="forgotten"))
        await driver.until(lambda: "yesterday" not in str(driver.chat.transcript.timeline.items))


async def test_without_a_room_it_says_how_to_get_into_one() -> None:
    node = FakeNode(replace(SETTINGS, lobby=False))
    async with driving(node, profile="passphrase") as driver:
        await driver.press("x", "enter")
        await driver.until(lambda: "You are in no room." in driver.screen())
        await driver.write("hello", "enter")
        await driver.until(lambda: "/join NAME enters one" in driver.bar("status"))
        assert driver.chat.composer.text == "hello"


# ── people ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_people_come_and_go() -> None:
    async with driving(company()) as driver:
        driver.node.come("Sam", "lobby")
        await driver.until(lambda: "Sam" in driver.bar("rooms"))
        assert "● 4 here" in driver.bar("header")
        driver.node.come("Sam", "lobby", online=False)
        await driver.until(lambda: "Sam" not in driver.bar("rooms"))


async def test_members_are_shown_when_asked_for_and_follow_what_happens() -> None:
    async with driving(company()) as driver:
        await driver.press("f8")
        await driver.until(lambda: "Mira" in driver.bar("members"))
        driver.node.come("Sam", "lobby")
        await driver.until(lambda: "Sam" in driver.bar("members"))
        await driver.press("escape")
        assert not driver.chat.query_one("#members").display


async def test_names_of_others_are_never_markup() -> None:
    node = company()
    node.add_peer("[red]x[/] [@click=app.quit]", "lobby")
    node.says("lobby", "[red]x[/] [@click=app.quit]", "[b]bold[/b] [/]")
    async with driving(node) as driver:
        assert driver.shows("[red]x[/] [@click=app.quit]", "[b]bold[/b] [/]")
        await driver.press("ctrl+p")
        await driver.press(*"[red")
        await driver.until(lambda: "● [red]x[/] [@click=app.quit]" in driver.screen())


# ── commands ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_command_runs_and_says_what_came_of_it() -> None:
    async with driving(company()) as driver:
        await driver.write("/who", "enter")
        await driver.until(lambda: driver.shows("3 people in #lobby", "Mira"))
        assert driver.node.called("send") == []
        assert driver.chat.composer.text == ""


async def test_an_unknown_command_is_not_sent_and_stays() -> None:
    async with driving(company()) as driver:
        await driver.write("/jion x", "enter")
        await driver.until(lambda: driver.shows("There is no command /jion"))
        assert driver.chat.composer.text == "/jion x"
        assert driver.node.called("send") == []


async def test_two_slashes_begin_a_text_with_one() -> None:
    async with driving(company()) as driver:
        await driver.write("//shrug", "enter")
        await driver.until(lambda: driver.node.called("send") == [("room-lobby", "/shrug")])


async def test_a_command_that_cannot_be_done_says_why_and_comes_back() -> None:
    node = company()
    node.refuse["connect"] = RequestError("not_reachable", host="10.0.0.9", port=47000)
    async with driving(node) as driver:
        await driver.write("/connect 10.0.0.9:47000", "enter")
        await driver.until(lambda: driver.shows("No PeerTalk answers at 10.0.0.9:47000"))
        assert driver.chat.composer.text == "/connect 10.0.0.9:47000"


async def test_join_opens_the_room() -> None:
    async with driving(company()) as driver:
        await driver.write("/join workshop", "enter")
        await driver.until(lambda: "#workshop" in driver.bar("header"))
        assert driver.shows("You are in #workshop now.")


async def test_leaving_asks_first() -> None:
    async with driving(company("circle")) as driver:
        await driver.press("alt+2")
        await driver.until(lambda: "circle" in driver.bar("header"))
        await driver.write("/leave", "enter")
        await driver.until(lambda: "Leave circle?" in driver.screen())
        await driver.press("enter")
        await driver.until(lambda: "Leave circle?" not in driver.screen())
        assert driver.node.called("leave") == []
        await driver.write("/leave", "enter")
        await driver.until(lambda: "Leave circle?" in driver.screen())
        await driver.press("down", "enter")
        await driver.until(lambda: driver.node.called("leave") == [("room-circle", False)])


async def test_tab_completes_names_and_commands_and_goes_on_to_others() -> None:
    node = company()
    node.add_peer("Mirko", "lobby")
    async with driving(node) as driver:
        await driver.write("/le", "tab")
        assert driver.chat.composer.text == "/leave "
        driver.chat.composer.put("")
        await driver.write("hi mir", "tab")
        assert driver.chat.composer.text == "hi Mira "
        await driver.until(lambda: "[Mira]   Mirko" in driver.bar("status"))
        await driver.press("tab")
        assert driver.chat.composer.text == "hi Mirko "
        await driver.press("tab")
        assert driver.chat.composer.text == "hi Mira "


async def test_blocking_hides_what_they_wrote() -> None:
    node = company()
    node.says("lobby", "Mira", "something unkind")
    async with driving(node) as driver:
        driver.node.texts["room-lobby"].clear()
        await driver.write("/block Mira", "enter")
        await driver.until(lambda: not driver.shows("something unkind"))
        await driver.until(lambda: "Mira" not in driver.bar("rooms"))
        await driver.until(lambda: driver.shows("You no longer see what Mira writes. /unblock Mira undoes this."))
        await driver.write("/unblock Mira", "enter")
        await driver.until(lambda: "Mira" in driver.bar("rooms"))
        await driver.until(lambda: driver.shows("You no longer see what Mira writes.", "You see again what Mira writes."))


async def test_colours_and_language_change_at_once_and_are_remembered() -> None:
    try:
        async with driving(company()) as driver:
            await driver.write("/theme light", "enter")
            await driver.until(lambda: driver.app.theme == "light")
            await driver.write("/lang de", "enter")
            await driver.until(lambda: "Schreib" in str(driver.chat.composer.placeholder) or i18n.language() == "de")
            assert driver.remembered == {"theme": "light", "lang": "de"}
    finally:
        i18n.activate("en")


async def test_a_setting_that_cannot_be_kept_holds_for_now() -> None:
    def refuse(_key: str, _value: object) -> None:
        raise StartError(
            "bad_config", file="/nowhere/config.toml", key="theme", why="unwritable", error="Read-only file system"
        )

    async with driving(company()) as driver:
        driver.app._remember = refuse
        await driver.write("/theme light", "enter")
        await driver.until(lambda: driver.shows("Read-only file system"))
        assert driver.app.theme == "light"


async def test_those_who_keep_nothing_leave_no_settings_behind() -> None:
    ephemeral = replace(SETTINGS, ephemeral=True)
    async with driving(FakeNode(ephemeral), settings=ephemeral) as driver:
        await driver.write("/theme light", "enter")
        await driver.until(lambda: driver.app.theme == "light")
        assert driver.remembered == {}


async def test_what_the_bars_offer_can_be_clicked() -> None:
    async with driving(company()) as driver:
        keys = driver.chat.query_one("#keys", Bar)
        await driver.pilot.click("#keys", offset=(2 + keys.words.index("F8"), 0))
        await driver.until(lambda: driver.chat.query_one("#members").display)
        await driver.pilot.click("#keys", offset=(3, 0))
        await driver.until(lambda: "A room, a person, a command" in driver.screen())


# ── help and palette ─────────────────────────────────────────────────────────────────────────────────────────────────


async def test_help_shows_every_command_and_key() -> None:
    async with driving(company(), size=(120, 120)) as driver:
        await driver.press("f1")
        await driver.until(lambda: "Commands" in driver.screen())
        screen = driver.screen()
        for command in commands.COMMANDS:
            assert commands.usage(command) in screen
        assert "Ctrl+P" in screen
        await driver.press("escape")
        assert driver.app.screen is driver.chat


async def test_in_a_small_terminal_help_can_be_read_to_its_end_and_says_how() -> None:
    async with driving(company(), size=(80, 24)) as driver:
        await driver.press("f1")
        await driver.until(lambda: "↑ ↓ scroll   Esc closes" in driver.screen())
        await driver.press("down", "down")
        await driver.until(lambda: "Shift+Enter" in driver.screen() and "Writing" not in driver.screen())
        await driver.press(*["pagedown"] * 5)
        await driver.until(lambda: "This computer   Everything on the disk" in driver.screen())


@pytest.mark.parametrize("language", ["en", "de"])
async def test_what_others_can_see_fits_into_a_small_terminal(language: str) -> None:
    i18n.activate(language)
    try:
        async with driving(company(), size=(80, 24)) as driver:
            await driver.write("/help privacy", "enter")
            await driver.until(lambda: driver.app.screen is not driver.chat and "Esc" in driver.screen())
            await driver.pilot.pause()
            assert "↑ ↓" not in driver.screen()
            assert ("can open it." if language == "en" else "kann.") in driver.screen()
    finally:
        i18n.activate("en")


async def test_help_of_one_command_shows_it_alone() -> None:
    async with driving(company()) as driver:
        await driver.write("/help connect", "enter")
        await driver.until(lambda: "/connect HOST:PORT" in driver.screen())
        assert "/leave" not in driver.screen()


async def test_the_palette_finds_rooms_people_and_commands() -> None:
    async with driving(company("circle")) as driver:
        await driver.press("ctrl+p")
        await driver.press(*"circ")
        await driver.until(lambda: "Go to this room" in driver.screen())
        await driver.press("enter")
        await driver.until(lambda: "circle" in driver.bar("header"))
        await driver.press("ctrl+p")
        await driver.press(*"/conn")
        await driver.until(lambda: "/connect HOST:PORT" in driver.screen())
        await driver.press("enter")
        await driver.until(lambda: driver.chat.composer.text == "/connect ")


async def test_another_key_can_be_chosen() -> None:
    async with driving(company(), settings=replace(SETTINGS, keys={"members": "ctrl+g"})) as driver:
        assert "Ctrl+G members" in driver.bar("keys")
        await driver.press("f8")
        assert not driver.chat.query_one("#members").display
        await driver.press("ctrl+g")
        await driver.until(lambda: driver.chat.query_one("#members").display)


# ── narrow ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_narrow_the_left_column_is_a_strip_that_unfolds() -> None:
    async with driving(company("circle"), size=(80, 24)) as driver:
        rooms = driver.chat.query_one("#rooms")
        assert rooms.size.width == 8
        assert "▸# lo" in driver.bar("rooms").replace("▸ ", "▸").replace("▸# ", "▸# ")
        await driver.press("f7")
        await driver.until(lambda: "ROOMS" in driver.bar("rooms"))
        await driver.press("f7")
        await driver.until(lambda: "ROOMS" not in driver.bar("rooms"))
        driver.node.hear("circle", "Mira", "hello")
        await driver.until(lambda: "1 unread elsewhere" in driver.bar("header"))


@pytest.mark.parametrize("size", [(20, 6), (40, 10), (80, 24), (220, 60)])
async def test_any_size_can_be_drawn(size: tuple[int, int]) -> None:
    async with driving(long_talk(20), size=size) as driver:
        await driver.press("f8", "f7", "f1", "escape", "ctrl+p")
        assert len(driver.screen().splitlines()) == size[1]


# ── the empty page ───────────────────────────────────────────────────────────────────────────────────────────────────


async def test_alone_it_says_where_it_looks_and_later_what_to_try() -> None:
    async with driving(FakeNode(SETTINGS)) as driver:
        assert "You are the first one here." in driver.screen()
        assert "/connect" not in driver.screen()
        driver.chat._began -= 5
        driver.chat.draw()
        await driver.until(lambda: "/connect HOST:PORT" in driver.screen())
        driver.node.come("Mira", "lobby")
        await driver.until(lambda: "Say hello" in driver.screen())
        driver.node.hear("lobby", "Mira", "hello")
        await driver.until(lambda: driver.chat.transcript.display and driver.shows("hello"))


# ── other events ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_warnings_are_said_and_catching_up_is_shown() -> None:
    async with driving(company()) as driver:
        driver.node.hear("lobby", "Mira", "hello")
        driver.node.emit(events.Warning(kind="clock", text="Mira"), SyncProgress(room="room-lobby", done=3, total=10))
        await driver.until(lambda: driver.shows("The clock of Mira is far off"))
        assert "Catching up: 3 of 10" in driver.bar("status")
        driver.node.emit(SyncProgress(room="room-lobby", done=10, total=10))
        await driver.until(lambda: "Catching up" not in driver.bar("status"))


async def test_where_events_were_dropped_everything_is_read_anew() -> None:
    async with driving(company()) as driver:
        driver.node.says("lobby", "Mira", "missed")
        driver.node.add_room("workshop", "open")
        driver.node.emit(events.Warning(kind="dropped", text="7"))
        await driver.until(lambda: driver.shows("missed"))
        assert "workshop" in driver.bar("rooms")


async def test_a_delivery_for_another_room_changes_nothing_here() -> None:
    async with driving(company("circle")) as driver:
        driver.node.emit(Delivered(message="x", room="room-circle", delivered_to=[identity("Mira")["id"]]))
        driver.node.hear("lobby", "Mira", "still here")
        await driver.until(lambda: driver.shows("still here"))
