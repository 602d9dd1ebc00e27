"""The transcript by itself: quick whatever the length, and copied as it was written."""

from __future__ import annotations

from statistics import median
from time import perf_counter

from textual.geometry import Offset
from textual.selection import Selection

from peertalk.core.events import Message
from tests.tui.driving import Driver, driving
from tests.tui.fake_node import FakeNode
from tests.tui.make import SETTINGS

WORDS = "I have been putting off that phone call for two weeks now, wäre gerne früher 🚆 da gewesen"


def talk(count: int) -> FakeNode:
    node = FakeNode(SETTINGS)
    node.add_peer("Mira", "lobby")
    for number in range(count):
        node.says("lobby", "Mira", WORDS * (1 + number % 3), minutes=0.2)
    return node


async def costs(count: int) -> float:
    """Seconds that a new message takes, as far as it is ours: placed, counted, scrolled to, and its rows drawn."""
    async with driving(talk(count)) as driver:
        transcript = driver.chat.transcript
        conversation = driver.chat.talk.conversation  # type: ignore[union-attr]
        assert conversation is not None
        transcript.timeline.load(await driver.node.messages("room-lobby", limit=count))
        transcript.show(transcript.timeline)
        assert len(transcript.timeline.items) == count
        times = []
        for _number in range(40):
            message = driver.node.says("lobby", "Mira", WORDS)
            began = perf_counter()
            driver.chat.follow(conversation.take(message))
            for y in range(transcript.size.height):
                transcript.render_line(y)
            times.append(perf_counter() - began)
        return median(times)


async def test_a_message_costs_the_same_after_ten_thousand_as_after_a_hundred() -> None:
    few, many = await costs(100), await costs(10_000)
    assert many < 4 * few + 0.002


async def test_only_what_is_shown_is_wrapped_and_styled() -> None:
    async with driving(talk(2_000)) as driver:
        transcript = driver.chat.transcript
        transcript.timeline.load(await driver.node.messages("room-lobby", limit=2_000))
        transcript.show(transcript.timeline)
        await driver.pilot.pause()
        assert len(transcript._rendered) <= transcript.size.height


async def test_rows_are_counted_as_they_are_drawn_whatever_the_clocks_say() -> None:
    node = talk(3)
    async with driving(node) as driver:
        transcript = driver.chat.transcript
        conversation = driver.chat.talk.conversation  # type: ignore[union-attr]
        assert conversation is not None
        for number in range(60):
            clock = {"clock": "ahead", "minutes": 1440 * 3.0} if number % 7 == 3 else {}
            driver.chat.follow(conversation.take(node.says("lobby", "Mira", f"message {number}", **clock)))
        said = [item for item in conversation.timeline.items if isinstance(item, Message)]
        at = next(index for index, message in enumerate(said) if message.clock)
        before = list(transcript._heights)
        driver.chat.follow(conversation.take(node.change_message(said[at - 1], time=said[at].time)))
        counted = list(transcript._heights)
        assert counted != before, "the message after that one begins no new day any more"
        transcript._measure()
        assert transcript._heights == counted


def row_of(driver: Driver, text: str) -> int:
    """The row of the window that shows this."""
    transcript = driver.chat.transcript
    y = next(y for y in range(transcript.size.height) if text in transcript.render_line(y).text)
    return transcript.scroll_offset.y + y - transcript._padding


async def test_copied_paragraphs_are_in_one_piece() -> None:
    node = FakeNode(SETTINGS)
    node.add_peer("Mira", "lobby")
    node.says("lobby", "Mira", "the train stood in a field for half an hour today\nand then it went on")
    async with driving(node, size=(60, 24)) as driver:
        transcript = driver.chat.transcript
        first, last = row_of(driver, "the train"), row_of(driver, "and then")
        assert last - first == 2
        copied = transcript.get_selection(Selection(Offset(4, first), Offset(8, last)))
        assert copied == ("train stood in a field for half an hour today\nand then", "\n")
        everything = transcript.get_selection(Selection(None, None))
        assert everything is not None
        assert everything[0].endswith("for half an hour today\nand then it went on")


async def test_what_is_marked_is_shown_in_its_colours_and_can_be_copied() -> None:
    node = FakeNode(SETTINGS)
    node.add_peer("Mira", "lobby")
    node.says("lobby", "Mira", "日本 words 🚆 more")
    async with driving(node) as driver:
        transcript = driver.chat.transcript
        y = row_of(driver, "words") + transcript._padding
        left = transcript.region.x + 2
        await driver.pilot.mouse_down(offset=(left, transcript.region.y + y))
        await driver.pilot.hover(offset=(left + 10, transcript.region.y + y))
        await driver.pilot.mouse_up(offset=(left + 10, transcript.region.y + y))
        await driver.until(driver.chat.get_selected_text)
        assert driver.chat.get_selected_text() == "日本 words"
        plain, marked = transcript.render_line(y - 1), transcript.render_line(y)
        assert marked.text.startswith("日本 words 🚆 more")
        assert len({segment.style.bgcolor for segment in marked if segment.style}) == 2
        assert len({segment.style.bgcolor for segment in plain if segment.style}) == 1
