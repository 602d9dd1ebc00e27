"""Databases of earlier versions are opened and keep all that they hold.

`databases/version_N.db` was written by `python -m tests.node.test_store_migrations` when N was the newest version, and is never
written again: it also shows that a newer cipher library still reads what an older one wrote.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import apsw
import pytest

from peertalk.core.entry import Content, Delete, Edit, React, Text, seal_body
from peertalk.core.stored import (
    CardRecord,
    ClaimRecord,
    EraseBodies,
    ExpireBodies,
    FeedKeyRecord,
    Op,
    OutboxRecord,
    PeerRecord,
    PutBody,
    PutCard,
    PutClaim,
    PutFeedKey,
    PutOutbox,
    PutPage,
    PutPeer,
    PutProfile,
    PutRoom,
    Snapshot,
)
from peertalk.errors import StartError
from peertalk.node import schema
from peertalk.node.store import Store
from tests.model_store import ModelStore
from tests.node.records import digest, entry, page, room

KEY = bytes(range(32))
DATABASES = Path(__file__).parent / "databases"


def content() -> list[Op]:
    """Something of everything, as version 1 knew it."""
    lobby = digest("room", "lobby")
    return [
        PutProfile("identity", digest("identity")),
        PutProfile("name", b"Mira"),
        PutProfile("token", digest("token")[:16]),
        PutPeer(PeerRecord(identity=digest("Ben"), first_seen=1, last_seen=2, addresses=(("10.0.0.2", 4000),), blocked=True)),
        PutRoom(room(joined=1, linked=2, read=(2, digest("entry", "b")))),
        PutRoom(room("circle", kind="private", retention=30, language="de")),
        PutRoom(room("Ben", kind="direct", peer=digest("Ben"), shown=False)),
        PutFeedKey(FeedKeyRecord(room=lobby, feed=digest("old"), seed=None, created=1, retiring=True)),
        PutFeedKey(
            FeedKeyRecord(room=lobby, feed=digest("new"), seed=digest(1), created=2, succeeds=(digest("old"), digest(2) * 2))
        ),
        PutCard(CardRecord(room=lobby, identity=digest("Ben"), feeds=((digest("feed"), digest(3) * 2),))),
        PutCard(CardRecord(room=lobby, identity=digest("Cara"), feeds=(), via=digest("Ben"))),
        PutPage(page(0, entry("a", kind="here"), entry("b", seq=2, lamport=2, body=bytes(9_000)))),
        PutPage(page(1, entry("c", seq=3, lamport=3, body=None, late=True), entry("d", seq=4, lamport=4, body=None))),
        PutBody(lobby, digest("entry", "c"), b"came later"),
        PutPage(page(2, entry("e", seq=5, lamport=5))),
        PutOutbox(OutboxRecord(room=lobby, number=7, message=digest("message", "f"), kind="text", body=b"waits", time=9)),
        PutClaim(ClaimRecord(room=lobby, feed=digest("new"), identity=digest("Ben"), seq=3, disk=True)),
    ]


def talk() -> list[Op]:
    """What people wrote, as a version could keep it that knew no messages about messages."""
    lobby = digest("room", "lobby")
    said: list[tuple[str, Content]] = [
        ("one", Text("Guten Morgen, Käthe")),
        ("two", Text("guten abend")),
        ("three", Edit(digest("message", "two"), "gute Nacht")),
        ("four", Delete(digest("message", "one"))),
        ("five", React(digest("message", "two"), "heart")),
    ]
    sealed = [(name, *seal_body(content, bytes)) for name, content in said]
    return [
        PutRoom(room(read=(2, digest("entry", "b")))),
        *(
            PutPage(page(3 + n, entry(name, seq=6 + n, lamport=6 + n, kind=kind, body=body)))
            for n, (name, kind, body) in enumerate(sealed)
        ),
        PutPage(page(8, entry("six", seq=11, lamport=11, body=None))),
        PutBody(lobby, digest("entry", "six"), seal_body(Text("später am Morgen"), bytes)[1]),
    ]


def annotated() -> list[Op]:
    """What version 3 knew beyond that."""
    lobby = digest("room", "lobby")
    return [*talk(), EraseBodies(lobby, digest("message", "one"), frozenset((digest("feed"),))), ExpireBodies(lobby, 5)]


def model(*more: Op) -> ModelStore:
    expected = ModelStore()
    for op in (*content(), *more):
        expected.apply(op)
    return expected


HELD: dict[int, Callable[[], list[Op]]] = {3: annotated, 4: annotated}
"""What the database of a version holds beside `content`."""


async def load(path: Path) -> Snapshot:
    store = Store.open(path, KEY)
    try:
        return await store.load()
    finally:
        await store.close()


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A database of version 1."""
    return Path(shutil.copy(DATABASES / "version_1.db", tmp_path))


