"""Which version of the protocol two sides speak (docs/protocol.md, "Versions").

`choice u8 ‖ count u8 ‖ versions ‖ zeros`, 32 bytes. The responder leaves the choice open (0); the initiator names the greatest
that both speak. All of it is authenticated by the handshake that carries it.
"""

from __future__ import annotations

from typing import NamedTuple

from peertalk.errors import RemoteError

BYTES = 32
SPOKEN = (1,)
NONE = 0


class Versions(NamedTuple):
    """What the other side speaks, in ascending order, and what it chose."""

    choice: int
    spoken: tuple[int, ...]


def pack(choice: int) -> bytes:
    """The own versions."""
    return bytes((choice, len(SPOKEN), *SPOKEN)).ljust(BYTES, b"\0")


def unpack(raw: bytes) -> Versions:
    """The versions of the other side, or RemoteError("malformed")."""
    if len(raw) != BYTES or not 1 <= raw[1] <= BYTES - 2:
        raise RemoteError("malformed", what="versions")
    end = 2 + raw[1]
    spoken = tuple(raw[2:end])
    if any(raw[end:]) or NONE in spoken or list(spoken) != sorted(set(spoken)):
        raise RemoteError("malformed", what="versions")
    return Versions(raw[0], spoken)


def greatest_common(theirs: tuple[int, ...]) -> int:
    """The version to speak, or RemoteError("version") where there is none."""
    common = set(theirs).intersection(SPOKEN)
    if not common:
        raise RemoteError("version", theirs=max(theirs))
    return max(common)
