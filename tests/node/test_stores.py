"""One store over two: what is off the record stays in memory, and nobody who uses it has to know."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import cast

import pytest

from peertalk.core.entry import Edit, Text, seal_body
from peertalk.core.stored import (
    DropOffer,
    DropOutbox,
    DropRoom,
    EraseBodies,
    OfferRecord,
    Op,
    OutboxRecord,
    PutOffer,
    PutOutbox,
    PutPage,
    PutProfile,
    PutRoom,
)
from peertalk.errors import StartError
from peertalk.node import ports, schema
from peertalk.node.store import Store
from peertalk.node.stores import Stores
from tests.node.records import digest, entry, page, room

KEY = b"k" * 32
KEPT, FLEETING = room("kept"), room("fleeting", kind="private", retention="session")
HERE, GONE = entry("here", body=b"canary that is kept"), entry("gone", body=b"canary off the record")
WAITING = OutboxRecord(room=FLEETING.id, number=1, message=digest("w"), kind="text", body=b"canary that waits", time=1)
OFFER = OfferRecord(room=digest("new"), old=FLEETING.id, terms=b"canary of terms", by=digest("by"))


class Slow:
    """Just what commits need of a store: each is done when a test says so."""

    durable = True

    def __init__(self) -> None:
        self.done: list[asyncio.Future[None]] = []

    def submit(self, ops: Sequence[Op]) -> asyncio.Future[None]:
        assert isinstance(ops, Sequence)
        self.done.append(asyncio.get_running_loop().create_future())
        return self.done[-1]


@pytest.fixture
async def stores(tmp_path: Path) -> AsyncIterator[Stores]:
    both = Stores(Store.open(tmp_path / "peertalk.db", KEY), lambda: Store.open(None, b""))
    pages = [PutPage(page(0, HERE, name="kept")), PutPage(page(0, GONE, name="fleeting"))]
    await both.commit([PutRoom(KEPT), PutRoom(FLEETING), *pages, PutOutbox(WAITING), PutOffer(OFFER)])
    yield both
    await both.close()


async def test_each_room_is_read_from_where_it_is(stores: Stores) -> None:
    for record, said in ((KEPT, HERE), (FLEETING, GONE)):
        assert [one.entries for one in await stores.pages(record.id, [0])] == [(said,)]
        assert await stores.bodies(record.id, [HERE.id, GONE.id]) == {said.id: said.body}
        assert await stores.entries(record.id, ("text",), 9) == [said]
        assert await stores.unread(record.id, (0, b""), ("text",), (), 9) == 1
        assert await stores.find(said.message) == await stores.find(said.message, record.id) == [(record.id, said)]
    assert await stores.find(GONE.message, KEPT.id) == []


async def test_nothing_that_is_off_the_record_is_on_disk(stores: Stores, tmp_path: Path) -> None:
    snapshot = await stores.load()
    assert ([one.record for one in snapshot.rooms], snapshot.offers) == ([KEPT], ())
    await stores.close()
    writer, reader = schema.connect(tmp_path / "peertalk.db", KEY)
    image = writer.serialize("main")
    writer.close()
    reader.close()
    there = (KEPT.id, HERE.id, b"canary that is kept")
    not_there = (FLEETING.id, FLEETING.secret, GONE.id, GONE.feed, b"off the record", b"canary that waits", b"canary of terms")
    assert all(word in image for word in there)
    assert GONE.feed == HERE.feed  # so that one is there
    assert [word for word in not_there if word in image] == [GONE.feed]


async def test_what_goes_is_looked_for_where_it_is(stores: Stores) -> None:
    await stores.commit([DropOutbox(FLEETING.id, 1), DropOffer(OFFER.room), DropRoom(FLEETING.id)])
    assert await stores.entries(FLEETING.id, ("text",), 9) == []
    await stores.commit([PutRoom(FLEETING)])  # entered again, it is off the record again
    assert [one.record for one in (await stores.load()).rooms] == [KEPT]


async def test_where_nothing_is_on_disk_there_is_one_store_only() -> None:
    def second() -> Store:
        raise AssertionError("not needed")

    only = Stores(Store.open(None, b""), second)
    await only.commit([PutRoom(FLEETING), PutPage(page(0, GONE, name="fleeting"))])
    assert await only.entries(FLEETING.id, ("text",), 9) == [GONE]
    assert [one.record for one in (await only.load()).rooms] == [FLEETING]
    await only.close()


def slow() -> tuple[Stores, Slow, Slow]:
    disk, memory = Slow(), Slow()
    return Stores(cast("ports.Store", disk), lambda: cast("ports.Store", memory)), disk, memory


async def turn() -> None:
    """Let what is due be called."""
    for _ in range(3):
        await asyncio.sleep(0)


async def test_a_commit_to_both_is_done_when_both_are() -> None:
    stores, disk, memory = slow()
    both = stores.submit([PutRoom(KEPT), PutRoom(FLEETING)])
    memory.done[0].set_result(None)
    await turn()
    assert not both.done()
    disk.done[0].set_result(None)
    await turn()
    assert both.done()


async def test_commits_are_done_in_the_order_of_submission() -> None:
    stores, disk, memory = slow()
    commits = [stores.submit([PutRoom(KEPT), PutRoom(FLEETING)]), stores.submit([PutOutbox(WAITING)]), stores.submit([])]
    for done in memory.done:
        done.set_result(None)
    await turn()
    assert [commit.done() for commit in commits] == [False, False, False]
    disk.done[0].set_result(None)
    await turn()
    assert [commit.done() for commit in commits] == [True, True, False]


async def test_what_is_in_memory_at_once_waits_for_the_disk_that_was_asked_before() -> None:
    stores, disk, memory = slow()
    commits = [stores.submit([PutRoom(KEPT)]), stores.submit([PutRoom(FLEETING)]), stores.submit([])]
    memory.done[0].set_result(None)
    await turn()
    assert [commit.done() for commit in commits] == [False, False, False]
    disk.done[0].set_result(None)
    await turn()
    assert [commit.done() for commit in commits] == [True, True, False]
    commits[-1].cancel()
    last = stores.submit([PutOutbox(WAITING)])
    memory.done[1].set_result(None)
    disk.done[1].set_result(None)
    await turn()
    assert last.done()


async def test_a_disk_that_fails_is_told_and_a_caller_who_waits_no_more_is_not_in_the_way() -> None:
    stores, disk, _ = slow()
    gone, failed = stores.submit([PutProfile("name", b"n")]), stores.submit([PutProfile("name", b"m")])
    gone.cancel()
    for done in disk.done:
        if not done.done():
            done.set_exception(StartError("disk", why="full"))
    with pytest.raises(StartError):
        await failed


async def test_words_and_annotations_are_where_their_room_is(stores: Stores, tmp_path: Path) -> None:
    said = [
        (number, seal_body(content, bytes)) for number, content in enumerate((Text("a wren"), Edit(digest("m"), "two wrens")))
    ]
    for record in (KEPT, FLEETING):
        pages = [
            PutPage(page(1 + n, entry((record.name, n), seq=2 + n, received=9 - n, kind=kind, body=body), name=record.name))
            for n, (kind, body) in said
        ]
        await stores.commit(pages)
        assert [one.kind for one in await stores.annotations(record.id, [digest("m")])] == ["edit"]
    assert [where for where, _ in await stores.search("wren", 3)] == [KEPT.id, FLEETING.id, KEPT.id]
    assert [one.kind for _, one in await stores.search("wren", 9, FLEETING.id)] == ["edit", "text"]
    await stores.commit([EraseBodies(FLEETING.id, digest("message", ("fleeting", 0)), frozenset((digest("feed"),)))])
    assert [one.kind for _, one in await stores.search("wren", 9, FLEETING.id)] == ["edit"]
