"""Limits so small that a schedule reaches them all: what exceeds them must come all the same, only later."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from peertalk.core.rates import Rate

BURST, BEGIN_RATE = 1, 1 / 4
SMALL: dict[str, object] = {
    "rates.LITTLE": Rate(9, 1, 4 << 10, 1 << 10),
    "rates.OPEN": Rate(60, 12, 32 << 10, 8 << 10),
    "rates.RESERVED": 24,
    "rates.RESERVED_SIZE": 8 << 10,
    "rates.STRANGERS": Rate(40, 4, 16 << 10, 4 << 10),
    "wire.MAX_PAGE_ENTRIES": 20,
    "room.OWN_WANTED": 3,
    "room.MAX_WANTED": 4,
    "sharing.MAX_PARKED": 2,
    "cards.GIVEN": 12,
    "cards.GIVEN_TOGETHER": 24,
    "beginnings.BURST": BURST,
    "beginnings.RATE": BEGIN_RATE,
}
_RATES = [rate for rate in SMALL.values() if isinstance(rate, Rate)]
REFILL = max(
    BURST / BEGIN_RATE,
    *(rate.entries / rate.entries_a_second for rate in _RATES),
    *(rate.size / rate.size_a_second for rate in _RATES),
)
"""Seconds after which there is again all of what somebody may take at once."""


@contextmanager
def scarcity() -> Iterator[None]:
    """As long as this goes on everything is scarce."""
    patches = [patch(f"peertalk.core.{name}", value) for name, value in SMALL.items()]
    for one in patches:
        one.start()
    try:
        yield
    finally:
        for one in reversed(patches):
            one.stop()
