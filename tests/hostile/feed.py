"""Messages, cards, entries and pages, written from docs/protocol.md alone: right ones, and wrong in whatever way a test wants."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgpack
from nacl import bindings
from nacl.pwhash import argon2id
from nacl.signing import SigningKey

CARD, HAVE, TIPS, WANT, PAGE, DONE, WANT_BODIES, BODIES, SIGNAL, QUIT = range(1, 11)
PAGES, PULSES, NEED, PRUNE, KNOWN, WANT_CARDS = range(16, 22)
FIELDS = ("version", "room", "feed", "seq", "prev", "lamport", "after", "time", "kind", "body", "size")
"""The elements of a header, in order."""
NOW = 1_800_000_000_000
NOBODY = b"\xee" * 32
"""An id of nothing."""


def pack(value: object) -> bytes:
    packed: bytes = msgpack.packb(value, use_bin_type=True)
    return packed


def unpack(raw: bytes) -> Any:
    return msgpack.unpackb(raw, use_list=True)


def blake(data: bytes, person: bytes = b"", key: bytes = b"") -> bytes:
    return hashlib.blake2b(data, digest_size=32, person=person, key=key).digest()


# ── rooms and who one is ─────────────────────────────────────────────────────────────────────────────────────────────


def room_id(secret: bytes) -> bytes:
    return blake(b"peertalk/1 room id", key=secret)


def open_secret(name: str) -> bytes:
    secret: bytes = argon2id.kdf(32, name.encode(), b"peertalk/1 open\0", opslimit=3, memlimit=64 << 20)
    return secret


def identity(seed: bytes) -> bytes:
    public: bytes = bindings.crypto_scalarmult_base(seed)
    return public


def direct_secret(seed: bytes, other: bytes) -> bytes:
    low, high = sorted((identity(seed), other))
    return blake(b"peertalk/1 direct" + bindings.crypto_scalarmult(seed, other) + low + high)


# ── messages ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def card(room: bytes, about: bytes, *feeds: tuple[bytes, bytes]) -> bytes:
    return pack([CARD, room, about, [list(pair) for pair in feeds]])


def known(room: bytes, digest: bytes, pairs: Sequence[bytes] = ()) -> bytes:
    return pack([KNOWN, room, digest, list(pairs)])


def want_cards(room: bytes, pairs: Sequence[bytes]) -> bytes:
    return pack([WANT_CARDS, room, list(pairs)])


def have(room: bytes, digest: bytes = bytes(32), entries: Any = 0, disk: Any = True) -> bytes:
    return pack([HAVE, room, digest, entries, disk])


def digest(tips: list[bytes]) -> bytes:
    return blake(b"".join(sorted(tips)), person=b"peertalk/1 have")


def tips(
    room: bytes,
    named: list[bytes],
    absent: list[bytes] | None = None,
    *,
    fresh: bool = False,
    last: bool = False,
    disk: bool = True,
) -> bytes:
    return pack([TIPS, room, named, absent or [], fresh, last, disk])


def want(room: bytes, named: list[bytes], known: list[bytes] | None = None) -> bytes:
    return pack([WANT, room, named, known or []])


def pages(*messages: bytes) -> bytes:
    """These pages in one message; which room it is says the first."""
    each = [unpack(message) for message in messages]
    return pack([PAGES, each[0][1], [page[2:] for page in each]])


def pulses(room: bytes, *some: list[Any]) -> bytes:
    return pack([PULSES, room, list(some)])


# ── entries ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def body(content: dict[str, Any] | bytes, salt: bytes = bytes(32)) -> bytes:
    """A body with this content, padded."""
    inner = content if isinstance(content, bytes) else pack(content)
    length = 34 + len(inner)
    size = next((size for size in (64, 128, 256, 512, 1024) if size >= length), -(-length // 1024) * 1024)
    return (salt + len(inner).to_bytes(2, "big") + inner).ljust(size, b"\0")


class Entry(NamedTuple):
    raw: bytes
    body: bytes | None

    @property
    def id(self) -> bytes:
        return blake(self.raw)

    @property
    def message(self) -> bytes:
        """By which people's programs know it."""
        header = unpack(self.raw)
        return blake(header[2] + header[9], person=b"peertalk/1 msg")


