"""People who write by hand: any header, any page, signed as they please. For tests of what a replica makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import msgspec

from peertalk.core import wire
from peertalk.core.entry import VERSION, Content, FeedKey, Header, Here, Text, encode_header, hash32, seal_body
from peertalk.core.identity import Identity
from peertalk.core.rooms import OPEN_SALT, open_room

START = 1_800_000_000_000
ROOM = open_room("room", OPEN_SALT * 2, START)
NOTHING = bytes(32)


class Written(msgspec.Struct, frozen=True):
    """An entry as its author made it."""

    header: Header
    raw: bytes
    body: bytes | None

    @property
    def id(self) -> bytes:
        return hash32(self.raw)


class Author:
    """An identity with one feed in one room. `last` is where its chain has come to."""

    def __init__(self, name: str, room: bytes = ROOM.id) -> None:
        self.name = name
        self.room = room
        self.random = Random(f"author {name}").randbytes
        self.identity = Identity.from_seed(self.random(32))
        self.public = self.identity.public
        self.key = FeedKey(self.random(32))
        self.feed = self.key.public
        self.last: Written | None = None

    def entry(self, content: Content | None = None, **changes: object) -> Written:
        """The next entry of the chain (not yet said), with these fields of the header changed."""
        kind, body = seal_body(content or Text("hello"), self.random)
        prev = self.last
        seq, lamport, before = (prev.header.seq + 1, prev.header.lamport + 1, prev.id) if prev else (1, 1, b"")
        header = Header(VERSION, self.room, self.feed, seq, before, lamport, (), START, kind, hash32(body), len(body))
        header = msgspec.structs.replace(header, **changes)
        return Written(header, encode_header(header), body)

    def then(self, *contents: Content, **changes: object) -> list[Written]:
        """The next entries, one on the other; `changes` are those of the first. The chain goes on from there."""
        entries = []
        for number, content in enumerate(contents):
            self.last = self.entry(content, **changes if number == 0 else {})
            entries.append(self.last)
        return entries

    def page(self, *entries: Written, bodies: Sequence[bytes | None] | None = None, room: bytes | None = None) -> wire.Page:
        """A page of these entries, signed at its end."""
        found = tuple(entry.body for entry in entries) if bodies is None else tuple(bodies)
        signature = self.key.sign_page(entries[-1].id)
        return wire.Page(room or self.room, tuple(entry.raw for entry in entries), signature, found)

    def says(self, *texts: str, **changes: object) -> wire.Page:
        """A page with these texts."""
        return self.page(*self.then(*map(Text, texts), **changes))

    def arrives(self) -> wire.Page:
        """A page with its `here`."""
        return self.page(*self.then(Here(self.name)))

    def card(self, *more: FeedKey, identity: bytes | None = None) -> wire.Card:
        """A card for its feed and these."""
        who = identity or self.public
        pairs = tuple((key.public, key.sign_owner(self.room, who)) for key in (self.key, *more))
        return wire.Card(self.room, who, pairs)


def tip(page: wire.Page) -> bytes:
    """The id of the entry that ends a page."""
    return hash32(page.headers[-1])


def ids(page: wire.Page) -> list[bytes]:
    """The ids of all entries of a page."""
    return [hash32(raw) for raw in page.headers]
