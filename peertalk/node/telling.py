"""Messages as events: each as it is by now, those of one room in the order in which they came.

A message of which nothing is known but its entry is told at once. For one that answers another, or about which something came before it
did, the store is asked first; what comes in that room meanwhile waits behind it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine
from itertools import islice
from typing import Any, Final

import msgspec

from peertalk.core import events
from peertalk.core.annotations import target
from peertalk.core.effects import Arrived, Moved, Placed, Queued, Withdrawn
from peertalk.core.room import Room
from peertalk.core.stored import ANNOTATIONS, EntryRecord
from peertalk.errors import RequestError
from peertalk.node.answers import Answers
from peertalk.node.folding import Folding, current_feed
from peertalk.node.message_views import SPOKEN_KINDS, MessageViews, as_entry, gone, reply_to
from peertalk.node.ports import Store

GATHERED: Final = 0.1
"""Seconds between two looks at what has changed in a room; ten times as long as the last one took, if that is longer."""
AT_ONCE: Final = 500
ANSWERS: Final = 1000
"""So many messages back it is told of answers that what they answer has changed; `messages.list` knows of all."""
MAX_EXPECTED: Final = 4096
MAX_WARNED: Final = 1024

Publish = Callable[[events.AnyEvent], None]
MessageEvent = type[events.MessageArrived] | type[events.MessageChanged]


class Telling:
    """`unread` counts per room what was not read yet, of which Telling is told; `recount` counts anew."""

    def __init__(
        self,
        store: Store,
        views: MessageViews,
        folding: Folding,
        answers: Answers,
        publish: Publish,
        *,
        blocked: Callable[[], set[bytes]],
        recount: Callable[[Room], Awaitable[None]],
    ) -> None:
        self.unread: dict[bytes, int] = {}
        self._store, self._views, self._folding, self._answers = store, views, folding, answers
        self._publish, self._blocked, self._recount = publish, blocked, recount
        self._held: dict[bytes, list[tuple[EntryRecord, MessageEvent]]] = {}
        self._changes: dict[bytes, dict[bytes, bool]] = {}
        self._changing: set[bytes] = set()
        self._expected: dict[tuple[bytes, bytes], None] = {}
        self._warned: dict[str, None] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def close(self) -> None:
        """Nothing more is told."""
        for task in self._tasks:
            task.cancel()

    # ── what the replica notices ─────────────────────────────────────────────────────────────────────────────────────

    def arrived(self, room: Room, notice: Arrived) -> list[tuple[EntryRecord, events.Message]]:
        """Entries of others came: what is shown of them, as far as that is known at once."""
        shown = []
        blocked = self._blocked()
        hidden = {feed for feed in {entry.feed for entry in notice.entries} if room.cards.is_of(feed, blocked)}
        about = {target(entry.kind, entry.body) for entry in notice.entries if entry.kind in ANNOTATIONS}
        for entry in notice.entries:
            if entry.kind in ANNOTATIONS:
                self._annotated(room, entry.kind, entry.body)
                continue
            view = None if entry.feed in hidden else self._views.message(room, entry)
            if view is None:
                continue
            is_news = entry.kind in SPOKEN_KINDS and not view.deleted and not view.mine
            if is_news and (entry.lamport, entry.id) > room.record.read:
                self.unread[room.id] = self.unread.get(room.id, 0) + 1
            if notice.later or entry.message in about:
                self._expect(room, entry.message)
            self._tell(room, entry, view, events.MessageArrived)
            self._warn(room, view)
            shown.append((entry, view))
        return shown

    def queued(self, room: Room | None, notice: Queued) -> None:
        """An own entry waits on disk."""
        record = notice.record
        entry = as_entry(record, current_feed(room) if room is not None else b"")
        view = self._views.waiting(room, entry) if room is not None else None
        self._answers.resolve(record.message, record, view)
        if room is not None and record.kind in ANNOTATIONS:
            self._annotated(room, record.kind, record.body)
        elif room is not None:
            self._tell(room, entry, view, events.MessageArrived)

    def withdrawn(self, room: Room | None, notice: Withdrawn) -> None:
        """An own message that waited, or what waited to be said about it, is gone."""
        record = notice.record
        if room is not None and room.record.archived:  # it was about what stays behind
            self._answers.refuse_one(record.message, RequestError("refused", why="reformed"))
        view = self._views.waiting(room, as_entry(record, current_feed(room))) if room is not None else None
        self._answers.resolve(record.message, record, view)
        if room is None:
            return
        if record.kind in ANNOTATIONS:
            self._annotated(room, record.kind, record.body)
        if view is not None:
            self._publish(events.MessageChanged(message=gone(view)))
            self.changed(room, record.message, words=True)

    def moved(self, room: Room | None, notice: Moved) -> None:
        """For front ends the message under the old id is gone, and one that waits under the new id has come."""
        record = notice.record
        entry = as_entry(record, current_feed(room)) if room is not None else None
        view = self._views.waiting(room, entry) if room is not None and entry is not None else None
        self._answers.resolve(notice.before, record, view)
        if room is None or entry is None or view is None:
            return
        where = notice.room.hex() or view.room
        left = msgspec.structs.replace(gone(view), id=notice.before.hex(), room=where)
        self._publish(events.MessageChanged(message=left))
        self._tell(room, entry, view, events.MessageArrived)

    def placed(self, room: Room | None, notice: Placed) -> None:
        """An own entry has its place."""
        entry = notice.entry
        view = self._views.message(room, entry) if room is not None else None
        fresh = self._answers.resolve(entry.message, entry, view)
        if room is not None and entry.kind in ANNOTATIONS:
            self._annotated(room, entry.kind, entry.body)
        elif room is not None:
            kind = events.MessageArrived if fresh or entry.kind not in SPOKEN_KINDS else events.MessageChanged
            self._tell(room, entry, view, kind)

    def _warn(self, room: Room, view: events.Message) -> None:
        """Once of each whose clock is far off, when they say something."""
        author = view.author.id
        if view.clock is None or view.late or author in self._warned or bytes.fromhex(author) not in room.online():
            return
        self._warned[author] = None
        if len(self._warned) > MAX_WARNED:
            del self._warned[next(iter(self._warned))]
        self._publish(events.Warning(kind="clock", text=view.author.name, peer=author, room=view.room))

    # ── telling, in order ────────────────────────────────────────────────────────────────────────────────────────────

    def _tell(self, room: Room, entry: EntryRecord, view: events.Message | None, event: MessageEvent) -> None:
        if view is None:
            return
        held = self._held.get(room.id)
        expected = self._expected.pop((room.id, entry.message), False) is None
        if held is not None:
            held.append((entry, event))
        elif expected or view.reply_to is not None or event is events.MessageChanged:
            self._held[room.id] = [(entry, event)]
            self._spawn(self._tell_held(room))
        else:
            self._publish(event(message=view))
        if expected:
            self.changed(room, entry.message, words=True)

    async def _tell_held(self, room: Room) -> None:
        try:
            while batch := self._held[room.id]:
                self._held[room.id] = []
                views = {view.id: view for view in await self._folding.messages(room, [entry for entry, _ in batch])}
                for entry, event in batch:
                    if (view := views.get(entry.message.hex())) is not None:
                        self._publish(event(message=view))
                self._expect_answered(room, views.values())
        finally:
            del self._held[room.id]

    def _expect_answered(self, room: Room, views: Collection[events.Message]) -> None:
        for view in views:
            if view.quote is not None and view.quote.state == "missing":
                self._expect(room, bytes.fromhex(view.quote.id))

    def _expect(self, room: Room, message: bytes) -> None:
        """Something is known of this message before it has come."""
        self._expected[room.id, message] = None
        if len(self._expected) > MAX_EXPECTED:
            del self._expected[next(iter(self._expected))]

    # ── what changes ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _annotated(self, room: Room, kind: str, body: bytes | None) -> None:
        if message := target(kind, body):
            self.changed(room, message, words=kind != "react")

    def changed(self, room: Room, message: bytes, *, words: bool) -> None:
        """Something was said about a message. `words`: what it says itself may be something else now, so answers to it change too."""
        changes = self._changes.setdefault(room.id, {})
        changes[message] = changes.get(message, False) or words
        if room.id not in self._changing:
            self._changing.add(room.id)
            self._spawn(self._tell_changes(room))

    async def _tell_changes(self, room: Room) -> None:
        clock = asyncio.get_running_loop().time
        try:
            while waiting := self._changes.pop(room.id, None):
                now = dict(islice(waiting.items(), AT_ONCE))
                if len(now) < len(waiting):
                    self._changes[room.id] = dict(islice(waiting.items(), AT_ONCE, None))
                began = clock()
                await self._tell_changed(room, now)
                await asyncio.sleep(max(GATHERED, 10 * (clock() - began)))
        finally:
            self._changing.discard(room.id)

    async def _tell_changed(self, room: Room, changes: dict[bytes, bool]) -> None:
        entries = {entry.message: entry for entry in await self._store.find_several(room.id, list(changes))}
        entries |= {entry.message: entry for entry in self._folding.outbox(room) if entry.message in changes}
        for message in changes:
            if message not in entries or (entries[message].body is None and not entries[message].gone):
                self._expect(room, message)
        views = await self._folding.messages(room, [*entries.values(), *await self._answering(room, changes)])
        for view in views:
            self._publish(events.MessageChanged(message=view))
        if any(view.deleted and not view.mine for view in views):
            await self._recount(room)

    async def _answering(self, room: Room, changes: dict[bytes, bool]) -> list[EntryRecord]:
        """The newest messages that answer one whose words have changed, those that wait too."""
        words = {message for message, is_words in changes.items() if is_words}
        newest = [*await self._store.entries(room.id, SPOKEN_KINDS, ANSWERS), *self._folding.outbox(room)] if words else []
        return [entry for entry in newest if entry.message not in changes and reply_to(entry) in words]

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
