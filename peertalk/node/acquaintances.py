"""Whom one has met: recognised when they come for the direct room alone, and who of them is known (docs/protocol.md, "Links")."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from enum import IntEnum
from heapq import nlargest

from peertalk.core.identity import Identity
from peertalk.core.rooms import direct_secret, room_id
from peertalk.core.stored import PeerRecord

MAX_RECOGNISED = 1024
KEPT = MAX_RECOGNISED // 2
"""Of these, places for people who were met before this start: identities cost nothing, and must not push them out."""


class Rank(IntEnum):
    """Who gives way before whom when there are too many."""

    STRANGER = 0
    KNOWN = 1  # met before this program started
    TRUSTED = 2  # verified, or in a private room with us


class Acquaintances:
    """A view of `peers`, which others change; `is_befriended`: whether one is in a private room with somebody; `left_out`:
    who is to find nobody here by their direct room (docs/protocol.md, "Re-forming").

    Key agreement costs as much as forty rooms, so it is never done while somebody proves rooms: how long that takes would say
    whom one has met. `refresh` does it, at the start, and after each change of `peers` or of who is left out."""

    def __init__(
        self,
        identity: Identity,
        peers: Mapping[bytes, PeerRecord],
        is_befriended: Callable[[bytes], bool],
        left_out: Callable[[], Container[bytes]] = frozenset,
    ) -> None:
        self._identity, self._peers, self._is_befriended, self._left_out = identity, peers, is_befriended, left_out
        self._before = frozenset(peers)
        self._direct: dict[bytes, tuple[bytes, bytes]] = {}
        self.secrets: Mapping[bytes, bytes] = {}
        """The direct rooms of those who are recognised, id → secret."""
        self.refresh()

    def refresh(self) -> None:
        """Have the secrets of the direct rooms with all who are recognised."""
        left_out = self._left_out()
        recognised = [identity for identity in self._recognised() if identity not in left_out]
        self._direct = {identity: self._direct.get(identity) or self._secret(identity) for identity in recognised}
        self.secrets = dict(self._direct.values())

    def rank(self, identity: bytes) -> Rank:
        """What somebody is to us. To have been met today is nothing: anybody can be."""
        record = self._peers.get(identity)
        if (record is not None and record.verified) or self._is_befriended(identity):
            return Rank.TRUSTED
        return Rank.KNOWN if identity in self._before else Rank.STRANGER

    def __contains__(self, identity: bytes) -> bool:
        """Whether somebody was met, be it today."""
        return identity in self._peers

    def age(self, peer: PeerRecord) -> tuple[bool, int]:
        """By this (the least first) people are forgotten where there are too many: who was met today before who is known, then who
        was here longest ago."""
        return peer.identity in self._before, peer.last_seen

    def _recognised(self) -> list[bytes]:
        def latest(number: int, peers: Iterable[PeerRecord]) -> list[bytes]:
            return [peer.identity for peer in nlargest(number, peers, key=lambda peer: peer.last_seen)]

        known = latest(KEPT, (peer for who, peer in self._peers.items() if who in self._before))
        spared = set(known)
        return known + latest(MAX_RECOGNISED - len(known), (peer for who, peer in self._peers.items() if who not in spared))

    def _secret(self, identity: bytes) -> tuple[bytes, bytes]:
        secret = direct_secret(self._identity, identity)
        return room_id(secret), secret
