"""Entries and pages: what a feed is made of (docs/protocol.md, "Entries" and "Pages").

An entry is a header and a body that travels beside it. The header binds the body by hash only, and the body begins with 32
random bytes, so a body can be erased without leaving a hash that could be guessed, while the chain still verifies.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from itertools import pairwise
from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from nacl import bindings
from nacl.exceptions import BadSignatureError

from peertalk.core import wire
from peertalk.core.identity import check_feed_key
from peertalk.errors import RemoteError, RequestError

VERSION = 1
MAX_AFTER = 8
SALT = 32
SALTS = 512
"""Salts that are drawn at a time, at most."""
MAX_ADMITTED = 256
MAX_SPLIT = 900  # tips of the old room that a `follow` names: what fits into a body
MAX_NAME = 256  # code points: a name of a few cells may be made of long emoji sequences
MAX_TITLE = 256
MAX_REACTION = 64  # code points: one emoji may be a long sequence
_PAGE_LABEL = b"peertalk/1 entry"
_PULSE_LABEL = b"peertalk/1 pulse"

Random = Callable[[int], bytes]
Natural = Annotated[int, Meta(ge=0, lt=2**53)]
Positive = Annotated[int, Meta(ge=1, lt=2**53)]
Said = Annotated[str, Meta(min_length=1, max_length=wire.MAX_BODY)]
Title = Annotated[str, Meta(min_length=1, max_length=MAX_TITLE)]
Kind = Annotated[str, Meta(min_length=1, max_length=16, pattern=r"^[a-z0-9_]+\Z")]  # not $: it lets a line end follow


class Header(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """The signed part of an entry. `prev` is b"" at seq 1; `after` is sorted; `time` (Unix ms) is for display only."""

    version: int
    room: wire.Id
    feed: wire.Id
    seq: Positive
    prev: Annotated[bytes, Meta(max_length=32)]
    lamport: Positive
    after: Annotated[tuple[wire.Id, ...], Meta(max_length=MAX_AFTER)]
    time: Natural
    kind: Kind
    body: wire.Id
    size: Annotated[int, Meta(ge=SALT, le=wire.MAX_BODY)]


class Here(msgspec.Struct, frozen=True, omit_defaults=True):
    """The author is in this room, under this name; the first entry of a feed. `was` is the name before, when only that
    changed. `next` ties the feed to the author's older one: (older feed key, its signature over this one). `by`: the identity
    whose code let the author in, as the author says."""

    name: Annotated[str, Meta(min_length=1, max_length=MAX_NAME)]
    was: Annotated[str, Meta(max_length=MAX_NAME)] = ""
    next: tuple[wire.Id, wire.Signature] | None = None
    by: wire.Id | None = None


class Left(msgspec.Struct, frozen=True):
    """The author has left this room."""


class End(msgspec.Struct, frozen=True):
    """The last entry of a feed; its key is erased."""


class Text(msgspec.Struct, frozen=True, omit_defaults=True):
    """A message. `reply_to` is the id of the message that it answers; `warning` is a content note."""

    text: Said
    reply_to: wire.Id | None = None
    warning: Title | None = None


class Story(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something longer that somebody tells. `warning` is a content note; `replies` what the teller wishes for."""

    text: Said
    title: Title | None = None
    warning: Title | None = None
    replies: Literal["welcome", "listen"] | None = None
    reply_to: wire.Id | None = None


class React(msgspec.Struct, frozen=True, omit_defaults=True):
    """The author's gesture towards the message `to`; with `remove` it is taken back."""

    to: wire.Id
    reaction: Annotated[str, Meta(min_length=1, max_length=MAX_REACTION)]
    remove: bool = False


class Edit(msgspec.Struct, frozen=True, omit_defaults=True):
    """The author's message `to` now says this, all of it."""

    to: wire.Id
    text: Said
    title: Title | None = None
    warning: Title | None = None


