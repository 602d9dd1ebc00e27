"""Being sure of each other: words of a room, symbols for two, another key, and rooms started anew."""

from __future__ import annotations

import asyncio
import time

import msgspec

from peertalk.core import events
from peertalk.core.events import Peer
from peertalk.errors import RequestError
from peertalk.tui.screens.compare import Compare
from peertalk.tui.screens.match import Matching
from peertalk.tui.widgets.choices import Choices
from peertalk.tui.widgets.ticks import Ticks
from tests.tui.driving import Driver, company, driving
from tests.tui.fake_node import FakeNode, identity

MIRA, JONAS = identity("Mira")["id"], identity("Jonas")["id"]


def circle() -> FakeNode:
    node = company("circle")
    node.now = time.time_ns() // 1_000_000
    return node


def known(node: FakeNode, name: str) -> Peer:
    return next(peer for peer in node.peers_by_id.values() if peer.name == name)


async def inside(driver: Driver) -> None:
    await driver.press("alt+2")
    await driver.until(lambda: "circle" in driver.bar("header"))


async def comparing(driver: Driver) -> Compare:
    await inside(driver)
    await driver.press("f6")
    await driver.until(lambda: isinstance(driver.app.screen, Compare))
    screen = driver.app.screen
    assert isinstance(screen, Compare)
    return screen


# ── the words of a room ──────────────────────────────────────────────────────────────────────────────────────────────


async def test_who_is_ticked_is_verified_once_all_is_the_same() -> None:
    async with driving(circle()) as driver:
        await comparing(driver)
        await driver.until(lambda: "3 names with yours: are you 3 people?" in driver.screen())
        assert "river" in driver.screen()
        await driver.press("space", "enter", "enter")
        await driver.until(lambda: driver.node.called("verified") == [("room-circle", [JONAS])])
        await driver.until(lambda: "Verified from now on: Jonas." in driver.screen())
        assert "Not verified, since they were not ticked: Mira." in driver.screen()
        await driver.press("enter")
        await driver.until(lambda: driver.app.screen is driver.chat)
        await driver.until(lambda: "everyone here is verified but Mira" in driver.bar("keys"))


async def test_with_nobody_ticked_nobody_is_verified() -> None:
    async with driving(circle()) as driver:
        screen = await comparing(driver)
        await driver.press("enter", "enter")
        await driver.until(lambda: "Tick first who is really here" in driver.screen())
        assert driver.node.called("verified") == []
        assert driver.app.focused is screen.query_one(Ticks)


async def test_something_differs_verifies_nobody_and_says_what_to_do() -> None:
    async with driving(circle()) as driver:
        await comparing(driver)
        await driver.press("space", "enter", "right", "enter")
        await driver.until(lambda: "Nobody was marked as verified." in driver.screen())
        assert "Make a new room" in driver.screen()
        await driver.press("right", "enter")
        await driver.until(lambda: "A new room" in driver.screen())
        assert driver.node.called("verified") == []


async def test_from_differing_words_one_can_leave_but_is_asked() -> None:
    async with driving(circle()) as driver:
        await comparing(driver)
        await driver.press("enter", "right", "enter")
        await driver.until(lambda: "Nobody was marked as verified." in driver.screen())
        await driver.press("right", "right", "enter")
        await driver.until(lambda: "Leave circle?" in driver.screen())
        await driver.press("enter")
        await driver.until(lambda: driver.app.screen is driver.chat)
        assert driver.node.called("leave") == []


async def test_words_that_change_under_ones_eyes_have_to_be_compared_again() -> None:
    async with driving(circle()) as driver:
        screen = await comparing(driver)
        await driver.press("space", "enter")
        assert driver.app.focused is screen.query_one(Choices)
        before = driver.node.words

        async def others(room: str, language: str | None = None) -> events.Words:
            return msgspec.structs.replace(await before(room, language), words=["other"] * 10)

        driver.node.words = others  # type: ignore[method-assign]
        driver.node.come("Sam", "circle")
        await driver.until(lambda: "the words are new. Begin again." in driver.screen())
        assert "Sam" in screen.query_one(Ticks).words
        assert "[x] Jonas" in screen.query_one(Ticks).words
        assert driver.app.focused is screen.query_one(Ticks)


