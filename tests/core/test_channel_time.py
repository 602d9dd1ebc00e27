"""Deadlines, signs of life and changes of key, on a clock that the test turns."""

from __future__ import annotations

import math

import pytest

from peertalk.core import records
from peertalk.core.channel import Bye, Received
from peertalk.core.noise import CipherState
from tests.core.pair import ann_and_ben, carry, kind_of, linked, settle


@pytest.mark.parametrize("steps", range(7))
def test_a_handshake_has_ten_seconds(steps: int) -> None:
    ann, ben = ann_and_ben("lobby", now=100.0)
    for source, target in ([(ann, ben), (ben, ann)] * 4)[:steps]:
        carry(source, target, now=109.0)
    for side in (ann, ben):
        if side.established:
            continue
        assert side.wake() == 110.0
        assert side.tick(109.9) == []
        assert kind_of(lambda side=side: side.tick(110.0)) == "handshake_timeout"
        assert side.closed
        assert side.wake() == math.inf
        assert side.tick(111.0) == []


def test_who_hears_nothing_asks_and_then_gives_up() -> None:
    ann, ben = linked()
    assert ann.wake() == 5.0
    assert ann.tick(4.9) == []
    assert ann.outgoing() == b""
    assert ann.tick(5.0) == []
    ping = ann.outgoing()
    assert len(ping) == 2 + 16 + 64
    assert ann.wake() == 10.0
    assert ann.tick(9.9) == []
    assert kind_of(lambda: ann.tick(10.0)) == "silent"
    assert ann.cut_off() == "closed"
    assert ben.receive(ping + ann.outgoing(), 10.0) == [Bye("silent")]


def test_an_answer_keeps_the_link_alive() -> None:
    ann, ben = linked()
    for now in (5.0, 10.0, 15.0, 20.0):
        ann.tick(now)
        assert settle(ann, ben, now) == ([], [])
        assert ann.wake() == now + 5
    ben.send(b"hello", 22.0)
    carry(ben, ann, now=22.0)
    assert ann.wake() == 27.0


def test_after_a_long_sleep_the_other_side_gets_a_chance_to_answer() -> None:
    ann, ben = linked()
    assert ann.tick(10_000.0) == []
    assert settle(ann, ben, now=10_000.1) == ([], [])
    assert ann.tick(10_004.0) == []


def test_a_flood_of_pings_gets_no_flood_back() -> None:
    ann, ben = linked()
    answers = []
    for now in (3.0, 3.0, 3.4, 3.9, 4.0, 4.1, 4.9, 5.0):
        ann._phase._send(records.Kind.PING, b"", now)
        carry(ann, ben, now=now)
        answers += [now] * (len(ben.outgoing()) // (2 + 16 + 64))
    assert answers == [3.0, 4.0, 5.0]


def count_rekeys(monkeypatch: pytest.MonkeyPatch) -> list[CipherState]:
    done: list[CipherState] = []
    real = CipherState.rekey
    monkeypatch.setattr(CipherState, "rekey", lambda cipher: (done.append(cipher), real(cipher)))
    return done


def test_keys_change_while_nothing_is_said_and_messages_still_arrive(monkeypatch: pytest.MonkeyPatch) -> None:
    ann, ben = linked()
    rekeyed = count_rekeys(monkeypatch)
    now = 0.0
    while now < 3600 + 10:
        now = min(ann.wake(), ben.wake())
        assert ann.tick(now) + ben.tick(now) == []
        assert settle(ann, ben, now) == ([], [])
    assert len(rekeyed) == 2 * 2 * 4  # two directions, at both ends, every 15 minutes
    ann.send(b"still here", now)
    assert carry(ann, ben, now) == [Received(b"still here")]


def test_who_only_listens_changes_keys_too(monkeypatch: pytest.MonkeyPatch) -> None:
    ann, ben = linked()
    rekeyed = count_rekeys(monkeypatch)
    for now in range(0, 910, 3):
        ben.send(b"news", float(now))
        assert settle(ann, ben, float(now)) == ([Received(b"news")], [])
    assert len(rekeyed) == 2 * 2


def test_who_sends_for_long_hears_that_it_arrives() -> None:
    """A ping would wait behind everything that is on its way."""
    ann, ben = linked()
    signs = []
    for tenth in range(200):
        now = tenth / 10
        ann.send(bytes(60_000), now)
        assert len(carry(ann, ben, now)) == 1
        assert ann.tick(now) == []
        answer = ben.outgoing()
        signs += [now] * (len(answer) // (2 + 16 + 64))
        ann.receive(answer, now)
    assert signs == [2.5, 5.0, 7.5, 10.0, 12.5, 15.0, 17.5]
    assert ann.wake() > 20.0
    assert ann.outgoing() == b""


def test_keys_change_after_so_many_records(monkeypatch: pytest.MonkeyPatch) -> None:
    ann, ben = linked()
    rekeyed = count_rekeys(monkeypatch)
    changes = []
    for number in range(1, 2**16 + 100):
        ann.send(b"x", 0.0)
        assert len(carry(ann, ben)) == 1, number
        changes += [number] * (len(rekeyed) - len(changes))
    assert changes == [2**16, 2**16]  # one at each end: the change itself is record number 65,536, and this came after it
