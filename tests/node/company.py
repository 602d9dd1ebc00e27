"""Real nodes in one process, on loopback, for the tests of the node."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from peertalk.config import load
from peertalk.core import events
from peertalk.core.events import AnyEvent
from peertalk.core.rooms import private_room, terms_of
from peertalk.node.node import Node
from peertalk.node.store import Store

KEY = b"k" * 32
PATIENCE = 20.0
NOW_AND_THEN = 0.1
E = TypeVar("E")


class Clock:
    """The machine's, with an offset of the wall clock that a test may turn."""

    def __init__(self) -> None:
        self.offset = 0

    def mono(self) -> float:
        return time.monotonic()

    def wall(self) -> int:
        return int(time.time() * 1000) + self.offset


class Company:
    """Nodes by name. Those that are still open are closed at the end."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.nodes: list[Node] = []
        self.stores: dict[str, Store] = {}

    async def node(self, name: str, *meet: Node, clock: Clock | None = None, **options: Any) -> Node:
        """A node on disk, linked with nobody but those it is to meet."""
        connect = [f"127.0.0.1:{port(other)}" for other in meet]
        given = {"home": self.directory, "mdns": False, "interfaces": ["127.0.0.1"], "connect": connect}
        settings = load(given | {"name": name} | options, {})
        store = Store.open(None if settings.ephemeral else self.directory / f"{name}.db", KEY)
        self.stores[name] = store
        node = await Node.open(settings, store, None, clock or Clock(), name=name)
        self.nodes.append(node)
        return node

    async def close(self) -> None:
        for node in self.nodes:
            await node.close()


async def meet(people: Company) -> tuple[Node, Node]:
    """Ada and Ben, who are linked and see each other, and have told of it: what becomes of who was not told of is not told either."""
    ada = await people.node("Ada")
    ben = await people.node("Ben", ada)
    await until(ada, lambda: online(ada, "Ben"))
    await until(ben, lambda: online(ben, "Ada"))
    await until(ada, lambda: has_told_of(ada, ben))
    await until(ben, lambda: has_told_of(ben, ada))
    return ada, ben


async def has_told_of(node: Node, other: Node) -> bool:
    return bytes.fromhex(other.status().identity.id) in node._life.news.comings._told


async def let_in(host: Node, room: events.Room, guest: Node) -> events.Room:
    """Have `guest` enter a private room of `host`, as if invited."""
    inside = host._life.lookup.room(room.id)
    record = private_room(terms_of(inside.record), inside.record.joined, invited_by=inside.me)
    return guest._life.news.room_view(await guest._life.enter(record))


def port(node: Node) -> int:
    return node.status().listening[0].port


@asynccontextmanager
async def company(directory: Path) -> AsyncIterator[Company]:
    one = Company(directory)
    try:
        yield one
    finally:
        await one.close()


async def event(node: Node, kind: type[E], test: Callable[[E], bool] = lambda _: True, events: Any = None) -> E:
    """The next event of this kind for which `test` holds."""
    subscription = events or node.subscribe()
    try:
        async with asyncio.timeout(PATIENCE):
            async for one in subscription:
                if isinstance(one, kind) and test(one):
                    return one
    finally:
        if events is None:
            subscription.close()
    raise AssertionError("the events ended")


async def until(node: Node, test: Callable[[], Any]) -> None:
    """Wait until `test` (a coroutine function) holds, looking again after every event of `node`, and now and then: how many links there
    are, and what others see, no event of it tells."""
    subscription = node.subscribe()
    try:
        async with asyncio.timeout(PATIENCE):
            while not await test():
                with suppress(TimeoutError):
                    await asyncio.wait_for(anext(subscription), NOW_AND_THEN)
    finally:
        subscription.close()


async def texts(node: Node, room: str = "lobby") -> list[str]:
    return [message.text for message in (await node.messages(room, limit=10_000)).messages if message.kind == "text"]


async def online(node: Node, name: str) -> bool:
    return any(peer.name == name and peer.online for peer in await node.peers())


__all__ = ["AnyEvent", "Clock", "Company", "company", "event", "let_in", "meet", "online", "port", "texts", "until"]
