"""X25519 key pairs, and which public keys of others are accepted (docs/protocol.md, "Keys")."""

from __future__ import annotations

from typing import Self

import nacl.exceptions
from nacl.bindings import crypto_core_ed25519_is_valid_point, crypto_scalarmult, crypto_scalarmult_base

from peertalk.errors import RemoteError

KEY_BYTES = 32

_P = 2**255 - 19
_LOW_ORDER = frozenset(
    {
        0,
        1,
        _P - 1,
        325606250916557431795983626356110631294008115727848805560023387167927233504,
        39382357235489614581723060781553021112529911719440698176882885853963445705823,
    }
)


class KeyPair:
    """An X25519 key pair. `seed` is 32 random bytes, clamped where it is used (RFC 7748)."""

    __slots__ = ("_seed", "public")

    def __init__(self, seed: bytes) -> None:
        if len(seed) != KEY_BYTES:
            raise ValueError("a seed has 32 bytes")
        self._seed = seed
        self.public: bytes = crypto_scalarmult_base(seed)

    @classmethod
    def from_seed(cls, seed: bytes) -> Self:
        """The key pair whose private half is `seed`."""
        return cls(seed)

    def dh(self, other: bytes) -> bytes:
        """The 32-byte shared secret with the public key `other`; RemoteError("bad_key") where `check_key` says so."""
        check_key(other)
        try:
            return crypto_scalarmult(self._seed, other)
        except nacl.exceptions.RuntimeError as error:  # an all-zero result
            raise RemoteError("bad_key") from error


def check_key(public: bytes) -> None:
    """RemoteError("bad_key") unless `public` is a canonical X25519 public key that is not of low order."""
    value = int.from_bytes(public, "little")
    if len(public) != KEY_BYTES or value >= _P or value in _LOW_ORDER:
        raise RemoteError("bad_key")


def check_feed_key(key: bytes) -> None:
    """RemoteError("bad_key") unless `key` is a canonical Ed25519 public key in the prime-order subgroup."""
    if len(key) != KEY_BYTES or not crypto_core_ed25519_is_valid_point(key):
        raise RemoteError("bad_key")
