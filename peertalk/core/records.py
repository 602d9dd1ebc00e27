"""Records: what an established channel carries in its frames (docs/protocol.md, "Records").

The plaintext of a record is `kind u8 ‖ length u16 ‖ content ‖ zeros`, filled up to one of the sizes in `SIZES`: 64, 128, 256,
512, 1024, 2048, then every multiple of 4096 up to 61,440, and 65,519 (the greatest that fits into a frame).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from enum import IntEnum

from peertalk.core.frames import MAX_FRAME
from peertalk.core.noise import TAG_BYTES, CipherState
from peertalk.core.wire import MAX_MESSAGE
from peertalk.errors import RemoteError

_HEADER = 3
_LARGEST = MAX_FRAME - TAG_BYTES
SIZES = (64, 128, 256, 512, 1024, 2048, *range(4096, 61_441, 4096), _LARGEST)
SEALED_SIZES = frozenset(size + TAG_BYTES for size in SIZES)
MAX_CONTENT = _LARGEST - _HEADER

REKEY_RECORDS = 2**16
REKEY_SECONDS = 15 * 60


class Kind(IntEnum):
    """What a record is."""

    MORE = 0
    FINAL = 1
    REKEY = 2
    BYE = 3
    PING = 4
    PONG = 5
    PROVE = 6
    PROVED = 7


_KINDS = frozenset(Kind)
_BARE = frozenset((Kind.REKEY, Kind.PING, Kind.PONG))


class Sealer:
    """The sending half: pads, encrypts, and changes its key after 2^16 records or 15 minutes.

    It need not watch the time: a link that is up sends something every few seconds."""

    def __init__(self, cipher: CipherState, now: float) -> None:
        self._cipher = cipher
        self._under_key = 0
        self._rekey_at = now + REKEY_SECONDS

    def seal(self, kind: Kind, content: bytes, now: float) -> Iterator[bytes]:
        """The sealed records, in order: a `REKEY` before this one where one is due."""
        if self._under_key >= REKEY_RECORDS - 1 or now >= self._rekey_at:
            yield self._cipher.encrypt(_pad(Kind.REKEY, b""))
            self._cipher.rekey()
            self._under_key = 0
            self._rekey_at = now + REKEY_SECONDS
        self._under_key += 1
        yield self._cipher.encrypt(_pad(kind, content))


class Opener:
    """The receiving half: follows the other side's changes of key and insists on them."""

    def __init__(self, cipher: CipherState) -> None:
        self._cipher = cipher
        self._under_key = 0

    def open(self, sealed: bytes) -> tuple[int, bytes]:
        """Kind and content of a sealed record. RemoteError: `decrypt`, `malformed`."""
        kind, content = _unpad(self._cipher.decrypt(sealed))
        self._under_key += 1
        if content and kind in _BARE:
            raise RemoteError("malformed", what="record")
        if kind == Kind.REKEY:
            self._cipher.rekey()
            self._under_key = 0
        elif self._under_key >= REKEY_RECORDS:
            raise RemoteError("malformed", what="rekey")
        return kind, content


def _pad(kind: Kind, content: bytes) -> bytes:
    size = _HEADER + len(content)
    padded = SIZES[bisect_left(SIZES, size)]
    return b"%c%b%b%b" % (kind, len(content).to_bytes(2, "big"), content, bytes(padded - size))


def _unpad(plaintext: bytes) -> tuple[int, bytes]:
    kind = plaintext[0]
    end = _HEADER + (plaintext[1] << 8 | plaintext[2])
    padding = len(plaintext) - end
    if kind not in _KINDS or padding < 0 or not plaintext.endswith(bytes(padding)):
        raise RemoteError("malformed", what="record")
    return kind, plaintext[_HEADER:end]


def fragments(message: bytes) -> Iterator[tuple[Kind, bytes]]:
    """The records that carry `message`: all but the last are `MORE` and full."""
    last = (len(message) - 1) // MAX_CONTENT * MAX_CONTENT
    for at in range(0, last, MAX_CONTENT):
        yield Kind.MORE, message[at : at + MAX_CONTENT]
    yield Kind.FINAL, message[last:]


class Assembler:
    """Puts the fragments of one message after another together again."""

    def __init__(self) -> None:
        self._parts = bytearray()

    def add(self, content: bytes, final: bool) -> bytes | None:
        """The message if `content` ends it. RemoteError: `malformed` for an empty fragment, `too_large` beyond 320 KiB."""
        if not content:
            raise RemoteError("malformed", what="fragment")
        if len(self._parts) + len(content) > MAX_MESSAGE:
            raise RemoteError("too_large", what="message")
        if final and not self._parts:
            return content
        self._parts += content
        if not final:
            return None
        message = bytes(self._parts)
        self._parts.clear()
        return message
