"""Plain mode where nobody is here: the doctor looks, and what it finds is said."""

from __future__ import annotations

import asyncio

import pytest

from peertalk import i18n
from peertalk.core.events import Check, Report
from peertalk.errors import RequestError
from peertalk.plain import writing as writing_module
from peertalk.plain.nobody import LATEST
from tests.plain.test_session import Chat
from tests.tui.fake_node import FakeNode
from tests.tui.make import SETTINGS

FIRST = "* You are the first one here. Looking for people on wlan0 192.168.1.7."
WAYS = (
    "* Others are here, but don't show up? You can connect to them: /connect HOST:PORT, or they to you: "
    "/connect 192.168.1.7:47000"
)
MORE = "* All that was looked at: /doctor"


@pytest.fixture
def node() -> FakeNode:
    i18n.activate("en")
    return FakeNode(SETTINGS)


async def examined(chat: Chat, seconds: float) -> list[str]:
    """What is heard once the doctor has looked, after so many seconds."""
    heard = await chat.later(1.5)
    if (task := chat.session._alone._checkup._task) is not None:
        await asyncio.wait([task])
    return heard + await chat.later(seconds)


async def test_after_a_while_it_says_that_nobody_is_here_what_the_doctor_found_and_what_to_try(node: FakeNode) -> None:
    chat = Chat(node)
    await chat.begin()
    assert await examined(chat, 4) == []
    first, verdict, *ways = await chat.later(6)
    assert first == FIRST
    assert verdict.startswith("* Everything works here, but nobody else answers.")
    assert "hotspot" in verdict
    assert ways == [WAYS, MORE]
    assert await chat.later(60) == []


async def test_what_is_wrong_is_said_as_soon_as_it_is_known(node: FakeNode) -> None:
    node.report = Report(verdict="isolated", checks=[])
    chat = Chat(node)
    await chat.begin()
    first, verdict, more = await examined(chat, 2)
    assert (first, more) == (FIRST.replace("You are the first one here.", "Nobody else is here yet."), MORE)
    assert "client isolation" in verdict
    assert await chat.later(20) == []


async def test_a_doctor_that_takes_long_or_fails_keeps_nobody_waiting(node: FakeNode) -> None:
    node.before_report = asyncio.Event()
    chat = Chat(node)
    await chat.begin()
    await chat.later(1.5)
    assert await chat.later(LATEST - 0.1) == []
    normal = f"{FIRST} Nobody has answered yet. That is normal if you are the first."
    assert await chat.later(LATEST) == [normal, WAYS, MORE]
    chat.session.end()
    node.refuse["doctor"] = RequestError("refused")
    other = Chat(node)
    await other.begin()
    assert await examined(other, 5) == [normal, WAYS, MORE]


async def test_another_verdict_later_is_news(node: FakeNode) -> None:
    node.present, node.report = [], Report(verdict="no_interface", checks=[])
    chat = Chat(node)
    await chat.begin()
    nowhere, cable, _more = await examined(chat, 2)
    assert (
        nowhere == "* Nobody else is here yet. This computer is in no network just now. As soon as it is, the search goes on."
    )
    assert "plug in a cable" in cable
    node.present, node.report = [("eth0", "10.0.0.2")], Report(verdict="filtered", checks=[])
    [news] = await examined(chat, 8)
    assert news.startswith("* This network does not pass on the multicasts")
    assert "--port 47000" in news


async def test_once_somebody_came_nobody_looks_any_more(node: FakeNode) -> None:
    node.before_report = asyncio.Event()
    chat = Chat(node)
    await chat.begin()
    await chat.later(1.5)
    await asyncio.sleep(0)
    assert len(node.called("doctor")) == 1
    node.come("Mira", "lobby")
    assert await chat.later(6) == ["* Mira is here."]
    node.come("Mira", "lobby", online=False)
    assert await chat.later(60) == ["* Mira is away."]
    assert len(node.called("doctor")) == 1
    assert not chat.session._alone._checkup.looking


async def test_in_a_room_of_two_it_is_not_said_that_the_network_is_empty(node: FakeNode) -> None:
    node.add_room("Lena", "direct")
    node.add_peer("Lena", "Lena", online=False)
    chat = Chat(node)
    await chat.begin()
    await chat.type("/msg Lena")
    assert await examined(chat, 60) == []
    await chat.type("/room lobby")
    assert (await chat.later(60))[0] == FIRST


async def test_the_doctor_by_ear_says_what_is_the_matter_first_and_that_it_is_working(
    node: FakeNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing_module, "SOON", 0)
    found = [
        Check(id="interfaces", state="ok", case="found", values={"addresses": ["wlan0 192.168.1.7"]}),
        Check(id="isolation", state="fail", case="likely", values={"n": 1}),
    ]
    node.report, node.before_report = Report(verdict="isolated", checks=found), asyncio.Event()
    chat = Chat(node)
    await chat.begin()
    task = asyncio.ensure_future(chat.type("/doctor"))
    for _turn in range(100):
        await asyncio.sleep(0)
        if heard := chat.heard():
            break
    assert heard == ["* One moment …"]
    node.before_report.set()
    verdict, remedy, looked, worst, good, closing = await task
    assert verdict.startswith("* This network keeps its computers apart")
    assert remedy.startswith("* What helps: Use another network")
    assert looked == "* This was looked at:"
    assert worst.startswith("* Problem: Nobody answers at the address")
    assert good == "* Good: This computer is reached here as wlan0 192.168.1.7."
    assert closing.startswith("* This report contains")
