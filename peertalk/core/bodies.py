"""The bodies of one room: which are missing, which are to be gone (docs/protocol.md, "Telling and asking", "Messages about messages").

A body that is missing is asked for and not claimed, unless something explains why it is not here: it would have expired, or its
author has deleted it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from peertalk.core.annotations import target
from peertalk.core.deletions import Deletions, Erasures
from peertalk.core.entry import decode_header, hash32
from peertalk.core.feed import Chain
from peertalk.core.lineage import Lineage
from peertalk.core.outlet import Now, Outlet
from peertalk.core.rooms import bodies_expire_after
from peertalk.core.sharing import Sharing
from peertalk.core.stored import (
    KEPT_KINDS,
    Absent,
    EntryRecord,
    EraseBodies,
    EraseDeleted,
    ExpireBodies,
    Op,
    PageIndex,
    PageRecord,
    PutBody,
    PutPage,
    RoomSnapshot,
)
from peertalk.errors import RemoteError

Entries = tuple[EntryRecord, ...]


class Feeds(NamedTuple):
    """The feeds of a room: how they are tied to each other, and what is here of each."""

    lineage: Lineage
    chains: Mapping[bytes, Chain]


class Bodies:
    """What is known of bodies that are not here. `learn` takes in an entry, `came` is called once bodies that were missing are on
    disk; `tell` says again, at a time (monotonic seconds), how the tips of these feeds are held."""

    def __init__(
        self,
        snapshot: RoomSnapshot,
        feeds: Feeds,
        outlet: Outlet,
        sharings: Mapping[int, Sharing],
        now: Now,
        *,
        learn: Callable[[EntryRecord], None],
        came: Callable[[Entries], None],
        tell: Callable[[Iterable[bytes], float], None],
    ) -> None:
        self._room = snapshot.record.id
        self._outlet, self._sharings = outlet, sharings
        self._lineage, self._chains = feeds
        self._learn, self._came, self._tell = learn, came, tell
        self._expire_after = bodies_expire_after(snapshot.record)
        self._deletions = Deletions(self._room, self._lineage, snapshot.deletions)
        self.absent: dict[bytes, bytes] = {}
        """Entries whose bodies are asked for → their feeds."""
        self.unsure: dict[bytes, bytes] = {}
        """Bodies that are not asked for, but what explains that is not on disk yet: they are claimed as little as absent ones."""
        self._about: dict[bytes, Absent] = {}
        self._named: dict[bytes, set[bytes]] = {}
        """What is known of those in `absent`, and message → which of them are that."""
        self._waiting = Erasures(outlet)
        self._explained: dict[bytes, bytes] = {}
        self._settling: dict[int, tuple[dict[bytes, bytes], int]] = {}
        for one in snapshot.absent:
            self._miss(one, now)

    # ── what is missing ──────────────────────────────────────────────────────────────────────────────────────────────

    def _miss(self, one: Absent, now: Now) -> bool:
        if self._is_due(one.kind, one.time, now):
            return False
        self.absent[one.id], self._about[one.id] = one.feed, one
        self._named.setdefault(one.message, set()).add(one.id)
        return True

    def _found(self, entry: bytes) -> None:
        """It is missing no longer, as soon as what is decided now is on disk."""
        self.unsure[entry] = self.absent.pop(entry)
        message = self._about.pop(entry).message
        self._named[message].discard(entry)
        if not self._named[message]:
            del self._named[message]

    def _is_due(self, kind: str, time: int, now: Now) -> bool:
        """Would it be expired if it were here? Then nobody is asked for it."""
        limit = self._expire_after
        return limit is not None and kind not in KEPT_KINDS and time < now.wall - limit

    def note(self, pages: Iterable[PageRecord], now: Now) -> None:
        """These pages are here: what they lack is missed."""
        self._outlet.touched.add(self._room)
        for entry in [entry for page in pages for entry in page.entries if entry.body is None and not entry.gone]:
            about = Absent(entry.id, entry.feed, entry.kind, entry.message, min(entry.time, entry.received))
            if self._miss(about, now):
                for sharing in self._sharings.values():
                    sharing.hope_for_bodies(now.mono)

    def unclaimed(self) -> dict[bytes, bytes]:
        """The bodies that are not on disk, as far as is known → their feed."""
        return {**self.absent, **self.unsure}

    def expire(self, now: Now) -> None:
        """What is too old goes; what never came and is too old is missed no longer."""
        if self._expire_after is None:
            return
        due = {one.id: one.feed for one in self._about.values() if self._is_due(one.kind, one.time, now)}
        for entry in due:
            self._found(entry)
        op = ExpireBodies(self._room, now.wall - self._expire_after)
        self._outlet.commit((op,), lambda then: self._are_sure(due, then.mono))

    def _are_sure(self, entries: Mapping[bytes, bytes], at: float) -> None:
        """What explains these is on disk: who was told otherwise hears it."""
        if entries:
            for entry in entries:
                self.unsure.pop(entry, None)
            self._outlet.touched.add(self._room)
            self._tell({*entries.values()}, at)

    # ── what is deleted ──────────────────────────────────────────────────────────────────────────────────────────────

    def take_in(self, entries: Entries) -> Entries:
        """Learn what these say; as they are to be kept: what was deleted without its body. What they delete of what is here is erased
        with them (`settling`)."""
        for entry in entries:
            if entry.kind not in KEPT_KINDS:  # says nothing of the room
                continue
            if entry.kind == "here":
                self._learn_tie(entry)
            else:
                self._learn(entry)
            message = target(entry.kind, entry.body) if entry.kind == "delete" else b""
            if message and self._deletions.add(message, entry.feed):
                self._erase(message, entry.feed)
        if self._deletions.are_none:
            return entries
        return tuple(
            msgspec.structs.replace(entry, body=None, gone="deleted") if self._deletions.cover(entry) else entry
            for entry in entries
        )

    def _learn_tie(self, entry: EntryRecord) -> None:
        """Where more is known now of which feed goes on from which, what these have deleted may be theirs after all."""
        feed, kin = entry.feed, self._lineage.kin(entry.feed)
        older = self._lineage.older.get(feed, frozenset())
        self._learn(entry)
        if len(kin) == 1 and not self._pages(feed):
            return  # it begins, as a feed should, by saying so
        for before in self._lineage.older.get(feed, frozenset()) - older:
            self._erase_between(*self._lineage.reach(feed, before), edits=False)
            others = self._lineage.kin(feed) - kin
            self._erase_between(dict.fromkeys(kin, 0), dict.fromkeys(others, 0), edits=True)
            self._erase_between(dict.fromkeys(others, 0), dict.fromkeys(kin, 0), edits=True)

    def _pages(self, feed: bytes) -> Sequence[PageIndex]:
        return self._chains[feed].pages if feed in self._chains else ()

    def _erase_between(self, by: Mapping[bytes, int], feeds: Mapping[bytes, int], *, edits: bool) -> None:
        """What was deleted in the feeds `by`, as far as it is in `feeds`, and these are not further back than their word counts. It costs
        what the lesser of the two does: else whoever has deleted much could have all of it looked for again with each word that ties a
        feed."""
        by = {feed: far for feed, far in by.items() if self._deletions.of(feed)}
        pages = {page.number: feeds[feed] for feed in feeds for page in self._pages(feed)} if by else {}
        if not pages:
            return
        feeds = {feed: far for feed, far in feeds.items() if self._pages(feed)}
        cost = 1 if max(feeds.values()) <= min(by.values()) else len(feeds)  # of each, as it names the same feeds, or others
        entries = sum(len(page.entries) for feed in feeds for page in self._pages(feed))
        if cost * sum(len(self._deletions.of(feed)) for feed in by) <= entries:
            self._erase_each(by, feeds, edits=edits)
        else:
            self._waiting.add(EraseDeleted(self._room, dict(sorted(pages.items())), by, edits))
        if not edits:  # of what is absent nobody knows what it edits
            absent = ((entry, feeds[feed]) for entry, feed in self.absent.items() if feed in feeds)
            self._explain(entry for entry, far in absent if self._is_named(entry, by, far))

    def _erase_each(self, by: Mapping[bytes, int], feeds: Mapping[bytes, int], *, edits: bool) -> None:
        none, whole, most = frozenset[bytes](), frozenset(feeds), max(feeds.values())
        for feed, far in by.items():
            theirs = whole if most <= far else frozenset(one for one, back in feeds.items() if back <= far)
            for message in self._deletions.of(feed):
                self._waiting.add(EraseBodies(self._room, message, none if edits else theirs, theirs if edits else none))

    def _is_named(self, entry: bytes, by: Mapping[bytes, int], far: int) -> bool:
        """Does one of these feeds, whose word counts as far back as that, name the message?"""
        return any(by.get(feed, -1) >= far for feed in self._deletions.feeds(self._about[entry].message))

    def _erase(self, message: bytes, feed: bytes) -> None:
        erasure = self._deletions.erasure(message, feed)
        self._waiting.add(erasure)
        self._explain(entry for entry in self._named.get(message, ()) if self.absent[entry] in erasure.feeds)

    def _explain(self, entries: Iterable[bytes]) -> None:
        """These are absent because they were deleted."""
        for entry in [entry for entry in entries if self._about[entry].kind not in KEPT_KINDS]:
            self._explained[entry] = self.absent[entry]
            self._found(entry)

    def was_deleted(self, message: bytes, by: Collection[bytes]) -> bool:
        """Has a `delete` in one of these feeds named this message?"""
        return any(feed in by for feed in self._deletions.feeds(message))

    def settling(self, pages: Sequence[PageRecord]) -> list[Op]:
        """What makes pages durable that were taken in just now: they, and what is erased with them. Once it is so: `settled`."""
        erasures, size = self._waiting.take()
        self._settling[pages[-1].number], self._explained = (self._explained, size), {}
        return [*map(PutPage, pages), *erasures]

    def settled(self, page: PageRecord) -> None:
        """It is on disk."""
        explained, size = self._settling.pop(page.number, ({}, 0))
        self._outlet.unwritten -= size
        self._are_sure(explained, 0.0)

    # ── what comes later ─────────────────────────────────────────────────────────────────────────────────────────────

    def fill(self, bodies: dict[bytes, bytes], pages: Sequence[PageRecord]) -> int:
        """Keep bodies that were asked for, given the pages of their entries; how many were. RemoteError("bad_body")."""
        filled: list[EntryRecord] = []
        for entry in (entry for page in pages for entry in page.entries if entry.id in bodies and entry.id in self.absent):
            if hash32(bodies[entry.id]) != decode_header(entry.header).body:
                raise RemoteError("bad_body")
            filled.append(msgspec.structs.replace(entry, body=bodies[entry.id]))
        for entry in filled:
            self._found(entry.id)
        if filled:
            kept = self.take_in(tuple(filled))
            erasures, size = self._waiting.take()
            explained, self._explained = {**self._explained, **{entry.id: entry.feed for entry in kept}}, {}
            ops = [*map(self._came_later, kept), *erasures]
            self._outlet.commit(ops, lambda then: self._filled(kept, explained, size, then))
        return len(filled)

    def _came_later(self, entry: EntryRecord) -> Op:
        if entry.body is None:
            return EraseBodies(self._room, entry.message, frozenset((entry.feed,)))
        return PutBody(self._room, entry.id, entry.body)

    def _filled(self, entries: Entries, explained: Mapping[bytes, bytes], size: int, now: Now) -> None:
        self._outlet.unwritten -= size
        self._came(entries)
        self._are_sure(explained, now.mono)
