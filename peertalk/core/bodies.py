"""The bodies of one room that are missing: which are asked for, which are not claimed (docs/protocol.md, "Telling and asking")."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from peertalk.core.entry import decode_header, hash32
from peertalk.core.outlet import Now, Outlet
from peertalk.core.rooms import bodies_expire_after
from peertalk.core.sharing import Sharing
from peertalk.core.stored import STATE_KINDS, EntryRecord, PageIndex, PageRecord, PutBody, RoomRecord
from peertalk.errors import RemoteError

RECALLED = 256
"""Pages that are looked through at a start for bodies that may still come."""


class Bodies:
    """What is known of bodies that are not here. `learn` takes in an entry whose body has come, `came` is called once it is on
    disk; `tell` says again how the tips of these feeds are held."""

    def __init__(
        self,
        record: RoomRecord,
        outlet: Outlet,
        sharings: Mapping[int, Sharing],
        *,
        learn: Callable[[EntryRecord], None],
        came: Callable[[tuple[EntryRecord, ...], Now], None],
        tell: Callable[[Iterable[bytes], Now], None],
    ) -> None:
        self._room = record.id
        self._outlet, self._sharings = outlet, sharings
        self._learn, self._came, self._tell = learn, came, tell
        self._expire_after = bodies_expire_after(record)
        self.absent: dict[bytes, bytes] = {}
        """Entries whose bodies are asked for → their feeds."""
        self.unsure: dict[bytes, bytes] = {}
        """Bodies that are not asked for, but not on disk yet either, or not looked for: they are claimed as little as absent ones."""

    def recall(self, pages: Iterable[PageIndex]) -> None:
        """Which bodies are missing. Where bodies expire, the times of those entries have to be read to tell the two apart."""
        lacking = [page for page in pages if page.absent]
        if self._expire_after is None:
            self.absent.update((id_, page.feed) for page in lacking for id_ in page.absent)
        elif lacking:
            recalled = lacking[-RECALLED:]
            self.unsure.update((id_, page.feed) for page in recalled for id_ in page.absent)
            numbers = tuple(page.number for page in recalled)
            self._outlet.load_pages(self._room, numbers, self._recalled)

    def _recalled(self, pages: Sequence[PageRecord], now: Now) -> None:
        """What expired is no longer named as absent: those who were told so meanwhile hear it."""
        self.note(pages, now)
        self._is_sure(entry for page in pages for entry in page.entries)
        self._tell({page.feed for page in pages}, now)

    def _is_sure(self, entries: Iterable[EntryRecord]) -> None:
        for entry in entries:
            self.unsure.pop(entry.id, None)

    def note(self, pages: Iterable[PageRecord], now: Now) -> None:
        """These pages are here: what they lack is missed."""
        self._outlet.touched.add(self._room)
        for entry in (entry for page in pages for entry in page.entries):
            if entry.body is None and not self._is_expired(entry, now):
                self.absent[entry.id] = entry.feed
                for sharing in self._sharings.values():
                    sharing.hope_for_bodies(now.mono)

    def _is_expired(self, entry: EntryRecord, now: Now) -> bool:
        if entry.kind in STATE_KINDS:
            return False
        limit = self._expire_after
        return limit is not None and min(entry.time, entry.received) < now.wall - limit

    def unclaimed(self) -> dict[bytes, bytes]:
        """The bodies that are not on disk, as far as is known → their feed."""
        return {**self.absent, **self.unsure}

    def fill(self, bodies: dict[bytes, bytes], pages: Sequence[PageRecord]) -> int:
        """Keep bodies that were asked for, given the pages of their entries; how many were. RemoteError("bad_body")."""
        filled: list[EntryRecord] = []
        for entry in (entry for page in pages for entry in page.entries if entry.id in bodies and entry.id in self.absent):
            if hash32(bodies[entry.id]) != decode_header(entry.header).body:
                raise RemoteError("bad_body")
            filled.append(msgspec.structs.replace(entry, body=bodies[entry.id]))
        for entry in filled:
            self.unsure[entry.id] = self.absent.pop(entry.id)
            self._learn(entry)
        if filled:
            ops = [PutBody(self._room, entry.id, bodies[entry.id]) for entry in filled]
            self._outlet.commit(ops, lambda then: self._filled(tuple(filled), then))
        return len(filled)

    def _filled(self, entries: tuple[EntryRecord, ...], now: Now) -> None:
        self._is_sure(entries)
        self._came(entries, now)
        self._outlet.touched.add(self._room)
        self._tell({entry.feed for entry in entries}, now)
