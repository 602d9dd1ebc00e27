"""Rows into tables, many in one statement: each statement lets other threads run, and then has to wait for its turn among them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import Final

import apsw

_AT_ONCE: Final = tuple(1 << power for power in range(8, -1, -1))  # few statements for any number, and few to be prepared


def insert(connection: apsw.Connection, into: str, rows: Sequence[tuple[object, ...]]) -> None:
    """Insert `rows`, all equally long, in order; `into` is a table, with its columns where they are not all meant."""
    if len(rows) == 1:  # what is said live
        connection.execute(_statement(into, len(rows[0]), 1), rows[0])
        return
    at = 0
    for size in _AT_ONCE:
        while len(rows) - at >= size:
            connection.execute(_statement(into, len(rows[0]), size), tuple(chain.from_iterable(rows[at : at + size])))
            at += size


@lru_cache(maxsize=256)
def _statement(into: str, columns: int, rows: int) -> str:
    values = ", ".join([f"({', '.join('?' * columns)})"] * rows)
    return f"INSERT INTO {into} VALUES {values}"  # noqa: S608 - own words
