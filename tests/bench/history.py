"""Long histories for a profile, each page signed by itself, without the hours in which people would write them.

The entries are made by the program's own core, with the profile's own feed key, and put into its database by the program's own store:
byte by byte what would be there if each message had been sent, settled and signed before the next one was written.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from pathlib import Path

from peertalk.core.entry import VERSION, Content, FeedKey, Header, Here, Text, encode_header, hash32, seal_body
from peertalk.core.log import Item, record
from peertalk.core.stored import DropOutbox, Op, PageRecord, PutPage, RoomSnapshot
from peertalk.node import keyring
from peertalk.node.store import Store

TEXT = "a sentence of some sixty letters, as people write them here."
COMMIT = 500
"""Pages of one transaction."""
PAGE = 200
"""Messages of a page, where they are not signed one by one."""


async def write(home: Path, name: str, count: int, *, page: int = 1) -> float:
    """Write `count` messages, `page` of them under one signature, into the room `name` of the profile in `home`, in which nothing was
    said yet, and which no process uses. Seconds that it took."""
    began = time.perf_counter()
    store = Store.open(keyring.database(home), keyring.unlock(home, None))
    try:
        snapshot = await store.load()
        room = next(each for each in snapshot.rooms if each.record.name == name)
        await store.commit([DropOutbox(room.record.id, waiting.number) for waiting in room.outbox])
        ops: list[Op] = []
        for made in pages(room, count, page):
            ops.append(PutPage(made))
            if len(ops) == COMMIT:
                await store.commit(ops)
                ops = []
        await store.commit(ops)
    finally:
        await store.close()
    return time.perf_counter() - began


def pages(room: RoomSnapshot, count: int, length: int) -> Iterator[PageRecord]:
    """The author arrives, then says so many numbered sentences."""
    feed = room.feeds[-1]
    assert feed.seed is not None
    assert not room.pages
    key, at = FeedKey(feed.seed), int(time.time() * 1000) - count
    says = [Text(f"{number} {TEXT}") for number in range(count)]
    runs: list[list[Content]] = [[Here("Ada")], *([*says[first : first + length]] for first in range(0, count, length))]
    prev, seq = b"", 0
    for number, contents in enumerate(runs):
        items: list[Item] = []
        before = prev
        for content in contents:
            seq += 1
            kind, body = seal_body(content, secrets.token_bytes)
            header = Header(
                VERSION, room.record.id, key.public, seq, prev, seq, (), at + seq, kind, hash32(body), len(body)
            )  # fmt: skip
            raw = encode_header(header)
            prev = hash32(raw)
            items.append(Item(prev, header, raw, body))
        entries = tuple(record(item, received=item.header.time) for item in items)
        yield PageRecord(
            room=room.record.id, number=number, feed=key.public, prev=before, signature=key.sign_page(prev), entries=entries
        )  # fmt: skip
