"""Who somebody is: an X25519 key (docs/protocol.md, "Keys").

It never signs, so that nobody can prove to a third party who said what.
"""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache

from peertalk.core.keys import KeyPair, check_feed_key, check_key

__all__ = ["Identity", "check_feed_key", "check_key", "fingerprint", "tag"]

_LABEL = b"peertalk/1 fingerprint"
_WITHOUT_LOOK_ALIKES = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", b"abcdefghijkmnpqrstuvwxyz23456789")
_GROUP = 4


class Identity(KeyPair):
    """An own identity: the long-lived key pair of one profile."""

    __slots__ = ()


def fingerprint(public: bytes) -> str:
    """160 bits of a labelled hash of the key: eight groups of four characters, separated by spaces."""
    digest = hashlib.blake2s(_LABEL + public, digest_size=20).digest()
    characters = base64.b32encode(digest).translate(_WITHOUT_LOOK_ALIKES).decode()
    return " ".join(characters[at : at + _GROUP] for at in range(0, len(characters), _GROUP))


@lru_cache(maxsize=4096)
def tag(public: bytes) -> str:
    """A short tag such as `k3f9` that tells equal names apart: the first group of the fingerprint. No proof of anything."""
    return fingerprint(public)[:_GROUP]
