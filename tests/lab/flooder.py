"""`python -m tests.lab.flooder VICTIM HONEST`: announces 300 instances that are not there, once a second, until its input ends.

Strangers, services that are none of ours, and forgeries: other hosts' addresses, ports of services there, what must never be
dialled, records that are as large as they can be.
"""

from __future__ import annotations

import random
import secrets
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle
from select import select

from zeroconf import DNSAddress, DNSOutgoing, DNSPointer, DNSService, DNSText

from peertalk.node.mdns import SERVICE

RESPONSE, IN, UNIQUE = 0x8400, 1, 0x8001
A, AAAA, PTR, SRV, TXT = 1, 28, 12, 33, 16
HOUR, TWO_MINUTES = 4500, 120
NEVER = [
    "127.0.0.1",
    "224.0.0.251",
    "8.8.8.8",
    "0.0.0.0",
    "255.255.255.255",
    "169.254.1.1",
    "::1",
    "ff02::fb",
    "2001:4860::8888",
]


@dataclass
class Forgery:
    """One announcement."""

    addresses: list[str]
    port: int = 4711
    name: str = field(default_factory=lambda: secrets.token_hex(8))
    text: bytes = b"\x03v=1"

    def packet(self) -> bytes:
        full, host = f"{self.name}.{SERVICE}", f"{secrets.token_hex(8)}.local."
        out = DNSOutgoing(RESPONSE)
        out.add_answer_at_time(DNSPointer(SERVICE, PTR, IN, HOUR, full), 0)
        out.add_answer_at_time(DNSService(full, SRV, UNIQUE, TWO_MINUTES, 0, 0, self.port, host), 0)
        out.add_answer_at_time(DNSText(full, TXT, UNIQUE, HOUR, self.text), 0)
        for address in self.addresses:
            family, kind = (socket.AF_INET6, AAAA) if ":" in address else (socket.AF_INET, A)
            out.add_answer_at_time(DNSAddress(host, kind, UNIQUE, TWO_MINUTES, socket.inet_pton(family, address)), 0)
        return out.packets()[0]


def forgeries(victim: str, honest: str) -> Iterator[Forgery]:
    """300 of them. Nobody is at 10.77.0.100 and above, nor in 10.200.0.0/16."""
    near = [f"10.77.0.{number}" for number in random.sample(range(100, 250), 100)]
    far = [f"10.200.{number}.7" for number in range(40)]
    yield from (Forgery([address]) for address in near + far)
    yield from (Forgery([victim], port=port) for port in range(20_000, 20_040))
    yield from (Forgery([victim], port=22) for _ in range(40))
    yield from (Forgery([honest], port=port) for port in range(20_000, 20_010))
    yield from (Forgery([address]) for address in NEVER)
    yield from (Forgery([victim], port=0) for _ in range(11))
    yield from (Forgery([victim], name=f"Annas MacBook {number}") for number in range(20))
    yield from (Forgery([near[number]], text=b"\xff" + bytes(255) + b"\xff" + bytes(255)) for number in range(15))
    yield from (Forgery([near[number]], text=(b"\xff" + b"x" * 255) * 30) for number in range(5))
    yield from (Forgery([f"10.201.{number}.{last}" for last in range(1, 79)]) for number in range(10))


def main() -> None:
    victim, honest = sys.argv[1:]
    packets = [forgery.packet() for forgery in forgeries(victim, honest)]
    print(len(packets), flush=True)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending:
        sending.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sending.bind(("", 5353))
        for number, packet in enumerate(cycle(packets)):
            sending.sendto(packet, ("224.0.0.251", 5353))
            if number % 10 == 0 and select([sys.stdin], [], [], 0.03)[0]:
                return


if __name__ == "__main__":
    main()
