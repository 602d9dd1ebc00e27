"""The doctor looks while nobody is here: when, how often, and when no longer."""

from __future__ import annotations

import asyncio

import pytest

from peertalk.commands.checkup import AGAIN, SOON, Checkup
from peertalk.core.events import Report
from peertalk.errors import RequestError
from tests.tui.driving import Driver, company, driving
from tests.tui.fake_node import FakeNode
from tests.tui.make import SETTINGS

ISOLATED = Report(verdict="isolated", checks=[])


def waited(driver: Driver, seconds: float) -> None:
    """As if the screen had been empty for so long already."""
    driver.chat._began -= seconds
    driver.chat.draw()


def looks(driver: Driver) -> int:
    return len(driver.node.called("doctor"))


async def test_after_a_while_the_empty_page_says_what_is_the_matter() -> None:
    async with driving() as driver:
        driver.node.report = ISOLATED
        waited(driver, 6)
        await driver.until(lambda: "client isolation" in driver.chat.query_one("#page").words)
        assert looks(driver) == 1


async def test_it_does_not_begin_at_once_and_not_where_somebody_is() -> None:
    async with driving() as driver:
        checkup, node = driver.chat.checkup, driver.node
        assert checkup.follow(node, SOON - 0.1, 0) is None  # type: ignore[arg-type]  # a fake
        assert not checkup.looking
    async with driving(company()) as driver:
        waited(driver, 60)
        await driver.pilot.pause()
        assert looks(driver) == 0


async def test_it_looks_again_after_half_a_minute_then_less_often_and_never_twice_at_a_time() -> None:
    async with driving() as driver:
        node, checkup = driver.node, driver.chat.checkup
        checkup.stop()
        before, node.before_report = looks(driver), asyncio.Event()
        for now in (100.0, 101.0, 100.0 + AGAIN + 1):
            checkup.follow(node, 60, now)  # type: ignore[arg-type]  # a fake
            await driver.pilot.pause()
        assert looks(driver) == before + 1
        node.before_report.set()
        await driver.until(lambda: checkup.follow(node, 60, 100.0) is not None)  # type: ignore[arg-type]  # a fake
        checkup.follow(node, 60, 99.0 + AGAIN)  # type: ignore[arg-type]  # a fake
        await driver.pilot.pause()
        assert looks(driver) == before + 1
        checkup.follow(node, 60, 100.0 + AGAIN)  # type: ignore[arg-type]  # a fake
        await driver.until(lambda: looks(driver) == before + 2)
        checkup.follow(node, 60, 99.0 + 3 * AGAIN)  # type: ignore[arg-type]  # a fake
        await driver.pilot.pause()
        assert looks(driver) == before + 2
        checkup.follow(node, 60, 100.0 + 3 * AGAIN)  # type: ignore[arg-type]  # a fake
        await driver.until(lambda: looks(driver) == before + 3)


async def test_another_network_is_looked_at_anew_and_the_old_report_goes() -> None:
    async with driving() as driver:
        node, checkup = driver.node, driver.chat.checkup
        node.report = ISOLATED
        waited(driver, 6)
        await driver.until(lambda: checkup._report is not None)
        before, node.before_report = looks(driver), asyncio.Event()
        node.present = [("eth0", "10.0.0.2")]
        waited(driver, 0)
        assert checkup._report is None
        await driver.until(lambda: looks(driver) == before + 1)
        node.before_report.set()


async def test_who_comes_ends_it() -> None:
    node = FakeNode(SETTINGS)
    node.before_report = asyncio.Event()  # before it starts: where that takes long, it looks by itself
    async with driving(node) as driver:
        waited(driver, 6)
        await driver.until(lambda: looks(driver) == 1)
        task = driver.chat.checkup._task
        assert task is not None
        node.come("Mira", "lobby")
        await driver.until(task.cancelled)
        assert driver.chat.checkup._report is None


async def test_a_doctor_that_fails_is_no_reason_to_end() -> None:
    node = FakeNode(SETTINGS)
    node.refuse["doctor"] = RequestError("refused")
    async with driving(node) as driver:
        waited(driver, 6)
        await driver.until(lambda: looks(driver) == 1)
        await driver.pilot.pause()
        assert "Nobody has answered yet." in driver.chat.query_one("#page").words


