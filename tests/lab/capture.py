"""Everything that crosses the cables of a lab: taken at each port of the switch, and read without any of peertalk's code.

`python -m tests.lab.capture FILE PORT…` runs in the switch's namespace until its input ends. Each frame that a host sends is
written once: `seconds f64 ‖ number of the host u8 ‖ length u32 ‖ frame`.
"""

from __future__ import annotations

import asyncio
import re
import selectors
import socket
import struct
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

from tests.lab.lab import ROOT, Lab

ETH_P_ALL, RCVBUFFORCE, LARGEST = 3, 33, 2**18
HEAD = struct.Struct("!dBI")
ARP, IPV4, IPV6 = 0x0806, 0x0800, 0x86DD
ICMP, IGMP, TCP, UDP, ICMP6 = 1, 2, 6, 17, 58
SYN = 0x02


# ── taking it ────────────────────────────────────────────────────────────────────────────────────────────────────────


def main() -> None:
    file, *ports = sys.argv[1:]
    selector = selectors.DefaultSelector()
    for port in ports:
        one = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        one.setsockopt(socket.SOL_SOCKET, RCVBUFFORCE, 2**26)
        one.bind((port, ETH_P_ALL))
        selector.register(one, selectors.EVENT_READ, int(port.removeprefix("port")))
    selector.register(sys.stdin, selectors.EVENT_READ)
    with Path(file).open("wb") as out:
        print("held", flush=True)
        while True:
            ready = [key for key, _ in selector.select()]
            for key in ready:
                if isinstance(key.fileobj, socket.socket):
                    frame, address = key.fileobj.recvfrom(LARGEST)
                    if address[2] != socket.PACKET_OUTGOING:
                        out.write(HEAD.pack(time.monotonic(), key.data, len(frame)) + frame)
            if [key.fileobj for key in ready] == [sys.stdin]:
                return


@asynccontextmanager
async def capture(lab: Lab) -> AsyncIterator[Path]:
    """The file that holds, when the block has ended, what all hosts have sent in it."""
    file = lab.directory / "capture"
    process = await asyncio.create_subprocess_exec(
        "ip", "netns", "exec", lab.switch, sys.executable, "-m", "tests.lab.capture", str(file),
        *(f"port{host.number}" for host in lab.hosts),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT,
    )  # fmt: skip
    assert process.stdout is not None
    assert await process.stdout.readline() == b"held\n"
    try:
        yield file
    finally:
        await process.communicate(b"\n")
    assert process.returncode == 0


# ── reading it ───────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Packet:
    """One that a host has sent. `kind` is what it is: "arp", "igmp", "icmp6 135", "udp 5353" (where to), "tcp"."""

    at: float
    host: int
    frame: bytes
    kind: str
    source: str = ""
    target: str = ""
    ports: tuple[int, int] = (0, 0)
    payload: bytes = b""
    seq: int = 0
    syn: bool = False


def packets(file: Path) -> list[Packet]:
    data, found, at = file.read_bytes(), [], 0
    while at < len(data):
        seconds, host, length = HEAD.unpack_from(data, at)
        at += HEAD.size + length
        found.append(dissect(seconds, host, data[at - length : at]))
    return found


def dissect(at: float, host: int, frame: bytes) -> Packet:
    (what,) = struct.unpack_from("!H", frame, 12)
    if what == ARP:
        return Packet(at, host, frame, "arp", target=str(IPv4Address(frame[38:42])))
    if what == IPV4:
        start, total = 14 + (frame[14] & 15) * 4, struct.unpack_from("!H", frame, 16)[0]
        ends = str(IPv4Address(frame[26:30])), str(IPv4Address(frame[30:34]))
        return _transport(at, host, frame, frame[23], frame[start : 14 + total], *ends)
    assert what == IPV6, hex(what)
    above, start, total = frame[20], 54, 54 + struct.unpack_from("!H", frame, 18)[0]
    if above == 0:  # hop-by-hop options, as multicast listener reports have them
        above, start = frame[54], 54 + 8 * (frame[55] + 1)
    return _transport(
        at, host, frame, above, frame[start:total], str(IPv6Address(frame[22:38])), str(IPv6Address(frame[38:54]))
    )


