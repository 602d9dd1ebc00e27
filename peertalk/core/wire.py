"""Every message that two members exchange on an established channel (docs/protocol.md, "Messages").

A message is one msgpack array whose first element is its type. Decoding is strict: the declared types, lengths and limits and
nothing else; anything else raises RemoteError("malformed").
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import msgspec
from msgspec import Meta

from peertalk.errors import RemoteError

MAX_MESSAGE = 320 * 1024
MAX_TIPS = 1000
MAX_ABSENT = 256
MAX_WANT = 64
MAX_KNOWN = 4096
MAX_PAGE_ENTRIES = 512
MAX_HEADER = 1024
MAX_BODY = 32 * 1024
MAX_PAGE = 256 * 1024
MAX_PAGES = 512
MAX_FEEDS = 256
MAX_PEERS = 64
MAX_ENDPOINTS = 4
LEAST_PORT = 1024
MAX_TERMS = 1600
MAX_FOLLOWERS = 64
MAX_PULSES = 256
MAX_NAMED, MAX_WANT_CARDS = 1024, 256
VERIFY_COMMIT, VERIFY_NONCE, VERIFY_CANCEL = range(3)

Id = Annotated[bytes, Meta(min_length=32, max_length=32)]
Signature = Annotated[bytes, Meta(min_length=64, max_length=64)]
Header = Annotated[bytes, Meta(min_length=1, max_length=MAX_HEADER)]
Body = Annotated[bytes, Meta(min_length=32, max_length=MAX_BODY)]
Endpoint = tuple[Annotated[bytes, Meta(min_length=4, max_length=16)], Annotated[int, Meta(ge=LEAST_PORT, le=65535)]]
"""An IPv4 or IPv6 address, packed, and a port."""
Endpoints = Annotated[tuple[Endpoint, ...], Meta(min_length=1, max_length=MAX_ENDPOINTS)]


Pulse = tuple[Id, Annotated[int, Meta(ge=0, lt=2**53)], Id, bool, Signature]
"""A feed, a counter that grows, a digest of all tips that its owner holds, whether they are on disk; signed by the feed key."""

Pair = Annotated[bytes, Meta(min_length=16, max_length=16)]
"""The hash of a feed and the identity that it is said to be of."""

Run = tuple[
    Annotated[tuple[Header, ...], Meta(min_length=1, max_length=MAX_PAGE_ENTRIES)],
    Signature,
    Annotated[tuple[Body | None, ...], Meta(min_length=1, max_length=MAX_PAGE_ENTRIES)],
]
"""Headers, signature, bodies of a page."""


class _Message(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    pass


class Card(_Message, frozen=True, tag=1):
    """A card of `room`: about the sender itself (authenticated), or about another identity (then it is hearsay, `via`)."""

    room: Id
    identity: Id
    feeds: Annotated[tuple[tuple[Id, Signature], ...], Meta(max_length=MAX_FEEDS)]


class Have(_Message, frozen=True, tag=2):
    """The opening claim in a room: a digest of all tips, the number of entries below them, and whether they are on disk.
    32 zero bytes as digest: bodies are absent here, so the tips have to be named."""

    room: Id
    digest: Id
    entries: Annotated[int, Meta(ge=0, lt=2**53)]
    disk: bool


class Tips(_Message, frozen=True, tag=3):
    """Tips held. `fresh` starts a full statement that replaces what was known of the sender, `last` ends it; a delta is
    neither. `absent` are ids under the tips whose bodies are missing without an explanation."""

    room: Id
    tips: Annotated[tuple[Id, ...], Meta(max_length=MAX_TIPS)]
    absent: Annotated[tuple[Id, ...], Meta(max_length=MAX_ABSENT)] = ()
    fresh: bool = False
    last: bool = False
    disk: bool = True


class Want(_Message, frozen=True, tag=4):
    """Send what I lack, up to these tips. `known` are ids that I hold (tips, and sparse ancestors of feeds that are forked
    or that the sender's tips do not show)."""

    room: Id
    tips: Annotated[tuple[Id, ...], Meta(min_length=1, max_length=MAX_WANT)]
    known: Annotated[tuple[Id, ...], Meta(max_length=MAX_KNOWN)] = ()


class Page(_Message, frozen=True, tag=5):
    """A run of one feed, the last entry signed; a body is None where it is absent or travels separately."""

    room: Id
    headers: Annotated[tuple[Header, ...], Meta(min_length=1, max_length=MAX_PAGE_ENTRIES)]
    signature: Signature
    bodies: Annotated[tuple[Body | None, ...], Meta(min_length=1, max_length=MAX_PAGE_ENTRIES)]


class Done(_Message, frozen=True, tag=6):
    """The answer to a Want is complete; `more`: as much as goes into one answer, ask again."""

    room: Id
    more: bool


class WantBodies(_Message, frozen=True, tag=7):
    room: Id
    entries: Annotated[tuple[Id, ...], Meta(min_length=1, max_length=MAX_WANT)]


class Bodies(_Message, frozen=True, tag=8):
    """The answer to WantBodies: those that are here; a missing id is one that the sender does not have either."""

    room: Id
    bodies: Annotated[tuple[tuple[Id, Body], ...], Meta(max_length=MAX_WANT)]


class Signal(_Message, frozen=True, tag=9):
    """A fleeting sign, never stored, never relayed. Unknown kinds are ignored."""

    room: Id
    kind: Annotated[str, Meta(max_length=16)]


class Quit(_Message, frozen=True, tag=10):
    """The sender has left this room: it is no longer spoken of on this link."""

    room: Id


class Peers(_Message, frozen=True, tag=11):
    """Where members can be reached: the port at which the sender listens (0: nowhere), and others of the room who are linked
    with it, which is hearsay."""

    room: Id
    port: Annotated[int, Meta(ge=0, le=65535)]
    peers: Annotated[tuple[tuple[Id, Endpoints], ...], Meta(max_length=MAX_PEERS)]

    def __post_init__(self) -> None:
        if any(len(address) not in {4, 16} for _, endpoints in self.peers for address, _ in endpoints):
            raise ValueError


class Wait(_Message, frozen=True, tag=12):
    """This room is closed to you for now: nothing is said of it until somebody lets you in. Sent in the place of a card."""

    room: Id


class Offer(_Message, frozen=True, tag=13):
    """The room `old` was re-formed by the identity `by`, with these terms (core/rooms.py); `followers` are in the new room.
    `room` is the direct room of the two; it does not begin by this."""

    room: Id
    old: Id
    terms: Annotated[bytes, Meta(min_length=1, max_length=MAX_TERMS)]
    by: Id
    followers: Annotated[tuple[Id, ...], Meta(max_length=MAX_FOLLOWERS)] = ()


class Verify(_Message, frozen=True, tag=14):
    """A step of comparing emoji. `room` is the direct room of the two; it does not begin by this."""

    room: Id
    step: Annotated[int, Meta(ge=0, le=VERIFY_CANCEL)]
    value: Id


class Roll(_Message, frozen=True, tag=15):
    """A digest of who is in the room and what they are called, as the sender sees it."""

    room: Id
    digest: Id


class Pages(_Message, frozen=True, tag=16):
    """Several pages, in the order in which they settle: as a part of an answer. Each as in `Page`: headers, signature, bodies."""

    room: Id
    pages: Annotated[tuple[Run, ...], Meta(min_length=1, max_length=MAX_PAGES)]

    def each(self) -> Iterator[Page]:
        """The pages one by one."""
        return (Page(self.room, *run) for run in self.pages)


class Pulses(_Message, frozen=True, tag=17):
    """Signs of life of members of a large room, the sender's own or passed on."""

    room: Id
    pulses: Annotated[tuple[Pulse, ...], Meta(min_length=1, max_length=MAX_PULSES)]


class Need(_Message, frozen=True, tag=18):
    """Whether the sender needs this link for this room, where one of the rooms on it is large. Until it says so, it does."""

    room: Id
    needed: bool


class Prune(_Message, frozen=True, tag=19):
    """Pages of this room come earlier on other links: from now on name their tips on this one."""

    room: Id


class Known(_Message, frozen=True, tag=20):
    """A digest of all that the sender knows of whose feed is whose, and some of it, by hashes; none: the digest alone."""

    room: Id
    digest: Id
    pairs: Annotated[tuple[Pair, ...], Meta(max_length=MAX_NAMED)] = ()


class WantCards(_Message, frozen=True, tag=21):
    """Hand over the cards with these, which the receiver named."""

    room: Id
    pairs: Annotated[tuple[Pair, ...], Meta(min_length=1, max_length=MAX_WANT_CARDS)]


Message = (
    Card
    | Have
    | Tips
    | Want
    | Page
    | Done
    | WantBodies
    | Bodies
    | Signal
    | Quit
    | Peers
    | Wait
    | Offer
    | Verify
    | Roll
    | Pages
    | Pulses
    | Need
    | Prune
    | Known
    | WantCards
)


_SHORT = frozenset(bytes([0x90 + elements]) for elements in range(1, 16))
"""How an array of few elements begins."""
_LIVE = frozenset(bytes([tag]) for tag in (3, 5, 9))
_ID = b"\xc4\x20"
"""How 32 bytes begin."""


def has_pages(raw: bytes) -> bool:
    """Does this say that it is a `Pages`? For who wants to have it checked beside everything else."""
    return raw[:2] == b"\x93\x10"


def room_of(raw: bytes) -> bytes | None:
    """The room that a message speaks of, as this program writes it; None where that cannot be seen without decoding it."""
    return raw[4:36] if raw[:1] in _SHORT and raw[2:4] == _ID else None


def is_live(raw: bytes) -> bool:
    """Does this say that it is something that is said just now, or that it has come: a `Page`, `Tips`, a `Signal`?"""
    return raw[:1] in _SHORT and raw[1:2] in _LIVE


def size(page: Page) -> int:
    """The bytes of its headers and bodies; at most MAX_PAGE in one message."""
    return sum(map(len, page.headers)) + sum([len(body) for body in page.bodies if body is not None])


_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Message] = msgspec.msgpack.Decoder(Message)


def encode(message: Message) -> bytes:
    """The bytes of one message."""
    return _encoder.encode(message)


def decode(raw: bytes) -> Message:
    """The message, or RemoteError("malformed")."""
    try:
        return _decoder.decode(raw)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise RemoteError("malformed", what="message") from error
