"""Whatever of what was not synced a disk has when the power goes: the database opens, and is as it was after some commit, with all
that was answered (docs/protocol.md, "At rest").

Between two syncs a disk may have written any of the sectors that it was given, in any order, and may have been in the middle of one.
The same for files as they really are, with the cipher on the log too: test_store_torn.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import NamedTuple

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from peertalk.core.stored import Op, PageIndex, PutRoom, Snapshot
from peertalk.node import queries, schema, words, writer
from tests.model_store import ModelStore
from tests.node import words_held
from tests.node.disk import Disk
from tests.node.records import history, room
from tests.node.test_store_model import histories, valid

KEY = bytes(range(32))
LOSSES = 8
"""Power losses that are tried of each history."""


class Loss(NamedTuple):
    """The power went: what the disk had then, and how many commits had been answered and been begun."""

    files: dict[str, bytes]
    answered: int
    begun: int


async def write(folder: Path, commits: Sequence[Sequence[Op]], seed: int, most: int) -> list[Loss]:
    """Write `commits` on a watched disk, and tell what it may have had just before syncs, and after commits: what can be there in
    the middle between two syncs is among what can be there just before the second."""
    chance, losses, answered, begun = Random(seed), [], 0, 0
    disk = Disk(folder / "kept")
    path = folder / "peertalk.db"
    writing = writer.Writer(disk.connect(path, KEY), path)

    def lose(name: str = "", _flags: int = 0) -> None:
        """The database itself is synced when the log, and with it what was answered, is moved into it."""
        losses.append(Loss(disk.after_power_loss(chance), begun if name == path.name else answered, begun))

    disk.before_sync = lose
    for commit in commits:
        begun += 1
        await writing.submit(tuple(commit))
        answered = begun
        await asyncio.to_thread(writing.ask, lambda _: lose())  # what follows from it is done as well
    await asyncio.to_thread(writing.close)
    return chance.sample(losses, min(most, len(losses)))


def recovered(folder: Path, files: dict[str, bytes]) -> Snapshot:
    """What a start finds. Every page of the database is read, and every row beside its indexes, those of words too."""
    for name, content in files.items():
        (folder / name).write_bytes(content)
    connection = Disk(folder / "kept").connect(folder / "peertalk.db", KEY)
    try:
        assert connection.pragma("integrity_check") == "ok"
        words_held.check(connection)
        connection.execute("BEGIN")
        snapshot = queries.snapshot(connection)
        for one in snapshot.rooms:
            check_history(connection, one.record.id, one.pages)
        return snapshot
    finally:
        connection.close()


def check_history(connection: apsw.Connection, room: bytes, pages: Sequence[PageIndex]) -> None:
    """What the indexes name is there: each page with all its entries, each body that is not absent."""
    stored = queries.pages(connection, room, [page.number for page in pages])
    assert [[entry.id for entry in page.entries] for page in stored] == [[id_ for id_, *_ in page.entries] for page in pages]
    there = {entry.id for page in stored for entry in page.entries if entry.body is not None}
    assert queries.bodies(connection, room, sorted(there)).keys() == there


def states(commits: Sequence[Sequence[Op]]) -> list[Snapshot]:
    """What is stored after no commit, after the first, …"""
    model = ModelStore()
    found = [model.snapshot()]
    for commit in commits:
        for op in commit:
            model.apply(op)
        found.append(model.snapshot())
    return found


async def check(commits: Sequence[Sequence[Op]], seed: int, most: int = LOSSES) -> list[Loss]:
    possible = states(commits)
    with TemporaryDirectory() as folder:
        (Path(folder) / "before").mkdir()
        losses = await write(Path(folder) / "before", commits, seed, most)
        for number, loss in enumerate(losses):
            after = Path(folder) / str(number)
            after.mkdir()
            assert recovered(after, loss.files) in possible[loss.answered : loss.begun + 1]
    return losses


@given(histories, st.integers(0, 2**32))
def test_whatever_a_power_loss_leaves_is_what_was_stored_at_some_moment(commits: list[list[Op]], seed: int) -> None:
    """And the index of words, which is written soon after, has all that it says that it has."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(writer, "FAR_BEHIND", 1)
        patched.setattr(words, "AT_ONCE", 2)
        asyncio.run(check(valid(ModelStore(), commits), seed))


@pytest.mark.parametrize("seed", range(3))
async def test_so_it_is_while_the_log_is_moved_into_the_database(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """That happens after every few commits here; and each time the log begins anew, over what was in it."""
    monkeypatch.setattr(writer, "_LONG_WAL", 60)
    losses = await check([[PutRoom(room())], *([op] for op in history(50, 1, text=bytes(30_000)))], seed, most=60)
    assert len({loss.files["peertalk.db"] for loss in losses}) > 10
    assert {loss.begun - loss.answered for loss in losses} == {0, 1}


@pytest.mark.parametrize("careless", ["NORMAL", "OFF"])
async def test_these_tests_notice_if_not_everything_is_synced(careless: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the log is not synced what was answered is lost."""
    monkeypatch.setattr(schema, "_SETTINGS", schema._SETTINGS.replace("synchronous = FULL", f"synchronous = {careless}"))
    with pytest.raises((AssertionError, apsw.Error)):
        await check([[PutRoom(room())], *([op] for op in history(30, 1))], 1, most=1000)
