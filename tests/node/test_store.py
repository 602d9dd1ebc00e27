"""The store: what it promises about durability, order, failing disks and the files it finds."""

from __future__ import annotations

import asyncio
import os
import shutil
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import apsw
import pytest
from msgspec.structs import replace

from peertalk.core.stored import Op, PutBody, PutPage, PutProfile, PutRoom
from peertalk.errors import StartError
from peertalk.node import schema
from peertalk.node.store import Store
from peertalk.node.writer import Writer
from tests.node.disk import Disk
from tests.node.records import digest, entry, history, page, room

KEY = bytes(range(32))
LOBBY = digest("room", "lobby")
FULL = 2


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "peertalk.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[Store]:
    opened = Store.open(path, KEY)
    await opened.commit([PutRoom(room())])
    yield opened
    await opened.close()


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path / "kept")


async def stored(path: Path) -> int:
    """How many pages of the lobby are in the database."""
    store = Store.open(path, KEY)
    try:
        rooms = (await store.load()).rooms
        return len(rooms[0].pages) if rooms else 0
    finally:
        await store.close()


# ── durability ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_connection_that_writes_is_set_to_be_durable_and_to_leave_nothing_behind(store: Store) -> None:
    settings = {
        name: store.pragma(name) for name in ("synchronous", "journal_mode", "fullfsync", "secure_delete", "temp_store")
    }
    assert settings == {"synchronous": FULL, "journal_mode": "wal", "fullfsync": 1, "secure_delete": 1, "temp_store": 2}
    assert store.durable


async def test_a_commit_is_answered_only_when_the_log_was_synced(disk: Disk, path: Path) -> None:
    writer = Writer(disk.connect(path, KEY), path)
    in_sync, go_on = threading.Event(), threading.Event()
    syncs: list[tuple[str, int]] = []

    def slow(name: str, flags: int) -> None:
        syncs.append((name, flags))
        in_sync.set()
        assert go_on.wait(10)

    await writer.submit((PutRoom(room()),))
    disk.before_sync = slow
    done = writer.submit((*history(1, 1),))
    await asyncio.to_thread(in_sync.wait)
    await turns(20)
    assert not done.done()
    go_on.set()
    await done
    assert syncs == [("peertalk.db-wal", apsw.SQLITE_SYNC_FULL)]
    await asyncio.to_thread(writer.close)