def _transport(at: float, host: int, frame: bytes, protocol: int, rest: bytes, source: str, target: str) -> Packet:
    if protocol in (TCP, UDP):
        ports: tuple[int, int] = struct.unpack_from("!HH", rest)
        if protocol == UDP:
            return Packet(at, host, frame, f"udp {ports[1]}", source, target, ports, rest[8:])
        payload, seq = rest[(rest[12] >> 4) * 4 :], struct.unpack_from("!I", rest, 4)[0]
        return Packet(at, host, frame, "tcp", source, target, ports, payload, seq, bool(rest[13] & SYN))
    kinds = {IGMP: "igmp", ICMP: f"icmp {rest[0]}", ICMP6: f"icmp6 {rest[0]}"}
    return Packet(at, host, frame, kinds[protocol], source, target)


Flow = tuple[int, str, str, tuple[int, int]]


def streams(found: list[Packet]) -> dict[Flow, list[tuple[float, bytes]]]:
    """The bytes of each direction of each connection, in order and once, in pieces with the time of each: (host, from, to, ports).
    Where nobody listened there is none."""
    flows: dict[Flow, list[Packet]] = defaultdict(list)
    for packet in found:
        if packet.kind == "tcp":
            flows[packet.host, packet.source, packet.target, packet.ports].append(packet)
    return {flow: list(_in_order(of)) for flow, of in flows.items() if any(packet.syn or packet.payload for packet in of)}


def _in_order(segments: list[Packet]) -> Iterator[tuple[float, bytes]]:
    start = next(packet.seq for packet in segments if packet.syn) + 1
    due = 0
    for packet in sorted(segments, key=lambda packet: (packet.seq - start) % 2**32 if not packet.syn else -1):
        if packet.syn or not packet.payload:
            continue
        offset = (packet.seq - start) % 2**32
        assert offset <= due, "a segment was not captured"
        if offset + len(packet.payload) > due:
            yield packet.at, packet.payload[due - offset :]
            due = offset + len(packet.payload)


def frames(pieces: list[tuple[float, bytes]]) -> list[tuple[float, bytes]]:
    """What a direction of a connection carries, cut by the lengths before each part; and when each was there."""
    found, held = [], b""
    for at, piece in pieces:
        held += piece
        while len(held) >= 2 and len(held) >= (end := 2 + int.from_bytes(held[:2], "big")):
            found.append((at, held[2:end]))
            held = held[end:]
    assert held == b""
    return found


# ── multicast DNS ────────────────────────────────────────────────────────────────────────────────────────────────────

PTR, TXT, A, AAAA, SRV, NSEC = 12, 16, 1, 28, 33, 47


@dataclass(frozen=True, slots=True)
class Record:
    """A question (`ttl` None) or a record. `data` is a name (PTR), (priority, weight, port, host) (SRV), or bytes."""

    name: str
    type: int
    ttl: int | None
    data: object = None


def dns(message: bytes) -> tuple[int, int, list[Record]]:
    """Id, flags, and everything that is in a message."""
    number, flags, asked, *counts = struct.unpack_from("!6H", message)
    at, found = 12, []
    for _ in range(asked):
        name, at = _name(message, at)
        found.append(Record(name, struct.unpack_from("!H", message, at)[0], None))
        at += 4
    for _ in range(sum(counts)):
        name, at = _name(message, at)
        type_, _, ttl, length = struct.unpack_from("!HHIH", message, at)
        found.append(Record(name, type_, ttl, _data(message, type_, at + 10, length)))
        at += 10 + length
    assert at == len(message)
    return number, flags, found


def _data(message: bytes, type_: int, at: int, length: int) -> object:
    if type_ == PTR:
        return _name(message, at)[0]
    if type_ == SRV:
        return (*struct.unpack_from("!HHH", message, at), _name(message, at + 6)[0])
    return message[at : at + length]


def _name(message: bytes, at: int) -> tuple[str, int]:
    """A name, and where what follows it begins."""
    labels, end = [], None
    while length := message[at]:
        if length >= 0xC0:
            end, at = end or at + 2, struct.unpack_from("!H", message, at)[0] & 0x3FFF
        else:
            labels.append(message[at + 1 : at + 1 + length].decode())
            at += 1 + length
    return ".".join([*labels, ""]), end or at + 1


RANDOM = re.compile(r"[0-9a-f]{16}")

if __name__ == "__main__":
    main()
