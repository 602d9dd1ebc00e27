from __future__ import annotations

from dataclasses import replace

import pytest

from peertalk.errors import StartError
from tests.tui.driving import Driver, driving
from tests.tui.fake_node import FakeNode
from tests.tui.make import SETTINGS

WRONG = StartError("wrong_passphrase")
TAKEN = StartError("port_in_use", port=47000)


def asks(driver: Driver, words: str):
    return driver.until(lambda: words in driver.screen())


async def test_the_first_start_takes_three_answers() -> None:
    async with driving(profile="new") as driver:
        await asks(driver, "What shall others call you?")
        await driver.press(*"Robin", "enter")
        await asks(driver, "Keep your history on this computer?")
        await driver.press("down", "enter")
        await asks(driver, "Shall everyone on this network find you?")
        await driver.press("enter")
        await driver.until(lambda: driver.chat.talk is not None)
        assert driver.settings == [replace(SETTINGS, name="Robin")]
        assert driver.tried == [None]


async def test_the_prefilled_name_is_taken_with_enter_alone_and_esc_goes_back() -> None:
    async with driving(profile="new") as driver:
        await asks(driver, "First start · 1 of 3")
        await driver.press("escape")
        await asks(driver, "First start · 1 of 3")
        await driver.press("enter")
        await asks(driver, "First start · 2 of 3")
        await driver.press("escape")
        await asks(driver, "First start · 1 of 3")


async def test_a_name_without_a_letter_is_refused_on_the_spot() -> None:
    async with driving(profile="new") as driver:
        await asks(driver, "What shall others call you?")
        await driver.press("exclamation_mark", "enter")
        await asks(driver, "A name needs at least one letter or digit.")
        await driver.press("a")
        await driver.until(lambda: "at least one letter" not in driver.screen())


async def test_a_passphrase_never_stands_on_the_screen() -> None:
    async with driving(profile="new") as driver:
        await asks(driver, "1 of 3")
        await driver.press("enter")
        await asks(driver, "2 of 3")
        await driver.press("enter")
        await asks(driver, "A passphrase for your history")
        await driver.press(*"sesame")
        assert "sesame" not in driver.screen()
        await driver.press("enter")
        await asks(driver, "The same once more")
        await driver.press(*"sesame", "enter")
        await asks(driver, "3 of 3")
        await driver.press("down", "enter")
        await driver.until(lambda: driver.chat.talk is not None)
        assert driver.tried == ["sesame"]
        assert driver.remembered == {"lobby": False}


async def test_a_wrong_passphrase_is_said_and_asked_again() -> None:
    async with driving(profile="passphrase", errors=(WRONG,)) as driver:
        await asks(driver, "Your passphrase")
        await driver.press(*"oops", "enter")
        await asks(driver, "That passphrase does not open this profile.")
        await driver.press(*"right", "enter")
        await driver.until(lambda: driver.chat.talk is not None)
        assert driver.tried == ["oops", "right"]


async def test_trouble_is_said_with_a_way_on() -> None:
    async with driving(errors=(TAKEN, TAKEN)) as driver:
        await asks(driver, "Port 47000 cannot be used")
        await driver.press("enter")
        await driver.until(lambda: len(driver.tried) == 2)
        await asks(driver, "Port 47000 cannot be used")
        await driver.press("down", "enter")
        await driver.until(lambda: driver.app.return_code == 1)


async def test_while_the_profile_opens_it_says_so_and_a_text_can_be_begun() -> None:
    import asyncio

    class Slow(Driver):
        async def opener(self, settings, passphrase):
            await opened.wait()
            return await super().opener(settings, passphrase)

    opened = asyncio.Event()
    driver = Slow(FakeNode(SETTINGS))
    from peertalk.tui.app import PeerTalkApp

    driver.app = PeerTalkApp(driver.opener, SETTINGS, "key_file", print)  # type: ignore[arg-type]
    async with driver.app.run_test(size=(100, 30)) as driver.pilot:
        await asks(driver, "your profile is being opened")
        await driver.press(*"hello", "enter")
        await asks(driver, "Your text stays.")
        opened.set()
        await driver.until(lambda: driver.chat.talk is not None and driver.chat.talk.conversation is not None)
        assert driver.chat.composer.text == "hello"
        assert driver.node.called("send") == []
        await driver.press("enter")
        await driver.until(lambda: driver.node.called("send") == [("room-lobby", "hello")])
        await driver.app.close_node()


# ── the way out ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_leaving_closes_the_node_once() -> None:
    async with driving() as driver:
        await driver.press("ctrl+q", "ctrl+q")
        await driver.until(lambda: driver.app.return_code == 0)
        assert driver.node.called("close") == [()]


async def test_leaving_does_not_wait_for_a_node_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    from peertalk.tui import app

    monkeypatch.setattr(app, "GOODBYE", 0.01)

    class Hanging(FakeNode):
        async def close(self) -> None:
            await asyncio.Event().wait()

    async with driving(Hanging(SETTINGS)) as driver:
        await driver.press("ctrl+q")
        await driver.until(lambda: driver.app.return_code == 0)


async def test_leaving_works_while_something_is_asked() -> None:
    async with driving(profile="new") as driver:
        await asks(driver, "1 of 3")
        await driver.press("ctrl+q")
        await driver.until(lambda: driver.app.return_code == 0)


async def test_a_node_that_ends_by_itself_ends_the_program_with_the_reason() -> None:
    async with driving() as driver:
        driver.node.failure = StartError("disk", why="full")
        for subscription in driver.node.subscriptions:
            subscription.close()
        await driver.until(lambda: driver.app.return_code == 1)
        assert "The disk is full" in str(driver.app._exit_renderables)
        driver.app._exit_renderables.clear()
