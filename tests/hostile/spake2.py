"""SPAKE2 over the group of Ed25519, written from docs/protocol.md ("Pairing frames") and RFC 8032 alone, in nothing but integers: slow,
and not in constant time. It knows nothing of right and wrong elements; whoever attacks with it chooses them."""

from __future__ import annotations

import hashlib
import hmac
from itertools import count
from typing import NamedTuple

P = 2**255 - 19
Q = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
ROOT = pow(2, (P - 1) // 4, P)
"""A square root of −1."""


class Point(NamedTuple):
    """In extended coordinates: x = X/Z, y = Y/Z, T = XY/Z."""

    x: int
    y: int
    z: int
    t: int

    def __add__(self, other: Point) -> Point:  # type: ignore[override]  # not what tuples mean by it
        """RFC 8032, 5.1.4: for any two points of the curve."""
        a = (self.y - self.x) * (other.y - other.x) % P
        b = (self.y + self.x) * (other.y + other.x) % P
        c, d = 2 * self.t * other.t * D % P, 2 * self.z * other.z % P
        e, f, g, h = b - a, d - c, d + c, b + a
        return Point(e * f % P, g * h % P, f * g % P, e * h % P)

    def __neg__(self) -> Point:
        return Point(-self.x % P, self.y, self.z, -self.t % P)

    def __sub__(self, other: Point) -> Point:
        return self + -other

    def times(self, number: int) -> Point:
        """Not reduced by any order: right for every point of the curve."""
        total, power = ZERO, self
        while number:
            if number & 1:
                total += power
            power += power
            number >>= 1
        return total

    def encode(self) -> bytes:
        x, y = self.x * pow(self.z, -1, P) % P, self.y * pow(self.z, -1, P) % P
        return (y | (x & 1) << 255).to_bytes(32, "little")


def with_y(y: int, odd: int = 0) -> Point | None:
    """The point with this y, of the two the one whose x is odd or even; None where there is none."""
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x if x * x % P == square else x * ROOT % P
    if x * x % P != square:
        return None
    x = x if x & 1 == odd else -x % P
    return Point(x, y, 1, x * y % P)


def decode(raw: bytes) -> Point:
    """ValueError where it is no point. Whatever else is said of it is not asked."""
    number = int.from_bytes(raw, "little")
    found = with_y(number % 2**255 % P, number >> 255)
    if found is None:
        raise ValueError("no point")
    return found


def derived(data: bytes, info: bytes) -> int:
    """48 bytes of HKDF-SHA256 (RFC 5869) without salt, as a number."""
    key, block, out = hmac.digest(bytes(32), data, "sha256"), b"", b""
    for number in (1, 2):
        block = hmac.digest(key, block + info + bytes([number]), "sha256")
        out += block
    return int.from_bytes(out[:48], "big")


def arbitrary(seed: bytes) -> Point:
    """A point made from a word, so that nobody knows its logarithm."""
    begin = derived(seed, b"SPAKE2 arbitrary element")
    return next(found.times(8) for more in count() if (found := with_y((begin + more) % P)))


ZERO = Point(0, 1, 1, 0)
B = decode(bytes([0x58]) + bytes([0x66]) * 31)
M, N = arbitrary(b"M"), arbitrary(b"N")


def scalar(password: bytes) -> int:
    return derived(password, b"SPAKE2 pw") % Q


class Spake2:
    """One side with this password: the joiner, or the inviter. `names` are idA and idB, `private` is x or y."""

    def __init__(self, joiner: bool, password: bytes, private: int, names: tuple[bytes, bytes] = (b"", b"")) -> None:
        self.joiner, self._password, self._private, self._names = joiner, password, private, names
        mine, self._theirs = (M, N) if joiner else (N, M)
        self._w = scalar(password)
        self.element = (b"A" if joiner else b"B") + (B.times(private) + mine.times(self._w)).encode()

    def key(self, element: bytes) -> bytes:
        """K, from the element of the other side."""
        shared = (decode(element[1:]) - self._theirs.times(self._w)).times(self._private)
        first, second = (self.element, element) if self.joiner else (element, self.element)
        parts = [hashlib.sha256(part).digest() for part in (self._password, *self._names)]
        return hashlib.sha256(b"".join(parts) + first[1:] + second[1:] + shared.encode()).digest()
