"""What is read from the tables: the snapshot of a start, pages and bodies for peers, entries for people.

All of these run inside a transaction that their caller opened: they see one moment.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import chain, groupby, islice
from typing import Any, Final

import apsw
import msgspec

from peertalk.core.annotations import MAX_GESTURES
from peertalk.core.stored import (
    Absent,
    CardRecord,
    ClaimRecord,
    EntryRecord,
    FeedKeyRecord,
    OfferRecord,
    OutboxRecord,
    PageIndex,
    PageRecord,
    PeerRecord,
    RoomRecord,
    RoomSnapshot,
    Snapshot,
)
from peertalk.node import words
from peertalk.node.lookups import BYTES, named
from peertalk.node.schema import GONE, STATE

Key = tuple[int, bytes]
Row = tuple[Any, ...]

_room: Final = msgspec.msgpack.Decoder(RoomRecord)
_feed_key: Final = msgspec.msgpack.Decoder(FeedKeyRecord)
_card: Final = msgspec.msgpack.Decoder(CardRecord)
_peer: Final = msgspec.msgpack.Decoder(PeerRecord)
_offer: Final = msgspec.msgpack.Decoder(OfferRecord)

# The columns of an EntryRecord; `{room}` is the number of the room, whose own table has headers and bodies (schema.py).
_COLUMNS: Final = """
    e.id, p.feed, e.seq, e.lamport, e.time, e.kind, e.message, c.header,
    iif(e.body = e.n, c.body, (SELECT body FROM content_{room} WHERE n = e.body)), e.received, e.late, e.gone
"""
_ENTRIES: Final = """
    FROM entry AS e CROSS JOIN page AS p ON p.n = e.page CROSS JOIN content_{room} AS c ON c.n = e.n
"""
# An entry is shown if its body is here, or was and is deleted, and no twin of it (same message, an allowed kind) comes before it.
# `l.n != e.n` settles it inside the index for all that have no twin.
_SHOWN: Final = """
    e.room = {room} AND (e.body IS NOT NULL{deleted}) AND e.kind IN ({kinds}) AND NOT EXISTS (
        SELECT 1 FROM lookup AS l CROSS JOIN entry AS t ON t.n = l.n WHERE l.prefix = substr(e.message, 1, {prefix}) AND l.n != e.n
        AND t.message = e.message AND t.room = e.room AND (t.body IS NOT NULL{deleted_twin}) AND t.kind IN ({kinds})
        AND (t.lamport, t.id) < (e.lamport, e.id)
    )
"""
# Of each feed the last edit, a deletion, and the last gestures: looked up in indices before any body is.
_COUNTING: Final = f"""
    e.n IN (SELECT n FROM (
        SELECT e.n AS n, row_number() OVER (PARTITION BY e.target, p.feed, e.kind ORDER BY e.lamport DESC, e.id DESC)
            <= iif(e.kind = 'react', {MAX_GESTURES}, 1) AS counts
        FROM entry AS e CROSS JOIN page AS p ON p.n = e.page WHERE {{which}}
    ) WHERE counts)
