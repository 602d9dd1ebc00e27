from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from peertalk.errors import StartError
from peertalk.node import listener as listener_module
from peertalk.node.link import dial
from peertalk.node.listener import Listener, one_too_many, open_sockets
from tests.node.link_ends import End

LOOPBACK = ("127.0.0.1", "::1")


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@asynccontextmanager
async def open_to(end: End, *hosts: str, more: int = 0) -> AsyncIterator[Listener]:
    listener = Listener(end.make, more=lambda: more)
    await listener.start(0, hosts or LOOPBACK)
    try:
        yield listener
    finally:
        await listener.close()
        await end.hang_up()


async def knock(listener: Listener) -> asyncio.StreamWriter:
    """A stranger that connects and says nothing."""
    return (await asyncio.open_connection("127.0.0.1", listener.port))[1]


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 on this machine")
async def test_one_port_serves_both_families() -> None:
    anna, ben = End(), End()
    async with open_to(ben) as listener:
        assert listener.addresses == [("127.0.0.1", listener.port), ("::1", listener.port)]
        for host in LOOPBACK:
            link = await dial(host, listener.port, lambda: anna.make(target="ben"), 5)
            await link.settled()
            assert link.peer == ben.identity.public
        await anna.hang_up()


async def test_a_machine_without_the_address_listens_on_what_it_has() -> None:
    async with open_to(End(), "127.0.0.1", "203.0.113.9") as listener:
        assert listener.addresses == [("127.0.0.1", listener.port)]


async def test_where_there_is_nothing_to_listen_on_it_cannot_start() -> None:
    with pytest.raises(StartError) as caught:
        await Listener(End().make).start(0, ("203.0.113.9",))
    assert caught.value.kind == "no_interface"


async def test_a_port_in_use_is_said() -> None:
    async with open_to(End()) as first:
        with pytest.raises(StartError) as caught:
            await Listener(End().make).start(first.port, LOOPBACK)
        assert (caught.value.kind, caught.value.data) == ("port_in_use", {"port": first.port})


def test_a_port_that_may_not_be_used_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(listener_module, "bind", denied)
    with pytest.raises(StartError) as caught:
        open_sockets(80, LOOPBACK)
    assert (caught.value.kind, caught.value.data) == ("port_denied", {"port": 80})


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 on this machine")
def test_any_free_port_means_one_that_is_free_in_both_families(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[socket.socket] = []
    real = listener_module.bind

    def bind(host: str, port: int) -> socket.socket | None:
        if host == "::1" and not taken:  # somebody else was quicker
            taken.append(socket.create_server(("::1", port), family=socket.AF_INET6))
        return real(host, port)

    monkeypatch.setattr(listener_module, "bind", bind)
    opened = open_sockets(0, LOOPBACK)
    ports = {one.getsockname()[1] for one in opened.values()}
    for one in [*opened.values(), *taken]:
        one.close()
    assert len(ports) == 1
    assert len(opened) == 2


async def test_it_follows_the_addresses_of_its_machine(caplog: pytest.LogCaptureFixture) -> None:
    """Another loopback address in the place of one that a network gave."""
    async with open_to(End(), "127.0.0.1") as listener:
        port = listener.port
        with socket.create_server(("127.0.0.4", port)):
            await listener.follow(["127.0.0.3", "127.0.0.4", "203.0.113.9"])
        assert listener.addresses == [("127.0.0.3", port)]
        assert caplog.text.count("cannot listen") == 1
        (await asyncio.open_connection("127.0.0.3", port))[1].close()
        with pytest.raises(ConnectionError):
            await asyncio.open_connection("127.0.0.1", port)
        await listener.follow(["127.0.0.1", "127.0.0.3"])
        (await asyncio.open_connection("127.0.0.1", port))[1].close()


async def test_once_closed_nobody_comes_in() -> None:
    ben = End()
    async with open_to(ben) as listener:
        port = listener.port
    with pytest.raises(ConnectionError):
        await asyncio.open_connection("127.0.0.1", port)


async def test_more_come_from_one_address_where_more_are_expected() -> None:
    ben = End()
    async with open_to(ben, more=3) as listener:
        strangers = [await knock(listener) for _ in range(19)]
        await ben.has_made(19)
        assert not any(link.reason for link in ben.links)
        strangers.append(await knock(listener))
        assert await ben.ended() == "closed:crowded"
        for stranger in strangers:
            stranger.close()


async def test_half_open_links_from_one_address_are_limited() -> None:
    ben = End()
    async with open_to(ben) as listener:
        strangers = [await knock(listener) for _ in range(17)]
        await ben.has_made(17)
        assert await ben.ended() == "closed:crowded"
        assert sorted(link.reason or "" for link in ben.links) == [""] * 16 + ["closed:crowded"]
        for stranger in strangers:
            stranger.close()


async def test_half_open_links_are_limited_in_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener_module, "HALF_OPEN", 2)
    ben = End()
    async with open_to(ben) as listener:
        strangers = [await knock(listener) for _ in range(4)]
        await ben.has_made(4)
        await ben.ended()
        await ben.ended()
        assert sorted(link.reason or "" for link in ben.links) == ["", "", "closed:crowded", "closed:crowded"]
        for stranger in strangers:
            stranger.close()


