"""Links over loopback, with real channels; a fake one only where time or a flood would be needed."""

from __future__ import annotations

import asyncio
import math
import socket
from typing import Any

import pytest

from peertalk.core.channel import ChannelEvent, Established, Proven, Received
from peertalk.errors import RemoteError, RequestError
from peertalk.node import link as link_module
from peertalk.node.link import LIMIT, Link, dial, tune, with_scope
from tests.node.link_ends import LOBBY, OTHER, End, connected, listening


async def establish(anna: End, ben: End) -> None:
    assert isinstance(await anna.next(), Established)
    assert isinstance(await ben.next(), Established)


async def test_two_links_establish_and_carry_messages_both_ways_in_order() -> None:
    anna, ben = End(), End()
    async with connected(anna, ben) as (to_ben, to_anna):
        assert await anna.next() == Established(ben.identity.public, frozenset(LOBBY), 1)
        assert await ben.next() == Established(anna.identity.public, frozenset(LOBBY), 1)
        for number in range(100):
            to_ben.send(b"%d" % number)
        to_anna.send(b"hello")
        assert [await ben.next() for _ in range(100)] == [Received(b"%d" % number) for number in range(100)]
        assert await anna.next() == Received(b"hello")


async def test_a_link_knows_who_dialled_whom_and_where() -> None:
    anna, ben = End(), End()
    async with connected(anna, ben) as (to_ben, to_anna):
        await establish(anna, ben)
        assert (to_ben.initiator, to_ben.target, to_ben.peer) == (True, "somebody", ben.identity.public)
        assert (to_anna.initiator, to_anna.target, to_anna.peer) == (False, None, anna.identity.public)
        assert to_ben.address[0] == to_anna.address[0] == "127.0.0.1"
        assert not to_ben.half_open
        assert to_ben.proven


async def test_whoever_closes_says_why_and_both_are_told_once() -> None:
    anna, ben = End(), End()
    async with connected(anna, ben) as (to_ben, to_anna):
        await establish(anna, ben)
        to_ben.send(b"last words")
        to_ben.close("leaving")
        to_ben.close("other")
        to_ben.send(b"never sent")
        assert anna.reasons.empty()
        assert await ben.next() == Received(b"last words")
        assert (await anna.ended(), await ben.ended()) == ("closed:leaving", "bye:leaving")
        await to_ben.closed()
        await to_anna.closed()
        assert anna.reasons.empty()
        assert ben.reasons.empty()
        assert ben.events.empty()
        assert to_ben.reason == "closed:leaving"


async def test_what_a_stranger_made_up_as_a_reason_is_not_passed_on() -> None:
    anna, ben = End(), End()
    async with connected(anna, ben) as (to_ben, _):
        await establish(anna, ben)
        to_ben.close("a_word_of_hers")
        assert await ben.ended() == "bye:other"


async def test_a_stream_that_just_ends_is_cut_off() -> None:
    anna, ben = End(), End()
    async with connected(anna, ben) as (to_ben, _):
        await establish(anna, ben)
        transport = to_ben._transport
        assert transport is not None
        transport.abort()
        assert await ben.ended() == "cut_off"
        assert await anna.ended() == "cut_off"


async def test_without_a_shared_room_both_sides_are_refused() -> None:
    anna, ben = End(LOBBY), End(OTHER)
    async with connected(anna, ben) as (to_ben, _):
        await to_ben.settled()
        assert to_ben.peer is None
        assert (await anna.ended(), await ben.ended()) == ("refused:no_shared_room", "refused:no_shared_room")


async def test_a_link_to_oneself_is_refused() -> None:
    anna = End()
    async with connected(anna, anna) as (link, _):
        assert await anna.ended() == "refused:self"
        assert link.peer is None


async def test_nonsense_costs_the_stranger_its_connection() -> None:
    ben = End()
    async with listening(ben) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        assert await ben.ended() == "malformed"
        await ben.links[0].closed()
        writer.close()


async def test_a_stranger_that_hangs_up_in_the_handshake_is_no_link() -> None:
    ben = End()
    async with listening(ben) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
        assert await ben.ended() == "handshake_cut"
        assert not ben.links[0].half_open


async def test_rooms_joined_later_are_proven_on_the_link() -> None:
    anna, ben = End(), End()
    async with connected(anna, ben) as (to_ben, to_anna):
        await establish(anna, ben)
        anna.rooms.update(OTHER)
        ben.rooms.update(OTHER)
        to_ben.prove(OTHER)
        to_anna.prove(OTHER)
        assert await anna.next() == await ben.next() == Proven(frozenset(OTHER))
        to_ben.forget(next(iter(OTHER)))
        to_ben.send(b"still here")
        assert await ben.next() == Received(b"still here")


