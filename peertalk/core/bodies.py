"""The bodies of one room that are missing: which are asked for, which are not claimed (docs/protocol.md, "Telling and asking")."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from peertalk.core.entry import decode_header, hash32
from peertalk.core.outlet import Now, Outlet
from peertalk.core.rooms import bodies_expire_after
from peertalk.core.sharing import Sharing
from peertalk.core.stored import KEPT_KINDS, Absent, EntryRecord, PageRecord, PutBody, RoomRecord
from peertalk.errors import RemoteError


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

    def recall(self, absent: Iterable[Absent], now: Now) -> None:
        """At a start: these are missing."""
        self.absent.update((one.id, one.feed) for one in absent if not self._is_due(one.kind, one.time, now))

    def _is_sure(self, entries: Iterable[EntryRecord]) -> None:
        for entry in entries:
            self.unsure.pop(entry.id, None)

    def note(self, pages: Iterable[PageRecord], now: Now) -> None:
        """These pages are here: what they lack is missed."""
        self._outlet.touched.add(self._room)
        for entry in (entry for page in pages for entry in page.entries):
            if entry.body is None and not self._is_due(entry.kind, min(entry.time, entry.received), now):
                self.absent[entry.id] = entry.feed
                for sharing in self._sharings.values():
                    sharing.hope_for_bodies(now.mono)

    def _is_due(self, kind: str, time: int, now: Now) -> bool:
        """Would it be expired if it were here? Then nobody is asked for it."""
        limit = self._expire_after
        return limit is not None and kind not in KEPT_KINDS and time < now.wall - limit

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
