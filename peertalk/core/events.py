"""What a front end sees: views (Room, Message, Peer …) and events.

The field names and shapes are those of docs/rpc.md, so that `msgspec.json.encode(view)` is the RPC answer. Ids are opaque
strings (lower-case hex); times are Unix milliseconds. Texts and names in views are already neutralised for display.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Trust = Literal["new", "known", "verified"]
RoomKind = Literal["open", "private", "direct"]
RoomChange = Literal[
    "joined", "left", "members", "forgotten", "read", "words", "sealed", "unsealed", "outside", "ended", "archived"
]


class View(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all views: immutable values."""


class IdentityView(View, frozen=True):
    """Who somebody is: `id` the identity key in hex, `name` the nickname, `tag` a short key tag such as `k3f9`."""

    id: str
    name: str
    tag: str


class Author(IdentityView, frozen=True):
    """Author of a message; `via` is the name of whoever vouched for it, or None if authenticated by the author."""

    via: str | None = None


class Peer(IdentityView, frozen=True):
    """Somebody known here, in whatever room. `fingerprint`: their key, as it is read aloud; the tag is its first group. `since`:
    when they were met first, if they were."""

    online: bool = False
    trust: Trust = "new"
    addresses: list[str] = []
    rooms: list[str] = []
    blocked: bool = False
    since: int | None = None
    fingerprint: str = ""


class Member(IdentityView, frozen=True):
    """Somebody in one room. `me` marks oneself."""

    online: bool = False
    trust: Trust = "new"
    via: str | None = None
    invited_by: str | None = None
    me: bool = False


class Room(View, frozen=True):
    """A room. `members` and `online` are counts and include oneself; `retention` is `forever`, `session` or days.

    `sealed`: its door is closed; `outside`: and one stands before it; `waiting`: who else does. `archived`: it was re-formed and
    is only read any more; `predecessor` is the id of the room that this one was re-formed from."""

    id: str
    name: str
    kind: RoomKind
    members: int = 0
    online: int = 0
    unread: int = 0
    retention: Literal["forever", "session"] | int = "forever"
    language: str | None = None
    sealed: bool = False
    muted: bool = False
    outside: bool = False
    archived: bool = False
    predecessor: str | None = None
    waiting: list[IdentityView] = []


class Quote(View, frozen=True):
    """The message that another one answers. `text` is the beginning of it, "" unless it is `shown`, and `warning` its content note:
    whoever has one shows that instead. `missing`: nothing is known of it here (yet)."""

    id: str
    state: Literal["shown", "deleted", "expired", "blocked", "missing"]
    author: Author | None = None
    text: str = ""
    warning: str | None = None


class Message(View, frozen=True):
    """A message. `seq` and `lamport` are None while `state` is `waiting`.

    `delivered_to` are the ids of peers that have it on disk, `held_by` of those that have it in memory only. `kind` is `text`,
    or one of the quiet system lines (`text` then holds the author's name; nobody can type those): `here`, `left`, `name`, `seal`,
    `admit`, `unseal`, `follow`, `over`. `about` are the people that such a line speaks of: who let the author in (`here`), who is
    inside (`seal`), who may come in (`admit`), who is left out (`follow`). `after_split`: written in a room that was re-formed, after
    that. `quote` is what it answers, as it stands now. `clock`: its author's clock is far off
    (`ahead` of the one here, or `behind`).
    A `deleted` message says nothing any more: `text` is "".
    """

    id: str
    room: str
    author: Author
    seq: int | None
    lamport: int | None
    time: int
    late: bool = False
    state: Literal["waiting", "sent"] = "sent"
    text: str = ""
    kind: str = "text"
    title: str | None = None
    warning: str | None = None
    replies: str | None = None
    reply_to: str | None = None
    edited: bool = False
    deleted: bool = False
    reactions: dict[str, list[str]] = {}
    delivered_to: list[str] = []
    held_by: list[str] = []
    mine: bool = False
    about: list[IdentityView] = []
    after_split: bool = False
    quote: Quote | None = None
    clock: Literal["ahead", "behind"] | None = None

    @property
    def is_speech(self) -> bool:
        """Did somebody say it, and is it still there? Else it is a quiet line."""
        return self.kind in ("text", "story") and not self.deleted


class MessageList(View, frozen=True):
    """A run of messages, oldest first, in the order that everyone sees; `more` says whether there are others beyond."""

    messages: list[Message]
    more: bool


class Exported(View, frozen=True):
    """A file that was written, with so many messages."""

    path: str
    count: int