@pytest.mark.parametrize("version", range(1, len(schema.MIGRATIONS) + 1))
async def test_a_database_of_each_version_opens_with_all_that_it_holds(tmp_path: Path, version: int) -> None:
    path = Path(shutil.copy(DATABASES / f"version_{version}.db", tmp_path))
    store = Store.open(path, KEY)
    expected = model(*HELD.get(version, list)())
    assert await store.load() == expected.snapshot()
    lobby = digest("room", "lobby")
    assert await store.pages(lobby, range(9)) == expected.pages(lobby, range(9))
    assert await store.search("morgen", 9) == expected.search("morgen", 9)
    assert store.pragma("user_version") == len(schema.MIGRATIONS)
    await store.close()


async def test_what_was_said_before_there_was_an_index_is_found_and_what_it_is_about_is_known(tmp_path: Path) -> None:
    """`texts_of_version_2.db` was written by a program of that version."""
    store = Store.open(Path(shutil.copy(DATABASES / "texts_of_version_2.db", tmp_path)), KEY)
    expected = model(*talk())
    assert await store.load() == expected.snapshot()
    for words, names in (("MORGEN", ["six", "one"]), ("kathe", ["one"]), ("gut", ["three", "two", "one"]), ("nie", [])):
        found = [entry.id for _, entry in await store.search(words, 9)]
        assert found == [digest("entry", name) for name in names]
    about = [digest("message", name) for name in ("one", "two")]
    annotations = await store.annotations(digest("room", "lobby"), about)
    assert [one.id for one in annotations] == [digest("entry", name) for name in ("three", "four", "five")]
    assert annotations == expected.annotations(digest("room", "lobby"), about)
    await store.close()


async def test_what_is_new_is_added_to_an_old_database_once(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    newer = (
        *schema.MIGRATIONS,
        "ALTER TABLE outbox ADD COLUMN mood TEXT NOT NULL DEFAULT 'calm'; CREATE TABLE shelf (item TEXT)",
    )
    before = await load(old)
    monkeypatch.setattr(schema, "MIGRATIONS", newer)
    for _ in range(2):
        store = Store.open(old, KEY)
        assert store.pragma("user_version") == len(newer)
        assert store._writer.ask(lambda asked: asked.execute("SELECT mood FROM outbox").fetchall()) == [("calm",)]
        await store.close()
    monkeypatch.undo()
    with pytest.raises(StartError) as error:
        Store.open(old, KEY)
    assert error.value.data == {"found": len(newer), "known": len(newer) - 1}
    monkeypatch.setattr(schema, "MIGRATIONS", newer)
    assert await load(old) == before


async def test_a_migration_that_fails_changes_nothing(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = await load(old)
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, "DROP TABLE outbox; INSERT INTO nowhere VALUES (1)"))
    with pytest.raises(apsw.SQLError):
        Store.open(old, KEY)
    monkeypatch.undo()
    assert await load(old) == before


async def test_so_does_one_for_which_the_disk_is_too_full_and_that_is_told(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite ends the transaction then, and there is nothing left to take back."""

    def fill(connection: apsw.Connection) -> None:
        connection.execute("CREATE TABLE shelf (item TEXT); ROLLBACK").fetchall()
        raise apsw.FullError

    before = await load(old)
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, "DROP TABLE outbox"))
    monkeypatch.setattr(schema, "_AND_THEN", {len(schema.MIGRATIONS): fill})
    with pytest.raises(StartError) as told:
        Store.open(old, KEY)
    assert told.value.data["why"] == "full"
    monkeypatch.undo()
    assert await load(old) == before


async def test_what_somebody_else_migrates_at_the_same_time_is_migrated_once(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a backup may be made while the program starts."""
    begin = schema.transaction

    def late(connection: apsw.Connection) -> AbstractContextManager[None]:
        monkeypatch.setattr(schema, "transaction", begin)
        schema.disconnect(schema.connect(old, KEY))
        return begin(connection)

    monkeypatch.setattr(schema, "transaction", late)
    assert await load(old) == model().snapshot()


def write(path: Path) -> None:
    """Write the database that is kept for the newest version."""

    async def fill() -> None:
        store = Store.open(path, KEY)
        await store.commit([*content(), *HELD[len(schema.MIGRATIONS)]()])
        await store.close()

    asyncio.run(fill())


if __name__ == "__main__":
    write(DATABASES / f"version_{len(schema.MIGRATIONS)}.db")
