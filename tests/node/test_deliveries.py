"""Who has an own message is told at once, and where many have it one after the other, not of each of them."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from peertalk.core.effects import Claimed
from peertalk.node import deliveries
from peertalk.node.deliveries import Deliveries

ROOM, FEED = b"r" * 32, b"f" * 32


class Desk:
    """A room with own messages, and what is told of them: (message, number of people who have it)."""

    def __init__(self) -> None:
        self.holders: dict[int, list[bytes]] = {}
        self.told: list[tuple[bytes, int]] = []
        self.news = asyncio.Event()
        room: Any = SimpleNamespace(
            id=ROOM,
            log=SimpleNamespace(chain=lambda _: SimpleNamespace(top=(b"", len(self.holders)))),
            holders=lambda _, seq: (self.holders[seq], []),
            claimed_alike=lambda _, seq: seq,
        )
        places: Any = {ROOM: SimpleNamespace(room=room)}
        nobody: Any = None
        self.places = places
        self.it = Deliveries(places, nobody, self._publish, nobody)

    def _publish(self, event: Any) -> None:
        self.told.append((bytes.fromhex(event.message), len(event.delivered_to)))
        self.news.set()

    def say(self, seq: int) -> bytes:
        message = bytes([seq]) * 32
        self.holders[seq] = []
        entry: Any = SimpleNamespace(feed=FEED, seq=seq, kind="text", message=message)
        self.it.placed(ROOM, entry)
        return message

    def has(self, seq: int) -> None:
        """One more has it."""
        self.holders[seq].append(bytes([len(self.holders[seq])]) * 32)
        self.it.claimed(Claimed(ROOM, FEED, seq - 1, seq))

    async def tells(self) -> None:
        self.news.clear()
        async with asyncio.timeout(10):
            await self.news.wait()


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Often is more than twice."""
    monkeypatch.setattr(deliveries, "AT_ONCE", 2)
    monkeypatch.setattr(deliveries, "GATHERED", 0.01)


async def test_who_has_a_message_is_told_at_once_and_who_else_of_many_a_moment_later_together() -> None:
    desk = Desk()
    message = desk.say(1)
    for _ in range(20):
        desk.has(1)
    assert desk.told == [(message, 1), (message, 2)]
    await desk.tells()
    assert desk.told == [(message, 1), (message, 2), (message, 20)]
    desk.it.close()


async def test_of_another_message_it_is_told_at_once() -> None:
    desk = Desk()
    first, second = desk.say(1), desk.say(2)
    for _ in range(3):
        desk.has(1)
    desk.has(2)
    assert desk.told == [(first, 1), (first, 2), (second, 1)]
    desk.it.close()


async def test_after_a_moment_it_is_told_at_once_again() -> None:
    desk = Desk()
    message = desk.say(1)
    for _ in range(3):
        desk.has(1)
    await desk.tells()
    desk.has(1)
    assert desk.told == [(message, 1), (message, 2), (message, 3), (message, 4)]
    desk.it.close()


async def test_of_a_room_that_is_gone_nothing_is_told() -> None:
    desk = Desk()
    message = desk.say(1)
    for _ in range(3):
        desk.has(1)
    desk.places.clear()
    desk.it._tell_gathered()
    assert desk.told == [(message, 1), (message, 2)]
    desk.it.close()


async def test_who_has_what_a_message_said_before_is_told_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries, "target", lambda _kind, body: body)
    desk = Desk()
    message = desk.say(1)
    for _ in range(3):
        desk.has(1)
    edit: Any = SimpleNamespace(feed=FEED, seq=2, kind="edit", body=message)
    desk.it.placed(ROOM, edit)
    desk.it._tell_gathered()
    assert desk.told == [(message, 1), (message, 2)]
    desk.it.close()
