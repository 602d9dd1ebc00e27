from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peertalk.core.events import Typing
from peertalk.errors import StartError
from peertalk.rpc import connection, envelope
from peertalk.rpc.connection import Connection
from tests.fake_node import BEN, FakeNode
from tests.rpc.pipe import Pipe, ask


async def answer(pipe: Pipe, method: str, **params: object) -> Any:
    pipe.say(ask(1, method, **params))
    [found] = await pipe.until(1)
    assert found["id"] == 1
    return found["result"]


async def test_the_first_line_is_ready(pipe: Pipe) -> None:
    pipe.say(ask(1, "node.status"))
    await pipe.until(1)
    assert pipe.lines()[0] == {
        "jsonrpc": "2.0",
        "method": "event",
        "params": {"type": "ready", "identity": {"id": "aa" * 32, "name": "Ada", "tag": "k3f9"}},
    }


async def test_status_has_the_shape_of_the_document(pipe: Pipe) -> None:
    assert await answer(pipe, "node.status") == {
        "version": "0.1.0",
        "protocol": 1,
        "identity": {"id": "aa" * 32, "name": "Ada", "tag": "k3f9"},
        "listening": [{"host": "127.0.0.1", "port": 4700}],
        "discovery": {"enabled": False, "advertised": None, "services_seen": 0},
        "links": 1,
        "rooms": 1,
    }


async def test_a_message_has_the_shape_of_the_document(pipe: Pipe) -> None:
    found = await answer(pipe, "messages.send", room="#lobby", text="hello", reply_to="ff")
    assert found == {
        "id": f"{1:064x}",
        "room": "cc" * 32,
        "author": {"id": "aa" * 32, "name": "Ada", "tag": "k3f9", "via": None},
        "seq": 1,
        "lamport": 1,
        "time": 1_795_000_000_000,
        "late": False,
        "state": "sent",
        "text": "hello",
        "kind": "text",
        "title": None,
        "warning": None,
        "replies": None,
        "reply_to": "ff",
        "edited": False,
        "deleted": False,
        "reactions": {},
        "delivered_to": [],
        "held_by": [],
        "mine": True,
        "about": [],
        "after_split": False,
        "quote": None,
        "clock": None,
    }


@pytest.mark.parametrize(
    ("method", "params", "expected"),
    [
        ("node.set_name", {"name": "Eva"}, {"id": "aa" * 32, "name": "Eva", "tag": "k3f9"}),
        ("rooms.leave", {"room": "lobby", "forget": True}, {}),
        ("rooms.read", {"room": "lobby", "up_to": "ff"}, {"unread": 0}),
        ("peers.connect", {"host": "127.0.0.1", "port": 4000}, {"link": True}),
        ("signals.typing", {"room": "lobby"}, {}),
        ("messages.list", {"room": "lobby"}, {"messages": [], "more": False}),
    ],
)
async def test_a_method_answers(pipe: Pipe, method: str, params: dict[str, object], expected: object) -> None:
    assert await answer(pipe, method, **params) == expected


@pytest.mark.parametrize(
    ("method", "params", "names"),
    [
        ("rooms.list", {}, ["lobby"]),
        ("rooms.members", {"room": "lobby"}, ["Ada"]),
        ("peers.list", {}, ["Ben"]),
    ],
)
async def test_a_list_is_a_bare_array(pipe: Pipe, method: str, params: dict[str, object], names: list[str]) -> None:
    assert [item["name"] for item in await answer(pipe, method, **params)] == names


@pytest.mark.parametrize(
    ("method", "params", "name"),
    [
        ("rooms.show", {"room": "#lobby"}, "lobby"),
        ("rooms.join", {"name": "#garden"}, "garden"),
        ("direct.open", {"peer": "Ben"}, "Ben"),
        ("peers.block", {"peer": "Ben"}, "Ben"),
        ("peers.unblock", {"peer": "Ben"}, "Ben"),
    ],
)
async def test_a_method_answers_with_its_object(pipe: Pipe, method: str, params: dict[str, object], name: str) -> None:
    assert (await answer(pipe, method, **params))["name"] == name


async def test_leaving_can_forget_and_reading_can_stop_short(pipe: Pipe, node: FakeNode) -> None:
    pipe.say(
        ask(1, "rooms.leave", room="lobby"),
        ask(2, "rooms.leave", room="lobby", forget=True),
        ask(3, "rooms.read", room="lobby"),
    )
    await pipe.until(3)
    assert node.left == [("lobby", False), ("lobby", True)]
    assert node.read_up_to == [None]


async def test_limit_has_no_upper_bound(pipe: Pipe, node: FakeNode) -> None:
    await answer(pipe, "messages.list", room="lobby", limit=10**18)
    assert node.limits == [2**31 - 1]


