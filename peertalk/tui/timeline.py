"""The part of a room's messages that is in memory: a window on the order that everyone sees, its newest end always included.

Pure. Every change is answered with a Splice, from which a view can follow without looking at the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import msgspec

from peertalk.core.events import Message, MessageList

WINDOW = 10_000


@dataclass(frozen=True, slots=True)
class Note:
    """Something that this program says to this person alone, between the messages. It is kept nowhere. `time`: Unix ms. `after_split`
    as in what it stands below."""

    text: str
    time: int
    kind: Literal["note", "trouble"] = "note"
    after_split: bool = False


Item = Message | Note


@dataclass(frozen=True, slots=True)
class Splice:
    """From index `at` on, `gone` items have been replaced by `come` new ones."""

    at: int
    gone: int
    come: int


@dataclass(slots=True)
class Timeline:
    """`items` are oldest first: placed messages by lamport time, then own ones that still wait. `more`: older ones exist."""

    items: list[Item] = field(default_factory=list)
    more: bool = False
    doubtful: int | None = None
    """The smallest lamport time at which two messages met that only the node can order; None if there is none."""
    _ids: set[str] = field(default_factory=set)

    def load(self, page: MessageList) -> Splice:
        """Begin anew with the newest page."""
        gone = len(self.items)
        self.items = list(page.messages)
        self._ids = {message.id for message in page.messages}
        self.more = page.more
        self.doubtful = None
        return Splice(0, gone, len(self.items))

    def older(self, page: MessageList) -> Splice:
        """Put a page of older messages in front."""
        new = [message for message in page.messages if message.id not in self._ids]
        self.items[:0] = new
        self._ids.update(message.id for message in new)
        self.more = page.more and bool(new)
        return Splice(0, 0, len(new))

    def place(self, message: Message) -> list[Splice]:
        """Put a message where it belongs, or replace what is known of it."""
        index = self.find(message.id)
        if index is None:
            return self._insert(message)
        known = self.items[index]
        if message.deleted and message.state == "waiting":  # it was nowhere but here, or has gone on under another id
            del self.items[index]
            self._ids.discard(message.id)
            return [Splice(index, 1, 0)]
        self.items[index] = message
        if isinstance(known, Message) and known.lamport == message.lamport:
            return [Splice(index, 1, 1)]
        del self.items[index]
        return [Splice(index, 1, 0), *self._insert(message)]

    def deliver(self, message: str, delivered_to: list[str], held_by: list[str]) -> list[Splice]:
        """More people have an own message."""
        index = self.find(message)
        if index is None:
            return []
        known = self.items[index]
        if isinstance(known, Message):
            self.items[index] = msgspec.structs.replace(known, delivered_to=delivered_to, held_by=held_by)
        return [Splice(index, 1, 1)]

    def note(self, note: Note) -> Splice:
        """Say something below everything else."""
        self.items.append(replace(note, after_split=bool(self.items) and self.items[-1].after_split))
        return Splice(len(self.items) - 1, 0, 1)

    def keep_notes(self, before: Timeline) -> None:
        """What was said to this person alone while the same room was shown by another timeline; to be called before this one is."""
        self.items = _with_notes([item for item in self.items if isinstance(item, Message)], before.items)

    def reorder(self, messages: Sequence[Message]) -> list[Splice]:
        """Take the node's word for the order of a newest run of messages; notes stay behind what they followed."""
        self.doubtful = None
        fresh = {message.id for message in messages}
        at = next((i for i, item in enumerate(self.items) if isinstance(item, Message) and item.id in fresh), len(self.items))
        before, tail = self.items[:at], self.items[at:]
        merged = _with_notes([*messages, *_missing(tail, fresh)], tail)
        if merged == tail:
            return []
        self.items = before + merged
        self._ids |= fresh
        return [Splice(at, len(tail), len(merged))]

    def trim(self) -> list[Splice]:
        """Let go of the oldest beyond the window; the store still has them."""
        gone = len(self.items) - WINDOW
        if gone <= 0:
            return []
        self._ids -= {item.id for item in self.items[:gone] if isinstance(item, Message)}
        del self.items[:gone]
        self.more = True
        return [Splice(0, gone, 0)]

    def find(self, message: str) -> int | None:
        """The index of a message; the newest are looked at first."""
        if message not in self._ids:
            return None
        for index in range(len(self.items) - 1, -1, -1):
            item = self.items[index]
            if isinstance(item, Message) and item.id == message:
                return index
        return None

    def since(self, lamport: int) -> int:
        """How many messages have this lamport time or a later one, or wait."""
        return sum(isinstance(item, Message) and (item.lamport is None or item.lamport >= lamport) for item in self.items)

    def oldest(self) -> str | None:
        """The id of the oldest message here."""
        return next((item.id for item in self.items if isinstance(item, Message)), None)

    def newest(self) -> Message | None:
        """The last message of all."""
        return next((item for item in reversed(self.items) if isinstance(item, Message)), None)

    def last_own(self) -> Message | None:
        """The newest message that one wrote, among the last few."""
        return next(
            (item for item in reversed(self.items[-50:]) if isinstance(item, Message) and item.mine and is_speech(item)), None
        )

    def _insert(self, message: Message) -> list[Splice]:
        if message.deleted and message.state == "waiting":
            return []
        at = len(self.items)
        while at and _passes(message, self.items[at - 1]):
            at -= 1
        if at == 0 and self.more:
            return []  # It lies above the window, and comes with the page that it belongs to.
        while at < len(self.items) and isinstance(self.items[at], Note):
            at += 1
        if message.lamport is not None and message.lamport == self._lamport_above(at):
            self.doubtful = min(message.lamport, self.doubtful if self.doubtful is not None else message.lamport)
        self.items.insert(at, message)
        self._ids.add(message.id)
        return [Splice(at, 0, 1)]

    def _lamport_above(self, at: int) -> int | None:
        return next((item.lamport for item in reversed(self.items[max(0, at - 20) : at]) if isinstance(item, Message)), None)


def is_speech(item: Item | None) -> bool:
    """Whether somebody said it (and not a system line or a note)."""
    return isinstance(item, Message) and item.is_speech


def _passes(message: Message, other: Item) -> bool:
    """Whether a new message, coming from below, goes on past `other`. Notes stay with what they followed: it may come back."""
    if isinstance(other, Note):
        return True
    if message.lamport is None:
        return False
    return other.lamport is None or message.lamport < other.lamport


def _missing(tail: Iterable[Item], fresh: set[str]) -> list[Message]:
    """What came while the node was asked."""
    return [item for item in tail if isinstance(item, Message) and item.id not in fresh]


def _with_notes(messages: list[Message], tail: Sequence[Item]) -> list[Item]:
    merged: list[Item] = list(messages)
    kept = {message.id for message in messages}
    for index, item in enumerate(tail):
        if isinstance(item, Note):
            above = next(
                (other.id for other in reversed(tail[:index]) if isinstance(other, Message) and other.id in kept), None
            )
            at = next((i for i, other in enumerate(merged) if isinstance(other, Message) and other.id == above), -1) + 1
            while at < len(merged) and isinstance(merged[at], Note):
                at += 1
            merged.insert(at, item)
    return merged
