"""What the store keeps (records), how it changes (operations), and what a replica starts from (a snapshot).

Records are values; ids and keys are raw bytes (32 each), times are Unix milliseconds by the local wall clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from peertalk.core.events import RoomKind

ANNOTATIONS = ("react", "edit", "delete")
"""Entries that say something about a message (core/annotations.py)."""
Gone = Literal["", "expired", "deleted"]
"""Why there is no body, where that is explained."""

Retention = Literal["forever", "session"] | int

STATE_KINDS = ("here", "left", "seal", "admit", "unseal", "follow", "over")
"""Entries that say how a room stands: they are all read at the start, and their bodies never expire."""
KEPT_KINDS = (*STATE_KINDS, "delete")
"""Entries whose bodies stay as long as the room's history: they neither expire nor can they be deleted."""


class Record(msgspec.Struct, frozen=True, gc=False):
    """Base of all records: immutable values, in which no circle can be: the garbage collector need not look for one."""


# ── records ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class RoomRecord(Record, frozen=True, kw_only=True):
    """A room that one is in. `linked` is when somebody of it was last linked; `read` the order key up to which was read.

    `peer` is the other identity of a direct room. A room that is not `shown` is not listed: a direct room is then only
    recognised when the other one speaks, an open room has been left and its history stays for a return. `accepted`: one has
    written in this direct room oneself.

    Of a private room `seed`, `predecessor` and `without` are what its secret follows from beside name, language and retention
    (core/rooms.py, Terms); `invited_by` is whose code brought us in. `archived`: it was re-formed, and is only read any more.
    """

    id: bytes
    kind: RoomKind
    name: str
    secret: bytes
    retention: Retention = "forever"
    language: str | None = None
    peer: bytes | None = None
    shown: bool = True
    accepted: bool = False
    joined: int = 0
    linked: int = 0
    read: tuple[int, bytes] = (0, b"")
    seed: bytes = b""
    predecessor: bytes = b""
    without: tuple[bytes, ...] = ()
    invited_by: bytes = b""
    archived: bool = False


class FeedKeyRecord(Record, frozen=True, kw_only=True):
    """An own feed key. `seed` (the private half) is None once the feed has retired; `created` starts its 30 days.

    `succeeds` is the older feed with its signature over this key, carried by this feed's first entry."""

    room: bytes
    feed: bytes
    seed: bytes | None
    created: int
    succeeds: tuple[bytes, bytes] | None = None
    retiring: bool = False


class CardRecord(Record, frozen=True, kw_only=True):
    """A card: an identity and its feeds, each with the owner signature. `via` is the introducer; b"" if authenticated."""

    room: bytes
    identity: bytes
    feeds: tuple[tuple[bytes, bytes], ...]
    via: bytes = b""


class EntryRecord(Record, frozen=True, kw_only=True):
    """A settled entry. `message` is the id that people's programs use (entry.message_id); `body` is None where absent,
    and `gone` says so where that is explained: then it is not missed, and never taken again.

    `late`: it landed above something that was on the screen already. Order key: (lamport, id)."""

    id: bytes
    feed: bytes
    seq: int
    lamport: int
    time: int
    kind: str
    message: bytes
    header: bytes
    body: bytes | None
    received: int
    late: bool = False
    gone: Gone = ""


class PageRecord(Record, frozen=True, kw_only=True):
    """A settled page: a run of one feed, signed at its end. `number` is its place in the settle order of its room."""

    room: bytes
    number: int
    feed: bytes
    prev: bytes
    signature: bytes
    entries: tuple[EntryRecord, ...]


class OutboxRecord(Record, frozen=True, kw_only=True):
    """An own entry that waits for a link: `message` is its id (entry.message_id). Order: as queued (`number`, unique a room)."""

    room: bytes
    number: int
    message: bytes
    kind: str
    body: bytes
    time: int


class ClaimRecord(Record, frozen=True, kw_only=True):
    """`identity` said that it holds own feed `feed` up to `seq`, on disk or in memory. One row per (room, feed, identity, disk)."""

    room: bytes
    feed: bytes
    identity: bytes
    seq: int
    disk: bool


class PeerRecord(Record, frozen=True, kw_only=True):
    """An identity met over an authenticated link. `addresses` are (host, port), the newest first, at most 8. `name` is what they
    called themselves last, kept of people who are known or verified, so that somebody else under that name is noticed."""

    identity: bytes
    first_seen: int
    last_seen: int
    addresses: tuple[tuple[str, int], ...] = ()
    blocked: bool = False
    verified: bool = False
    name: str = ""


class OfferRecord(Record, frozen=True, kw_only=True):
    """Somebody has re-formed the room `old` as `room`, whose terms these are, and asks to come along. `by`: who did so, as is
    said; `givers` are those who said so themselves, `followers` who has come along, as they say."""

    room: bytes
    old: bytes
    terms: bytes
    by: bytes
    givers: tuple[bytes, ...] = ()
    followers: tuple[bytes, ...] = ()
    declined: bool = False
    time: int = 0


# ── operations of a commit, applied in order, all or nothing ─────────────────────────────────────────────────────────


