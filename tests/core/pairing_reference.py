"""A second implementation of invitations, written from docs/protocol.md: SPAKE2 in arithmetic of its own, frames on an independent Noise
library. It imports nothing of peertalk, means well unless told otherwise, and knows no limits and no clock."""

from __future__ import annotations

import hashlib
import hmac
import warnings
from dataclasses import dataclass
from random import Random

from noise.connection import Keypair, NoiseConnection

P = 2**255 - 19
Q = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P

Point = tuple[int, int, int, int]
IDENTITY: Point = (0, 1, 1, 0)


# ── the group (RFC 8032, 5.1) ────────────────────────────────────────────────────────────────────────────────────────


def add(one: Point, other: Point) -> Point:
    a, b = (one[1] - one[0]) * (other[1] - other[0]), (one[1] + one[0]) * (other[1] + other[0])
    c, d = 2 * D * one[3] * other[3], 2 * one[2] * other[2]
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def multiply(scalar: int, point: Point) -> Point:
    result = IDENTITY
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point, scalar = add(point, point), scalar >> 1
    return result


def root(y: int) -> int | None:
    """The even x of a point with this y, where there is one."""
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - square) % P:
        return None
    return x if x % 2 == 0 else P - x


def encode(point: Point) -> bytes:
    inverse = pow(point[2], -1, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def decode(data: bytes) -> Point:
    number = int.from_bytes(data, "little")
    y, odd = number % 2**255, number >> 255
    x = root(y)
    assert y < P
    assert x is not None
    x = P - x if odd else x
    return x, y, 1, x * y % P


BASE = decode((4 * pow(5, -1, P) % P).to_bytes(32, "little"))


# ── SPAKE2 ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def hkdf(data: bytes, info: bytes) -> int:
    """HKDF-SHA256 (RFC 5869) without salt, 48 bytes, as a number."""
    key = hmac.digest(bytes(32), data, "sha256")
    first = hmac.digest(key, info + b"\x01", "sha256")
    return int.from_bytes(first + hmac.digest(key, first + info + b"\x02", "sha256")[:16], "big")


def constant(name: bytes) -> Point:
    y = hkdf(name, b"SPAKE2 arbitrary element") % P
    while (x := root(y)) is None:
        y = (y + 1) % P
    return multiply(8, (x, y, 1, x * y % P))


M, N = constant(b"M"), constant(b"N")


def blind(password: bytes, constant: Point, sign: int) -> Point:
    return multiply(sign * hkdf(password, b"SPAKE2 pw") % Q, constant)


@dataclass
class Half:
    """One side of SPAKE2: its element, then the confirmations (joiner's, inviter's) once the other's element is here."""

    joiner: bool
    password: bytes
    about: bytes
    secret: int

    def __post_init__(self) -> None:
        self.point = encode(add(multiply(self.secret, BASE), blind(self.password, M if self.joiner else N, 1)))
        self.element = (b"A" if self.joiner else b"B") + self.point

    def key(self, theirs: bytes, names: tuple[bytes, bytes]) -> bytes:
        """K, for these idA and idB."""
        assert theirs[:1] == (b"B" if self.joiner else b"A")
        bare = add(decode(theirs[1:]), blind(self.password, N if self.joiner else M, -1))
        elements = (self.element, theirs) if self.joiner else (theirs, self.element)
        hashes = [hashlib.sha256(part).digest() for part in (self.password, *names)]
        shared = encode(multiply(self.secret, bare))
        return hashlib.sha256(b"".join([*hashes, elements[0][1:], elements[1][1:], shared])).digest()

    def finish(self, theirs: bytes) -> tuple[bytes, bytes]:
        key = self.key(theirs, (b"peertalk/1 joiner" + self.about, b"peertalk/1 inviter" + self.about))
        elements = (self.element, theirs) if self.joiner else (theirs, self.element)
        first, second = (
            hashlib.blake2b(self.about + b"".join(elements), key=key, person=b"peertalk/1 cfm " + side, digest_size=32).digest()
            for side in (b"A", b"B")
        )
        return first, second


# ── frames ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def slot_secret(number: int) -> bytes:
    return hashlib.blake2b(b"peertalk/1 slot" + number.to_bytes(2, "big"), digest_size=32).digest()


class Peer:
    """One end of a connection up to frame 4; frames 5 to 9 are sent and read by `put` and `take` with any content."""

    def __init__(self, *, joiner: bool, slots: list[int], seed: object = 0, ephemeral: bytes | None = None) -> None:
        self.joiner, self.slots = joiner, slots
        self.random = Random(repr(("peer", joiner, seed)))
        self.out = b""
        self._in = b""
        self.noise = NoiseConnection.from_name(b"Noise_NN_25519_ChaChaPoly_BLAKE2s")
        (self.noise.set_as_initiator if joiner else self.noise.set_as_responder)()
        self.noise.set_prologue(b"peertalk/1")
        if ephemeral:
            self.noise.set_keypair_from_private_bytes(Keypair.EPHEMERAL, ephemeral)
        with warnings.catch_warnings(action="ignore"):  # that this is for testing only
            self.noise.start_handshake()
        if joiner:
            self._frame(bytes(self.noise.write_message()))

    def feed(self, data: bytes) -> None:
        self._in += data

    def drain(self) -> bytes:
        data, self.out = self.out, b""
        return data

    def put(self, content: bytes) -> None:
        self._frame(self.noise.encrypt(content))

    def take(self) -> bytes:
        return self.noise.decrypt(self._next())

    def set_up(self) -> None:
        """Frame 2, or 1, has come: go on as far as can be without the other side."""
        self.noise.read_message(self._next())
        if not self.joiner:
            self._frame(bytes(self.noise.write_message()))
        self.hash = self.noise.get_handshake_hash()
        if self.joiner:
            self.prove(self.slots)

    def prove(self, slots: list[int]) -> None:
        tags = [self._tag(slot, b"i" if self.joiner else b"r") for slot in slots]
        self.put(b"".join(sorted(tags + [self.random.randbytes(16) for _ in range(64 - len(tags))])))

    def found(self) -> set[int]:
        """Which of the slots the proof that has come holds."""
        proof = self.take()
        tags = {proof[at : at + 16] for at in range(0, 1024, 16)}
        return {slot for slot in self.slots if self._tag(slot, b"r" if self.joiner else b"i") in tags}

    def about(self, slot: int, way: int) -> bytes:
        return self.hash + slot.to_bytes(2, "big") + bytes((way,))

    def half(self, password: bytes, slot: int, way: int, secret: int | None = None) -> Half:
        return Half(self.joiner, password, self.about(slot, way), secret or self.random.randrange(1, Q))

    def _tag(self, slot: int, role: bytes) -> bytes:
        return hashlib.blake2s(b"peertalk/1 room" + role + self.hash, key=slot_secret(slot)).digest()[:16]

    def _frame(self, content: bytes) -> None:
        self.out += len(content).to_bytes(2, "big") + content

    def _next(self) -> bytes:
        end = 2 + int.from_bytes(self._in[:2], "big")
        content, self._in = self._in[2:end], self._in[end:]
        assert len(content) == end - 2, "nothing has come"
        return content
