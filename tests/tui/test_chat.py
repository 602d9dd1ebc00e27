from __future__ import annotations

import asyncio

from textual.events import Paste

from peertalk.core.events import MessageArrived
from peertalk.errors import RequestError
from tests.tui.driving import company, driving, lines_are_counted_right, long_talk
from tests.tui.fake_node import FakeNode
from tests.tui.make import SETTINGS

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


async def test_older_goes_back_as_the_key_does() -> None:
    async with driving(long_talk()) as driver:
        await driver.until(lambda: driver.chat.transcript.at_end)
        await driver.write("/older", "enter")
        await driver.until(lambda: not driver.chat.transcript.at_end)


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
