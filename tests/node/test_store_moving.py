"""The log is moved into the database while commits go on; and a transaction takes no more than some milliseconds."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import apsw
import pytest

from peertalk.core.stored import EraseBodies, Op, PutPage, PutProfile, PutRoom
from peertalk.errors import StartError
from peertalk.node import moving, schema, writer
from peertalk.node.store import Store
from peertalk.node.writer import Writer
from tests.node.disk import Disk
from tests.node.records import digest, entry, history, page, room

KEY = bytes(range(32))
LOBBY = digest("room", "lobby")
FRAME = 24 + 4096


class Gate:
    """The connection that moves the log: only when it is let, and it tells that it would."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked, self.let = threading.Event(), threading.Event()
        self._connect = schema.connect_another
        monkeypatch.setattr(schema, "connect_another", self)

    def __call__(self, path: Path, key: bytes) -> apsw.Connection:
        self.asked.set()
        assert self.let.wait(10)
        return self._connect(path, key)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    monkeypatch.setattr(moving, "SOME", 20)
    monkeypatch.setattr(writer, "_A_MOMENT", 3600)
    made = Gate(monkeypatch)
    yield made
    made.let.set()


@pytest.fixture
async def store(gate: Gate, tmp_path: Path) -> AsyncIterator[Store]:
    opened = Store.open(tmp_path / "peertalk.db", KEY)
    await opened.commit([PutRoom(room())])
    yield opened
    gate.let.set()
    await opened.close()


def frames(tmp_path: Path) -> int:
    return (tmp_path / "peertalk.db-wal").stat().st_size // FRAME


def used(store: Store) -> int:
    """Frames of the log, of which the file may be longer."""
    return store._writer.ask(lambda _: store._writer._wal_pages)


async def test_commits_do_not_wait_for_the_log_to_be_moved_and_it_begins_anew(store: Store, gate: Gate, tmp_path: Path) -> None:
    size = (tmp_path / "peertalk.db").stat().st_size
    pages = history(60, 1)
    for _ in range(50):
        await store.commit([next(pages)])
    assert await asyncio.to_thread(gate.asked.wait, 10)
    assert frames(tmp_path) > 200
    assert (tmp_path / "peertalk.db").stat().st_size == size
    gate.let.set()
    store._writer.ask(lambda _: store._writer._moving.wait())
    assert (tmp_path / "peertalk.db").stat().st_size > size
    before = frames(tmp_path)
    await store.commit([next(pages)])
    assert used(store) < 30
    assert frames(tmp_path) == before


async def test_who_writes_moves_the_rest_where_commits_follow_each_other(
    store: Store, gate: Gate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "_LONG_WAL", 100)
    gate.let.set()
    await asyncio.gather(*(store.submit([op]) for op in history(2000, 1)))
    for op in history(500, 1, name="other"):
        await store.commit([PutRoom(room("other")), op])
    assert frames(tmp_path) < 1000


async def test_what_is_erased_waits_for_what_is_being_moved_and_is_then_in_no_log(
    store: Store, gate: Gate, tmp_path: Path
) -> None:
    for op in history(50, 1):
        await store.commit([op])
    assert await asyncio.to_thread(gate.asked.wait, 10)
    erased = store.submit([EraseBodies(LOBBY, digest("message", ("lobby", 3)), frozenset((digest("feed", "lobby"),)))])
    done, _ = await asyncio.wait([erased], timeout=0.1)
    assert not done
    gate.let.set()
    await erased
    assert frames(tmp_path) == 0


