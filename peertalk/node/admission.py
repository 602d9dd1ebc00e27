"""Whom there is room for, when there are more links than a machine can bear (docs/protocol.md, "Links").

Anybody in the lobby can make identities by the thousand. So strangers get places by where they come from: whoever has most there
gives way first, and places are kept for people who are known. Pure: links and times are arguments.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from peertalk.core.rates import Bucket
from peertalk.node.acquaintances import Acquaintances, Rank
from peertalk.node.interfaces import ip_address

LINKS = 256
KEPT = 64
"""Of these, places that strangers never get."""
LINKS_PER_SOURCE = 32
NEW_BURST, NEW_RATE = 64, 0.2
"""Identities never seen before that one source may bring: at once, and a second."""
LINK_BURST, LINK_RATE = 64, 2.0
"""Links from one source: at once, and a second. What is said at the beginning of each takes longer than setting it up."""
MAX_SOURCES = 1024


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody linked. `source` is what the address counts as (interfaces.Sources), None on this machine itself: there limits
    by source would hit those who share it, and make no difference to who can start any number of programs on it."""

    identity: bytes
    source: str | None
    rank: Rank


def excess(guests: Iterable[Guest], new: Guest) -> Guest | None:
    """Who has to go now that `new` has come to the `guests` (the oldest first); None if there is room for all.

    A flood from one source costs nobody elsewhere a place: its own newest strangers go, and it is refused what is left."""
    everyone = [*guests, new]
    same = [guest for guest in everyone if guest.source == new.source]
    if new.source is not None and len(same) > LINKS_PER_SOURCE:
        return _newest(_least(same))
    strangers = [guest for guest in everyone if guest.rank == Rank.STRANGER]
    if len(everyone) <= LINKS and len(strangers) <= LINKS - KEPT:
        return None
    return _newest(_of_the_fullest_sources(_least(everyone)))


def _least(guests: Sequence[Guest]) -> list[Guest]:
    lowest = min(guest.rank for guest in guests)
    return [guest for guest in guests if guest.rank == lowest]


def _of_the_fullest_sources(guests: Sequence[Guest]) -> list[Guest]:
    counts = Counter(guest.source for guest in guests)
    most = max(counts.values())
    return [guest for guest in guests if counts[guest.source] == most]


def _newest(guests: Sequence[Guest]) -> Guest | None:
    """Who is trusted is never sent away."""
    return None if guests[-1].rank == Rank.TRUSTED else guests[-1]


class Pace:
    """So many of each source at once, and so many a second."""

    def __init__(self, burst: float, rate: float) -> None:
        self._burst, self._rate = burst, rate
        self._buckets: dict[str, Bucket] = {}

    def admits(self, source: str | None, now: float) -> bool:
        """Whether there is room for one more from there."""
        if source is None:
            return True
        bucket = self._buckets.pop(source, None) or Bucket(self._burst, self._rate, now)
        self._buckets[source] = bucket
        if len(self._buckets) > MAX_SOURCES:
            del self._buckets[next(iter(self._buckets))]
        return bucket.take(1, now)


class Admission:
    """Who may be linked. `source` says what an address counts as (interfaces.Sources)."""

    def __init__(self, acquaintances: Acquaintances, source: Callable[[str], str]) -> None:
        self.acquaintances = acquaintances
        self._source = source
        self._newcomers = Pace(NEW_BURST, NEW_RATE)
        self._links = Pace(LINK_BURST, LINK_RATE)

    def guest(self, identity: bytes, host: str, local: str) -> Guest:
        """Somebody at the address `host`, linked over the own address `local`."""
        bare = host.partition("%")[0]
        here = bare == local or ip_address(bare).is_loopback
        return Guest(identity, None if here else self._source(host), self.acquaintances.rank(identity))

    def is_in_time(self, new: Guest, now: float) -> bool:
        """Whether its source brings links no faster than it may; who is trusted comes as often as they like."""
        return new.rank == Rank.TRUSTED or self._links.admits(new.source, now)

    def excess(self, guests: Iterable[Guest], new: Guest, now: float) -> Guest | None:
        """As the function of this name; and `new` has to go too where its source brings new identities too fast."""
        is_newcomer = new.rank == Rank.STRANGER and new.identity not in self.acquaintances
        if is_newcomer and not self._newcomers.admits(new.source, now):
            return new
        return excess(guests, new)
