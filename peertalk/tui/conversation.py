"""The room that is open: its timeline, read from the node page by page, and kept true by the node's events.

No widgets here: what changed is returned as splices.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from peertalk.core.events import Delivered, Message
from peertalk.tui.timeline import Item, Note, Splice, Timeline, is_speech

if TYPE_CHECKING:
    from peertalk.node.node import Node

PAGE = 100
MOST_UNREAD = 2_000


class Conversation:
    """One room (its id) of one node. `first_unread` is what the unread line stands over, as it was when the room was opened."""

    def __init__(self, node: Node, room: str) -> None:
        self.node = node
        self.room = room
        self.timeline = Timeline()
        self.first_unread: Item | None = None

    async def open(self, unread: int) -> None:
        """Read the newest page, or as much as is unread."""
        page = await self.node.messages(self.room, limit=max(PAGE, min(unread, MOST_UNREAD) + PAGE // 2))
        self.timeline.load(page)
        self.first_unread = _nth_unread(page.messages, unread)

    async def older(self) -> list[Splice]:
        """Read the page before what is here."""
        oldest = self.timeline.oldest()
        if oldest is None or not self.timeline.more:
            return []
        return [self.timeline.older(await self.node.messages(self.room, limit=PAGE, before=oldest))]

    async def reorder(self) -> list[Splice]:
        """Ask the node for the order of messages that only it can tell apart."""
        if self.timeline.doubtful is None:
            return []
        count = self.timeline.since(self.timeline.doubtful)
        page = await self.node.messages(self.room, limit=count)
        return self.timeline.reorder(page.messages)

    def take(self, message: Message) -> list[Splice]:
        """A message came, or changed."""
        return self.timeline.place(message)

    def deliver(self, event: Delivered) -> list[Splice]:
        """More people have an own message."""
        return self.timeline.deliver(event.message, event.delivered_to, event.held_by)

    def note(self, note: Note) -> list[Splice]:
        """Say something to this person alone."""
        return [self.timeline.note(note)]

    def find(self, message: str) -> Message | None:
        """A message that is in memory."""
        index = self.timeline.find(message)
        item = None if index is None else self.timeline.items[index]
        return item if isinstance(item, Message) else None


def _nth_unread(messages: list[Message], unread: int) -> Message | None:
    """The oldest of the `unread` newest messages of others."""
    others = [message for message in messages if is_speech(message) and not message.mine]
    return others[-min(unread, len(others))] if unread and others else None
