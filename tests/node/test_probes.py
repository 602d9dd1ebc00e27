"""The doctor's questions, on the loopback interface with real sockets."""

from __future__ import annotations

import asyncio
import errno
import secrets
import socket
from collections.abc import AsyncIterator
from ipaddress import ip_interface

import pytest

from peertalk.node import mdns, probes
from peertalk.node.discovery import MdnsDiscovery
from peertalk.node.interfaces import Interface
from peertalk.node.probes import Ear, Heard, ask, ask_directly, connect, patience, understand
from tests.node.fake_clock import FakeClock

LOOPBACK = Interface("lo", 1, (ip_interface("127.0.0.1/8"),))
OWN = {"127.0.0.1"}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service of our own, which no real PeerTalk answers, and less time to wait."""
    monkeypatch.setattr(mdns, "SERVICE", f"_t{secrets.token_hex(6)}._tcp.local.")
    monkeypatch.setattr(probes, "ASKING", 0.6)
    monkeypatch.setattr(probes, "AGAIN", 0.4)


@pytest.fixture
async def discovery() -> AsyncIterator[MdnsDiscovery]:
    one = MdnsDiscovery(("lo",), clock=FakeClock(), look=lambda: (LOOPBACK,))
    await one.start(4711, lambda _: None, lambda _: None, lambda: None)
    yield one
    await one.close()


async def test_what_was_sent_comes_back_and_the_announcement_is_found(discovery: MdnsDiscovery) -> None:
    heard = await ask(LOOPBACK, OWN, discovery.instance)
    assert (heard.own, heard.visible, heard.errors, heard.others) == (True, True, set(), set())
    assert heard.sent


async def test_who_announces_nothing_is_not_visible(discovery: MdnsDiscovery) -> None:
    assert not (await ask(LOOPBACK, OWN, "00" * 8)).visible


async def test_two_who_ask_at_the_same_time_are_both_answered(discovery: MdnsDiscovery) -> None:
    both = await asyncio.gather(*(ask(LOOPBACK, OWN, discovery.instance) for _ in range(2)))
    assert [heard.visible for heard in both] == [True, True]


async def test_others_are_those_at_other_addresses(discovery: MdnsDiscovery) -> None:
    heard = await ask(LOOPBACK, {"10.0.0.1"}, None)
    assert not heard.own
    assert "127.0.0.1" in heard.others  # and others, where other tests are running
    assert discovery.instance in heard.instances


async def test_somebody_can_be_asked_alone(discovery: MdnsDiscovery) -> None:
    assert await ask_directly(["127.0.0.1", "fe80::1"]) == {"127.0.0.1"}
    assert await ask_directly([]) == set()


async def test_an_interface_that_is_not_there_is_an_error_that_is_told() -> None:
    heard = await ask(Interface("gone", 77, (ip_interface("192.0.2.77/24"),)), OWN, None)
    assert heard.errors
    assert not heard.sent


@pytest.mark.parametrize("packet", [b"", b"\0" * 11, b"\xff" * 500, secrets.token_bytes(200)])
def test_rubbish_is_heard_and_says_nothing(packet: bytes) -> None:
    ear, heard = Ear(), Heard("eth0")
    ear.datagram_received(packet, ("10.0.0.9", 5353))
    understand(ear, Ear(), OWN, "00" * 8, heard)
    assert (heard.others, heard.instances) == ({"10.0.0.9"}, set())


def test_a_flood_is_not_kept() -> None:
    ear = Ear()
    for _ in range(probes.MAX_PACKETS + 5):
        ear.datagram_received(b"", ("10.0.0.9", 5353))
    assert len(ear.packets) == probes.MAX_PACKETS


# ── connections ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_port_that_is_open_and_one_that_is_not() -> None:
    async def take(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        assert await connect("127.0.0.1", port, 5) == "open"
    assert await connect("127.0.0.1", port, 5) == "refused"


async def test_nobody_who_answers_is_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(asyncio, "open_connection", never)
    assert await connect("10.0.0.2", 1, 0.01) == "silent"


@pytest.mark.parametrize(
    ("number", "outcome"),
    [
        (errno.EHOSTUNREACH, "absent"),
        (errno.ENETUNREACH, "absent"),
        (errno.EPERM, "denied"),
        (errno.EACCES, "denied"),
        (errno.ECONNREFUSED, "refused"),
        (errno.ETIMEDOUT, "silent"),
        (errno.EIO, "silent"),
    ],
)
async def test_what_an_error_says(number: int, outcome: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> None:
        raise OSError(number, "as told")

    monkeypatch.setattr(asyncio, "open_connection", fail)
    assert await connect("10.0.0.2", 1, 5) == outcome


async def test_a_name_that_nobody_knows_is_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    monkeypatch.setattr(asyncio, "open_connection", fail)
    assert await connect("nobody.invalid", 1, 5) == "silent"


def test_linux_needs_less_patience_where_it_tells_of_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    assert patience("10.0.0.2") < patience("fe80::2%2")
    monkeypatch.setattr("sys.platform", "darwin")
    assert patience("10.0.0.2") == patience("fe80::2%2")
