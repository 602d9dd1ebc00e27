"""What is remembered of people, with a store that only notes what it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_interface
from typing import cast

import pytest

from peertalk.core.identity import Identity
from peertalk.core.stored import DropPeer, Op, PeerRecord, PutPeer, Retention, RoomRecord
from peertalk.core.sync import Replica
from peertalk.node import people
from peertalk.node.acquaintances import Rank
from peertalk.node.interfaces import Interface
from peertalk.node.people import People
from peertalk.node.ports import Store
from tests.node.fake_clock import FakeClock

LAN = Interface("eth0", 2, (ip_interface("10.0.0.1/24"),))


SESSION: Retention = "session"


class FakeCards(set[bytes]):
    def identities(self) -> set[bytes]:
        return self


class FakeRoom:
    def __init__(self, number: int, retention: Retention, *people: bytes) -> None:
        self.record = RoomRecord(id=bytes([number] * 32), kind="private", name="r", secret=b"s" * 32, retention=retention)
        self.cards = FakeCards(people)


@dataclass
class FakePlace:
    room: FakeRoom


class FakeReforming:
    def __init__(self) -> None:
        self.left_out: set[bytes] = set()

    def shunned(self) -> set[bytes]:
        return self.left_out

    def shuns(self, identity: bytes) -> bool:
        return identity in self.left_out


class FakeReplica:
    def __init__(self) -> None:
        self.identity, self.reforming = Identity(b"m" * 32), FakeReforming()
        self.places: dict[bytes, FakePlace] = {}


class FakeStore:
    def __init__(self) -> None:
        self.kept: dict[bytes, PeerRecord] = {}

    def submit(self, ops: Sequence[Op]) -> asyncio.Future[None]:
        for op in ops:
            if isinstance(op, PutPeer):
                self.kept[op.record.identity] = op.record
            elif isinstance(op, DropPeer):
                self.kept.pop(op.identity, None)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done


class Company:
    def __init__(self, *known: PeerRecord) -> None:
        self.clock, self.store, self.linked = FakeClock(), FakeStore(), set[bytes]()
        self.store.kept = {one.identity: one for one in known}
        self.replica = FakeReplica()
        replica, store = cast("Replica", self.replica), cast("Store", self.store)
        self.it = People(known, replica, store, self.clock, self.linked.__contains__)

    def room(self, retention: Retention, *people: bytes) -> None:
        """Be in one more room, with these."""
        room = FakeRoom(len(self.replica.places), retention, *people)
        self.replica.places[room.record.id] = FakePlace(room)


def who(number: int) -> bytes:
    return Identity(bytes(8) + number.to_bytes(24, "little")).public


def record(number: int, seen: int = 0, **values: bool) -> PeerRecord:
    return PeerRecord(identity=who(number), first_seen=seen, last_seen=seen, **values)


async def test_who_is_met_again_keeps_when_that_was_first_and_gets_the_newest_address_in_front() -> None:
    company = Company(record(1, 5))
    for host in ("10.0.0.2", "10.0.0.3", "10.0.0.2"):
        company.it.met(who(1), (host, 4000))
    company.it.met(who(1), None)
    kept = company.store.kept[who(1)]
    assert (kept.first_seen, kept.last_seen) == (5, company.clock.wall())
    assert kept.addresses == (("10.0.0.2", 4000), ("10.0.0.3", 4000))


async def test_too_many_are_forgotten_many_at_a_time_here_as_on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people, "MAX_PEERS", 20)
    monkeypatch.setattr(people, "AT_ONCE", 5)
    company = Company(*(record(number, number) for number in range(20)))
    company.it.met(who(99), None)
    assert company.store.kept == dict(company.it.records)
    assert set(company.store.kept) == {who(number) for number in range(4, 20)}  # met today, the stranger goes first


async def test_who_is_blocked_verified_or_here_is_not_forgotten() -> None:
    company = Company(record(1), record(2, blocked=True), record(3, verified=True), record(4))
    company.linked.add(who(4))
    company.it.forget_strangers()
    assert set(company.it.records) == set(company.store.kept) == {who(2), who(3), who(4)}
    assert who(1) not in company.it.acquaintances


async def test_a_block_is_kept_and_taken_back() -> None:
    company = Company()
    await company.it.block(who(1), blocked=True)
    assert company.it.is_blocked(who(1))
    assert company.it.blocked() == {who(1)}
    await company.it.block(who(1), blocked=False)
    assert not company.it.is_blocked(who(1))
    assert not company.it.records[who(1)].blocked


async def test_nothing_is_kept_of_whom_one_knows_off_the_record_only() -> None:
    company = Company()
    company.room(SESSION, who(1))
    company.it.met(who(1), ("10.0.0.2", 4000))
    company.it.keep(who(1))
    assert company.it.records[who(1)].addresses
    assert company.store.kept == {}


async def test_who_is_met_in_a_room_that_is_kept_too_is_kept_from_then_on() -> None:
    company = Company()
    company.room(SESSION, who(1))
    company.it.met(who(1), ("10.0.0.2", 4000))
    company.room("forever", who(1))
    company.it.keep(who(1))
    assert company.store.kept == dict(company.it.records)
    assert set(company.store.kept) == {who(1)}


async def test_who_stays_off_the_record_only_is_taken_off_the_disk() -> None:
    company = Company(record(1), record(2))
    company.room(SESSION, who(1))
    company.it.forget_strangers()
    assert (set(company.it.records), set(company.store.kept)) == ({who(1)}, set[bytes]())


async def test_of_whom_one_blocks_off_the_record_the_key_alone_is_kept_and_not_for_longer() -> None:
    company = Company()
    company.room(SESSION, who(1))
    company.it.met(who(1), ("10.0.0.2", 4000))
    await company.it.block(who(1), blocked=True)
    assert company.store.kept == {who(1): PeerRecord(identity=who(1), first_seen=0, last_seen=0, blocked=True)}
    after_a_restart = Company(*company.store.kept.values())
    await after_a_restart.it.block(who(1), blocked=False)
    assert after_a_restart.store.kept == {}
    await company.it.block(who(1), blocked=False)
    assert company.store.kept == {}
    assert company.it.records[who(1)].addresses


async def test_people_are_looked_for_on_the_same_link_only() -> None:
    company = Company()
    company.it.met(who(1), ("10.0.0.2", 4000))
    company.it.met(who(2), ("10.9.0.2", 4000))
    company.it.met(who(3), None)
    assert list(company.it.whereabouts([LAN])) == [(who(1), ("10.0.0.2", 4000))]


async def test_who_is_left_out_is_neither_looked_for_nor_trusted() -> None:
    company = Company()
    company.room("forever", who(1))
    company.it.met(who(1), ("10.0.0.2", 4000))
    assert company.it.acquaintances.rank(who(1)) == Rank.TRUSTED
    company.replica.reforming.left_out.add(who(1))
    assert company.it.acquaintances.rank(who(1)) == Rank.STRANGER
    assert list(company.it.whereabouts([LAN])) == []
