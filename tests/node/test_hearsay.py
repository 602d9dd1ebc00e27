"""What others say about where people are: what is worth a dial, and how many."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_interface
from pathlib import Path
from typing import cast

import pytest
from msgspec.structs import replace

from peertalk.core.effects import Heard, Listens
from peertalk.core.rooms import HOUR_MS
from peertalk.core.stored import PeerRecord, PutPeer
from peertalk.node import hearsay
from peertalk.node.dialer import PATIENCE, Dialer
from peertalk.node.hearsay import BURST, BURST_OF_ALL, Hearsay
from peertalk.node.interfaces import Interface
from peertalk.node.link import Link
from peertalk.node.node import Node
from peertalk.node.people import MAX_REMEMBERED, REMEMBERED_MS
from peertalk.node.targets import Endpoint
from tests.node.company import Clock, Company, company, online, texts, until
from tests.node.fake_clock import FakeClock

LOW, ME, ANNA, CARA = (bytes([first]) * 32 for first in (1, 8, 0xA, 0xC))
LAN = Interface("eth0", 2, (ip_interface("10.0.0.1/24"), ip_interface("fe80::1/64")))


@dataclass
class FakeLink:
    peer: bytes = ANNA
    address: tuple[str, int] = ("10.0.0.2", 50_000)
    initiator: bool = False


@dataclass
class Listener:
    """A Hearsay with everything around it, and what came of it."""

    lines: dict[int, FakeLink] = field(default_factory=lambda: {1: FakeLink()})
    clock: FakeClock = field(default_factory=FakeClock)
    blocked: set[bytes] = field(default_factory=set)
    met: list[tuple[bytes, Endpoint]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.dialer = Dialer(lambda: "")
        self.it = Hearsay(
            self.dialer,
            self.clock,
            cast("dict[int, Link]", self.lines),
            ME,
            interfaces=lambda: (LAN,),
            is_blocked=self.blocked.__contains__,
            met=lambda identity, endpoint: self.met.append((identity, endpoint)),
        )
        self.it.port = 4000

    def hear(self, *addresses: str, about: bytes = CARA, port: int = 4000, link: int = 1) -> None:
        endpoints = tuple((ip_address(address).packed, port) for address in addresses)
        self.it.learn(Heard(link, ((about, endpoints),)))

    def found(self) -> list[str]:
        return sorted(host for host, _ in self.dialer.book.endpoints())


@pytest.mark.parametrize(
    ("address", "dialled"),
    [
        ("10.0.0.7", True),
        ("192.168.7.7", True),
        ("fd00::7", True),
        ("8.8.8.8", False),
        ("2606:4700::1111", False),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", False),
        ("2002:808:808::1", False),
        ("64:ff9b::808:808", False),
        ("0.1.2.3", False),
        ("127.0.0.1", False),
        ("::1", False),
        ("::ffff:127.0.0.1", False),
        ("0.0.0.0", False),
        ("::", False),
        ("224.0.0.251", False),
        ("ff02::fb", False),
        ("255.255.255.255", False),
        ("169.254.7.7", False),
    ],
)
def test_only_what_is_on_link_or_private_is_dialled(address: str, dialled: bool) -> None:
    listener = Listener()
    listener.hear(address)
    assert bool(listener.found()) == dialled


def test_printers_are_not_dialled_as_they_would_print_it() -> None:
    listener = Listener()
    listener.hear("10.0.0.7", port=9100)
    assert not listener.found()


def test_a_link_local_address_belongs_to_the_interface_of_the_link_on_which_it_was_heard() -> None:
    listener = Listener({1: FakeLink(address=("fe80::2%2", 50_000)), 2: FakeLink(address=("fe80::2%9", 50_000))})
    listener.hear("fe80::7", link=1)
    listener.hear("fe80::8", link=2)  # there is no such interface any more
    assert listener.found() == ["fe80::7%2"]


def test_an_ipv4_address_in_ipv6_is_the_ipv4_address() -> None:
    listener = Listener()
    listener.hear("::ffff:10.0.0.7")
    assert listener.found() == ["10.0.0.7"]


def test_the_lower_identity_dials_at_once_and_the_higher_gives_it_time() -> None:
    listener = Listener()
    listener.hear("10.0.0.7", about=CARA)
    listener.hear("10.0.0.8", about=LOW)
    now = listener.clock.mono()
    assert [dial.target for dial in listener.dialer.due(now)] == ["10.0.0.7 4000"]
    assert [dial.target for dial in listener.dialer.due(now + PATIENCE)] == ["10.0.0.8 4000"]


def test_nobody_is_dialled_at_ones_own_place() -> None:
    listener = Listener()
    listener.hear("10.0.0.1", port=4000)
    assert listener.found() == []
    listener.hear("10.0.0.1", port=4001)
    assert listener.found() == ["10.0.0.1"]


def test_who_is_blocked_or_linked_is_not_looked_for() -> None:
    listener = Listener(blocked={CARA})
    listener.hear("10.0.0.7")
    listener.dialer.linked(None, LOW, "10.0.0.8", 0.0)
    listener.hear("10.0.0.8", about=LOW)
    assert listener.found() == []


def test_what_comes_when_the_link_is_gone_is_nobodys_word() -> None:
    listener = Listener({})
    listener.hear("10.0.0.7")
    listener.it.learn(Listens(1, 4000))
    assert (listener.found(), listener.met) == ([], [])


def test_where_somebody_who_dialled_us_listens_is_remembered_and_where_we_dialled_we_know() -> None:
    listener = Listener({1: FakeLink(), 2: FakeLink(CARA, ("10.0.0.3", 4000), initiator=True)})
    listener.dialer.linked(None, ANNA, "10.0.0.2", 0.0)
    for link in (1, 2):
        listener.it.learn(Listens(link, 5000))
    assert listener.met == [(ANNA, ("10.0.0.2", 5000))]
    assert listener.dialer.book.endpoints() == {("10.0.0.2", 5000)}
    assert listener.dialer.due(1e9) == []


def test_three_hundred_lies_lead_to_a_bounded_slow_trickle() -> None:
    listener = Listener()
    dialled = 0
    for second in range(300):
        listener.hear(f"10.0.{1 + second // 200}.{second % 200}", about=second.to_bytes(32))
        now = listener.clock.mono()
        for dial in listener.dialer.due(now):
            dialled += 1
            listener.dialer.failed(dial.target, now)
        listener.clock.advance(1.0)
    assert dialled <= 4 * (BURST + 300 * hearsay.RATE)
    listener.clock.advance(10_000)
    assert len(listener.dialer.due(listener.clock.mono())) <= 4


def test_many_liars_are_bounded_together() -> None:
    listener = Listener({number: FakeLink(number.to_bytes(32)) for number in range(1, 50)})
    dialled: set[str] = set()
    for number in range(BURST):
        for link in listener.lines:
            listener.hear(f"10.{link}.0.{number}", about=(link * 1000 + number).to_bytes(32), link=link)
        listener.clock.advance(1.0)
        while dials := listener.dialer.due(listener.clock.mono()):
            dialled |= {dial.target for dial in dials}
            for dial in dials:
                listener.dialer.refused(dial.target, listener.clock.mono())
    assert len(dialled) <= BURST_OF_ALL + BURST * hearsay.RATE_OF_ALL


def test_what_is_known_already_costs_nothing() -> None:
    listener = Listener()
    for _ in range(10 * BURST):
        listener.hear("10.0.0.7")
    listener.hear("10.0.0.8", about=LOW)
    assert listener.found() == ["10.0.0.7", "10.0.0.8"]


# ── with real nodes ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
async def people(tmp_path: Path) -> AsyncIterator[Company]:
    async with company(tmp_path) as one:
        yield one


async def test_who_is_linked_with_one_is_soon_linked_with_all_and_needs_nobody_for_it(people: Company) -> None:
    ada = await people.node("Ada")
    ben, cara = await people.node("Ben", ada), await people.node("Cara", ada)
    await until(ben, lambda: online(ben, "Cara"))
    await until(cara, lambda: online(cara, "Ben"))
    await ada.close()
    await ben.send("lobby", "Ada has gone")
    await until(cara, lambda: has(cara, "Ada has gone"))
    assert ben.status().links == cara.status().links == 1


async def has(node: Node, text: str) -> bool:
    return text in await texts(node)


async def test_who_was_dialled_finds_those_again_who_dialled(people: Company) -> None:
    ada = await people.node("Ada")
    ben = await people.node("Ben", ada)
    await until(ada, lambda: online(ada, "Ben"))
    await until(ada, lambda: has_address(ada, "Ben"))
    await ada.close()
    again = await people.node("Ada")
    await until(again, lambda: online(again, "Ben"))
    assert ben.status().links == 1


async def has_address(node: Node, name: str) -> bool:
    return any(peer.name == name and peer.addresses for peer in await node.peers())


@pytest.mark.parametrize("tie", ["none", "direct room", "other room", "blocked"])
async def test_people_of_a_forgotten_lobby_are_forgotten_unless_there_is_another_tie(people: Company, tie: str) -> None:
    clock = Clock()
    ada = await people.node("Ada", clock=clock)
    ben = await people.node("Ben", ada)
    if tie == "other room":
        await ada.join("workshop")
        await ben.join("workshop")
        await until(ada, lambda: shares_two(ada))
    await until(ada, lambda: has_address(ada, "Ben"))
    if tie == "direct room":
        await ada.open_direct("Ben")
    if tie == "blocked":
        await ada.block("Ben")
    await ben.close()
    await ada.close()
    clock.offset = 2 * HOUR_MS + 60_000
    again = await people.node("Ada", clock=clock)
    left = [peer.id for peer in await again.peers()]
    assert left == ([] if tie == "none" else [ben.status().identity.id])
    await again.close()
    clock.offset = 2 * HOUR_MS + 120_000
    once_more = await people.node("Ada", clock=clock)
    assert [peer.id for peer in await once_more.peers()] == left


async def shares_two(node: Node) -> bool:
    return any(len(peer.rooms) == 2 for peer in await node.peers())


async def test_a_forgotten_lobby_takes_its_people_along_while_the_program_runs(people: Company) -> None:
    clock = Clock()
    ada = await people.node("Ada", clock=clock)
    ben = await people.node("Ben", ada)
    await until(ada, lambda: has_address(ada, "Ben"))
    await ben.close()
    await until(ada, lambda: is_away(ada))
    clock.offset = 3 * HOUR_MS
    ada._life._jumped()
    await until(ada, lambda: is_alone(ada))


async def is_away(node: Node) -> bool:
    return not any(peer.online for peer in await node.peers())


async def is_alone(node: Node) -> bool:
    return not await node.peers()


async def test_who_was_met_and_shared_nothing_is_forgotten_at_the_next_start(people: Company) -> None:
    ada = await people.node("Ada")
    now = ada._life.clock.wall()
    met = PeerRecord(identity=CARA, first_seen=now, last_seen=now)
    verified = replace(met, identity=ANNA, verified=True)
    await ada._life.store.commit([PutPeer(met), PutPeer(verified)])
    await ada.close()
    again = await people.node("Ada")
    assert [peer.id for peer in await again.peers()] == [ANNA.hex()]


async def test_only_those_who_were_here_last_are_looked_for_at_the_start(people: Company) -> None:
    ada = await people.node("Ada")
    wall, network = ada._life.clock.wall(), "127.1"
    for number in range(MAX_REMEMBERED + 30):
        old = PeerRecord(identity=number.to_bytes(32), first_seen=1, last_seen=wall - number * 60_000)
        addresses = ((f"{network}.0.{number}", 4000), (f"{network}.1.{number}", 4000))
        ada._life.people._records[old.identity] = replace(old, addresses=addresses, blocked=number == 0)
    ada._life.people._records[b"o" * 32] = PeerRecord(
        identity=b"o" * 32, first_seen=1, last_seen=wall - REMEMBERED_MS, addresses=(("127.2.0.1", 4000),)
    )
    ada._life._remember()
    assert ada._life.dialer.book.endpoints() == {(f"{network}.0.{number}", 4000) for number in range(1, MAX_REMEMBERED + 1)}


async def test_in_another_network_who_was_remembered_from_the_last_one_is_not_asked_for(people: Company) -> None:
    life = (await people.node("Ada", interfaces=["lo"]))._life
    place = [Interface("lo", 2, (ip_interface("10.0.0.1/24"),))]
    life._source._look = lambda: tuple(place)
    life._jumped()
    for number, host in enumerate(("10.0.0.9", "10.7.0.9")):
        life.dialer.remember(host, 4000, bytes([number]) * 32, math.inf)
    life._jumped()
    assert len(life.dialer.book.endpoints()) == 2
    place[:] = [Interface("lo", 3, (ip_interface("10.7.0.1/24"),))]
    life._jumped()
    assert life.dialer.book.endpoints() == {("10.7.0.9", 4000)}
    life.dialer.carried(lambda _: False)  # before anybody is dialled
