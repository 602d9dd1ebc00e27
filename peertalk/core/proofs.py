"""Proving that one is in a room without naming it: 64 tags, real and random ones alike (docs/protocol.md, "Room proofs").

A proof is always 1,024 bytes: 64 tags of 16 bytes in ascending order. A tag is BLAKE2s keyed with the room's secret over a
context that names the role and the hash of the handshake, so it is good for one side of one handshake only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping
from itertools import chain, repeat
from typing import Literal

MAX_PROVEN = 64
TAG_BYTES = 16
PROOF_BYTES = MAX_PROVEN * TAG_BYTES

_WORK = (512, 2048)
"""How many rooms a check costs, whatever number there is: the ordinary case, and a thousand rooms with as many acquaintances."""

Step = Literal["room", "prove", "proved"]


def context(step: Step, initiator: bool, binding: bytes, counter: bytes = b"") -> bytes:
    """What the tags of one proof are bound to. `initiator` is the role of the side that makes the proof, on this link."""
    role = b"i" if initiator else b"r"
    return b"peertalk/1 " + step.encode() + role + counter + binding


def make(secrets: Collection[bytes], about: bytes, random: Callable[[int], bytes]) -> bytes:
    """A proof of the rooms with these secrets (at most 64), filled up with random tags."""
    if len(secrets) > MAX_PROVEN:
        raise ValueError("a proof holds 64 rooms")
    tags = [_tag(secret, about) for secret in secrets]
    filler = random((MAX_PROVEN - len(tags)) * TAG_BYTES)
    tags += _split(filler)
    return b"".join(sorted(tags))  # real tags look random: in ascending order they stand anywhere


def check(proof: bytes, rooms: Mapping[bytes, bytes], about: bytes, random: Callable[[int], bytes]) -> frozenset[bytes]:
    """The ids of those `rooms` (id → secret) that `proof` proves. Takes 1,024 rooms in a few milliseconds."""
    # A set stops at the first byte that differs. Looking up hashes under a key of this moment, that tells nothing of the tags.
    blind = random(32)
    seen = {_tag(blind, tag) for tag in _split(proof)}
    nothing = repeat((b"", blind), _work(len(rooms)) - len(rooms))  # the time says no more than whether there are very many
    return frozenset(room for room, secret in chain(rooms.items(), nothing) if _tag(blind, _tag(secret, about)) in seen)


def _work(rooms: int) -> int:
    return next((work for work in _WORK if rooms <= work), rooms)


def _tag(key: bytes, data: bytes) -> bytes:
    return hashlib.blake2s(data, key=key).digest()[:TAG_BYTES]


def _split(proof: bytes) -> list[bytes]:
    return [proof[at : at + TAG_BYTES] for at in range(0, len(proof), TAG_BYTES)]
