"""What can be said about messages, over the interface."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.fake_node import ME, FakeNode
from tests.rpc.pipe import Pipe, ask


async def said(pipe: Pipe, *requests: tuple[str, dict[str, object]]) -> list[dict[str, object]]:
    """The answers to these, in the order of the requests."""
    for number, (method, params) in enumerate(requests):
        pipe.say(ask(number, method, **params))
    answers = await pipe.until(len(requests))
    return [one for _id, one in sorted((one["id"], one) for one in answers)]


async def test_a_message_is_answered_as_it_is_now(pipe: Pipe, node: FakeNode) -> None:
    await node.send("lobby", "at nine")
    message = {"message": f"{1:064x}"}
    answers = await said(
        pipe,
        ("messages.react", message | {"reaction": "thanks"}),
        ("messages.edit", message | {"text": "at ten"}),
        ("messages.react", message | {"reaction": "thanks", "remove": True}),
        ("messages.delete", message),
    )
    results = [one["result"] for one in answers]
    assert [one["reactions"] for one in results] == [{"thanks": [ME.id]}, {"thanks": [ME.id]}, {}, {}]  # type: ignore[index]
    assert [one["text"] for one in results] == ["at nine", "at ten", "at ten", ""]  # type: ignore[index]
    assert results[-1]["deleted"] is True  # type: ignore[index]
    changed = [line["params"] for line in pipe.lines() if line.get("params", {}).get("type") == "message_changed"]
    assert [one["message"] for one in changed] == results


async def test_a_story_is_sent_listed_and_found(pipe: Pipe) -> None:
    story = {"room": "lobby", "text": "once", "kind": "story", "title": "The train", "warning": "illness", "replies": "listen"}
    [sent] = await said(pipe, ("messages.send", story))
    assert {name: sent["result"][name] for name in story if name != "room"} == {  # type: ignore[index]
        name: value for name, value in story.items() if name != "room"
    }
    pipe.say(ask(7, "stories.list", room="lobby"), ask(8, "messages.search", query="ONCE"))
    answers = {one["id"]: one["result"] for one in await pipe.until(3)}
    assert answers[7] == {"messages": [sent["result"]], "more": False}
    assert answers[8] == [sent["result"]]


@pytest.mark.parametrize(
    ("params", "parameter"),
    [
        ({"title": "T"}, "title"),
        ({"replies": "listen"}, "replies"),
        ({"kind": "story", "replies": "never"}, "replies"),
        ({"kind": "poem"}, "kind"),
        ({"warning": "w" * 257}, "warning"),
    ],
)
async def test_what_does_not_go_together_is_refused_by_name(pipe: Pipe, params: dict[str, str], parameter: str) -> None:
    [answer] = await said(pipe, ("messages.send", {"room": "lobby", "text": "x"} | params))
    assert (answer["error"]["code"], answer["error"]["data"]["parameter"]) == (-32602, parameter)  # type: ignore[index]


@pytest.mark.parametrize(
    ("method", "more"),
    [("messages.react", {"reaction": "hope"}), ("messages.edit", {"text": "x"}), ("messages.delete", {})],
)
async def test_a_message_that_is_not_here_is_an_error_with_a_kind(pipe: Pipe, method: str, more: dict[str, str]) -> None:
    [answer] = await said(pipe, (method, {"message": "ff"} | more))
    assert answer["error"]["data"] == {"kind": "unknown_message", "message": "ff"}  # type: ignore[index]


@pytest.mark.parametrize("form", ["json", "markdown"])
async def test_a_room_is_written_into_a_file(pipe: Pipe, node: FakeNode, tmp_path: Path, form: str) -> None:
    await node.send("lobby", "hello")
    path = str(tmp_path / "lobby")
    [answer] = await said(pipe, ("messages.export", {"room": "lobby", "path": path, "format": form}))
    assert answer["result"] == {"path": path, "count": 1}
    written = Path(path).read_text()  # noqa: ASYNC240 - written above
    assert (json.loads(written)["messages"][0]["text"] == "hello") if form == "json" else "    hello\n" in written
