"""Node events → Textual messages, in this one place.

A worker listens to the node; what came while the screen was busy arrives together in one `Happened`, so that a thousand
messages at once cost one repaint.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from textual.message import Message
from textual.message_pump import MessagePump

from peertalk.core.events import AnyEvent

TOGETHER = 100
"""So many events at most are shown at once: about 10 ms, so that keys are not kept waiting."""


class Events(Protocol):
    """A subscription to a node's events."""

    def __aiter__(self) -> AsyncIterator[AnyEvent]: ...

    def close(self) -> None: ...


class Happened(Message, bubble=False):
    """The node said these, in this order."""

    def __init__(self, events: list[AnyEvent]) -> None:
        super().__init__()
        self.events = events
        self.taken = False

    def take(self) -> list[AnyEvent]:
        """The events; what comes from now on is posted in a new message."""
        self.taken = True
        return self.events


class Told(Message, bubble=False):
    """The same for what stands over the chat screen, which has taken them over already."""

    def __init__(self, events: list[AnyEvent]) -> None:
        super().__init__()
        self.events = events


class Ended(Message, bubble=False):
    """The node says nothing any more: it was closed, or it ended by itself."""


async def carry(events: Events, target: MessagePump) -> None:
    """Post all events to `target` until the subscription ends, and then `Ended`; or until this is cancelled."""
    waiting: Happened | None = None
    try:
        async for event in events:
            if waiting is not None and not waiting.taken and len(waiting.events) < TOGETHER:
                waiting.events.append(event)
                continue
            waiting = Happened([event])
            target.post_message(waiting)
    finally:
        events.close()
    target.post_message(Ended())
