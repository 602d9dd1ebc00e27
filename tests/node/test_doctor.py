"""The doctor in a real node on loopback, and what dialer and listener notice for it."""

from __future__ import annotations

import asyncio
import random
import socket
from typing import Any

import pytest

from peertalk.core.events import Check, Report
from peertalk.node import life, probes, surroundings
from peertalk.node.dialer import PATIENCE, Dialer
from peertalk.node.doctor import Dials
from peertalk.node.node import Node
from peertalk.node.ports import Advertisement
from tests.node.company import Company, online, port, until

ME = "8888888888888888"
LOW, HIGH = "1111111111111111", "ffffffffffffffff"  # the lesser of us dials first: I dial HIGH at once, LOW dials me
BEN = b"b" * 32


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "ASKING", 0.8)
    monkeypatch.setattr(surroundings, "ways_out", set)


def check(report: Report, which: str) -> Check:
    return next(one for one in report.checks if one.id == which)


async def test_who_is_linked_is_well(people: Company) -> None:
    ada = await people.node("Ada")
    ben = await people.node("Ben", ada)
    await until(ada, lambda: online(ada, "Ben"))
    report = await ben.doctor()
    assert report.verdict == "well"
    assert check(report, "listener").state == "ok"
    assert check(report, "search").case == "off"
    assert check(report, "people").values["reached"] == 1


async def test_who_searches_for_nobody_is_told_so(people: Company) -> None:
    ada = await people.node("Ada")
    report = await ada.doctor()
    assert report.verdict == "search_off"
    assert check(report, "interfaces").values["addresses"] == ["lo 127.0.0.1"]
    assert check(report, "own_multicast").state == check(report, "multicast").state == "unknown"


async def test_what_is_copied_holds_no_name_and_no_identity(people: Company) -> None:
    ada = await people.node("Ada Lovelace", port=0)
    await ada.join("our-secret-circle")
    told = repr(await ada.doctor())
    me = ada.status().identity
    assert not [word for word in ("Ada", "Lovelace", "circle", me.id, me.tag) if word in told]


async def test_it_looks_at_several_things_at_a_time(people: Company) -> None:
    ada = await people.node("Ada")
    reports = await asyncio.gather(ada.doctor(), ada.doctor())
    assert [report.verdict for report in reports] == ["search_off"] * 2


async def test_a_doctor_that_is_sent_away_leaves_nothing_running(people: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = asyncio.Event()

    async def connect(*_: object) -> probes.Outcome:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(probes, "connect", connect)
    ada = await people.node("Ada")
    before = asyncio.all_tasks()
    looking = asyncio.create_task(ada.doctor())
    await begun.wait()
    looking.cancel()
    await asyncio.gather(looking, return_exceptions=True)
    assert looking.cancelled()
    assert asyncio.all_tasks() <= before


async def test_dials_are_over_in_time_whatever_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[tuple[str, float]] = []

    async def connect(host: str, _port: int, seconds: float) -> probes.Outcome:
        given.append((host, seconds))
        return "silent"

    monkeypatch.setattr(probes, "connect", connect)
    dials = Dials(1.0)
    dials.begin([("10.0.0.2", 1), ("10.0.0.2", 1), ("10.0.0.3", 1)])
    assert await dials.finish() == {("10.0.0.2", 1): "silent", ("10.0.0.3", 1): "silent"}
    assert [host for host, _ in given] == ["10.0.0.2", "10.0.0.3"]
    assert all(seconds <= 1.0 for _, seconds in given)


async def test_nobody_is_let_in_before_the_rooms_are_there(people: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever came earlier would be told that there is no common room, and try again only minutes later."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number = probe.getsockname()[1]
    answered: list[bool] = []

    def secret(_name: str) -> bytes:
        with socket.socket() as visitor:
            answered.append(visitor.connect_ex(("127.0.0.1", number)) == 0)
        return b"s" * 32

    monkeypatch.setattr(life, "open_secret", secret)
    ada = await people.node("Ada", port=number)
    assert answered == [False]
    assert port(ada) == number


# ── who should have come ─────────────────────────────────────────────────────────────────────────────────────────────


def dialer() -> Dialer:
    return Dialer(lambda: ME, random=random.Random(0).randbytes)


def seen(instance: str) -> Advertisement:
    return Advertisement(instance, ("10.0.0.2",), 4000)


def unvisited(it: Dialer) -> list[bool]:
    return [target.unvisited for target, _ in it.known()]


@pytest.mark.parametrize("told", ["linked", "refused"])
def test_whose_turn_it_was_and_who_was_reached_all_the_same_did_not_get_through(told: str) -> None:
    it = dialer()
    it.found(seen(LOW), 100.0)
    assert len(it.due(100.0 + PATIENCE)) == 1
    assert unvisited(it) == [False]
    arguments: tuple[Any, ...] = (LOW, BEN, "10.0.0.2") if told == "linked" else (LOW,)
    getattr(it, told)(*arguments, 102.0)
    assert unvisited(it) == [True]


def test_who_was_mine_to_dial_proves_nothing() -> None:
    it = dialer()
    it.found(seen(HIGH), 100.0)
    it.due(100.0)
    it.linked(HIGH, BEN, "10.0.0.2", 100.1)
    assert unvisited(it) == [False]


def test_who_was_dialled_before_their_time_was_up_proves_nothing() -> None:
    it = dialer()
    it.found(seen(LOW), 100.0)
    it.changed_rooms(100.1)
    assert len(it.due(100.1)) == 1
    it.linked(LOW, BEN, "10.0.0.2", 100.2)
    assert unvisited(it) == [False]


def test_a_later_dial_proves_nothing_either() -> None:
    it = dialer()
    it.found(seen(LOW), 100.0)
    it.due(101.5)
    it.failed(LOW, 103.0)
    it.due(200.0)
    it.linked(LOW, BEN, "10.0.0.2", 200.1)
    assert unvisited(it) == [False]


async def test_visits_from_the_own_address_do_not_count(people: Company) -> None:
    ada = await people.node("Ada")
    ben: Node = await people.node("Ben", ada)
    await until(ada, lambda: online(ada, "Ben"))
    assert ada._life.listener.visits == ben._life.listener.visits == 0
