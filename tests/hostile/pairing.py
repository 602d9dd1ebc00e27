"""Pairings, written from docs/protocol.md ("Invitations") alone: what both sides of one compute and say."""

from __future__ import annotations

import base64
import secrets
from typing import Any, NamedTuple

from tests.core import pairing_reference
from tests.core.pairing_reference import Q, slot_secret
from tests.core.reference import Reference
from tests.hostile.feed import blake, pack, room_id
from tests.hostile.peer import SECONDS, HostilePeer

__all__ = ["Code", "Gift", "Half", "Pairing", "room_secret", "slot_secret", "terms"]

WORDS, LINK = 0, 1
GO_ON, EXPIRED, USED_UP, SEALED = range(4)
SLOTS = range(1, 65)
GIFT = 1984


class Code(NamedTuple):
    """What was said or copied: a slot and, of words (three indices) and link secret, whichever is known."""

    slot: int
    words: bytes = b""
    secret: bytes = b""

    @classmethod
    def of_link(cls, link: str) -> Code:
        _, slot, secret = link.partition("?")[0].split("/")
        return cls(int(slot), secret=base64.b32decode(secret.upper() + "=" * (-len(secret) % 8)))

    @property
    def link(self) -> str:
        return f"peertalk:1/{self.slot}/{base64.b32encode(self.secret).decode().rstrip('=').lower()}"

    def password(self, way: int) -> bytes:
        return b"peertalk/1 link" + self.secret if way else b"peertalk/1 words" + self.words


def terms(name: str = "Circle", **changes: Any) -> bytes:
    """Terms of a private room; `changes` by the name of the element, `seed` random where none is given."""
    right: dict[str, Any] = {
        "seed": secrets.token_bytes(32),
        "name": name,
        "language": "en",
        "retention": 0,
        "predecessor": b"",
        "without": [],
    }
    assert changes.keys() <= right.keys()
    return pack(list({**right, **changes}.values()))


def room_secret(given: bytes) -> bytes:
    return blake(given, person=b"peertalk/1 priv")


class Gift(NamedTuple):
    """Frame 8, taken apart."""

    confirmation: bytes
    status: int
    identity: bytes
    terms: bytes

    @classmethod
    def read(cls, content: bytes) -> Gift:
        length = int.from_bytes(content[65:67], "big")
        assert len(content) == GIFT
        assert not any(content[67 + length :])
        return cls(content[:32], content[32], content[33:65], content[67 : 67 + length])

    def pack(self) -> bytes:
        said = self.confirmation + bytes([self.status]) + self.identity + len(self.terms).to_bytes(2, "big") + self.terms
        return said.ljust(GIFT, b"\0")

    @property
    def secret(self) -> bytes:
        """That of the room with these terms."""
        return room_secret(self.terms)

    @property
    def room(self) -> bytes:
        return room_id(self.secret)


class Half:
    """SPAKE2 for one side of one connection, whose NN has the hash `anonymous`. With `private` the element can be chosen."""

    def __init__(
        self, joiner: bool, anonymous: bytes, slot: int, way: int, password: bytes, private: int | None = None
    ) -> None:
        about = anonymous + slot.to_bytes(2, "big") + bytes([way])
        self._half = pairing_reference.Half(joiner, password, about, private or secrets.randbelow(Q - 1) + 1)
        self.element = self._half.element

    def confirmations(self, element: bytes) -> tuple[bytes, bytes]:
        """Those of joiner and inviter, from the element of the other side."""
        return self._half.finish((b"B" if self._half.joiner else b"A") + element[1:])


class Pairing:
    """One connection of which NN stands and a slot is to be, or was, found. What is said and heard are the plaintexts of frames."""

    def __init__(self, peer: HostilePeer) -> None:
        self.peer = peer

    @property
    def anonymous(self) -> bytes:
        return self.peer.reference.anonymous

    @property
    def heard(self) -> dict[int, bytes]:
        """By their number."""
        return self.peer.reference.heard

    def say(self, content: bytes) -> None:
        self.peer.send_frame(self.sealed(content))

    def sealed(self, content: bytes) -> bytes:
        return bytes(self.peer.reference._outer.encrypt(content))

    async def hear(self, seconds: float = SECONDS) -> bytes:
        """The next frame. ConnectionError where the other side hangs up instead."""
        return bytes(self.peer.reference._outer.decrypt(await self.peer.frame(seconds)))

    def tags(self, number: int) -> list[bytes]:
        """Those of frame 3 or 4, as it was heard."""
        return [self.heard[number][at : at + 16] for at in range(0, 1024, 16)]

    def tag(self, secret: bytes, number: int) -> bytes:
        """What the tag of a room or a slot would be there."""
        return Reference.tag(secret, b"peertalk/1 room" + (b"i" if number == 3 else b"r") + self.anonymous)
