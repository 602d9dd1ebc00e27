"""Whom there is to dial, and how much of that may be in flight (docs/protocol.md, "Dialling")."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

IN_FLIGHT = 16
IN_FLIGHT_PER_SOURCE = 4

Endpoint = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Dial:
    """Dial now: try these endpoints, the first ones first; the first that connects counts."""

    target: str
    endpoints: tuple[Endpoint, ...]


@dataclass(slots=True)
class Target:
    """Somebody to be linked with: an announced instance, or an address. `due` is infinite while a dial is in flight.

    `left_until`: it was that one's turn to dial, until then. `in_vain`: the dial in flight began because nothing had come by then;
    `unvisited`: such a dial got through, so the way there was free and the way back perhaps was not (for the doctor)."""

    key: str
    endpoints: tuple[Endpoint, ...]
    due: float
    announced: bool = False
    kept: bool = False
    identity: bytes | None = None
    flying: bool = False
    refused: bool = False
    again: bool = False
    failures: int = 0
    member_until: float = -math.inf
    left_until: float = math.inf
    in_vain: bool = False
    unvisited: bool = False

    @property
    def hosts(self) -> set[str]:
        return {host for host, _ in self.endpoints}

    def meets(self, other: Target) -> bool:
        return not set(self.endpoints).isdisjoint(other.endpoints)


@dataclass(slots=True)
class Linked:
    """A linked identity: since when, by how many links, from which host if it was the one that dialled, and otherwise by
    which target, whose `due` then is when the link is to be renewed."""

    since: float
    links: int = 0
    came_from: str | None = None
    by: str | None = None


class Traffic:
    """What is in flight, and whom that leaves to start. `come` are hosts from which as many links have come in that belong to
    no target as there are targets that nobody was met at: those are linked, though nobody can say which by which link (a
    link that comes in has no instance name)."""

    def __init__(self, source: Callable[[str], str], come: set[str]) -> None:
        self._source = source
        self._come = come
        self._flying = 0
        self._endpoints: set[Endpoint] = set()
        self._sources: Counter[str] = Counter()

    def add(self, target: Target) -> None:
        self._flying += 1
        self._endpoints.update(target.endpoints)
        self._sources.update({self._source(host) for host in target.hosts})

    def lets(self, target: Target) -> bool:
        if target.flying or self._flying >= IN_FLIGHT or not self._endpoints.isdisjoint(target.endpoints):
            return False
        if target.identity is None and not self._come.isdisjoint(target.hosts):
            return False
        return all(self._sources[self._source(host)] < IN_FLIGHT_PER_SOURCE for host in target.hosts)