"""
_SAID: Final = named("message")
_DELETED: Final = GONE.index("deleted")
_ALSO_DELETED: Final = {"deleted": f" OR e.gone = {_DELETED}", "deleted_twin": f" OR t.gone = {_DELETED}", "prefix": BYTES}
_NOT_DELETED: Final = {"deleted": "", "deleted_twin": "", "prefix": BYTES}


def snapshot(connection: apsw.Connection) -> Snapshot:
    """All that a replica starts from."""
    profile: dict[str, bytes] = dict(connection.execute("SELECT key, value FROM profile"))
    return Snapshot(
        identity=profile.get("identity", b""),
        name=profile.get("name", b"").decode(),
        token=profile.get("token", b""),
        rooms=_rooms(connection),
        peers=tuple(_peer.decode(record) for (record,) in connection.execute("SELECT record FROM peer ORDER BY identity")),
        offers=tuple(_offer.decode(record) for (record,) in connection.execute("SELECT record FROM offer ORDER BY room")),
    )


def _rooms(connection: apsw.Connection) -> tuple[RoomSnapshot, ...]:
    rooms = [(n, _room.decode(record)) for n, record in connection.execute("SELECT n, record FROM room ORDER BY n")]
    feeds = _by_room(connection, "SELECT room, record FROM feed_key ORDER BY created, feed")
    cards = _by_room(connection, "SELECT room, record FROM card ORDER BY identity, via")
    outbox = _by_room(connection, "SELECT room, number, message, kind, body, time FROM outbox ORDER BY number")
    claims = _by_room(connection, "SELECT room, feed, identity, seq, disk FROM claim ORDER BY feed, identity, disk")
    absent, deletions = _by_room(connection, _ABSENT), _by_room(connection, _DELETIONS)
    pages = _pages(connection)
    return tuple(
        RoomSnapshot(
            record=record,
            feeds=tuple(_feed_key.decode(row[0]) for row in feeds[n]),
            cards=tuple(_card.decode(row[0]) for row in cards[n]),
            pages=tuple(pages[n]),
            state=_state(connection, n),
            absent=tuple(Absent(*row) for row in absent[n]),
            deletions=tuple(deletions[n]),
            outbox=tuple(_waiting(record.id, row) for row in outbox[n]),
            claims=tuple(_claim(record.id, row) for row in claims[n]),
        )
        for n, record in rooms
    )


_ABSENT: Final = """
    SELECT e.room, e.id, p.feed, e.kind, e.message, min(e.time, e.received)
    FROM entry AS e INDEXED BY entry_absent CROSS JOIN page AS p ON p.n = e.page
    WHERE e.body IS NULL AND e.gone = 0 ORDER BY p.number, e.n
"""
_DELETIONS: Final = """
    SELECT DISTINCT p.room, e.target, p.feed FROM entry AS e INDEXED BY entry_delete CROSS JOIN page AS p ON p.n = e.page
    WHERE e.kind = 'delete' AND e.target IS NOT NULL ORDER BY e.target, p.feed