class Delete(msgspec.Struct, frozen=True):
    """The author's message `to` is to be gone."""

    to: wire.Id


class Seal(msgspec.Struct, frozen=True):
    """The door of this room is closed; these identities are in."""

    admitted: Annotated[tuple[wire.Id, ...], Meta(min_length=1, max_length=MAX_ADMITTED)]


class Admit(msgspec.Struct, frozen=True):
    """One more may come in, though the door is closed."""

    who: wire.Id


class Unseal(msgspec.Struct, frozen=True):
    """The door is open."""


class Follow(msgspec.Struct, frozen=True, omit_defaults=True):
    """The author came along from the room that this one was re-formed from; its tips as the author holds them. `first`: the
    author is who has re-formed it."""

    tips: Annotated[tuple[wire.Id, ...], Meta(max_length=MAX_SPLIT)]
    first: bool = False


class Over(msgspec.Struct, frozen=True):
    """The author has ended the meeting, for themselves."""


Content = Here | Left | End | Text | Story | React | Edit | Delete | Seal | Admit | Unseal | Follow | Over
KINDS: dict[str, type[Content]] = {
    "here": Here,
    "left": Left,
    "end": End,
    "text": Text,
    "story": Story,
    "react": React,
    "edit": Edit,
    "delete": Delete,
    "seal": Seal,
    "admit": Admit,
    "unseal": Unseal,
    "follow": Follow,
    "over": Over,
}
_KIND_OF = {kind: name for name, kind in KINDS.items()}

_encoder = msgspec.msgpack.Encoder()
_header_decoder = msgspec.msgpack.Decoder(Header)
_decoders = {name: msgspec.msgpack.Decoder(kind) for name, kind in KINDS.items()}


def hash32(data: bytes) -> bytes:
    """BLAKE2b-256: the id of a header, the hash of a body."""
    return hashlib.blake2b(data, digest_size=32).digest()


def message_id(feed: bytes, body: bytes) -> bytes:
    """The id by which people's programs know a message, before and after it has its place: the body's hash, bound to the feed,
    so that nobody can put a copy of another's message under the same id."""
    return hashlib.blake2b(feed + body, digest_size=32, person=b"peertalk/1 msg").digest()


def encode_header(header: Header) -> bytes:
    """The canonical bytes; their hash is the entry's id."""
    return _encoder.encode(header)


def decode_header(raw: bytes) -> Header:
    """The header, or RemoteError("malformed") for anything but the canonical encoding of a valid one."""
    try:
        header = _header_decoder.decode(raw)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise RemoteError("malformed", what="header") from error
    if _encoder.encode(header) != raw:
        raise RemoteError("malformed", what="header encoding")
    if header.version != VERSION or (len(header.prev) != 32) != (header.seq == 1) or (header.seq == 1 and header.prev):
        raise RemoteError("malformed", what="header version or prev")
    if len(header.after) > 1 and any(a >= b for a, b in pairwise(header.after)):
        raise RemoteError("malformed", what="order of after")
    return header


