"""Requests that are no tasks: begun in the order of the lines, bounded, answered when what they wait for is there."""

from __future__ import annotations

import asyncio
import json

import pytest

from peertalk.core.events import Author, Message
from peertalk.errors import RequestError
from peertalk.rpc import connection
from peertalk.rpc.connection import Connection
from tests.fake_node import FakeNode
from tests.rpc.pipe import Pipe, ask

AUTHOR = Author(id="aa" * 32, name="Ada", tag="k3f9")


class Disk(FakeNode):
    """What is said takes effect at once, and is durable when a test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.begun: dict[str, asyncio.Future[Message]] = {}
        self.was_left_before: dict[str, bool] = {}
        self._news = asyncio.Event()

    async def until(self, text: str) -> None:
        """Until this was begun."""
        async with asyncio.timeout(10):
            while text not in self.begun:
                self._news.clear()
                await self._news.wait()

    def begin(self, room: str, text: str, **_more: object) -> asyncio.Future[Message]:
        if text == "never":
            raise RequestError("bad_text", why="empty")
        if text == "broken":
            raise KeyError(text)
        self.begun[text] = asyncio.get_running_loop().create_future()
        self.was_left_before[text] = bool(self.left)
        self._news.set()
        return self.begun[text]

    def settle(self, text: str) -> None:
        self.begun[text].set_result(
            Message(id=text, room="lobby", author=AUTHOR, seq=1, lamport=1, time=0, text=text, mine=True)
        )


@pytest.fixture
def node() -> Disk:
    return Disk()


@pytest.fixture
async def served(node: Disk, pipe: Pipe) -> Pipe:
    """The same client, once the connection has begun."""
    pipe.say(ask("first", "node.status"))
    await pipe.until(1)
    return pipe


def send(number: int | str, text: str) -> dict[str, object]:
    return ask(number, "messages.send", room="lobby", text=text)


async def begun(served: Pipe, node: Disk) -> list[str]:
    """What was begun of all that was said so far: the answer to one more line comes after that."""
    answered = len(served.answers())
    served.say(ask("more", "node.status"))
    await served.until(answered + 1)
    return list(node.begun)


async def test_nothing_runs_for_a_message_that_waits_for_the_disk(served: Pipe, node: Disk) -> None:
    before = len(asyncio.all_tasks())
    served.say(*[send(number, str(number)) for number in range(100)])
    assert await begun(served, node) == [str(number) for number in range(100)]
    assert len(asyncio.all_tasks()) == before


async def test_what_was_asked_before_a_message_begins_before_it(served: Pipe, node: Disk) -> None:
    leave = ask(1, "rooms.leave", room="lobby")
    served.raw(b"".join(json.dumps(line).encode() + b"\n" for line in (send(0, "before"), leave, send(2, "after"))))
    await node.until("after")
    assert node.was_left_before == {"before": False, "after": True}
    node.settle("before")
    node.settle("after")
    await served.until(4)


async def test_each_is_answered_when_it_is_on_disk(served: Pipe, node: Disk) -> None:
    served.say(
        send(1, "one"), send(2, "two"), {"jsonrpc": "2.0", "method": "messages.send", "params": {"room": "lobby", "text": "3"}}
    )
    await begun(served, node)
    for text in ("two", "3", "one"):
        node.settle(text)
    answers = await served.until(4)
    assert [answer["id"] for answer in answers[2:]] == [2, 1]
    assert answers[2]["result"]["text"] == "two"


async def test_what_cannot_be_begun_is_an_error_and_those_after_it_are_begun(
    served: Pipe, node: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    served.say([send(1, "never"), send(2, "broken"), send(3, "fine")])
    assert await begun(served, node) == ["fine"]
    node.settle("fine")
    answers = (await served.until(3))[-1]
    assert [answer.get("error", {}).get("code") for answer in answers] == [-32000, -32603, None]
    assert "messages.send failed: KeyError" in caplog.text


async def test_no_more_are_begun_than_may_run(node: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "MAX_RUNNING", 2)
    pipe = Pipe()
    task = asyncio.create_task(Connection(node, pipe).serve())
    pipe.say(ask("first", "node.status"), *[send(number, str(number)) for number in range(4)])
    await pipe.until(1)
    for number in range(4):
        await node.until(str(number))
        assert len(node.begun) <= number + 2
        node.settle(str(number))
    await pipe.until(5)
    pipe.end()
    await asyncio.wait_for(task, 10)


async def test_a_connection_that_ends_waits_for_no_disk_that_never_answers(node: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "FINISH", 0.01)
    pipe = Pipe()
    pipe.say(send(1, "lost"), send(2, "kept"))
    pipe.end()
    task = asyncio.create_task(Connection(node, pipe).serve())
    await node.until("kept")
    node.settle("kept")
    await asyncio.wait_for(task, 10)
    assert [answer["id"] for answer in pipe.answers()] == [2]
    assert node.begun["lost"].cancelled()


async def test_what_the_disk_says_after_the_end_ends_nothing_else(node: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "FINISH", 10.0)
    pipe = Pipe()
    pipe.say(send(1, "x"))
    pipe.end()
    task = asyncio.create_task(Connection(node, pipe).serve())
    await node.until("x")
    node.begun["x"].set_exception(RequestError("unknown_room", room="lobby"))
    await asyncio.wait_for(task, 10)
    assert [answer["error"]["data"]["kind"] for answer in pipe.answers()] == ["unknown_room"]
