"""Copies of profiles that are put aside, as the simulation has them."""

from __future__ import annotations

import copy
import random
from typing import NamedTuple

from msgspec.structs import replace

from peertalk.core.heirs import heir, signer
from peertalk.core.identity import Identity
from peertalk.core.stored import CardRecord, Op, PutFeedKey
from tests.model_store import ModelStore


class Backup(NamedTuple):
    """A profile as it was at some time, as a copy of its disk and as a backup in a file has it; and what its owner had been answered
    until then."""

    disk: ModelStore
    file: ModelStore
    answered: set[tuple[bytes, str]]


def backed_up(disk: ModelStore, made: int) -> ModelStore:
    """What a backup of this disk holds that is made at this time (node/backup.py)."""
    profile, file, dice = disk.snapshot(), copy.deepcopy(disk), random.Random(f"backup {made}")
    me = Identity.from_seed(profile.identity).public
    for room in profile.rooms:
        ops: list[Op] = [PutFeedKey(replace(key, seed=None, retiring=True)) for key in room.feeds]
        older = signer(room.feeds, {page.feed for page in room.pages}.__contains__)
        if older is not None:
            nobody = CardRecord(room=older.room, identity=me, feeds=())  # the key is on disk, its card is not yet
            card = next((card for card in room.cards if (card.identity, card.via) == (me, b"")), nobody)
            ops += heir(older, card, len(room.pages), profile.name, dice.randbytes, made)
        for op in ops:
            file.apply(op)
    return file
