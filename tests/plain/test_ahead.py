"""Who types wants to leave at once, whatever is being done."""

from __future__ import annotations

import asyncio

import pytest

from peertalk import i18n
from peertalk.errors import RequestError
from peertalk.plain import writing as writing_module
from peertalk.plain.ahead import Ahead, reading_ahead
from peertalk.plain.opening import _listen
from tests.plain.test_session import Chat
from tests.processes import WITHIN
from tests.tui.fake_node import FakeNode
from tests.tui.make import SETTINGS

Line = str | Exception | None


class Typed:
    """As a Listening of a terminal, or of a pipe; the lines are typed in the test."""

    def __init__(self, *lines: Line, terminal: int | None = 0) -> None:
        self.terminal = terminal
        self._lines: asyncio.Queue[Line] = asyncio.Queue()
        self.type(*lines)

    def type(self, *lines: Line) -> None:
        for line in lines:
            self._lines.put_nowait(line)

    async def line(self) -> str | None:
        line = await self._lines.get()
        if isinstance(line, Exception):
            raise line
        return line


@pytest.fixture
def chat(monkeypatch: pytest.MonkeyPatch) -> Chat:
    i18n.activate("en")
    monkeypatch.setattr(writing_module, "SOON", 0.01)
    return Chat(FakeNode(SETTINGS))


async def listened(chat: Chat, typed: Typed) -> list[str]:
    """What is heard until the conversation is over."""
    async with asyncio.timeout(WITHIN):
        await _listen(chat.session, chat.writing, typed)  # type: ignore[arg-type]  # a fake
    return chat.heard()


@pytest.mark.parametrize("end", ["/quit", "/beenden", None])
async def test_who_leaves_does_not_wait_for_a_command(chat: Chat, end: str | None) -> None:
    chat.node.before_report = asyncio.Event()
    await chat.begin()
    assert await listened(chat, Typed("/doctor", end)) == []


async def test_a_command_that_one_waits_for_already_is_given_up_too(chat: Chat) -> None:
    chat.node.before_report = asyncio.Event()
    await chat.begin()
    command = asyncio.ensure_future(chat.writing.take("/doctor"))
    for _ in range(1000):
        if waits := [task for task in asyncio.all_tasks() if task.get_name() == "leaving"]:
            break
        await asyncio.wait([command], timeout=0.01)
    assert waits
    chat.writing.leave()
    async with asyncio.timeout(WITHIN):
        await command
    assert chat.heard() == ["* One moment …"]


async def test_in_a_pipe_each_line_is_done(chat: Chat) -> None:
    await chat.begin()
    heard = await listened(chat, Typed("/doctor", "/quit", terminal=None))
    assert any("nobody else answers" in line for line in heard)


async def test_what_is_quick_is_done_before(chat: Chat) -> None:
    await chat.begin()
    await listened(chat, Typed("hello", "/join workshop", "/quit"))
    assert [text for _room, text, *_rest in chat.node.called("send")] == ["hello"]
    assert "room-workshop" in chat.node.rooms_by_id


async def test_the_word_within_a_message_is_not_meant(chat: Chat) -> None:
    left: list[bool] = []
    async with reading_ahead(
        Typed("how does one leave? \\", "/quit", RequestError("too_large"), "ok"), lambda: left.append(True)
    ) as lines:
        assert (await lines.line(), await lines.line()) == ("how does one leave? \\", "/quit")
        with pytest.raises(RequestError):
            await lines.line()
        assert await lines.line() == "ok"
    assert not left


async def test_a_terminal_that_goes_away_is_told(chat: Chat) -> None:
    ahead = Ahead()
    await ahead.read(Typed(OSError()), lambda: None)
    with pytest.raises(OSError):
        await ahead.line()