async def test_an_error_of_the_node_has_a_kind_its_data_and_a_sentence(pipe: Pipe) -> None:
    pipe.say(ask(5, "messages.send", room="nowhere", text="x"))
    [found] = await pipe.until(1)
    assert found["id"] == 5
    assert found["error"]["code"] == -32000
    assert found["error"]["data"] == {"kind": "unknown_room", "room": "nowhere"}
    assert found["error"]["message"]


async def test_a_disk_that_fails_is_an_error_with_a_kind_too(
    pipe: Pipe, node: FakeNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(room: str, text: str, **_more: object) -> object:
        raise StartError("disk", why="full")

    monkeypatch.setattr(node, "send", fail)
    pipe.say(ask(5, "messages.send", room="lobby", text="x"))
    [found] = await pipe.until(1)
    assert found["error"]["data"] == {"kind": "disk", "why": "full"}
    assert found["error"]["message"].startswith("The disk is full")


async def test_an_unknown_method_is_said_by_name(pipe: Pipe) -> None:
    pipe.say(ask("x", "rooms.dance"))
    [found] = await pipe.until(1)
    assert found == {"jsonrpc": "2.0", "id": "x", "error": {"code": -32601, "message": "no such method: rooms.dance"}}


async def test_a_notification_is_done_and_not_answered_not_even_with_an_error(pipe: Pipe, node: FakeNode) -> None:
    for method, params in (("messages.send", {"room": "lobby", "text": "quiet"}), ("nonsense", {}), ("rooms.join", {})):
        pipe.say({"jsonrpc": "2.0", "method": method, "params": params})
    assert await answer(pipe, "messages.list", room="lobby")
    assert [message.text for message in node.sent] == ["quiet"]


async def test_the_doctors_report_has_the_shape_of_the_document(pipe: Pipe) -> None:
    report = await answer(pipe, "node.doctor")
    assert (report["verdict"], [check["id"] for check in report["checks"]]) == ("alone", ["search"])
    assert report["checks"][0]["state"] == "ok"
    assert report["checks"][0]["detail"].endswith("switched on.")


async def test_a_batch_is_answered_in_one_line(pipe: Pipe) -> None:
    pipe.say(
        [ask(1, "node.status"), {"jsonrpc": "2.0", "method": "signals.typing", "params": {"room": "lobby"}}, 17, ask(2, "nope")]
    )
    [batch] = await pipe.until(1)
    by_id = {item["id"]: item for item in batch}
    assert by_id.keys() == {1, None, 2}
    assert by_id[1]["result"]["version"] == "0.1.0"
    assert by_id[None]["error"]["code"] == -32600
    assert by_id[2]["error"]["code"] == -32601


async def test_a_batch_of_notifications_is_not_answered(pipe: Pipe, node: FakeNode) -> None:
    pipe.say([{"jsonrpc": "2.0", "method": "signals.typing", "params": {"room": "lobby"}}])
    await answer(pipe, "node.status")
    assert node.typed == ["lobby"]


async def test_a_line_over_the_limit_is_refused_and_the_rest_of_it_skipped(pipe: Pipe) -> None:
    pipe.raw(b'"' + b"x" * (1 << 20))
    pipe.raw(b"y" * 1000 + b'"\n')
    pipe.say(ask(1, "node.status"))
    long, status = await pipe.until(2)
    assert (long["id"], long["error"]["code"]) == (None, -32600)
    assert status["result"]["links"] == 1


async def test_events_are_notifications(pipe: Pipe, node: FakeNode) -> None:
    await answer(pipe, "node.status")
    node.tell(Typing(room=node.lobby.id, peer=BEN))
    pipe.say(ask(2, "node.status"))
    await pipe.until(2)
    typing = next(line for line in pipe.lines() if line.get("params", {}).get("type") == "typing")
    assert (typing["method"], typing["params"]["peer"]["name"]) == ("event", "Ben")


async def test_sends_take_effect_in_the_order_of_the_lines_and_wait_for_the_disk_together() -> None:
    disk = asyncio.Event()
    node, pipe = FakeNode(disk), Pipe()
    task = asyncio.create_task(Connection(node, pipe).serve())
    pipe.say(*[ask(number, "messages.send", room="lobby", text=str(number)) for number in range(500)])
    pipe.say([ask(number, "messages.send", room="lobby", text=str(number)) for number in range(500, 600)])
    pipe.say(ask("last", "node.status"))
    [status] = await pipe.until(1)
    assert status["id"] == "last"
    disk.set()
    pipe.end()
    await asyncio.wait_for(task, 10)
    assert [message.text for message in node.sent] == [str(number) for number in range(600)]
    assert len(pipe.answers()) == 502


async def test_a_reply_that_has_to_be_looked_up_keeps_its_place(pipe: Pipe, node: FakeNode) -> None:
    for number in range(20):
        extra = {"reply_to": "ff"} if number % 3 == 0 else {}
        pipe.say(ask(number, "messages.send", room="lobby", text=str(number), **extra))
    await pipe.until(20)
    assert [message.text for message in node.sent] == [str(number) for number in range(20)]


async def test_at_the_end_of_input_what_runs_is_answered() -> None:
    disk = asyncio.Event()
    node, pipe = FakeNode(disk), Pipe()
    task = asyncio.create_task(Connection(node, pipe).serve())
    pipe.raw(json.dumps(ask(1, "messages.send", room="lobby", text="last words")).encode())  # no newline
    pipe.end()
    pipe.reading.clear()
    asyncio.get_running_loop().call_soon(disk.set)
    asyncio.get_running_loop().call_soon(pipe.reading.set)
    await asyncio.wait_for(task, 10)
    assert pipe.answers()[0]["result"]["text"] == "last words"


async def test_what_never_ends_does_not_keep_the_connection_from_ending(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "FINISH", 0.01)
    monkeypatch.setattr(connection, "FLUSH", 0.01)
    node, pipe = FakeNode(asyncio.Event()), Pipe()
    pipe.reading.clear()
    pipe.say(ask(1, "messages.send", room="lobby", text="x"))
    pipe.end()
    await asyncio.wait_for(Connection(node, pipe).serve(), 10)
    assert pipe.answers() == []


async def test_a_client_that_does_not_read_slows_only_itself(node: FakeNode) -> None:
    slow, quick = Pipe(), Pipe()
    slow.reading.clear()
    tasks = [asyncio.create_task(Connection(node, pipe).serve()) for pipe in (slow, quick)]
    many = connection.MAX_WAITING // 50
    slow.say(*[ask(number, "no.such.method") for number in range(many)])
    slow.say(ask("send", "messages.send", room="lobby", text="late"))
    quick.say(ask(1, "node.status"))
    await quick.until(1)
    assert node.sent == []
    slow.reading.set()
    await slow.until(many + 1)
    assert [message.text for message in node.sent] == ["late"]
    for pipe in (slow, quick):
        pipe.end()
    await asyncio.wait_for(asyncio.gather(*tasks), 10)


async def test_a_client_that_went_ends_the_connection(node: FakeNode) -> None:
    pipe = Pipe()
    pipe.broken = True
    await asyncio.wait_for(Connection(node, pipe).serve(), 10)


async def test_the_connection_ends_when_the_node_is_closed(node: FakeNode) -> None:
    pipe = Pipe()
    task = asyncio.create_task(Connection(node, pipe).serve())
    pipe.say(ask(1, "node.status"))
    await pipe.until(1)
    await node.close()
    await asyncio.wait_for(task, 10)


async def test_an_error_inside_is_answered_and_logged_without_its_text(
    pipe: Pipe, node: FakeNode, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken() -> object:
        raise KeyError("secret")

    monkeypatch.setattr(node, "rooms", broken)
    pipe.say(ask(1, "rooms.list"))
    [found] = await pipe.until(1)
    assert found["error"]["code"] == -32603
    assert "secret" not in found["error"]["message"]
    assert [record.getMessage() for record in caplog.records] == ["rooms.list failed: KeyError"]


junk = st.binary(max_size=80).filter(lambda line: b"\n" not in line)
named = st.fixed_dictionaries(
    {
        "jsonrpc": st.just("2.0"),
        "id": st.integers() | st.text() | st.none(),
        "method": st.sampled_from(["rooms.join", "messages.list", "x"]),
    },
    optional={
        "params": st.dictionaries(st.sampled_from(["name", "room", "limit", "x"]), st.text() | st.integers() | st.none())
    },
)


@given(st.lists(junk | named.map(lambda value: json.dumps(value).encode()), min_size=1, max_size=8))
def test_any_line_gets_exactly_one_answer_that_is_json_rpc(lines: list[bytes]) -> None:
    async def talk() -> list[Any]:
        pipe = Pipe()
        pipe.raw(b"".join(line + b"\n" for line in lines))
        pipe.end()
        await asyncio.wait_for(Connection(FakeNode(), pipe).serve(), 10)
        return pipe.answers()

    answers = asyncio.run(talk())
    assert len(answers) == len(lines)
    for item in answers:
        assert item["jsonrpc"] == "2.0"
        assert "id" in item
        assert ("result" in item) != ("error" in item)
        if "error" in item:
            code = item["error"]["code"]
            assert code in (
                -32000,
                envelope.PARSE_ERROR,
                envelope.INVALID_REQUEST,
                envelope.METHOD_NOT_FOUND,
                envelope.INVALID_PARAMS,
            )