async def test_while_the_people_differ_no_words_are_shown_and_then_they_come_by_themselves() -> None:
    node = circle()
    node.gathering, node.differ = True, [known(node, "Mira")]
    async with driving(node) as driver:
        screen = await comparing(driver)
        await driver.until(lambda: "Mira sees other people here than you do" in driver.screen())
        assert "river" not in driver.screen()
        node.gathering, node.differ = False, []
        node.change("room-circle", "words")
        await driver.until(lambda: "river" in driver.screen())
        assert driver.app.focused is screen.query_one(Ticks)


# ── symbols for two ──────────────────────────────────────────────────────────────────────────────────────────────────


async def test_who_wants_to_compare_is_a_quiet_line_until_it_is_opened() -> None:
    async with driving(circle()) as driver:
        driver.node.asks_to_verify(known(driver.node, "Jonas"))
        await driver.until(lambda: "Jonas wants to compare symbols with you   F5 opens it" in driver.bar("asks"))
        assert driver.app.screen is driver.chat
        await driver.press("f5")
        await driver.until(lambda: "Unicorn" in driver.screen())
        assert driver.bar("asks") == "" or not driver.chat.query_one("#asks").display


async def test_an_enter_that_was_meant_for_something_else_verifies_nobody() -> None:
    async with driving(circle()) as driver:
        driver.node.asks_to_verify(known(driver.node, "Jonas"))
        await driver.press("f5")
        await driver.until(lambda: "Unicorn" in driver.screen())
        await driver.press("enter", "space", "enter")
        await driver.pilot.pause()
        assert driver.node.called("confirm") == []
        await driver.press("right", "enter")
        await driver.until(lambda: driver.node.called("confirm") == [(JONAS, True)])
        await driver.until(lambda: "Jonas is verified." in driver.screen())


async def test_symbols_that_differ_verify_nobody_and_it_is_said_what_to_do() -> None:
    async with driving(circle()) as driver:
        driver.node.asks_to_verify(known(driver.node, "Jonas"))
        await driver.press("f5")
        await driver.until(lambda: "Unicorn" in driver.screen())
        await driver.press("left", "enter")
        await driver.until(lambda: driver.node.called("confirm") == [(JONAS, False)])
        await driver.until(lambda: "Good that you looked. Jonas is not verified." in driver.screen())
        await driver.press("enter")
        await driver.until(lambda: len(driver.node.called("verify")) == 2)


async def test_verify_waits_beside_everything_else_until_the_other_one_comes() -> None:
    node = circle()
    node.before_verify = asyncio.Event()
    async with driving(node) as driver:
        await driver.write("/verify Jonas", "enter")
        await driver.until(lambda: "Waiting for Jonas" in driver.bar("status"))
        assert driver.app.screen is driver.chat
        node.before_verify.set()
        await driver.until(lambda: isinstance(driver.app.screen, Matching) and "Unicorn" in driver.screen())


async def test_waiting_on_the_sheet_ends_with_esc() -> None:
    node = circle()
    node.before_verify = asyncio.Event()
    async with driving(node) as driver:
        node.asks_to_verify(known(node, "Jonas"))
        await driver.press("f5")
        await driver.until(lambda: "Waiting for Jonas" in driver.screen())
        await driver.press("escape")
        await driver.until(lambda: driver.app.screen is driver.chat)
        assert driver.node.called("confirm") == []


async def test_who_went_away_no_longer_asks() -> None:
    async with driving(circle()) as driver:
        driver.node.asks_to_verify(known(driver.node, "Jonas"))
        await driver.until(lambda: "Jonas wants to compare" in driver.bar("asks"))
        driver.node.come("Jonas", "circle", online=False)
        await driver.until(lambda: not driver.chat.query_one("#asks").display)
        await driver.press("f5")
        await driver.until(lambda: "Nothing waits for your answer." in driver.bar("status"))


