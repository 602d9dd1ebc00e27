"""Many messages at once: what was missed while away, or a room in uproar. Pure; `now` is monotonic seconds.

Read aloud, two hundred messages take an hour in which nothing else is heard. So when more than a few come within moments they are
kept back until it is calm, and then it is said how many there were, with the last of them.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from peertalk.core.events import Message

AT_ONCE: Final = 12
WITHIN: Final = 3.0
CALM: Final = 1.0
LONGEST: Final = 10.0
KEPT: Final = 10


@dataclass(slots=True)
class Burst:
    """So many messages of a room, and the last of them."""

    count: int = 0
    last: deque[Message] = field(default_factory=lambda: deque(maxlen=KEPT))


@dataclass(slots=True)
class Inflow:
    """Says of each message whether it is told at once. `everything`: all are, as where nobody listens but a file."""

    everything: bool = False
    _told: deque[float] = field(default_factory=lambda: deque(maxlen=AT_ONCE))
    _bursts: dict[str, Burst] = field(default_factory=dict)
    _began: float = 0.0
    _latest: float = 0.0

    def take(self, message: Message, now: float) -> bool:
        """Whether to tell it now; else it is kept for `due`."""
        many = len(self._told) == AT_ONCE and now - self._told[0] < WITHIN
        if self.everything or not (many or self._bursts):
            self._told.append(now)
            return True
        self._began = self._began if self._bursts else now
        self._latest = now
        burst = self._bursts.setdefault(message.room, Burst())
        burst.count += 1
        burst.last.append(message)
        return False

    def due(self, now: float) -> dict[str, Burst]:
        """What was kept, by room, when it has become calm or has gone on for long; else nothing."""
        if not self._bursts or (now - self._latest < CALM and now - self._began < LONGEST):
            return {}
        kept, self._bursts = self._bursts, {}
        return kept
