"""What a backup has in place of feed keys: of each room, the beginning of a feed that goes on from the one that was written into
(docs/protocol.md, "At rest").

It is made and signed when the backup is, and is the same wherever and however often that is restored, so it is no fork. Nothing is ever
written after it: who comes back goes on from it with a feed of their own, and speaks for what they wrote before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec.structs import replace

from peertalk.core.entry import VERSION, FeedKey, Header, Here, Random, encode_header, hash32, message_id, seal_body
from peertalk.core.stored import CardRecord, EntryRecord, FeedKeyRecord, Op, PageRecord, PutCard, PutFeedKey, PutPage


def signer(keys: Iterable[FeedKeyRecord], is_written: Callable[[bytes], bool]) -> FeedKeyRecord | None:
    """Which of these own keys, the oldest first, is to say who goes on from it: that which is in use, or else the newest, with which
    something was written. One with which nothing was can't say later from which it goes on itself; it is taken where there is no
    other."""
    able = sorted((key for key in keys if key.seed is not None), key=lambda key: not key.retiring)
    return next((key for key in reversed(able) if is_written(key.feed)), able[-1] if able else None)


def heir(older: FeedKeyRecord, card: CardRecord, number: int, name: str, random: Random, wall: int) -> list[Op]:
    """What puts the beginning of a feed that goes on from `older` in its place: as page `number` of its room, and on one's own `card`."""
    if older.seed is None:
        return []
    key = FeedKey(random(32))
    succeeds = older.feed, FeedKey(older.seed).sign_next(older.room, key.public)
    record = FeedKeyRecord(room=older.room, feed=key.public, seed=key.seed, created=wall, succeeds=succeeds)
    owned = (*card.feeds, (key.public, key.sign_owner(older.room, card.identity)))
    return [PutFeedKey(record), PutCard(replace(card, feeds=owned)), PutPage(_beginning(key, record, number, name, random))]


def _beginning(key: FeedKey, record: FeedKeyRecord, number: int, name: str, random: Random) -> PageRecord:
    """It rests on nothing, so it settles wherever it comes."""
    kind, body = seal_body(Here(name, next=record.succeeds), random)
    header = Header(VERSION, record.room, key.public, 1, b"", 1, (), record.created, kind, hash32(body), len(body))
    raw = encode_header(header)
    entry = EntryRecord(
        id=hash32(raw),
        feed=key.public,
        seq=1,
        lamport=1,
        time=record.created,
        kind=kind,
        message=message_id(key.public, header.body),
        header=raw,
        body=body,
        received=record.created,
    )
    signature = key.sign_page(entry.id)
    return PageRecord(room=record.room, number=number, feed=key.public, prev=b"", signature=signature, entries=(entry,))
