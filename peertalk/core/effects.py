"""What the core decides: effects.

The core never does anything itself: it answers an input with effects; whoever drives it (the node, a simulation) carries them
out and reports back with `committed(token)` and `loaded(token, …)`.
"""

from __future__ import annotations

from typing import Literal

from peertalk.core.stored import EntryRecord, OfferRecord, Op, OutboxRecord, Record, RoomRecord
from peertalk.core.wire import Endpoint, Message

Link = int
Token = int


class Send(Record, frozen=True):
    """Send `message` on `link`, after what was sent before it."""

    link: Link
    message: Message


class Prove(Record, frozen=True):
    """Prove these rooms on a link that is up (docs/protocol.md, rooms joined while a link is up)."""

    link: Link
    rooms: tuple[bytes, ...]


class Unprove(Record, frozen=True):
    """This room is no longer spoken of on `link`; it would have to be proven again."""

    link: Link
    room: bytes


class Close(Record, frozen=True):
    """Close `link`; `reason` goes into the authenticated `bye`."""

    link: Link
    reason: str


class Commit(Record, frozen=True):
    """Make `ops` durable, in order, in one transaction with or after all earlier commits; then call `committed(token)`."""

    token: Token
    ops: tuple[Op, ...]


class LoadPages(Record, frozen=True):
    """Read these pages of a room, in this order; then call `loaded(token, pages)`."""

    token: Token
    room: bytes
    numbers: tuple[int, ...]


class LoadBodies(Record, frozen=True):
    """Read the bodies of these entries (those that are there); then call `loaded_bodies(token, {id: body})`."""

    token: Token
    room: bytes
    entries: tuple[bytes, ...]


class Wake(Record, frozen=True):
    """Call `tick` at this monotonic time (seconds) at the latest."""

    at: float


class Listens(Record, frozen=True):
    """Who is at the other end of `link` says that it listens at `port`, at the address from which it is seen."""

    link: Link
    port: int


class Heard(Record, frozen=True):
    """Who is at the other end of `link` says where others of a room are. Hearsay: worth a few dials, and nothing else."""

    link: Link
    peers: tuple[tuple[bytes, tuple[Endpoint, ...]], ...]


class Spare(Record, frozen=True):
    """Neither side needs `link` any more: close it, and do not dial whoever is there again for a while."""

    link: Link


class Seek(Record, frozen=True):
    """With these identities one is to be linked for `room`; it replaces what was said of that room before."""

    room: bytes
    identities: tuple[bytes, ...]


# notices: what the node turns into events for front ends


class Arrived(Record, frozen=True):
    """Entries of others, or own ones from elsewhere, are on disk and in their place. `later`: their bodies, which were missing, so that
    what was said about them may have come before."""

    room: bytes
    entries: tuple[EntryRecord, ...]
    later: bool = False


class Queued(Record, frozen=True):
    """An own entry is on disk in the outbox."""

    record: OutboxRecord


class Withdrawn(Record, frozen=True):
    """What waited of an own message that was deleted, or about it, has left the outbox for good: that is on disk."""

    record: OutboxRecord


class Moved(Record, frozen=True):
    """An own message that waits has moved on to a new feed: `before` was its id until now, `room` where it waited if that was
    another room. It is on disk so."""

    before: bytes
    record: OutboxRecord
    room: bytes = b""


class Placed(Record, frozen=True):
    """An own entry left the outbox and took its place."""

    room: bytes
    entry: EntryRecord


class Claimed(Record, frozen=True):
    """It is known otherwise than before who holds own feed `feed`, from `since` (exclusive) up to `upto` (inclusive)."""

    room: bytes
    feed: bytes
    since: int
    upto: int


class Presence(Record, frozen=True):
    """An identity came or went in `room`: over a link, or, in a large one, by what is heard of it."""

    room: bytes
    identity: bytes
    online: bool


class MembersChanged(Record, frozen=True):
    """Cards or presence entries of a room changed: who is in it, or what somebody is called."""

    room: bytes
    identities: tuple[bytes, ...]


DoorChange = Literal["sealed", "unsealed", "outside", "members"]


class DoorChanged(Record, frozen=True):
    """The door of a room was closed or opened, oneself stands outside or no longer does (`outside`), or others do (`members`)."""

    room: bytes
    change: DoorChange


class RoomCame(Record, frozen=True):
    record: RoomRecord


class RoomWent(Record, frozen=True):
    room: bytes
    forgotten: bool


class RoomArchived(Record, frozen=True):
    """A room was re-formed, and is only read any more."""

    record: RoomRecord


class Offered(Record, frozen=True):
    """Somebody asks to come along to a re-formed room, or more is known of that. It is on disk."""

    record: OfferRecord


class TypingSeen(Record, frozen=True):
    room: bytes
    identity: bytes


class ForkSeen(Record, frozen=True):
    room: bytes
    feed: bytes


class SyncStep(Record, frozen=True):
    """Catching up: `done` of about `total` entries of this answer series."""

    room: bytes
    done: int
    total: int


class RollsChanged(Record, frozen=True):
    """Who is in a room has changed, or who of those linked sees others there."""

    room: bytes


class VerifyAsked(Record, frozen=True):
    """Somebody who is linked wants to compare emoji."""

    identity: bytes


class EmojiMade(Record, frozen=True):
    """Both want to compare, and this is what they see: the first 42 bits of 8 bytes."""

    identity: bytes
    emoji: bytes


class VerifyFailed(Record, frozen=True):
    """There will be no emoji: `cancelled` (by the other), `gone` (no link any more), `timeout`, `failed` (cut off again and again)."""

    identity: bytes
    why: str


TrustNotice = RollsChanged | VerifyAsked | EmojiMade | VerifyFailed
Notice = (
    Arrived
    | Queued
    | Moved
    | Withdrawn
    | Placed
    | Claimed
    | Presence
    | MembersChanged
    | DoorChanged
    | RoomCame
    | RoomWent
    | RoomArchived
    | Offered
    | TypingSeen
    | ForkSeen
    | SyncStep
    | TrustNotice
)
Effect = Send | Prove | Unprove | Close | Commit | LoadPages | LoadBodies | Wake | Listens | Heard | Spare | Seek | Notice
