"""The node: everything that a front end can do (docs/rpc.md), over one replica, one store and the links to others.

Front ends use only this. Rooms, people and messages are named by ids or names as in docs/rpc.md; what cannot be done raises
RequestError with a kind of that page.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Self

from peertalk import __version__, text
from peertalk.config import Settings
from peertalk.core import events
from peertalk.core.entry import Random
from peertalk.errors import RequestError
from peertalk.node import keyring
from peertalk.node.door_calls import DoorCalls
from peertalk.node.history_calls import HistoryCalls
from peertalk.node.invite_calls import InviteCalls
from peertalk.node.life import Life, with_identity
from peertalk.node.message_calls import MessageCalls
from peertalk.node.people_calls import PeopleCalls
from peertalk.node.ports import Clock, Discovery, Store
from peertalk.node.reform_calls import ReformCalls
from peertalk.node.room_calls import RoomCalls
from peertalk.node.store import Store as MemoryStore
from peertalk.node.stores import Stores
from peertalk.node.subscription import Subscription
from peertalk.node.trust_calls import TrustCalls

PROTOCOL = 1

profile_state = keyring.profile_state


class Node(RoomCalls, DoorCalls, InviteCalls, ReformCalls, TrustCalls, MessageCalls, HistoryCalls, PeopleCalls):
    """See the module. Made by `open`, ended by `close`."""

    def __init__(self, life: Life) -> None:
        super().__init__(life)
        self.settings = life.settings
        self.back_up: Callable[[Path, str], None] | None = None
        """Writes a backup (file, passphrase) of the profile on disk, if there is one. Blocks."""

    @classmethod
    async def open(
        cls,
        settings: Settings,
        store: Store,
        discovery: Discovery | None,
        clock: Clock,
        *,
        name: str,
        token_home: Path | None = None,
        random: Random = os.urandom,
    ) -> Self:
        """A started node: listening, advertising, in the lobby unless that is off. `name` is used where none is set yet;
        `token_home`: the home of a profile on disk, so that one that was restored or copied is recognised (keyring, "the token").
        Closes `store` at its end; where this raises, that is for the caller (once more does no harm)."""
        store = Stores(store, lambda: MemoryStore.open(None, b""))
        snapshot = await with_identity(store, await store.load(), settings.name or name, random)
        life = Life(settings, store, snapshot, discovery, clock, random)
        try:
            await life.start(snapshot, token_home)
        except BaseException:
            await life.close()
            raise
        return cls(life)

    async def close(self) -> None:
        """Everything that was said is on disk, everybody is told, nothing runs any more. May be repeated."""
        await self._life.close()

    @property
    def failure(self) -> BaseException | None:
        """Why the node ended by itself: the disk failed."""
        return self._life.failure

    # ── oneself ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def subscribe(self, size: int = 10_000) -> Subscription:
        """Events from now on, the first one `ready`."""
        return self._life.news.subscribe(size)

    def status(self) -> events.Status:
        discovery = self._life.discovery
        return events.Status(
            version=__version__,
            protocol=PROTOCOL,
            identity=self._life.views.me,
            listening=[events.Listening(host=host, port=port) for host, port in self._life.listener.addresses],
            discovery=events.Discovery(
                enabled=discovery is not None,
                advertised=discovery.instance if discovery is not None else None,
                services_seen=discovery.seen if discovery is not None else 0,
            ),
            links=len(self._life.links.lines),
            rooms=len(self._life.lookup.rooms()),
        )

    def interfaces(self) -> list[tuple[str, str]]:
        """(interface, address) of what is searched for others."""
        return self._life.discovery.interfaces() if self._life.discovery is not None else []

    async def doctor(self) -> events.Report:
        """Why nobody shows up: what was looked at, and a verdict. It takes up to five seconds."""
        from peertalk.node.doctor import Doctor  # noqa: PLC0415 (50 ms for zeroconf, which not everybody uses)

        return await Doctor(self._life).examine()

    async def backup(self, path: str, passphrase: str) -> None:
        """Back the profile up as it is now, into a new file under a passphrase; on disk when this returns (node/backup.py).
        RequestError("refused", why="ephemeral") where nothing is on disk; StartError as backup.write."""
        if self.back_up is None:
            raise RequestError("refused", why="ephemeral")
        self._life.replica.flush()
        await self._life.committed()
        await asyncio.to_thread(self.back_up, Path(path), passphrase)

    async def set_name(self, name: str) -> events.IdentityView:
        """Be called so from now on, in all rooms; of a long name the first 32 cells. RequestError("bad_name") if nothing is left."""
        shown = text.name(name, "")
        if not shown:
            raise RequestError("bad_name", why="empty", name=text.line(name))
        await self._life.set_name(shown)
        return self._life.views.me
