"""The store as plain dicts: what peertalk/node/store.py must be equal to, and the disk of a replica in the simulation.

Pure and synchronous. Either apply ops at once (`apply`), or behave like a disk that takes its time: `commit` queues, `sync`
makes the oldest queued commits durable, `crash` loses the rest. Reads see only what is durable.
"""

from __future__ import annotations

import unicodedata
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

from msgspec.structs import replace

from peertalk.core.annotations import newest, searchable, target
from peertalk.core.stored import (
    KEPT_KINDS,
    STATE_KINDS,
    Absent,
    CardRecord,
    ClaimRecord,
    DropOffer,
    DropOutbox,
    DropPeer,
    DropRoom,
    EntryRecord,
    EraseBodies,
    EraseDeleted,
    ExpireBodies,
    FeedKeyRecord,
    ForgetHistory,
    OfferRecord,
    Op,
    OutboxRecord,
    PageIndex,
    PageRecord,
    PeerRecord,
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
    RoomRecord,
    RoomSnapshot,
    Snapshot,
)

Key = tuple[int, bytes]


@dataclass(slots=True)
class _Room:
    record: RoomRecord
    feeds: dict[bytes, FeedKeyRecord] = field(default_factory=dict)
    cards: dict[tuple[bytes, bytes], CardRecord] = field(default_factory=dict)
    pages: dict[int, PageRecord] = field(default_factory=dict)
    where: dict[bytes, int] = field(default_factory=dict)  # entry id → number of its page
    outbox: dict[int, OutboxRecord] = field(default_factory=dict)
    claims: dict[tuple[bytes, bytes, bool], ClaimRecord] = field(default_factory=dict)

    def in_settle_order(self) -> Iterator[EntryRecord]:
        for _, page in sorted(self.pages.items()):
            yield from page.entries

    def deletions(self) -> set[tuple[bytes, bytes]]:
        deletes = (entry for entry in self.in_settle_order() if entry.kind == "delete")
        return {(about, entry.feed) for entry in deletes if (about := target(entry.kind, entry.body))}

    def snapshot(self) -> RoomSnapshot:
        return RoomSnapshot(
            record=self.record,
            feeds=tuple(sorted(self.feeds.values(), key=lambda feed: (feed.created, feed.feed))),
            cards=tuple(card for _, card in sorted(self.cards.items())),
            pages=tuple(_index(page) for _, page in sorted(self.pages.items())),
            state=tuple(entry for entry in self.in_settle_order() if entry.kind in STATE_KINDS),
            absent=tuple(_absent(entry) for entry in self.in_settle_order() if entry.body is None and not entry.gone),
            deletions=tuple(sorted(self.deletions())),
            outbox=tuple(record for _, record in sorted(self.outbox.items())),
            claims=tuple(claim for _, claim in sorted(self.claims.items())),
        )


def _index(page: PageRecord) -> PageIndex:
    return PageIndex(
        number=page.number,
        feed=page.feed,
        prev=page.prev,
        entries=tuple((entry.id, entry.seq, entry.lamport) for entry in page.entries),
    )


def _absent(entry: EntryRecord) -> Absent:
    return Absent(entry.id, entry.feed, entry.kind, entry.message, min(entry.time, entry.received))


def words_of(said: str) -> list[str]:
    """For letters of which Unicode's ways to write them are few: as the full-text index sees them."""
    bare = "".join(one for one in unicodedata.normalize("NFD", said.lower()) if not unicodedata.combining(one))
    return "".join(one if one.isalnum() else " " for one in bare).split()


def _says(said: list[str], asked: list[list[str]]) -> bool:
    """Is all that is asked for in what is said? What is joined in one word of a query (`half-time`) is so there too."""
    runs = [[said[at : at + len(words)] for at in range(len(said))] for words in asked]
    *_, begun = asked or [[]]
    return bool(asked) and all(
        words in run
        or (words is begun and any(one[:-1] == words[:-1] and "".join(one[-1:]).startswith(words[-1]) for one in run))
        for words, run in zip(asked, runs, strict=True)
    )


