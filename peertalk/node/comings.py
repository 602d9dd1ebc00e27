"""Who came, who went, who is called otherwise now: each told once, and what passes in a moment not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Literal

from peertalk.core import events
from peertalk.node.views import Views

NAME_PATIENCE = 0.5
"""Seconds that somebody's name is waited for before they are announced without."""
RETURN_PATIENCE = 3.0
"""Seconds that somebody may take whose link was replaced by another before they are told to be gone."""
MAX_TOLD = 4096
"""People of whom it is remembered under which name they were told of: identities cost nothing."""


class Comings:
    """Told by `look` that somebody may have come or gone, it publishes what has changed since it was told last."""

    def __init__(self, views: Views, publish: Callable[[events.PeerChanged], None]) -> None:
        self._views, self._publish = views, publish
        self._online: set[bytes] = set()
        self._nameless: dict[bytes, asyncio.TimerHandle] = {}
        self._returning: dict[bytes, asyncio.TimerHandle] = {}
        self._told: dict[bytes, str] = {}

    def look(self, identity: bytes) -> None:
        """Are they online, or no longer?"""
        is_online = identity in self._views.online()
        if is_online and identity not in self._online:
            self._came(identity)
        elif not is_online and identity in self._online and identity not in self._returning:
            self._went(identity)

    def is_named(self, identity: bytes) -> None:
        """They may be called otherwise now."""
        if identity not in self._nameless:
            self._tell(identity, "name")
        elif self._views.has_name(identity):
            self._introduce(identity)

    def returns(self, identity: bytes) -> None:
        """Their link is being replaced: until it is spoken of rooms on the other one they seem to be gone, and are not."""
        if identity in self._online:
            self._forgive(identity)
            loop = asyncio.get_running_loop()
            self._returning[identity] = loop.call_later(RETURN_PATIENCE, self._has_returned, identity)

    def close(self) -> None:
        """Nothing more is told."""
        for timer in (*self._nameless.values(), *self._returning.values()):
            timer.cancel()

    def _came(self, identity: bytes) -> None:
        self._online.add(identity)
        if self._views.has_name(identity):
            self._tell(identity, "online")
            return
        loop = asyncio.get_running_loop()
        self._nameless[identity] = loop.call_later(NAME_PATIENCE, self._introduce, identity)

    def _introduce(self, identity: bytes) -> None:
        timer = self._nameless.pop(identity, None)
        if timer is not None:
            timer.cancel()
            self._tell(identity, "online")

    def _went(self, identity: bytes) -> None:
        self._online.discard(identity)
        if identity in self._nameless:
            self._nameless.pop(identity).cancel()
        else:
            self._tell(identity, "offline")

    def _has_returned(self, identity: bytes) -> None:
        self._forgive(identity)
        self.look(identity)

    def _forgive(self, identity: bytes) -> None:
        timer = self._returning.pop(identity, None)
        if timer is not None:
            timer.cancel()

    def _tell(self, identity: bytes, change: Literal["online", "offline", "name"]) -> None:
        peer = self._views.peer(identity)
        if change != "name" or self._told.get(identity, peer.name) != peer.name:
            self._publish(events.PeerChanged(peer=peer, change=change))
        self._note(identity, peer.name)

    def _note(self, identity: bytes, name: str) -> None:
        self._told.pop(identity, None)
        self._told[identity] = name
        if len(self._told) > MAX_TOLD:
            del self._told[next(iter(self._told))]
