"""Times and days, in the local time zone. Times of others are only claims, so none of them is too wild."""

from __future__ import annotations

import datetime
from functools import lru_cache
from typing import Final

from peertalk import i18n

DAYS: Final = {"en": "EEEE, d MMMM", "de": "EEEE, d. MMMM"}
DAYS_OF_ANOTHER_YEAR: Final = {"en": "EEEE, d MMMM yyyy", "de": "EEEE, d. MMMM yyyy"}
SHORT: Final = {"en": "d MMM", "de": "d. MMM"}
SHORT_OF_ANOTHER_YEAR: Final = {"en": "d MMM yyyy", "de": "d. MMM yyyy"}


def clock(time: int) -> str:
    """`19:02`; `--:--` for a time that no calendar has."""
    at = _local(time)
    return f"{at:%H:%M}" if at else "--:--"


def day(time: int, now: int) -> str:
    """`Tuesday, 24 November`, with the year if it is not this one."""
    at, today = _local(time), _local(now)
    if at is None:
        return "…"
    patterns = DAYS if today and at.year == today.year else DAYS_OF_ANOTHER_YEAR
    return _formatted(at.date(), patterns[i18n.language()], i18n.language())


def moment(time: int, now: int | None = None) -> str:
    """`18:40`, or with the day where that is not today's: `23 Nov 18:40`, and the year where it is not this one. Without `now` the time
    alone."""
    at, today = _local(time), _local(now) if now is not None else None
    if at is None or today is None or at.date() == today.date():
        return clock(time)
    patterns = SHORT if at.year == today.year else SHORT_OF_ANOTHER_YEAR
    return f"{_formatted(at.date(), patterns[i18n.language()], i18n.language())} {clock(time)}"


def _local(time: int) -> datetime.datetime | None:
    try:
        return datetime.datetime.fromtimestamp(time / 1000, datetime.UTC).astimezone()
    except (OverflowError, OSError, ValueError):
        return None


@lru_cache(maxsize=256)
def _formatted(date: datetime.date, pattern: str, language: str) -> str:
    from babel.dates import format_date  # noqa: PLC0415 (20 ms that plain `send` need not wait for)

    return format_date(date, pattern, locale=language)
