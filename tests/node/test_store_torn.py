"""Files of a real database that are torn as a power loss, or a disk that lies, tears them: the end of the log in any state, a
checkpoint cut in the middle, also while the log went on, no shared memory.

It opens, is whole, and has everything that was in what survived.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import apsw
import pytest

from peertalk.core.stored import Op, PutRoom, Snapshot
from peertalk.node.store import Store
from tests.model_store import ModelStore
from tests.node.disk import SECTOR
from tests.node.records import history, room

KEY = bytes(range(32))
HEADER, FRAME = 32, 24 + 4096
"""Bytes of the log: its header, and each page in it."""
TIMES = 45
"""How often each way of tearing is tried."""
Tear = Callable[[Random, bytes], bytes]


@dataclass
class Written:
    """A database whose log has everything, before and after the first commits of it were moved into the database; `ends` says how
    long the log was after each commit, `states` what was stored then. `moved`: how many were."""

    folder: Path
    ends: list[int]
    states: list[Snapshot]
    moved: int

    @property
    def log(self) -> bytes:
        return (self.folder / "peertalk.db-wal").read_bytes()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    return asyncio.run(write(tmp_path_factory.mktemp("written"), 41))


@pytest.fixture(scope="module")
def moving(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """More was committed while the first ones were moved."""
    return asyncio.run(write(tmp_path_factory.mktemp("moving"), 20))


async def write(folder: Path, moved: int) -> Written:
    live, kept = folder / "live", folder / "kept"
    live.mkdir(), kept.mkdir()
    model, ends, states = ModelStore(), [], []
    store = Store.open(live / "peertalk.db", KEY)
    store._writer.ask(lambda connection: connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE))
    commits: list[list[Op]] = [[PutRoom(room())], *([page] for page in history(40, 1, text=bytes(7_000)))]
    for number, commit in enumerate(commits):
        if number == moved:  # what is read now keeps what comes later from being moved
            store._reader.execute("BEGIN; SELECT * FROM room").fetchall()
        await store.commit(commit)
        for op in commit:
            model.apply(op)
        ends.append((live / "peertalk.db-wal").stat().st_size)
        states.append(model.snapshot())
    for name in ("peertalk.db", "peertalk.db-wal", "peertalk.db-shm"):
        shutil.copyfile(live / name, kept / name)
    _, frames = store._writer.ask(lambda connection: connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE))
    assert HEADER + frames * FRAME == ends[moved - 1]
    shutil.copyfile(live / "peertalk.db", kept / "checkpointed.db")
    if store._reader.in_transaction:
        store._reader.execute("ROLLBACK")
    await store.close()
    return Written(kept, ends, states, moved)


def opened(written: Written, folder: Path, files: dict[str, bytes]) -> Snapshot:
    """What is in these files. Everything of it can be read, and it can be written to."""

    async def look() -> Snapshot:
        store = Store.open(folder / "peertalk.db", KEY)
        try:
            assert store.pragma("integrity_check") == "ok"
            found = await store.load()
            for one in found.rooms:
                pages = await store.pages(one.record.id, [page.number for page in one.pages])
                assert [page.entries[0].id for page in pages] == [page.entries[0][0] for page in one.pages]
            await store.commit([PutRoom(room("another"))])
            assert len((await store.load()).rooms) == len(found.rooms) + 1
            return found
        finally:
            await store.close()

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, content in {"peertalk.db": (written.folder / "peertalk.db").read_bytes(), **files}.items():
        (folder / name).write_bytes(content)
    return asyncio.run(look())


# ── the end of the log ───────────────────────────────────────────────────────────────────────────────────────────────


def cut(chance: Random, tail: bytes) -> bytes:
    return tail[: chance.randrange(len(tail))]


def zeroed(chance: Random, tail: bytes) -> bytes:
    at = chance.randrange(len(tail))
    return tail[:at] + bytes(len(tail) - at)


def half_written(chance: Random, tail: bytes) -> bytes:
    """Some sectors are there, others are not."""
    pieces = (tail[at : at + SECTOR] for at in range(0, len(tail), SECTOR))
    return b"".join(piece if chance.random() < 0.5 else bytes(len(piece)) for piece in pieces)


def garbled(chance: Random, tail: bytes) -> bytes:
    at, size = chance.randrange(len(tail)), chance.choice((1, SECTOR, FRAME))
    return tail[:at] + chance.randbytes(len(tail[at : at + size])) + tail[at + size :]


def doubled(chance: Random, tail: bytes) -> bytes:
    """Frames stand there twice, at the end or in the place of others."""
    at = chance.randrange(len(tail) // FRAME) * FRAME
    size = chance.randint(1, 4) * FRAME
    return tail[: at + size] + tail[at : at + size] + tail[at + chance.choice((size, 2 * size)) :]


@pytest.mark.parametrize("shared", ["missing", "stale", "nonsense"])
@pytest.mark.parametrize("tear", [cut, zeroed, half_written, garbled, doubled])
def test_a_log_with_a_torn_end_gives_everything_before_it(written: Written, tmp_path: Path, tear: Tear, shared: str) -> None:
    chance, lost = Random(f"{tear.__name__} {shared}"), set()
    memory = {"missing": {}, "stale": {"peertalk.db-shm": (written.folder / "peertalk.db-shm").read_bytes()}}
    for _ in range(TIMES // 3):
        number = chance.randrange(len(written.ends) - 1)
        log, survived = written.log, written.ends[number]
        torn = log[:survived] + tear(chance, log[survived:])
        beside = memory.get(shared, {"peertalk.db-shm": chance.randbytes(32_768)})
        found = opened(written, tmp_path / "torn", {"peertalk.db-wal": torn, **beside})
        assert found in written.states[number:]
        lost.add(len(written.states) - 1 - written.states.index(found))
    assert len(lost) > 3


# ── a checkpoint ─────────────────────────────────────────────────────────────────────────────────────────────────────


def partly(chance: Random, written: Written, size: int) -> bytes:
    """The database while it is written to. Any of its sectors, or pages, are on the disk; and it may be longer already, or not yet."""
    before, after = ((written.folder / name).read_bytes() for name in ("peertalk.db", "checkpointed.db"))
    assert len(before) < len(after)
    likely = chance.choice((0.1, 0.5, 0.9))
    mixed = bytearray(before + bytes(len(after) - len(before)))
    has_first = chance.random() < 0.5
    for at in range(0, len(after), size):
        if chance.random() < likely or (at == 0 and has_first):
            mixed[at : at + size] = after[at : at + size]
    return bytes(mixed[: chance.choice((len(before), len(after)))])


@pytest.mark.parametrize("size", [SECTOR, 4096])
def test_a_checkpoint_that_was_cut_in_the_middle_is_made_good_by_the_log(written: Written, tmp_path: Path, size: int) -> None:
    chance = Random(size)
    for _ in range(TIMES):
        files = {"peertalk.db": partly(chance, written, size), "peertalk.db-wal": written.log}
        assert opened(written, tmp_path / "torn", files) == written.states[-1]


@pytest.mark.parametrize("size", [SECTOR, 4096])
@pytest.mark.parametrize("tear", [cut, half_written])
def test_so_it_is_where_the_log_went_on_meanwhile_and_its_end_is_torn(
    moving: Written, tmp_path: Path, size: int, tear: Tear
) -> None:
    """What is moved was synced before. What has come since is there up to its own sync at least."""
    chance = Random(f"{tear.__name__} {size}")
    for _ in range(TIMES // 3):
        number = chance.randrange(moving.moved - 1, len(moving.ends) - 1)
        log, survived = moving.log, moving.ends[number]
        files = {
            "peertalk.db": partly(chance, moving, size),
            "peertalk.db-wal": log[:survived] + tear(chance, log[survived:]),
        }
        assert opened(moving, tmp_path / "torn", files) in moving.states[number:]
