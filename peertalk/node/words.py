"""The full-text index of each room: what was said, findable by its words (docs/protocol.md, "At rest").

A table of the room's own (`words_7`, made when the first text comes), whose rows are numbered as `entry.n`. It keeps words and
where they are, not the texts. A word must be gone when the last text with it is erased, and FTS5 alone does not achieve that: its
own secure-delete leaves words behind as marks between its blocks, and SQLite copies of blocks that it moved (schema.py). So the
segments of an index from which something was taken are merged into a new one, which is then written on clean pages: for 100,000
messages that takes a tenth of a second, for a few thousand nothing that is felt.

The indexes are written behind what is durable: in larger pieces, when nothing else is to be done. `indexed` says how far. What is in
them so follows from what is stored: an entry is, if it is not above that number, or if its body came later than itself (then it has
been added together with that). Only what is in an index may be taken out of it: FTS5 would be damaged by anything else.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import closing
from itertools import groupby, islice
from operator import itemgetter
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
AT_ONCE: Final = 1000
"""Entries that are added to the indexes in one transaction, fewer if they are long."""
_BYTES_AT_ONCE: Final = 131_072

Said = tuple[int, str, bytes | None]
"""(number, kind, body) of an entry."""


class Words:
    """Keeps the indexes, inside the transaction that its caller opened, on the only connection that writes."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._tables = set(tables(connection))
        self._late: dict[int, list[tuple[int, str]]] = {}
        self._torn: set[int] = set()
        self.upto: int = connection.execute("SELECT upto FROM indexed").get
        """The entries with greater numbers are not in the indexes yet, but for those whose bodies came later."""

    def add_late(self, room: int, said: Said) -> None:
        """The body of an entry has come. `finish` is to be called before COMMIT."""
        self._late.setdefault(room, []).extend(_texts([said]))

    def take(self, room: int, said: list[tuple[Any, ...]]) -> None:
        """These (number, kind, body, number of the body) are erased: nothing is found by what they say. `finish` as above."""
        self._write_late()
        rows = _texts(row[:3] for row in said if row[0] <= self.upto or row[3] != row[0])
        if rows:
            self._connection.executemany(f"INSERT INTO words_{room} (words_{room}, rowid, said) VALUES ('delete', ?, ?)", rows)
            self._torn.add(room)

    def drop(self, room: int) -> None:
        """The history of a room goes."""
        self._connection.execute(f"DROP TABLE IF EXISTS words_{room}")
        self._late.pop(room, None)
        self._tables.discard(room)
        self._torn.discard(room)

    def catch_up(self, last: int) -> None:
        """Add the next of the entries up to number `last`, in a transaction of its own that the caller has opened."""
        next_ = "SELECT room, n FROM entry WHERE n > ? AND n <= ? ORDER BY n LIMIT ?"
        rows: list[Any] = self._connection.execute(next_, (self.upto, last, AT_ONCE)).fetchall()
        upto = rows[-1][1] if len(rows) == AT_ONCE else last
        said: dict[int, list[Said]] = {}
        size = 0
        with closing(self._bodies(rows)) as found:
            for room, one in found:
                said.setdefault(room, []).append(one)
                size += len(one[2] or b"")
                if size > _BYTES_AT_ONCE:
                    upto = one[0]
                    break
        for room, some in said.items():
            self._write(room, _texts(some))
        self._connection.execute("UPDATE indexed SET upto = ?", (upto,))
        self.upto = upto

    def finish(self) -> None:
        """Write what came later, and leave nothing in the indexes of what was taken out of them."""
        self._write_late()
        for room in self._torn:
            self._connection.execute(f"INSERT INTO words_{room} (words_{room}) VALUES ('optimize')")
            for part in ("data", "idx"):
                rewrite(self._connection, f"words_{room}_{part}")
        self._torn.clear()

    def _bodies(self, rows: list[tuple[int, int]]) -> Generator[tuple[int, Said], None, None]:
        """(room, what was said) of those entries, (room, number) each in the order of numbers, that came with their bodies."""
        for room, run in groupby(rows, key=itemgetter(0)):
            numbers = [n for _, n in run]
            for one in self._connection.execute(_BODIES.format(room=room), (numbers[0], numbers[-1])):
                yield room, one

    def _write_late(self) -> None:
        for room, rows in self._late.items():
            self._write(room, rows)
        self._late.clear()

    def _write(self, room: int, rows: list[tuple[int, str]]) -> None:
        if rows and room not in self._tables:
            self._connection.execute(TABLE.format(room=room))
            self._tables.add(room)
        insert(self._connection, f"words_{room} (rowid, said)", rows)


_BODIES: Final = """
    SELECT e.n, e.kind, c.body FROM entry AS e CROSS JOIN content_{room} AS c ON c.n = e.n
    WHERE e.n BETWEEN ? AND ? AND e.body = e.n ORDER BY e.n
"""


def _texts(said: Iterable[Said]) -> list[tuple[int, str]]:
    return [(n, text) for n, kind, body in said if (text := searchable(kind, body))]


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
    meant = (word for word in plain.split() if any(character.isalnum() for character in word))
    quoted = [f'"{word}"' for word in islice(meant, MAX_WORDS)]
    return " AND ".join(quoted) + "*" if quoted else ""


def find(connection: apsw.Connection, room: int, asked: str, limit: int) -> list[int]:
    """The numbers of at most `limit` entries in which what is `asked` (see `query`) is found, the greatest first."""
    match = f"SELECT rowid FROM words_{room} WHERE words_{room} MATCH ? ORDER BY rowid DESC LIMIT ?"
    return [n for (n,) in connection.execute(match, (asked, limit))]


def fill(connection: apsw.Connection) -> None:
    """For a database of a version without: the index of what is there, and what the annotations are about."""
    rooms: list[tuple[Any, ...]] = connection.execute("SELECT n FROM room").fetchall()
    for (room,) in rooms:
        connection.execute(TABLE.format(room=room))
        last = 0
        while some := _bodies(connection, room, last):
            insert(connection, f"words_{room} (rowid, said)", _texts(some))
            about = [(target(kind, body) or None, n) for n, kind, body in some if kind in ANNOTATIONS]
            connection.executemany("UPDATE entry SET target = ? WHERE n = ?", about)
            last = some[-1][0]


def _bodies(connection: apsw.Connection, room: int, last: int) -> list[Said]:
    query = f"""
        SELECT e.n, e.kind, c.body FROM entry AS e CROSS JOIN content_{room} AS c ON c.n = e.body
        WHERE e.room = ? AND e.n > ? ORDER BY e.n LIMIT ?
    """
    rows: list[Any] = connection.execute(query, (room, last, AT_ONCE)).fetchall()
    return rows
