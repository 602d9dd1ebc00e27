"""A router of the lab: answers mDNS as `_http._tcp`, as many routers and printers do, and, with `reflect`, repeats what others send
to the mDNS group, as the controllers of large Wi-Fis do. `python -m tests.lab.router ADDRESS [reflect]`; says `up`, ends with its input."""

from __future__ import annotations

import asyncio
import socket
import sys

from zeroconf import IPVersion
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

GROUP, PORT = "224.0.0.251", 5353


class Reflector(asyncio.DatagramProtocol):
    """Sends what comes from others once more, from here."""

    def __init__(self, own: str) -> None:
        self._own = own

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if addr[0] != self._own:
            self._transport.sendto(data, (GROUP, PORT))  # type: ignore[attr-defined]


def group_socket(own: str) -> socket.socket:
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.setblocking(False)
    for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
        one.setsockopt(socket.SOL_SOCKET, option, 1)
    one.bind(("", PORT))
    here = socket.inet_aton(own)
    one.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, here)
    one.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(GROUP) + here)
    return one


async def main(own: str, reflects: bool) -> None:
    if reflects:
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: Reflector(own), sock=group_socket(own))
    mdns = AsyncZeroconf(interfaces=[own], ip_version=IPVersion.V4Only)
    kind = "_http._tcp.local."
    info = AsyncServiceInfo(kind, f"router.{kind}", port=80, server="router.local.", parsed_addresses=[own])
    await mdns.async_register_service(info, cooperating_responders=True)
    print("up", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await mdns.async_close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], "reflect" in sys.argv))
