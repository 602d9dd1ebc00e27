"""What a cable tells: everything that three hosts send in a session is captured and searched."""

from __future__ import annotations

import asyncio
import base64
import getpass
import re
import socket
import time
from collections.abc import Iterable
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from peertalk.core.codes import SLOTS, parse
from peertalk.core.identity import fingerprint
from peertalk.core.rooms import room_id
from peertalk.core.slots import slot_secret
from peertalk.node import keyring
from peertalk.node.store import Store
from tests.lab import canaries
from tests.lab.capture import AAAA, NSEC, PTR, RANDOM, SRV, TXT, A, Packet, capture, dns, frames, packets, streams
from tests.lab.conftest import Starts
from tests.lab.lab import Host, Lab
from tests.lab.rpc_process import RpcProcess, delivered

NAMES = ("Canaryfinch", "Canarylinnet", "Canarysiskin")
RENAMED, ROOM, TEXT, CIRCLE = "Canaryowl", "canaryroomwren", "canarytextrobin", "Canarycirclejay"
WORDS = (*NAMES, RENAMED, ROOM, TEXT, CIRCLE, "lobby", "typing")
SERVICE = "_peertalk._tcp.local."
SETUP = {True: [32, 1040, 48, 112], False: [48, 1040, 144]}
PAIRING = {True: [32, 1040, 50, 48, 48], False: [48, 1040, 50, 2000]}
SIZES = {size + 16 for size in (64, 128, 256, 512, 1024, 2048, *range(4096, 61_441, 4096), 65_519)}
TTLS = {PTR: {4500, 0}, TXT: {4500, 0}, SRV: {120, 0}, A: {120, 0}, AAAA: {120, 0}, NSEC: {120, 0, 4500}}
CLAIM = 144
"""The size of a claim, of which there are more or fewer in a while; liveness and typing are smaller."""
KERNEL = {"arp", "igmp", "icmp6 133", "icmp6 135", "icmp6 136", "icmp6 143"}
"""ARP, and its like of IPv6; which groups a host listens to; whether there is a router, asked when an interface comes up."""


class Session:
    """Three hosts, what they said to each other, and what could be captured of it."""

    def __init__(self, lab: Lab) -> None:
        self.hosts = [lab.host() for _ in range(3)]
        self.ports: dict[int, set[int]] = {host.number: set() for host in self.hosts}
        self.restarted = 0.0
        self.said: dict[str, tuple[float, float]] = {}
        self.invites: list[dict[str, Any]] = []
        self.captured: list[Packet] = []

    async def run(self, lab: Lab, start: Starts) -> None:
        async with capture(lab) as file:
            await self._talk(start)
        self.captured = packets(file)

    async def _talk(self, start: Starts) -> None:
        anna, ben, cara = [await self._start(start, number) for number in range(3)]
        _first, second, third = [await each.identity() for each in (anna, ben, cara)]
        await anna.online(second, third)
        await ben.online(third)
        for each in (anna, ben):
            await each.call("rooms.join", name=ROOM)
        direct = await anna.call("direct.open", peer=second)
        for room in ("lobby", ROOM, direct["id"]):
            await self._say(anna, room, TEXT, second)
        await anna.call("signals.typing", room="lobby")
        for text in ("ja", "nein"):
            await self._say(anna, direct["id"], text, second)
        await self._meet_in_private(anna, ben, cara)
        await cara.call("node.set_name", name=RENAMED)
        await anna.wait_event(lambda event: RENAMED in str(event))
        assert await ben.stop() == 0
        self.restarted = time.monotonic()
        since = len(anna.events)
        ben = await self._start(start, 1)
        await anna.wait_event(lambda event: event["type"] == "peer" and event["change"] == "online", since=since)
        await self._say(anna, ROOM, TEXT, second)
        for each in (anna, ben, cara):
            assert await each.stop() == 0

    async def _meet_in_private(self, anna: RpcProcess, ben: RpcProcess, cara: RpcProcess) -> None:
        """All that there is in a private room: codes, words, symbols, a new start without one of them, a closed door."""
        room = (await anna.call("rooms.create", name=CIRCLE))["id"]
        for joiner, way in ((ben, "code"), (cara, "link")):
            invite = await anna.call("rooms.invite", room=room)
            self.invites.append(invite)
            await joiner.call("rooms.accept", code=invite[way])
            await anna.wait_event(lambda event: event["type"] == "invite_used" and event["code"] == self.invites[-1]["code"])
        await self._say(anna, room, TEXT, await ben.identity())
        await anna.call("rooms.words", room=room)
        first, second = await anna.identity(), await ben.identity()
        shown = await asyncio.gather(anna.call("peers.verify", peer=second), ben.call("peers.verify", peer=first))
        assert shown[0] == shown[1]
        new = (await anna.call("rooms.reform", room=room, without=[await cara.identity()]))["id"]
        offer = await ben.wait_event(lambda event: event["type"] == "reform_offer")
        await ben.call("rooms.follow", offer=offer["offer"])
        await self._say(ben, new, TEXT, first)
        await anna.call("rooms.seal", room=new)
        await ben.wait_event(lambda event: event["type"] == "room" and event["change"] == "sealed")

    async def _start(self, start: Starts, number: int) -> RpcProcess:
        process = await start(self.hosts[number], "--name", NAMES[number])
        await process.ready()
        status = await process.call("node.status")
        self.ports[self.hosts[number].number].add(status["listening"][0]["port"])
        return process

    async def _say(self, who: RpcProcess, room: str, text: str, to: str) -> None:
        before = time.monotonic()
        sent = await who.call("messages.send", room=room, text=text)
        await who.wait_event(delivered(sent["id"], to))
        self.said[text] = before, time.monotonic()

    @property
    def mdns(self) -> list[Packet]:
        return [packet for packet in self.captured if packet.kind == "udp 5353"]

    def haystack(self, *, plain: bool = False) -> bytes:
        """All frames, and the streams that they carry; `plain`: what is not encrypted alone."""
        frames = [packet.frame for packet in self.captured if not (plain and packet.payload and packet.kind == "tcp")]
        flows = [] if plain else [piece for flow in streams(self.captured).values() for _, piece in flow]
        return b"|".join(frames) + b"|" + b"".join(flows)


