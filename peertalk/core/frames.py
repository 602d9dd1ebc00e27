"""Frames: a big-endian u16 length and that many bytes (docs/protocol.md, "Frames")."""

from __future__ import annotations

from collections.abc import Container

from peertalk.errors import RemoteError

MAX_FRAME = 65_535
_PREFIX = 2


def frame(content: bytes) -> bytes:
    """`content` (1 to 65,535 bytes) as one frame."""
    return len(content).to_bytes(_PREFIX, "big") + content


class FrameReader:
    """Splits a stream that comes in any pieces. Holds at most what was fed since the last `next` and one unfinished frame."""

    __slots__ = ("_buffer", "_start")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._start = 0

    def feed(self, data: bytes) -> None:
        """Add what came; then call `next` until it gives None."""
        self._buffer += data

    def next(self, sizes: Container[int]) -> bytes | None:
        """The content of the next frame, or None until all of it has come.

        RemoteError("malformed") as soon as its length is here and not one of `sizes`.
        """
        buffer, begin = self._buffer, self._start + _PREFIX
        if len(buffer) >= begin:
            size = buffer[begin - 2] << 8 | buffer[begin - 1]
            if size not in sizes:
                raise RemoteError("malformed", what="frame")
            if len(buffer) >= begin + size:
                self._start = begin + size
                return bytes(buffer[begin : begin + size])
        del buffer[: self._start]
        self._start = 0
        return None