def order(entry: EntryRecord) -> Key:
    """The order that everyone sees."""
    return entry.lamport, entry.id


def _first_of_twins(entries: Iterable[EntryRecord]) -> list[EntryRecord]:
    """In order; of those with the same message id only the first."""
    first: dict[bytes, EntryRecord] = {}
    for entry in sorted(entries, key=order):
        first.setdefault(entry.message, entry)
    return list(first.values())


class ModelStore:
    """A database of one profile, in memory. Puts into a room that is not there, and pages or entries that are there
    already, are mistakes of the caller (KeyError, ValueError); everything that takes away may find nothing."""

    durable = True

    def __init__(self) -> None:
        self.failed: Callable[[BaseException], None] = lambda _: None
        self._profile: dict[str, bytes] = {}
        self._peers: dict[bytes, PeerRecord] = {}
        self._offers: dict[bytes, OfferRecord] = {}
        self._rooms: dict[bytes, _Room] = {}
        self._came: list[tuple[bytes, int]] = []  # (room, page), in the order in which they were put
        self._queued: deque[tuple[Op, ...]] = deque()
        self._apply: dict[type, Callable[..., None]] = {
            PutRoom: self._put_room,
            PutFeedKey: self._put_feed_key,
            PutCard: self._put_card,
            PutPage: self._put_page,
            PutBody: self._put_body,
            PutOutbox: self._put_outbox,
            DropOutbox: self._drop_outbox,
            PutClaim: self._put_claim,
            PutPeer: self._put_peer,
            DropPeer: self._drop_peer,
            PutOffer: self._put_offer,
            DropOffer: self._drop_offer,
            ForgetHistory: self._forget_history,
            DropRoom: self._drop_room,
            ExpireBodies: self._expire_bodies,
            EraseBodies: self._erase_bodies,
            EraseDeleted: self._erase_deleted,
            PutProfile: self._put_profile,
        }

    # ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def apply(self, op: Op) -> None:
        """Carry out one operation, at once and durably."""
        self._apply[type(op)](op)

    def commit(self, ops: Sequence[Op]) -> None:
        """Queue a commit. It can be read, and survives a crash, after the `sync` that reaches it."""
        self._queued.append(tuple(ops))

    def sync(self, count: int | None = None) -> int:
        """Make the `count` oldest queued commits durable (None: all), in order; how many were."""
        done = len(self._queued) if count is None else min(count, len(self._queued))
        for _ in range(done):
            for op in self._queued.popleft():
                self.apply(op)
        return done

    def crash(self, reached: int = 0) -> None:
        """Power loss: queued commits are gone, but for the `reached` oldest, which had reached the disk untold."""
        self.sync(reached)
        self._queued.clear()

    @property
    def queued(self) -> int:
        """How many commits wait for `sync`."""
        return len(self._queued)

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def snapshot(self) -> Snapshot:
        return Snapshot(
            identity=self._profile.get("identity", b""),
            name=self._profile.get("name", b"").decode(),
            token=self._profile.get("token", b""),
            rooms=tuple(room.snapshot() for room in self._rooms.values()),
            peers=tuple(peer for _, peer in sorted(self._peers.items())),
            offers=tuple(offer for _, offer in sorted(self._offers.items())),
        )

    def pages(self, room: bytes, numbers: Sequence[int]) -> list[PageRecord]:
        """Those of these pages that are there, in the order asked for."""
        pages = self._rooms[room].pages if room in self._rooms else {}
        return [pages[number] for number in numbers if number in pages]

    def bodies(self, room: bytes, entries: Sequence[bytes]) -> dict[bytes, bytes]:
        found = (self._entry(room, id) for id in entries)
        return {entry.id: entry.body for entry in found if entry is not None and entry.body is not None}

    def entries(
        self,
        room: bytes,
        kinds: Collection[str],
        limit: int,
        *,
        before: Key | None = None,
        after: Key | None = None,
    ) -> list[EntryRecord]:
        shown = self._shown(room, kinds)
        if after is not None:
            above = [entry for entry in shown if order(entry) > after and (before is None or order(entry) < before)]
            return above[:limit]
        below = [entry for entry in shown if before is None or order(entry) < before]
        return below[max(0, len(below) - limit) :]

    def find(self, message: bytes, room: bytes | None = None) -> list[tuple[bytes, EntryRecord]]:
        where = self._rooms if room is None else [room] if room in self._rooms else []
        found = [(id, self._with_message(id, message)) for id in where]
        return [(id, min(entries, key=order)) for id, entries in found if entries]

    def find_several(self, room: bytes, messages: Collection[bytes]) -> list[EntryRecord]:
        found = [self._with_message(room, message) for message in messages] if room in self._rooms else []
        return [min(entries, key=lambda entry: (entry.body is None, *order(entry))) for entries in found if entries]

    def annotations(self, room: bytes, messages: Collection[bytes], *, every: bool = False) -> list[EntryRecord]:
        inside = tuple(self._rooms[room].in_settle_order()) if room in self._rooms else ()
        about = {message: [one for one in inside if target(one.kind, one.body) == message] for message in {*messages} - {b""}}
        return sorted(chain.from_iterable(about.values() if every else map(newest, about.values())), key=order)

    def search(self, query: str, limit: int, room: bytes | None = None) -> list[tuple[bytes, EntryRecord]]:
        asked = [words for word in query.split() if (words := words_of(word))]
        came = ((id_, self._rooms[id_].pages[number]) for id_, number in reversed(self._came) if room in (None, id_))
        there = ((id_, entry) for id_, page in came for entry in reversed(page.entries))
        return [one for one in there if _says(words_of(searchable(one[1].kind, one[1].body)), asked)][:limit]

    def unread(self, room: bytes, read: Key, kinds: Collection[str], without: Collection[bytes], pages: int) -> int:
        shown = self._shown(room, kinds, deleted=False)
        where = self._rooms[room].where if shown else {}
        return sum(order(entry) > read and where[entry.id] < pages and entry.feed not in without for entry in shown)

    def _shown(self, room: bytes, kinds: Collection[str], *, deleted: bool = True) -> list[EntryRecord]:
        if room not in self._rooms:
            return []
        inside = (entry for entry in self._rooms[room].in_settle_order() if entry.kind in kinds)
        return _first_of_twins(one for one in inside if one.body is not None or (deleted and one.gone == "deleted"))

    def _with_message(self, room: bytes, message: bytes) -> list[EntryRecord]:
        return [entry for entry in self._rooms[room].in_settle_order() if entry.message == message]

    def _entry(self, room: bytes, id: bytes) -> EntryRecord | None:
        inside = self._rooms.get(room)
        if inside is None or id not in inside.where:
            return None
        return next(entry for entry in inside.pages[inside.where[id]].entries if entry.id == id)

    # ── operations ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _put_room(self, op: PutRoom) -> None:
        if op.record.id in self._rooms:
            self._rooms[op.record.id].record = op.record
        else:
            self._rooms[op.record.id] = _Room(op.record)

    def _put_feed_key(self, op: PutFeedKey) -> None:
        self._rooms[op.record.room].feeds[op.record.feed] = op.record

    def _put_card(self, op: PutCard) -> None:
        self._rooms[op.record.room].cards[op.record.identity, op.record.via] = op.record

    def _put_page(self, op: PutPage) -> None:
        room, page = self._rooms[op.record.room], op.record
        if page.number in room.pages or any(
            entry.id in other.where for other in self._rooms.values() for entry in page.entries
        ):
            raise ValueError(f"page {page.number} or an entry of it is there already")
        room.pages[page.number] = page
        self._came.append((page.room, page.number))
        room.where.update((entry.id, page.number) for entry in page.entries)

    def _put_body(self, op: PutBody) -> None:
        self._change(op.room, lambda entry: entry.id == op.entry and entry.body is None and not entry.gone, body=op.body)

    def _put_outbox(self, op: PutOutbox) -> None:
        self._rooms[op.record.room].outbox[op.record.number] = op.record

    def _drop_outbox(self, op: DropOutbox) -> None:
        if op.room in self._rooms:
            self._rooms[op.room].outbox.pop(op.number, None)

    def _put_claim(self, op: PutClaim) -> None:
        claim = op.record
        self._rooms[claim.room].claims[claim.feed, claim.identity, claim.disk] = claim

    def _put_offer(self, op: PutOffer) -> None:
        self._offers[op.record.room] = op.record

    def _drop_offer(self, op: DropOffer) -> None:
        self._offers.pop(op.room, None)

    def _drop_peer(self, op: DropPeer) -> None:
        self._peers.pop(op.identity, None)

    def _put_peer(self, op: PutPeer) -> None:
        self._peers[op.record.identity] = op.record

    def _forget_history(self, op: ForgetHistory) -> None:
        if op.room in self._rooms:
            room = self._rooms[op.room]
            self._rooms[op.room] = _Room(room.record, outbox=room.outbox)
            self._came = [(id_, number) for id_, number in self._came if id_ != op.room]

    def _drop_room(self, op: DropRoom) -> None:
        self._forget_history(ForgetHistory(op.room))
        self._rooms.pop(op.room, None)

    def _expire_bodies(self, op: ExpireBodies) -> None:
        self._change(op.room, lambda entry: not entry.gone and _is_due(entry, op.before), body=None, gone="expired")

    def _erase_bodies(self, op: EraseBodies) -> None:
        def is_meant(entry: EntryRecord) -> bool:
            is_it = entry.message == op.message and entry.feed in op.feeds and entry.kind not in KEPT_KINDS
            is_edit = entry.kind == "edit" and entry.feed in op.edits and target(entry.kind, entry.body) == op.message
            return is_it or is_edit

        self._change(op.room, is_meant, body=None, gone="deleted")

    def _erase_deleted(self, op: EraseDeleted) -> None:
        pages = self._rooms[op.room].pages if op.room in self._rooms else {}
        said = [entry for page in pages.values() for entry in page.entries if entry.kind == "delete" and entry.feed in op.by]
        meant = {entry.id: far for number, far in op.pages.items() if number in pages for entry in pages[number].entries}

        def is_named(message: bytes, far: int) -> bool:
            return any(message == target(one.kind, one.body) and op.by[one.feed] >= far for one in said)

        def is_meant(entry: EntryRecord) -> bool:
            is_kind = entry.kind == "edit" if op.edits else entry.kind not in KEPT_KINDS
            about = target(entry.kind, entry.body) if op.edits else entry.message
            return entry.id in meant and is_kind and about != b"" and is_named(about, meant[entry.id])

        self._change(op.room, is_meant, body=None, gone="deleted")

    def _change(self, room: bytes, which: Callable[[EntryRecord], bool], **fields: object) -> None:
        pages = self._rooms[room].pages if room in self._rooms else {}
        pages.update({number: _changed(page, which, **fields) for number, page in pages.items()})

    def _put_profile(self, op: PutProfile) -> None:
        self._profile[op.key] = op.value


def _is_due(entry: EntryRecord, before: int) -> bool:
    return entry.kind not in KEPT_KINDS and min(entry.time, entry.received) < before


def _changed(page: PageRecord, which: Callable[[EntryRecord], bool], **fields: object) -> PageRecord:
    entries = tuple(replace(entry, **fields) if which(entry) else entry for entry in page.entries)
    return page if entries == page.entries else replace(page, entries=entries)
