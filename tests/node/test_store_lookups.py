"""Entries are found by the first bytes of their ids: also where others begin alike, and wherever these are kept."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import pairwise, product
from pathlib import Path

import apsw
import pytest

from peertalk.core.stored import DropRoom, EraseBodies, ForgetHistory, Op, PutBody, PutPage, PutRoom
from peertalk.node import lookups
from peertalk.node.store import Store
from tests.model_store import ModelStore
from tests.node.records import digest, entry, history, page, room

KEY = bytes(range(32))
HOME, AWAY = digest("room", "home"), digest("room", "away")
FEED = digest("feed")
ALIKE = digest("alike")[: lookups.BYTES]


def alike(name: object) -> bytes:
    """An id that begins as all of these do."""
    return ALIKE + digest(name)[lookups.BYTES :]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = Store.open(tmp_path / "peertalk.db", KEY)
    await opened.commit([PutRoom(room("home")), PutRoom(room("away"))])
    yield opened
    await opened.close()


def rows(store: Store) -> tuple[int, int]:
    """How many are in the small one, and in both."""
    count = "SELECT (SELECT count(*) FROM lookup_new), (SELECT count(*) FROM lookup)"
    return store._writer.ask(lambda connection: connection.execute(count).fetchall()[0])


def crafted() -> list[Op]:
    """Four messages, each of them twice in one room and once in the other; ids of entries and of messages all begin alike, one
    entry even has the id of its message; some bodies are absent."""
    every = [
        entry(
            (name, n),
            id=alike(("entry", name, n)) if n else alike((name, "message", 0)),
            message=alike((name if n % 3 == 0 else "both", "message", n // 2)),
            seq=n + 1,
            lamport=10 - n,
            body=b"body %d" % n if n % 4 else None,
        )
        for name, n in product(("home", "away"), range(8))
    ]
    return [
        PutPage(page(at, *every[first : first + 4], name=name))
        for name, first, at in (("home", 0, 0), ("home", 4, 1), ("away", 8, 0), ("away", 12, 1))
    ]


async def check(store: Store, model: ModelStore) -> None:
    messages = [alike((name, "message", n)) for name, n in product(("home", "away", "both"), range(4))]
    ids = [alike(("entry", name, n)) for name, n in product(("home", "away"), range(8))] + messages
    assert await store.load() == model.snapshot()
    for inside in (HOME, AWAY):
        assert await store.bodies(inside, ids) == model.bodies(inside, ids)
        assert await store.find_several(inside, messages) == model.find_several(inside, messages)
        assert await store.entries(inside, {"text"}, 99) == model.entries(inside, {"text"}, 99)
        assert await store.unread(inside, (0, b""), {"text"}, (), 9) == model.unread(inside, (0, b""), {"text"}, (), 9)
        for message in messages:
            assert await store.find(message, inside) == model.find(message, inside)
            assert await store.find(message) == model.find(message)


async def test_ids_that_begin_alike_are_told_apart(store: Store) -> None:
    model = ModelStore()
    commits: list[list[Op]] = [
        [PutRoom(room("home")), PutRoom(room("away")), *crafted()],
        [PutBody(HOME, alike(("entry", "home", 4)), b"came later"), PutBody(AWAY, alike(("entry", "home", 4)), b"elsewhere")],
        [EraseBodies(HOME, alike(("both", "message", 2)), frozenset((FEED,)))],
        [ForgetHistory(HOME)],
    ]
    for commit in commits:
        for op in commit:
            model.apply(op)
        await store.commit(commit)
        await check(store, model)
    assert 0 < rows(store)[1] <= 16


async def test_they_are_found_wherever_they_are(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookups, "MANY_NEW", 100)
    expected = {}
    for op in history(1000, 5, name="home"):
        await store.commit([op])
        expected |= {one.message: one for one in op.record.entries}
        new, every = rows(store)
        assert new <= 140
        assert every == 2 * len(expected)
    assert await store.find_several(HOME, list(expected)) == list(expected.values())
    assert await store.bodies(HOME, [one.id for one in expected.values()]) == {one.id: one.body for one in expected.values()}


async def test_no_transaction_moves_more_than_a_part(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    await store.commit(list(history(2000, 100, name="home")))
    monkeypatch.setattr(lookups, "MANY_NEW", 100)
    counts = [rows(store)[0]]
    while counts[-1] > 100:
        await store.commit([PutRoom(room("home"))])
        counts.append(rows(store)[0])
    moved = [before - after for before, after in pairwise(counts)]
    assert sum(moved) == counts[0] - counts[-1]
    assert 150 < min(moved) <= max(moved) < 350


@pytest.mark.parametrize("op", [ForgetHistory(HOME), DropRoom(HOME)], ids=["forgotten", "dropped"])
async def test_of_a_room_that_goes_nothing_is_kept(store: Store, op: Op, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookups, "MANY_NEW", 500)
    for name in ("home", "away"):
        for number, pages in enumerate(zip(*[history(500, 5, name=name)] * 10, strict=True)):
            await store.commit(list(pages))
            assert rows(store)[1] == 100 * (number + 1) + (1000 if name == "away" else 0)
    assert 0 < rows(store)[0] < 1500
    await store.commit([op])
    assert rows(store)[1] == 1000
    assert len(await store.find_several(AWAY, [digest("message", ("away", seq)) for seq in range(1, 501)])) == 500


class Steps:
    """How many hundreds of steps SQLite takes: time is not to be trusted here."""

    def __init__(self, *connections: apsw.Connection) -> None:
        self._count = 0
        for connection in connections:
            connection.set_progress_handler(self._one, 100)

    def _one(self) -> bool:
        self._count += 1
        return False

    def taken(self) -> int:
        """Since this was asked last."""
        count, self._count = self._count, 0
        return count


async def test_who_looks_for_one_does_not_look_at_the_room(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookups, "MANY_NEW", 1_000_000)  # that slices are moved is not looked at here
    absent = entry("absent", kind="text", body=None)
    await store.commit([*history(20_000, 500, name="home"), PutPage(page(99, absent, name="home"))])
    await store.commit([PutPage(page(0, entry("near"), name="away"))])
    steps = Steps(store._reader, store._writer._connection)
    message, id_ = digest("message", ("home", 7)), digest("entry", ("home", 7))
    assert await store.bodies(HOME, [id_])
    assert steps.taken() < 10
    assert await store.find_several(HOME, [message])
    assert steps.taken() < 10
    assert await store.find(message)
    assert steps.taken() < 10
    await store.commit([PutBody(HOME, absent.id, b"came later")])
    assert steps.taken() < 20
    await store.commit([EraseBodies(HOME, message, frozenset((digest("feed", "home"),)))])
    assert steps.taken() < 50
    await store.commit([ForgetHistory(AWAY)])
    assert steps.taken() < 50
