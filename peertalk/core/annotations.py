"""What a message says by now: edits, deletions and gestures, folded over it (docs/protocol.md, "Messages about messages").

A function of the set: whatever the order of arrival, the same comes out on every screen. An edit or a deletion counts from the feed of
the message, on any branch of it, and from the feeds that go on from that one; a gesture counts from anybody, the last one of each
person towards each message.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cache
from typing import NamedTuple

from msgspec.structs import replace

from peertalk.core.entry import Content, Delete, Edit, React, Story, Text, open_body
from peertalk.core.lineage import speaks_for
from peertalk.core.stored import ANNOTATIONS, EntryRecord

MAX_GESTURES = 64
"""So many of the gestures of a person towards one message count, the last ones over all their feeds: whoever makes them without end
fills no screen."""


class Folded(NamedTuple):
    """What is to be shown of a message. `content` is None where it was deleted, or never came. `by` is the entry that it comes from: the
    message itself, or its last edit. `reactions`: gesture → identities, in the order in which they made it."""

    content: Text | Story | None
    by: bytes
    edited: bool
    deleted: bool
    reactions: dict[str, tuple[bytes, ...]]


def target(kind: str, body: bytes | None) -> bytes:
    """The id of the message that an entry is about; b"" if it is about none."""
    content = open_body(kind, body) if kind in ANNOTATIONS and body is not None else None
    return content.to if isinstance(content, React | Edit | Delete) else b""


def searchable(kind: str, body: bytes | None) -> str:
    """What an entry says that people look for; "" for most kinds."""
    content = open_body(kind, body) if kind in ("text", "story", "edit") and body is not None else None
    match content:
        case Text(said):
            return said
        case Story(said, title) | Edit(_, said, title):
            return f"{title}\n{said}" if title else said
        case _:
            return ""


def renamed(content: Content | None, ids: Mapping[bytes, bytes]) -> Content | None:
    """The same about messages whose ids have changed: old → new; None if it is about none of them."""
    match content:
        case React(to) | Edit(to) | Delete(to) if to in ids:
            return replace(content, to=ids[to])
        case Text(reply_to=bytes(to)) | Story(reply_to=bytes(to)) if to in ids:
            return replace(content, reply_to=ids[to])
        case _:
            return None


def is_of_author(feed: bytes, of: bytes, older: Mapping[bytes, Collection[bytes]]) -> bool:
    """Does `feed` speak for who wrote in the feed `of`: is it that, or does it go on from it? `older`: feed → those before it."""
    return feed == of or of in speaks_for(feed, older)


def deletions(entry: EntryRecord, annotations: Iterable[EntryRecord], older: Mapping[bytes, Collection[bytes]]) -> list[Delete]:
    """What its author has to say so that a message is gone, and with it what it said before and after it was edited: the edits are
    named too, since from the header of an edit whose body is erased nobody can tell what it was about."""
    is_authors = cache(lambda feed: is_of_author(feed, entry.feed, older))
    edits = (one for one in annotations if one.kind == "edit" and is_authors(one.feed))
    return [Delete(message) for message in dict.fromkeys((entry.message, *(one.message for one in edits)))]


def newest(annotations: Iterable[EntryRecord]) -> list[EntryRecord]:
    """Those of the annotations of one message that can change what it says, in order: of each feed the last edit, a deletion, and as
    many of the last gestures as count of a person."""
    told: Counter[tuple[bytes, str]] = Counter()
    found: list[EntryRecord] = []
    for one in sorted(annotations, key=lambda one: (one.lamport, one.id), reverse=True):
        told[one.feed, one.kind] += 1
        if told[one.feed, one.kind] <= (MAX_GESTURES if one.kind == "react" else 1):
            found.append(one)
    return found[::-1]


def fold(
    entry: EntryRecord,
    annotations: Iterable[EntryRecord],
    speaks: Callable[[bytes, bytes], bool],
    owner: Callable[[bytes], bytes],
) -> Folded:
    """Fold `annotations`, all of them about `entry`, over it. `speaks`: does one feed speak for another (lineage.Speakers)?
    `owner`: feed → identity, b"" where that is unknown."""
    content, by, edited, deleted = _said(entry), entry.id, False, entry.gone == "deleted"
    gestures: dict[tuple[bytes, str], tuple[bytes, bool]] = {}
    owner = cache(owner)
    for one in _last_of_each(newest(annotations), owner):
        match open_body(one.kind, one.body) if one.body is not None else None:
            case React(_, reaction, remove) if who := owner(one.feed):
                gestures.pop((who, reaction), None)
                gestures[who, reaction] = one.id, remove
            case Edit() as edit if content is not None and speaks(one.feed, entry.feed):
                content, by, edited = _edited(content, edit), one.id, True
            case Delete() if speaks(one.feed, entry.feed):
                deleted = True
    if deleted:
        return Folded(None, entry.id, False, True, {})
    return Folded(content, by, edited, False, _by_reaction(gestures))


def _last_of_each(annotations: list[EntryRecord], owner: Callable[[bytes], bytes]) -> list[EntryRecord]:
    """Without gestures of a person beyond the last ones. Who has many feeds counts once."""
    told: Counter[bytes] = Counter()
    kept: list[EntryRecord] = []
    for one in reversed(annotations):
        who = owner(one.feed) if one.kind == "react" else b""
        told[who] += 1
        if not who or told[who] <= MAX_GESTURES:
            kept.append(one)
    return kept[::-1]


def _said(entry: EntryRecord) -> Text | Story | None:
    content = open_body(entry.kind, entry.body) if entry.body is not None else None
    return content if isinstance(content, Text | Story) else None


def _edited(content: Text | Story, edit: Edit) -> Text | Story:
    if isinstance(content, Text):
        return Text(edit.text, content.reply_to, edit.warning)
    return Story(edit.text, edit.title, edit.warning, content.replies, content.reply_to)


def _by_reaction(gestures: Mapping[tuple[bytes, str], tuple[bytes, bool]]) -> dict[str, tuple[bytes, ...]]:
    found: dict[str, list[bytes]] = {}
    for (who, reaction), (_, removed) in gestures.items():
        if not removed:
            found.setdefault(reaction, []).append(who)
    return {reaction: tuple(people) for reaction, people in found.items()}
