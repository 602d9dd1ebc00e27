"""The conversation without a terminal: it goes over three real nodes, and each line is written when it was received."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Container, Sequence
from typing import TYPE_CHECKING, Final, Protocol

from peertalk.core.events import AnyEvent, Message, MessageArrived
from peertalk.demo.children import Child
from peertalk.i18n import N_, _

if TYPE_CHECKING:
    from peertalk.config import Settings
    from peertalk.node.node import Node

Opener = Callable[["Settings", str | None], Awaitable["Node"]]
Write = Callable[[str], None]


class Events(Protocol):
    """A subscription to a node's events."""

    def __aiter__(self) -> AsyncIterator[AnyEvent]: ...

    def close(self) -> None: ...


ARRIVES_WITHIN: Final = 10.0
SAYS: Final = (
    N_("Hello Mira! Hello Jonas!"),
    N_("Who are you?"),
    N_("Can anyone else read this? Is it safe?"),
    N_("And how do I know that a message arrived?"),
    N_("Thank you, both of you."),
)


async def converse(settings: Settings, children: Sequence[Child], open_node: Opener, write: Write) -> str | None:
    """Play the conversation. None, or a sentence that says that a message did not arrive."""
    companions = {child.identity for child in children}
    others = [Listener(child.node.subscribe()) for child in children]
    node = await open_node(settings, None)
    mine, me = Listener(node.subscribe()), {node.status().identity.id}
    try:
        for _child in children:
            write(line(await mine.next_from(companions)))
        for text in SAYS:
            await node.send("lobby", _(text))
            received = [await listener.next_from(me) for listener in others]
            write(line(received[0]))
            write(line(await mine.next_from(companions)))
    except TimeoutError:
        return _("A message did not arrive within {seconds} seconds.").format(seconds=round(ARRIVES_WITHIN))
    finally:
        for listener in (*others, mine):
            listener.close()
        await node.close()
    return None


class Listener:
    """What one node receives."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._iterator = aiter(events)

    async def next_from(self, authors: Container[str]) -> Message:
        """The next text of one of `authors`. TimeoutError."""
        async with asyncio.timeout(ARRIVES_WITHIN):
            async for event in self._iterator:
                if isinstance(event, MessageArrived) and event.message.is_speech and event.message.author.id in authors:
                    return event.message
        raise TimeoutError

    def close(self) -> None:
        self._events.close()


def line(message: Message) -> str:
    """`Name: text`."""
    return f"{message.author.name}: {message.text}"
