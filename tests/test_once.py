from __future__ import annotations

import asyncio
import json
from pathlib import Path

import msgspec
import pytest

from peertalk import i18n, once, say
from peertalk.core.events import Author, Message, MessageArrived, MessageChanged, Room
from peertalk.errors import RequestError, StartError
from tests.fake_node import FakeNode


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    i18n.activate("en")


async def begun(node: FakeNode, sending: asyncio.Task[str | None]) -> Message:
    """The message of a send, once it has been handed to the node."""
    await node.was_asked_to_send.wait()
    assert not sending.done()
    return node.sent[0]


async def test_send_waits_until_somebody_has_it() -> None:
    node = FakeNode()
    sending = asyncio.create_task(once.send(node, "lobby", "hello", 30))
    node.deliver(await begun(node, sending))
    assert await sending is None
    assert node.sent[0].text == "hello"
    assert node.subscriptions == []


async def test_a_member_that_keeps_it_in_memory_has_it_too() -> None:
    node = FakeNode()
    sending = asyncio.create_task(once.send(node, "lobby", "hello", 30))
    message = await begun(node, sending)
    node.tell(MessageChanged(message=msgspec.structs.replace(message, held_by=["bb"])))
    assert await sending is None


async def test_what_others_get_delivered_is_not_waited_for() -> None:
    node = FakeNode()
    sending = asyncio.create_task(once.send(node, "lobby", "hello", 0.05))
    message = await begun(node, sending)
    node.deliver(msgspec.structs.replace(message, id="ff" * 32))
    node.tell(MessageChanged(message=message))
    assert "nobody in #lobby has it yet" in (await sending or "")


async def test_send_says_when_nobody_is_there() -> None:
    node = FakeNode()
    node.lobby = msgspec.structs.replace(node.lobby, members=1, online=1)
    assert await once.send(node, "lobby", "hello", 0.01) == (
        "Nobody else is in #lobby just now. It is kept, and goes out when PeerTalk runs and somebody comes."
    )


async def test_send_says_when_those_who_are_there_do_not_take_it() -> None:
    assert await once.send(FakeNode(), "lobby", "hello", 0.01) == (
        "After 0 seconds nobody in #lobby has it yet. It is kept, and goes out as soon as it can."
    )


async def test_with_no_time_to_wait_send_is_done_when_it_is_stored() -> None:
    node = FakeNode()
    assert await once.send(node, "lobby", "hello", 0) is None
    assert len(node.sent) == 1


async def test_send_to_an_unknown_room_is_refused() -> None:
    with pytest.raises(RequestError) as caught:
        await once.send(FakeNode(), "nowhere", "hello", 30)
    assert caught.value.kind == "unknown_room"


async def test_send_does_not_call_it_delivered_when_the_node_ends() -> None:
    node = FakeNode()
    sending = asyncio.create_task(once.send(node, "lobby", "hello", 30))
    await begun(node, sending)
    await node.close()
    with pytest.raises(StartError):
        await sending


async def tailed(node: FakeNode, lines: int, *, as_json: bool = False, room: str = "lobby") -> list[str]:
    written: list[str] = []
    task = asyncio.create_task(once.tail(node, room, lines, written.append, as_json=as_json))
    await node.was_subscribed.wait()
    node.tell(MessageArrived(message=said("new", id="n1")))
    node.tell(MessageArrived(message=said("elsewhere", room="dd" * 32, id="n2")))
    await node.close()
    await task
    return written


def said(text: str, *, id: str = "m", room: str = "cc" * 32, kind: str = "text") -> Message:
    author = Author(id="bb" * 32, name="Ben", tag="x1y2")
    return Message(id=id, room=room, author=author, seq=1, lamport=1, time=0, text=text, kind=kind)


async def test_tail_begins_with_the_last_messages_and_goes_on_with_new_ones() -> None:
    node = FakeNode()
    for number in range(3):
        await node.send("lobby", f"old {number}")
    written = await tailed(node, 2)
    assert [line[6:] for line in written] == ["Ada: old 1", "Ada: old 2", "Ben: new"]
    assert node.subscriptions == []


async def test_tail_without_old_lines() -> None:
    node = FakeNode()
    await node.send("lobby", "old")
    assert [line[6:] for line in await tailed(node, 0)] == ["Ben: new"]


async def test_a_message_that_came_while_the_last_ones_were_read_is_written_once() -> None:
    node = FakeNode()
    node.sent.append(said("new", id="n1"))
    assert [line[6:] for line in await tailed(node, 5)] == ["Ben: new"]


async def test_two_people_of_one_name_are_told_apart_by_the_tags_of_their_keys() -> None:
    node = FakeNode()
    other = Author(id="dd" * 32, name="Вen", tag="0th3")  # another letter, which looks the same
    node.sent += [said("old", id="o1"), msgspec.structs.replace(said("me too", id="o2"), author=other)]
    assert [line[6:] for line in await tailed(node, 5)] == ["Ben · x1y2: old", "Вen · 0th3: me too", "Ben · x1y2: new"]


async def test_a_name_that_could_mean_two_rooms_is_refused_with_their_ids() -> None:
    node = FakeNode()
    refusal = RequestError("ambiguous_name", name="circle", candidates=["0a" * 32, "0b" * 32])

    async def room(_room: str) -> Room:
        raise refusal

    node.room = room  # type: ignore[method-assign]
    for asked in (once.send(node, "circle", "hello", 0), once.tail(node, "circle", 5, print, as_json=False)):
        with pytest.raises(RequestError) as caught:
            await asked
        assert "0a" * 32 + " or " + "0b" * 32 in say.error(caught.value)
    assert node.sent == []


async def test_tail_as_json_writes_whole_messages() -> None:
    [new] = await tailed(FakeNode(), 5, as_json=True)
    assert json.loads(new)["author"]["name"] == "Ben"
    assert msgspec.json.decode(new, type=Message) == said("new", id="n1")


async def test_tail_of_an_unknown_room_is_refused() -> None:
    with pytest.raises(RequestError):
        await tailed(FakeNode(), 5, room="nowhere")


def test_a_line_of_text_cannot_pass_for_another_message() -> None:
    first, second = once.line(said("hello\n12:00 Ada: I agree")).split("\n")
    assert first.endswith("Ben: hello")
    assert second == "      12:00 Ada: I agree"


def test_coming_and_going_are_told() -> None:
    assert once.line(said("Ben", kind="here")).endswith("Ben came in")


async def test_export_writes_everything_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(once, "SLICE", 2)
    node = FakeNode()
    for number in range(5):
        await node.send("lobby", f"line {number}")
    written: list[str] = []
    await once.export(node, "#lobby", None, written.append, as_json=True)
    assert [one["text"] for one in json.loads("".join(written))["messages"]] == [f"line {number}" for number in range(5)]
    assert node.limits == [2, 2, 2]


async def test_export_into_a_file_says_what_is_there(tmp_path: Path) -> None:
    node = FakeNode()
    await node.send("lobby", "hello")
    written: list[str] = []
    path = tmp_path / "lobby.md"
    await once.export(node, "lobby", str(path), written.append, as_json=False)
    assert written == [f"1 message is in {path} now.\n"]
    assert "    hello\n" in path.read_text()


async def test_what_is_off_the_record_is_not_exported() -> None:
    node = FakeNode()
    node.lobby = msgspec.structs.replace(node.lobby, retention="session")
    with pytest.raises(RequestError) as caught:
        await once.export(node, "lobby", None, print, as_json=False)
    assert (caught.value.kind, caught.value.data["why"]) == ("refused", "off_record")
