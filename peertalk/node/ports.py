"""What the node needs from the world, as protocols; real ones are in this package, fakes in the tests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from peertalk.core.stored import EntryRecord, Op, PageRecord, Snapshot


class Clock(Protocol):
    """`mono` never goes back, in seconds; `wall` is Unix milliseconds and may jump."""

    def mono(self) -> float: ...

    def wall(self) -> int: ...


class Store(Protocol):
    """The database of one profile. Opening it (lock, key, migrations) happens before; see node/store.py and node/keyring.py.

    `commit` is queued and grouped: when the returned future is done, everything up to and including these ops is on disk
    (fsync). It raises StoreError never; a disk that fails ends the node, at a write or a read. All reads see everything whose commit
    was done.
    """

    durable: bool  # False for --ephemeral: kept in memory only
    failed: Callable[[BaseException], None]  # called where what is stored cannot be read, before that is raised

    async def load(self) -> Snapshot: ...

    async def commit(self, ops: Sequence[Op]) -> None: ...

    def submit(self, ops: Sequence[Op]) -> asyncio.Future[None]:
        """`commit` without waiting: queued when this returns, durable when the future is done."""
        ...

    async def pages(self, room: bytes, numbers: Sequence[int]) -> list[PageRecord]: ...

    async def bodies(self, room: bytes, entries: Sequence[bytes]) -> dict[bytes, bytes]: ...

    async def entries(
        self,
        room: bytes,
        kinds: Collection[str],
        limit: int,
        *,
        before: tuple[int, bytes] | None = None,
        after: tuple[int, bytes] | None = None,
    ) -> list[EntryRecord]:
        """At most `limit` entries of these kinds whose body is here or was deleted, in order: the ones just after `after`, or just
        before `before`, or the newest. Of entries with the same message id in one room only the first in order is given."""
        ...

    async def find(self, message: bytes, room: bytes | None = None) -> list[tuple[bytes, EntryRecord]]:
        """(room, entry) for each room that has an entry with this message id (the first in order there)."""
        ...

    async def find_several(self, room: bytes, messages: Collection[bytes]) -> list[EntryRecord]:
        """Those of these messages that this room has, with or without their bodies: of each the first in order, of those
        with a body if there are any."""
        ...

    async def unread(
        self, room: bytes, read: tuple[int, bytes], kinds: Collection[str], without: Collection[bytes], pages: int
    ) -> int:
        """How many entries of these kinds whose body is here lie above order key `read`, in the first `pages` pages, except those in
        the feeds `without` (one's own)."""
        ...

    async def annotations(self, room: bytes, messages: Collection[bytes], *, every: bool = False) -> list[EntryRecord]:
        """The entries of ANNOTATIONS that are about these messages, with their bodies, in order: those that count
        (core/annotations.py), or `every` one."""
        ...

    async def search(self, query: str, limit: int, room: bytes | None = None) -> list[tuple[bytes, EntryRecord]]:
        """(room, entry) of at most `limit` messages, stories and edits that have all words of `query` (the last one may be the
        beginning of a word), whatever their case and accents; what came here last first. Of a message that was deleted
        nothing is found; that a newer edit says otherwise is for the caller to see (core/annotations.py)."""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Advertisement:
    """Somebody's announcement: a hint to dial, nothing more. `addresses` are IP addresses as `interfaces.canonical` writes
    them (link-local ones carry their scope as `%index`), those to try first in front; at least one, at most 8."""

    instance: str
    addresses: tuple[str, ...]
    port: int


class Discovery(Protocol):
    """Finding others by multicast DNS (docs/protocol.md, section 1).

    `instance` is one's own present name, `seen` counts the others that are announced now. `found` is called again when what
    an instance announces has changed. `changed` is called when interfaces came, went or changed address, and when the
    machine has slept: links may be dead, and whoever could not be reached may be reachable now.
    """

    instance: str

    @property
    def seen(self) -> int: ...

    async def start(
        self,
        port: int,
        found: Callable[[Advertisement], None],
        lost: Callable[[str], None],
        changed: Callable[[], None],
    ) -> None: ...

    def interfaces(self) -> list[tuple[str, str]]:
        """(interface name, address) of what is announced on now."""
        ...

    async def close(self) -> None: ...
