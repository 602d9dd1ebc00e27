"""What was forgotten, dropped or has expired is in no page of the database any more, nor in its log.

In the encrypted files nothing is found at any time, which proves nothing; the plain image behind the key is what is searched.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest
from msgspec.structs import replace

from peertalk.core.stored import (
    DropOutbox,
    DropPeer,
    DropRoom,
    ExpireBodies,
    FeedKeyRecord,
    ForgetHistory,
    Op,
    OutboxRecord,
    PeerRecord,
    PutBody,
    PutFeedKey,
    PutOutbox,
    PutPage,
    PutPeer,
    PutRoom,
)
from peertalk.node import writer
from peertalk.node.store import Store
from peertalk.node.writer import Writer
from tests.node.records import digest, entry, page, room

KEY = bytes(range(32))
HOME, AWAY = "canaryroomkestrel", "canaryroomosprey"
SECRET = b"canarysecret" + bytes(20)
COMMITS = 2000


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = Store.open(tmp_path / "peertalk.db", KEY)
    await opened.commit([PutRoom(room(HOME, secret=SECRET)), PutRoom(room(AWAY))])
    yield opened
    await opened.close()


def found(store: Store, *canaries: bytes) -> set[bytes]:
    """Which of these (all begin with `canary`) are in the plain image."""
    image = store._writer.ask(lambda connection: connection.serialize("main"))
    places = [match.start() for match in re.finditer(b"canary", image)]
    there = {length: {image[at : at + length] for at in places} for length in {len(canary) for canary in canaries}}
    return {canary for canary in canaries if canary in there[len(canary)]}


def log_size(tmp_path: Path) -> int:
    return (tmp_path / "peertalk.db-wal").stat().st_size


def all_bytes(directory: Path) -> bytes:
    return b"".join(file.read_bytes() for file in directory.iterdir())


def text(number: int, canary: bytes, seq: int = 1, size: int = 0, **fields: object) -> PutPage:
    """A page of one entry in HOME whose body is this text, and at least of this size."""
    return PutPage(page(number, entry(canary, seq=seq, body=canary + bytes(size), **fields), name=HOME))


def own_key(canary: bytes, *, erased: bool = False) -> PutFeedKey:
    return PutFeedKey(FeedKeyRecord(room=digest("room", HOME), feed=digest(canary), seed=None if erased else canary, created=1))


def waiting(canary: bytes) -> PutOutbox:
    return PutOutbox(
        OutboxRecord(room=digest("room", HOME), number=1, message=digest(canary), kind="text", body=canary, time=1)
    )


@pytest.mark.parametrize("size", [0, 2_000, 30_000])
async def test_forgetting_a_room_takes_its_texts_and_keys_but_not_its_secret(store: Store, tmp_path: Path, size: int) -> None:
    gone, kept = (b"canaryfinch", b"canaryseed" + bytes(22)), (b"canarywren", HOME.encode(), SECRET)
    await store.commit([text(0, gone[0], size=size), own_key(gone[1]), waiting(kept[0])])
    assert found(store, *gone, *kept) == {*gone, *kept}
    await store.commit([ForgetHistory(digest("room", HOME))])
    assert found(store, *gone, *kept) == set(kept)
    assert log_size(tmp_path) == 0


async def test_dropping_a_room_takes_all_of_it(store: Store, tmp_path: Path) -> None:
    canaries = (b"canaryfinch", b"canarywren", b"canaryseed" + bytes(22), HOME.encode(), SECRET)
    await store.commit([text(0, canaries[0]), waiting(canaries[1]), own_key(canaries[2])])
    assert found(store, *canaries) == set(canaries)
    await store.commit([DropRoom(digest("room", HOME))])
    assert found(store, *canaries, AWAY.encode()) == {AWAY.encode()}
    assert log_size(tmp_path) == 0


async def test_expiring_takes_the_texts_that_are_due(store: Store, tmp_path: Path) -> None:
    due = [text(0, b"canaryfinch", time=5, received=50), text(1, b"canarywren", seq=2, time=50, received=5, size=9_000)]
    await store.commit([*due, text(2, b"canarylark", seq=3, time=50, received=50)])
    await store.commit([ExpireBodies(digest("room", HOME), before=20)])
    assert found(store, b"canaryfinch", b"canarywren", b"canarylark") == {b"canarylark"}
    assert log_size(tmp_path) == 0


async def test_where_a_reader_is_in_the_way_the_log_is_emptied_soon_after(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever waits for the answer does not wait for ever; what was erased does not stay until somebody says something again."""
    emptied, checkpoint = threading.Event(), Writer._checkpoint

    def tell(writing: Writer, mode: int, **how: bool) -> None:
        checkpoint(writing, mode, **how)
        if not writing._changes.erased:
            emptied.set()

    monkeypatch.setattr(Writer, "_checkpoint", tell)
    monkeypatch.setattr(writer, "_A_MOMENT", 0.01)
    store._writer.ask(lambda connection: connection.set_busy_timeout(1))
    await store.commit([text(0, b"canaryfinch")])
    await store.search("nothing", 1)  # so that no index is left to be written
    store._reader.execute("BEGIN; SELECT * FROM room").fetchall()
    await store.commit([ExpireBodies(digest("room", HOME), before=2**50)])
    assert log_size(tmp_path) > 0
    store._reader.execute("ROLLBACK")
    assert await asyncio.to_thread(emptied.wait, 10)
    assert log_size(tmp_path) == 0


