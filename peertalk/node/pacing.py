"""How fast the disk takes what is brought, and so how much may wait for it: what somebody says meanwhile comes after all of that."""

from __future__ import annotations

from typing import Final

QUEUE: Final = 0.006
"""Seconds for which what waits keeps the disk busy: it never stands idle, and nobody waits much longer than this."""
LEAST, MOST = 32 * 1024, 256 * 1024
"""Bytes that may wait in any case, and that never wait."""
_MEMORY: Final = 1.0
"""Seconds: what was longer ago counts for little."""
_MORE: Final = 1.25
"""By how much more is tried where the disk had nothing to do."""


class Pace:
    """Looked at now and then, with the bytes that wait. Times are seconds of one clock."""

    def __init__(self) -> None:
        self.limit = LEAST
        """Bytes from which on nothing more is to be given to the disk."""
        self._left, self._at = 0, 0.0
        self._written, self._took = 0.0, 0.0

    def look(self, left: int, now: float) -> None:
        """So much is `left` now of what waited the last time."""
        written, took = self._left - left, now - self._at
        if written > 0 and left:
            self._note(written, took)
        elif written > 0:  # it may have been done long ago: the disk is at least as fast
            self.limit = min(MOST, max(self.limit, round(self.limit * _MORE)))
        elif written == 0 and left:
            return  # nothing was reported yet
        self._left, self._at = left, now

    def gave(self, left: int) -> None:
        """More was given to the disk; so much waits now."""
        self._left = left

    def _note(self, written: int, took: float) -> None:
        kept = max(0.0, 1 - took / _MEMORY)
        self._written, self._took = self._written * kept + written, self._took * kept + took
        self.limit = round(min(MOST, max(LEAST, self._written / max(self._took, 1e-3) * QUEUE)))
