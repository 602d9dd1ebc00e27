"""What changes about messages, on the screen."""

from __future__ import annotations

import pytest

from peertalk import i18n
from tests.tui.driving import company, driving, lines_are_counted_right
from tests.tui.fake_node import FakeNode


@pytest.fixture(autouse=True)
def english() -> None:
    i18n.activate("en")


@pytest.fixture
def node() -> FakeNode:
    return company()


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_a_message_is_shown_as_it_is_now(node: FakeNode, size: tuple[int, int]) -> None:
    said = node.says("lobby", "Mira", "at nine")
    mira = said.author.id
    async with driving(node, size=size) as driver:
        said = node.change_message(said, text="at ten", edited=True)
        await driver.until(lambda: driver.shows("at ten (edited)"))
        said = node.change_message(said, reactions={"thanks": [mira]})
        await driver.until(lambda: driver.shows("at ten (edited)", "Mira: thank you"))
        lines_are_counted_right(driver)
        node.change_message(said, text="", reactions={}, deleted=True)
        await driver.until(lambda: driver.shows("· Mira deleted a message ·"))
        assert not driver.shows("at ten")
        lines_are_counted_right(driver)


async def test_the_unread_line_stays_where_what_stands_below_it_changes(node: FakeNode) -> None:
    node.says("lobby", "Mira", "read", minutes=1)
    unread = node.says("lobby", "Mira", "unread", minutes=30)
    node.rooms_by_id["room-lobby"] = node._put(node.rooms_by_id["room-lobby"].__class__(
        id="room-lobby", name="lobby", kind="open", members=3, online=3, unread=1))  # fmt: skip
    async with driving(node) as driver:
        await driver.until(lambda: driver.shows("── new", "unread"))
        node.change_message(unread, reactions={"hear": [unread.author.id]})
        await driver.until(lambda: driver.shows("── new", "unread", "Mira: I hear you"))


async def test_what_waited_and_was_deleted_is_gone(node: FakeNode) -> None:
    lonely = node.says("lobby", "Robin", "to nobody", state="waiting", seq=None, lamport=None)
    async with driving(node) as driver:
        await driver.until(lambda: driver.shows("to nobody"))
        node.change_message(lonely, text="", deleted=True)
        await driver.until(lambda: not driver.shows("to nobody"))
        assert not driver.shows("deleted a message")
        lines_are_counted_right(driver)


async def test_commands_change_what_is_on_the_screen(node: FakeNode) -> None:
    async with driving(node) as driver:
        await driver.write("at nine", "enter")
        node.hear("lobby", "Mira", "see you")
        await driver.until(lambda: driver.shows("at nine", "see you"))
        await driver.write("/edit at ten", "enter")
        await driver.until(lambda: driver.shows("at ten (edited)"))
        await driver.write("/react hope", "enter")
        await driver.until(lambda: driver.shows("see you", "you: hope"))
        await driver.write("/delete", "enter")
        await driver.until(lambda: "Delete “at ten”?" in driver.screen())
        await driver.press("down", "enter")
        await driver.until(lambda: driver.shows("· you deleted a message ·"))