async def test_why_it_did_not_come_to_comparing_is_said() -> None:
    node = circle()
    node.refuse["verify"] = RequestError("not_reachable", why="away", name="Jonas")
    async with driving(node) as driver:
        node.asks_to_verify(known(node, "Jonas"))
        await driver.press("f5")
        await driver.until(lambda: "It did not come to comparing with Jonas." in driver.screen())


# ── another key ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_to_another_key_nothing_is_sent_and_there_are_two_ways() -> None:
    node = circle()
    node.refuse["send"] = RequestError("key_changed", name="Mira", room="circle")
    async with driving(node) as driver:
        await inside(driver)
        await driver.write("a secret", "enter")
        await driver.until(lambda: "Mira has another key than the one that you have verified." in driver.screen())
        await driver.press("down", "enter")
        await driver.until(lambda: driver.app.screen is driver.chat)
        assert driver.chat.composer.text == "a secret"
        assert driver.node.texts["room-circle"] == []
        await driver.press("enter")
        await driver.until(lambda: "Compare now" in driver.screen())
        await driver.press("enter")
        await driver.until(lambda: isinstance(driver.app.screen, Compare))


async def test_in_a_room_of_two_comparing_now_means_symbols() -> None:
    node = circle()
    node.refuse["send"] = RequestError("key_changed", name="Mira", room="Mira")
    async with driving(node) as driver:
        await driver.write("/msg Mira", "enter")
        await driver.until(lambda: "Mira" in driver.bar("header"))
        await driver.write("a secret", "enter")
        await driver.until(lambda: "Compare now" in driver.screen())
        await driver.press("enter")
        await driver.until(lambda: driver.node.called("verify") == [(MIRA,)])


async def test_who_could_be_taken_for_somebody_else_is_marked_until_verified() -> None:
    async with driving(circle()) as driver:
        driver.node.emit(events.Warning(kind="same_name_new_key", text="Mira", peer=MIRA, room="room-circle"))
        await driver.until(lambda: "● Mira !" in driver.bar("rooms"))
        await driver.node.verify(MIRA)
        await driver.node.confirm(MIRA, True)
        await driver.until(lambda: "● Mira ✓" in driver.bar("rooms"))


# ── rooms started anew ───────────────────────────────────────────────────────────────────────────────────────────────


async def offered(driver: Driver) -> None:
    node = driver.node
    node.offers_to_follow(node.rooms_by_id["room-circle"], known(node, "Mira"), [known(node, "Jonas")])
    await driver.until(lambda: "Mira has started circle anew without Jonas   F5 opens it" in driver.bar("asks"))
    await driver.press("f5")
    await driver.until(lambda: "Come along" in driver.screen())


async def test_an_offer_is_followed() -> None:
    async with driving(circle()) as driver:
        await offered(driver)
        await driver.press("enter")
        await driver.until(lambda: driver.node.called("follow") == [("offer-0",)])
        await driver.until(lambda: not driver.chat.query_one("#asks").display)
        await driver.until(lambda: "◇ circle" in driver.bar("rooms"))


async def test_an_offer_is_declined() -> None:
    async with driving(circle()) as driver:
        await offered(driver)
        await driver.press("down", "enter")
        await driver.until(lambda: driver.node.called("decline") == [("offer-0",)])
        await driver.until(lambda: not driver.chat.query_one("#asks").display)


async def test_an_offer_can_wait() -> None:
    async with driving(circle()) as driver:
        await offered(driver)
        await driver.press("escape")
        await driver.until(lambda: driver.app.screen is driver.chat)
        assert driver.node.called("follow") == driver.node.called("decline") == []
        assert driver.chat.query_one("#asks").display


async def test_offers_that_came_before_are_there_from_the_start() -> None:
    node = circle()
    node.offers_to_follow(node.rooms_by_id["room-circle"], known(node, "Mira"), [known(node, "Jonas")])
    async with driving(node) as driver:
        await driver.until(lambda: "Mira has started circle anew without Jonas" in driver.bar("asks"))
