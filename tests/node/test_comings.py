"""Who came and who went is told once, and nobody whose link was replaced is told to have gone."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from peertalk.node import comings
from peertalk.node.comings import Comings

BEN = b"b" * 32


class Seen:
    """Ben as the node sees him, and what is told of him."""

    def __init__(self) -> None:
        self.online: set[bytes] = set()
        self.name: str | None = "Ben"
        self.told: list[str] = []
        self.news = asyncio.Event()
        views: Any = SimpleNamespace(
            online=lambda: self.online,
            has_name=lambda _: self.name is not None,
            peer=lambda _: SimpleNamespace(name=self.name or "?"),
        )
        self.comings = Comings(views, self._tell)

    def _tell(self, event: Any) -> None:
        self.told.append(event.change)
        self.news.set()

    def comes(self) -> None:
        self.online = {BEN}
        self.comings.look(BEN)

    def goes(self) -> None:
        self.online = set()
        self.comings.look(BEN)

    async def tells(self) -> None:
        self.news.clear()
        async with asyncio.timeout(10):
            await self.news.wait()


@pytest.fixture(autouse=True)
def _events(monkeypatch: pytest.MonkeyPatch) -> None:

    monkeypatch.setattr("peertalk.node.comings.events.PeerChanged", SimpleNamespace)


async def test_who_comes_and_goes_is_told_once_each() -> None:
    ben = Seen()
    ben.comes()
    ben.comes()
    ben.goes()
    ben.goes()
    assert ben.told == ["online", "offline"]


async def test_whose_link_is_replaced_has_not_gone() -> None:
    ben = Seen()
    ben.comes()
    ben.comings.returns(BEN)
    ben.goes()
    ben.comes()
    assert ben.told == ["online"]
    ben.comings.close()


async def test_who_does_not_return_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comings, "RETURN_PATIENCE", 0.01)
    ben = Seen()
    ben.comes()
    ben.comings.returns(BEN)
    ben.goes()
    assert ben.told == ["online"]
    await ben.tells()
    assert ben.told == ["online", "offline"]
    ben.comes()
    ben.goes()
    assert ben.told == ["online", "offline"] * 2


async def test_a_name_is_waited_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comings, "NAME_PATIENCE", 0.01)
    ben = Seen()
    ben.name = None
    ben.comes()
    assert ben.told == []
    await ben.tells()
    assert ben.told == ["online"]


async def test_who_goes_before_they_are_named_was_never_there() -> None:
    ben = Seen()
    ben.name = None
    ben.comes()
    ben.goes()
    assert ben.told == []


async def test_another_name_is_told_once() -> None:
    ben = Seen()
    ben.comes()
    ben.name = "Benno"
    ben.comings.is_named(BEN)
    ben.comings.is_named(BEN)
    assert ben.told == ["online", "name"]