async def test_nothing_is_told_after_the_owner_closed() -> None:
    anna, ben = End(), End()

    def close_at_first(link: Link, event: ChannelEvent) -> None:
        ben.events.put_nowait(event)
        if isinstance(event, Received):
            link.close("enough")

    ben.on_event = close_at_first
    async with connected(anna, ben) as (to_ben, _):
        await establish(anna, ben)
        for _ in range(10):
            to_ben.send(b"more")
        assert await anna.ended() == "bye:other"
        assert await ben.next() == Received(b"more")
        assert ben.events.empty()


async def test_what_is_sent_in_one_turn_of_the_loop_is_one_write(monkeypatch: pytest.MonkeyPatch) -> None:
    anna, ben = End(), End()
    async with connected(anna, ben) as (to_ben, _):
        await establish(anna, ben)
        writes = []
        transport = to_ben._transport
        assert transport is not None
        monkeypatch.setattr(transport, "write", writes.append)
        for _ in range(50):
            to_ben.send(b"x" * 100)
        assert to_ben.queued >= 5000
        assert not writes
        await asyncio.sleep(0)
        assert len(writes) == 1
        assert len(writes[0]) >= 5000


async def test_a_slow_reader_slows_only_its_own_link() -> None:
    anna, slow, quick = End(), End(), End()
    async with connected(anna, slow) as (to_slow, at_slow), connected(anna, quick) as (to_quick, _):
        for end in (anna, anna, slow, quick):
            assert isinstance(await end.next(), Established)
        reading = at_slow._transport
        assert isinstance(reading, asyncio.Transport)
        reading.pause_reading()
        while to_slow.writable:
            to_slow.send(b"z" * 300_000)
            await asyncio.sleep(0)
        assert to_slow.queued > link_module.HIGH_WATER
        to_quick.send(b"not held up")
        assert await quick.next() == Received(b"not held up")
        assert to_quick.writable
        anna.writable.clear()
        reading.resume_reading()
        async with asyncio.timeout(10):
            await anna.writable.wait()
        assert to_slow.writable
        assert to_slow.reason is None


# ── with a channel that does what the test says ──────────────────────────────────────────────────────────────────────


class FakeChannel:
    """Seals nothing; `wake_at` and what `tick` does are set by the test."""

    established, peer, rooms, paired, pairing = True, b"p" * 32, frozenset[bytes](), False, False

    def __init__(self) -> None:
        self.out = b""
        self.wake_at = math.inf
        self.ticks = 0
        self.error: RemoteError | None = None

    def receive(self, data: bytes, _now: float) -> list[ChannelEvent]:
        return [Received(data)]

    def send(self, message: bytes, _now: float) -> None:
        self.out += message

    def bye(self, reason: str, _now: float) -> None:
        self.out += reason.encode()

    def tick(self, _now: float) -> list[ChannelEvent]:
        self.ticks += 1
        self.wake_at = math.inf
        if self.error:
            raise self.error
        return [Received(b"tick")]

    def wake(self) -> float:
        return self.wake_at

    def outgoing(self) -> bytes:
        out, self.out = self.out, b""
        return out

    def cut_off(self) -> str:
        return "cut_off"


class FullTransport(asyncio.Transport):
    """Takes everything and sends nothing."""

    def __init__(self) -> None:
        super().__init__({"peername": ("192.168.1.8", 5000), "socket": self})
        self.waiting = 0
        self.gone: list[str] = []
        self.aborted = asyncio.Event()

    def setsockopt(self, *_: object) -> None: ...

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None: ...

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def write(self, data: Any) -> None:
        self.waiting += len(data)

    def close(self) -> None:
        self.gone.append("close")

    def abort(self) -> None:
        self.gone.append("abort")
        self.aborted.set()


def made(end: End) -> tuple[Link, FakeChannel, FullTransport]:
    channel: Any = FakeChannel()
    transport = FullTransport()
    link = end.make(channel)
    link.connection_made(transport)
    return link, channel, transport


async def test_the_channel_is_woken_when_it_wants_to_be() -> None:
    anna = End()
    link, channel, _ = made(anna)
    channel.wake_at = anna.clock.mono() + 3600
    link.send(b"x")
    await asyncio.sleep(0)
    channel.wake_at = anna.clock.mono() + 0.01  # sooner than what the timer was set to
    link.data_received(b"y")
    assert await anna.next() == Received(b"y")
    assert await anna.next() == Received(b"tick")
    assert channel.ticks == 1
    link.close("done")
    link.connection_lost(None)


