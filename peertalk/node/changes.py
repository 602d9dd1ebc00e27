"""How each operation of a commit changes the tables (the operations: core/effects.py)."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any, Final

import apsw
import msgspec

from peertalk.core.effects import (
    DropOutbox,
    DropRoom,
    ExpireBodies,
    ForgetHistory,
    Op,
    PutBody,
    PutCard,
    PutClaim,
    PutFeedKey,
    PutOutbox,
    PutPage,
    PutPeer,
    PutProfile,
    PutRoom,
)

_HISTORY: Final = ("entry", "page", "card", "claim", "feed_key")


class Changes:
    """Applies operations inside the transaction that its caller opened, on the only connection that writes.

    A put into a room that is not there (KeyError), or of a page or entry that is there already (apsw.ConstraintError),
    is a mistake of the caller; everything that takes away may find nothing.
    """

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._do: Callable[..., apsw.Cursor] = connection.execute
        self._encode = msgspec.msgpack.Encoder().encode
        self._rooms: dict[bytes, int] = dict(connection.execute("SELECT id, n FROM room"))
        self._next_entry: int = 1 + (connection.execute("SELECT max(n) FROM entry").get or 0)
        self.erased = False  # set once something was taken away that must not be found any more

    def apply(self, op: Op) -> None:
        """Carry out one operation."""
        _APPLY[type(op)](self, op)

    def _put_profile(self, op: PutProfile) -> None:
        self._do("INSERT OR REPLACE INTO profile VALUES (?, ?)", (op.key, op.value))

    def _put_peer(self, op: PutPeer) -> None:
        self._do("INSERT OR REPLACE INTO peer VALUES (?, ?)", (op.record.identity, self._encode(op.record)))

    def _put_room(self, op: PutRoom) -> None:
        record = self._encode(op.record)
        if op.record.id in self._rooms:
            self._do("UPDATE room SET record = ? WHERE n = ?", (record, self._rooms[op.record.id]))
        else:
            self._do("INSERT INTO room (id, record) VALUES (?, ?)", (op.record.id, record))
            self._rooms[op.record.id] = self._connection.last_insert_rowid()

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

    def _put_page(self, op: PutPage) -> None:
        page, room, first = op.record, self._rooms[op.record.room], self._next_entry
        self._next_entry += len(page.entries)
        row = (first, room, page.number, len(page.entries), page.feed, page.prev, page.signature)
        self._do("INSERT INTO page VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        self._connection.executemany(
            "INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (n, room, first, e.id, e.seq, e.lamport, e.time, e.received, e.kind, e.message, e.body is not None, e.late)
                for n, e in zip(count(first), page.entries, strict=False)
            ),
        )
        self._connection.executemany(
            "INSERT INTO content VALUES (?, ?, ?)",
            ((n, e.header, e.body) for n, e in zip(count(first), page.entries, strict=False)),
        )

    def _put_body(self, op: PutBody) -> None:
        row = self._do("SELECT n FROM entry WHERE id = ? AND room = ?", (op.entry, self._rooms.get(op.room))).get
        if row is not None:
            self._do("UPDATE content SET body = ? WHERE n = ?", (op.body, row))
            self._do("UPDATE entry SET held = 1 WHERE n = ?", (row,))

    def _expire_bodies(self, op: ExpireBodies) -> None:
        room = self._rooms.get(op.room)
        expired = "SELECT n FROM entry WHERE room = ? AND held AND min(time, received) < ?"
        self._do(f"UPDATE content SET body = NULL WHERE n IN ({expired})", (room, op.before))
        if self._connection.changes():
            self._do(f"UPDATE entry SET held = 0 WHERE n IN ({expired})", (room, op.before))
            self.erased = True

    def _forget_history(self, op: ForgetHistory) -> None:
        room = self._rooms.get(op.room)
        self._do("DELETE FROM content WHERE n IN (SELECT n FROM entry WHERE room = ?)", (room,))
        for table in _HISTORY:
            self._do(f"DELETE FROM {table} WHERE room = ?", (room,))
        self.erased = True

    def _drop_room(self, op: DropRoom) -> None:
        self._forget_history(ForgetHistory(op.room))
        room = self._rooms.pop(op.room, None)
        self._do("DELETE FROM outbox WHERE room = ?", (room,))
        self._do("DELETE FROM room WHERE n = ?", (room,))


_APPLY: Final[dict[type, Callable[[Changes, Any], None]]] = {
    PutProfile: Changes._put_profile,
    PutPeer: Changes._put_peer,
    PutRoom: Changes._put_room,
    PutFeedKey: Changes._put_feed_key,
    PutCard: Changes._put_card,
    PutClaim: Changes._put_claim,
    PutOutbox: Changes._put_outbox,
    DropOutbox: Changes._drop_outbox,
    PutPage: Changes._put_page,
    PutBody: Changes._put_body,
    ExpireBodies: Changes._expire_bodies,
    ForgetHistory: Changes._forget_history,
    DropRoom: Changes._drop_room,
}
