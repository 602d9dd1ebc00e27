from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from peertalk.core.events import Author, Message, MessageArrived, MessageList, Room
from peertalk.demo.companion import Companion
from peertalk.demo.words import COMPANIONS, JONAS, MIRA, Persona
from peertalk.errors import StartError
from tests.fake_node import FakeNode

LOBBY, DIRECT = "cc" * 32, "dd" * 32
IDS = {"Mira": "01", "Jonas": "02", "Ada": "aa"}


@dataclass
class Ears(FakeNode):
    """The node of one companion: what it hears is told to it, what it says is kept."""

    history: list[Message] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.said: list[tuple[str, str]] = []
        self.went = False

    async def messages(self, room: str, limit: int = 100, before: str | None = None, after: str | None = None) -> MessageList:
        return MessageList(messages=self.history, more=False)

    async def room(self, room: str) -> Room:
        if self.went:
            raise StartError("not_running")
        return await super().room(room)

    async def typing(self, room: str) -> None:  # type: ignore[override]
        self.typed.append(room)

    async def send(self, room: str, text: str, *, reply_to: str | None = None, **more: object) -> Message:
        assert self.typed[-1] == room
        self.said.append((room, text))
        return message("Mira", text)


def message(author: str, text: str, room: str = LOBBY, kind: str = "text") -> Message:
    who = Author(id=IDS[author], name=author, tag="t")
    return Message(id="m", room=room, author=who, seq=1, lamport=1, time=0, text=text, kind=kind)


async def heard(who: Persona, *messages: Message, history: tuple[Message, ...] = ()) -> list[tuple[str, str]]:
    """What a companion says to these messages."""
    node = Ears(list(history))
    running = asyncio.create_task(Companion(who, node, frozenset({"01", "02"}), "en", pause).run())  # type: ignore[arg-type]
    await node.was_subscribed.wait()
    for each in messages:
        node.tell(MessageArrived(message=each))
    await node.close()
    await running
    assert node.subscriptions == []
    return node.said


async def pause(seconds: float) -> None:
    assert 0 <= seconds < 4


async def both(*messages: Message) -> list[str]:
    """Who answers what: the names, and how often."""
    said = [(who.name, text) for who in COMPANIONS for _room, text in await heard(who, *messages)]
    return sorted(name for name, _text in said)


async def test_both_greet_whoever_comes_in_once() -> None:
    came = message("Ada", "Ada", kind="here")
    for who in COMPANIONS:
        [(room, text)] = await heard(who, came, came)
        assert room == LOBBY
        assert "Ada" in text
        assert who.name in text


async def test_who_came_before_is_greeted_too() -> None:
    assert len(await heard(MIRA, history=(message("Ada", "Ada", kind="here"),))) == 1


async def test_they_do_not_greet_or_answer_each_other() -> None:
    assert await both(message("Jonas", "Jonas", kind="here"), message("Mira", "Hello Jonas, who are you?")) == []


@pytest.mark.parametrize("count", [1, 2, 5])
async def test_in_the_lobby_one_answer_follows_each_message(count: int) -> None:
    answers = await both(*[message("Ada", f"message {number}") for number in range(count)])
    assert len(answers) == count
    assert abs(answers.count("Mira") - answers.count("Jonas")) <= 1


async def test_the_one_that_is_named_answers() -> None:
    assert await both(*[message("Ada", "Jonas, who are you?")] * 3) == ["Jonas"] * 3


async def test_what_is_written_to_one_alone_that_one_answers_there() -> None:
    [(room, _text)] = await heard(JONAS, message("Ada", "hello", room=DIRECT))
    assert room == DIRECT


async def test_it_goes_on_in_the_language_that_the_person_last_wrote() -> None:
    (_, first), (_, second) = await heard(JONAS, message("Ada", "danke", room=DIRECT), message("Ada", "ok", room=DIRECT))
    assert first == "Gern geschehen, Ada."
    assert second.startswith("Ich lese dich, Ada.")


async def test_quiet_lines_are_not_answered() -> None:
    assert await heard(MIRA, message("Ada", "Eva", kind="name"), message("Ada", "Ada", kind="left")) == []


async def test_a_node_that_went_ends_it_quietly(caplog: pytest.LogCaptureFixture) -> None:
    node = Ears()
    node.went = True
    await Companion(MIRA, node, frozenset(), "en", pause).run()  # type: ignore[arg-type]
    assert [record.getMessage() for record in caplog.records] == ["a companion ended: not_running"]
