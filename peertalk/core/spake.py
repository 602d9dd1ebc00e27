"""SPAKE2 for invitations: two who were told the same words agree on a key, and nobody else learns more than whether one guess was
right (docs/protocol.md, "Pairing frames").

The library is imported when the first pairing begins, and each step takes milliseconds: `offer`, `reply` and `finish` are for a
thread, beside whatever else goes on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from peertalk.core.keys import check_feed_key
from peertalk.errors import RemoteError

if TYPE_CHECKING:
    from spake2 import SPAKE2_A

Random = Callable[[int], bytes]

ELEMENT_BYTES = 33
JOINER, INVITER = b"A", b"B"


class Way(IntEnum):
    """What the joiner was given."""

    WORDS = 0
    LINK = 1


@dataclass(frozen=True, slots=True)
class Bound:
    """What a pairing is bound to: the hash of NN, the slot, the way."""

    anonymous: bytes
    slot: int
    way: Way

    def encode(self) -> bytes:
        return self.anonymous + self.slot.to_bytes(2, "big") + bytes((self.way,))


@dataclass(frozen=True, slots=True)
class Confirmations:
    """What either side says to show that it has the same key."""

    joiner: bytes
    inviter: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """What an inviter has computed: its element, and what both are to confirm."""

    element: bytes
    confirmations: Confirmations


class Offer:
    """The joiner's half, for one connection alone: its element now, the confirmations once the inviter's element has come."""

    def __init__(self, bound: Bound, password: bytes, random: Random) -> None:
        from spake2 import SPAKE2_A  # noqa: PLC0415 - most starts don't need it

        self._bound = bound
        self._half: SPAKE2_A = SPAKE2_A(password, *_names(bound), entropy_f=random)
        self.element: bytes = self._half.start()

    def finish(self, theirs: bytes) -> Confirmations:
        """RemoteError("bad_key") where the inviter's element is none. Once only."""
        return _confirm(self._bound, _finish(self._half, theirs), self.element, theirs)


def reply(bound: Bound, password: bytes, theirs: bytes, random: Random) -> Reply:
    """The inviter's half, to the joiner's element. RemoteError("bad_key") where that is none."""
    from spake2 import SPAKE2_B  # noqa: PLC0415 - as above

    half = SPAKE2_B(password, *_names(bound), entropy_f=random)
    mine: bytes = half.start()
    return Reply(mine, _confirm(bound, _finish(half, theirs), theirs, mine))


def check_element(element: bytes, side: bytes) -> None:
    """RemoteError("bad_key") unless this is an element of that side: its letter, and a canonical point of the prime-order subgroup
    other than the identity."""
    if len(element) != ELEMENT_BYTES or element[:1] != side:
        raise RemoteError("bad_key")
    check_feed_key(element[1:])


def _finish(half: SPAKE2_A, theirs: bytes) -> bytes:
    check_element(theirs, JOINER if half.side == INVITER else INVITER)
    try:
        return bytes(half.finish(theirs))
    except Exception as error:  # whatever it is that the library does not like
        raise RemoteError("bad_key") from error


def _names(bound: Bound) -> tuple[bytes, bytes]:
    about = bound.encode()
    return b"peertalk/1 joiner" + about, b"peertalk/1 inviter" + about


def _confirm(bound: Bound, key: bytes, first: bytes, second: bytes) -> Confirmations:
    about = bound.encode() + first + second

    def confirmation(person: bytes) -> bytes:
        return hashlib.blake2b(about, key=key, person=person, digest_size=32).digest()

    return Confirmations(confirmation(b"peertalk/1 cfm A"), confirmation(b"peertalk/1 cfm B"))