"""


def _waiting(room: bytes, row: Row) -> OutboxRecord:
    number, message, kind, body, time = row
    return OutboxRecord(room=room, number=number, message=message, kind=kind, body=body, time=time)


def _claim(room: bytes, row: Row) -> ClaimRecord:
    feed, identity, seq, disk = row
    return ClaimRecord(room=room, feed=feed, identity=identity, seq=seq, disk=bool(disk))


def _by_room(connection: apsw.Connection, query: str) -> defaultdict[int, list[Row]]:
    found: defaultdict[int, list[Row]] = defaultdict(list)
    for row in connection.execute(query):
        found[row[0]].append(row[1:])
    return found


def _pages(connection: apsw.Connection) -> defaultdict[int, list[PageIndex]]:
    """Entries are numbered page by page, so two parallel walks find what belongs together."""
    same: dict[bytes, bytes] = {}  # one object for a feed key, and for an id and the `prev` of the page after it
    found: defaultdict[int, list[PageIndex]] = defaultdict(list)
    # Closed by hand: a cursor that is not read to its end keeps the connection's read transaction open.
    with closing(connection.execute("SELECT id, seq, lamport FROM entry ORDER BY n")) as entries:
        for room, number, length, feed, prev in connection.execute(
            "SELECT room, number, length, feed, prev FROM page ORDER BY n"
        ):
            index = PageIndex(
                number=number,
                feed=same.setdefault(feed, feed),
                prev=same.pop(prev, prev),
                entries=tuple(islice(entries, length)),
            )
            same[index.entries[-1][0]] = index.entries[-1][0]
            found[room].append(index)
    for pages in found.values():
        pages.sort(key=lambda page: page.number)
    return found


def _state(connection: apsw.Connection, room: int) -> tuple[EntryRecord, ...]:
    query = f"SELECT {_COLUMNS} {_ENTRIES} WHERE e.room = {{room}} AND e.kind IN {STATE} ORDER BY p.number, e.n"
    return tuple(_entry(row) for row in connection.execute(query.format(room=room)))


def _entry(row: Row) -> EntryRecord:
    entry, feed, seq, lamport, time, kind, message, header, body, received, late, gone = row
    return EntryRecord(
        id=entry,
        feed=feed,
        seq=seq,
        lamport=lamport,
        time=time,
        kind=kind,
        message=message,
        header=header,
        body=body,
        received=received,
        late=bool(late),
        gone=GONE[gone],
    )


def _number(connection: apsw.Connection, room: bytes) -> int | None:
    number: int | None = connection.execute("SELECT n FROM room WHERE id = ?", (room,)).get
    return number


def pages(connection: apsw.Connection, room: bytes, numbers: Sequence[int]) -> list[PageRecord]:
    """Those of these pages that are there, in the order asked for."""
    inside = _number(connection, room)
    if inside is None:
        return []
    query = f"""
        SELECT p.n, p.number, p.feed, p.prev, p.signature, {_COLUMNS}
        FROM page AS p CROSS JOIN entry AS e ON e.n BETWEEN p.n AND p.n + p.length - 1 CROSS JOIN content_{{room}} AS c ON c.n = e.n
        WHERE p.room = {{room}} AND p.number BETWEEN ? AND ? ORDER BY p.number, e.n
    """
    rows = connection.executemany(query.format(room=inside), _ranges(numbers))
    return [_page(room, head, entries) for head, entries in groupby(rows, key=lambda row: row[:5])]


def _ranges(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """First and last of those that follow each other: long histories are read in runs, and a query for each page costs ten times
    what reading it does."""
    for _, run in groupby(enumerate(numbers), key=lambda at: at[1] - at[0]):
        found = [number for _, number in run]
        yield found[0], found[-1]


def _page(room: bytes, head: Row, rows: Iterable[Row]) -> PageRecord:
    _, number, feed, prev, signature = head
    entries = tuple(_entry(row[5:]) for row in rows)
    return PageRecord(room=room, number=number, feed=feed, prev=prev, signature=signature, entries=entries)


def bodies(connection: apsw.Connection, room: bytes, entries: Sequence[bytes]) -> dict[bytes, bytes]:
    """The bodies of these entries, those that are here."""
    inside = _number(connection, room)
    if inside is None:
        return {}
    body = f"SELECT e.id, c.body FROM entry AS e CROSS JOIN content_{inside} AS c ON c.n = e.body"
    return dict(connection.executemany(f"{body} WHERE {named('id')} AND +e.room = {inside}", ((entry,) for entry in entries)))


def entries(
    connection: apsw.Connection, room: bytes, kinds: Collection[str], limit: int, before: Key | None, after: Key | None
) -> list[EntryRecord]:
    """At most `limit` that are shown, in order: just after `after` (up to `before`), just before `before`, or the newest."""
    inside = _number(connection, room)
    if inside is None:
        return []
    bounds = [(sign, bound) for sign, bound in ((">", after), ("<", before)) if bound is not None]
    conditions = "".join(f" AND (e.lamport, e.id) {sign} (?, ?)" for sign, _ in bounds)
    way = "ASC" if after is not None else "DESC"
    query = f"SELECT {_COLUMNS} {_ENTRIES} WHERE {_SHOWN} {conditions} ORDER BY e.lamport {way}, e.id {way} LIMIT ?"
    values = (*kinds, *kinds, *chain.from_iterable(bound for _, bound in bounds), limit)
    query = query.format(room=inside, kinds=_marks(kinds), **_ALSO_DELETED)
    found = [_entry(row) for row in connection.execute(query, values)]
    return found if after is not None else found[::-1]


def find(connection: apsw.Connection, message: bytes, room: bytes | None) -> list[tuple[bytes, EntryRecord]]:
    """(room, entry) for each room, in the order of rooms, that has this message: the first of the twins there."""
    query = f"SELECT DISTINCT r.n, r.id FROM entry AS e CROSS JOIN room AS r ON r.n = e.room WHERE {_SAID} ORDER BY r.n"
    where = [(n, id) for n, id in connection.execute(query, (message,)) if room in (None, id)]
    first = f"SELECT {_COLUMNS} {_ENTRIES} WHERE {_SAID} AND +e.room = {{room}} ORDER BY e.lamport, e.id LIMIT 1"
    return [(id, _entry(row)) for n, id in where for row in connection.execute(first.format(room=n), (message,))]


def find_several(connection: apsw.Connection, room: bytes, messages: Collection[bytes]) -> list[EntryRecord]:
    """Those of these messages that this room has: of twins the first that has its body."""
    inside = _number(connection, room)
    if inside is None:
        return []
    query = (
        f"SELECT {_COLUMNS} {_ENTRIES} WHERE {_SAID} AND +e.room = {{room}} ORDER BY e.body IS NULL, e.lamport, e.id LIMIT 1"
    )
    return [_entry(row) for row in connection.executemany(query.format(room=inside), ((message,) for message in messages))]


def unread(
    connection: apsw.Connection, room: bytes, read: Key, kinds: Collection[str], without: Collection[bytes], pages: int
) -> int:
    """How many that are shown lie above `read`, in the first `pages` pages, but for those in the feeds `without`."""
    inside = _number(connection, room)
    if inside is None:
        return 0
    query = f"""
        SELECT count(*) FROM entry AS e CROSS JOIN page AS p ON p.n = e.page
        WHERE {_SHOWN} AND (e.lamport, e.id) > (?, ?) AND p.number < ? AND p.feed NOT IN ({{without}})
    """.format(room=inside, kinds=_marks(kinds), without=_marks(without), **_NOT_DELETED)
    count: int = connection.execute(query, (*kinds, *kinds, *read, pages, *without)).get
    return count


def about(connection: apsw.Connection, room: bytes, messages: Collection[bytes], *, every: bool = False) -> list[EntryRecord]:
    """The entries about these messages whose bodies are here, in order: those that count (core/annotations.py), or `every` one."""
    inside = _number(connection, room)
    if inside is None:
        return []
    which = f"e.room = {{room}} AND e.body IS NOT NULL AND e.target IN ({_marks(messages)})"
    query = f"SELECT {_COLUMNS} {_ENTRIES} WHERE {which if every else _COUNTING.format(which=which)} ORDER BY e.lamport, e.id"
    return [_entry(row) for row in connection.execute(query.format(room=inside), tuple(messages))]


def search(connection: apsw.Connection, said: str, limit: int, room: bytes | None) -> list[tuple[bytes, EntryRecord]]:
    """(room, entry) of those in which all words are found; what came here last first."""
    asked = words.query(said)
    if not asked:
        return []
    inside = _number(connection, room) if room is not None else None
    where = [n for n in words.tables(connection) if room is None or n == inside]
    found = sorted((n for one in where for n in words.find(connection, one, asked, limit)), reverse=True)[:limit]
    return [_with_room(connection, n) for n in found]


def _with_room(connection: apsw.Connection, n: int) -> tuple[bytes, EntryRecord]:
    room, id = next(connection.execute("SELECT r.n, r.id FROM entry AS e JOIN room AS r ON r.n = e.room WHERE e.n = ?", (n,)))
    query = f"SELECT {_COLUMNS} {_ENTRIES} WHERE e.n = ?"
    return id, _entry(next(connection.execute(query.format(room=room), (n,))))


def _marks(values: Collection[object]) -> str:
    return ", ".join("?" * len(values))
