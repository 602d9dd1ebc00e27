"""What the methods take (docs/rpc.md, "Methods")."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Limit = Annotated[int, Meta(ge=1)]
Port = Annotated[int, Meta(ge=1, le=65535)]
Days = Annotated[int, Meta(ge=1, le=3650)]
Language = Literal["en", "de"]
Title = Annotated[str, Meta(max_length=256)]


class Params(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of all parameters. A name that is not here is an error: what a client means must not be dropped silently."""


class Nothing(Params, frozen=True):
    pass


class ByName(Params, frozen=True):
    name: str


class InRoom(Params, frozen=True):
    room: str


class OfPeer(Params, frozen=True):
    peer: str


class Invite(Params, frozen=True):
    room: str
    uses: Annotated[int, Meta(ge=1, le=256)] = 1
    ttl: Annotated[int, Meta(ge=10, le=86_400)] = 600
    language: Literal["de", "en"] | None = None


class OfCode(Params, frozen=True):
    code: str


class Accept(Params, frozen=True):
    code: str
    timeout: Annotated[float, Meta(gt=0, le=3600)] = 30


class Invites(Params, frozen=True):
    room: str | None = None


class Create(Params, frozen=True):
    name: str
    retention: Literal["forever", "session"] | Days = "forever"
    language: Language | None = None


class Words(Params, frozen=True):
    room: str
    language: Language | None = None


class Verified(Params, frozen=True):
    room: str
    present: list[str]


class Admit(Params, frozen=True):
    room: str
    peer: str


class Reform(Params, frozen=True):
    room: str
    without: Annotated[list[str], Meta(min_length=1)]


class ByOffer(Params, frozen=True):
    offer: str


class Confirm(Params, frozen=True):
    peer: str
    matches: bool


class Leave(Params, frozen=True):
    room: str
    forget: bool = False


class Read(Params, frozen=True):
    room: str
    up_to: str | None = None


class Send(Params, frozen=True):
    room: str
    text: str
    reply_to: str | None = None
    kind: Literal["text", "story"] = "text"
    title: Title | None = None
    warning: Title | None = None
    replies: Literal["welcome", "listen"] | None = None

    def __post_init__(self) -> None:
        for parameter, given in (("title", self.title), ("replies", self.replies)):
            if given is not None and self.kind != "story":
                raise ValueError(f"{parameter}: only a story has it")


class Search(Params, frozen=True):
    query: str
    room: str | None = None
    limit: Limit = 50


class React(Params, frozen=True):
    message: str
    reaction: str
    remove: bool = False


class Edit(Params, frozen=True):
    message: str
    text: str
    title: Title | None = None
    warning: Title | None = None


class OfMessage(Params, frozen=True):
    message: str


class Export(Params, frozen=True):
    room: str
    path: Annotated[str, Meta(min_length=1)]
    format: Literal["markdown", "json"]


class ListStories(Params, frozen=True):
    room: str
    limit: Limit = 50
    before: str | None = None


class ListMessages(Params, frozen=True):
    room: str
    limit: Limit = 100
    before: str | None = None
    after: str | None = None


class Backup(Params, frozen=True):
    path: str
    passphrase: Annotated[str, Meta(min_length=1)]


class Connect(Params, frozen=True):
    host: str
    port: Port
