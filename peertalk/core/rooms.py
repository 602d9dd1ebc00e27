"""Rooms as secrets: what a room is, before anything is in it (docs/protocol.md, "Rooms")."""

from __future__ import annotations

import hashlib
import unicodedata
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from peertalk.core import wire
from peertalk.core.identity import Identity
from peertalk.core.stored import Retention, RoomRecord
from peertalk.errors import RemoteError

LOBBY = "lobby"
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
MAX_ROOM_NAME = 64  # code points
MAX_DAYS = 3650
MAX_WITHOUT = 32
FOREVER, SESSION = 0, -1

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


class Terms(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What the secret of a private room follows from. An invitation carries this and not the secret, so nobody who invites can
    turn a room into another: what it is called, how long it keeps, which room it was re-formed from and without whom is in it.

    `retention` is 0 (forever), -1 (while everybody's program runs) or days; `predecessor` is b"" or the id of a room; `without`
    are identities, ascending, empty where there is no predecessor."""

    seed: wire.Id
    name: Annotated[str, Meta(min_length=1, max_length=MAX_ROOM_NAME)]
    language: Literal["de", "en"]
    retention: Annotated[int, Meta(ge=SESSION, le=MAX_DAYS)] = FOREVER
    predecessor: Annotated[bytes, Meta(max_length=32)] = b""
    without: Annotated[tuple[wire.Id, ...], Meta(max_length=MAX_WITHOUT)] = ()


_encoder = msgspec.msgpack.Encoder()
_terms = msgspec.msgpack.Decoder(Terms)


def encode_terms(terms: Terms) -> bytes:
    """The only encoding."""
    return _encoder.encode(terms)


def decode_terms(raw: bytes) -> Terms:
    """RemoteError("malformed") for anything but the canonical encoding of terms that can be."""
    try:
        terms = _terms.decode(raw)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise RemoteError("malformed", what="terms") from error
    if _encoder.encode(terms) != raw or not _can_be(terms):
        raise RemoteError("malformed", what="terms")
    return terms


def _can_be(terms: Terms) -> bool:
    name, without = terms.name, terms.without
    is_plain = name == " ".join(unicodedata.normalize("NFC", name).split()) and name.isprintable()
    is_ascending = list(without) == sorted(set(without))
    return is_plain and is_ascending and len(terms.predecessor) in (0, 32) and bool(terms.predecessor) == bool(without)


def private_secret(terms: Terms) -> bytes:
    """The secret of the private room with these terms."""
    return hashlib.blake2b(encode_terms(terms), digest_size=32, person=b"peertalk/1 priv").digest()


def private_room(terms: Terms, wall: int, *, invited_by: bytes = b"") -> RoomRecord:
    """The record of the private room with these terms."""
    secret = private_secret(terms)
    return RoomRecord(
        id=room_id(secret),
        kind="private",
        name=terms.name,
        secret=secret,
        retention=_RETENTIONS.get(terms.retention, terms.retention),
        language=terms.language,
        joined=wall,
        linked=wall,
        seed=terms.seed,
        predecessor=terms.predecessor,
        without=terms.without,
        invited_by=invited_by,
    )


_RETENTIONS: dict[int, Retention] = {FOREVER: "forever", SESSION: "session"}
_RETENTION_NUMBERS = {word: number for number, word in _RETENTIONS.items()}


def terms_of(record: RoomRecord) -> Terms:
    """The terms of a private room; ValueError for a room of another kind."""
    if record.kind != "private":
        raise ValueError("not a private room")
    number = record.retention if isinstance(record.retention, int) else _RETENTION_NUMBERS[record.retention]
    language: Literal["de", "en"] = "de" if record.language == "de" else "en"
    return Terms(record.seed, record.name, language, number, record.predecessor, record.without)


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