class PutRoom(Record, frozen=True):
    """Insert or replace a room's record."""

    record: RoomRecord


class PutFeedKey(Record, frozen=True):
    """Insert or replace an own feed key; a seed of None erases the private half (secure_delete)."""

    record: FeedKeyRecord


class PutCard(Record, frozen=True):
    """Insert or replace the card of (room, identity, via)."""

    record: CardRecord


class PutPage(Record, frozen=True):
    """Insert a settled page with its entries."""

    record: PageRecord


class PutBody(Record, frozen=True):
    """A body that was absent has come; of an entry of which something explains why there is none, it is not kept."""

    room: bytes
    entry: bytes
    body: bytes


class PutOutbox(Record, frozen=True):
    record: OutboxRecord


class DropOutbox(Record, frozen=True):
    """It waits no longer. `erased`: it was deleted, and nothing says any more what it said."""

    room: bytes
    number: int
    erased: bool = False


class PutClaim(Record, frozen=True):
    record: ClaimRecord


class PutPeer(Record, frozen=True):
    record: PeerRecord


class DropPeer(Record, frozen=True):
    """Nothing is remembered of somebody who was met."""

    identity: bytes


class PutOffer(Record, frozen=True):
    """Insert or replace the offer of a re-formed room."""

    record: OfferRecord


class DropOffer(Record, frozen=True):
    """It was followed, or means nothing any more."""

    room: bytes


class ForgetHistory(Record, frozen=True):
    """Entries, pages, cards, claims and own feed keys of a room go; the room, its secret and its outbox stay."""

    room: bytes


class DropRoom(Record, frozen=True):
    """The room goes with everything in it, its secret and outbox too."""

    room: bytes


class ExpireBodies(Record, frozen=True):
    """Bodies of entries (but those of KEPT_KINDS) whose min(time, received) is before `before` are erased: they are `expired`, also
    those that never came. Headers stay, so that chains still verify."""

    room: bytes
    before: int


class EraseBodies(Record, frozen=True):
    """What was said in the message `message`, if it is of one of `feeds`, and in the edits of it that are of `edits`, is erased: they
    are `deleted`, were their bodies there or not (but for those of KEPT_KINDS). Headers stay."""

    room: bytes
    message: bytes
    feeds: frozenset[bytes]
    edits: frozenset[bytes] = frozenset()


class EraseDeleted(Record, frozen=True):
    """What in these pages, by their numbers, any `delete` in the feeds `by` names is erased as above: the messages themselves, or, if
    `edits`, what edits them. With each page goes how far back it is, with each feed how far back its word counts; where it is not as
    far as that, nothing is erased. For when the pages hold less than was deleted."""

    room: bytes
    pages: Mapping[int, int]
    by: Mapping[bytes, int]
    edits: bool


class PutProfile(Record, frozen=True):
    """A value of the profile itself: `identity` (32-byte seed), `name` (UTF-8), `token` (16 bytes)."""

    key: Literal["identity", "name", "token"]
    value: bytes


Op = (
    PutRoom | PutFeedKey | PutCard | PutPage | PutBody | PutOutbox | DropOutbox | PutClaim | PutPeer | DropPeer | ForgetHistory | DropRoom
    | ExpireBodies | EraseBodies | EraseDeleted | PutProfile | PutOffer | DropOffer
)  # fmt: skip


# ── what a replica starts from ───────────────────────────────────────────────────────────────────────────────────────


class PageIndex(Record, frozen=True, kw_only=True):
    """A stored page without its headers and bodies. `entries` are (id, seq, lamport).

    `prev` is the predecessor of its first entry (b"" at seq 1)."""

    number: int
    feed: bytes
    prev: bytes
    entries: tuple[tuple[bytes, int, int], ...]


class Absent(Record, frozen=True):
    """An entry without a body of which nothing explains why. `time`: by which it would expire, min(time, received)."""

    id: bytes
    feed: bytes
    kind: str
    message: bytes
    time: int


class RoomSnapshot(Record, frozen=True, kw_only=True):
    """All that is needed of one room; `pages` in settle order; `state` are its entries of STATE_KINDS, and `absent` those without a
    body, both in settle order; `deletions` are (message, feed of the `delete`), sorted."""

    record: RoomRecord
    feeds: tuple[FeedKeyRecord, ...] = ()
    cards: tuple[CardRecord, ...] = ()
    pages: tuple[PageIndex, ...] = ()
    state: tuple[EntryRecord, ...] = ()
    absent: tuple[Absent, ...] = ()
    deletions: tuple[tuple[bytes, bytes], ...] = ()
    outbox: tuple[OutboxRecord, ...] = ()
    claims: tuple[ClaimRecord, ...] = ()


class Snapshot(Record, frozen=True, kw_only=True):
    """A profile as it was at its last commit. A new profile has no identity (b"")."""

    identity: bytes = b""
    name: str = ""
    token: bytes = b""
    rooms: tuple[RoomSnapshot, ...] = ()
    peers: tuple[PeerRecord, ...] = ()
    offers: tuple[OfferRecord, ...] = ()
