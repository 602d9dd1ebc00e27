"""The full-text index lags behind what is stored, and nobody can tell: what is searched for is found, what was erased is in no index."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peertalk.core.entry import Text, seal_body
from peertalk.core.stored import EraseBodies, ExpireBodies, ForgetHistory, Op, PutBody, PutPage, PutRoom
from peertalk.node import words, writer
from peertalk.node.changes import Changes
from peertalk.node.store import Store
from tests.model_store import ModelStore
from tests.node.records import digest, entry, page, room
from tests.node.store_strategies import ops, questions
from tests.node.test_store_model import compare, start, valid
from tests.node.words_held import check, held

KEY = bytes(range(32))
HOME = digest("room", "home")
FEED = frozenset((digest("feed"),))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = Store.open(tmp_path / "peertalk.db", KEY)
    await opened.commit([PutRoom(room("home"))])
    yield opened
    await opened.close()


def said(number: int, text: str, **fields: object) -> PutPage:
    kind, body = seal_body(Text(text), Random(number).randbytes)
    return PutPage(page(number, entry(number, seq=number + 1, lamport=number + 1, kind=kind, body=body, **fields), name="home"))


def message(number: int) -> bytes:
    return digest("message", number)


def looked_up(store: Store) -> int:
    """How many entries are in the index; it is whole."""
    store._writer.ask(check)
    return len(store._writer.ask(held))


async def crash(store: Store, path: Path) -> Path:
    """What is on the disk now, in another place; the store ends."""
    beside = path.with_name("crashed")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir()

    def copy(_: object) -> None:
        for file in path.parent.glob("peertalk.db*"):
            shutil.copyfile(file, beside / file.name)

    store._writer.ask(copy)
    await store.close()
    for file in path.parent.glob("peertalk.db*"):
        file.unlink()
    for file in beside.iterdir():
        if not file.name.endswith("-shm"):
            shutil.copyfile(file, path.parent / file.name)
    return path


async def go_on(path: Path, steps: list[list[Op] | str], asked: list[dict]) -> None:
    model = ModelStore()
    store = Store.open(path, KEY)
    try:
        for step in [start, *steps]:
            if isinstance(step, list):
                (commit,) = valid(model, [step])
                await store.commit(commit)
            elif step == "idle":
                store._writer.ask(lambda _, writer=store._writer: writer._write(writer._changes.catch_up))
            elif step == "search":
                assert await store.search("haus", 1000) == model.search("haus", 1000)
            else:
                await (crash(store, path) if step == "crash" else store.close())
                store = Store.open(path, KEY)
            store._writer.ask(check)
        await compare(store, model, asked)
    finally:
        await store.close()


@given(
    st.lists(st.lists(ops, max_size=6) | st.sampled_from(["idle", "idle", "search", "crash", "again"]), max_size=14),
    st.lists(questions, min_size=1, max_size=3),
)
def test_whatever_happens_in_between_the_index_holds_what_it_should(steps: list[list[Op] | str], asked: list[dict]) -> None:
    with TemporaryDirectory() as home, pytest.MonkeyPatch.context() as patched:
        patched.setattr(words, "AT_ONCE", 3)
        patched.setattr(writer, "_A_MOMENT", 3600)
        asyncio.run(go_on(Path(home) / "peertalk.db", steps, asked))


async def test_what_is_said_is_stored_without_its_words_until_somebody_searches(store: Store) -> None:
    for number in range(5):
        await store.commit([said(number, f"hello {number}")])
    assert looked_up(store) == 0
    assert len(await store.search("hello", 9)) == 5
    assert looked_up(store) == 5


async def test_the_index_is_written_when_nothing_was_said_for_a_moment(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    written, catch_up = threading.Event(), Changes.catch_up

    def tell(changes: Changes) -> None:
        catch_up(changes)
        written.set()

    monkeypatch.setattr(Changes, "catch_up", tell)
    monkeypatch.setattr(writer, "_A_MOMENT", 0.01)
    await store.commit([said(0, "hello")])
    assert await asyncio.to_thread(written.wait, 10)
    assert looked_up(store) == 1


async def test_who_searches_while_the_index_is_written_waits_until_that_is_durable(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    written, go_on, finish = threading.Event(), threading.Event(), Changes.finish

    def slow(changes: Changes) -> None:
        finish(changes)
        if not changes.behind:
            written.set()
            assert go_on.wait(10)

    await store.commit([said(0, "hello")])
    monkeypatch.setattr(Changes, "finish", slow)
    first = asyncio.ensure_future(store.search("hello", 9))
    assert await asyncio.to_thread(written.wait, 10)
    second = asyncio.ensure_future(store.search("hello", 9))
    done, _ = await asyncio.wait([second], timeout=0.1)
    go_on.set()
    assert not done
    assert len(await first) == len(await second) == 1


async def test_it_never_lacks_much(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "FAR_BEHIND", 30)
    for number in range(100):
        await store.commit([said(number, "hello")])
        assert number - 30 <= looked_up(store) <= number + 1
    await store.commit([said(100, "long " * 6000)])
    assert looked_up(store) == 101


async def test_of_much_that_is_long_a_piece_is_written_at_a_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "FAR_BEHIND", 1_000_000)
    await store.commit([said(number, "long " * 6000) for number in range(20)])
    store._writer.ask(lambda _: store._writer._write(store._writer._changes.catch_up))
    assert 4 <= looked_up(store) <= 6
    assert len(await store.search("long", 99)) == 20


async def test_at_the_end_nothing_is_lacking_and_after_a_crash_it_is_made_good(tmp_path: Path) -> None:
    path = tmp_path / "peertalk.db"
    store = Store.open(path, KEY)
    await store.commit([PutRoom(room("home")), said(0, "hello"), said(1, "hello")])
    store = Store.open(await crash(store, path), KEY)
    assert looked_up(store) == 0
    await store.close()
    store = Store.open(path, KEY)
    assert looked_up(store) == 2
    await store.close()


async def test_what_is_erased_before_its_words_were_written_is_never_in_the_index(store: Store) -> None:
    absent = PutPage(page(9, entry("late", kind="text", body=None), name="home"))
    await store.commit([*(said(number, f"hello {number}", time=number) for number in range(6)), absent])
    await store.commit(
        [EraseBodies(HOME, message(0), FEED), PutBody(HOME, digest("entry", "late"), said(9, "hello").record.entries[0].body)]
    )
    assert looked_up(store) == 1
    assert len(await store.search("hello", 9)) == 6
    await store.commit([said(7, "hello"), EraseBodies(HOME, message(1), FEED), EraseBodies(HOME, message(7), FEED)])
    assert looked_up(store) == 5
    await store.commit([ExpireBodies(HOME, 4), EraseBodies(HOME, digest("message", "late"), FEED)])
    assert [one.lamport - 1 for _, one in await store.search("hello", 9)] == [5, 4]
    assert looked_up(store) == 2


async def test_what_came_late_is_in_the_index_at_once_and_taken_out_of_it_before_what_came_earlier_is_in(store: Store) -> None:
    absent = PutPage(page(9, entry("late", kind="text", body=None), name="home"))
    body = said(9, "hello late").record.entries[0].body
    await store.commit([said(0, "hello"), absent, PutBody(HOME, digest("entry", "late"), body)])
    assert looked_up(store) == 1
    await store.commit([EraseBodies(HOME, digest("message", "late"), FEED)])
    assert looked_up(store) == 0
    assert len(await store.search("hello", 9)) == 1


async def test_after_a_room_was_forgotten_what_comes_next_is_written_too(tmp_path: Path) -> None:
    """Numbers begin anew where nothing is left: they must not be taken for those that were written."""
    path = tmp_path / "peertalk.db"
    for _ in range(2):
        store = Store.open(path, KEY)
        await store.commit([PutRoom(room("home")), *(said(number, "hello") for number in range(4))])
        assert len(await store.search("hello", 9)) == 4
        await store.commit([ForgetHistory(HOME)])
        await store.close()