@pytest.mark.parametrize("error", [apsw.FullError, apsw.IOError], ids=["full", "io"])
async def test_a_disk_that_fails_while_the_log_is_moved_is_told_to_who_commits(
    error: type[apsw.Error], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = threading.Event()

    def fail(_path: Path, _key: bytes) -> apsw.Connection:
        tried.set()
        raise error

    monkeypatch.setattr(moving, "SOME", 20)
    monkeypatch.setattr(schema, "connect_another", fail)
    store = Store.open(tmp_path / "peertalk.db", KEY)
    await store.commit([PutRoom(room()), *history(100, 1)])
    assert await asyncio.to_thread(tried.wait, 10)
    store._writer.ask(lambda _: store._writer._moving.wait())
    with pytest.raises(StartError) as told:
        await store.commit([PutProfile("name", b"Ada")])
    assert told.value.data["why"] == {apsw.FullError: "full", apsw.IOError: "io"}[error]
    assert await store.search("words", 9) == []
    await store.close()
    store = Store.open(tmp_path / "peertalk.db", KEY)
    assert len((await store.load()).rooms[0].pages) == 100
    await store.close()


async def test_where_too_many_files_are_open_whoever_writes_moves_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others decide how many links there are; nothing that is said may depend on it."""
    tried = 0

    def fail(_path: Path, _key: bytes) -> apsw.Connection:
        nonlocal tried
        tried += 1
        raise apsw.CantOpenError

    monkeypatch.setattr(moving, "SOME", 20)
    monkeypatch.setattr(writer, "_LONG_WAL", 100)
    monkeypatch.setattr(schema, "connect_another", fail)
    store = Store.open(tmp_path / "peertalk.db", KEY)
    await store.commit([PutRoom(room())])
    for op in history(300, 1):
        await store.commit([op])
    assert tried > 1
    assert frames(tmp_path) < 300
    await store.close()


@pytest.mark.skipif(os.name == "nt", reason="Windows does not delete what is open")
async def test_where_the_file_is_gone_that_is_told_however_often(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moving, "SOME", 20)
    store = Store.open(tmp_path / "peertalk.db", KEY)
    (tmp_path / "peertalk.db").unlink()
    for commit in ([PutRoom(room()), *history(100, 1)], [PutProfile("name", b"Ada")]):
        with pytest.raises(StartError) as told:
            await store.commit(commit)
        assert told.value.data["why"] == "gone"
        store._writer.ask(lambda _: store._writer._moving.wait())
    await store.close()


async def syncs(disk: Disk, path: Path, commits: list[list[Op]]) -> tuple[int, list[int]]:
    """How often the disk was synced for commits that were all queued at once, and how many of them were answered after each."""
    writing = Writer(disk.connect(path, KEY), path)
    in_sync, go_on = threading.Event(), threading.Event()
    count, answered = 0, []

    def slow(_name: str, _flags: int) -> None:
        nonlocal count
        count += 1
        in_sync.set()
        assert go_on.wait(10)

    await writing.submit((PutRoom(room()),))
    disk.before_sync = slow
    first = writing.submit((PutProfile("name", b"first"),))
    await asyncio.to_thread(in_sync.wait)
    done = [writing.submit(tuple(ops)) for ops in commits]
    for future in done:
        future.add_done_callback(lambda _: answered.append(count))
    go_on.set()
    await asyncio.gather(first, *done)
    seen, disk.before_sync = count - 1, lambda _name, _flags: None
    await asyncio.to_thread(writing.close)
    return seen, [at - 1 for at in answered]


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    monkeypatch.setattr(writer, "_A_MOMENT", 3600)
    monkeypatch.setattr(writer, "FAR_BEHIND", 1_000_000)
    return Disk(tmp_path / "kept")


async def test_what_is_much_goes_to_the_disk_in_several_transactions_in_order(disk: Disk, tmp_path: Path) -> None:
    commits: list[list[Op]] = [[op] for op in history(writer.MUCH * 4, 100)]
    seen, answered = await syncs(disk, tmp_path / "peertalk.db", commits)
    assert 4 <= seen <= 6
    assert answered == sorted(answered)
    assert answered[0] < answered[-1]


async def test_long_texts_count_for_more(disk: Disk, tmp_path: Path) -> None:
    commits: list[list[Op]] = [[op] for op in history(20, 1, bytes(30_000))]
    seen, _ = await syncs(disk, tmp_path / "peertalk.db", commits)
    assert 2 <= seen <= 5


async def test_a_single_commit_stays_whole_however_large_it_is(disk: Disk, tmp_path: Path) -> None:
    large = PutPage(page(0, *(entry(n, seq=n + 1, lamport=n + 1) for n in range(writer.MUCH * 3))))
    seen, _ = await syncs(disk, tmp_path / "peertalk.db", [[large], [PutProfile("name", b"Ada")]])
    assert seen == 2


async def test_what_follows_from_much_keeps_the_loop_from_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each page of ten entries is reported in a turn of its own here, though all were written together."""
    monkeypatch.setattr(writer, "AT_ONCE", 10)
    store = Store.open(tmp_path / "peertalk.db", KEY)
    await store.commit([PutRoom(room())])
    loop, turn, reported = asyncio.get_running_loop(), 0, list[int]()

    def turns() -> None:
        nonlocal turn
        turn += 1
        if len(reported) < 20:
            loop.call_soon(turns)

    with store._writer._using:
        done = [store.submit([op]) for op in history(200, 10)]
    for future in done:
        future.add_done_callback(lambda _: reported.append(turn))
    turns()
    await asyncio.gather(*done)
    assert len(set(reported)) == len(reported) == 20
    await store.close()
