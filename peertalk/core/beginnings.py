"""Direct rooms that others begin: so many at once, the others when it is their turn (docs/protocol.md, "Rooms")."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from peertalk.core import wire
from peertalk.core.cards import Cards
from peertalk.core.effects import Close
from peertalk.core.outlet import Outlet
from peertalk.core.rates import Bucket
from peertalk.core.sharing import LinkState
from peertalk.errors import RemoteError

BURST: Final = 64
RATE: Final = 1 / 30
"""All of them together, a second."""
KEPT_FEEDS: Final = 16
"""Feeds of a card, the newest, that are remembered while it waits."""


Take = Callable[[int, wire.Card], None]


class Beginnings:
    """Which links brought a card with which a direct room would begin, and whose turn it is."""

    def __init__(self, links: Mapping[int, LinkState], now: float) -> None:
        self._links = links
        self._bucket = Bucket(BURST, RATE, now)
        self._waits = False
        """May there be a card that waits?"""

    def admits(self, state: LinkState, message: object, now: float) -> bool:
        """Does this message begin the direct room now? Only a card does, and one may have to wait for its turn.

        RemoteError for a card that is none of its sender's, or false: it begins nothing."""
        state.card = None
        if not isinstance(message, wire.Card):
            return False
        if message.identity != state.identity:
            raise RemoteError("out_of_order")
        if not self._bucket.has(1, now):
            state.card = msgspec.structs.replace(message, feeds=message.feeds[-KEPT_FEEDS:])
            self._waits = True
            return False
        Cards(message.room, b"").receive(message, state.identity)
        return self._bucket.take(1, now)

    def go_on(self, take: Take, outlet: Outlet, now: float) -> None:
        """`take` those whose turn it is, as if they came again."""
        for link, state in list(self._links.items()) if self._waits else ():
            if state.card is not None and self._bucket.has(1, now):
                self.take_up(link, state, take, outlet)

    @staticmethod
    def take_up(link: int, state: LinkState, take: Take, outlet: Outlet) -> None:
        """`take` the card that waits on this link, if one does: its room begins. It waits no more, whatever becomes of it."""
        card, state.card = state.card, None
        if card is not None:
            try:
                take(link, card)
            except RemoteError as error:
                outlet.emit(Close(link, error.kind))

    def wake(self, now: float) -> float:
        """When to look again (monotonic seconds)."""
        self._waits = self._waits and any(state.card is not None for state in self._links.values())
        return self._bucket.until(1, now) if self._waits else float("inf")
