"""Where the system tells of changes of its interfaces, it is looked at them only then."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from peertalk.node import netlink
from peertalk.node.interfaces import Watch
from peertalk.node.netlink import SELDOM, Changes, said_anything, subscribed
from tests.node.fake_clock import FakeClock, Rounds
from tests.node.test_interfaces import CABLE, WLAN

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """What is sent there, the system says."""
    ours, theirs = socket.socketpair(type=socket.SOCK_DGRAM)
    theirs.setblocking(False)
    monkeypatch.setattr(netlink, "subscribed", lambda: theirs)
    monkeypatch.setattr(netlink, "sys", SimpleNamespace(platform="linux"))
    yield ours
    ours.close()


async def test_it_is_looked_where_something_was_said(system: socket.socket) -> None:
    looks: list[int] = []
    present, clock, rounds = [WLAN], FakeClock(), Rounds()

    def look() -> Any:
        looks.append(1)
        return tuple(present)

    watch = Watch((), clock, look=look, pause=rounds.pause)
    watch.changes = Changes()
    told: list[int] = []
    following = asyncio.create_task(watch.follow(lambda: told.append(len(looks))))
    for _ in range(3):
        await rounds.round()
    assert len(looks) == 2  # at the beginning, and once it was listened to what is said
    present.append(CABLE)
    system.send(b"something")
    system.send(b"and more")
    await rounds.round()
    await rounds.round()
    assert (len(looks), told) == (3, [3])
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)


def test_now_and_then_it_is_looked_all_the_same(system: socket.socket) -> None:
    with Changes() as changes:
        assert changes.may_be(100.0)
        changes.looked(100.0)
        assert not changes.may_be(100.0 + SELDOM - 1)
        assert changes.may_be(100.0 + SELDOM)
    assert system.fileno() > 0


def test_what_could_not_be_seen_is_looked_for_again(system: socket.socket) -> None:
    with Changes() as changes:
        changes.looked(100.0)
        system.send(b"something")
        assert changes.may_be(101.0)
        assert changes.may_be(103.0)


def test_where_nobody_tells_there_may_always_be_something(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(netlink, "sys", SimpleNamespace(platform="win32"))
    with Changes() as changes:
        changes.looked(100.0)
        assert changes.may_be(100.0)


@linux
@pytest.mark.parametrize("fails", ["socket", "bind"])
def test_a_system_that_refuses_to_tell_is_looked_at(monkeypatch: pytest.MonkeyPatch, fails: str) -> None:
    class Refused(socket.socket):
        def bind(self, _address: object) -> None:
            raise PermissionError

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(netlink.socket, "socket", refuse if fails == "socket" else Refused)
    with Changes() as changes:
        changes.looked(100.0)
        assert changes.may_be(100.0)


@linux
def test_linux_takes_the_subscription_and_says_nothing_where_nothing_happens() -> None:
    told = subscribed()
    assert told is not None
    with told:
        assert told.getsockname()[1] == netlink._LINKS | netlink._FOURTH | netlink._SIXTH
        assert isinstance(said_anything(told), bool)
