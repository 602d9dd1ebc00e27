"""Time, and the ways on which messages are under way: halves of a network that do not hear each other, walls that let nobody in,
readers that read nothing, links on which much waits."""

from __future__ import annotations

import heapq
import random
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

from peertalk.core.session import SILENT_SECONDS
from peertalk.core.sync import Replica
from peertalk.errors import RemoteError

if TYPE_CHECKING:
    from tests.sim.world import Host

QUICK, SLOW = (0.0002, 0.02), (0.3, 2.5)
"""Seconds that a message is under way."""
FULL, TAKES_AGAIN = 24 << 10, 8 << 10
"""Bytes under way one way on a link from which on it is congested, and below which it is no longer: few, so that it happens."""


class Violation(AssertionError):
    """An invariant does not hold."""


class Ways:
    """Names of hosts; whoever is not named is with those of part 0, reads, and can be dialled."""

    def __init__(self) -> None:
        self.part: dict[str, int] = {}
        self.walled: set[str] = set()
        """Those whom nobody can dial: they dial others, and what they have dialled works both ways."""
        self.reads_after: dict[str, float] = {}
        self.parted = 0
        """How often the network has been parted: what breaks then is told from what is parted anew."""

    def split(self, parts: Iterable[Sequence[str]]) -> None:
        """From now on these do not hear each other."""
        self.parted += 1
        self.part = {name: number for number, names in enumerate(parts) for name in names}

    def heal(self) -> None:
        self.part = {}

    def are_apart(self, one: str, other: str) -> bool:
        return self.part.get(one, 0) != self.part.get(other, 0)

    def can_dial(self, one: str, other: str) -> bool:
        return other not in self.walled and not self.are_apart(one, other)

    def reads(self, name: str, now: float) -> bool:
        return self.reads_after.get(name, 0.0) <= now


@dataclass(slots=True)
class Way:
    """One direction of a link: what is under way on it, in order. `waits` is how much of it could have arrived."""

    sender: Host
    peer: Host
    dice: random.Random
    pace: tuple[float, float] = QUICK
    queue: deque[tuple[int, Callable[[Replica], None]]] = field(default_factory=deque)
    size: int = 0
    waits: int = 0
    arrival: float = 0.0
    is_full: bool = False


class Network:
    """Links between hosts, both directions of each, on a clock that runs from event to event."""

    def __init__(self, seed: int | str) -> None:
        self.seed = seed
        self.time = 0.0
        self.links: dict[int, tuple[Host, Host]] = {}
        self.ways = Ways()
        self._ways: dict[tuple[int, str], Way] = {}
        self._dice: dict[tuple[str, str], random.Random] = {}
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self.most_steps = 2_000_000
        """Events in one `run`, beyond which it does not come to rest."""

    def close(self, number: int, *, needless: bool = False) -> None:
        raise NotImplementedError

    def blame(self, host: Host, number: int, reason: str) -> None:
        raise NotImplementedError

    def at(self, delay: float, run: Callable[[], None]) -> None:
        heapq.heappush(self._heap, (self.time + delay, next(self._order), run))

    def run(self, seconds: float) -> None:
        """Let time pass."""
        end = self.time + seconds
        steps = 0
        while self._heap and self._heap[0][0] <= end:
            self.time, _, run = heapq.heappop(self._heap)
            run()
            steps += 1
            if steps > self.most_steps:
                raise Violation("the world does not come to rest")
        self.time = end

    def run_until(self, is_done: Callable[[], bool]) -> None:
        """Let time pass, event by event, until it is so; a second at most."""
        end = self.time + 1
        while self._heap and self._heap[0][0] <= end and not is_done():
            self.time, _, run = heapq.heappop(self._heap)
            run()

    # ── who hears whom ───────────────────────────────────────────────────────────────────────────────────────────────

    def part(self, *parts: str | list[str]) -> None:
        """The network falls apart. What is under way across waits; links that stay silent for so long that it is noticed break."""
        self.ways.split(parts)
        for number in self._across():
            self.at(SILENT_SECONDS, lambda number=number, parted=self.ways.parted: self._notice(number, parted))

    def _across(self) -> list[int]:
        return [number for number, (one, other) in self.links.items() if self.ways.are_apart(one.name, other.name)]

    def _notice(self, number: int, parted: int) -> None:
        if self.ways.parted == parted and number in self._across():
            self.close(number)

    def heal(self) -> None:
        self.ways.heal()
        self._go_on()

    def stall(self, host: Host, seconds: float) -> None:
        """Somebody reads nothing for so long."""
        self.ways.reads_after[host.name] = self.time + seconds
        self.at(seconds, self._go_on)

    def _go_on(self) -> None:
        """What waited on the ways arrives, in order, where it can."""
        for (number, _), way in list(self._ways.items()):
            if self._flows(way):
                for _ in range(way.waits):
                    self.at(0.001, lambda number=number, way=way: self._arrive(number, way))
                way.waits = 0

    def _flows(self, way: Way) -> bool:
        one, other = way.sender.name, way.peer.name
        return not self.ways.are_apart(one, other) and self.ways.reads(other, self.time)

    # ── what is under way ────────────────────────────────────────────────────────────────────────────────────────────

    def lay(self, number: int, one: Host, other: Host, slow: Host | None) -> None:
        """Both ways of a link. How long each message takes hangs on who says it to whom."""
        self.links[number] = (one, other)
        for host, peer in ((one, other), (other, one)):
            dice = self._dice.setdefault((host.name, peer.name), random.Random(f"{self.seed} {host.name} to {peer.name}"))
            self._ways[number, host.name] = Way(host, peer, dice, SLOW if host is slow else QUICK)

    def deliver(self, way: Way, number: int, size: int, call: Callable[[Replica], None]) -> None:
        way.queue.append((size, call))
        way.size += size
        way.arrival = max(way.arrival, self.time + way.dice.uniform(*way.pace))
        heapq.heappush(self._heap, (way.arrival, next(self._order), lambda: self._arrive(number, way)))
        if way.size > FULL and not way.is_full:
            self._tell_pace(number, way)

    def _arrive(self, number: int, way: Way) -> None:
        """The next message that is under way arrives, unless the link has ended or something holds it up."""
        if number not in self.links or way.peer.replica is None:
            return
        if not self._flows(way):
            way.waits += 1
            return
        size, call = way.queue.popleft()
        way.size -= size
        if way.is_full and way.size < TAKES_AGAIN:
            self._tell_pace(number, way)
        try:
            way.peer.do(call)
        except RemoteError as error:
            self.blame(way.peer, number, str(error))

    def _tell_pace(self, number: int, way: Way) -> None:
        """As a link does that has much to send, or takes more again: in a moment, not in the middle of something else."""
        way.is_full = not way.is_full

        def tell(replica: Replica) -> None:
            if number in self.links:
                replica.congested(number, much=way.is_full)

        way.sender.later(0.0, tell)
