"""A stream of bytes → its lines."""

from __future__ import annotations

MAX_LINE = 1 << 20


class Lines:
    """Splits a stream at newlines. A line longer than `limit` bytes comes out once, as None, and the rest of it is skipped."""

    def __init__(self, limit: int = MAX_LINE) -> None:
        self._limit = limit
        self._rest = b""
        self._skipping = False

    def feed(self, chunk: bytes) -> list[bytes | None]:
        """The lines that `chunk` completes, without their newlines."""
        *whole, self._rest = (self._rest + chunk).split(b"\n")
        lines: list[bytes | None] = []
        for line in whole:
            if not self._skipping:
                lines.append(line if len(line) <= self._limit else None)
            self._skipping = False
        if len(self._rest) > self._limit or self._skipping:
            if not self._skipping:
                lines.append(None)
            self._skipping, self._rest = True, b""
        return lines

    def end(self) -> list[bytes | None]:
        """A last line that no newline ended, if there is one."""
        rest, self._rest = self._rest, b""
        return [rest] if rest else []
