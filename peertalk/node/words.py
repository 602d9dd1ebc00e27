"""The full-text index of each room: what was said, findable by its words (docs/protocol.md, "At rest").

A table of the room's own (`words_7`, made when the first text comes), whose rows are numbered as `entry.n`. It keeps words and
where they are, not the texts. A word must be gone when the last text with it is erased, and FTS5 alone does not achieve that: its
own secure-delete leaves words behind as marks between its blocks, and SQLite copies of blocks that it moved (schema.py). So the
segments of an index from which something was taken are merged into a new one, which is then written on clean pages: for 100,000
messages that takes a tenth of a second, for a few thousand nothing that is felt.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any, Final

import apsw

from peertalk.core.annotations import searchable, target
from peertalk.core.stored import ANNOTATIONS
from peertalk.node.rows import insert

TABLE: Final = """
    CREATE VIRTUAL TABLE words_{room} USING fts5(said, content='', columnsize=0, tokenize="unicode61 remove_diacritics 2")
"""
MAX_WORDS: Final = 32
"""Words of a query that are looked for; what comes after them is not."""
_AT_ONCE: Final = 1000

Said = tuple[int, str, bytes | None]
"""(number, kind, body) of an entry."""


class Words:
    """Keeps the indexes, inside the transaction that its caller opened, on the only connection that writes."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._tables = set(tables(connection))
        self._torn: set[int] = set()

    def add(self, room: int, said: Iterable[Said]) -> None:
        """These entries are here now, with their bodies."""
        rows = [(n, text) for n, kind, body in said if (text := searchable(kind, body))]
        if rows and room not in self._tables:
            self._connection.execute(TABLE.format(room=room))
            self._tables.add(room)
        if rows:
            insert(self._connection, f"words_{room} (rowid, said)", rows)

    def take(self, room: int, said: list[Said]) -> None:
        """These entries are erased: nothing is found by what they say. `clean` is to be called before COMMIT."""
        rows = [(n, text) for n, kind, body in said if (text := searchable(kind, body))]
        if rows:
            self._connection.executemany(f"INSERT INTO words_{room} (words_{room}, rowid, said) VALUES ('delete', ?, ?)", rows)
            self._torn.add(room)

    def drop(self, room: int) -> None:
        """The history of a room goes."""
        self._connection.execute(f"DROP TABLE IF EXISTS words_{room}")
        self._tables.discard(room)
        self._torn.discard(room)

    def clean(self) -> None:
        """Leave nothing in the indexes of what was taken out of them."""
        for room in self._torn:
            self._connection.execute(f"INSERT INTO words_{room} (words_{room}) VALUES ('optimize')")
            for part in ("data", "idx"):
                rewrite(self._connection, f"words_{room}_{part}")
        self._torn.clear()


def rewrite(connection: apsw.Connection, table: str) -> None:
    """Write a table anew, on clean pages: those of an emptied table are overwritten as a whole (secure_delete)."""
    rows = connection.execute(f"SELECT * FROM {table}").fetchall()
    connection.execute(f"DELETE FROM {table}")
    if rows:
        connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)


def tables(connection: apsw.Connection) -> list[int]:
    """The rooms that have an index."""
    named = connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql LIKE 'CREATE VIRTUAL TABLE words_%'"
    )
    return [int(name.removeprefix("words_")) for (name,) in named]


def query(words: str) -> str:
    """What FTS5 is asked for who types `words`: all of them, the last one perhaps not to its end. "" where there is none."""
    plain = words.encode("utf-8", "replace").decode().replace("\0", " ").replace('"', " ")
    quoted = [f'"{word}"' for word in islice(plain.split(), MAX_WORDS)]
    return " AND ".join(quoted) + "*" if any(character.isalnum() for character in plain) else ""


def find(connection: apsw.Connection, room: int, asked: str, limit: int) -> list[int]:
    """The numbers of at most `limit` entries in which what is `asked` (see `query`) is found, the greatest first."""
    match = f"SELECT rowid FROM words_{room} WHERE words_{room} MATCH ? ORDER BY rowid DESC LIMIT ?"
    return [n for (n,) in connection.execute(match, (asked, limit))]


def fill(connection: apsw.Connection) -> None:
    """For a database of a version without: the index of what is there, and what the annotations are about."""
    words = Words(connection)
    rooms: list[tuple[Any, ...]] = connection.execute("SELECT n FROM room").fetchall()
    for (room,) in rooms:
        last = 0
        while some := _bodies(connection, room, last):
            words.add(room, some)
            about = [(target(kind, body) or None, n) for n, kind, body in some if kind in ANNOTATIONS]
            connection.executemany("UPDATE entry SET target = ? WHERE n = ?", about)
            last = some[-1][0]


def _bodies(connection: apsw.Connection, room: int, last: int) -> list[Said]:
    query = f"""
        SELECT e.n, e.kind, c.body FROM entry AS e CROSS JOIN content_{room} AS c ON c.n = e.body
        WHERE e.room = ? AND e.n > ? ORDER BY e.n LIMIT ?
    """
    rows: list[Any] = connection.execute(query, (room, last, _AT_ONCE)).fetchall()
    return rows
