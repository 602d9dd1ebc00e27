"""Links that a person asks for (`--connect`, `/connect`): one try at a time for each address, one answer for all who ask."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from peertalk.config.address import is_host
from peertalk.errors import RequestError
from peertalk.node.dialer import Dialer
from peertalk.node.interfaces import canonical
from peertalk.node.link import Link, dial
from peertalk.node.ports import Clock
from peertalk.node.targets import Endpoint

MAX_ASKED = 16


class Connector:
    """`make(target)` gives the link for a dial of `target`. `asked` are the addresses that were asked for last, whatever came of it:
    whoever listens there may share no room with us yet, and invite us to one."""

    def __init__(self, dialer: Dialer, clock: Clock, make: Callable[[str], Link]) -> None:
        self._dialer, self._clock, self._make = dialer, clock, make
        self._tries: dict[Endpoint, asyncio.Task[None]] = {}
        self.asked: deque[Endpoint] = deque(maxlen=MAX_ASKED)

    async def connect(self, host: str, port: int, seconds: float) -> None:
        """Be linked with whoever listens there, and stay so: at once if that is so already. RequestError bad_address;
        not_reachable with why."""
        if not (is_host(host) and 0 < port < 65536):
            raise RequestError("bad_address", address=f"{host}:{port}")
        endpoint = canonical(host), port
        if endpoint not in self.asked:
            self.asked.append(endpoint)
        trying = self._tries.get(endpoint)
        if trying is None:
            trying = self._tries[endpoint] = asyncio.create_task(self._try(endpoint, seconds))
            trying.add_done_callback(lambda done: self._end(endpoint, done))
        await asyncio.wait({trying})
        if trying.cancelled():
            raise RequestError("not_reachable", host=host, port=port, why="closing")
        trying.result()

    def _end(self, endpoint: Endpoint, done: asyncio.Task[None]) -> None:
        del self._tries[endpoint]
        if not done.cancelled():
            done.exception()  # that nobody waits for it any more is no mistake

    async def _try(self, endpoint: Endpoint, seconds: float) -> None:
        try:
            link = None if self._dialer.reaches(*endpoint) else await self._dial(endpoint, seconds)
        except RequestError:
            if not self._dialer.reaches(*endpoint):  # somebody else's dial may have had more luck meanwhile
                raise
            link = None
        self._dialer.keep(*endpoint, self._clock.mono(), identity=link.peer if link is not None else None)

    async def _dial(self, endpoint: Endpoint, seconds: float) -> Link:
        host, port = endpoint
        link = await dial(host, port, lambda: self._make(f"{host} {port}"), seconds)
        try:
            async with asyncio.timeout(seconds):
                await link.settled()
        except TimeoutError:
            link.close("timeout")
        except asyncio.CancelledError:
            link.close("closing")
            raise
        if link.peer is None:
            raise RequestError("not_reachable", host=host, port=port, why=(link.reason or "").removeprefix("refused:"))
        return link

    async def close(self) -> None:
        """Whoever still waits is told that nobody was reached."""
        tries = [*self._tries.values()]
        for trying in tries:
            trying.cancel()
        await asyncio.gather(*tries, return_exceptions=True)
