"""Slots: where who invites and who is invited find each other (docs/protocol.md, "Slots")."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable

from peertalk.core.rooms import room_id

SLOTS = 64
EASY = 8
"""Of so many of the lowest free numbers one is taken."""


def slot_secret(number: int) -> bytes:
    """What tags of a slot are made with, as those of a room are with its secret. Anybody can tell it."""
    return hashlib.blake2b(b"peertalk/1 slot" + number.to_bytes(2, "big"), digest_size=32).digest()


_SECRETS = {number: slot_secret(number) for number in range(1, SLOTS + 1)}
_IDS = {number: room_id(secret) for number, secret in _SECRETS.items()}
_NUMBERS = {slot: number for number, slot in _IDS.items()}
ALL = frozenset(_SECRETS)


def secrets(numbers: Iterable[int]) -> dict[bytes, bytes]:
    """id → secret of these slots, as a room proof takes it."""
    return {_IDS[number]: _SECRETS[number] for number in numbers}


def numbers(ids: Iterable[bytes]) -> frozenset[int]:
    """Which slots are among these ids of rooms and slots."""
    return frozenset(_NUMBERS[one] for one in ids if one in _NUMBERS)


def choose(taken: Collection[int], random: Callable[[int], bytes]) -> int:
    """A slot that is not taken, one of the lowest: codes stay short, and two who can't see each other rarely choose the same. Any
    where all are taken."""
    free = [number for number in sorted(ALL) if number not in taken][:EASY] or sorted(ALL)
    return free[int.from_bytes(random(4), "big") % len(free)]
