"""A conversation over a fake node: what is said, and what becomes of what is written."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from peertalk import i18n
from peertalk.core.events import Message, MessageArrived, MessageChanged, MessageList, PeerChanged, RoomChanged
from peertalk.core.events import Warning as WarningEvent
from peertalk.errors import RequestError
from peertalk.plain import writing as writing_module
from peertalk.plain.session import Session
from peertalk.plain.voice import Voice
from peertalk.plain.writing import Writing
from tests.tui.fake_node import FakeNode
from tests.tui.make import SETTINGS


class Chat:
    """A session, and what was heard since it was last asked for."""

    def __init__(self, node: FakeNode, *, echoed: bool = True, everything: bool = False) -> None:
        self.node = node
        self.remembered: dict[str, object] = {}
        self._heard = ""
        voice = Voice(self, "utf-8")
        self.session = Session(node, voice, echoed=echoed, everything=everything, times=False)  # type: ignore[arg-type]
        self.writing = Writing(self.session, self.remembered.__setitem__)
        self._events = node.subscribe()

    async def write(self, data: bytes) -> None:  # as what the voice writes to
        self._heard += data.decode()

    def heard(self) -> list[str]:
        heard, self._heard = self._heard, ""
        return heard.splitlines()

    async def begin(self) -> list[str]:
        await self.session.begin()
        return self.heard()

    async def type(self, *lines: str) -> list[str]:
        """What is heard after these lines."""
        for line in lines:
            await self.writing.take(line)
            await self._follow()
        return self.heard()

    async def hear(self) -> list[str]:
        """What is heard of everything that the node has told."""
        await self._follow()
        return self.heard()

    async def later(self, seconds: float) -> list[str]:
        """What is heard once so much time has gone by."""
        await self._follow()
        await self.session.tick(time.monotonic() + seconds)
        return self.heard()

    async def _follow(self) -> None:
        while not self._events.queue.empty():
            event = self._events.queue.get_nowait()
            assert event is not None
            await self.session.take(event)


def is_day(line: str) -> bool:
    """Whether this is `* Tuesday, 24 November.`: it depends on when the test runs."""
    return re.match(r"\* \w+day, \d", line) is not None


@pytest.fixture
def node() -> FakeNode:
    i18n.activate("en")
    node = FakeNode(SETTINGS)
    node.add_peer("Mira", "lobby")
    node.add_room("workshop", "open")
    return node


async def test_it_begins_with_who_one_is_where_one_is_and_what_was_said(node: FakeNode) -> None:
    for number in range(12):
        node.says("lobby", "Mira", f"message {number}", minutes=0)
    node.rooms_by_id["room-workshop"] = msgspec.structs.replace(node.rooms_by_id["room-workshop"], unread=3)
    node.rooms_by_id["room-lobby"] = msgspec.structs.replace(node.rooms_by_id["room-lobby"], unread=2)
    heard = await Chat(node).begin()
    assert heard[:2] == [
        "* Ready. Others see you as Robin.",
        "* You are in #lobby. 2 here. Open: everyone on this network can read this.",
    ]
    messages = [f"Mira: message {number}" for number in range(12)]
    assert [line for line in heard[2:] if not is_day(line)] == [
        *messages[2:10],
        "* 2 unread:",
        *messages[10:],
        "* #workshop: 3 unread.",
    ]


async def test_what_was_told_is_not_told_again_but_older_goes_back(node: FakeNode) -> None:
    for number in range(15):
        node.says("lobby", "Mira", f"message {number}", minutes=0)
    chat = Chat(node)
    await chat.begin()
    assert await chat.type("/older") == [
        "* 5 older messages:",
        *[f"Mira: message {number}" for number in range(5)],
        "* These were the older ones.",
    ]
    assert await chat.type("/older") == ["* There is nothing older here."]
    await chat.type("/room workshop")
    node.hear("lobby", "Mira", "meanwhile", minutes=0)
    assert (await chat.hear())[-1] == "#lobby, Mira: meanwhile"
    assert await chat.type("/room lobby") == ["* You are in #lobby. 2 here. Open: everyone on this network can read this."]
    again = await chat.type("/older")
    assert again[0] == "* 10 older messages:"
    assert again[-2] == "Mira: meanwhile"


async def test_what_was_told_counts_as_read(node: FakeNode) -> None:
    chat = Chat(node)
    await chat.begin()
    node.hear("workshop", "Mira", "hello")
    await chat.later(0)
    assert {room for room, _up_to in node.called("read")} == {"room-lobby", "room-workshop"}


@pytest.mark.parametrize("echoed", [True, False])
async def test_what_one_types_is_repeated_only_where_it_does_not_stand_already(node: FakeNode, echoed: bool) -> None:
    chat = Chat(node, echoed=echoed)
    await chat.begin()
    told = [line for line in await chat.type("hello", "", "  ", "//slash", "one \\", "two") if "goes on" not in line]
    expected = ["You: hello", "You: /slash", "You: one", "You: two"]
    assert [line for line in told if not is_day(line)] == ([] if echoed else expected)
    assert [text for _room, text in node.called("send")] == ["hello", "/slash", "one \ntwo"]
    node.hear("lobby", "Robin", "from another program", minutes=0)
    assert (await chat.hear())[-1] == "You: from another program"


async def test_an_own_message_whose_event_comes_before_the_answer_is_not_repeated(node: FakeNode) -> None:
    chat = Chat(node)
    await chat.begin()
    answer, told = asyncio.get_running_loop().create_future(), node.send

    async def send(room: str, text: str) -> Message:
        message = await told(room, text)
        await answer
        return message

    node.send = send  # type: ignore[method-assign,assignment]  # the slow answer of a disk
    writing = asyncio.ensure_future(chat.writing.take("hello"))
    for _turn in range(10):
        await asyncio.sleep(0)
    assert len(node.texts["room-lobby"]) == 1
    hearing = asyncio.ensure_future(chat.hear())
    for _turn in range(10):
        await asyncio.sleep(0)
    answer.set_result(None)
    await writing
    assert await hearing == []


async def test_a_message_that_moves_to_another_feed_is_not_told_twice(node: FakeNode) -> None:
    chat = Chat(node)
    await chat.begin()
    await chat.type("hello")
    [sent] = node.texts["room-lobby"]
    node.emit(
        MessageChanged(message=msgspec.structs.replace(sent, text="", state="waiting", deleted=True)),
        MessageArrived(message=msgspec.structs.replace(sent, id="f" * 64)),
    )
    assert await chat.hear() == []


async def test_what_waits_since_the_last_run_is_said_to_be_delivered(node: FakeNode) -> None:
    old = node.says("workshop", "Robin", "from yesterday", state="waiting", seq=None, lamport=None)
    chat = Chat(node)
    await chat.begin()
    node.come("Ben", "workshop")
    node.deliver(old, "Ben")
    await chat.hear()
    assert await chat.later(2) == ["* #workshop: Delivered to Ben."]


async def test_of_a_flood_the_last_are_told(node: FakeNode) -> None:
    chat = Chat(node)
    await chat.begin()
    for number in range(100):
        node.hear("lobby", "Mira", f"message {number}", minutes=0)
    at_once = [line for line in await chat.hear() if line.startswith("Mira")]
    assert at_once == [f"Mira: message {number}" for number in range(12)]
    heard = [line for line in await chat.later(2) if not is_day(line)]
    assert heard == ["* 88 messages came in #lobby. The last 10:", *[f"Mira: message {number}" for number in range(90, 100)]]
    assert [line for line in await chat.type("/older") if "80" in line] == ["Mira: message 80"]


async def test_comings_goings_and_names(node: FakeNode) -> None:
    chat = Chat(node)
    await chat.begin()
    node.come("Ben", "lobby")
    node.come("Tarek", "lobby")
    node.come("Zoe", "workshop")
    assert await chat.later(4) == ["* Ben and Tarek are here."]
    ben = node.peers_by_id[next(id_ for id_, peer in node.peers_by_id.items() if peer.name == "Ben")]
    node.emit(PeerChanged(peer=msgspec.structs.replace(ben, name="Benno"), change="name"))
    assert await chat.hear() == ["* Ben is now called Benno."]
    node.emit(PeerChanged(peer=msgspec.structs.replace(ben, online=False), change="offline"))
    assert await chat.later(11) == ["* Ben is away."]


async def test_who_comes_into_the_open_room_or_leaves_it_just_now_is_told(node: FakeNode) -> None:
    chat = Chat(node)
    await chat.begin()
    now = time.time_ns() // 1_000_000
    node.hear("lobby", "Ben", "Ben", kind="here", time=now)
    node.hear("lobby", "Old", "Old", kind="here", time=now - 3_600_000)
    node.hear("workshop", "Zoe", "Zoe", kind="here", time=now)
    node.hear("lobby", "Mira", "Mira", kind="left", time=now)
    assert await chat.later(4) == ["* Ben is here.", "* Mira has left."]


async def test_warnings_and_what_rooms_forget_are_sentences(node: FakeNode) -> None:
    chat = Chat(node)
    await chat.begin()
    node.emit(
        WarningEvent(kind="fork", text="Mira"),
        WarningEvent(kind="dropped", text="3"),
        RoomChanged(room=node.rooms_by_id["room-workshop"], change="forgotten"),
    )
    fork, dropped, forgotten = await chat.hear()
    assert fork.startswith("* The laptop of Mira was restored from a copy")
    assert dropped.startswith("* This screen could not keep up")
    assert forgotten.startswith("* #workshop has forgotten")


# ── commands ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_commands_that_are_different_here(node: FakeNode) -> None:
    chat = Chat(node)
    await chat.begin()
    assert await chat.type("/theme dark") == ["* There are no colours here."]
    assert await chat.type("/help msg") == [
        "* /msg PERSON [TEXT]",
        "* Write to one person: only you two can read it.",
        "* The same: /an",
    ]
    strangers = (await chat.type("/help privacy"))[1]
    assert strangers.startswith("* Strangers: Who shares no room with you")
    everything = await chat.type("/help")
    assert "* /help privacy: What others can see." in everything
    assert not [line for line in everything if "Ctrl" in line or "F1" in line or "   " in line]
    assert await chat.type("/lang de") == ["* Ab jetzt auf Deutsch."]
    i18n.activate("en")
    assert chat.remembered == {"lang": "de"}
    await chat.type("/quit")
    assert chat.writing.quit


async def test_those_who_keep_nothing_keep_no_setting_either() -> None:
    chat = Chat(FakeNode(replace(SETTINGS, ephemeral=True)))
    await chat.begin()
    await chat.type("/lang de")
    i18n.activate("en")
    assert chat.remembered == {}


async def test_what_goes_wrong_is_a_sentence(node: FakeNode) -> None:
    chat = Chat(node)
    await chat.begin()
    node.refuse["send"] = RequestError("too_large")
    assert await chat.type("x") == ["* That is too long for one message. Send it in parts."]
    [told] = await chat.type("/hlep")
    assert told.startswith("* There is no command /hlep, and nothing was sent.")


async def test_what_takes_long_says_so(node: FakeNode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing_module, "SOON", 0)
    chat = Chat(node)
    await chat.begin()
    gate: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    node.before_send = lambda: gate
    task = asyncio.ensure_future(chat.type("slow"))
    for _turn in range(100):
        await asyncio.sleep(0)
        if heard := chat.heard():
            break
    assert heard == ["* One moment …"]
    gate.set_result(None)
    await task
    assert len(node.called("send")) == 1


async def test_what_comes_while_a_room_is_being_opened_says_where_it_belongs(node: FakeNode) -> None:
    chat = Chat(node)
    await chat.begin()
    answer, read = asyncio.get_running_loop().create_future(), node.messages

    async def messages(*arguments: Any, **named: Any) -> MessageList:
        await answer
        return await read(*arguments, **named)

    node.messages = messages  # type: ignore[method-assign]  # the slow answer of a disk
    opening = asyncio.ensure_future(chat.writing.take("/room workshop"))
    node.hear("workshop", "Mira", "meanwhile", minutes=0)
    for _turn in range(10):
        await asyncio.sleep(0)
    assert (await chat.hear())[-1] == "#workshop, Mira: meanwhile"
    answer.set_result(None)
    await opening
    assert chat.heard()[0].startswith("* You are in #workshop.")


async def test_names_in_what_commands_say_are_spelled_as_everywhere(node: FakeNode) -> None:
    peer = node.come("Anna: hi, * Ben", "lobby")
    node.add_room("Ben: you", "direct")
    chat = Chat(node)
    await chat.begin()
    assert f"* Anna hi Ben · {peer.tag}: here" in await chat.type("/who")
    assert "* Ben you: 1 here" in await chat.type("/rooms")
    [blocked] = await chat.type(f"/block Anna hi Ben · {peer.tag}")
    assert blocked == "* You no longer see what Anna hi Ben writes. /unblock Anna hi Ben undoes this."
    assert await chat.type("/unblock Anna hi Ben") == ["* You see again what Anna hi Ben writes."]
    assert [called for (called,) in node.called("block")] == [peer.id]


async def test_leaving_asks_and_the_next_line_is_the_answer(node: FakeNode) -> None:
    chat = Chat(node)
    await chat.begin()
    [question] = await chat.type("/leave workshop")
    assert question.endswith("What you wrote stays with them. Answer yes or no.")
    assert await chat.type("hello?") == ["* Please answer yes or no."]
    assert await chat.type("nein") == ["* Nothing was changed."]
    assert node.called("send") == []
    await chat.type("/leave workshop")
    assert (await chat.type("/rooms"))[0].startswith("* #lobby")
    await chat.type("hello!")
    assert [text for _room, text in node.called("send")] == ["hello!"]
    await chat.type("/leave workshop")
    assert await chat.type("Ja") == ["* You left #workshop."]