@pytest.fixture
async def session(lab: Lab, start: Starts) -> Session:
    one = Session(lab)
    await one.run(lab, start)
    return one


async def keys_of(hosts: Iterable[Host]) -> set[bytes]:
    """Every identity, feed key, room secret and room id of these profiles, private halves too, and what follows from them."""
    found: set[bytes] = set()
    for host in hosts:
        home = host.home / "peertalk"
        store = Store.open(keyring.database(home), keyring.unlock(home, None))
        snapshot = await store.load()
        await store.close()
        found |= {snapshot.identity, *(peer.identity for peer in snapshot.peers)}
        for room in snapshot.rooms:
            found |= {room.record.id, room.record.secret, *(key.feed for key in room.feeds)}
            found |= {room.record.seed, room.record.predecessor} - {b""}
            found |= {key.seed for key in room.feeds if key.seed}
            found |= {feed for card in room.cards for feed, _ in card.feeds} | {card.identity for card in room.cards}
    return found


def codes_of(session: Session) -> list[str]:
    """What was said aloud or copied, each in the ways in which it is written; not the number, which anybody may know."""
    assert len(session.invites) == 2
    found = []
    for invite in session.invites:
        spoken, _, link = invite["code"].partition("-")[2], *invite["link"].partition("peertalk:")[1:]
        found += [spoken, spoken.replace("-", " "), spoken.replace("-", ""), link.split("/")[2].partition("?")[0]]
        found += [word for word in spoken.split("-") if len(word) > 5]  # shorter ones are there by chance
    return found


def slots_of(session: Session) -> set[bytes]:
    """Of each slot what its tags are made with, which everybody knows, so that nobody else may see which it was; and what the codes say."""
    slots = {one for number in SLOTS for one in (slot_secret(number), room_id(slot_secret(number)))}
    said = {parse(invite[way]).password for invite in session.invites for way in ("code", "link")}
    return slots | said | {parse(invite["link"]).secret for invite in session.invites}


@pytest.mark.timeout(120)
async def test_a_cable_tells_addresses_times_and_sizes_and_nothing_else(session: Session, lab: Lab) -> None:
    keys = await keys_of(session.hosts)
    assert len(keys) > 20
    prints = [fingerprint(key) for key in keys]
    words = [*WORDS, *prints, *(one.replace(" ", "") for one in prints), str(lab.directory), lab.directory.name]
    words += codes_of(session)
    keys |= slots_of(session)
    assert canaries.found(session.haystack(), words, keys) == []
    ours = [
        word for word in (socket.gethostname(), getpass.getuser(), "nick") if len(word) > 3
    ]  # shorter ones are there by chance
    assert canaries.found(session.haystack(plain=True), ours) == []
    assert canaries.found(session.haystack(plain=True), ["_peertalk"]) == ["_peertalk"]
    check_kinds(session)
    check_mdns(session)
    check_sizes(session)
    check_starts(session)


def check_kinds(session: Session) -> None:
    """Nothing goes out but what the kernel says for itself, multicast DNS, and connections between the hosts."""
    kinds = {packet.kind for packet in session.captured}
    print("\nseen:", sorted(kinds))
    assert kinds <= KERNEL | {"udp 5353", "tcp"}
    assert {"udp 5353", "tcp", "arp"} <= kinds
    hosts = {host.address for host in session.hosts}
    assert {packet.target for packet in session.captured if packet.kind == "arp"} <= hosts
    for packet in session.captured:
        if packet.kind == "udp 5353":
            assert packet.target in {"224.0.0.251", "ff02::fb"} | hosts or packet.target.startswith("fe80::"), packet
        elif packet.kind == "tcp":
            assert packet.target in hosts or packet.target.startswith("fe80::"), packet
    listening = {port for ports in session.ports.values() for port in ports}
    assert all(listening & {*packet.ports} for packet in session.captured if packet.kind == "tcp")


