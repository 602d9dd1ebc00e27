"""What the replica decides is carried out so that nobody waits for what others are only told of."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, cast

import pytest

from peertalk.core import wire
from peertalk.core.effects import Close, Commit, Effect, Notice, RoomCame, Send, SyncStep, Wake
from peertalk.core.stored import Op, PutProfile, RoomRecord
from peertalk.core.sync import Replica
from peertalk.node.engine import Engine
from peertalk.node.ports import Store
from tests.node.fake_clock import FakeClock

ROOM = bytes(32)
SIGNAL = wire.Signal(ROOM, "typing")
CAME = RoomCame(RoomRecord(id=ROOM, kind="open", name="lobby", secret=ROOM))
STEP = SyncStep(ROOM, 1, 2)


class Decides:
    """In the place of a replica: what it decides next. In that of all around it: what was done, in order."""

    def __init__(self) -> None:
        self.decided: list[Effect] = []
        self.done: list[object] = []
        self.commits: list[asyncio.Future[None]] = []

    def drain(self, _now: object) -> list[Effect]:
        decided, self.decided = self.decided, []
        return decided

    def committed(self, token: int, _now: object) -> None:
        self.done.append(("durable", token))

    def submit(self, ops: Sequence[Op]) -> asyncio.Future[None]:
        self.done.append(("commit", ops))
        self.commits.append(asyncio.get_running_loop().create_future())
        return self.commits[-1]

    def send(self, message: bytes) -> None:
        self.done.append(("send", wire.decode(message)))

    def flush(self) -> None:
        self.done.append("flush")

    def prove(self, rooms: Mapping[bytes, bytes]) -> None:
        raise AssertionError(rooms)

    def forget(self, room: bytes) -> None:
        raise AssertionError(room)

    def close(self, reason: str) -> None:
        self.done.append(("close", reason))

    def tell(self, notices: Sequence[Notice]) -> None:
        self.done.append(("tell", list(notices)))


@pytest.fixture
def all_around() -> Decides:
    return Decides()


@pytest.fixture
async def engine(all_around: Decides) -> Engine:
    def fail(error: BaseException) -> None:
        all_around.done.append(("fail", error))

    replica, store = cast("Replica", all_around), cast("Store", all_around)
    unheard: Any = all_around.done.append
    return Engine(replica, store, FakeClock(), {1: all_around}, tell=all_around.tell, learn=unheard, fail=fail)


async def test_the_disk_first_then_who_is_linked_and_then_who_is_only_told(engine: Engine, all_around: Decides) -> None:
    first, second = (PutProfile("a", b""),), (PutProfile("b", b""),)
    all_around.decided = [STEP, Send(1, SIGNAL), Commit(1, first), CAME, Send(1, SIGNAL), Send(2, SIGNAL), Commit(2, second)]
    engine.drain()
    assert all_around.done == [
        ("commit", first), ("commit", second), ("send", SIGNAL), ("send", SIGNAL), "flush", ("tell", [STEP, CAME]),
    ]  # fmt: skip


async def test_what_is_done_to_a_link_keeps_its_order(engine: Engine, all_around: Decides) -> None:
    all_around.decided = [Send(1, SIGNAL), Close(1, "left"), Send(1, SIGNAL)]
    engine.drain()
    assert [what if what == "flush" else what[0] for what in all_around.done] == ["send", "close", "send", "flush"]  # type: ignore[index]


async def test_nobody_is_told_where_nothing_has_happened(engine: Engine, all_around: Decides) -> None:
    all_around.decided = [Wake(float("inf"))]
    engine.drain()
    assert all_around.done == []


async def test_the_replica_hears_what_is_durable_in_the_order_in_which_it_became_so(
    engine: Engine, all_around: Decides
) -> None:
    all_around.decided = [Commit(1, ()), Commit(2, ())]
    engine.drain()
    for commit in all_around.commits:
        commit.set_result(None)
    await engine.settled()
    assert all_around.done[2:] == [("durable", 1), ("durable", 2)]


async def test_a_disk_that_fails_is_told_and_nothing_counts_as_durable(engine: Engine, all_around: Decides) -> None:
    all_around.decided = [Commit(1, ())]
    engine.drain()
    error = OSError("full")
    all_around.commits[0].set_exception(error)
    await engine.settled()
    assert all_around.done[1:] == [("fail", error)]
