"""What was said in a room before, a few messages at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from peertalk.core.events import Message

if TYPE_CHECKING:
    from peertalk.node.node import Node

SHOWN: Final = 10
MOST_UNREAD: Final = 100
PAGE: Final = 50


class History:
    """The history of one room (its id), read backwards from the newest. `oldest` is the oldest message that was told."""

    def __init__(self, node: Node, room: str) -> None:
        self._node = node
        self.room = room
        self.oldest: str | None = None
        self.more = True

    def begin_at(self, oldest: Message | None) -> None:
        """Older ones are those before this message; None: the newest of all are the next."""
        self.oldest, self.more = oldest.id if oldest is not None else None, True

    async def newest(self, unread: int) -> list[Message]:
        """The last messages: those that are unread (100 at most), and never fewer than ten."""
        self.begin_at(None)
        return await self.older(max(SHOWN, min(unread, MOST_UNREAD)))

    async def older(self, count: int = SHOWN) -> list[Message]:
        """The messages before those that were told, oldest first; quiet lines are passed over."""
        found: list[Message] = []
        while self.more and len(found) < count:
            page = await self._node.messages(self.room, PAGE, before=self.oldest)
            self.more = page.more
            for message in reversed(page.messages):
                self.oldest = message.id
                found += [message] if message.is_speech else []
                if len(found) == count:
                    self.more = page.more or message is not page.messages[0]
                    break
        return found[::-1]


def unread_from(messages: Sequence[Message], unread: int) -> int:
    """The index at which what is unread begins."""
    others = [index for index, message in enumerate(messages) if not message.mine]
    return others[-min(unread, len(others))] if unread and others else len(messages)
