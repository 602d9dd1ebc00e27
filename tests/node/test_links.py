"""Real nodes where there is no room for one more link (docs/protocol.md, "Links")."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from peertalk.core.events import PeerChanged
from peertalk.node import admission, life, links
from peertalk.node.dialer import Dialer
from peertalk.node.link import Link
from peertalk.node.node import Node
from peertalk.node.ports import Advertisement
from tests.node.company import PATIENCE, Company, company, event, online, port, until


@pytest.fixture
async def people(tmp_path: Path) -> AsyncIterator[Company]:
    async with company(tmp_path) as one:
        yield one


async def turned_away(guest: Node, host: Node, monkeypatch: pytest.MonkeyPatch) -> float:
    """Dial until the host says that there is no room; seconds until the guest tries again."""
    told = asyncio.get_running_loop().create_future()
    dialer = guest._life.dialer
    real = dialer.unlinked

    def unlinked(identity: bytes, now: float, *, member: bool, gone: bool, crowded: bool, spare: bool) -> None:
        real(identity, now, member=member, gone=gone, crowded=crowded, spare=spare)
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


@pytest.mark.parametrize("late", ["Ada", "Ben"])
async def test_a_room_that_is_entered_while_a_link_is_being_set_up_is_shared_on_it(
    people: Company, monkeypatch: pytest.MonkeyPatch, late: str
) -> None:
    ada, ben = await people.node("Ada"), await people.node("Ben")
    waits, is_in = (ada, ben) if late == "Ada" else (ben, ada)
    room = await is_in.join("workshop")
    life = waits._life
    record, established = is_in._life.lookup.room(room.id).record, life.links._established

    def just_before(*arguments: Any) -> None:
        life.replica.join(record, life.now())
        established(*arguments)

    monkeypatch.setattr(life.links, "_established", just_before)
    await ben.connect("127.0.0.1", port(ada))
    await until(is_in, lambda: is_two(is_in, room.id))


async def test_rooms_that_were_too_many_to_be_offered_are_proven_on_the_link(
    people: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(links, "OFFERED", 1)
    ada, ben = await people.node("Ada"), await people.node("Ben")
    rooms = [(await one.join(name)).id for name in ("workshop", "garden") for one in (ada, ben)]
    await ben.connect("127.0.0.1", port(ada))
    for room in {*rooms, (await ben.room("lobby")).id}:
        await until(ben, lambda room=room: is_two(ben, room))


@pytest.mark.parametrize(("anew", "ended"), [("Ada", "closed:replaced"), ("Ben", "bye:replaced")])
async def test_whose_link_is_replaced_is_not_told_to_have_gone(
    people: Company, monkeypatch: pytest.MonkeyPatch, anew: str, ended: str
) -> None:
    monkeypatch.setattr(links, "CROSSING_SECONDS", 0.0)
    ada = await people.node("Ada")
    seen = ada.subscribe()
    ben = await people.node("Ben", ada)
    assert (await event(ada, PeerChanged, lambda one: one.change != "name", seen)).change == "online"
    (before,) = ada._life.links.lines.values()
    one, other = (ada, ben) if anew == "Ada" else (ben, ada)
    await (await one._life._connect("", "127.0.0.1", port(other))).settled()
    await before.closed()
    assert before.reason == ended
    await until(ada, lambda: online(ada, "Ben"))
    await ben.close()
    assert (await event(ada, PeerChanged, lambda one: one.change != "name", seen)).change == "offline"
    assert not await online(ada, "Ben")


async def is_two(node: Node, room: str) -> bool:
    return (await node.room(room)).online == 2


# ── dialling somebody who has no room ────────────────────────────────────────────────────────────────────────────────


def dialled(identity: bytes = b"b" * 32) -> Dialer:
    """Somebody was found and is linked."""
    dialer = Dialer(lambda: "1" * 16)
    dialer.found(Advertisement("f" * 16, ("10.0.0.2",), 4000), 100.0)
    (dial,) = dialer.due(100.0)
    dialer.linked(dial.target, identity, "10.0.0.2", 100.0)
    return dialer


def test_where_there_is_no_room_it_is_tried_late_however_well_known_one_was() -> None:
    dialer = dialled()
    dialer.unlinked(b"b" * 32, 200.0, member=True, crowded=True)
    assert 30 <= dialer.wake() - 200 <= 60


def test_who_came_from_there_and_found_no_room_is_not_dialled_at_once() -> None:
    dialer = Dialer(lambda: "1" * 16)
    dialer.found(Advertisement("f" * 16, ("10.0.0.2",), 4000), 100.0)
    dialer.linked(None, b"b" * 32, "10.0.0.2", 100.0)
    dialer.unlinked(b"b" * 32, 100.1, crowded=True)
    assert dialer.wake() - 100 > 30


async def test_only_links_over_addresses_that_are_gone_are_hung_up(people: Company) -> None:
    ada = await people.node("Ada")
    for name in ("Ben", "Cara", "Dora"):
        await people.node(name, ada)
        await until(ada, lambda name=name: online(ada, name))
    links = [*ada._life.links.lines.values()]
    for link, local in zip(links, ("192.168.1.7", "192.168.1.8", ""), strict=True):
        link.local = local
    ada._life.links.hang_up_moved({"192.168.1.7"})
    assert [link.reason for link in links] == [None, "closed:moved", None]


async def test_work_that_fails_is_said(people: Company, caplog: pytest.LogCaptureFixture) -> None:
    async def fails() -> None:
        raise ValueError("a text of somebody")

    life = (await people.node("Ada"))._life
    before = set(life._tasks)
    life._spawn(fails())
    await asyncio.wait(life._tasks - before)
    assert "a task has failed: ValueError" in caplog.text
    assert "of somebody" not in caplog.text


async def test_who_does_not_take_the_goodbye_keeps_no_threads_here(people: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = await people.node("Ada")
    ben = await people.node("Ben", ada)
    await until(ada, lambda: online(ada, "Ben"))
    closed = asyncio.Event()
    real = ada._life.links._checking.close
    monkeypatch.setattr(ada._life.links._checking, "close", lambda: (real(), closed.set()))
    monkeypatch.setattr(life, "CLOSE_SECONDS", 0.01)
    monkeypatch.setattr(Link, "closed", lambda _: asyncio.Event().wait())
    await ada.close()
    assert closed.is_set()
    monkeypatch.undo()
    await ben.close()
