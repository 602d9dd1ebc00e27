from __future__ import annotations

import asyncio
from dataclasses import replace

import msgspec
import pytest
from textual.events import Paste

from peertalk import commands, i18n
from peertalk.core.events import Delivered, MessageArrived, RoomChanged, SyncProgress, Warning
from peertalk.errors import RequestError
from tests.tui.driving import Driver, driving
from tests.tui.fake_node import FakeNode, identity
from tests.tui.make import SETTINGS


def company(*rooms: str) -> FakeNode:
    """Mira and Jonas are in the lobby."""
    node = FakeNode(SETTINGS)
    for name in rooms:
        node.add_room(name)
    for name in ("Mira", "Jonas"):
        node.add_peer(name, "lobby", *rooms)
    return node


def long_talk(count: int = 300) -> FakeNode:
    node = company()
    for number in range(count):
        node.says("lobby", "Mira" if number % 3 else "Jonas", f"message {number}")
    return node


def lines_are_counted_right(driver: Driver) -> None:
    """What the transcript has counted bit by bit is what it would count anew."""
    transcript = driver.chat.transcript
    before = list(transcript._heights), list(transcript._ends)
    transcript._measure()
    assert before == (transcript._heights, transcript._ends)


# ── sending and receiving ────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_message_is_typed_sent_and_shown_with_its_state() -> None:
    async with driving(company()) as driver:
        await driver.press(*"hello", "enter")
        await driver.until(lambda: driver.shows("you  ", "hello"))
        assert driver.node.called("send") == [("room-lobby", "hello")]
        assert driver.chat.composer.text == ""
        sent = driver.node.texts["room-lobby"][-1]
        driver.node.deliver(sent, "Mira")
        await driver.until(lambda: driver.shows("✓ 1/2"))
        driver.node.deliver(sent, "Mira", "Jonas")
        await driver.until(lambda: driver.shows("✓ everyone"))
        assert "✓" not in driver.bar("status")


async def test_what_others_say_appears() -> None:
    async with driving(company()) as driver:
        driver.node.hear("lobby", "Mira", "good evening")
        driver.node.hear("lobby", "Mira", "all")
        await driver.until(lambda: driver.shows("Mira  ", "good evening", "all"))


async def test_a_message_that_waits_is_never_called_sent() -> None:
    async with driving(FakeNode(SETTINGS)) as driver:
        await driver.write("anyone?", "enter")
        await driver.until(lambda: driver.shows("⏳ waiting until someone is here", "anyone?"))
        driver.node.come("Mira", "lobby")
        driver.node.place(driver.node.texts["room-lobby"][-1])
        await driver.until(lambda: driver.shows("⏳ on its way"))
        driver.node.deliver(driver.node.texts["room-lobby"][-1], "Mira")
        await driver.until(lambda: driver.shows("✓ everyone"))
        lines_are_counted_right(driver)


async def test_messages_are_sent_in_the_order_in_which_they_were_written() -> None:
    node = company()
    hold = asyncio.get_running_loop().create_future()
    node.before_send = lambda: asyncio.shield(hold)
    async with driving(node) as driver:
        for word in ("one", "two", "three"):
            await driver.write(word, "enter")
        assert node.called("send") == [("room-lobby", "one")]
        hold.set_result(None)
        await driver.until(lambda: len(node.called("send")) == 3)
        assert [text for _room, text in node.called("send")] == ["one", "two", "three"]


async def test_what_cannot_be_sent_comes_back() -> None:
    node = company()
    node.refuse["send"] = RequestError("too_large", limit=100)
    async with driving(node) as driver:
        await driver.write("a long story", "enter")
        await driver.until(lambda: driver.chat.composer.text == "a long story")
        assert driver.shows("▏ That is too long for one message")


async def test_several_lines_are_one_message() -> None:
    async with driving(company()) as driver:
        await driver.press(*"one", "ctrl+j", *"two", "shift+enter", *"three", "enter")
        await driver.until(lambda: driver.node.called("send"))
        assert driver.node.called("send") == [("room-lobby", "one\ntwo\nthree")]


async def test_a_paste_is_one_message_and_cannot_control_the_terminal() -> None:
    async with driving(company()) as driver:
        driver.chat.composer.post_message(Paste("one\r\ntwo\x1b]0;title\x07\x9b31m\u202e"))
        await driver.until(lambda: driver.chat.composer.text)
        assert driver.chat.composer.text == "one\ntwo]0;title31m"


async def test_a_blank_message_is_not_sent() -> None:
    async with driving(company()) as driver:
        await driver.press("space", "enter")
        assert driver.node.called("send") == []


async def test_the_composer_grows_and_shrinks() -> None:
    async with driving(company()) as driver:
        assert driver.chat.composer.size.height == 1
        await driver.write("one\ntwo\nthree")
        await driver.until(lambda: driver.chat.composer.size.height == 3)
        await driver.write("\n" * 20)
        await driver.until(lambda: driver.chat.composer.size.height == 6)
        await driver.press("enter")
        await driver.until(lambda: driver.chat.composer.size.height == 1)


async def test_others_learn_that_one_is_writing_but_not_of_commands() -> None:
    async with driving(company()) as driver:
        await driver.write("/who")
        assert driver.node.called("typing") == []
        driver.chat.composer.put("")
        await driver.write("hello")
        await driver.write(" there")
        assert driver.node.called("typing") == [("room-lobby",)]


async def test_who_is_writing_stands_in_the_status_line_until_it_came() -> None:
    async with driving(company()) as driver:
        driver.node.writes("lobby", "Mira")
        await driver.until(lambda: "Mira is writing …" in driver.bar("status"))
        driver.node.hear("lobby", "Mira", "there")
        await driver.until(lambda: "writing" not in driver.bar("status"))


