"""What can still be read of a damaged database: who one is, which rooms one is in, whom one knows, and what waits to be sent.

Each page of the file is authenticated by its cipher, so what can be read at all is what was written. Feed keys are left behind: new
feeds begin, and the history of a room comes back from its other members.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, TypeVar

import apsw
import msgspec

from peertalk.core.stored import (
    STATE_KINDS,
    Op,
    OutboxRecord,
    PeerRecord,
    PutOutbox,
    PutPeer,
    PutProfile,
    PutRoom,
    Record,
    RoomRecord,
)
from peertalk.node import schema

R = TypeVar("R", bound=Record)
_IDENTITY: Final = 32


def rescue(database: Path, key: bytes) -> tuple[Op, ...]:
    """What a profile can begin anew with; () where not even its identity can be read. The files stay as they are: this reads copies,
    since opening a database may change it. OSError. Blocks."""
    with TemporaryDirectory(prefix="rescue-", dir=database.parent) as folder:
        copy = Path(folder) / database.name
        for suffix in ("", "-wal"):
            with suppress(FileNotFoundError):
                shutil.copyfile(f"{database}{suffix}", f"{copy}{suffix}")
        with suppress(apsw.Error), closing(apsw.Connection(str(copy))) as connection:
            schema.unlock(connection, key)
            return _found(connection)
    return ()


def _found(connection: apsw.Connection) -> tuple[Op, ...]:
    profile = dict(_rows(connection, "SELECT key, value FROM profile ORDER BY key {way}"))
    if len(profile.get("identity", b"")) != _IDENTITY:
        return ()
    rooms = dict(_records(connection, "SELECT n, record FROM room ORDER BY n {way}", RoomRecord))
    peers = dict(_records(connection, "SELECT identity, record FROM peer ORDER BY identity {way}", PeerRecord))
    return (
        *(PutProfile(name, profile[name]) for name in ("identity", "name") if name in profile),
        *(PutRoom(msgspec.structs.replace(room, read=(0, b""))) for room in rooms.values()),
        *(PutPeer(peer) for peer in peers.values()),
        *(PutOutbox(waiting) for waiting in _waiting(connection, rooms)),
    )


def _waiting(connection: apsw.Connection, rooms: dict[int, RoomRecord]) -> Iterator[OutboxRecord]:
    query = "SELECT room, number, message, kind, body, time FROM outbox ORDER BY room {way}, number {way}"
    found = {row[:2]: row for row in _rows(connection, query)}
    for (n, number), (_, _, message, kind, body, time) in sorted(found.items()):
        if n in rooms and kind not in STATE_KINDS:
            yield OutboxRecord(room=rooms[n].id, number=number, message=message, kind=kind, body=body, time=time)


def _records(connection: apsw.Connection, query: str, kind: type[R]) -> Iterator[tuple[Any, R]]:
    decode: Callable[[bytes], R] = msgspec.msgpack.Decoder(kind).decode
    for where, record in _rows(connection, query):
        with suppress(msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            yield where, decode(record)


def _rows(connection: apsw.Connection, query: str) -> Iterator[tuple[Any, ...]]:
    """What comes before the first damaged page, and what comes after the last one; the rest may come twice."""
    for way in ("ASC", "DESC"):
        with suppress(apsw.Error):
            yield from connection.execute(query.format(way=way))
