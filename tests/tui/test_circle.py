"""Into a private room, and others into it: by key, palette and command, as sheets over the conversation."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import msgspec
import pytest
from textual import events

from peertalk import commands
from peertalk.core import codes
from peertalk.core.events import Room, RoomChanged
from peertalk.errors import RequestError
from peertalk.tui.screens.accept import Accept
from peertalk.tui.screens.ask import Line
from peertalk.tui.screens.invitation import Invitation
from peertalk.tui.widgets.choices import Choices
from tests.tui.driving import Driver, company, driving
from tests.tui.fake_node import FakeNode

CODE = "7 guitar meadow comet"
OUT_THERE = Room(id="room-out there", name="out there", kind="private", members=2, online=2, retention="session")


def circle() -> FakeNode:
    """Mira and Jonas are in a private room; it is by the clock on the wall that its codes die."""
    node = company("circle")
    node.now = time.time_ns() // 1_000_000
    return node


async def inside(driver: Driver) -> None:
    await driver.press("alt+2")
    await driver.until(lambda: "circle" in driver.bar("header"))


def offered(driver: Driver) -> str:
    found = driver.app.screen.query(Choices)
    return found.first().words if found else ""


# ── a new room ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_room_is_made_with_enter_alone_and_then_it_offers_to_invite() -> None:
    async with driving(circle()) as driver:
        await driver.write("/create", "enter")
        await driver.until(lambda: "A new room" in driver.screen())
        await driver.press(*"tea", "enter", "enter", "enter", "enter")
        await driver.until(lambda: driver.node.called("create") == [("tea", "forever", "en")])
        await driver.until(lambda: "You are in tea now, so far alone." in driver.screen())
        await driver.press("enter")
        await driver.until(lambda: "7   guitar   meadow   comet" in driver.screen())
        assert driver.node.called("invite")[0][0] == "room-tea"
        await driver.press("escape")
        await driver.until(lambda: driver.app.screen is driver.chat)
        assert "tea" in driver.bar("header")


async def test_how_long_it_keeps_and_its_language_are_chosen_with_the_arrow_keys() -> None:
    async with driving(circle()) as driver:
        await driver.write("/create", "enter")
        await driver.until(lambda: "A new room" in driver.screen())
        await driver.press(*"tea", "enter", "down", "right", "enter", "right", "enter", "enter")
        await driver.until(lambda: driver.node.called("create") == [("tea", 90, "de")])


async def test_a_room_without_a_name_is_not_made_and_esc_leaves() -> None:
    async with driving(circle()) as driver:
        await driver.write("/create", "enter")
        await driver.until(lambda: "A new room" in driver.screen())
        await driver.press("enter")
        await driver.until(lambda: "A room needs a name." in driver.screen())
        await driver.press("escape")
        await driver.until(lambda: driver.app.screen is driver.chat)
        assert driver.node.called("create") == []


async def test_what_the_node_says_about_a_new_room_stands_on_its_sheet() -> None:
    node = circle()
    node.refuse["create"] = RequestError("bad_name", why="too_long", name="tea")
    async with driving(node) as driver:
        await driver.write("/create", "enter")
        await driver.until(lambda: "A new room" in driver.screen())
        await driver.press(*"tea", "enter", "enter", "enter", "enter")
        await driver.until(lambda: "That name is longer than" in driver.screen())
        assert driver.app.focused is driver.app.screen.query_one(Line)


# ── inviting ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_f9_shows_a_code_and_later_the_same_one() -> None:
    async with driving(circle()) as driver:
        await inside(driver)
        await driver.press("f9")
        await driver.until(lambda: "7   guitar   meadow   comet" in driver.screen())
        assert "/accept 7 guitar meadow comet" in driver.screen()
        await driver.press("escape", "f9")
        await driver.until(lambda: "7   guitar   meadow   comet" in driver.screen())
        assert len(driver.node.called("invite")) == 1


async def test_that_a_code_is_out_is_seen_after_its_sheet_was_closed() -> None:
    node = circle()
    node.now = time.time_ns() // 1_000_000
    async with driving(node) as driver:
        await inside(driver)
        assert "code" not in driver.bar("status")
        await driver.press("f9")
        await driver.until(lambda: "guitar" in driver.screen())
        await driver.press("escape")
        await driver.until(lambda: "a code is out: 9:5" in driver.bar("status"))
        assert "F9 shows it" in driver.bar("status")
        await driver.press("f9")
        await driver.until(lambda: "guitar" in driver.screen())
        await driver.press("right", "enter")  # for more people
        await driver.until(lambda: "8   guitar" in driver.screen())
        node.uses("8-guitar-meadow-comet", node.add_peer("Ada"))
        await driver.press("escape")
        await driver.until(lambda: "a code is out: 1 of 20 came, 9:5" in driver.bar("status"))
        node.dies("8-guitar-meadow-comet", "expired")
        await driver.until(lambda: "code is out" not in driver.bar("status"))


async def test_an_invitation_says_who_came_in_and_that_it_is_used_up() -> None:
    async with driving(circle()) as driver:
        await inside(driver)
        await driver.press("f9")
        await driver.until(lambda: "guitar" in driver.screen())
        driver.node.uses("7-guitar-meadow-comet", driver.node.add_peer("Sam"))
        await driver.until(lambda: "Sam came in by it." in driver.screen())
        await driver.until(lambda: "This code has let in everyone it was for." in driver.screen())
        await driver.press("enter")
        await driver.until(lambda: len(driver.node.called("invite")) == 2)
        await driver.until(lambda: "guitar   meadow" in driver.screen())


async def test_more_people_get_another_code_and_the_first_one_is_taken_back() -> None:
    async with driving(circle()) as driver:
        await inside(driver)
        await driver.press("f9")
        await driver.until(lambda: "It works once" in driver.screen())
        await driver.press("right", "enter")
        await driver.until(lambda: "It works for 20 people" in driver.screen())
        assert driver.node.called("cancel_invite") == [("7-guitar-meadow-comet",)]
        assert "8   guitar" in driver.screen()


async def test_the_link_is_copied_and_shown() -> None:
    async with driving(circle()) as driver:
        await inside(driver)
        await driver.press("f9")
        await driver.until(lambda: "guitar" in driver.screen())
        assert "peertalk:1/7" not in driver.screen()
        await driver.press("enter")
        await driver.until(lambda: "peertalk:1/7/abcdefghij" in driver.screen())
        assert driver.app.clipboard.startswith("peertalk:1/7/abcdefghij")


async def test_an_invitation_is_taken_back() -> None:
    async with driving(circle()) as driver:
        await inside(driver)
        await driver.press("f9")
        await driver.until(lambda: "guitar" in driver.screen())
        await driver.press("right", "right", "enter")
        await driver.until(lambda: driver.app.screen is driver.chat)
        assert driver.node.called("cancel_invite") == [("7-guitar-meadow-comet",)]


async def test_a_code_whose_time_is_over_says_so_by_itself() -> None:
    node = circle()
    async with driving(node) as driver:
        await inside(driver)
        await driver.press("f9")
        await driver.until(lambda: "guitar" in driver.screen())
        sheet = driver.app.screen
        assert isinstance(sheet, Invitation)
        sheet.door = replace(sheet.door, invite=msgspec.structs.replace(sheet.door.invite, expires_at=node.now - 1))
        sheet.draw()
        await driver.until(lambda: "The time of this code is over" in driver.screen())
        assert "guitar" not in driver.screen()


async def test_into_an_open_room_nobody_is_invited() -> None:
    async with driving(circle()) as driver:
        await driver.press("f9")
        await driver.until(lambda: driver.node.called("invite") != [])
        await driver.pilot.pause()
        assert driver.app.screen is driver.chat
        assert driver.chat.transcript.timeline.items


@pytest.mark.parametrize(("size", "shown"), [((120, 40), True), ((80, 24), False)])
async def test_the_qr_code_stands_where_there_is_room(size: tuple[int, int], shown: bool) -> None:
    async with driving(circle(), size=size) as driver:
        await inside(driver)
        await driver.press("f9")
        await driver.until(lambda: "guitar" in driver.screen())
        assert ("█▀" in driver.screen()) is shown
        assert "Esc closes" in driver.screen()


# ── coming in ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def accepting(driver: Driver) -> Accept:
    driver.chat.begin_command(next(each for each in commands.COMMANDS if each.id == "accept"))
    await driver.until(lambda: isinstance(driver.app.screen, Accept))
    screen = driver.app.screen
    assert isinstance(screen, Accept)
    return screen


async def test_a_code_is_completed_by_tab_and_leads_into_the_room() -> None:
    node = circle()
    node.doors[CODE] = OUT_THERE
    async with driving(node) as driver:
        screen = await accepting(driver)
        await driver.press(*"7 gui", "tab", *" mea", "tab", *" com")
        await driver.until(lambda: "comet" in driver.screen())
        await driver.press("tab", "enter")
        await driver.until(lambda: "out there" in driver.bar("header"))
        assert screen not in driver.app.screen_stack
        assert driver.node.called("accept")[0][0] == CODE


async def test_tab_goes_on_to_other_words_that_begin_so() -> None:
    async with driving(circle()) as driver:
        screen = await accepting(driver)
        await driver.press(*"7 guitar me", "tab")
        first = screen.query_one(Line).value
        await driver.press("tab")
        assert screen.query_one(Line).value != first
        assert screen.query_one(Line).value.startswith("7 guitar me")


async def test_a_word_that_is_none_is_said_while_the_next_one_is_typed() -> None:
    async with driving(circle()) as driver:
        await accepting(driver)
        await driver.press(*"7 guitor")
        await driver.press(*" me")
        await driver.until(lambda: "guitor" in driver.screen().replace("7 guitor", "", 1))


async def test_while_it_looks_it_says_so_and_can_be_stopped() -> None:
    node = circle()
    node.before_accept = asyncio.Event()
    async with driving(node) as driver:
        screen = await accepting(driver)
        await driver.press(*CODE, "enter")
        await driver.until(lambda: "Looking for whoever invites with this code" in driver.screen())
        await driver.press("enter")
        await driver.until(lambda: "Looking" not in driver.screen())
        assert driver.app.focused is screen.query_one(Line)
        assert screen.query_one(Line).value == CODE


async def test_a_code_that_does_not_fit_says_so_where_it_was_typed() -> None:
    node = circle()
    node.doors[CODE] = RequestError("bad_code", reason="expired")
    async with driving(node) as driver:
        screen = await accepting(driver)
        await driver.press(*CODE, "enter")
        await driver.until(lambda: driver.node.called("accept") != [] and not screen.query_one(Line).disabled)
        await driver.until(lambda: "Looking" not in driver.screen())
        assert driver.app.screen is screen
        assert driver.app.focused is screen.query_one(Line)
        assert "ask" in driver.screen().lower()


async def test_a_pasted_link_cannot_reach_the_terminal_and_is_taken_as_it_is() -> None:
    node = circle()
    link = "peertalk:1/7/abcdefghijklmnopqrstuvwxyz"
    node.doors[link] = OUT_THERE
    async with driving(node) as driver:
        screen = await accepting(driver)
        screen.query_one(Line).post_message(events.Paste(f"\x1b\x07\u202e{link}\nand more"))
        await driver.until(lambda: screen.query_one(Line).value == link)
        await driver.press("enter")
        await driver.until(lambda: "out there" in driver.bar("header"))


async def test_the_command_without_a_code_opens_the_sheet_to_type_it() -> None:
    async with driving(circle()) as driver:
        await driver.write("/accept", "enter")
        await driver.until(lambda: "What was said to you?" in driver.screen())


@pytest.mark.parametrize("slip", [CODE, "7 guitar meadow gomet", codes.link(7, bytes(16))])
async def test_a_code_is_not_sent_to_an_open_room_but_looked_for(slip: str) -> None:
    node = circle()
    async with driving(node) as driver:
        await driver.write(slip, "enter")
        await driver.until(lambda: "It was not sent" in driver.screen())
        assert driver.app.screen.query_one(Line).value == slip
        node.doors[slip] = OUT_THERE
        await driver.press("enter")
        await driver.until(lambda: "out there" in driver.bar("header"))
        assert node.called("send") == []


async def test_among_members_and_within_a_sentence_a_code_is_a_text_like_any_other() -> None:
    node = circle()
    async with driving(node) as driver:
        await driver.write("3 cups of tea", "enter")
        await driver.write(f"the code is {CODE}", "enter")
        await inside(driver)
        await driver.write(CODE, "enter")
        await driver.until(lambda: len(node.called("send")) == 3)


async def test_what_was_typed_as_a_command_waits_beside_everything_else_and_esc_stops_it() -> None:
    node = circle()
    node.before_accept = asyncio.Event()
    async with driving(node) as driver:
        await driver.write(f"/accept {CODE}", "enter")
        await driver.until(lambda: "Looking for whoever said this code" in driver.bar("status"))
        await driver.write("hello", "enter")
        await driver.until(lambda: driver.node.called("send") == [("room-lobby", "hello")])
        await driver.press("escape")
        await driver.until(lambda: "No longer waiting." in driver.bar("status"))
        node.before_accept.set()
        await driver.pilot.pause()
        assert "out there" not in driver.bar("rooms")


async def test_cancel_stops_waiting_too() -> None:
    node = circle()
    node.before_accept = asyncio.Event()
    async with driving(node) as driver:
        await driver.write(f"/accept {CODE}", "enter")
        await driver.until(lambda: "Looking for whoever said this code" in driver.bar("status"))
        await driver.write("/cancel", "enter")
        await driver.until(lambda: "Looking" not in driver.bar("status"))


async def test_who_comes_into_a_private_room_has_to_be_compared_with() -> None:
    node = circle()
    node.add_room("tea")
    async with driving(node) as driver:
        await driver.press("alt+3")
        await driver.until(lambda: "tea" in driver.bar("header"))
        assert "words: compare" not in driver.bar("header")
        node.add_peer("Sam", "tea")
        node.emit(RoomChanged(room=node.rooms_by_id["room-tea"], change="members"))  # nothing is said of Sam alone
        await driver.until(lambda: "words: compare" in driver.bar("header"))


# ── how a room stands ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_before_a_closed_door_it_says_so_and_nothing_else() -> None:
    node = circle()
    node._put(msgspec.structs.replace(node.rooms_by_id["room-circle"], outside=True, sealed=True, online=1))
    async with driving(node) as driver:
        await inside(driver)
        await driver.until(lambda: "The door is closed. Somebody inside can let you in." in driver.screen())
        assert "the door is closed" in driver.bar("header")
        driver.node.change("room-circle", "outside", outside=False, online=3)
        await driver.until(lambda: "● 3 here" in driver.bar("header"))
        assert "door closed" in driver.bar("header")


async def test_an_archived_room_is_only_read_and_shows_what_came_after_the_split() -> None:
    node = circle()
    node.says("circle", "Mira", "before")
    node.says("circle", "Sam", "where are you", after_split=True)
    node.says("circle", "Sam", "hello?", after_split=True)
    async with driving(node) as driver:
        await inside(driver)
        driver.node.change("room-circle", "archived", archived=True)
        await driver.until(lambda: "only to be read" in driver.bar("header"))
        assert driver.shows("before", "── after the split ──", "where are you", "hello?")
        assert sum("after the split" in line for line in driver.rows()) == 1
        assert "here it is only read" in str(driver.chat.composer.placeholder)
        await driver.write("/who", "enter")
        await driver.until(lambda: driver.shows("3 people in circle"))
        driver.node.hear("circle", "Sam", "anybody?", after_split=True)
        await driver.until(lambda: driver.shows("anybody?"))
        assert sum("after the split" in line for line in driver.rows()) == 1