async def test_the_command_says_that_it_is_working_and_then_what_it_found() -> None:
    async with driving() as driver:
        driver.node.before_report = asyncio.Event()
        await driver.write("/doctor", "enter")
        await driver.until(lambda: "One moment" in driver.bar("status"))
        driver.node.before_report.set()
        await driver.until(
            lambda: driver.shows("ok  This computer is reached here as wlan0 192.168.1.7.", "Everything works here")
        )
        assert "One moment" not in driver.bar("status")


def written_to(report: Report = ISOLATED) -> FakeNode:
    """Somebody whose lobby has a history, and who is alone now."""
    node = FakeNode(SETTINGS)
    node.report = report
    node.says("lobby", "Robin", "see you tomorrow")
    return node


def alone_for(driver: Driver, seconds: float) -> None:
    """As if nobody had been here for so long already."""
    waited(driver, seconds)
    assert driver.chat.checkup._since is not None
    driver.chat.checkup._since -= seconds
    driver.chat.draw()


def told(driver: Driver) -> int:
    return sum("keeps its computers apart" in row for row in driver.rows())


async def test_where_there_is_a_history_what_is_wrong_is_said_once_below_it() -> None:
    async with driving(written_to()) as driver:
        waited(driver, 2)
        await driver.until(lambda: driver.chat.checkup._report is not None)
        driver.chat.draw()
        await driver.pilot.pause()
        assert not told(driver)
        for _ in range(3):
            alone_for(driver, 6)
            await driver.until(lambda: driver.shows("see you tomorrow", "keeps its computers apart", "/doctor"))
        assert told(driver) == 1


async def test_it_is_said_again_in_another_network() -> None:
    async with driving(written_to()) as driver:
        alone_for(driver, 6)
        await driver.until(lambda: told(driver) == 1)
        driver.node.present = [("eth0", "10.0.0.2")]
        alone_for(driver, 6)
        await driver.until(lambda: driver.chat.checkup._report is not None)
        alone_for(driver, 6)
        await driver.until(lambda: told(driver) == 2)


async def test_that_nobody_answers_is_no_news_below_a_history() -> None:
    async with driving(written_to(Report(verdict="alone", checks=[]))) as driver:
        alone_for(driver, 6)
        await driver.until(lambda: driver.chat.checkup._report is not None)
        alone_for(driver, 6)
        await driver.pilot.pause()
        assert not driver.shows("nobody else answers")


async def test_what_the_page_or_the_command_said_is_not_said_below_what_one_writes_then() -> None:
    async with driving() as driver:
        driver.node.report = ISOLATED
        alone_for(driver, 6)
        await driver.until(lambda: "client isolation" in driver.chat.query_one("#page").words)
        await driver.write("anybody?", "enter")
        await driver.until(lambda: driver.shows("anybody?"))
        alone_for(driver, 6)
        assert not told(driver)
    async with driving(written_to()) as driver:
        await driver.write("/doctor", "enter")
        await driver.until(lambda: told(driver) == 1)
        alone_for(driver, 6)
        await driver.until(lambda: driver.chat.checkup._report is not None)
        alone_for(driver, 6)
        await driver.pilot.pause()
        assert told(driver) == 1


async def test_the_end_does_not_wait_for_it() -> None:
    async with driving() as driver:
        driver.node.before_report = asyncio.Event()
        waited(driver, 6)
        await driver.until(lambda: looks(driver) == 1)
        task = driver.chat.checkup._task
        assert task is not None
    assert task.cancelled()


async def test_what_is_wrong_inside_is_not_swallowed() -> None:
    node = FakeNode(SETTINGS)
    checkup = Checkup()
    node.refuse["doctor"] = KeyError()  # type: ignore[assignment]  # nothing that a node may raise
    checkup.follow(node, SOON, 0)  # type: ignore[arg-type]  # a fake
    assert checkup._task is not None
    await asyncio.wait([checkup._task])
    with pytest.raises(KeyError):
        checkup.follow(node, SOON, 1)  # type: ignore[arg-type]  # a fake