class Invite(View, frozen=True):
    """An invitation: `code` to be said, `link` to be copied or shown as a QR code; for so many `uses`, until `expires_at`."""

    code: str
    link: str
    uses: int
    expires_at: int
    room: str
    used: int = 0


class Words(View, frozen=True):
    """The words of a room, to be read aloud. `gathering`: not all who are linked see the same people yet; `differ` are those who
    see others for longer. The words follow from `members`."""

    words: list[str]
    gathering: bool
    differ: list[Peer]
    members: list[Member]


class Symbol(View, frozen=True):
    symbol: str
    name: str


class Emoji(View, frozen=True):
    """Seven symbols to be compared with somebody."""

    emoji: list[Symbol]


class Offer(View, frozen=True):
    """Somebody has started a room anew without somebody. `room` is the id of the old one, `offer` what to follow or decline by;
    `still_shared` are the names of other rooms that those left out are in."""

    offer: str
    room: str
    name: str
    by: Peer
    without: list[Peer]
    followers: list[Peer]
    still_shared: list[str]


class Ended(View, frozen=True):
    """What stays of a meeting that one has ended for oneself, and what is gone: `messages`, `members`, `room`, …"""

    stays: list[str]
    forgotten: list[str]


class Listening(View, frozen=True):
    host: str
    port: int


class Discovery(View, frozen=True):
    """`advertised` is this process's random instance name, `services_seen` counts other advertisements."""

    enabled: bool
    advertised: str | None
    services_seen: int


class Status(View, frozen=True):
    version: str
    protocol: int
    identity: IdentityView
    listening: list[Listening]
    discovery: Discovery
    links: int
    rooms: int


class Check(View, frozen=True):
    """One thing that the doctor looked at. `case` names what was found, `values` what the sentence about it needs (addresses,
    names of interfaces; nothing secret); the sentence is made in the person's language by `say`."""

    id: str
    state: Literal["ok", "warn", "fail", "unknown"]
    case: str
    values: dict[str, str | int | list[str]] = {}


class Report(View, frozen=True):
    """What the doctor found out: one verdict, and what it rests on."""

    verdict: str
    checks: list[Check]


class Event(View, frozen=True, tag_field="type"):
    """Base of all events; the tag is the event's `type` in docs/rpc.md."""


class Ready(Event, frozen=True, tag="ready"):
    """Listening, and advertising where that is on."""

    identity: IdentityView


class PeerChanged(Event, frozen=True, tag="peer"):
    peer: Peer
    change: Literal["online", "offline", "name", "trust", "blocked", "unblocked"]


class RoomChanged(Event, frozen=True, tag="room"):
    room: Room
    change: RoomChange


class MessageArrived(Event, frozen=True, tag="message"):
    """A message took its place (or was queued here); see `Message.late` for one that lands above others."""

    message: Message


class MessageChanged(Event, frozen=True, tag="message_changed"):
    message: Message


class Delivered(Event, frozen=True, tag="delivered"):
    """More people have an own message. `message` is its id; the lists are complete, not what was added."""

    message: str
    room: str
    delivered_to: list[str]
    held_by: list[str] = []


class Typing(Event, frozen=True, tag="typing"):
    room: str
    peer: Peer


class InviteUsed(Event, frozen=True, tag="invite_used"):
    """Somebody came in by a code of ours."""

    code: str
    peer: Peer
    room: str


class InviteDead(Event, frozen=True, tag="invite_dead"):
    """A code of ours lets nobody in any more: `expired`, `used_up`, `guessed` (too many wrong tries), `sealed`, `cancelled`. `fresh`:
    a new one would help."""

    code: str
    fresh: bool
    reason: str
    room: str


class VerifyRequest(Event, frozen=True, tag="verify_request"):
    """Somebody wants to compare emoji."""

    peer: Peer


class ReformOffer(Event, frozen=True, tag="reform_offer"):
    """Somebody asks to come along to a room started anew, or more is known of such a one."""

    offer: str
    room: str
    by: Peer
    without: list[Peer]


class SyncProgress(Event, frozen=True, tag="sync"):
    room: str
    done: int
    total: int


class Warning(Event, frozen=True, tag="warning"):
    """Something a person should know: `same_name_new_key`, `your_name`, `not_invited`, `fork`, `clock`, `dropped`, `second_process`."""

    kind: str
    text: str
    peer: str | None = None
    room: str | None = None


AnyEvent = (
    Ready
    | PeerChanged
    | RoomChanged
    | MessageArrived
    | MessageChanged
    | Delivered
    | Typing
    | InviteUsed
    | InviteDead
    | VerifyRequest
    | ReformOffer
    | SyncProgress
    | Warning
)