# ── order ────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_two_messages_at_one_time_stand_as_the_node_says() -> None:
    async with driving(company()) as driver:
        node = driver.node
        node.hear("lobby", "Mira", "first")
        node.says("lobby", "Jonas", "left", lamport=7, id="bb")
        node.says("lobby", "Mira", "right", lamport=7, id="aa")
        node.emit(*(MessageArrived(message=message) for message in node.texts["room-lobby"][1:]))
        await driver.until(lambda: driver.shows("right", "left"))
        lines_are_counted_right(driver)


async def test_a_late_message_takes_its_place_above() -> None:
    async with driving(company()) as driver:
        driver.node.hear("lobby", "Mira", "one", lamport=1)
        driver.node.hear("lobby", "Jonas", "three", lamport=3)
        driver.node.hear("lobby", "Mira", "two", lamport=2, late=True)
        await driver.until(lambda: driver.shows("one", "late: written", "two", "three"))
        lines_are_counted_right(driver)


# ── scrolling ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_it_starts_at_the_newest_and_older_pages_come_when_asked_for() -> None:
    async with driving(long_talk()) as driver:
        assert driver.shows("message 299")
        for _page in range(30):
            await driver.press("pageup")
        await driver.until(lambda: driver.shows("message 0"))
        pages = driver.node.called("messages")
        assert len(pages) == 3
        assert all(before for _room, _limit, before, _after in pages[1:])
        lines_are_counted_right(driver)


async def test_scrolled_up_nothing_moves_when_something_comes() -> None:
    async with driving(long_talk()) as driver:
        await driver.press("pageup", "pageup")
        await driver.until(lambda: not driver.chat.transcript.at_end)
        before = driver.rows()
        for number in range(5):
            driver.node.hear("lobby", "Jonas", f"new {number}")
        await driver.until(lambda: "↓ 5 new" in driver.bar("status"))
        assert driver.rows() == before
        assert driver.node.rooms_by_id["room-lobby"].unread == 0
        await driver.press("end")
        await driver.until(lambda: driver.shows("── new", "new 0", "new 4"))
        assert "new" not in driver.bar("status")


async def test_scrolled_up_nothing_moves_when_older_messages_or_late_ones_come() -> None:
    async with driving(long_talk()) as driver:
        for _page in range(10):
            await driver.press("pageup")
        await driver.until(lambda: len(driver.chat.transcript.timeline.items) >= 200)
        before = driver.rows()
        driver.node.hear("lobby", "Jonas", "late above", lamport=driver.chat.transcript.timeline.items[3].lamport, late=True)
        await driver.until(lambda: "late above" in str(driver.chat.transcript.timeline.items))
        assert driver.rows() == before
        lines_are_counted_right(driver)


async def test_another_width_keeps_what_was_at_the_top() -> None:
    node = long_talk(60)
    node.says("lobby", "Mira", "word " * 80)
    node.says("lobby", "Mira", "the end")
    async with driving(node) as driver:
        await driver.press("pageup", "pageup")
        first = next(row for row in driver.rows() if "message" in row)
        await driver.pilot.resize_terminal(80, 24)
        await driver.until(lambda: driver.chat.has_class("-narrow"))
        await driver.until(lambda: first.strip() in "\n".join(driver.rows()[:4]))
        lines_are_counted_right(driver)


async def test_another_size_at_the_end_stays_at_the_end() -> None:
    async with driving(long_talk()) as driver:
        await driver.pilot.resize_terminal(80, 24)
        await driver.until(lambda: driver.chat.has_class("-narrow") and driver.shows("message 299"))
        await driver.pilot.resize_terminal(140, 50)
        await driver.until(lambda: driver.chat.has_class("-wide") and driver.shows("message 299"))


async def test_a_short_conversation_stands_above_the_composer() -> None:
    async with driving(company()) as driver:
        driver.node.hear("lobby", "Mira", "hello")
        await driver.until(lambda: driver.rows()[-1:] == ["hello"])
        assert driver.rows()[0] == ""


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


# ── help and palette ─────────────────────────────────────────────────────────────────────────────────────────────────


async def test_help_shows_every_command_and_key() -> None:
    async with driving(company(), size=(120, 70)) as driver:
        await driver.press("f1")
        await driver.until(lambda: "Commands" in driver.screen())
        screen = driver.screen()
        for command in commands.COMMANDS:
            assert commands.usage(command) in screen
        assert "Ctrl+P" in screen
        await driver.press("escape")
        assert driver.app.screen is driver.chat


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
        driver.node.emit(Warning(kind="clock", text="Mira"), SyncProgress(room="room-lobby", done=3, total=10))
        await driver.until(lambda: driver.shows("The clock of Mira is far off"))
        assert "Catching up: 3 of 10" in driver.bar("status")
        driver.node.emit(SyncProgress(room="room-lobby", done=10, total=10))
        await driver.until(lambda: "Catching up" not in driver.bar("status"))


async def test_where_events_were_dropped_everything_is_read_anew() -> None:
    async with driving(company()) as driver:
        driver.node.says("lobby", "Mira", "missed")
        driver.node.add_room("workshop", "open")
        driver.node.emit(Warning(kind="dropped", text="7"))
        await driver.until(lambda: driver.shows("missed"))
        assert "workshop" in driver.bar("rooms")


async def test_a_delivery_for_another_room_changes_nothing_here() -> None:
    async with driving(company("circle")) as driver:
        driver.node.emit(Delivered(message="x", room="room-circle", delivered_to=[identity("Mira")["id"]]))
        driver.node.hear("lobby", "Mira", "still here")
        await driver.until(lambda: driver.shows("still here"))
