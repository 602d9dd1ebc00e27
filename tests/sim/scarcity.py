"""Limits so small that a schedule reaches them all: what exceeds them must come all the same, only later."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from peertalk.core.rates import Rate

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
    "beginnings.BURST": 1,
    "beginnings.RATE": 1 / 4,
}


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
