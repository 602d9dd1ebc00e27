"""Bytes read as choices, so that any input is a run of a machine and a change of one byte is a change of one choice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Choices:
    """Reads `data` from the front; where it ends everything is 0."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def more(self) -> bool:
        """Whether something is left."""
        return self._at < len(self._data)

    def take(self, size: int) -> bytes:
        """At most so many bytes."""
        taken = self._data[self._at : self._at + size]
        self._at += len(taken)
        return taken

    def rest(self) -> bytes:
        return self.take(len(self._data))

    def number(self, below: int) -> int:
        """A number from 0 on, out of one byte, or out of two where it may be greater than 255."""
        return int.from_bytes(self.take(1 if below <= 256 else 2), "big") % below

    def pick(self, options: Sequence[T]) -> T:
        """One of these, which must not be none."""
        return options[self.number(len(options))]

    def some(self, options: Sequence[T]) -> list[T]:
        """Up to four of these, in any order, also twice."""
        return [self.pick(options) for _ in range(self.number(5))] if options else []
