"""Multicast DNS on one interface (docs/protocol.md, section 1).

Each interface has an instance of zeroconf of its own: so each network hears only of the addresses that are its own, an
interface that fails harms no other, and one that comes or goes is a `Site` that is opened or closed.
"""

from __future__ import annotations

import asyncio
import logging
import re
import socket
import sys
from collections.abc import Awaitable, Callable, Iterable
from ipaddress import ip_address
from typing import Any

from zeroconf import (  # type: ignore[attr-defined]  # two of them are public but not in its __all__
    DNSOutgoing,
    DNSQuestion,
    IPVersion,
    NotRunningException,
    ServiceListener,
    Zeroconf,
)
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

from peertalk.node.interfaces import Interface, canonical, dialable, may_listen, needs_scope, on_link
from peertalk.node.ports import Advertisement

SERVICE = "_peertalk._tcp.local."
RESOLVE = 3000  # milliseconds to wait for the rest of an announcement that came in parts
MAX_RESOLVING = 64
MAX_ADDRESSES = 8
MAX_TOLD = 64

# What zeroconf keeps to itself (DNS types and flags, RFC 1035 and RFC 6762), and two socket options of Linux.
QUERY, PTR, IN, MDNS_PORT = 0x0000, 12, 1, 5353
IP_MULTICAST_ALL, IPV6_MULTICAST_ALL = 49, 29

_INSTANCE = re.compile("[0-9a-f]{16}")
_SOCKET = re.compile(r"\('([0-9a-f.:]+)")
_log = logging.getLogger("peertalk.mdns")


