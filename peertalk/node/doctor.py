"""Looks at the network for somebody who finds nobody: runs the probes side by side, and has diagnosis.py say what it means.

Five seconds at most, no root, nothing that blocks the event loop. Nothing is changed, and nobody is told more than by searching.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from peertalk.core.events import Report
from peertalk.node import interfaces, probes, surroundings
from peertalk.node.diagnosis import Findings, Peer, conclude
from peertalk.node.probes import Heard, Outcome
from peertalk.node.surroundings import Surroundings
from peertalk.node.targets import Endpoint, Target

if TYPE_CHECKING:
    from peertalk.node.life import Life

AT_MOST = 4.5  # seconds for everything
LATER = 0.6
MAX_DIALLED = 8
MAX_ASKED = 8


class Dials:
    """TCP connections that are tried at the same time; all of them are over `seconds` after it was made."""

    def __init__(self, seconds: float) -> None:
        self._until = asyncio.get_running_loop().time() + seconds
        self._tasks: dict[Endpoint, asyncio.Task[Outcome]] = {}

    def begin(self, endpoints: Iterable[Endpoint]) -> None:
        """Try these, each once."""
        left = self._until - asyncio.get_running_loop().time()
        for host, port in endpoints:
            if (host, port) not in self._tasks:
                trying = probes.connect(host, port, min(left, probes.patience(host)))
                self._tasks[host, port] = asyncio.create_task(trying)

    async def finish(self) -> dict[Endpoint, Outcome]:
        """What has become of them."""
        return dict(zip(self._tasks, await asyncio.gather(*self._tasks.values()), strict=True))

    async def cancel(self) -> None:
        """Try no longer."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)


class Doctor:
    """Examines the network of a running node."""

    def __init__(self, life: Life) -> None:
        self._life = life
        self._used: tuple[interfaces.Interface, ...] = ()
        self._own: set[str] = set()

    async def examine(self) -> Report:
        """Look at everything, and conclude."""
        present = await asyncio.to_thread(interfaces.look)
        self._used = interfaces.usable(present, self._life.settings.interfaces)
        self._own = {str(address.ip) for one in present for address in one.addresses}
        dials = Dials(AT_MOST)
        try:
            dials.begin(self._own_endpoints())
            heard, direct, _ = await asyncio.gather(self._ask(), self._ask_directly(), self._dial(dials))
            outcomes = await dials.finish()
        finally:
            await dials.cancel()
        around = await asyncio.to_thread(surroundings.look_around, present)
        return conclude(self._gather(around, heard, direct, outcomes))

    # ── asking ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _ask(self) -> list[Heard]:
        """Everybody, by multicast, where searching is on."""
        if self._life.discovery is None:
            return []
        instance = self._life.discovery.instance
        return await asyncio.gather(*(probes.ask(one, self._own, instance) for one in self._used))

    async def _ask_directly(self) -> set[str]:
        """Routers, whoever is linked, and whoever this computer has spoken with lately, by unicast."""
        if self._life.discovery is None:
            return set()
        routers, table = await asyncio.to_thread(lambda: (surroundings.gateways(), surroundings.neighbours() or {}))
        known = dict.fromkeys([*routers, *self._linked_hosts(), *(host for host, answers in table.items() if answers)])
        return await probes.ask_directly([host for host in known if self._is_near(host)][:MAX_ASKED])

    async def _dial(self, dials: Dials) -> None:
        """Whoever is known now, and who is a little later: a node that has just begun knows nobody yet."""
        searching = self._used and self._life.discovery is not None
        for wait in (LATER, probes.ASKING - LATER, 0.0) if searching else (0.0,):
            dials.begin(self._whom_to_dial())
            await asyncio.sleep(wait)

    def _own_endpoints(self) -> list[Endpoint]:
        """The own port, once on each interface."""
        return [(one.literals()[0], self._life.listener.port) for one in self._used]

    def _whom_to_dial(self) -> list[Endpoint]:
        """Where those are that are announced, or were asked for, and that nobody has reached: the best address of each."""
        hosts = self._linked_hosts()
        wanted = [
            target.endpoints[0]
            for target, linked in self._others()
            if not (target.refused or linked or target.hosts.intersection(hosts))
        ]
        return wanted[:MAX_DIALLED]

    def _others(self) -> list[tuple[Target, bool]]:
        """Who is announced, or was asked for, on other computers than this."""
        return [
            (target, linked)
            for target, linked in self._life.dialer.known()
            if (target.announced or target.kept) and self._own.isdisjoint(map(bare, target.hosts))
        ]

    def _linked_hosts(self) -> list[str]:
        """Where those are who are linked: who has dialled us is known by that alone."""
        return [link.address[0] for link in self._life.links.lines.values()]

    def _is_near(self, host: str) -> bool:
        """Whether it is another computer of the same network."""
        return bare(host) not in self._own and interfaces.on_link(host, self._used)

    # ── what was found ───────────────────────────────────────────────────────────────────────────────────────────────

    def _gather(
        self, around: Surroundings, heard: list[Heard], direct: set[str], outcomes: dict[Endpoint, Outcome]
    ) -> Findings:
        life = self._life
        return Findings(
            platform=sys.platform,
            port=life.listener.port,
            chosen_port=bool(life.settings.port),
            searching=life.discovery is not None,
            addresses=tuple((one.name, bare(literal)) for one in self._used for literal in one.literals()),
            around=around,
            heard=tuple(heard),
            direct=frozenset(direct),
            listening=tuple((bare(host), outcomes[host, port]) for host, port in self._own_endpoints()),
            peers=tuple(self._peers(heard, outcomes)),
            links=len(life.links.lines),
            near=len({host for host in self._linked_hosts() if self._is_near(host)}),
            visits=life.listener.visits,
            unvisited=sum(target.unvisited for target, _ in self._others()),
            rooms=len(life.lookup.rooms()),
        )

    def _peers(self, heard: list[Heard], outcomes: dict[Endpoint, Outcome]) -> list[Peer]:
        named = {instance for one in heard for instance in one.instances}
        hosts = self._linked_hosts()
        return [
            Peer(
                host=target.endpoints[0][0],
                near=self._is_near(target.endpoints[0][0]),
                announced=target.announced,
                now=target.key in named,
                linked=linked or not target.hosts.isdisjoint(hosts),
                shares_nothing=target.refused,
                outcome=outcomes.get(target.endpoints[0]),
            )
            for target, linked in self._others()
        ]


def bare(host: str) -> str:
    """An address without its scope."""
    return host.partition("%")[0]