class Salts:
    """Salts for `seal_body`, drawn from `random` many at a time: a system call for each costs a burst of messages more than all else.
    Each is given out once, and not kept: whoever erases a body erases the salt that kept its hash from being guessed."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._count = 4
        self._drawn: list[bytes] = []

    def __call__(self, size: int) -> bytes:
        """The next one; `size` is SALT."""
        if not self._drawn:
            self._count = min(2 * self._count, SALTS)  # most write little
            block = self._random(self._count * size)
            self._drawn = [block[at : at + size] for at in range(0, len(block), size)]
        return self._drawn.pop()


def _padded(length: int) -> int:
    """The bucket of a body: powers of two from 64 to 1024, then multiples of 1024, at most 32 KiB."""
    bucket = 64
    while bucket < length and bucket < 1024:
        bucket *= 2
    return bucket if length <= bucket else -(-length // 1024) * 1024


def seal_body(content: Content, random: Random) -> tuple[str, bytes]:
    """(kind, body): 32 random bytes ‖ u16 length ‖ content ‖ zeros. RequestError("too_large") past 32 KiB, ("bad_text") for half
    of a surrogate pair."""
    try:
        inner = _encoder.encode(content)
    except UnicodeEncodeError as error:
        raise RequestError("bad_text", why="encoding") from error
    size = _padded(SALT + 2 + len(inner))
    if size > wire.MAX_BODY:
        raise RequestError("too_large", limit=wire.MAX_BODY - SALT - 2)
    body = random(SALT) + len(inner).to_bytes(2, "big") + inner
    return _KIND_OF[type(content)], body.ljust(size, b"\0")


def open_body(kind: str, body: bytes) -> Content | None:
    """What a body says; None for kinds of a later version and for a body that is not what its kind says (kept, not shown)."""
    decoder = _decoders.get(kind)
    if decoder is None or len(body) < SALT + 2:
        return None
    length = int.from_bytes(body[SALT : SALT + 2], "big")
    try:
        return decoder.decode(body[SALT + 2 : SALT + 2 + length])
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None


class FeedKey:
    """An Ed25519 feed key with its private half. Throw-away: it is tied to an identity only inside authenticated links."""

    def __init__(self, seed: bytes) -> None:
        self.seed = seed
        self.public, self._secret = bindings.crypto_sign_seed_keypair(seed)

    def sign_page(self, tip: bytes) -> bytes:
        """The signature that ends a page."""
        return self._sign(_PAGE_LABEL + tip)

    def sign_owner(self, room: bytes, identity: bytes) -> bytes:
        """For the card: this feed in this room belongs to that identity."""
        return self._sign(_owner(room, identity))

    def sign_next(self, room: bytes, successor: bytes) -> bytes:
        """This feed goes on as that one."""
        return self._sign(_next(room, successor))

    def sign_pulse(self, room: bytes, counter: int, digest: bytes, *, disk: bool) -> bytes:
        """The signature of a sign of life."""
        return self._sign(_pulse(room, counter, digest, disk=disk))

    def _sign(self, message: bytes) -> bytes:
        return bindings.crypto_sign(message, self._secret)[:64]


def _owner(room: bytes, identity: bytes) -> bytes:
    return b"peertalk/1 owner" + room + identity


def _next(room: bytes, successor: bytes) -> bytes:
    return b"peertalk/1 next" + room + successor


def _pulse(room: bytes, counter: int, digest: bytes, *, disk: bool) -> bytes:
    return _PULSE_LABEL + room + counter.to_bytes(8, "big") + bytes([disk]) + digest


def _verify(feed: bytes, signature: bytes, message: bytes) -> bool:
    try:
        bindings.crypto_sign_open(signature + message, feed)
    except BadSignatureError:
        return False
    return True


def signed_page(tip: bytes, signature: bytes) -> bytes:
    """A page end with its signature, as libsodium verifies both together."""
    return signature + _PAGE_LABEL + tip


def verify_page(feed: bytes, tip: bytes, signature: bytes) -> bool:
    """Is this page end signed by this feed?"""
    return _verify(feed, signature, _PAGE_LABEL + tip)


def verify_owner(feed: bytes, signature: bytes, room: bytes, identity: bytes) -> bool:
    """Does this feed say that it belongs to this identity in this room? RemoteError("bad_key") for a key that is none."""
    check_feed_key(feed)
    return _verify(feed, signature, _owner(room, identity))


def verify_next(feed: bytes, signature: bytes, room: bytes, successor: bytes) -> bool:
    """Does this feed say that it goes on as `successor`?"""
    return _verify(feed, signature, _next(room, successor))


def verify_pulse(feed: bytes, signature: bytes, room: bytes, counter: int, digest: bytes, *, disk: bool) -> bool:
    """Is this a sign of life of this feed?"""
    return _verify(feed, signature, _pulse(room, counter, digest, disk=disk))
