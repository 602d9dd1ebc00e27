"""Which of the members of a large room are linked: a graph that everybody works out alone (docs/protocol.md, "Large rooms").

Pure functions of identities. A pair is linked because the two are near each other on a ring of all who are online, which keeps the
graph connected, or because a hash of the two is small, which keeps it shallow: nobody else has a say in that, so whoever makes
identities by the thousand adds links, and takes none away.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from heapq import nsmallest

RING = 2
"""Neighbours on each side of the ring."""
PAIRED = 12
"""Links that follow from the hashes of pairs, on average, where as many are online as the room counts for."""
PULSED = 4
"""The same, of the links on which pulses are passed on."""
KEPT = 4
"""Links to people who are known."""
_CIRCLE = 1 << 64


def size(online: int) -> int:
    """As how many so many count: rounded up to a power of two, so that it seldom changes."""
    return 1 << max(0, online - 1).bit_length()


class Graph:
    """The graph of a room, seen from `me`. What follows from an identity alone is worked out once."""

    def __init__(self, room: bytes, me: bytes) -> None:
        self._room, self._me = room, me
        self._pairs: dict[bytes, int] = {}
        self._places: dict[bytes, int] = {}
        self._at = self._place(me)

    def chosen(self, others: Collection[bytes], paired: int = PAIRED) -> frozenset[bytes]:
        """With whom of these, who are online, one is to be linked; `paired`: on average so many by the hashes of pairs."""
        limit = paired * _CIRCLE // size(len(others) + 1)
        return frozenset(self._near(others)).union(one for one in others if self.pair(one) < limit)

    def _near(self, others: Collection[bytes]) -> list[bytes]:
        after = nsmallest(RING, others, key=lambda one: (self._place(one) - self._at) % _CIRCLE)
        before = nsmallest(RING, others, key=lambda one: (self._at - self._place(one)) % _CIRCLE)
        return after + before

    def kept(self, known: Collection[bytes]) -> frozenset[bytes]:
        """With whom of the people who are known: a few, the same ones as long as they are there."""
        return frozenset(nsmallest(KEPT, known, key=self.pair))

    def pair(self, other: bytes) -> int:
        """The hash of oneself and another, the same from both sides, below 2^64."""
        if other not in self._pairs:
            low, high = sorted((self._me, other))
            self._pairs[other] = _number(self._room + low + high, b"peertalk/1 pair")
        return self._pairs[other]

    def _place(self, identity: bytes) -> int:
        if identity not in self._places:
            self._places[identity] = _number(self._room + identity, b"peertalk/1 ring")
        return self._places[identity]


def _number(data: bytes, label: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(data, digest_size=8, person=label).digest())