async def test_what_was_answered_outlives_a_power_loss(
    disk: Disk, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Enough for the log to be moved into the database several times on the way."""
    monkeypatch.setattr("peertalk.node.writer._LONG_WAL", 1000)
    writer = Writer(disk.connect(path, KEY), path)
    await writer.submit((PutRoom(room()),))
    checkpoints: list[str] = []
    disk.before_sync = lambda name, _flags: checkpoints.append(name) if name == path.name else None
    for number, op in enumerate(history(60, 1, text=bytes(300_000))):
        await writer.submit((op,))
        if number % 7 == 0:
            await asyncio.to_thread(writer.ask, lambda _, to=tmp_path / str(number): shutil.copytree(disk.kept, to))
            left = Disk(tmp_path / f"{number}, again").connect(tmp_path / str(number) / path.name, KEY)
            assert left.execute("SELECT number FROM page").fetchall() == [(before,) for before in range(number + 1)]
            assert left.execute("PRAGMA integrity_check").get == "ok"
            left.close()
    assert len(checkpoints) > 2
    await asyncio.to_thread(writer.close)


async def test_commits_that_were_queued_during_a_sync_share_the_next_one(disk: Disk, path: Path) -> None:
    writer = Writer(disk.connect(path, KEY), path)
    in_sync, go_on = threading.Event(), threading.Event()
    syncs: list[str] = []
    answered: list[int] = []

    def slow(name: str, _flags: int) -> None:
        syncs.append(name)
        in_sync.set()
        assert go_on.wait(10)

    await writer.submit((PutRoom(room()),))
    disk.before_sync = slow
    done = [writer.submit((PutProfile("name", b"first"),))]
    await asyncio.to_thread(in_sync.wait)
    done += [writer.submit((op,)) for op in history(50, 1)]
    for number, future in enumerate(done):
        future.add_done_callback(lambda _, number=number: answered.append(number))
    go_on.set()
    await asyncio.gather(*done)
    assert syncs == ["peertalk.db-wal"] * 2
    assert answered == list(range(51))
    await asyncio.to_thread(writer.close)


async def test_commits_are_applied_in_the_order_in_which_they_were_queued(store: Store) -> None:
    names = [b"%d" % number for number in range(200)]
    await asyncio.gather(*(store.submit([PutProfile("name", name)]) for name in names))
    assert (await store.load()).name == "199"


async def test_a_cancelled_caller_changes_nothing_for_the_others(store: Store) -> None:
    pages: list[list[Op]] = [[op] for op in history(3, 1)]
    first, cancelled, last = (asyncio.ensure_future(store.commit(ops)) for ops in pages)
    await turns(1)
    cancelled.cancel()
    await asyncio.gather(first, last)
    assert cancelled.cancelled()
    assert [found.number for found in (await store.load()).rooms[0].pages] == [0, 1, 2]


async def test_a_read_sees_what_was_answered(store: Store) -> None:
    for number, op in enumerate(history(20, 1)):
        await store.commit([op])
        assert await store.pages(LOBBY, [number]) == [op.record]


async def test_of_twins_only_the_first_in_order_is_shown(store: Store) -> None:
    """The same message in two entries of a room, as when a profile was restored and what had waited was sent once more."""
    same = digest("message", "same")
    first, second, third = (entry(n, lamport=10 - n, message=same) for n in (3, 2, 1))
    other = entry("other", lamport=20)
    await store.commit([PutPage(page(0, second)), PutPage(page(1, third)), PutPage(page(2, other))])
    assert await store.entries(LOBBY, {"text"}, 9) == [second, other]
    await store.commit([PutPage(page(3, replace(first, body=None)))])
    assert await store.entries(LOBBY, {"text"}, 9) == [second, other]
    await store.commit([PutBody(LOBBY, first.id, b"came later")])
    first = replace(first, body=b"came later")
    assert await store.entries(LOBBY, {"text"}, 9) == [first, other]
    assert await store.entries(LOBBY, {"text"}, 9, after=(first.lamport, first.id)) == [other]
    assert await store.find(same) == [(LOBBY, first)]
    assert await store.unread(LOBBY, (0, b""), {"text"}, (), 1000) == 2


@pytest.mark.parametrize("name", ["peertalk.db", None])
async def test_reading_and_writing_do_not_get_in_each_others_way(tmp_path: Path, name: str | None) -> None:
    store = Store.open(tmp_path / name if name else None, KEY)
    await store.commit([PutRoom(room())])
    written = [store.commit([op]) for op in history(300, 1)]
    read = [store.pages(LOBBY, range(300)) for _ in range(10)]
    loads = await asyncio.gather(*(store.load() for _ in range(20)), *written, *read)
    lengths = [len(snapshot.rooms[0].pages) for snapshot in loads[:20]]
    assert lengths == sorted(lengths)
    assert len((await store.load()).rooms[0].pages) == 300
    await store.close()


async def test_in_memory_writing_waits_for_reading_however_long_that_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "_PATIENCE_MS", 1)
    store = Store.open(None, b"")
    reading, may_end = threading.Event(), threading.Event()

    def read(connection: apsw.Connection) -> int:
        connection.execute("SELECT count(*) FROM room").fetchall()
        reading.set()
        may_end.wait()
        return 1

    read_ = asyncio.ensure_future(store._read(read))
    await asyncio.to_thread(reading.wait)
    try:
        written = store.submit([PutRoom(room())])
        done, _late = await asyncio.wait([written], timeout=0.2)
    finally:
        may_end.set()
    assert not done
    await asyncio.gather(written, read_)
    await store.close()


async def test_what_people_wait_for_is_found_without_going_through_all_entries(store: Store) -> None:
    await store.commit([*history(10, 2)])
    asked: list[tuple[str, object]] = []
    store._reader.set_exec_trace(lambda _cursor, sql, values: asked.append((sql, values)) or True)
    key = (3, digest("entry"))
    await store.pages(LOBBY, [1])
    await store.bodies(LOBBY, [digest("entry")])
    for bounds in ({}, {"before": key}, {"after": key}, {"before": key, "after": key}):
        await store.entries(LOBBY, {"text", "story"}, 10, **bounds)
    await store.find(digest("message"))
    await store.find(digest("message", ("lobby", 3)), LOBBY)
    await store.find_several(LOBBY, [digest("message")])
    await store.unread(LOBBY, key, {"text", "story"}, {digest("feed")}, 1000)
    store._reader.set_exec_trace(None)
    plans = {
        sql: store._reader.execute(f"EXPLAIN QUERY PLAN {sql}", values).fetchall() for sql, values in asked if "SELECT" in sql
    }
    assert len(plans) >= 10
    for sql, plan in plans.items():
        steps = [step[3] for step in plan]
        assert not [step for step in steps if step.startswith("SCAN")], sql
        assert "LIMIT ?" not in sql or "USE TEMP B-TREE FOR ORDER BY" not in steps, sql


def test_in_memory_nothing_is_on_a_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def use_two() -> None:
        store, other = Store.open(None, b""), Store.open(None, b"")
        await store.commit([PutRoom(room()), *history(100, 10)])
        assert not store.durable
        assert len((await store.load()).rooms[0].pages) == 10
        assert (await other.load()).rooms == ()
        await store.close()
        await other.close()

    monkeypatch.chdir(tmp_path)
    asyncio.run(use_two())
    assert list(tmp_path.iterdir()) == []


# ── closing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_closing_commits_what_is_queued_and_leaves_one_file(path: Path) -> None:
    store = Store.open(path, KEY)
    queued = [store.submit([PutRoom(room())]), *(store.submit([op]) for op in history(30, 1))]
    await asyncio.gather(store.close(), store.close())
    assert all(future.done() and future.exception() is None for future in queued)
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    await store.close()
    with pytest.raises(RuntimeError):
        store.submit([])
    assert await stored(path) == 30


async def test_closing_leaves_no_thread(path: Path) -> None:
    before = threading.active_count()
    store = Store.open(path, KEY)
    await store.load()
    assert threading.active_count() == before + 2
    await store.close()
    assert threading.active_count() == before


def test_a_loop_that_ended_is_no_reason_to_lose_what_was_queued(disk: Disk, path: Path) -> None:
    writer = Writer(disk.connect(path, KEY), path)
    go_on = threading.Event()
    disk.before_sync = lambda _name, _flags: assert_true(go_on.wait(10))

    async def submit() -> None:
        writer.submit((PutRoom(room()), *history(5, 1)))

    asyncio.run(submit())
    go_on.set()
    writer.close()
    assert asyncio.run(stored(path)) == 5


# ── a disk that fails ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_full_disk_is_told_and_nothing_is_written_after_it(store: Store, path: Path) -> None:
    await store.commit([*history(2, 1)])
    store._writer.ask(lambda connection: connection.pragma("max_page_count", connection.pragma("page_count") + 2))
    large = PutPage(page(2, entry("large", seq=3, body=bytes(60_000))))
    with pytest.raises(StartError) as full:
        await store.commit([PutProfile("name", b"before"), large])
    assert (full.value.kind, full.value.data) == ("disk", {"why": "full"})
    store._writer.ask(lambda connection: connection.pragma("max_page_count", 1_000_000))
    with pytest.raises(StartError) as later:
        await store.commit([PutProfile("name", b"after")])
    assert (later.value.kind, later.value.data) == ("disk", {"why": "full"})
    snapshot = await store.load()
    assert snapshot.name == ""
    assert len(snapshot.rooms[0].pages) == 2
    await store.close()
    assert await stored(path) == 2


async def test_a_sync_that_fails_is_told_to_all_who_wait(disk: Disk, path: Path) -> None:
    writer = Writer(disk.connect(path, KEY), path)
    await writer.submit((PutRoom(room()),))

    def broken(_name: str, _flags: int) -> None:
        raise apsw.IOError

    disk.before_sync = broken
    answers = await asyncio.gather(*(writer.submit((op,)) for op in history(3, 1)), return_exceptions=True)
    assert [(type(error), getattr(error, "data", None)) for error in answers] == [(StartError, {"why": "io"})] * 3
    await asyncio.to_thread(writer.close)


@pytest.mark.skipif(os.name == "nt", reason="Windows does not delete what is open")
async def test_a_database_that_was_deleted_meanwhile_promises_nothing_more(store: Store, path: Path) -> None:
    path.unlink()  # noqa: ASYNC240 - a test, nothing else runs
    with pytest.raises(StartError) as gone:
        await store.commit([PutProfile("name", b"Ada")])
    assert gone.value.data["why"] == "gone"
    with pytest.raises(StartError):
        await store.commit([PutProfile("name", b"Ben")])


async def test_a_mistake_of_a_caller_is_not_taken_for_a_full_disk(store: Store) -> None:
    (op,) = history(1, 1)
    await store.commit([op])
    with pytest.raises(apsw.ConstraintError):
        await store.commit([op])
    with pytest.raises(apsw.ConstraintError):
        await store.commit([PutProfile("name", b"later")])


async def test_a_put_into_a_room_that_is_not_there_is_a_mistake(path: Path) -> None:
    store = Store.open(path, KEY)
    with pytest.raises(KeyError):
        await store.commit([*history(1, 1)])
    await store.close()


# ── files ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.skipif(os.name != "posix", reason="modes of files are a POSIX thing")
async def test_only_its_owner_can_read_it(store: Store, path: Path) -> None:
    assert {file.name[11:]: file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {
        "": 0o600,
        "-wal": 0o600,
        "-shm": 0o600,
    }


def test_a_newer_database_is_refused_and_left_as_it_is(path: Path) -> None:
    connections = schema.connect(path, KEY)
    connections[0].pragma("user_version", 1000)
    schema.disconnect(connections)
    before = path.read_bytes()
    with pytest.raises(StartError) as error:
        Store.open(path, KEY)
    assert (error.value.kind, error.value.data) == ("newer_database", {"found": 1000, "known": len(schema.MIGRATIONS)})
    assert path.read_bytes() == before


async def test_another_key_does_not_open_it(path: Path) -> None:
    await Store.open(path, KEY).close()
    with pytest.raises(StartError) as error:
        Store.open(path, bytes(32))
    assert (error.value.kind, error.value.data) == ("broken_database", {"file": str(path)})
    assert await stored(path) == 0


@pytest.mark.parametrize("content", [b"not a database", bytes(8192), b"", b"\0"], ids=["text", "zeros", "empty", "one byte"])
def test_a_file_that_is_no_database_is_told(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(StartError) as error:
        Store.open(path, KEY)
    assert error.value.kind == "broken_database"
    assert path.read_bytes() == content


async def test_a_page_that_rotted_is_told_when_it_is_read(path: Path) -> None:
    store = Store.open(path, KEY)
    await store.commit([PutRoom(room()), *history(2000, 10)])
    await store.close()
    rot(path, first=20)
    with pytest.raises(StartError) as error:
        await stored(path)
    assert (error.value.kind, error.value.data) == ("broken_database", {"file": str(path)})


def test_a_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StartError) as error:
        Store.open(tmp_path / "nowhere" / "peertalk.db", KEY)
    assert (error.value.kind, error.value.data) == ("disk", {"why": "denied"})


# ── helpers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def turns(count: int) -> None:
    """Let the loop go round: whatever could be answered is."""
    for _ in range(count):
        await asyncio.sleep(0)


def rot(path: Path, first: int) -> None:
    """Change something in each page of a database from the `first` on."""
    with path.open("r+b") as file:
        for offset in range(first * 4096, path.stat().st_size, 4096):
            file.seek(offset + 100)
            file.write(b"rot")


def assert_true(value: bool) -> None:
    assert value