async def test_what_was_erased_just_before_a_crash_does_not_stay_in_the_log(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint, emptied = Writer._checkpoint, threading.Event()
    monkeypatch.setattr(Writer, "_checkpoint", lambda _writing, _mode, **_how: None)
    await store.commit([text(0, b"canaryfinch")])
    await store.commit([ExpireBodies(digest("room", HOME), before=2**50)])
    crashed = tmp_path / "crashed"
    crashed.mkdir()
    for name in ("peertalk.db", "peertalk.db-wal"):
        shutil.copyfile(tmp_path / name, crashed / name)
    assert log_size(crashed) > 0

    def tell(writing: Writer, mode: int, **how: bool) -> None:
        checkpoint(writing, mode, **how)
        if writing._path == crashed / "peertalk.db":
            emptied.set()

    monkeypatch.setattr(Writer, "_checkpoint", tell)
    monkeypatch.setattr(writer, "_A_MOMENT", 0.01)
    after = Store.open(crashed / "peertalk.db", KEY)
    assert await asyncio.to_thread(emptied.wait, 10)
    await after.search("nothing", 1)
    assert found(after, b"canaryfinch") == set()
    assert not after._writer.ask(lambda _: after._writer._old_log)
    await after.close()


async def test_where_nothing_is_due_the_log_is_left_alone(store: Store, tmp_path: Path) -> None:
    await store.commit([text(0, b"canaryfinch", time=50, received=50)])
    before = log_size(tmp_path)
    await store.commit([ExpireBodies(digest("room", HOME), before=20)])
    assert log_size(tmp_path) >= before > 0


async def test_the_private_half_of_a_key_goes_when_it_retires(store: Store, tmp_path: Path) -> None:
    seed = b"canaryseed" + bytes(22)
    await store.commit([own_key(seed), own_key(b"canaryother" + bytes(21))])
    assert found(store, seed) == {seed}
    await store.commit([own_key(seed, erased=True)])
    assert found(store, seed, b"canaryother") == {b"canaryother"}
    assert log_size(tmp_path) == 0


async def test_who_is_forgotten_leaves_no_address(store: Store, tmp_path: Path) -> None:
    hosts = ["canaryfinch.local", "canarywren.local"]
    met = [
        PeerRecord(identity=digest(host), first_seen=1, last_seen=1, addresses=((host, 4000), ("10.0.0.1", 4000)))
        for host in hosts
    ]
    await store.commit([PutPeer(record) for record in met])
    await store.commit([PutPeer(replace(met[0], last_seen=2, addresses=met[0].addresses * 4))])
    assert found(store, *(host.encode() for host in hosts)) == {host.encode() for host in hosts}
    await store.commit([DropPeer(met[0].identity)])
    assert found(store, *(host.encode() for host in hosts)) == {hosts[1].encode()}
    assert log_size(tmp_path) == 0


async def test_a_reader_in_the_way_only_delays_it(store: Store, tmp_path: Path) -> None:
    await store.commit([text(0, b"canaryfinch")])
    store._writer.ask(lambda connection: connection.set_busy_timeout(20))
    store._reader.execute("BEGIN")
    store._reader.execute("SELECT * FROM room").fetchall()
    await store.commit([ForgetHistory(digest("room", HOME))])
    assert log_size(tmp_path) > 0
    store._reader.execute("ROLLBACK")
    await store.commit([])
    assert log_size(tmp_path) == 0
    assert found(store, b"canaryfinch") == set()


async def test_nobody_else_waits_for_a_reader_who_is_in_the_way(store: Store, tmp_path: Path) -> None:
    await store.commit([text(0, b"canaryfinch")])
    store._writer.ask(lambda connection: connection.set_busy_timeout(1))
    store._reader.execute("BEGIN; SELECT * FROM room").fetchall()
    await store.commit([ExpireBodies(digest("room", HOME), before=2**50)])
    store._writer.ask(lambda connection: connection.set_busy_timeout(3_600_000))
    try:
        await asyncio.wait_for(store.commit([PutRoom(room(AWAY))]), 60)
        assert log_size(tmp_path) > 0
    finally:
        store._reader.execute("ROLLBACK")
    await store.commit([])
    assert log_size(tmp_path) == 0
    assert store.pragma("busy_timeout") == 3_600_000


async def test_the_files_tell_nothing_at_any_time(store: Store, tmp_path: Path) -> None:
    canaries = (b"canaryfinch", b"canarywren", b"canaryseed" + bytes(22), HOME.encode(), SECRET)
    await store.commit([text(0, canaries[0], size=20_000), waiting(canaries[1]), own_key(canaries[2])])
    assert found(store, *canaries) == set(canaries)
    assert log_size(tmp_path) > 20_000
    written = all_bytes(tmp_path)
    await store.close()
    written += all_bytes(tmp_path)
    assert not [canary for canary in (*canaries, b"SQLite format 3", b"CREATE TABLE") if canary in written]


class Churn:
    """Entries with short and long texts, some of which come later, keys and waiting texts, in two rooms by turns."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._later: list[PutBody] = []
        self.texts: dict[str, list[tuple[int, bytes]]] = {HOME: [], AWAY: []}
        self.keys: dict[str, list[FeedKeyRecord]] = {HOME: [], AWAY: []}

    def commit(self, number: int) -> list[Op]:
        name = self._random.choice([HOME, AWAY])
        ops: list[Op] = [self._page(number, name), self._key(number, name)]
        if self._later and self._random.random() < 0.5:
            ops.append(self._later.pop(self._random.randrange(len(self._later))))
        if self._random.random() < 0.3:
            ops.append(self._waiting(number, name))
        return ops

    def before(self, name: str, time: int) -> list[bytes]:
        """The texts of a room that were written before `time`; what waits counts as written at 0."""
        return [canary for written, canary in self.texts[name] if written < time]

    def _text(self, name: str, time: int) -> bytes:
        canary = b"canary" + self._random.randbytes(12)
        self.texts[name].append((time, canary))
        return canary + bytes(self._random.choice([10, 60, 400, 3_000, 9_000]))

    def _page(self, number: int, name: str) -> PutPage:
        time, comes_later = self._random.randrange(100), self._random.random() < 0.3
        body = self._text(name, time)
        only = entry(number, lamport=self._random.randrange(1000), time=time, body=None if comes_later else body)
        if comes_later:
            self._later.append(PutBody(digest("room", name), only.id, body))
        return PutPage(page(number, only, name=name))

    def _waiting(self, number: int, name: str) -> PutOutbox:
        body = self._text(name, 0)
        inside = digest("room", name)
        return PutOutbox(OutboxRecord(room=inside, number=number, message=digest(body), kind="text", body=body, time=1))

    def _key(self, number: int, name: str) -> PutFeedKey:
        seed = b"canary" + self._random.randbytes(26)
        self.keys[name].append(FeedKeyRecord(room=digest("room", name), feed=digest(number), seed=seed, created=number))
        return PutFeedKey(self.keys[name][-1])


def seeds(keys: list[FeedKeyRecord]) -> list[bytes]:
    return [key.seed for key in keys if key.seed is not None]


@pytest.mark.parametrize("seed", [5, 6, 12])
async def test_nothing_is_left_where_pages_were_split_and_joined(store: Store, seed: int) -> None:
    """`secure_delete` overwrites the place of a row; copies of rows that SQLite moved before are the danger (schema.py)."""
    churn = Churn(seed)
    for number in range(0, COMMITS, 20):
        await asyncio.gather(*(store.submit(churn.commit(number + more)) for more in range(20)))
    retired, kept = churn.keys[HOME][::2], churn.keys[HOME][1::2]
    assert found(store, *seeds(retired), *seeds(kept)) == {*seeds(retired), *seeds(kept)}
    await store.commit([PutFeedKey(replace(key, seed=None)) for key in retired])
    assert found(store, *seeds(retired), *seeds(kept)) == set(seeds(kept))
    await store.commit([*(DropOutbox(digest("room", HOME), number) for number in range(COMMITS))])
    for time in (20, 40, 60, 80, 100):
        assert found(store, *churn.before(HOME, time))
        await store.commit([ExpireBodies(digest("room", HOME), before=time)])
        assert not found(store, *churn.before(HOME, time))
    assert found(store, *churn.before(AWAY, 100))
    await store.commit([DropRoom(digest("room", AWAY))])
    assert not found(store, *churn.before(AWAY, 100), *seeds(churn.keys[AWAY]))
