from __future__ import annotations

import asyncio
import socket
from ipaddress import ip_interface

import pytest

from peertalk.errors import StartError
from peertalk.node import interfaces
from peertalk.node.interfaces import Interface, Place, Sources, Watch, canonical, check, dialable, listenable, on_link, usable
from tests.node.fake_clock import FakeClock, Rounds


def make(name: str, index: int, *addresses: str) -> Interface:
    return Interface(name, index, tuple(ip_interface(one) for one in addresses))


LOOPBACK = make("lo", 1, "127.0.0.1/8", "::1/128")
WLAN = make("wlan0", 3, "192.168.1.7/24", "fe80::7/64", "fd00::7/64")
CABLE = make("eth0", 4, "10.0.0.7/8")
VPN = Interface("tun0", 5, (ip_interface("10.99.0.2/32"),), tunnel=True)
ALL = (LOOPBACK, WLAN, CABLE, VPN)


def test_the_interfaces_of_this_machine_include_loopback() -> None:
    assert any(one.loopback and "127.0.0.1" in one.literals() for one in interfaces.look())


def test_loopback_is_used_only_if_it_is_named() -> None:
    assert usable(ALL, ()) == (WLAN, CABLE)
    assert usable(ALL, ("lo",)) == (LOOPBACK,)


def test_a_tunnel_is_used_only_if_it_is_named() -> None:
    assert VPN not in usable(ALL, ())
    assert usable(ALL, ("tun0",)) == usable(ALL, ("10.99.0.2",)) == (VPN,)


def test_the_loopback_interface_is_no_tunnel() -> None:
    assert not any(one.tunnel for one in interfaces.look() if one.loopback)


def test_what_an_interface_that_is_named_can_be_reached_at() -> None:
    assert listenable(ALL, ("wlan0",)) == ("192.168.1.7", "fe80::7%3", "fd00::7")
    assert listenable(ALL, ("10.0.0.7", "lo")) == ("127.0.0.1", "::1", "10.0.0.7")


def test_an_interface_is_named_by_name_or_by_one_of_its_addresses() -> None:
    assert usable(ALL, ("eth0", "fe80::7%wlan0")) == (make("wlan0", 3, "fe80::7/64"), CABLE)


def test_a_named_interface_that_does_not_exist_is_an_error() -> None:
    check(ALL, ("wlan0", "10.0.0.7"))
    with pytest.raises(StartError) as caught:
        check(ALL, ("wlan0", "wlan9"))
    assert (caught.value.kind, caught.value.data) == ("no_interface", {"name": "wlan9"})


def test_literals_are_ipv4_first_then_link_local_with_its_scope() -> None:
    assert WLAN.literals() == ["192.168.1.7", "fe80::7%3", "fd00::7"]


def test_an_address_that_the_machine_has_not_is_not_bindable() -> None:
    assert interfaces.bindable(ip_interface("127.0.0.1/8"), 1)
    assert not interfaces.bindable(ip_interface("203.0.113.9/24"), 1)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("192.168.1.7", "192.168.1.7"),
        ("::ffff:192.168.1.7", "192.168.1.7"),
        ("FE80::0007%3", "fe80::7%3"),
        ("fe80::7%no-such-interface", "fe80::7%no-such-interface"),
        ("2001:DB8::0:1%3", "2001:db8::1"),
        ("Ben.Local", "ben.local"),
    ],
)
def test_an_address_has_one_spelling(host: str, expected: str) -> None:
    assert canonical(host) == expected
    assert canonical(expected) == expected


def test_a_scope_by_name_becomes_an_index() -> None:
    index, name = socket.if_nameindex()[0]
    assert canonical(f"fe80::7%{name}") == f"fe80::7%{index}"


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("192.168.1.200", True),
        ("192.168.2.1", False),
        ("fd00::8", True),
        ("fe80::8%3", True),
        ("fe80::8%9", False),
        ("fe80::8", False),
        ("ben.local", False),
    ],
)
def test_on_link_means_without_a_router(host: str, expected: bool) -> None:
    assert on_link(host, [WLAN, CABLE]) is expected


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("192.168.1.200", True),
        ("172.16.9.9", True),
        ("fd12::1", True),
        ("fe80::8%3", True),
        ("fe80::8%9", False),
        ("169.254.3.3", False),
        ("8.8.8.8", False),
        ("2606:4700::1111", False),
        ("127.0.0.1", False),
        ("::1", False),
        ("224.0.0.251", False),
        ("ff02::fb", False),
        ("0.0.0.0", False),
        ("255.255.255.255", False),
        ("example.org", False),
    ],
)
def test_only_near_addresses_are_dialled_on_hearsay(host: str, allowed: bool) -> None:
    assert dialable(host, [WLAN]) is allowed


def test_loopback_may_be_dialled_where_loopback_is_searched() -> None:
    assert dialable("127.0.0.1", [LOOPBACK])


