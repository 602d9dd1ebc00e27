"""Entries by the first bytes of their ids and of the ids of their messages.

Both ids are hashes. An index in their order has no place that is written more often than others: of a large one each new entry makes
two pages dirty, and all of these are encrypted, logged, and copied into the database. So there are two, seen as one through the view
`lookup`: new entries go into a small one, and as soon as that has grown a slice of it is moved into the large one, all that lies next to
each other there. And they hold a few bytes of each id: who looks for one compares the whole of it (`named`), so that it is harmless
where two begin alike; nobody can make many that do.
"""

from __future__ import annotations

from itertools import product
from typing import Any, Final

import apsw

BYTES: Final = 6
"""Of an id; also in migration 4 (schema.py)."""
MANY_NEW: Final = 8192
"""Rows, two an entry, beyond which a slice of the small one is moved."""
_SLICES: Final = 16

_ROWS: Final = f"SELECT substr({{column}}, 1, {BYTES}), n FROM entry WHERE {{which}}"
_BOTH: Final = ("id", "message")
_ADD: Final = "INSERT OR IGNORE INTO lookup_new " + " UNION ALL ".join(
    _ROWS.format(column=column, which="n BETWEEN ?1 AND ?2") for column in _BOTH
)


def named(column: str) -> str:
    """The condition that `e` is an entry whose `column` ("id" or "message") is parameter 1. Beside it a room has to be asked for as
    `+e.room`, which no index is used for: SQLite would else look at all that the room has."""
    return f"e.n IN (SELECT n FROM lookup WHERE prefix = substr(?1, 1, {BYTES})) AND e.{column} = ?1"


class Lookups:
    """Keeps both, inside the transaction that its caller opened, on the only connection that writes."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._slice = 0
        self._new: int = connection.execute("SELECT count(*) FROM lookup_new").get

    def add(self, first: int, last: int) -> None:
        """The entries with these numbers, and those between, are here."""
        self._connection.execute(_ADD, (first, last))
        self._new += self._connection.changes()

    def forget(self, room: int) -> None:
        """The entries of a room are about to go."""
        for table, column in product(("lookup_new", "lookup_all"), _BOTH):  # for both at once SQLite would look at every row
            rows = _ROWS.format(column=column, which="room = ?1")
            self._connection.execute(f"DELETE FROM {table} WHERE (prefix, n) IN ({rows})", (room,))
            self._new -= self._connection.changes() if table == "lookup_new" else 0

    def finish(self) -> None:
        """Move one slice if there are many; to be called once a transaction, so that none of them takes long."""
        if self._new <= MANY_NEW:
            return
        bounds: tuple[Any, ...] = (_beginning(self._slice), _beginning(self._slice + 1))
        self._slice = (self._slice + 1) % _SLICES
        between = "FROM lookup_new WHERE prefix >= ? AND prefix < ?"
        self._connection.execute(f"INSERT OR IGNORE INTO lookup_all SELECT prefix, n {between}", bounds)
        self._connection.execute(f"DELETE {between}", bounds)
        self._new -= self._connection.changes()


def _beginning(number: int) -> bytes:
    """Where slice `number` begins; what follows the last begins behind all prefixes."""
    return bytes([number * 256 // _SLICES]) if number < _SLICES else bytes([255]) * (BYTES + 1)
