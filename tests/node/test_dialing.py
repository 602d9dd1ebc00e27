"""Carrying out dials, with a network made of futures."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from peertalk.errors import RequestError
from peertalk.node.dialer import Dialer
from peertalk.node.dialing import first, run
from peertalk.node.ports import Advertisement
from peertalk.node.targets import Dial
from tests.node.fake_clock import FakeClock
from tests.node.link_ends import End, listening

HIGH = "f" * 16
BEN = b"b" * 32


class FakeLink:
    def __init__(self) -> None:
        self.peer: bytes | None = None
        self.reason: str | None = None
        self._settled = asyncio.Event()

    async def settled(self) -> None:
        await self._settled.wait()

    def close(self, reason: str) -> None:
        self.end(f"closed:{reason}")

    def end(self, reason: str) -> None:
        self.reason = self.reason or reason
        self._settled.set()

    def establish(self, peer: bytes) -> None:
        self.peer = peer
        self._settled.set()


class Network:
    """`tried` are the hosts in the order in which they were; each waits until `connect` or `fail` says what happens."""

    def __init__(self) -> None:
        self.tried: list[str] = []
        self._answers: dict[str, asyncio.Future[FakeLink]] = {}
        self._news = asyncio.Condition()

    def answer(self, host: str) -> asyncio.Future[FakeLink]:
        return self._answers.setdefault(host, asyncio.get_running_loop().create_future())

    async def dial(self, _target: str, host: str, port: int) -> FakeLink:
        self.tried.append(host)
        async with self._news:
            self._news.notify_all()
        try:
            return await asyncio.shield(self.answer(host))
        except OSError as error:
            raise RequestError("not_reachable", host=host, port=port) from error

    def connect(self, host: str) -> FakeLink:
        link = FakeLink()
        self.answer(host).set_result(link)
        return link

    def fail(self, host: str) -> None:
        self.answer(host).set_exception(ConnectionRefusedError())

    async def tries(self, number: int) -> None:
        async with asyncio.timeout(10), self._news:
            await self._news.wait_for(lambda: len(self.tried) >= number)


def dial(*hosts: str) -> Dial:
    return Dial(HIGH, tuple((host, 4000) for host in hosts))


async def test_the_first_endpoint_that_connects_counts_and_no_other_is_tried() -> None:
    network = Network()
    link = network.connect("a")
    assert await first(dial("a", "b"), network.dial, stagger=60) is link
    assert network.tried == ["a"]


async def test_one_that_fails_makes_way_for_the_next_at_once() -> None:
    network = Network()
    network.fail("a")
    link = network.connect("b")
    assert await first(dial("a", "b"), network.dial, stagger=60) is link


async def test_one_that_does_not_answer_is_overtaken_and_dropped() -> None:
    network = Network()
    trying = asyncio.create_task(first(dial("a", "b", "c"), network.dial, stagger=0.001))
    await network.tries(3)
    link = network.connect("b")
    assert await trying is link
    assert network.tried == ["a", "b", "c"]
    assert not network.answer("a").cancelled()  # shielded in the test; what waited for it is gone, the leak guard says


async def test_of_two_that_connect_at_once_one_is_hung_up() -> None:
    network = Network()
    trying = asyncio.create_task(first(dial("a", "b"), network.dial, stagger=0.001))
    await network.tries(2)
    links = [network.connect("a"), network.connect("b")]
    chosen = await trying
    assert chosen in links
    assert sorted(str(link.reason) for link in links) == ["None", "closed:spare"]


async def test_nobody_there() -> None:
    network = Network()
    network.fail("a")
    network.fail("b")
    assert await first(dial("a", "b"), network.dial, stagger=60) is None


@asynccontextmanager
async def driven(dialer: Dialer, network: Network, clock: FakeClock) -> AsyncIterator[None]:
    task = asyncio.create_task(run(dialer, network.dial, clock))
    try:
        yield
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


def met(clock: FakeClock, *hosts: str) -> Dialer:
    dialer = Dialer(lambda: "0" * 16)
    dialer.found(Advertisement(HIGH, hosts or ("a",), 4000), clock.mono())
    return dialer


async def test_what_is_found_is_dialled_and_what_fails_is_dialled_again() -> None:
    network, clock = Network(), FakeClock()
    dialer = met(clock)
    async with driven(dialer, network, clock):
        network.fail("a")
        await network.tries(1)
        await turns()
        network._answers.clear()
        clock.advance(1.0)
        dialer.on_change()  # as a timer would
        await network.tries(2)


async def test_a_link_that_is_established_is_not_dialled_again() -> None:
    network, clock = Network(), FakeClock()
    dialer = met(clock)
    async with driven(dialer, network, clock):
        link = network.connect("a")
        await network.tries(1)
        await turns()
        dialer.linked(HIGH, BEN, "a", clock.mono())
        link.establish(BEN)
        clock.advance(1000.0)
        dialer.on_change()
        await turns()
        assert network.tried == ["a"]


@pytest.mark.parametrize(("reason", "seconds", "tries"), [("refused:no_shared_room", 200, 1), ("handshake_cut", 200, 2)])
async def test_who_refuses_is_left_alone_and_who_fails_is_not(reason: str, seconds: float, tries: int) -> None:
    network, clock = Network(), FakeClock()
    dialer = met(clock)
    async with driven(dialer, network, clock):
        link = network.connect("a")
        await network.tries(1)
        link.end(reason)
        await turns()
        network._answers.clear()
        clock.advance(seconds)
        dialer.on_change()
        await turns()
        assert len(network.tried) == tries


async def test_what_has_had_its_time_makes_way_for_who_waits() -> None:
    """Sixteen that do not answer: some still connect, the others are connected and say nothing."""
    network, clock = Network(), FakeClock()
    dialer = Dialer(lambda: "0" * 16)
    for number in range(17):
        dialer.found(Advertisement(f"f{number:015x}", (f"h{number}",), 4000), clock.mono())
    silent = network.connect("h0")
    async with driven(dialer, network, clock):
        await network.tries(16)
        await turns()
        clock.advance(1.0)
        dialer.on_change()  # as a timer would
        await network.tries(17)
        await turns()
        assert network.tried[-1] == "h16"
        assert silent.reason == "closed:outstayed"


@pytest.mark.parametrize("is_connected", [True, False])
async def test_a_dial_to_who_has_come_by_themselves_is_hung_up(is_connected: bool) -> None:
    network, clock = Network(), FakeClock()
    dialer = met(clock)
    async with driven(dialer, network, clock):
        link = network.connect("a") if is_connected else None
        await network.tries(1)
        await turns()
        dialer.linked(None, BEN, "a", clock.mono())
        await turns()
        assert dialer.book.get(HIGH) is not None
        assert not any(target.flying for target, _ in dialer.known())
        assert link is None or link.reason == "closed:outstayed"
        clock.advance(1000.0)
        dialer.on_change()
        await turns()
        assert network.tried == ["a"]


async def test_it_wakes_by_itself() -> None:
    """With a clock that runs: the second try follows the first without anything happening in between."""
    network, ben = Network(), End()
    dialer = met(ben.clock)
    async with driven(dialer, network, ben.clock):
        network.fail("a")
        await network.tries(2)


async def test_it_dials_real_links() -> None:
    anna, ben = End(), End()
    async with listening(ben) as port:
        dialer = Dialer(lambda: "")
        dialer.keep("127.0.0.1", port, anna.clock.mono())
        task = asyncio.create_task(run(dialer, lambda _target, _host, port: anna.dial(port), anna.clock))
        await anna.next()
        await ben.next()
        assert anna.links[0].peer == ben.identity.public
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await anna.hang_up()


async def turns() -> None:
    """Let everything happen that waits for nothing but its turn."""
    for _ in range(50):
        await asyncio.sleep(0)