def check_mdns(session: Session) -> None:
    assert len(session.mdns) > 20
    for packet in session.mdns:
        number, flags, records = dns(packet.payload)
        assert (number, flags) in {(0, 0), (0, 0x8400)}
        for record in records:
            first, _, rest = record.name.partition(".")
            assert record.name == SERVICE or (RANDOM.fullmatch(first) and rest in {SERVICE, "local."}), record
            if record.ttl is None:
                continue
            assert record.ttl <= max(TTLS[record.type]), record
            if record.type == TXT:
                assert record.data == b"\x03v=1"
            elif record.type == SRV:
                priority, weight, port, target = record.data
                assert (priority, weight) == (0, 0)
                assert port in set().union(*session.ports.values())
                assert re.fullmatch(r"[0-9a-f]{16}\.local\.", target)
            elif record.type in {A, AAAA}:
                address = ip_address(record.data)
                assert str(address) in {host.address for host in session.hosts} or address.is_link_local


def check_sizes(session: Session) -> None:
    """Setting up a channel has the same sizes always; after it there are records, of few sizes; short texts have one."""
    said: dict[str, list[list[int]]] = {"ja": [], "nein": []}
    pairings = 0
    for (host, _, _, (_, port)), pieces in streams(session.captured).items():
        parts = frames(pieces)
        sizes = [len(part) for _, part in parts]
        dials = port in set().union(*session.ports.values()) - session.ports[host]
        setup = (PAIRING if PAIRING[dials][2] in sizes[2:3] else SETUP)[dials]
        pairings += setup in PAIRING.values()
        assert sizes[: len(setup)] == setup[: len(sizes)]
        assert set(sizes[len(setup) :]) <= (SIZES if setup in SETUP.values() else set())
        for text, windows in said.items():
            start, end = session.said[text]
            windows.append([len(part) for at, part in parts if start <= at <= end and len(part) > CLAIM])
    assert sorted(said["ja"]) == sorted(said["nein"])
    print("\nrecords while a short text is sent:", sorted(one for one in said["ja"] if one))
    assert any(said["ja"])
    assert pairings == 2 * len(session.invites)


def check_starts(session: Session) -> None:
    """Two starts of one peer have nothing in common but its addresses, and what everybody has."""
    ben = session.hosts[1].number
    assert len(session.ports[ben]) == 2
    before = [packet for packet in session.captured if packet.at < session.restarted]
    after = [packet for packet in session.captured if packet.at >= session.restarted]
    common = observed(before, ben) & observed(after, ben)
    assert common - observed(session.captured, session.hosts[0].number) == set()
    assert len(observed(before, ben)) > 10


def observed(captured: list[Packet], host: int) -> set[object]:
    """Whatever could be recognised: names, ports, and the beginnings of all connections, which hold the ephemeral keys."""
    mine = [packet for packet in captured if packet.host == host]
    announced = [dns(packet.payload)[2] for packet in mine if packet.kind == "udp 5353"]
    found: set[object] = {
        (one.type, one.name, str(one.data)) for records in announced for one in records if one.type in (PTR, SRV, TXT)
    }
    found |= {word for packet in mine if packet.kind == "udp 5353" for word in RANDOM.findall(packet.payload.decode("latin-1"))}
    for packet in mine:
        if packet.kind == "tcp" and packet.payload:
            found |= {packet.payload[at : at + 16] for at in range(0, len(packet.payload) - 15, 2)}
    return found


@pytest.mark.parametrize(
    "written",
    [
        TEXT.encode(), TEXT.upper().encode(), TEXT.encode("utf-16-le"), TEXT.encode("utf-16-be"), TEXT.encode().hex().encode(),
        base64.b64encode(TEXT.encode()), base64.b64encode(b"x" + TEXT.encode() + b"yz"), TEXT[::-1].encode(),
        quote(TEXT).encode(), b"".join(b"%%%02X" % byte for byte in TEXT.encode()),
    ],
)  # fmt: skip
def test_the_search_finds_what_is_there(written: bytes) -> None:
    assert canaries.found(b"before" + written + b"after", [TEXT]) == [TEXT]
    assert canaries.found(b"before" + written[:-4] + b"after", [TEXT]) == []


def test_the_search_finds_keys() -> None:
    key = bytes(range(32))
    for written in (key, key[::-1], key.hex().encode(), base64.b64encode(b"12" + key), base64.urlsafe_b64encode(key)):
        assert canaries.found(b"%%" + written + b"%%", keys=[key]) == [key.hex()]
    assert canaries.found(Path(__file__).read_bytes(), keys=[key]) == []
