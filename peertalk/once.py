"""`peertalk send`, `tail` and `export`: one thing done for a script, through the running process or a node of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Final, Protocol

import msgspec

from peertalk import say
from peertalk.core.events import (
    AnyEvent,
    Delivered,
    Exported,
    IdentityView,
    Message,
    MessageArrived,
    MessageChanged,
    MessageList,
    Room,
)
from peertalk.errors import RequestError, StartError
from peertalk.i18n import _, ngettext
from peertalk.text import look

Print = Callable[[str], None]
SLICE: Final = 500
"""So many messages of an export are in memory at a time."""


class Events(Protocol):
    """A subscription: events in order, until the node is closed."""

    def __aiter__(self) -> AsyncIterator[AnyEvent]: ...

    def close(self) -> None: ...


class Talker(Protocol):
    """What is needed of a node, be it our own or that of the running process."""

    def subscribe(self) -> Events: ...

    async def room(self, room: str, /) -> Room: ...

    async def send(self, room: str, text: str, /) -> Message: ...

    async def messages(self, room: str, limit: int, /, before: str | None = None, after: str | None = None) -> MessageList: ...

    async def members(self, room: str, /) -> Sequence[IdentityView]: ...

    async def peers(self) -> Sequence[IdentityView]: ...

    async def export(self, room: str, path: str, form: say.Form, /) -> Exported: ...


# ── send ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def send(node: Talker, room: str, text: str, wait: float) -> str | None:
    """Send, and wait up to `wait` seconds until at least one member has it; with 0, not at all.

    None, or a sentence that says why nobody has it. PeerTalkError as Node.send."""
    events = node.subscribe()
    try:
        message = await node.send(room, text)
        if wait <= 0 or _somebody_has(message):
            return None
        async with asyncio.timeout(wait):
            await _until_delivered(events, message.id)
        return None
    except TimeoutError:
        return await _why_nobody(node, room, wait)
    finally:
        events.close()


def _somebody_has(message: Message | Delivered) -> bool:
    return bool(message.delivered_to or message.held_by)


async def _until_delivered(events: Events, message: str) -> None:
    async for event in events:
        match event:
            case Delivered(message=id) if id == message and _somebody_has(event):
                return
            case MessageChanged(message=changed) if changed.id == message and _somebody_has(changed):
                return
    raise StartError("not_running")


async def _why_nobody(node: Talker, room: str, wait: float) -> str:
    there = await node.room(room)
    seconds = ngettext("{seconds} second", "{seconds} seconds", round(wait)).format(seconds=round(wait))
    if there.online > 1:
        return _("After {seconds} nobody in {room} has it yet. It is kept, and goes out as soon as it can.").format(
            seconds=seconds, room=say.room(there)
        )
    return _("Nobody else is in {room} just now. It is kept, and goes out when PeerTalk runs and somebody comes.").format(
        room=say.room(there)
    )


# ── tail ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def tail(node: Talker, room: str, lines: int, write: Print, *, as_json: bool) -> None:
    """Write the last `lines` messages of a room, then each new one as it comes, until the node is closed.

    PeerTalkError as Node.room: a name that could mean two rooms is none."""
    events = node.subscribe()
    try:
        there = await node.room(room)
        names = Names(await node.members(there.id))
        shown = (await node.messages(there.id, lines)).messages if lines else []
        for message in shown:
            names.called(message.author)  # of two, the first is told apart already

        def form(message: Message) -> str:
            return _json(message) if as_json else line(message, names.called(message.author))

        for message in shown:
            write(form(message))
        seen = {message.id for message in shown}
        async for event in events:
            if isinstance(event, MessageArrived) and event.message.room == there.id and event.message.id not in seen:
                write(form(event.message))
    finally:
        events.close()


class Names:
    """What people are called: two whose names look the same, with the tags of their keys."""

    def __init__(self, people: Iterable[IdentityView]) -> None:
        self._known: dict[str, set[str]] = {}
        for each in people:
            self.called(each)

    def called(self, somebody: IdentityView) -> str:
        """What somebody is called beside everybody who was asked about so far."""
        alike = self._known.setdefault(look(somebody.name), set())
        alike.add(somebody.id)
        return f"{somebody.name} · {somebody.tag}" if len(alike) > 1 else somebody.name


def line(message: Message, called: str | None = None) -> str:
    """A message as text: `19:02 Mira: text`. Further lines of it are indented, so that none can pass for another message."""
    return f"{say.clock(message.time)} {say.message(message, called)}".replace("\n", "\n      ")


def _json(message: Message) -> str:
    return msgspec.json.encode(message).decode()


# ── export ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def export(node: Talker, room: str, path: str | None, write: Print, *, as_json: bool) -> None:
    """Write all messages of a room into a new file at `path`, and say so; or give them to `write`, piece by piece.

    PeerTalkError as Node.export."""
    there = await node.room(room)
    form = say.form("json" if as_json else "markdown", [*await node.members(there.id), *await node.peers()])
    if path is not None:
        count = (await node.export(there.id, path, form)).count
        told = ngettext("{n} message is in {path} now.", "{n} messages are in {path} now.", count)
        write(told.format(n=count, path=path) + "\n")
        return
    if there.retention == "session":
        raise RequestError("refused", why="off_record", room=room)
    write(form.begin(there, time.time_ns() // 1_000_000))
    after: str | None = ""
    while after is not None:
        page = await node.messages(there.id, SLICE, after=after)
        write("".join(map(form.message, page.messages)))
        after = page.messages[-1].id if page.more else None
    write(form.end())