async def test_established_links_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener_module, "HALF_OPEN_PER_SOURCE", 1)
    anna, ben = End(), End()
    async with open_to(ben) as listener:
        for _ in range(3):
            link = await dial("127.0.0.1", listener.port, lambda: anna.make(target="ben"), 5)
            await link.settled()
            await ben.next()
        assert all(link.reason is None and link.peer for link in ben.links)
        await anna.hang_up()


def half_open(*sources: str, proven: str = "") -> list[tuple[str, Any]]:
    """Links of these sources, in the order of their age; proven are those of `proven`."""
    return [(source, SimpleNamespace(source=source, proven=source in proven)) for source in sources]


def given_way(links: list[tuple[str, Any]]) -> list[str]:
    """The sources of those that may have to give way."""
    chosen = [one_too_many(links, number.to_bytes) for number in range(64)]
    return sorted(link.source for _, link in links if any(link is one for one in chosen))


def test_who_has_proven_a_room_is_the_last_to_give_way() -> None:
    assert given_way(half_open("a", "b", "c", proven="ac")) == ["b"]
    assert given_way(half_open("a", "a", "b", "a", proven="a")) == ["b"]
    assert given_way(half_open("a", "b", proven="ab")) == ["a"]


def test_whoever_has_the_most_half_open_links_gives_one_up() -> None:
    assert given_way(half_open("a", "b", "b", "c", "b", "c")) == ["b"]
    assert given_way(half_open("a", *"bbbb", "c")) == ["b", "b"]
    assert given_way(half_open("a", *"bbcc", proven="c")) == ["b"]


def test_of_the_older_half_anybody_may_give_way() -> None:
    assert given_way(half_open(*"abcdef")) == ["a", "b", "c"]


def share_of_survivors(arrivals: int) -> float:
    """How often a link is still there when so many others came after it, each from a source of its own, and all were full."""
    survived = 0
    for seed in range(50):
        random = Random(seed)
        links = half_open(*map(str, range(128)))
        honest = links[-1][1]
        for number in range(arrivals):
            links += half_open(f"flood {number}")
            loser = one_too_many(links, random.randbytes)
            links = [one for one in links if one[1] is not loser]
        survived += any(link is honest for _, link in links)
    return survived / 50


def test_a_flood_leaves_a_moment_to_all_and_a_chance_to_those_who_need_longer() -> None:
    assert share_of_survivors(60) == 1
    assert share_of_survivors(128) > 0.25
    assert share_of_survivors(200) > 0.05


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
async def test_a_flood_does_not_find_all_descriptors_taken() -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    least = min(256, before[1]) if before[1] != resource.RLIM_INFINITY else 256
    resource.setrlimit(resource.RLIMIT_NOFILE, (least, before[1]))
    try:
        listener_module.allow_descriptors()
        wanted = listener_module.DESCRIPTORS
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (min(wanted, before[1]) if before[1] > 0 else wanted, before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
