"""What a fake node does with messages that are there: the Node API, over messages in lists."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from peertalk.core.events import AnyEvent, Exported, IdentityView, Message, MessageChanged, MessageList, Room
from peertalk.errors import RequestError
from peertalk.node.gestures import wanted


class FakeMessages:
    """A mixin. `refused` says why nothing can be said about any message."""

    refused: RequestError | None = None

    def every_message(self) -> list[Message]:
        raise NotImplementedError

    def replace_message(self, message: Message) -> None:
        raise NotImplementedError

    def emit(self, *events: AnyEvent) -> None:
        raise NotImplementedError

    @property
    def me(self) -> IdentityView:
        raise NotImplementedError

    async def room(self, room: str) -> Room:
        raise NotImplementedError

    def _ask(self, *call: object) -> None:
        raise NotImplementedError

    def _meant(self, message: str) -> Message:
        if self.refused is not None:
            raise self.refused
        found = next((each for each in self.every_message() if each.id == message), None)
        if found is None:
            raise RequestError("unknown_message", message=message)
        return found

    def change_message(self, message: Message, **fields: Any) -> Message:
        """A message is something else now, and everybody is told."""
        changed = msgspec.structs.replace(message, **fields)
        self.replace_message(changed)
        self.emit(MessageChanged(message=changed))
        return changed

    async def react(self, message: str, reaction: str, remove: bool = False) -> Message:
        self._ask("react", message, reaction, remove)
        made, found = wanted(reaction), self._meant(message)
        people = [each for each in found.reactions.get(made, []) if each != self.me.id]
        reactions = found.reactions | {made: people if remove else [*people, self.me.id]}
        return self.change_message(found, reactions={name: each for name, each in reactions.items() if each})

    async def edit(self, message: str, text: str, *, title: str | None = None, warning: str | None = None) -> Message:
        self._ask("edit", message, text)
        found = self._meant(message)
        return self.change_message(found, text=text, title=title or found.title, warning=warning or found.warning, edited=True)

    async def delete(self, message: str) -> Message:
        self._ask("delete", message)
        return self.change_message(self._meant(message), text="", title=None, reactions={}, deleted=True)

    async def search(self, query: str, room: str | None = None, limit: int = 50) -> list[Message]:
        self._ask("search", query, room, limit)
        found = [each for each in self.every_message() if query.casefold() in each.text.casefold()]
        return found[::-1][:limit]

    async def stories(self, room: str, limit: int = 50, before: str | None = None) -> MessageList:
        self._ask("stories", room, limit, before)
        here = (await self.room(room)).id
        found = [each for each in self.every_message() if each.kind == "story" and each.room == here]
        return MessageList(messages=found[-limit:], more=len(found) > limit)

    async def export(self, room: str, path: str, form: Any) -> Exported:
        self._ask("export", room, path)
        there = await self.room(room)
        found = [each for each in self.every_message() if each.room == there.id]
        words = form.begin(there, 0) + "".join(map(form.message, found)) + form.end()
        Path(path).write_text(words)  # noqa: ASYNC240 - a fake has nothing else to do meanwhile
        return Exported(path=path, count=len(found))
