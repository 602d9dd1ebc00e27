"""Rows into tables, many in one statement: each statement lets other threads run, and then has to wait for its turn among them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Final

import apsw

_AT_ONCE: Final = (64, 8, 1)


def insert(connection: apsw.Connection, into: str, rows: Sequence[tuple[object, ...]]) -> None:
    """Insert `rows`, all equally long, in order; `into` is a table, with its columns where they are not all meant."""
    at = 0
    for size in _AT_ONCE:
        values = ", ".join([f"({', '.join('?' * len(rows[0]))})"] * size) if len(rows) - at >= size else ""
        while len(rows) - at >= size:
            connection.execute(f"INSERT INTO {into} VALUES {values}", tuple(chain.from_iterable(rows[at : at + size])))  # noqa: S608 - own words
            at += size
