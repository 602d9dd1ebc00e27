"""Who has an own message is told at once, and where many have it one after the other, not of each of them."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from peertalk.core.effects import Claimed
from peertalk.core.entry import Edit, Salts, seal_body
from peertalk.node import deliveries
from peertalk.node.deliveries import Deliveries

ROOM, FEED, NEWER = b"r" * 32, b"f" * 32, b"g" * 32


class Desk:
    """A room with own messages, and what is told of them: (message, number of people who have it)."""

    def __init__(self) -> None:
        self.holders: dict[int, list[bytes]] = {}
        self.asked: list[int] = []
        self.stored: list[Any] = []
        self.told: list[tuple[bytes, int]] = []
        self.news = asyncio.Event()
        page = SimpleNamespace(number=1, entries=[(b"", 1, 0)])
        chain = SimpleNamespace(top=(b"", 1), above=lambda _: [page])
        room: Any = SimpleNamespace(
            id=ROOM,
            log=SimpleNamespace(chain=lambda _: chain),
            holders=self._holders,
            claimed_alike=lambda _, seq: max(seq, *self.holders) if self.alike else seq,
            is_own=lambda feed: feed in (FEED, NEWER),
            outbox=[],
        )
        places: Any = {ROOM: SimpleNamespace(room=room)}
        self.alike = False
        self.waiting: list[Any] = room.outbox
        self.places = places
        store: Any = self
        self.older: list[asyncio.Task[None]] = []
        self.it = Deliveries(places, store, self._publish, lambda work: self.older.append(asyncio.ensure_future(work)))

    async def pages(self, _room: bytes, _numbers: object) -> list[Any]:
        return [SimpleNamespace(entries=[one for one in self.stored if one.kind != "edit"])]

    async def annotations(self, _room: bytes, _messages: object) -> list[Any]:
        return [one for one in self.stored if one.kind == "edit"]

    def _holders(self, _feed: bytes, seq: int) -> tuple[list[bytes], list[bytes]]:
        self.asked.append(seq)
        return self.holders[seq], []

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


def edit(message: bytes, *, feed: bytes = FEED, seq: int = 2) -> Any:
    body = seal_body(Edit(message, "else"), Salts(bytes))[1]
    return SimpleNamespace(room=ROOM, feed=feed, seq=seq, kind="edit", body=body, lamport=9, id=b"")


@pytest.mark.parametrize("feed", [FEED, NEWER])
async def test_who_has_what_a_message_said_before_is_told_no_more(feed: bytes) -> None:
    desk = Desk()
    message = desk.say(1)
    for _ in range(3):
        desk.has(1)
    desk.it.placed(ROOM, edit(message, feed=feed))
    desk.it._tell_gathered()
    desk.has(1)
    assert desk.told == [(message, 1), (message, 2)]
    desk.it.close()


async def test_what_it_is_to_say_and_nobody_has_yet_counts_too() -> None:
    desk = Desk()
    message, other = desk.say(1), desk.say(2)
    desk.it.queued(edit(message))
    desk.has(1)
    desk.has(2)
    assert desk.told == [(other, 1)]
    desk.it.close()


@pytest.mark.parametrize("feed", [FEED, NEWER, b"x" * 32])
async def test_of_what_was_said_before_the_start_an_own_edit_counts_in_whichever_feed_it_is(feed: bytes) -> None:
    desk = Desk()
    message = b"m" * 32
    said: Any = SimpleNamespace(feed=FEED, seq=1, kind="text", message=message)
    desk.stored, desk.holders[1] = [said, edit(message, feed=feed)], []
    desk.has(1)
    await asyncio.gather(*desk.older)
    assert desk.told == ([(message, 1)] if feed == b"x" * 32 else [])
    desk.it.close()


async def test_of_what_was_said_before_the_start_an_edit_that_waits_counts_too() -> None:
    desk = Desk()
    message = b"m" * 32
    said: Any = SimpleNamespace(feed=FEED, seq=1, kind="text", message=message)
    desk.stored, desk.holders[1], desk.waiting[:] = [said], [], [edit(message)]
    desk.has(1)
    await asyncio.gather(*desk.older)
    assert desk.told == []
    desk.it.close()


async def test_who_has_many_messages_is_looked_up_once_where_the_same_have_them() -> None:
    desk = Desk()
    messages = [desk.say(seq) for seq in range(1, 6)]
    for seq in desk.holders:
        for _ in range(3):
            desk.has(seq)
    desk.alike, desk.asked = True, []
    desk.told.clear()
    await desk.tells()
    assert desk.told == [(message, 3) for message in messages]
    assert desk.asked == [1]
    desk.it.close()
