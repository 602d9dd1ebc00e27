"""Rooms as secrets: what a room is, before anything is in it (docs/protocol.md, "Rooms")."""

from __future__ import annotations

import hashlib

from peertalk.core.identity import Identity
from peertalk.core.stored import RoomRecord

LOBBY = "lobby"
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

OPEN_SALT = b"peertalk/1 open\x00"
"""Argon2id salt (16 bytes) of open rooms; the node derives the secret, since that takes tens of milliseconds."""


def room_id(secret: bytes) -> bytes:
    """The id of a room: a keyed hash of its secret."""
    return hashlib.blake2b(b"peertalk/1 room id", key=secret, digest_size=32).digest()


def direct_secret(identity: Identity, other: bytes) -> bytes:
    """The secret of the direct room of two identities, the same for both."""
    low, high = sorted((identity.public, other))
    return hashlib.blake2b(b"peertalk/1 direct" + identity.dh(other) + low + high, digest_size=32).digest()


def open_room(name: str, secret: bytes, wall: int) -> RoomRecord:
    """The record of an open room of this (normalised) name."""
    return RoomRecord(id=room_id(secret), kind="open", name=name, secret=secret, joined=wall, linked=wall)


def direct_room(identity: Identity, other: bytes, wall: int, *, shown: bool) -> RoomRecord:
    """The record of the direct room with another identity."""
    secret = direct_secret(identity, other)
    return RoomRecord(
        id=room_id(secret), kind="direct", name="", secret=secret, peer=other, shown=shown, joined=wall, linked=wall
    )  # fmt: skip


def forgets_after(record: RoomRecord) -> int | None:
    """After how many ms without anybody linked the whole history of a room goes; None: never."""
    if record.kind != "open":
        return None
    return 2 * HOUR_MS if record.name == LOBBY else 7 * DAY_MS


def bodies_expire_after(record: RoomRecord) -> int | None:
    """After how many ms a body is erased in any case; None: never."""
    if record.kind == "open":
        return DAY_MS if record.name == LOBBY else 30 * DAY_MS
    return record.retention * DAY_MS if isinstance(record.retention, int) else None
