"""Real nodes where there is no room for one more link (docs/protocol.md, "Links")."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from peertalk.node import admission
from peertalk.node.node import Node
from tests.node.company import PATIENCE, Company, company, online, port, until


@pytest.fixture
async def people(tmp_path: Path) -> AsyncIterator[Company]:
    async with company(tmp_path) as one:
        yield one


async def turned_away(guest: Node, host: Node, monkeypatch: pytest.MonkeyPatch) -> float:
    """Dial until the host says that there is no room; seconds until the guest tries again."""
    told = asyncio.get_running_loop().create_future()
    dialer = guest._life.dialer
    real = dialer.unlinked

    def unlinked(identity: bytes, now: float, *, member: bool, gone: bool, crowded: bool) -> None:
        real(identity, now, member=member, gone=gone, crowded=crowded)
        if crowded and not told.done():
            told.set_result(dialer.wake() - now)

    monkeypatch.setattr(dialer, "unlinked", unlinked)
    await guest.connect("127.0.0.1", port(host))
    async with asyncio.timeout(PATIENCE):
        seconds: float = await told
    return seconds


async def test_whoever_is_linked_stays_so_and_one_too_many_is_told_and_waits(
    people: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "LINKS", 2)
    monkeypatch.setattr(admission, "KEPT", 0)
    ada = await people.node("Ada")
    for name in ("Ben", "Cara"):
        await people.node(name, ada)
        await until(ada, lambda name=name: online(ada, name))
    dora = await people.node("Dora")
    assert await turned_away(dora, ada, monkeypatch) > 20
    assert (ada.status().links, dora.status().links) == (2, 0)
    assert {peer.name for peer in await ada.peers() if peer.online} == {"Ben", "Cara"}


async def test_somebody_who_was_here_before_takes_the_place_of_a_stranger(
    people: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await people.node("Ada")
    ben = await people.node("Ben", ada)
    await until(ada, lambda: online(ada, "Ben"))
    await ben.close()
    await ada.close()
    monkeypatch.setattr(admission, "LINKS", 1)
    monkeypatch.setattr(admission, "KEPT", 0)
    ada = await people.node("Ada")
    await people.node("Cara", ada)
    await until(ada, lambda: online(ada, "Cara"))
    await turned_away(await people.node("Dora"), ada, monkeypatch)
    await people.node("Ben", ada)
    await until(ada, lambda: online(ada, "Ben"))
    assert {peer.name for peer in await ada.peers() if peer.online} == {"Ben"}
    assert ada.status().links == 1
