"""What is left when the program fails: where it was, and the kind of error; no values, which could be texts, names or keys."""

from __future__ import annotations

import traceback
from collections.abc import Iterator


def places(error: BaseException) -> list[str]:
    """The frames of an error and of those it came from: file, line, function. Never its message."""
    return [line for each in _chain(error) for line in (type(each).__name__, *_frames(each))]


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        inner = getattr(current, "error", None)  # a worker's failure holds what it failed by
        current = inner if isinstance(inner, BaseException) else current.__cause__ or current.__context__


def _frames(error: BaseException) -> list[str]:
    return [f"  {frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
