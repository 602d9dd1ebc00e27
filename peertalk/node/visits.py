"""Connections that look for slots: they lead to an invitation, or to nothing, and never to a link (docs/protocol.md, "Slots")."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import Protocol, cast

from peertalk.core.channel import ChannelEvent
from peertalk.core.pairing import Pairing, PairingEvent, SlotFound
from peertalk.node import dialing
from peertalk.node.link import Link, dial
from peertalk.node.targets import Dial, Endpoint

DIAL_SECONDS = 5.0


class Seeks(Protocol):
    """What is needed of Links."""

    def seeking(
        self, slots: Collection[int], on_event: Callable[[Link, ChannelEvent], None], on_closed: Callable[[Link, str], None]
    ) -> Link: ...

    def is_own(self, link: Link) -> bool: ...


class Visit:
    """One such connection, as somebody sees it who waits for what comes next."""

    def __init__(self, links: Seeks, slots: Collection[int]) -> None:
        self._links = links
        self._come: asyncio.Queue[PairingEvent | None] = asyncio.Queue()
        self.heard = asyncio.Event()
        """Set once it is known whether there is a slot."""
        self.link = links.seeking(slots, self._on_event, self._on_closed)

    # what of a Link `dialing.first` needs

    peer = None

    @property
    def reason(self) -> str | None:
        """Why it has ended, None while it is up."""
        return self.link.reason

    async def settled(self) -> None:
        """Wait until it is known whether there is a slot."""
        await self.heard.wait()

    def close(self, reason: str) -> None:
        """Hang up."""
        self.link.close(reason)

    # what happens

    async def next(self) -> PairingEvent | None:
        """What comes next; None if it has ended. One that leads to this process itself has."""
        event = await self._come.get()
        if isinstance(event, SlotFound) and self._links.is_own(self.link):
            self.link.close("spare")
            return None
        return event

    def say(self, step: Callable[[Pairing, float], None]) -> None:
        """Go on with the pairing, if it is still up."""
        self.link.pair(step)

    def _on_event(self, _link: Link, event: ChannelEvent) -> None:
        self._come.put_nowait(cast("PairingEvent", event))  # others are those of a link, which this never is
        self.heard.set()

    def _on_closed(self, _link: Link, _reason: str) -> None:
        self._come.put_nowait(None)
        self.heard.set()


async def visit(links: Seeks, endpoints: tuple[Endpoint, ...], slots: Collection[int]) -> Visit | None:
    """A connection to the first of these endpoints at which somebody listens; None where nobody does."""

    async def connect(_target: str, host: str, port: int) -> Visit:
        made: list[Visit] = []

        def make() -> Link:
            made.append(Visit(links, slots))
            return made[-1].link

        await dial(host, port, make, DIAL_SECONDS)
        return made[-1]

    found = await dialing.first(Dial("", endpoints), connect)
    return found if isinstance(found, Visit) else None
