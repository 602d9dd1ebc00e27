"""Messages as they are by now: with the edits, deletions and gestures about them, and with what they answer (docs/protocol.md,
"Messages about messages"). One look into the store for all that was said about a run of messages, one for what they answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from peertalk.core import events
from peertalk.core.annotations import Folded, fold, target
from peertalk.core.lineage import Speakers
from peertalk.core.room import Room
from peertalk.core.stored import ANNOTATIONS, EntryRecord
from peertalk.node.message_views import PENDING, SPOKEN_KINDS, MessageViews, Said, as_entry, reply_to
from peertalk.node.ports import Store


class Folding:
    """`blocked` gives the identities of whom nothing is shown."""

    def __init__(self, store: Store, views: MessageViews, blocked: Callable[[], set[bytes]]) -> None:
        self._store, self._views, self._blocked = store, views, blocked

    async def messages(self, room: Room, entries: Iterable[EntryRecord]) -> list[events.Message]:
        """Those of these entries that are to be shown, settled or waiting (as_entry): none of who is blocked, whoever else says that
        they are theirs."""
        entries = [entry for entry in entries if not self.is_hidden(room, entry.feed)]
        said = await self.said(room, [entry for entry in entries if entry.kind in SPOKEN_KINDS])
        with self._views.still():
            views = [self.view(room, entry, said.get(entry.message)) for entry in entries]
        return [view for view in views if view is not None]

    def is_hidden(self, room: Room, feed: bytes) -> bool:
        """Is this a feed of somebody who is blocked?"""
        return room.cards.is_of(feed, self._blocked())

    def view(self, room: Room, entry: EntryRecord, said: Said | None) -> events.Message | None:
        """A message, settled or waiting, as it was folded."""
        return (self._views.waiting if entry.seq >= PENDING else self._views.message)(room, entry, said)

    def outbox(self, room: Room) -> list[EntryRecord]:
        """The own messages that wait for their place."""
        return _waiting(room, SPOKEN_KINDS)

    async def said(self, room: Room, spoken: Sequence[EntryRecord]) -> dict[bytes, Said]:
        """What these messages say by now, by their ids."""
        answers = {entry.message: answered for entry in spoken if (answered := reply_to(entry)) is not None}
        here = {entry.message: entry for entry in spoken}
        lacking = [message for message in dict.fromkeys(answers.values()) if message not in here]
        if lacking:
            here |= {entry.message: entry for entry in self.outbox(room) if entry.message in lacking}
            here |= {entry.message: entry for entry in await self._store.find_several(room.id, lacking)}
        about = await self._about(room, here)
        speaks = Speakers(older(room))
        folded = {message: self._fold(room, entry, about[message], speaks) for message, entry in here.items()}
        quotes = {answered: self._quote(room, answered, here, folded) for answered in answers.values()}
        return {
            entry.message: Said(
                folded[entry.message],
                next((one for one in about[entry.message] if one.id == folded[entry.message].by), entry),
                quotes.get(answers.get(entry.message, b"")),
            )
            for entry in spoken
        }

    async def _about(self, room: Room, messages: Mapping[bytes, object]) -> defaultdict[bytes, list[EntryRecord]]:
        """What was said about these messages, and what waits to be said."""
        found: defaultdict[bytes, list[EntryRecord]] = defaultdict(list)
        pending = _waiting(room, ANNOTATIONS)
        stored = await self._store.annotations(room.id, list(messages)) if messages else []
        placed = {entry.message for entry in stored}
        for entry in (*stored, *(one for one in pending if one.message not in placed)):
            found[target(entry.kind, entry.body)].append(entry)
        return found

    def _fold(self, room: Room, entry: EntryRecord, about: Sequence[EntryRecord], speaks: Speakers) -> Folded:
        own = room.own_feeds()

        def owner(feed: bytes) -> bytes:
            if feed in own:
                return room.me
            of = None if self.is_hidden(room, feed) else room.cards.owner(feed)
            return of.identity if of is not None else b""

        return fold(entry, about, speaks, owner)

    def _quote(
        self, room: Room, message: bytes, here: Mapping[bytes, EntryRecord], folded: Mapping[bytes, Folded]
    ) -> events.Quote:
        entry = here.get(message)
        if entry is not None and self.is_hidden(room, entry.feed):
            return events.Quote(id=message.hex(), state="blocked")
        return self._views.quote(room, message, entry, folded.get(message))


def older(room: Room) -> dict[bytes, frozenset[bytes]]:
    """Feed → those that it goes on from, as entries prove it; of own feeds also before they were begun."""
    own = {key.feed: frozenset({key.succeeds[0]}) for key in room.keys if key.succeeds is not None}
    return {**own, **room.members.older}


def current_feed(room: Room) -> bytes:
    """The own feed that is written into."""
    return next((key.feed for key in room.keys if key.seed is not None and not key.retiring), b"")


def _waiting(room: Room, kinds: Collection[str]) -> list[EntryRecord]:
    feed = current_feed(room)
    return [as_entry(record, feed) for record in room.outbox if record.kind in kinds]