class Feed:
    """An author's chain in a room. What is made with `entry` is not said yet, what is made with `then` is where it goes on."""

    def __init__(self, room: bytes, seed: bytes) -> None:
        self.room = room
        self.signer = SigningKey(seed)
        self.key = bytes(self.signer.verify_key)
        self.seq = self.lamport = self._salts = 0
        self.last = b""

    def header(self, kind: str, said: bytes, **changes: Any) -> list[Any]:
        right: dict[str, Any] = {
            "version": 1,
            "room": self.room,
            "feed": self.key,
            "seq": self.seq + 1,
            "prev": self.last,
            "lamport": self.lamport + 1,
            "after": [],
            "time": NOW,
            "kind": kind,
            "body": blake(said),
            "size": len(said),
        }
        return [{**right, **changes}[field] for field in FIELDS]

    def entry(self, content: dict[str, Any] | bytes, kind: str = "text", **changes: Any) -> Entry:
        """The next entry, with these elements of its header changed."""
        self._salts += 1
        said = body(content, blake(self.key + self._salts.to_bytes(4, "big")))
        return Entry(pack(self.header(kind, said, **changes)), said)

    def then(self, content: dict[str, Any] | bytes, kind: str = "text", **changes: Any) -> Entry:
        made = self.entry(content, kind, **changes)
        header = unpack(made.raw)
        self.seq, self.lamport, self.last = header[3], header[5], made.id
        return made

    def sign(self, message: bytes) -> bytes:
        return bytes(self.signer.sign(message).signature)

    def page(self, *entries: Entry, signature: bytes | None = None, room: bytes | None = None) -> bytes:
        """A page of these entries."""
        signed = self.sign(b"peertalk/1 entry" + entries[-1].id) if signature is None else signature
        return pack([PAGE, room or self.room, [one.raw for one in entries], signed, [one.body for one in entries]])

    def says(self, *texts: str) -> bytes:
        """A page with these texts, after what was said before."""
        return self.page(*(self.then({"text": text}) for text in texts))

    def arrives(self, name: str) -> bytes:
        return self.page(self.then({"name": name}, "here"))

    def owned_by(self, who: bytes, room: bytes | None = None) -> tuple[bytes, bytes]:
        """What a card says of this feed."""
        return self.key, self.sign(b"peertalk/1 owner" + (room or self.room) + who)

    def pulse(self, counter: int, said: bytes = bytes(32), *, disk: bool = True) -> list[Any]:
        signed = b"peertalk/1 pulse" + self.room + counter.to_bytes(8, "big") + bytes([disk]) + said
        return [self.key, counter, said, disk, self.sign(signed)]


# ── who is who, doors, re-forming ────────────────────────────────────────────────────────────────────────────────────

WAIT, OFFER, VERIFY, ROLL = range(12, 16)
COMMIT, NONCE, CANCEL = range(3)


def verify(room: bytes, step: Any, value: bytes) -> bytes:
    return pack([VERIFY, room, step, value])


def commitment(nonce: bytes, own: bytes, other: bytes, binding: bytes) -> bytes:
    return blake(nonce + own + other + binding, person=b"peertalk/1 cmt")


def roster(members: dict[bytes, str]) -> bytes:
    """identity → name, as the roll and the words of a room are made of it."""
    named = [(identity, members[identity].encode()) for identity in sorted(members)]
    return b"".join(identity + len(name).to_bytes(2, "big") + name for identity, name in named)


def roll(room: bytes, secret: bytes, members: dict[bytes, str]) -> bytes:
    return pack([ROLL, room, blake(roster(members), key=secret, person=b"peertalk/1 roll")])


def offer(room: bytes, old: bytes, terms: bytes, by: bytes, followers: list[bytes]) -> bytes:
    return pack([OFFER, room, old, terms, by, followers])
