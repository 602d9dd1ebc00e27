"""Finding others: names that say nothing, on every interface, wherever the machine is carried (docs/protocol.md, section 1)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import os
from collections.abc import Awaitable, Callable

from peertalk.node.interfaces import Interface, Place, Watch, look
from peertalk.node.mdns import MAX_ADDRESSES, Site
from peertalk.node.ports import Advertisement, Clock

ROTATION = 3600.0  # seconds that a name is kept, give or take a quarter
WAKING = 10.0  # seconds that what was heard before a sleep counts, unless it is heard again
MAX_HEARD = 1024  # instances that are remembered: whoever is on the network can announce any number

_log = logging.getLogger("peertalk.discovery")


class MdnsDiscovery:
    """The Discovery port on multicast DNS. `interfaces` limits it to these (names or addresses); empty: all but loopback.

    `instance` changes about once an hour, when the machine is carried to another network, and when it wakes: perhaps elsewhere.
    """

    def __init__(
        self,
        interfaces: tuple[str, ...] = (),
        *,
        clock: Clock,
        random: Callable[[int], bytes] = os.urandom,
        look: Callable[[], tuple[Interface, ...]] = look,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._random = random
        self._watch = Watch(interfaces, clock, look=look, pause=pause)
        self._own: set[str] = set()
        self._rename()
        self._place = Place()
        self._sites: dict[str, Site] = {}
        self._retired: list[Site] = []
        self._past: dict[Site, float] = {}
        self._broken: set[str] = set()
        self._heard: dict[str, dict[Site, Advertisement]] = {}
        self._following: asyncio.Task[None] | None = None

    @property
    def seen(self) -> int:
        return len(self._heard)

    def interfaces(self) -> list[tuple[str, str]]:
        return [(one.name, literal.partition("%")[0]) for one in self._watch.current for literal in one.literals()]

    async def start(
        self,
        port: int,
        found: Callable[[Advertisement], None],
        lost: Callable[[str], None],
        changed: Callable[[], None],
    ) -> None:
        """See Discovery. Once it returns, the first announcement and the first question are out. With no usable interface
        it waits for one; StartError("no_interface", name=…) only for one that was named and does not exist."""
        self._watch.require()
        self._port, self._found, self._lost, self._changed = port, found, lost, changed
        await self._reconcile()
        if not self._sites:
            _log.warning("no network interface to search on; waiting for one")
        self._following = asyncio.create_task(self._follow(), name="peertalk discovery")

    async def close(self) -> None:
        """Tell everybody that this instance is gone, and close the sockets."""
        if self._following is not None:
            self._following.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._following
        sites, self._sites, self._following = [*self._sites.values(), *self._retired], {}, None
        await asyncio.gather(*(site.close(self._neighbours(site)) for site in sites))
        self._heard.clear()

    async def _follow(self) -> None:
        with self._watch.changes:
            while True:
                await self._look()

    async def _look(self) -> None:
        moved, slept = await self._watch.next()
        await self._close_retired()
        await self._reconcile(slept=slept)
        if self._clock.mono() >= self._rotate_at:
            self._rename()
            await asyncio.gather(*(self._announce(site) for site in self._sites.values()))
        if moved or slept:
            self._changed()

    async def _reconcile(self, *, slept: bool = False) -> None:
        """Open sites for interfaces that came, retire those of interfaces that went or changed address.

        A retired site listens on until the next look: so an address that was added loses nobody who was found before. In another
        network, or after a sleep, nothing is said that was said before, a goodbye included: it would tell that this is the same
        machine."""
        wanted = {one.name: one for one in self._watch.current}
        carried = self._place.left(wanted.values())
        elsewhere = carried or slept
        for name in [name for name, site in self._sites.items() if elsewhere or wanted.get(name) != site.interface]:
            site = self._sites.pop(name)
            site.hush()
            self._retired.append(site)
        if elsewhere:
            self._rename()
            await self._close_retired(until=-math.inf if carried else self._clock.mono() + WAKING)
        await asyncio.gather(*(self._open(one) for name, one in wanted.items() if name not in self._sites))

    async def _open(self, interface: Interface) -> None:
        try:
            site = await Site.open(interface, self._hear)
        except OSError as error:
            if interface.name not in self._broken:
                _log.warning("cannot search on %s: %s", interface.name, error)
            self._broken.add(interface.name)
            return
        self._broken.discard(interface.name)
        self._sites[interface.name] = site
        await self._announce(site)

    async def _announce(self, site: Site) -> None:
        await site.announce(self.instance, self._host, self._port)

    async def _close_retired(self, until: float = -math.inf) -> None:
        """No site that was retired listens any more; what they heard counts `until` then."""
        retired, self._retired = self._retired, []
        for site in retired:
            self._past[site] = until
            await site.close()
        for site in [site for site, end in self._past.items() if end <= self._clock.mono()]:
            del self._past[site]
            for instance in [instance for instance, sites in self._heard.items() if site in sites]:
                self._hear(site, instance, None)

    def _rename(self) -> None:
        self.instance, self._host = self._random(8).hex(), self._random(8).hex()
        self._own.add(self.instance)
        jitter = int.from_bytes(self._random(2)) / 0x10000
        self._rotate_at = self._clock.mono() + ROTATION * (0.75 + jitter / 2)

    def _hear(self, site: Site, instance: str, advertisement: Advertisement | None) -> None:
        if instance in self._own:
            return
        before = self._merged(instance)
        if advertisement is None:
            self._heard.get(instance, {}).pop(site, None)
        else:
            self._heard.setdefault(instance, {})[site] = advertisement
        after = self._merged(instance)
        if after is None:
            self._heard.pop(instance, None)
        if before and not after:
            self._lost(instance)
        elif after and after != before:
            self._found(after)
        if len(self._heard) > MAX_HEARD:
            del self._heard[next(iter(self._heard))]  # not lost: whoever was there before a flood is still to be dialled

    def _merged(self, instance: str) -> Advertisement | None:
        """What all sites heard of an instance, as one; the newest port counts."""
        parts = list(self._heard.get(instance, {}).values())
        if not parts:
            return None
        addresses = dict.fromkeys(address for part in parts for address in part.addresses)
        return Advertisement(instance, tuple(addresses)[:MAX_ADDRESSES], parts[-1].port)

    def _neighbours(self, site: Site) -> list[str]:
        return [sites[site].addresses[0] for sites in self._heard.values() if site in sites]
