"""Who says that we let them in: whoever makes people up is told of, but not for ever."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from peertalk.core.entry import Here, seal_body
from peertalk.core.room import Room
from peertalk.core.stored import EntryRecord
from peertalk.node import inviters
from peertalk.node.inviters import Inviters

ME = b"m" * 32
ROOM = b"r" * 32


def a_room() -> Room:
    """One in which everybody writes into a feed that is called like them."""
    cards = SimpleNamespace(owner=lambda feed: SimpleNamespace(identity=feed))
    return cast("Room", SimpleNamespace(id=ROOM, own_feeds=frozenset, cards=cards))


def arrival(identity: bytes) -> EntryRecord:
    kind, body = seal_body(Here("Zoe", by=ME), bytes)
    unsaid: Any = dict.fromkeys(("id", "message", "header"), b"")
    return cast("EntryRecord", SimpleNamespace(**unsaid, feed=identity, kind=kind, body=body, time=0, received=0))


async def warned_of(asking: Inviters, warned: list[bytes], *identities: bytes) -> list[bytes]:
    for identity in identities:
        asking.came(a_room(), arrival(identity))
    loop = asyncio.get_running_loop()
    looked_at = loop.create_future()
    loop.call_later(inviters.PATIENCE, looked_at.set_result, None)  # after all others
    await looked_at
    assert not asking._asked
    return warned


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inviters, "PATIENCE", 0.0)


def nobody(_room: bytes, _identity: bytes) -> bool:
    return False


async def test_who_was_asked_to_come_along_needs_no_code() -> None:
    warned: list[bytes] = []
    asking = Inviters(
        ME, lambda room, identity: (room, identity) == (ROOM, b"a" * 32), lambda _, identity: warned.append(identity)
    )
    assert await warned_of(asking, warned, b"a" * 32, b"b" * 32) == [b"b" * 32]


async def test_people_who_were_made_up_are_told_of_only_so_often() -> None:
    warned: list[bytes] = []
    asking = Inviters(ME, nobody, lambda _, identity: warned.append(identity))
    people = [number.to_bytes(32, "big") for number in range(2 * inviters.MAX_ASKED)]
    for identity in people:
        asking.came(a_room(), arrival(identity))
    assert len(asking._asked) == inviters.MAX_ASKED
    assert await warned_of(asking, warned) == people[: inviters.WARNINGS]


async def test_each_who_was_let_in_unnamed_stands_for_one() -> None:
    warned: list[bytes] = []
    asking = Inviters(ME, nobody, lambda _, identity: warned.append(identity))
    asking.let_in_somebody(ROOM.hex())
    assert await warned_of(asking, warned, b"a" * 32, b"b" * 32) == [b"b" * 32]
    assert await warned_of(asking, warned, b"a" * 32) == [b"b" * 32]
    asking.close()
