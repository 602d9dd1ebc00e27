"""How each operation of a commit changes the tables (the operations: core/stored.py)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Any, Final

import apsw
import msgspec

from peertalk.core.annotations import target
from peertalk.core.stored import (
    DropOffer,
    DropOutbox,
    DropPeer,
    DropRoom,
    EntryRecord,
    EraseBodies,
    EraseDeleted,
    ExpireBodies,
    ForgetHistory,
    Op,
    PageRecord,
    PutBody,
    PutCard,
    PutClaim,
    PutFeedKey,
    PutOffer,
    PutOutbox,
    PutPage,
    PutPeer,
    PutProfile,
    PutRoom,
)
from peertalk.node.lookups import Lookups, named
from peertalk.node.rows import insert
from peertalk.node.schema import CONTENT, GONE, KEPT
from peertalk.node.words import Words, rewrite

_HISTORY: Final = ("entry", "page", "card", "claim", "feed_key")
_MESSAGE: Final = f"{named('message')} AND +e.room = ?2 AND e.kind NOT IN {KEPT}"
_EDITS: Final = "e.target = ?1 AND e.room = ?2 AND e.kind = 'edit'"
_LACKS: Final = f"SELECT e.n, e.kind FROM entry AS e WHERE {named('id')} AND +e.room = ?2 AND e.body IS NULL AND e.gone = 0"
_SMALL: Final = ("room", "feed_key", "card", "claim", "outbox", "peer", "offer")


class Changes:
    """Applies operations inside the transaction that its caller opened, on the only connection that writes.

    A put into a room that is not there (KeyError), or of a page that is there already (apsw.ConstraintError), is a mistake of the
    caller; everything that takes away may find nothing. That an entry is not there already is for the caller to know: it has all ids.
    """

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._do: Callable[..., apsw.Cursor] = connection.execute
        self._encode = msgspec.msgpack.Encoder().encode
        self._words = Words(connection)
        self._lookups = Lookups(connection)
        self._rooms: dict[bytes, int] = dict(connection.execute("SELECT id, n FROM room"))
        last = (connection.execute(f"SELECT max(n) FROM content_{n}").get for n in self._rooms.values())
        self._next: int = 1 + max((n for n in last if n is not None), default=0)
        self._next = max(self._next, self._words.upto + 1)  # what was forgotten was in the indexes, what comes now is not
        self.behind: int = self._next - 1 - self._words.upto
        """About how much work it is to write what the full-text indexes lack, see `weight`; 0 if they have all."""
        self.erased = False
        """Something was taken away that must not be found any more; whoever has seen to the log sets it back."""

    def apply(self, op: Op) -> None:
        """Carry out one operation."""
        self.apply_all((op,))

    def apply_all(self, ops: Iterable[Op]) -> None:
        """Carry out operations in order; pages of one room that follow each other in one go."""
        for room, run in groupby(ops, key=lambda op: op.record.room if type(op) is PutPage else None):
            if room is not None:
                self._put_pages(room, [op.record for op in run if type(op) is PutPage])
                continue
            for op in run:
                _APPLY[type(op)](self, op)

    def finish(self) -> None:
        """To be called before COMMIT. Where something was `erased`, what it may have left traces in is written anew, on clean pages."""
        self._words.finish()
        self._lookups.finish()
        if self.erased:
            for table in _SMALL:
                rewrite(self._connection, table)

    def catch_up(self) -> None:
        """Write a piece of what the full-text indexes lack, in a transaction that the caller has opened for this."""
        last, before = self._next - 1, self._words.upto
        self._words.catch_up(last)
        left = last - self._words.upto
        self.behind = max(1, self.behind * left // (last - before)) if left else 0

    def _put_profile(self, op: PutProfile) -> None:
        self._do("INSERT OR REPLACE INTO profile VALUES (?, ?)", (op.key, op.value))

    def _drop_peer(self, op: DropPeer) -> None:
        self._do("DELETE FROM peer WHERE identity = ?", (op.identity,))
        self.erased |= self._connection.changes() > 0

    def _put_peer(self, op: PutPeer) -> None:
        self._do("INSERT OR REPLACE INTO peer VALUES (?, ?)", (op.record.identity, self._encode(op.record)))

    def _put_offer(self, op: PutOffer) -> None:
        self._do("INSERT OR REPLACE INTO offer VALUES (?, ?)", (op.record.room, self._encode(op.record)))

    def _drop_offer(self, op: DropOffer) -> None:
        self._do("DELETE FROM offer WHERE room = ?", (op.room,))
        self.erased |= self._connection.changes() > 0

    def _put_room(self, op: PutRoom) -> None:
        record = self._encode(op.record)
        if op.record.id in self._rooms:
            self._do("UPDATE room SET record = ? WHERE n = ?", (record, self._rooms[op.record.id]))
        else:
            self._do("INSERT INTO room (id, record) VALUES (?, ?)", (op.record.id, record))
            self._rooms[op.record.id] = room = self._connection.last_insert_rowid()
            self._do(CONTENT.format(room=room))

    def _put_feed_key(self, op: PutFeedKey) -> None:
        key = op.record
        row = (self._rooms[key.room], key.feed, key.created, self._encode(key))
        self._do("INSERT OR REPLACE INTO feed_key VALUES (?, ?, ?, ?)", row)
        self.erased |= key.seed is None

    def _put_card(self, op: PutCard) -> None:
        card = op.record
        row = (self._rooms[card.room], card.identity, card.via, self._encode(card))
        self._do("INSERT OR REPLACE INTO card VALUES (?, ?, ?, ?)", row)

    def _put_claim(self, op: PutClaim) -> None:
        claim = op.record
        row = (self._rooms[claim.room], claim.feed, claim.identity, claim.disk, claim.seq)
        self._do("INSERT OR REPLACE INTO claim VALUES (?, ?, ?, ?, ?)", row)

    def _put_outbox(self, op: PutOutbox) -> None:
        record = op.record
        row = (self._rooms[record.room], record.number, record.message, record.kind, record.body, record.time)
        self._do("INSERT OR REPLACE INTO outbox VALUES (?, ?, ?, ?, ?, ?)", row)

    def _drop_outbox(self, op: DropOutbox) -> None:
        self._do("DELETE FROM outbox WHERE room = ? AND number = ?", (self._rooms.get(op.room), op.number))
        self.erased |= op.erased and self._connection.changes() > 0

    def _put_pages(self, into: bytes, records: Sequence[PageRecord]) -> None:
        room = self._rooms[into]
        pages: list[tuple[object, ...]] = []
        numbered: list[tuple[int, int, EntryRecord]] = []
        for page in records:
            first = self._next
            self._next += len(page.entries)
            pages.append((first, room, page.number, len(page.entries), page.feed, page.prev, page.signature))
            numbered += [(n, first, entry) for n, entry in enumerate(page.entries, first)]
            self.behind += _weight(page.entries)
        insert(self._connection, "page", pages)
        insert(self._connection, "entry", [_entry_row(n, room, first, entry) for n, first, entry in numbered])
        insert(self._connection, f"content_{room}", [(n, e.header, e.body) for n, _, e in numbered])
        self._lookups.add(numbered[0][0], self._next - 1)

    def _put_body(self, op: PutBody) -> None:
        """At the end of the table: a row that grew in its place would make others move."""
        room = self._rooms.get(op.room)
        rows: list[tuple[Any, ...]] = self._do(_LACKS, (op.entry, room)).fetchall()
        for n, kind in rows:
            about = target(kind, op.body) or None
            self._do("UPDATE entry SET body = ?, target = ? WHERE n = ?", (self._next, about, n))
            self._do(f"INSERT INTO content_{room} (n, body) VALUES (?, ?)", (self._next, op.body))
            self._words.add_late(self._rooms[op.room], (n, kind, op.body))
            self._next += 1

    def _expire_bodies(self, op: ExpireBodies) -> None:
        room = self._rooms.get(op.room)
        due = f"SELECT n FROM entry WHERE room = ? AND gone = 0 AND min(time, received) < ? AND kind NOT IN {KEPT}"
        self._erase(room, [n for (n,) in self._do(due, (room, op.before))], GONE.index("expired"))

    def _erase_bodies(self, op: EraseBodies) -> None:
        room, deleted = self._rooms.get(op.room), GONE.index("deleted")
        for which, feeds in ((_MESSAGE, op.feeds), (_EDITS, op.edits)):
            meant = f"""
                SELECT e.n, p.feed FROM entry AS e CROSS JOIN page AS p ON p.n = e.page
                WHERE {which} AND e.gone != {deleted}
            """
            self._erase(room, [n for n, feed in self._do(meant, (op.message, room)) if feed in feeds], deleted)

    def _erase_deleted(self, op: EraseDeleted) -> None:
        """Found from the entries of the pages, which have consecutive numbers."""
        room, deleted = self._rooms.get(op.room), GONE.index("deleted")
        column, kinds = ("target", "= 'edit'") if op.edits else ("message", f"NOT IN {KEPT}")
        named = f"""
            SELECT e.n, p.number, by.feed FROM page AS p CROSS JOIN entry AS e ON e.n BETWEEN p.n AND p.n + p.length - 1
            CROSS JOIN entry AS d ON d.room = p.room AND d.target = e.{column} AND d.kind = 'delete'
            CROSS JOIN page AS by ON by.n = d.page
            WHERE p.room = ? AND p.number = ? AND e.gone != {deleted} AND e.kind {kinds}
        """
        found = self._connection.executemany(named, [(room, number) for number in op.pages])
        counts = (n for n, number, feed in found if op.by.get(feed, -1) >= op.pages[number])
        self._erase(room, list(dict.fromkeys(counts)), deleted)

    def _erase(self, room: int | None, entries: list[Any], gone: int) -> None:
        """Zeros of the same length stay in the same place; what was said is found no more."""
        body = f"SELECT e.n, e.kind, c.body, c.n FROM entry AS e CROSS JOIN content_{room} AS c ON c.n = e.body WHERE e.n = ?"
        numbers = [(n,) for n in entries]
        here: list[tuple[Any, ...]] = self._connection.executemany(body, numbers).fetchall() if numbers else []
        if room is not None and here:
            self._words.take(room, here)
            zeros = f"UPDATE content_{room} SET body = zeroblob(length(body)) WHERE n = ?"
            self._connection.executemany(zeros, [row[3:] for row in here])
            self.erased = True
        self._connection.executemany(f"UPDATE entry SET body = NULL, target = NULL, gone = {gone} WHERE n = ?", numbers)

    def _forget_history(self, op: ForgetHistory) -> None:
        room = self._rooms.get(op.room)
        if room is not None:
            self._do(f"DELETE FROM content_{room}")
            self._words.drop(room)
            self._lookups.forget(room)
            for table in _HISTORY:
                self._do(f"DELETE FROM {table} WHERE room = ?", (room,))
            self.erased = True

    def _drop_room(self, op: DropRoom) -> None:
        self._forget_history(ForgetHistory(op.room))
        room = self._rooms.pop(op.room, None)
        if room is not None:
            self._do(f"DROP TABLE content_{room}")
            self._do("DELETE FROM outbox WHERE room = ?", (room,))
            self._do("DELETE FROM room WHERE n = ?", (room,))


def weight(op: Op) -> int:
    """How much work it is to carry an operation out: 1 is an entry that says little."""
    if type(op) is EraseDeleted:
        return len(op.pages)
    return _weight(op.record.entries) if type(op) is PutPage else 1


def _weight(entries: Sequence[EntryRecord]) -> int:
    return len(entries) + sum([len(entry.body) for entry in entries if entry.body is not None]) // 512


def _entry_row(n: int, room: int, page: int, e: EntryRecord) -> tuple[object, ...]:
    body, about = n if e.body is not None else None, target(e.kind, e.body) or None
    fixed = (n, room, page, e.id, e.seq, e.lamport, e.time, e.received, e.kind, e.message, e.late)
    return (*fixed, body, GONE.index(e.gone), about)


_APPLY: Final[dict[type, Callable[[Changes, Any], None]]] = {
    PutProfile: Changes._put_profile,
    PutPeer: Changes._put_peer,
    DropPeer: Changes._drop_peer,
    PutOffer: Changes._put_offer,
    DropOffer: Changes._drop_offer,
    PutRoom: Changes._put_room,
    PutFeedKey: Changes._put_feed_key,
    PutCard: Changes._put_card,
    PutClaim: Changes._put_claim,
    PutOutbox: Changes._put_outbox,
    DropOutbox: Changes._drop_outbox,
    PutBody: Changes._put_body,
    ExpireBodies: Changes._expire_bodies,
    EraseBodies: Changes._erase_bodies,
    EraseDeleted: Changes._erase_deleted,
    ForgetHistory: Changes._forget_history,
    DropRoom: Changes._drop_room,
}
