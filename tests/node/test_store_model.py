"""Whatever operations it is given, the store answers as the model does, at once and after it was closed and opened again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import event, given
from hypothesis import strategies as st

from peertalk.core.stored import Op, PutRoom
from peertalk.node.store import Store
from tests.model_store import ModelStore
from tests.node.records import room
from tests.node.store_strategies import ops, questions

KEY = bytes(range(32))


def valid(model: ModelStore, commits: Sequence[Sequence[Op]]) -> list[list[Op]]:
    """The commits without what no caller does (see ModelStore); `model` has them applied."""
    kept: list[list[Op]] = []
    for commit in commits:
        kept.append([])
        for op in commit:
            try:
                model.apply(op)
            except (KeyError, ValueError):
                event("left out")
            else:
                kept[-1].append(op)
    return kept


async def compare(store: Store, model: ModelStore, asked: Sequence[dict]) -> None:
    assert await store.load() == model.snapshot()
    for q in asked:
        assert await store.pages(q["room"], q["numbers"]) == model.pages(q["room"], q["numbers"])
        assert await store.bodies(q["room"], q["entries"]) == model.bodies(q["room"], q["entries"])
        bounds = {"before": q["before"], "after": q["after"]}
        expected = model.entries(q["room"], q["kinds"], q["limit"], **bounds)
        assert await store.entries(q["room"], q["kinds"], q["limit"], **bounds) == expected
        assert await store.find(q["message"]) == model.find(q["message"])
        assert await store.find(q["message"], q["room"]) == model.find(q["message"], q["room"])
        assert await store.annotations(q["room"], q["about"]) == model.annotations(q["room"], q["about"])
        assert await store.search(q["words"], q["limit"]) == model.search(q["words"], q["limit"])
        assert await store.search(q["words"], q["limit"], q["room"]) == model.search(q["words"], q["limit"], q["room"])
        read = q["after"] or (0, b"")
        unread = model.unread(q["room"], read, q["kinds"], q["without"], q["limit"])
        assert await store.unread(q["room"], read, q["kinds"], q["without"], q["limit"]) == unread
    assert store._reader.txn_state() == 0, "a read that stays open keeps the log from being emptied"


async def commit_and_compare(path: Path | None, commits: Sequence[Sequence[Op]], asked: Sequence[dict]) -> None:
    model = ModelStore()
    commits = valid(model, commits)
    store = Store.open(path, KEY)
    try:
        await asyncio.gather(*(store.commit(commit) for commit in commits))
        await compare(store, model, asked)
    finally:
        await store.close()
    if path is not None:
        store = Store.open(path, KEY)
        try:
            await compare(store, model, asked)
        finally:
            await store.close()


start: list[Op] = [PutRoom(room(str(n))) for n in range(2)]
histories = st.lists(st.lists(ops, max_size=12), max_size=6).map(lambda commits: [start, *commits])


@given(histories, st.lists(questions, min_size=1, max_size=6))
def test_answers_as_the_model_does(commits: list[list[Op]], asked: list[dict]) -> None:
    with TemporaryDirectory() as home:
        asyncio.run(commit_and_compare(Path(home) / "peertalk.db", commits, asked))


@given(histories, st.lists(questions, min_size=1, max_size=6))
def test_in_memory_too(commits: list[list[Op]], asked: list[dict]) -> None:
    asyncio.run(commit_and_compare(None, commits, asked))
