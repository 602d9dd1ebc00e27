"""Questions to the network, for the doctor: who answers by multicast, who by unicast, and what a TCP connection comes to.

Each is bounded in time and in packets, uses sockets of its own (so it tests what discovery rests on, not discovery), and
raises nothing. docs/protocol.md, "Finding out why nobody is found".
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import sys
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Literal

from zeroconf import (  # type: ignore[attr-defined]  # public, but not in its __all__
    DNSIncoming,
    DNSOutgoing,
    DNSQuestion,
)

from peertalk.node import mdns
from peertalk.node.interfaces import Interface, canonical
from peertalk.node.surroundings import is_denied

ASKING = 2.0  # seconds for answers; responders take up to 0.12 s, and up to 1 s if they have just answered somebody else
AGAIN = 0.8
CONNECTING = 3.4  # a system gives an address that nobody answers for about 3 s …
CONNECTING_IPV4 = 2.3  # … and Linux tells of IPv4 ones before that (surroundings.neighbours)
KINDS = "_services._dns-sd._udp.local."
GROUPS = {4: "224.0.0.251", 6: "ff02::fb"}
SRV, PTR = 33, 12
MAX_PACKETS = 1000

Outcome = Literal["open", "refused", "silent", "absent", "denied"]
"""Of a TCP connection: it is there; somebody is there and says no; nothing came back; nobody answers for that address; this
computer did not let it out."""


@dataclass(slots=True)
class Heard:
    """What one interface heard. `own`: one's own multicast came back; `visible`: one's own announcement was answered to a
    question from another socket; `others` are addresses of others that sent mDNS, `instances` the PeerTalks that were named;
    `errors` are the errno of what could not be sent or opened, `sent` counts what was."""

    interface: str
    own: bool = False
    visible: bool = False
    sent: int = 0
    errors: set[int] = field(default_factory=set)
    others: set[str] = field(default_factory=set)
    instances: set[str] = field(default_factory=set)


class Ear(asyncio.DatagramProtocol):
    """Keeps what comes, up to a limit."""

    def __init__(self) -> None:
        self.packets: list[tuple[bytes, str]] = []
        self.errors: set[int] = set()

    def datagram_received(self, data: bytes, addr: tuple[str, int] | tuple[str, int, int, int]) -> None:
        if len(self.packets) < MAX_PACKETS:
            self.packets.append((data, canonical(addr[0])))

    def error_received(self, exc: Exception) -> None:
        self.errors.add(getattr(exc, "errno", None) or errno.EIO)


# ── by multicast ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def ask(interface: Interface, own: Collection[str], instance: str | None) -> Heard:
    """Ask everybody on an interface which services there are, and listen. `own` are all own addresses (without a scope),
    `instance` is the own announcement, if there is one."""
    heard = Heard(interface.name)
    addresses = [literal.partition("%")[0] for literal in interface.literals()]
    firsts = {":" in address: address for address in reversed(addresses)}  # one of each family is heard by everybody
    await asyncio.gather(*(ask_family(interface, address, own, instance, heard) for address in firsts.values()))
    return heard


async def ask_family(interface: Interface, address: str, own: Collection[str], instance: str | None, heard: Heard) -> None:
    """The part of `ask` for one family."""
    version = ip_address(address).version
    place = (GROUPS[version], mdns.MDNS_PORT) if version == 4 else (GROUPS[version], mdns.MDNS_PORT, 0, interface.index)
    wide, narrow = Ear(), Ear()
    try:
        everybody = await endpoint(group_socket(interface, address, mdns.MDNS_PORT), wide)
    except OSError as error:
        heard.errors.add(error.errno or errno.EIO)
        return
    try:
        alone = await endpoint(group_socket(interface, address, 0), narrow)
    except OSError:
        alone = None
    try:
        for wait in (AGAIN, ASKING - AGAIN):
            everybody.sendto(question((KINDS, PTR), (mdns.SERVICE, PTR)), place)
            if alone is not None and instance is not None:
                alone.sendto(question((f"{instance}.{mdns.SERVICE}", SRV), alone=True), place)
            await asyncio.sleep(wait)
            heard.sent += not wide.errors
    finally:
        everybody.close()
        if alone is not None:
            alone.close()
    understand(wide, narrow, own, instance, heard)


def understand(wide: Ear, narrow: Ear, own: Collection[str], instance: str | None, heard: Heard) -> None:
    """What was heard, told apart by whom it came from."""
    heard.errors |= wide.errors
    for data, host in wide.packets:
        if host.partition("%")[0] in own:
            heard.own = True
        else:
            heard.others.add(host)
            heard.instances |= instances(data)
    heard.visible |= any(host.partition("%")[0] in own and instance in instances(data) for data, host in narrow.packets)


def group_socket(interface: Interface, address: str, port: int) -> socket.socket:
    """A socket that sends to the mDNS group of `address`'s family on this interface, and at port 5353 hears what is sent there
    too. OSError."""
    sixth = ":" in address
    one = socket.socket(socket.AF_INET6 if sixth else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        one.setblocking(False)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if (shared := getattr(socket, "SO_REUSEPORT", None)) is not None:
            one.setsockopt(socket.SOL_SOCKET, shared, 1)
        if sixth:
            index = interface.index.to_bytes(4, sys.byteorder)
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
            options = socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, socket.inet_pton(socket.AF_INET6, GROUPS[6]) + index
        else:
            here = socket.inet_aton(address)
            one.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, here)
            one.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)
            options = socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(GROUPS[4]) + here
        one.bind(("", port))
        if port:
            mdns.keep_to(one, interface.index)
            one.setsockopt(*options)
    except BaseException:
        one.close()
        raise
    return one


# ── by unicast ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def ask_directly(hosts: Iterable[str]) -> set[str]:
    """Ask each of these IPv4 hosts alone, by unicast (RFC 6762, 5.5); those that answer. Whoever answers so but is not heard
    by multicast is behind something that filters it. From a port of our own, so that a firewall lets the answers in."""
    asked = [host for host in dict.fromkeys(hosts) if ":" not in host]
    if not asked:
        return set()
    ear = Ear()
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.setblocking(False)
    try:
        one.bind(("", 0))
        transport = await endpoint(one, ear)
    except OSError:
        one.close()
        return set()
    try:
        for wait in (AGAIN, ASKING - AGAIN):
            for host in asked:
                transport.sendto(question((KINDS, PTR), (mdns.SERVICE, PTR), alone=True), (host, mdns.MDNS_PORT))
            await asyncio.sleep(wait)
    finally:
        transport.close()
    return {host for _, host in ear.packets} & set(asked)


def patience(host: str) -> float:
    """Seconds that a connection to this address gets."""
    return CONNECTING_IPV4 if sys.platform == "linux" and ":" not in host else CONNECTING


async def connect(host: str, port: int, seconds: float) -> Outcome:
    """What becomes of a TCP connection, which is hung up at once. A timeout is `silent` here: whether anybody answers for the
    address is for the caller to look up."""
    try:
        async with asyncio.timeout(seconds):
            _, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        return "silent"
    except ConnectionRefusedError:
        return "refused"
    except OSError as error:
        gone = {errno.EHOSTUNREACH, errno.ENETUNREACH, getattr(errno, "EHOSTDOWN", errno.EHOSTUNREACH)}
        return "denied" if is_denied(error) else "absent" if error.errno in gone else "silent"
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return "open"


# ── packets ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def endpoint(one: socket.socket, ear: Ear) -> asyncio.DatagramTransport:
    """The socket, with `ear` getting what comes to it."""
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: ear, sock=one)
    return transport


def question(*asked: tuple[str, int], alone: bool = False) -> bytes:
    """A question to everybody; `alone`: one whose answer is for the asker only. Such a one has a number of its own: two alike, by
    two doctors, would be taken for one that came twice, and be answered once."""
    query = DNSOutgoing(mdns.QUERY, multicast=not alone, id_=int.from_bytes(os.urandom(2)) if alone else 0)
    for name, kind in asked:
        query.add_question(DNSQuestion(name, kind, mdns.IN))
    return query.packets()[0]


def instances(data: bytes) -> set[str]:
    """The PeerTalks that a response names, as pointers or with their place."""
    message = DNSIncoming(data)
    if not message.valid or message.is_query():
        return set()
    names = [getattr(answer, "alias", answer.name) for answer in message.answers() if answer.type in (PTR, SRV)]
    return {instance for name in names if (instance := mdns.instance_of(name))}
