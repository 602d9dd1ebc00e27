"""The tables of a profile's database, their numbered migrations, and how it is connected to (protocol.md, section 8).

What is searched has columns; what is only ever read whole (a room, a card, a key, a peer) is one msgpack value, read by name, so
that a field with a default can be added without a migration. Rooms, pages and entries are numbered (`n`); the entries of a page
have consecutive numbers from the page's own on, so neither needs an index on the other.

Headers and bodies are not in the table of entries: a start reads all of that. And they must be gone when they are erased, which
`secure_delete` alone does not achieve: it overwrites the place of a row, but SQLite moves rows between its pages when it splits
and joins them, and a copy may stay in the unused middle of a page. So they lie where nothing is ever moved: in a table of the
room's own (`content_7`) to which rows are only added, at its end; where a body is overwritten in place; and which is emptied or
dropped as a whole, pages and all. The small tables are written anew when something in them was erased (changes.py), and so is the
full-text index of a room (words.py).

Entries are found by id and by message with the first bytes of either (lookups.py), not by an index on 32 bytes in random order, of
which each entry that is added would write two pages anew.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import apsw
import msgspec

from peertalk.core.stored import Gone
from peertalk.errors import StartError
from peertalk.node import words

APPLICATION_ID: Final = 0x5054_616C  # "PTal": what `file` and other tools could see behind the key

MIGRATIONS: Final[tuple[str, ...]] = (
    # 1
    f"""
    PRAGMA application_id = {APPLICATION_ID};
    CREATE TABLE profile (key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE peer (identity BLOB PRIMARY KEY, record BLOB NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE room (n INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, record BLOB NOT NULL) STRICT;
    CREATE TABLE feed_key (
        room INTEGER NOT NULL, feed BLOB NOT NULL, created INTEGER NOT NULL, record BLOB NOT NULL,
        PRIMARY KEY (room, feed)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE card (
        room INTEGER NOT NULL, identity BLOB NOT NULL, via BLOB NOT NULL, record BLOB NOT NULL,
        PRIMARY KEY (room, identity, via)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE outbox (
        room INTEGER NOT NULL, number INTEGER NOT NULL, message BLOB NOT NULL, kind TEXT NOT NULL,
        body BLOB NOT NULL, time INTEGER NOT NULL,
        PRIMARY KEY (room, number)
    ) STRICT;
    CREATE TABLE claim (
        room INTEGER NOT NULL, feed BLOB NOT NULL, identity BLOB NOT NULL, disk INTEGER NOT NULL, seq INTEGER NOT NULL,
        PRIMARY KEY (room, feed, identity, disk)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE page (
        n INTEGER PRIMARY KEY, room INTEGER NOT NULL, number INTEGER NOT NULL, length INTEGER NOT NULL,
        feed BLOB NOT NULL, prev BLOB NOT NULL, signature BLOB NOT NULL,
        UNIQUE (room, number)
    ) STRICT;
    CREATE TABLE entry (
        n INTEGER PRIMARY KEY, room INTEGER NOT NULL, page INTEGER NOT NULL, id BLOB NOT NULL UNIQUE,
        seq INTEGER NOT NULL, lamport INTEGER NOT NULL, time INTEGER NOT NULL, received INTEGER NOT NULL,
        kind TEXT NOT NULL, message BLOB NOT NULL, late INTEGER NOT NULL, body INTEGER
    ) STRICT;
    CREATE INDEX entry_order ON entry (room, lamport, id);
    CREATE INDEX entry_message ON entry (message);
    CREATE INDEX entry_absent ON entry (page) WHERE body IS NULL;
    CREATE INDEX entry_presence ON entry (room, n) WHERE kind IN ('here', 'left');
    """,
    # 2
    """
    CREATE TABLE offer (room BLOB PRIMARY KEY, record BLOB NOT NULL) STRICT, WITHOUT ROWID;
    DROP INDEX entry_presence;
    CREATE INDEX entry_state ON entry (room, n) WHERE kind IN ('here', 'left', 'seal', 'admit', 'unseal', 'follow', 'over');
    """,
    # 3, and then words.fill
    """
    ALTER TABLE entry ADD COLUMN gone INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE entry ADD COLUMN target BLOB;
    DROP INDEX entry_absent;
    CREATE INDEX entry_absent ON entry (page) WHERE body IS NULL AND gone = 0;
    CREATE INDEX entry_target ON entry (room, target) WHERE target IS NOT NULL;
    CREATE INDEX entry_delete ON entry (page, target) WHERE kind = 'delete';
    """,
    # 4: `entry` without UNIQUE, which no statement takes away; lookups.py; what the full-text indexes have (words.py)
    """
    CREATE TABLE moved (
        n INTEGER PRIMARY KEY, room INTEGER NOT NULL, page INTEGER NOT NULL, id BLOB NOT NULL,
        seq INTEGER NOT NULL, lamport INTEGER NOT NULL, time INTEGER NOT NULL, received INTEGER NOT NULL,
        kind TEXT NOT NULL, message BLOB NOT NULL, late INTEGER NOT NULL, body INTEGER, gone INTEGER NOT NULL, target BLOB
    ) STRICT;
    INSERT INTO moved SELECT n, room, page, id, seq, lamport, time, received, kind, message, late, body, gone, target FROM entry;
    DROP TABLE entry;
    ALTER TABLE moved RENAME TO entry;
    CREATE INDEX entry_order ON entry (room, lamport, id);
    CREATE INDEX entry_absent ON entry (page) WHERE body IS NULL AND gone = 0;
    CREATE INDEX entry_state ON entry (room, n) WHERE kind IN ('here', 'left', 'seal', 'admit', 'unseal', 'follow', 'over');
    CREATE INDEX entry_target ON entry (room, target) WHERE target IS NOT NULL;
    CREATE INDEX entry_delete ON entry (page, target) WHERE kind = 'delete';
    CREATE TABLE lookup_new (prefix BLOB NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (prefix, n)) STRICT, WITHOUT ROWID;
    CREATE TABLE lookup_all (prefix BLOB NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (prefix, n)) STRICT, WITHOUT ROWID;
    CREATE VIEW lookup AS SELECT prefix, n FROM lookup_new UNION ALL SELECT prefix, n FROM lookup_all;
    INSERT OR IGNORE INTO lookup_all
        SELECT substr(id, 1, 6) AS prefix, n FROM entry UNION ALL SELECT substr(message, 1, 6), n FROM entry ORDER BY prefix;
    CREATE TABLE indexed (upto INTEGER NOT NULL) STRICT;
    INSERT INTO indexed SELECT coalesce(max(n), 0) FROM entry;
    """,
)
_AND_THEN: Final[Mapping[int, Callable[[apsw.Connection], None]]] = {3: words.fill}
"""What SQL alone can't do, after a migration and together with it."""

STATE: Final = "('here', 'left', 'seal', 'admit', 'unseal', 'follow', 'over')"
"""core.stored.STATE_KINDS, as in the index, which has to be named word by word."""
KEPT: Final = f"{STATE[:-1]}, 'delete')"
"""core.stored.KEPT_KINDS."""
GONE: Final[tuple[Gone, ...]] = ("", "expired", "deleted")
"""What `entry.gone` says."""

# Row `entry.n` has the header, row `entry.body` the body: the same row, or a later one if the body came later.
CONTENT: Final = "CREATE TABLE content_{room} (n INTEGER PRIMARY KEY, header BLOB, body BLOB) STRICT"

# Durable means: on the disk, not in its cache (fullfsync: macOS needs to be told). Nothing is readable beside the
# file: temporary tables and journals stay in memory; what is deleted is overwritten.
_DURABLE: Final = """
    PRAGMA synchronous = FULL;
    PRAGMA fullfsync = ON;
    PRAGMA checkpoint_fullfsync = ON;
"""
_SETTINGS: Final = f"""
    PRAGMA journal_mode = WAL;
    {_DURABLE}
    PRAGMA secure_delete = ON;
    PRAGMA temp_store = MEMORY;
    PRAGMA trusted_schema = OFF;
    PRAGMA cache_size = -8000;
"""
_PATIENCE_MS: Final = 5000
_PATIENCE_WITH_OURSELVES_MS: Final = 600_000  # in memory readers and writer lock each other out, and nobody else is there
_SHORTEST: Final = 512


Connections = tuple[apsw.Connection, apsw.Connection]  # one that writes, one that reads


def connect(path: Path, key: bytes) -> Connections:
    """Two connections to the database in `path`, created (owner-only) if missing, at the newest version.

    StartError: `newer_database` (found, known), `broken_database` (file; also for a wrong key), `disk` (why).
    """
    with failures_told(path):
        _create(path, key)
    connections: list[apsw.Connection] = []
    try:
        with failures_told(path):
            for _ in range(2):
                connections.append(apsw.Connection(str(path)))
                unlock(connections[-1], key)
            return _ready(connections[0], connections[1], _PATIENCE_MS)
    except BaseException:
        disconnect(connections)
        raise


def connect_another(path: Path, key: bytes) -> apsw.Connection:
    """A third connection, which moves the log into the database."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    unlock(connection, key)
    connection.execute(f"{_DURABLE} PRAGMA cache_size = -64").fetchall()
    return connection


def connect_memory(name: str) -> Connections:
    """Two connections to an empty database in memory, which is gone when both are closed."""
    flags = apsw.SQLITE_OPEN_URI | apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
    url = f"file:/{name}?vfs=memdb"
    return _ready(apsw.Connection(url, flags=flags), apsw.Connection(url, flags=flags), _PATIENCE_WITH_OURSELVES_MS)


def disconnect(connections: Iterable[apsw.Connection]) -> None:
    """Close them all."""
    for connection in connections:
        connection.close()


def failure(error: Exception, path: Path | None = None) -> Exception:
    """What a person is told when the database fails: StartError("broken_database", file=…) or ("disk", why=…).

    A mistake of our own (a constraint, a wrong type) comes back as it is.
    """
    if isinstance(error, apsw.NotADBError | apsw.CorruptError):
        return StartError("broken_database", file=str(path or ""))
    why = next((word for kind, word in _WHY.items() if isinstance(error, kind)), None)
    return StartError("disk", why=why) if why is not None else error


@contextmanager
def failures_told(path: Path | None) -> Iterator[None]:
    """Raise errors of the database as `failure` has them; a row that cannot be read is one too."""
    try:
        yield
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise StartError("broken_database", file=str(path or "")) from error
    except apsw.Error as error:
        told = failure(error, path)
        if told is error:
            raise
        raise told from error


@contextmanager
def transaction(connection: apsw.Connection) -> Iterator[None]:
    """All that is done inside, or nothing of it. Where the disk is full SQLite itself has ended it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


_WHY: Final[dict[type[apsw.Error], str]] = {
    apsw.FullError: "full",
    apsw.IOError: "io",
    apsw.CantOpenError: "denied",
    apsw.ReadOnlyError: "denied",
    apsw.PermissionsError: "denied",
    apsw.BusyError: "busy",
    apsw.LockedError: "busy",
    apsw.NoMemError: "memory",
}


def _create(path: Path, key: bytes) -> None:
    """There is a file, whole from its first moment on: one that is shorter than a database has lost what was in it, and SQLite
    would take it for a new one. SQLite gives its -wal and -shm files the mode of the main file."""
    try:
        if path.exists():
            if path.stat().st_size < _SHORTEST:
                raise StartError("broken_database", file=str(path))
            return
        fresh = path.with_name(f"{path.name}.new")
        fresh.unlink(missing_ok=True)
        os.close(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        connection = apsw.Connection(str(fresh))
        unlock(connection, key)
        connection.execute("VACUUM")
        connection.close()
        fresh.replace(path)
    except OSError as error:
        raise StartError("disk", why="denied") from error


def unlock(connection: apsw.Connection, key: bytes) -> None:
    """Say under which key (32 bytes) all that is read and written on a new connection is encrypted."""
    connection.pragma("cipher", "chacha20")
    connection.pragma("key", f"raw:{key.hex()}")  # raw: the key is random already, nothing is derived at each open


def _ready(writer: apsw.Connection, reader: apsw.Connection, patience: int) -> Connections:
    writer.set_busy_timeout(patience)
    reader.set_busy_timeout(patience)
    _migrate(writer)
    reader.execute(
        "PRAGMA query_only = ON; PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF; PRAGMA cache_size = -8000"
    ).fetchall()
    return writer, reader


def _migrate(connection: apsw.Connection) -> None:
    """The version is looked at before anything is written, so that a newer program's file stays as it is."""
    found, known = connection.pragma("user_version"), len(MIGRATIONS)
    if found > known:
        raise StartError("newer_database", found=found, known=known)
    connection.execute(
        _SETTINGS
    ).fetchall()  # to the end: the first one answers with a row, the others would wait for it to be read
    for number in range(found, known):
        with transaction(connection):
            if connection.pragma("user_version") != number:
                continue  # somebody else has done it meanwhile
            connection.execute(MIGRATIONS[number]).fetchall()
            if number + 1 in _AND_THEN:
                _AND_THEN[number + 1](connection)
            connection.pragma("user_version", number + 1)
