"""Whom there is to dial, and how much of that may be in flight (docs/protocol.md, "Dialling")."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import zip_longest

IN_FLIGHT = 16
IN_FLIGHT_PER_SOURCE = 4
GUESSES_IN_FLIGHT = 8
GUESSES_PER_INTRODUCER = 4
BURST = 16  # dials of strangers at one source that may follow each other at once …
PACE_SECONDS = 1.0  # … and the least pause between two after that
VISITS = 16  # links to whoever was not met yet, or is to be met once more, that may be made at once …
VISIT_SECONDS = 0.5  # … and the least pause between two after that
SETBACK = 20.0  # each failure puts a target behind whoever came within so many seconds after it

Endpoint = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Dial:
    """Dial now: try these endpoints, the first ones first; the first that connects counts."""

    target: str
    endpoints: tuple[Endpoint, ...]


@dataclass(slots=True)
class Target:
    """Somebody to be linked with: an announced instance, or an address. `due` is infinite while a dial is in flight,
    which it is `since` then.

    `identity` was met there; `supposed` is only remembered, or said by `introducer`, to be there.

    `spared`: it was met, and neither side needs the link now. `own_word` has said, over another link from there, that it listens
    here, and `rumour` is said to be here: that decides which of many are met first, and who was met already, and nothing else.

    `left_until`: it was that one's turn to dial, until then. `in_vain`: the dial in flight began because nothing had come by then;
    `unvisited`: such a dial got through, so the way there was free and the way back perhaps was not (for the doctor)."""

    key: str
    endpoints: tuple[Endpoint, ...]
    due: float
    announced: bool = False
    kept: bool = False
    identity: bytes | None = None
    supposed: bytes | None = None
    introducer: bytes | None = None
    flying: bool = False
    since: float = math.inf
    refused: bool = False
    again: bool = False
    failures: int = 0
    member_until: float = -math.inf
    left_until: float = math.inf
    in_vain: bool = False
    unvisited: bool = False
    spared: bool = False
    own_word: bytes | None = None
    rumour: bytes | None = None

    @property
    def hosts(self) -> set[str]:
        return {host for host, _ in self.endpoints}

    @property
    def who(self) -> bytes | None:
        """Who is there, as far as anybody knows."""
        return self.identity or self.supposed

    @property
    def is_guess(self) -> bool:
        """Nobody announces it, nobody asked for it, nobody was met there."""
        return not (self.announced or self.kept or self.identity)

    @property
    def is_stranger(self) -> bool:
        """Announced or asked for, and nobody was met there yet."""
        return self.identity is None and not self.is_guess

    @property
    def is_visit(self) -> bool:
        """Would a link only show who is there, or what has changed with somebody who was not needed?"""
        return self.announced and not self.kept and (self.identity is None or self.spared)

    def is_among(self, come: Set[str]) -> bool:
        """Is this one of those who have come from these hosts, of whom nobody can say which is which?"""
        return self.is_stranger and not come.isdisjoint(self.hosts)

    def may_be(self, identities: Container[bytes]) -> bool:
        """Is one of these perhaps there?"""
        return any(one in identities for one in (self.who, self.own_word, self.rumour) if one is not None)

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


def all_come(targets: Iterable[Target], linked: Mapping[bytes, Linked]) -> set[str]:
    """Hosts from which as many links have come in that belong to none of the targets as there are of these that nobody was met
    at: those are linked, though nobody can say which by which link (a link that comes in has no instance name)."""
    targets = list(targets)
    met = {one.identity for one in targets}
    came = Counter(one.came_from for who, one in linked.items() if who not in met)
    unknown = Counter(host for one in targets if one.is_stranger for host in one.hosts)
    return {host for host in unknown if came[host] >= unknown[host]}


class Traffic:
    """What is in flight, and whom that leaves to start; `come` is what `all_come` gives. `visiting`: how many are visits."""

    def __init__(self, source: Callable[[str], str], come: set[str]) -> None:
        self._source = source
        self._come = come
        self._flying = self.visiting = 0
        self._guesses = 0
        self._introduced: Counter[bytes] = Counter()
        self._endpoints: set[Endpoint] = set()
        self._sources: Counter[str] = Counter()

    def add(self, target: Target) -> None:
        self._flying += 1
        self.visiting += target.is_visit
        if target.is_guess:
            self._guesses += 1
            self._introduced[target.introducer or b""] += 1
        self._endpoints.update(target.endpoints)
        self._sources.update({self._source(host) for host in target.hosts})

    @property
    def full(self) -> bool:
        return self._flying >= IN_FLIGHT

    def lets(self, target: Target) -> bool:
        return not self.full and self.would_let(target)

    def would_let(self, target: Target) -> bool:
        """Whether it could be started if there were a place."""
        if target.flying or not self._endpoints.isdisjoint(target.endpoints):
            return False
        if target.is_guess:
            if self._has_guessed_enough(target.introducer):
                return False
        elif target.is_among(self._come):
            return False
        return all(self._sources[self._source(host)] < IN_FLIGHT_PER_SOURCE for host in target.hosts)

    def _has_guessed_enough(self, introducer: bytes | None) -> bool:
        """What may be nobody's address leaves room for what was seen, and what one person says for what others say."""
        full = introducer is not None and self._introduced[introducer] >= GUESSES_PER_INTRODUCER
        return full or self._guesses >= GUESSES_IN_FLIGHT


def in_turn(waiting: Sequence[Target], *, latest_first: bool) -> Iterator[Target]:
    """By turns who has waited longest (a guess counts as having failed once) and who came last, so that neither a crowd that
    was here before nor one that keeps coming is in front of everybody."""
    longest = sorted(waiting, key=lambda one: one.due + (one.failures + one.is_guess) * SETBACK)
    latest = sorted((one for one in waiting if not (one.failures or one.is_guess)), key=lambda one: -one.due)
    for pair in zip_longest(*((latest, longest) if latest_first else (longest, latest))):
        yield from (one for one in pair if one is not None)


class Pace:
    """How often strangers at one source are dialled: forged announcements can name one machine under hundreds of names."""

    def __init__(self, source: Callable[[str], str]) -> None:
        self._source = source
        self._spent: dict[str, float] = {}

    def ready(self, target: Target) -> float:
        """From when on it may be dialled. Who was met before, or asked for, is not held up."""
        if target.kept or target.identity is not None:
            return -math.inf
        spent = (self._spent.get(self._source(host), -math.inf) for host in target.hosts)
        return max(spent) - BURST * PACE_SECONDS

    def dialled(self, target: Target, now: float) -> None:
        self._spent = {source: until for source, until in self._spent.items() if until > now}
        for source in {self._source(host) for host in target.hosts}:
            self._spent[source] = max(self._spent.get(source, now), now) + PACE_SECONDS

    def met(self, target: Target) -> None:
        """The dial became a link: it counts for nothing."""
        for source in {self._source(host) for host in target.hosts} & self._spent.keys():
            self._spent[source] -= PACE_SECONDS


class Visits:
    """How fast one visits whoever is announced. In a crowd everybody meets everybody, but not in one moment."""

    def __init__(self) -> None:
        self._spent = -math.inf

    def ready(self, flying: int) -> float:
        """From when on there may be one more, where so many are under way."""
        return self._spent + (flying - VISITS + 1) * VISIT_SECONDS

    def met(self, now: float) -> None:
        """One became a link. What leads nowhere costs the others no time."""
        self._spent = max(self._spent, now) + VISIT_SECONDS
