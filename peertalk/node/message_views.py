"""Messages and quiet lines as views for front ends. Texts of others are neutralised here."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, Final, Literal, NamedTuple

import msgspec

from peertalk import text
from peertalk.core import events
from peertalk.core.annotations import Folded
from peertalk.core.entry import Admit, Content, Follow, Here, Left, Over, Seal, Story, Text, Unseal, open_body
from peertalk.core.room import Room
from peertalk.core.stored import STATE_KINDS, EntryRecord, OutboxRecord
from peertalk.node import gestures
from peertalk.node.views import Views

SPOKEN_KINDS: Final = ("text", "story")
"""What somebody says: it can be edited, deleted, answered, and is unread until it is read."""
SHOWN_KINDS: Final = (*SPOKEN_KINDS, *STATE_KINDS)
PENDING: Final = 2**53
"""From here on count the `seq` and `lamport` of what waits for its place: it comes after everything."""
AHEAD_MS: Final = 300_000
BEHIND: Final = 1_767_225_600_000  # 2026-01-01: whoever's clock says less has one that was never set
QUOTED_CELLS: Final = 120


class Said(NamedTuple):
    """What is known of a message beside its entry: what it says by now, by which entry (itself, or an edit), and what it answers."""

    folded: Folded
    source: EntryRecord
    quote: events.Quote | None = None


def as_entry(record: OutboxRecord, feed: bytes) -> EntryRecord:
    """What waits in the outbox, as if it had its place in `feed`."""
    return EntryRecord(
        id=record.message,
        feed=feed,
        seq=PENDING + record.number,
        lamport=PENDING + record.number,
        time=record.time,
        kind=record.kind,
        message=record.message,
        header=b"",
        body=record.body,
        received=record.time,
    )


class MessageViews:
    """`views` knows the people and rooms."""

    def __init__(self, views: Views) -> None:
        self._views = views

    def still(self) -> AbstractContextManager[None]:
        """As views.still."""
        return self._views.still()

    def message(self, room: Room, entry: EntryRecord, said: Said | None = None) -> events.Message | None:
        """A settled entry as a message or a quiet line; None if there is nothing to show of it. Without `said` as nothing else is
        known of it."""
        content = said.folded.content if said is not None else _content(entry)
        deleted = said.folded.deleted if said is not None else entry.gone == "deleted"
        shown = (entry.kind, "") if deleted and entry.kind in SPOKEN_KINDS else _shown(content, room)
        if shown is None:
            return None
        author = self._views.author(room, entry.feed)
        mine = room.is_own(entry.feed)
        source = said.source if said is not None else entry
        disk, memory = room.holders(source.feed, source.seq) if mine else ((), ())
        about = _about(content, room)
        return events.Message(
            id=entry.message.hex(),
            room=room.id.hex(),
            author=author,
            seq=entry.seq,
            lamport=entry.lamport,
            time=entry.time,
            late=entry.late,
            kind=shown[0],
            text=shown[1] if entry.kind in SPOKEN_KINDS else shown[1] or author.name,
            deleted=deleted,
            delivered_to=[identity.hex() for identity in disk],
            held_by=[identity.hex() for identity in memory],
            mine=mine,
            about=self._views.people(room, about) if about else [],
            after_split=self._views.is_after_split(room, entry),
            clock=None if mine else _clock(entry),
            **_spoken(content, said),
        )

    def waiting(self, room: Room, entry: EntryRecord, said: Said | None = None) -> events.Message | None:
        """An own message that waits for its place (as_entry); None if it is not one to show."""
        message = self.message(room, entry, said) if entry.kind in SPOKEN_KINDS else None
        if message is None:
            return None
        me = self._views.me
        author = events.Author(id=me.id, name=me.name, tag=me.tag)
        return msgspec.structs.replace(message, author=author, seq=None, lamport=None, state="waiting", clock=None, mine=True)

    def quote(self, room: Room, message: bytes, entry: EntryRecord | None, folded: Folded | None) -> events.Quote:
        """What a message answers, by its id, as it stands now. `entry` is None where it is not here."""
        if entry is None or folded is None or entry.kind not in SPOKEN_KINDS:
            return events.Quote(id=message.hex(), state="missing")
        author, content = self._views.author(room, entry.feed), folded.content
        if content is None:
            explained: Literal["deleted", "expired", "missing"] = "deleted" if folded.deleted else entry.gone or "missing"
            return events.Quote(id=message.hex(), state=explained, author=author)
        warning = _line(content.warning)
        beginning = "" if warning else text.line(_beginning(content), QUOTED_CELLS)
        return events.Quote(id=message.hex(), state="shown", author=author, text=beginning, warning=warning)


def gone(message: events.Message) -> events.Message:
    """A message that was deleted."""
    return msgspec.structs.replace(
        message,
        text="",
        title=None,
        warning=None,
        replies=None,
        reply_to=None,
        quote=None,
        reactions={},
        edited=False,
        deleted=True,
    )


def _content(entry: EntryRecord) -> Content | None:
    return open_body(entry.kind, entry.body) if entry.body is not None else None


def reply_to(entry: EntryRecord) -> bytes | None:
    """The id of the message that an entry answers."""
    content = _content(entry) if entry.kind in SPOKEN_KINDS else None
    return content.reply_to if isinstance(content, Text | Story) else None


def _spoken(content: Content | None, said: Said | None) -> Mapping[str, Any]:
    """What only messages have, beside their text; most have nothing."""
    if type(content) is Text:
        fields = {"warning": _line(content.warning)} if content.warning else {}
    elif type(content) is Story:
        fields = {"title": _line(content.title), "warning": _line(content.warning), "replies": content.replies}
    else:
        return _NOTHING
    if content.reply_to is not None:
        fields["reply_to"] = content.reply_to.hex()
    if said is None:
        return fields
    reactions = gestures.shown(said.folded.reactions)
    return {**fields, "edited": said.folded.edited, "reactions": reactions, "quote": said.quote}


_NOTHING: Final[Mapping[str, Any]] = {}


def _shown(content: Content | None, room: Room) -> tuple[str, str] | None:
    """(kind, neutralised text) of what is shown; "" where that is the author's name. What is said of doors and meetings means
    something in private rooms only."""
    if type(content) is Text:
        return "text", text.message(content.text)
    match content:
        case Story(said):
            return "story", text.message(said)
        case Here(name, "", None):
            return "here", text.name(name)
        case Here(name, was) if was and was != name:
            return "name", text.name(name)
        case Left():
            return "left", ""
        case Seal() | Admit() | Unseal() | Follow() | Over() if room.record.kind == "private":
            return _LINES[type(content)], ""
        case _:
            return None


_LINES: Final[Mapping[type[Content], str]] = {
    Seal: "seal",
    Admit: "admit",
    Unseal: "unseal",
    Follow: "follow",
    Over: "over",
}


def _about(content: Content | None, room: Room) -> tuple[bytes, ...]:
    """The people that a quiet line speaks of."""
    if type(content) is Text:
        return ()
    match content:
        case Here(by=bytes(by)):
            return (by,)
        case Seal(admitted):
            return admitted
        case Admit(who):
            return (who,)
        case Follow():
            return room.record.without
        case _:
            return ()


def _line(said: str | None) -> str | None:
    """A title or a content note, on one line."""
    return text.line(said) or None if said else None


def _beginning(content: Text | Story) -> str:
    title = _line(content.title) if isinstance(content, Story) else None
    return title or text.message(content.text)


def _clock(entry: EntryRecord) -> Literal["ahead", "behind"] | None:
    """Where the clock of an author is far off. The order never follows it."""
    if entry.time > entry.received + AHEAD_MS:
        return "ahead"
    return "behind" if entry.time < BEHIND else None