def test_a_public_address_may_be_dialled_where_it_is_on_link() -> None:
    assert dialable("8.8.8.8", [make("eth0", 4, "8.8.8.1/24")])


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("192.168.1.200", "192.168.1.200"),
        ("fe80::8%3", "fe80::8"),
        ("fd00::8", "fd00::8"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("ben.local", "ben.local"),
    ],
)
def test_limits_are_counted_by_address_and_off_link_by_slash_64(host: str, expected: str) -> None:
    assert Sources(FakeClock(), lambda: (WLAN,))(host) == expected


def test_what_is_on_link_is_looked_at_now_and_then() -> None:
    clock, present = FakeClock(), [WLAN]
    source = Sources(clock, lambda: tuple(present))
    assert source("fd00::8") == "fd00::8"
    present.clear()
    assert source("fd00::8") == "fd00::8"
    clock.advance(2.0)
    assert source("fd00::8") == "fd00::/64"


async def test_a_watch_tells_of_interfaces_that_came() -> None:
    present = [WLAN]
    rounds, told = Rounds(), []
    watch = Watch((), FakeClock(), look=lambda: tuple(present), pause=rounds.pause)
    present.append(CABLE)
    told.append(await turn(watch, rounds))
    told.append(await turn(watch, rounds))
    assert told == [(True, False), (False, False)]
    assert watch.current == (WLAN, CABLE)


@pytest.mark.parametrize(("mono", "wall"), [(2.0, 3_600_000), (3600.0, 3_600_000), (2.0, -3_600_000)])
async def test_a_watch_notices_that_the_machine_has_slept(mono: float, wall: int) -> None:
    clock, rounds = FakeClock(), Rounds()
    watch = Watch((), clock, look=lambda: (WLAN,), pause=rounds.pause)
    clock.now, clock.unix = clock.now + mono, clock.unix + wall
    assert await turn(watch, rounds) == (False, True)
    clock.advance(2.0)
    assert await turn(watch, rounds) == (False, False)


async def test_who_follows_is_told_only_of_changes() -> None:
    present, rounds = [WLAN], Rounds()
    told: list[int] = []
    watch = Watch((), FakeClock(), look=lambda: tuple(present), pause=rounds.pause)
    following = asyncio.create_task(watch.follow(lambda: told.append(len(present))))
    await rounds.round()
    present.append(CABLE)
    await rounds.round()
    await rounds.round()
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    assert told == [2]


async def turn(watch: Watch, rounds: Rounds) -> tuple[bool, bool]:
    rounds.end_next()
    return await watch.next()


MOBILE = make("usb0", 6, "192.168.44.2/24", "fe80::7/64")  # its link-local address is that of every network
LOCAL, OTHER_LOCAL = make("eth0", 4, "fe80::1/64"), make("eth0", 4, "fe80::2/64", "169.254.1.1/16")


@pytest.mark.parametrize(
    ("places", "carried"),
    [
        ([(WLAN,), (WLAN,)], False),
        ([(WLAN,), (WLAN, CABLE), (CABLE,)], False),
        ([(WLAN,), (MOBILE,)], True),
        ([(WLAN,), (), (WLAN,)], False),
        ([(WLAN,), (), (MOBILE,)], True),
        ([(WLAN,), (make("wlan0", 3, "fe80::7/64"),), (WLAN,)], False),
        ([(WLAN,), (make("wlan0", 3, "fe80::9/64"),), (MOBILE,)], True),
        ([(), (WLAN,)], False),
        ([(LOCAL,), (LOCAL,)], False),
        ([(LOCAL,), (OTHER_LOCAL,)], True),
        ([(LOCAL,), (make("eth0", 4, "fe80::1/64", "10.0.0.7/8"),)], False),
    ],
)
def test_another_network_is_one_where_no_address_is_left(places: list[tuple[Interface, ...]], carried: bool) -> None:
    place = Place()
    assert [place.left(one) for one in places] == [False] * (len(places) - 1) + [carried]


async def test_what_cannot_be_looked_at_for_a_moment_is_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> tuple[Interface, ...]:
        raise OSError(24, "Too many open files")

    rounds, clock = Rounds(), FakeClock()
    watch, sources = Watch((), clock, look=lambda: (WLAN,), pause=rounds.pause), Sources(clock, lambda: (WLAN,))
    assert sources.present() == (WLAN,)
    watch._look = sources._look = fails
    assert await turn(watch, rounds) == (False, False)
    assert watch.current == sources.look_again() == (WLAN,)
    monkeypatch.setattr(socket, "socket", fails)
    with pytest.raises(OSError, match="Too many"):
        interfaces.bindable(ip_interface("127.0.0.1/8"), 1)


def test_a_source_is_found_out_once_and_anew_where_networks_change() -> None:
    clock, present = FakeClock(), [WLAN]
    sources = Sources(clock, lambda: tuple(present))
    assert sources("2001:db8::4") == "2001:db8::/64"
    present.append(make("eth0", 4, "2001:db8::1/64"))
    assert sources("2001:db8::4") == "2001:db8::/64"
    clock.advance(interfaces.POLL)
    assert sources("2001:db8::4") == "2001:db8::4"
