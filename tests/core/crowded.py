"""A room that is large, for the tests of what is done there."""

from __future__ import annotations

import pytest

from peertalk.core import crowd, wire
from tests.core.authors import NOTHING, ROOM, START, Author
from tests.core.desk import Desk

Patch = pytest.MonkeyPatch
MANY = 8


@pytest.fixture(autouse=True)
def few_are_many(monkeypatch: Patch) -> None:
    """Five are enough for it."""
    monkeypatch.setattr(crowd, "LARGE", 4)
    monkeypatch.setattr(crowd, "SMALL", 3)


def pulse(by: Author, at: int, digest: bytes = NOTHING, *, disk: bool = True) -> wire.Pulse:
    """As its clock shows `at` seconds after the start of all tests."""
    counter = START // 1000 + at
    return by.feed, counter, digest, disk, by.key.sign_pulse(ROOM.id, counter, digest, disk=disk)


def pulses(*some: wire.Pulse) -> wire.Pulses:
    return wire.Pulses(ROOM.id, some)


class Crowded(Desk):
    """With so many linked that the room is large; and Zoe, of whom there is a card and no link."""

    def __init__(self) -> None:
        super().__init__()
        self.zoe = Author("zoe")
        self.others = [Author(f"p{number}") for number in range(MANY)]
        self.link = {one.name: self.meet(one) for one in self.others}
        self.hear(self.link["p0"], self.zoe.card())
        self.later(5)

    def zoe_comes_and_goes(self) -> None:
        """So that her card is her own word."""
        self.down(self.meet(self.zoe))

    def seconds(self) -> int:
        """Since the start, by everybody's clock."""
        return (self.wall - START) // 1000
