"""Discovery over the loopback interface, with real sockets and real multicast."""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from ipaddress import ip_interface
from typing import Any

import pytest
from zeroconf import DNSOutgoing, NotRunningException, Zeroconf
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

from peertalk.errors import StartError
from peertalk.node import discovery, mdns
from peertalk.node.discovery import WAKING, MdnsDiscovery
from peertalk.node.interfaces import Interface
from peertalk.node.mdns import Site, acceptable, describe
from peertalk.node.ports import Advertisement
from tests.node.fake_clock import FakeClock, Rounds

LOOPBACK = Interface("lo", 1, (ip_interface("127.0.0.1/8"),))
WIDER = Interface("lo", 1, (ip_interface("127.0.0.1/8"), ip_interface("127.0.0.2/8")))
WLAN = Interface("wlan0", 3, (ip_interface("192.168.1.7/24"), ip_interface("fe80::7/64"), ip_interface("fd00::7/64")))


@pytest.fixture(autouse=True)
def own_service(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that run at the same time, and real PeerTalks, are not to find each other."""
    monkeypatch.setattr(mdns, "SERVICE", f"_t{secrets.token_hex(6)}._tcp.local.")


class Searcher:
    """A discovery with what it told, in order."""

    def __init__(self, port: int, *present: Interface) -> None:
        self.port = port
        self.present = list(present)
        self.clock, self.rounds = FakeClock(), Rounds()
        self.told: list[tuple[str, object]] = []
        self._news = asyncio.Event()
        self.discovery = MdnsDiscovery(("lo",), clock=self.clock, look=lambda: tuple(self.present), pause=self.rounds.pause)

    async def start(self) -> None:
        await self.discovery.start(
            self.port,
            lambda found: self._tell("found", found),
            lambda lost: self._tell("lost", lost),
            lambda: self._tell("changed", None),
        )

    async def passes(self, seconds: float) -> None:
        """Time goes by, without sleep."""
        for _ in range(int(seconds) // 10):
            self.clock.advance(10)
            await self.rounds.round()

    def _tell(self, what: str, value: object) -> None:
        self.told.append((what, value))
        self._news.set()

    async def hears(self, what: str, test: Callable[[object], bool] = lambda _: True) -> object:
        """The first that it told or tells and that passes."""
        async with asyncio.timeout(10):
            while True:
                for kind, value in self.told:
                    if kind == what and test(value):
                        return value
                self._news.clear()
                await self._news.wait()

    async def finds(self, other: Searcher) -> Advertisement:
        instance = other.discovery.instance
        found = await self.hears("found", lambda one: isinstance(one, Advertisement) and one.instance == instance)
        assert isinstance(found, Advertisement)
        return found


@asynccontextmanager
async def searching(*searchers: Searcher) -> AsyncIterator[None]:
    try:
        for one in searchers:
            await one.start()
        yield
    finally:
        for one in searchers:
            await one.discovery.close()


async def test_two_find_each_other_and_neither_itself() -> None:
    anna, ben = Searcher(4001, LOOPBACK), Searcher(4002, LOOPBACK)
    async with searching(anna, ben):
        assert await anna.finds(ben) == Advertisement(ben.discovery.instance, ("127.0.0.1",), 4002)
        assert await ben.finds(anna) == Advertisement(anna.discovery.instance, ("127.0.0.1",), 4001)
        assert anna.discovery.seen == ben.discovery.seen == 1
        assert anna.discovery.interfaces() == [("lo", "127.0.0.1")]
        assert not [one for what, one in anna.told if what == "found" and one.instance == anna.discovery.instance]


async def test_who_closes_is_lost_at_once() -> None:
    anna, ben = Searcher(4001, LOOPBACK), Searcher(4002, LOOPBACK)
    async with searching(anna, ben):
        await anna.finds(ben)
        await ben.discovery.close()
        assert await anna.hears("lost") == ben.discovery.instance
        assert anna.discovery.seen == 0


async def test_names_are_random_and_fresh() -> None:
    names = {MdnsDiscovery(clock=FakeClock(), look=tuple).instance for _ in range(3)}
    assert len(names) == 3
    assert all(len(name) == 16 and set(name) <= set("0123456789abcdef") for name in names)


def test_an_announcement_says_nothing_of_person_or_machine() -> None:
    info = describe(WLAN, "0123456789abcdef", "fedcba9876543210", 4001)
    assert info.name == f"0123456789abcdef.{mdns.SERVICE}"
    assert info.server == "fedcba9876543210.local."
    assert info.properties == {b"v": b"1"}
    assert sorted(info.parsed_addresses()) == ["192.168.1.7", "fd00::7", "fe80::7"]


async def test_names_are_changed_after_about_an_hour() -> None:
    anna, ben = Searcher(4001, LOOPBACK), Searcher(4002, LOOPBACK)
    async with searching(anna, ben):
        before = (await anna.finds(ben)).instance
        await ben.passes(0.75 * 3600 - 10)
        assert ben.discovery.instance == before
        await ben.passes(0.5 * 3600 + 20)
        assert (await anna.finds(ben)).instance != before
        assert await anna.hears("lost") == before
        assert not [one for what, one in ben.told if what == "found" and one.port == ben.port]


async def test_an_interface_that_comes_later_is_used() -> None:
    anna, ben = Searcher(4001, LOOPBACK), Searcher(4002, LOOPBACK)
    ben.discovery = MdnsDiscovery(clock=ben.clock, look=lambda: tuple(ben.present), pause=ben.rounds.pause)
    async with searching(anna, ben):
        assert ben.discovery.interfaces() == []
        ben.present = [Interface("wlan0", 1, (ip_interface("127.0.0.1/8"),))]
        ben.discovery._watch._wanted = ("wlan0",)  # loopback in the place of a network
        await ben.rounds.round()
        await anna.finds(ben)
        await ben.hears("changed")


async def test_an_address_that_is_added_is_announced_and_loses_nobody() -> None:
    anna, ben = Searcher(4001, LOOPBACK), Searcher(4002, LOOPBACK)
    heard, real = asyncio.Event(), ben.discovery._hear

    def hear(site: Site, instance: str, found: Advertisement | None) -> None:
        real(site, instance, found)
        if (site.interface, instance) == (WIDER, anna.discovery.instance):
            heard.set()

    ben.discovery._hear = hear
    async with searching(anna, ben):
        await anna.finds(ben)
        await ben.finds(anna)
        ben.present = [WIDER]
        await ben.rounds.round()
        await heard.wait()
        await anna.hears("found", lambda one: set(one.addresses) == {"127.0.0.1", "127.0.0.2"})
        await ben.rounds.round()
        assert "lost" not in {what for what, _ in anna.told + ben.told}


async def test_another_network_brings_another_name_and_loses_who_was_there() -> None:
    anna, ben = Searcher(4001, LOOPBACK), Searcher(4002, LOOPBACK)
    async with searching(anna, ben):
        before = (await anna.finds(ben)).instance
        await ben.finds(anna)
        ben.present = []
        await ben.rounds.round()
        await ben.rounds.round()
        assert await ben.hears("lost") == anna.discovery.instance
        ben.present = [Interface("lo", 1, (ip_interface("127.0.0.3/8"),))]
        await ben.rounds.round()
        assert ben.discovery.instance != before


@pytest.fixture
def goodbyes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of all records that are taken back."""
    gone: list[str] = []
    send = mdns.Sockets.async_send

    def sends(it: mdns.Sockets, out: DNSOutgoing, *to: Any) -> None:
        gone.extend(getattr(record, "alias", record.name) for record, _ in out.answers if record.ttl == 0)
        send(it, out, *to)

    monkeypatch.setattr(mdns.Sockets, "async_send", sends)
    return gone


async def test_who_wakes_has_another_name_takes_none_back_and_loses_nobody(goodbyes: list[str]) -> None:
    anna, ben = Searcher(4001, LOOPBACK), Searcher(4002, LOOPBACK)
    async with searching(anna, ben):
        before = (await anna.finds(ben)).instance
        await ben.finds(anna)
        ben.clock.unix += 3_600_000
        await ben.rounds.round()
        assert ben.discovery.instance != before
        assert ("changed", None) in ben.told
        await anna.finds(ben)
        await anna.hears("found", lambda one: one.instance == ben.discovery.instance)
        ben.clock.advance(WAKING)
        await ben.rounds.round()
        assert "lost" not in {what for what, _ in anna.told + ben.told}
        assert goodbyes == []
    assert before not in {name.partition(".")[0] for name in goodbyes}
    assert ben.discovery.instance in {name.partition(".")[0] for name in goodbyes}


async def test_who_was_there_before_a_sleep_counts_for_some_seconds() -> None:
    anna, ben = Searcher(4001, LOOPBACK), Searcher(4002, LOOPBACK)
    async with searching(ben):
        async with searching(anna):
            await ben.finds(anna)
            ben.present = []  # while the machine sleeps it hears no goodbye either
            ben.clock.unix += 3_600_000
            await ben.rounds.round()
        ben.clock.advance(WAKING - 1)
        await ben.rounds.round()
        assert ben.discovery.seen == 1
        ben.clock.advance(1)
        await ben.rounds.round()
        assert await ben.hears("lost") == anna.discovery.instance


async def test_who_was_carried_takes_nothing_back_there(goodbyes: list[str]) -> None:
    anna, ben = Searcher(4001, LOOPBACK), Searcher(4002, LOOPBACK)
    async with searching(anna, ben):
        before = (await anna.finds(ben)).instance
        await ben.finds(anna)
        ben.present = [Interface("lo", 1, (ip_interface("127.0.0.3/8"),))]
        await ben.rounds.round()
        assert ben.discovery.instance != before
        assert await ben.hears("lost") == anna.discovery.instance  # at once: who was there is not to be asked for here
        assert (await anna.finds(ben)).addresses == ("127.0.0.3",)
        assert goodbyes == []


async def test_no_interface_is_no_reason_not_to_start(caplog: pytest.LogCaptureFixture) -> None:
    discovery = MdnsDiscovery(clock=FakeClock(), look=tuple, pause=Rounds().pause)
    with caplog.at_level(logging.WARNING, "peertalk"):
        await discovery.start(4001, lambda _: None, lambda _: None, lambda: None)
    await discovery.close()
    assert "no network interface" in caplog.text


async def test_a_named_interface_that_does_not_exist_is() -> None:
    discovery = MdnsDiscovery(("wlan9",), clock=FakeClock(), look=lambda: (LOOPBACK,), pause=Rounds().pause)
    with pytest.raises(StartError) as caught:
        await discovery.start(4001, lambda _: None, lambda _: None, lambda: None)
    assert (caught.value.kind, caught.value.data) == ("no_interface", {"name": "wlan9"})


async def test_an_interface_that_cannot_be_opened_harms_no_other(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    anna, ben = Searcher(4001, LOOPBACK), Searcher(4002, LOOPBACK)
    broken = Interface("broken", 9, (ip_interface("127.0.0.1/8"),))
    anna.discovery = MdnsDiscovery(("lo", "broken"), clock=anna.clock, look=lambda: (broken, LOOPBACK), pause=anna.rounds.pause)
    real = mdns.open_sockets

    def opens(interface: Interface) -> mdns.Sockets:
        if interface.name == "broken":
            raise OSError("no multicast here")
        return real(interface)

    monkeypatch.setattr(mdns, "open_sockets", opens)
    async with searching(anna, ben):
        await anna.finds(ben)
        await ben.finds(anna)
        await anna.rounds.round()
    assert caplog.text.count("cannot search on broken") == 1


async def test_a_socket_that_cannot_send_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = []

    def fails(*_: object) -> None:
        failed.append(True)
        raise OSError(101, "Network is unreachable")

    anna, ben = Searcher(4001, LOOPBACK), Searcher(4002, LOOPBACK)
    async with searching(ben):
        with monkeypatch.context() as patch:
            patch.setattr(Zeroconf, "async_send", fails)
            await anna.start()
        try:
            anna.clock.unix += 3_600_000  # after sleep it announces itself again
            await anna.rounds.round()
            await ben.finds(anna)
        finally:
            await anna.discovery.close()
    assert failed


async def test_what_others_announce_is_checked() -> None:
    anna = Searcher(4001, LOOPBACK)
    stranger = AsyncZeroconf(interfaces=["127.0.0.1"])
    async with searching(anna):
        try:
            for name, address in [
                ("Annas-MacBook", "127.0.0.1"),
                ("0123456789ABCDEF", "127.0.0.1"),
                ("aaaaaaaaaaaaaaaa", "8.8.8.8"),
                ("bbbbbbbbbbbbbbbb", "127.0.0.1"),
            ]:
                info = AsyncServiceInfo(
                    mdns.SERVICE,
                    f"{name}.{mdns.SERVICE}",
                    port=4002,
                    server=f"{name}.local.",
                    parsed_addresses=[address],
                    properties={},
                )
                await (await stranger.async_register_service(info, cooperating_responders=True))
            found = await anna.hears("found", lambda one: one.instance.startswith("b"))
            assert found == Advertisement("bbbbbbbbbbbbbbbb", ("127.0.0.1",), 4002)
            assert [what for what, _ in anna.told] == ["found"]
        finally:
            await stranger.async_close()


async def test_an_announcement_that_comes_in_parts_is_put_together() -> None:
    """A stranger that announces only the pointer is asked for the rest."""
    anna = Searcher(4001, LOOPBACK)
    stranger = AsyncZeroconf(interfaces=["127.0.0.1"])
    async with searching(anna):
        try:
            info = AsyncServiceInfo(
                mdns.SERVICE,
                f"{'c' * 16}.{mdns.SERVICE}",
                port=4002,
                server="c.local.",
                parsed_addresses=["127.0.0.1"],
                properties={},
            )
            await stranger.zeroconf.async_wait_for_start()
            stranger.zeroconf.registry.async_add(info)
            pointer = DNSOutgoing(0x8400)
            pointer.add_answer_at_time(info.dns_pointer(), 0)
            stranger.zeroconf.async_send(pointer)
            assert await anna.hears("found") == Advertisement("c" * 16, ("127.0.0.1",), 4002)
        finally:
            await stranger.async_close()


async def test_who_ends_says_so_to_everybody_and_once_more_to_each(monkeypatch: pytest.MonkeyPatch) -> None:
    site = await Site.open(LOOPBACK, lambda *_: None)
    await site.announce("e" * 16, "f" * 16, 4001)
    sent = []
    monkeypatch.setattr(mdns.Sockets, "async_send", lambda _self, out, *to: sent.append((out.answers, *to)))
    await site.close(["192.168.1.8", "fe80::8%3"])
    goodbyes = [to for answers, *to in sent if answers and all(record.ttl == 0 for record, _ in answers)]
    assert goodbyes == [[], ["192.168.1.8", 5353, ()], ["fe80::8", 5353, (0, 3)]]


async def test_a_site_that_cannot_listen_leaves_nothing_open(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: object, **__: object) -> None:
        raise NotRunningException

    monkeypatch.setattr(Zeroconf, "async_wait_for_start", never)
    with pytest.raises(OSError, match="could not be opened"):
        await Site.open(LOOPBACK, lambda *_: None)  # the guard of conftest.py looks for sockets


async def test_a_flood_of_pointers_is_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mdns, "MAX_RESOLVING", 0)
    heard: list[str] = []
    site = await Site.open(LOOPBACK, lambda _site, instance, _found: heard.append(instance))
    site.add_service(site._zeroconf, mdns.SERVICE, f"{'d' * 16}.{mdns.SERVICE}")
    assert not site._tasks
    await site.close()
    assert heard == []


def test_of_announced_addresses_the_near_ones_come_first_and_far_ones_go() -> None:
    announced = ["8.8.8.8", "10.9.9.9", "fd00::8", "fe80::8", "192.168.1.8", "192.168.1.8", "127.0.0.1", "ff02::fb"]
    assert acceptable(announced, WLAN) == ("192.168.1.8", "fd00::8", "fe80::8%3", "10.9.9.9")


def test_at_most_eight_addresses_are_kept() -> None:
    assert len(acceptable([f"192.168.1.{number}" for number in range(1, 100)], WLAN)) == 8


def test_of_what_zeroconf_says_only_a_socket_that_failed_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    said = logging.getLogger("zeroconf")
    said.warning("Received invalid packet: Annas secret", exc_info=ValueError("Annas secret"))
    failed = OSError(101, "Network is unreachable")
    said.warning("Error with socket 12 (('192.168.1.7', 5353))): %s", failed, exc_info=failed)
    (told,) = [record for record in caplog.records if record.name != "zeroconf"]
    assert told.getMessage() == "cannot send by multicast from 192.168.1.7: Network is unreachable"
    assert not told.exc_info
    assert not said.propagate


@pytest.mark.skipif(sys.platform != "linux", reason="SO_BINDTODEVICE is Linux's")
async def test_a_site_receives_and_sends_on_its_interface_only() -> None:
    site = await Site.open(LOOPBACK, lambda *_: None)
    bound = {reader.sock.getsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, 16) for reader in site._zeroconf.engine.readers}
    await site.close()
    assert bound == {b"lo\0"}


async def test_a_flood_of_announcements_is_remembered_within_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "MAX_HEARD", 3)
    anna = Searcher(4001, LOOPBACK)
    async with searching(anna):
        [site] = anna.discovery._sites.values()
        for number in range(10):
            name = f"{number:016x}"
            anna.discovery._hear(site, name, Advertisement(name, ("127.0.0.1",), 4000))
        assert anna.discovery.seen == 3
        assert [what for what, _ in anna.told] == ["found"] * 10


@pytest.mark.parametrize(("port", "believed"), [(9099, 1), (9100, 0), (9109, 0), (9110, 1)])
def test_printers_that_are_announced_as_peers_are_not_dialled_as_they_would_print_it(port: int, believed: int) -> None:
    site, told = Site.__new__(Site), []
    site.interface = WLAN
    site._heard = lambda *what: told.append(what)  # type: ignore[method-assign]
    site._tell(describe(WLAN, "0" * 16, "1" * 16, port))
    assert len(told) == believed
