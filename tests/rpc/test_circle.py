"""Rooms behind a code over the interface: the shapes of docs/rpc.md, and that page and table name the same methods and events."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from peertalk.core import events
from peertalk.errors import RequestError
from peertalk.rpc.methods import METHODS
from tests.fake_node import BEN, FakeNode
from tests.rpc.pipe import Pipe, ask

PAGE = (Path(__file__).parents[2] / "docs" / "rpc.md").read_text(encoding="utf-8")
ROOM = {
    "id": "room-circle", "name": "circle", "kind": "private", "members": 1, "online": 1, "unread": 0, "retention": "forever",
    "language": "en", "sealed": False, "muted": False, "outside": False, "archived": False, "predecessor": None, "waiting": [],
}  # fmt: skip
PEER = {
    "id": "bb" * 32, "name": "Ben", "tag": "x1y2", "online": True, "trust": "new", "addresses": [], "rooms": ["lobby"],
    "blocked": False, "since": None, "fingerprint": "",
}  # fmt: skip


async def call(pipe: Pipe, method: str, **params: object) -> Any:
    """The answer: the result, or the data of the error."""
    number = len(pipe.answers()) + 1
    pipe.say(ask(number, method, **params))
    found = next(found for found in await pipe.until(number) if found["id"] == number)
    return found["result"] if "result" in found else found["error"]["data"]


async def circle(pipe: Pipe) -> None:
    assert await call(pipe, "rooms.create", name="circle", language="en") == ROOM


async def test_a_private_room_has_the_shape_of_the_document(pipe: Pipe, node: FakeNode) -> None:
    await circle(pipe)
    made = await call(pipe, "rooms.create", name="short", retention=30)
    assert (made["retention"], node.calls[-1]) == (30, ("create", "short", 30, None))
    assert (await call(pipe, "rooms.create", name="off", retention="session"))["retention"] == "session"


@pytest.mark.parametrize("retention", ["never", 0, -1, 4000, 1.5])
async def test_what_is_no_retention_is_refused(pipe: Pipe, retention: object) -> None:
    assert (await call(pipe, "rooms.create", name="circle", retention=retention))["parameter"] == "retention"


async def test_an_invitation_has_the_shape_of_the_document(pipe: Pipe, node: FakeNode) -> None:
    await circle(pipe)
    made = await call(pipe, "rooms.invite", room="circle", uses=20, ttl=60, language="de")
    assert made == {
        "code": "7-gitarre-wiese-komet",
        "link": "peertalk:1/7/abcdefghijklmnopqrstuvwxyz?at=192.168.1.20:47000",
        "uses": 20,
        "expires_at": node.now + 60_000,
        "room": "room-circle",
        "used": 0,
    }
    assert await call(pipe, "rooms.invites") == [made]
    assert await call(pipe, "rooms.invites", room="another") == []
    assert await call(pipe, "rooms.cancel_invite", code=made["code"]) == {}
    assert await call(pipe, "rooms.invites") == []


@pytest.mark.parametrize(("name", "value"), [("uses", 0), ("uses", 257), ("ttl", 9), ("ttl", 86_401), ("language", "fr")])
async def test_an_invitation_beyond_the_bounds_is_refused(pipe: Pipe, name: str, value: object) -> None:
    assert (await call(pipe, "rooms.invite", room="circle", **{name: value}))["parameter"] == name


async def test_accepting_gives_the_room_or_the_reason(pipe: Pipe, node: FakeNode) -> None:
    node.doors["7 a b c"] = msgspec.convert(ROOM, events.Room)
    node.doors["x"] = RequestError("bad_code", reason="malformed", why="unknown_word", word="x", suggestions=("fox",))
    assert await call(pipe, "rooms.accept", code="7 a b c", timeout=5) == ROOM
    assert node.calls[-1] == ("accept", "7 a b c", 5)
    assert await call(pipe, "rooms.accept", code="8 a b c") == {"kind": "bad_code", "reason": "not_found"}
    assert await call(pipe, "rooms.accept", code="x") == {
        "kind": "bad_code", "reason": "malformed", "why": "unknown_word", "word": "x", "suggestions": ["fox"],
    }  # fmt: skip


async def test_the_words_of_a_room_and_who_is_verified_by_them(pipe: Pipe, node: FakeNode) -> None:
    node.differ = [BEN]
    assert await call(pipe, "rooms.verified", room="lobby", present=["Ben"]) == {"kind": "refused", "why": "not_compared"}
    words = await call(pipe, "rooms.words", room="lobby", language="de")
    assert list(words) == ["words", "gathering", "differ", "members"]
    assert (len(words["words"]), words["gathering"], words["differ"]) == (10, False, [PEER])
    verified = await call(pipe, "rooms.verified", room="lobby", present=["Ben"])
    assert list(verified[0]) == ["id", "name", "tag", "online", "trust", "via", "invited_by", "me"]
    assert node.peers_by_id[BEN.id].trust == "verified"


async def test_comparing_waits_for_the_other_side_and_nothing_else_waits_for_it(pipe: Pipe, node: FakeNode) -> None:
    node.before_verify = asyncio.Event()
    pipe.say(ask(1, "peers.verify", peer="Ben"), ask(2, "node.status"))
    assert [found["id"] for found in await pipe.until(1)] == [2]
    node.before_verify.set()
    found = (await pipe.until(2))[-1]
    assert found["id"] == 1
    assert [list(each) for each in found["result"]["emoji"]] == [["symbol", "name"]] * 7


async def test_what_was_compared_is_confirmed(pipe: Pipe) -> None:
    assert await call(pipe, "peers.confirm", peer="Ben", matches=True) == {"kind": "refused", "why": "not_compared"}
    await call(pipe, "peers.verify", peer="Ben")
    assert await call(pipe, "peers.confirm", peer="Ben", matches=True) == PEER | {"trust": "verified"}
    assert await call(pipe, "peers.confirm", peer="Ben", matches=False) == PEER | {"trust": "known"}


async def test_a_door_is_closed_and_opened(pipe: Pipe, node: FakeNode) -> None:
    await circle(pipe)
    assert await call(pipe, "rooms.seal", room="circle") == ROOM | {"sealed": True}
    assert await call(pipe, "rooms.invite", room="circle") == {"kind": "sealed", "room": "circle"}
    assert (await call(pipe, "rooms.admit", room="circle", peer="Ben"))["sealed"] is True
    assert node.calls[-1] == ("admit", "circle", "Ben")
    assert await call(pipe, "rooms.unseal", room="circle") == ROOM
    assert await call(pipe, "rooms.seal", room="lobby") == {"kind": "refused", "why": "not_private"}


async def test_a_meeting_is_ended(pipe: Pipe) -> None:
    await circle(pipe)
    assert await call(pipe, "rooms.end", room="circle") == {"stays": ["messages", "members", "room"], "forgotten": ["key"]}


async def test_a_room_is_started_anew(pipe: Pipe) -> None:
    await circle(pipe)
    anew = await call(pipe, "rooms.reform", room="circle", without=["Ben"])
    assert anew == ROOM | {"id": "room-circle-anew", "predecessor": "room-circle"}
    assert (await call(pipe, "rooms.reform", room="circle", without=[]))["parameter"] == "without"


async def test_an_offer_has_the_shape_of_the_document_and_is_answered_once(pipe: Pipe, node: FakeNode) -> None:
    await circle(pipe)
    made = node.offers_to_follow(node.rooms_by_id["room-circle"], BEN, [BEN], still_shared=("#lobby",))
    [offer] = await call(pipe, "rooms.offers")
    assert offer == {
        "offer": "offer-0", "room": "room-circle", "name": "circle", "by": PEER, "without": [PEER], "followers": [PEER],
        "still_shared": ["#lobby"],
    }  # fmt: skip
    assert (await call(pipe, "rooms.follow", offer=made.offer))["predecessor"] == "room-circle"
    assert await call(pipe, "rooms.decline", offer=made.offer) == {"kind": "unknown_offer", "offer": made.offer}
    other = node.offers_to_follow(node.rooms_by_id["room-circle"], BEN, [BEN])
    assert await call(pipe, "rooms.decline", offer=other.offer) == {}


async def test_events_have_the_shape_of_the_document(pipe: Pipe, node: FakeNode) -> None:
    await circle(pipe)
    await call(pipe, "rooms.invite", room="circle")
    node.uses("7-guitar-meadow-comet", BEN)
    node.asks_to_verify(BEN)
    node.offers_to_follow(node.rooms_by_id["room-circle"], BEN, [])
    await call(pipe, "node.status")
    told = [line["params"] for line in pipe.lines() if line.get("method") == "event"][-4:]
    ben = PEER | {"rooms": ["lobby", "room-circle"]}
    assert told == [
        {"type": "invite_used", "code": "7-guitar-meadow-comet", "peer": ben, "room": "room-circle"},
        {"type": "invite_dead", "code": "7-guitar-meadow-comet", "fresh": False, "reason": "used_up", "room": "room-circle"},
        {"type": "verify_request", "peer": PEER},
        {"type": "reform_offer", "offer": "offer-0", "room": "room-circle", "by": PEER, "without": []},
    ]


# ── the page and the tables ──────────────────────────────────────────────────────────────────────────────────────────


def rows(section: str) -> list[list[str]]:
    """The rows of the tables of a section, their cells."""
    text = PAGE.split(f"\n## {section}\n")[1].split("\n## ")[0]
    return [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in text.splitlines() if line.startswith("| `")
    ]


def test_page_and_table_name_the_same_methods() -> None:
    on_page = [name for row in rows("Methods") for name in re.findall(r"`([a-z]+\.[a-z_]+)`", row[0])]
    assert sorted(on_page) == sorted(METHODS)


def test_page_and_table_name_the_same_parameters() -> None:
    for row in rows("Methods"):
        names, halves = re.findall(r"`([a-z]+\.[a-z_]+)`", row[0]), row[1].split(" / ")
        for number, name in enumerate(names):
            told = re.findall(r"`([a-z_]+)", halves[number] if len(halves) == len(names) > 1 else row[1])
            known = msgspec.inspect.type_info(METHODS[name].decoder.type)
            assert isinstance(known, msgspec.inspect.StructType)
            assert told == [field.name for field in known.fields], name


def test_page_and_events_name_the_same_types_and_changes() -> None:
    on_page = {row[0].strip("`"): row for row in rows("Events")}
    known = {kind.__struct_config__.tag: kind for kind in events.AnyEvent.__args__}
    assert set(on_page) == set(known)
    for change in (*events.RoomChange.__args__, *events.PeerChanged.__annotations__["change"].split('"')[1::2]):
        assert f"`{change}`" in on_page["room"][1] + on_page["peer"][1]


@pytest.mark.parametrize(
    ("view", "start"), [(events.Room, "room = "), (events.Message, "message = "), (events.Invite, "invite = ")], ids=str
)
def test_the_page_names_every_field_of_a_view(view: type[msgspec.Struct], start: str) -> None:
    text = re.sub(r"\s", "", PAGE.split(f"\n{start}")[1].split("}`")[0])
    flat = re.sub(r":?\{[^{}]*\}|:\[.*?\]|:\"[^,]*", "", text.removeprefix("`{"))
    assert [each for each in flat.split(",") if each] == list(view.__struct_fields__)
