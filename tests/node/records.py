"""Records to fill a store with, told apart by a name."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b

from peertalk.core.stored import EntryRecord, PageRecord, PutPage, RoomRecord


def digest(*parts: object) -> bytes:
    """32 bytes that depend on `parts`."""
    return blake2b(repr(parts).encode(), digest_size=32).digest()


def room(name: str = "lobby", **fields: object) -> RoomRecord:
    values: dict[str, object] = {"id": digest("room", name), "kind": "open", "name": name, "secret": digest("secret", name)}
    return RoomRecord(**{**values, **fields})


def entry(name: object, **fields: object) -> EntryRecord:
    """An entry; what depends on `name` is its id, message, header and body."""
    values: dict[str, object] = {
        "id": digest("entry", name),
        "feed": digest("feed"),
        "seq": 1,
        "lamport": 1,
        "time": 1_700_000_000_000,
        "kind": "text",
        "message": digest("message", name),
        "header": b"header %r" % digest("header", name) * 4,
        "body": b"body %r" % digest("body", name),
        "received": 1_700_000_000_500,
    }
    return EntryRecord(**{**values, **fields})


def page(number: int, *entries: EntryRecord, name: str = "lobby") -> PageRecord:
    """A page of `entries`, whose feed is that of the first."""
    return PageRecord(
        room=digest("room", name),
        number=number,
        feed=entries[0].feed,
        prev=b"" if entries[0].seq == 1 else digest("prev", number),
        signature=digest("signature", number) * 2,
        entries=entries,
    )


def history(count: int, length: int, text: bytes = b"words", name: str = "lobby") -> Iterator[PutPage]:
    """`count` entries of one feed, in pages of `length`."""
    feed = digest("feed", name)
    for number in range(count // length):
        first = 1 + number * length
        entries = (
            entry((name, seq), feed=feed, seq=seq, lamport=seq, body=digest("salt", seq) + text)
            for seq in range(first, first + length)
        )
        yield PutPage(page(number, *entries, name=name))
