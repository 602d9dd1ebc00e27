"""What the full-text indexes of a database hold, and what they have to hold (peertalk/node/words.py)."""

from __future__ import annotations

import apsw

from peertalk.core.annotations import searchable
from peertalk.node import words
from tests.model_store import words_of

Held = dict[int, set[str]]
"""Number of an entry → its words."""


def held(connection: apsw.Connection) -> Held:
    """The indexes are whole, and hold this."""
    found: Held = {}
    for room in words.tables(connection):
        connection.execute(f"INSERT INTO words_{room} (words_{room}, rank) VALUES ('integrity-check', 0)")
        connection.execute(f"CREATE VIRTUAL TABLE temp.looked_at USING fts5vocab(main, words_{room}, instance)")
        for n, term in connection.execute("SELECT doc, term FROM looked_at"):
            found.setdefault(n, set()).add(term)
        connection.execute("DROP TABLE looked_at")
    return found


def due(connection: apsw.Connection) -> Held:
    """What is not above what was written, and what came later."""
    found: Held = {}
    (upto,) = connection.execute("SELECT upto FROM indexed").fetchall()[0]
    for (room,) in connection.execute("SELECT n FROM room").fetchall():
        said = f"SELECT e.n, e.kind, c.body FROM entry AS e JOIN content_{room} AS c ON c.n = e.body WHERE e.room = {room}"
        for n, kind, body in connection.execute(f"{said} AND (e.n <= {upto} OR e.body != e.n)"):
            if terms := set(words_of(searchable(kind, body))):
                found[n] = terms
    return found


def check(connection: apsw.Connection) -> None:
    """Nothing is in them that was not written or has been erased, and nothing is missing."""
    assert held(connection) == due(connection)