class Excerpt(logging.Handler):
    """Of what zeroconf logs only that a socket failed, which it says once for each: the rest are tracebacks, and what others
    have sent."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, OSError):
            address = _SOCKET.search(str(record.msg))
            _log.warning("cannot send by multicast from %s: %s", address[1] if address else "a socket", error.strerror)


logging.getLogger("zeroconf").handlers = [Excerpt(logging.WARNING)]
logging.getLogger("zeroconf").propagate = False


class Site(ServiceListener):
    """One interface: announces what can be reached there, and tells `heard` who else does so (None: no longer)."""

    def __init__(self, interface: Interface, heard: Callable[[Site, str, Advertisement | None], None]) -> None:
        self.interface = interface
        self._heard = heard
        self._zeroconf = open_sockets(interface)
        self._facade = AsyncZeroconf(zc=self._zeroconf)
        self._info: AsyncServiceInfo | None = None
        self._tasks: set[asyncio.Future[object]] = set()

    @classmethod
    async def open(cls, interface: Interface, heard: Callable[[Site, str, Advertisement | None], None]) -> Site:
        """A site that listens. OSError where there cannot be one, for instance because the address has just gone."""
        try:
            site = cls(interface, heard)
        except RuntimeError as error:
            raise OSError(str(error)) from error
        try:
            await site._listen()
        except BaseException:
            await site.close()
            raise
        return site

    async def _listen(self) -> None:
        try:
            await self._zeroconf.async_wait_for_start()
        except NotRunningException as error:
            raise OSError("its sockets could not be opened") from error
        for reader in self._zeroconf.engine.readers:
            keep_to(reader.sock, self.interface.index)
        await self._facade.async_add_service_listener(SERVICE, self)

    async def announce(self, instance: str, host: str, port: int) -> None:
        """Announce this name in place of the one before, now and twice more within half a second, and ask who is there."""
        before, self._info = self._info, describe(self.interface, instance, host, port)
        self._keep(await self._facade.async_register_service(self._info, cooperating_responders=True))
        if before is not None:
            self._withdraw(before)
        self.ask()

    def hush(self) -> None:
        """Listen only: no more answers, and no goodbye, neither now nor at the end."""
        if self._info is not None:
            self._zeroconf.registry.async_remove(self._info)
        self._info = None

    def ask(self) -> None:
        """Ask who is there, without the 20 to 120 ms that zeroconf's own browser waits before it does."""
        question = DNSQuestion(SERVICE, PTR, IN)
        question.unicast = True
        query = DNSOutgoing(QUERY)
        query.add_question(question)
        self._zeroconf.async_send(query)

    async def close(self, tell: Iterable[str] = ()) -> None:
        """Take the announcement back and close the sockets. Those at the addresses `tell` are told once more by unicast: a
        Wi-Fi repeats a unicast that was not acknowledged, a multicast never."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._info is not None:
            self._withdraw(self._info, list(tell)[:MAX_TOLD])
        await self._facade.async_close()

    def add_service(self, zc: Zeroconf, type_: str, name: str) -> None:
        if instance_of(name) is None:
            return
        info = AsyncServiceInfo(type_, name)
        if info.load_from_cache(zc):
            self._tell(info)
        elif len(self._tasks) < MAX_RESOLVING:
            self._keep(self._resolve(info))

    update_service = add_service

    def remove_service(self, zc: Zeroconf, type_: str, name: str) -> None:  # noqa: ARG002 - zeroconf's signature
        if instance := instance_of(name):
            self._heard(self, instance, None)

    async def _resolve(self, info: AsyncServiceInfo) -> None:
        if await info.async_request(self._zeroconf, RESOLVE):
            self._tell(info)

    def _tell(self, info: AsyncServiceInfo) -> None:
        addresses = acceptable(info.parsed_scoped_addresses(), self.interface)
        instance = instance_of(info.name)
        if instance and addresses and info.port and may_listen(info.port):
            self._heard(self, instance, Advertisement(instance, addresses, info.port))

    def _withdraw(self, info: AsyncServiceInfo, tell: Iterable[str] = ()) -> None:
        self._zeroconf.registry.async_remove(info)
        goodbye = self._zeroconf.generate_service_broadcast(info, 0)
        self._zeroconf.async_send(goodbye)
        for literal in tell:
            host, _, scope = literal.partition("%")
            self._zeroconf.async_send(goodbye, host, MDNS_PORT, (0, int(scope)) if scope else ())

    def _keep(self, work: Awaitable[object]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class Sockets(Zeroconf):
    """Zeroconf for which a socket that cannot send is no reason to stop: others may, and so may this one next time."""

    def async_send(
        self,
        out: DNSOutgoing,
        addr: str | None = None,
        port: int = MDNS_PORT,
        v6_flow_scope: tuple[()] | tuple[int, int] = (),
        transport: Any = None,
    ) -> None:
        for one in [transport] if transport else list(self.engine.senders):
            try:
                super().async_send(out, addr, port, v6_flow_scope, one)
            except OSError as error:
                _log.info("cannot send on a multicast socket: %s", error.strerror)


def open_sockets(interface: Interface) -> Sockets:
    """One address of each family is enough to be heard by everybody there."""
    literals = [literal.partition("%")[0] for literal in interface.literals()]
    fourth = [literal for literal in literals if ":" not in literal][:1]
    sixth = [literal for literal in literals if ":" in literal][:1]
    version = IPVersion.All if fourth and sixth else IPVersion.V4Only if fourth else IPVersion.V6Only
    return Sockets([*fourth, *sixth], ip_version=version)


def keep_to(reader: socket.socket, index: int) -> None:
    """Neither receive nor send on any other interface. On Linux a socket gets the multicasts of all interfaces that any socket
    of the machine has joined, unless told not to; and those of IPv6 even then, unless it is bound to its interface."""
    if sys.platform != "linux":
        return
    if reader.family == socket.AF_INET6:
        reader.setsockopt(socket.IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0)
    reader.setsockopt(socket.IPPROTO_IP, IP_MULTICAST_ALL, 0)
    try:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, socket.if_indextoname(index).encode() + b"\0")
    except OSError as error:  # before Linux 5.7 only root may
        _log.info("a multicast socket is not bound to its interface: %s", error.strerror)


def instance_of(name: str) -> str | None:
    """The instance that a full service name says, None if PeerTalk would not have chosen it."""
    instance = name.removesuffix(f".{SERVICE}")
    return instance if _INSTANCE.fullmatch(instance) else None


def describe(interface: Interface, instance: str, host: str, port: int) -> AsyncServiceInfo:
    """What is announced: random names, the port, the addresses on this interface, `v=1`, and nothing else."""
    return AsyncServiceInfo(
        SERVICE,
        f"{instance}.{SERVICE}",
        port=port,
        properties={"v": "1"},
        server=f"{host}.local.",
        parsed_addresses=[literal.partition("%")[0] for literal in interface.literals()[:MAX_ADDRESSES]],
    )


def acceptable(literals: Iterable[str], interface: Interface) -> tuple[str, ...]:
    """Of announced addresses those that may be dialled, canonical, on-link ones first. A link-local address that came
    without a scope is on the interface that it was heard on."""
    hosts = [canonical(literal) for literal in literals]
    scoped = [f"{host}%{interface.index}" if "%" not in host and needs_scope(ip_address(host)) else host for host in hosts]
    allowed = [host for host in dict.fromkeys(scoped) if dialable(host, [interface])]
    return tuple(sorted(allowed, key=lambda host: (not on_link(host, [interface]), ":" in host)))[:MAX_ADDRESSES]
