"""What waits for a front end that does not read is bounded, and it is told what is missing."""

from __future__ import annotations

import pytest

from peertalk.core import events
from peertalk.core.events import AnyEvent, Author, Delivered, Message, MessageArrived, MessageChanged
from peertalk.node import subscription
from peertalk.node.subscription import Subscription

AUTHOR = Author(id="aa" * 32, name="Ada", tag="k3f9")
ME = events.IdentityView(id=AUTHOR.id, name="Ada", tag="k3f9")


def message(text: str, kind: type[MessageArrived] | type[MessageChanged] = MessageArrived) -> AnyEvent:
    said = Message(id="", room="", author=AUTHOR, seq=1, lamport=1, time=0, text=text)
    return kind(message=said)


def has(people: int) -> AnyEvent:
    return Delivered(message="", room="", delivered_to=["b" * 64] * people, held_by=["c" * 64] * people)


def reader(size: int, *put: AnyEvent) -> Subscription:
    one = Subscription(size, lambda _: None)
    for event in put:
        one.put(event)
    one.close()
    return one


async def read(one: Subscription) -> list[AnyEvent]:
    return [event async for event in one]


async def test_what_is_too_many_to_wait_is_the_oldest_and_their_number_is_told() -> None:
    first, *others = (message(str(number)) for number in range(4))
    assert await read(reader(3, first, *others)) == [events.Warning(kind="dropped", text="1"), *others]
    assert await read(reader(4, first, *others)) == [first, *others]


@pytest.mark.parametrize("large", [message("x" * 900), message("ä" * 900, MessageChanged), message("\u4e2d" * 450), has(4)])
async def test_what_is_too_large_to_wait_too(large: AnyEvent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscription, "MAX_BYTES", 2500)
    ready = events.Ready(identity=ME)
    assert await read(reader(100, ready, large, large)) == [ready, large, large]
    assert await read(reader(100, ready, large, ready, large, large)) == [
        events.Warning(kind="dropped", text="2"),
        ready,
        large,
        large,
    ]


async def test_the_newest_waits_however_large_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscription, "MAX_BYTES", 10)
    assert await read(reader(100, message("long"), message("longer"))) == [
        events.Warning(kind="dropped", text="1"),
        message("longer"),
    ]


async def test_what_was_read_waits_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscription, "MAX_BYTES", 2500)
    one = Subscription(100, lambda _: None)
    for _ in range(10):
        one.put(message("x" * 900))
        one.put(message("y" * 900))
        assert await anext(one) == message("x" * 900)
        assert await anext(one) == message("y" * 900)