async def test_what_the_channel_finds_wrong_ends_the_link_with_its_kind() -> None:
    anna = End()
    link, channel, transport = made(anna)
    channel.error = RemoteError("silent")
    channel.wake_at = 0.0
    link.send(b"x")
    assert await anna.ended() == "silent"
    assert transport.gone == ["close"]
    link.connection_lost(None)
    assert anna.reasons.empty()


async def test_who_reads_nothing_for_too_long_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_module, "SLOW_SECONDS", 0.01)
    anna = End()
    link, _, _ = made(anna)
    link.send(b"x" * (LIMIT + 1))
    assert await anna.ended() == "slow_reader"
    link.connection_lost(None)


async def test_who_reads_after_all_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_module, "SLOW_SECONDS", 0.01)
    anna = End()
    link, channel, transport = made(anna)
    link.send(b"x" * (LIMIT + 1))
    await asyncio.sleep(0)
    transport.waiting = 0
    channel.wake_at = anna.clock.mono() + 0.03
    link.send(b"y")
    assert await anna.next() == Received(b"tick")  # after the limit's deadline
    assert link.reason is None
    link.close("done")
    link.connection_lost(None)


async def test_there_is_an_end_to_what_may_wait() -> None:
    anna = End()
    link, _, _ = made(anna)
    link.send(b"x" * (4 * LIMIT + 1))
    assert await anna.ended() == "slow_reader"
    link.connection_lost(None)


async def test_last_bytes_that_do_not_leave_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_module, "LINGER_SECONDS", 0.0)
    anna = End()
    link, _, transport = made(anna)
    link.close("leaving")
    assert await anna.ended() == "closed:leaving"
    assert transport.waiting == len(b"leaving")
    await transport.aborted.wait()
    assert transport.gone == ["close", "abort"]
    link.connection_lost(None)


@pytest.mark.parametrize("host", ["127.0.0.1", "no-such-host.invalid", "not a host", "fe80::1%no-such-interface"])
async def test_a_dial_that_reaches_nobody_says_so(host: str, unused_tcp_port: int) -> None:
    with pytest.raises(RequestError) as caught:
        await dial(host, unused_tcp_port, End().make, 5)
    assert (caught.value.kind, caught.value.data) == ("not_reachable", {"host": host, "port": unused_tcp_port})


async def test_a_dial_that_takes_too_long_says_so_too() -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody, pytest.raises(RequestError) as caught:
        await dial("127.0.0.1", nobody.getsockname()[1], End().make, 0.0)
    assert caught.value.kind == "not_reachable"


async def made_by_a_dial_in_vain(host: str, port: int, *, cancelled: bool) -> End:
    end = End()
    dialling = asyncio.ensure_future(dial(host, port, lambda: end.make(target="nobody"), 5))
    if cancelled:
        await end.has_made(1)
        dialling.cancel()
    await asyncio.wait([dialling])
    assert dialling.cancelled() if cancelled else isinstance(dialling.exception(), RequestError)
    for link in end.links:
        assert await end.ended() == "closed:not_reachable"
        await link.closed()
    return end


@pytest.mark.parametrize("cancelled", [False, True])
def test_a_dial_in_vain_leaves_no_link(cancelled: bool) -> None:
    """The event loop of the program makes its protocol before it connects, that of asyncio afterwards."""
    uvloop = pytest.importorskip("uvloop")
    with socket.socket() as nobody, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        nobody.bind(("127.0.0.1", 0))
        assert len(runner.run(made_by_a_dial_in_vain(*nobody.getsockname(), cancelled=cancelled)).links) == 1


async def test_a_link_that_was_closed_before_it_was_connected_stays_so() -> None:
    anna, ben = End(), End()
    async with listening(ben) as port:
        link = anna.make(target="ben")
        link.close("not_reachable")
        await asyncio.get_running_loop().create_connection(lambda: link, "127.0.0.1", port)
        assert await ben.ended() == "handshake_cut"
        assert await anna.ended() == "closed:not_reachable"


@pytest.mark.parametrize(
    ("name", "host"),
    [
        (("10.0.0.1", 4000), "10.0.0.1"),
        (("fe80::1", 4000, 0, 3), "fe80::1%3"),
        (("fe80::1%eth0", 4000, 0, 3), "fe80::1%eth0"),
        (("fd00::1", 4000, 0, 0), "fd00::1"),
    ],
)
def test_a_link_local_address_keeps_its_interface(name: tuple[object, ...], host: str) -> None:
    assert with_scope(name) == host


def test_a_connection_that_has_ended_already_is_tuned_in_vain() -> None:
    class Gone(socket.socket):
        def setsockopt(self, *_: object) -> None:
            raise OSError(22, "Invalid argument")  # macOS

    with Gone() as gone:
        tune(gone)
