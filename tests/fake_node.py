"""A node without network and disk, for the tests of rpc, once and cli: one lobby, everything happens at once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any

from peertalk.core.events import (
    AnyEvent,
    Author,
    Check,
    Delivered,
    Discovery,
    IdentityView,
    Listening,
    Member,
    Message,
    MessageArrived,
    MessageList,
    Peer,
    Ready,
    Report,
    Room,
    Status,
)
from peertalk.errors import RequestError
from tests.fake_circle import FakeCircle
from tests.fake_messages import FakeMessages

ME = IdentityView(id="aa" * 32, name="Ada", tag="k3f9")
BEN = Peer(id="bb" * 32, name="Ben", tag="x1y2", online=True, rooms=["lobby"])


class FakeSubscription:
    def __init__(self, node: FakeNode) -> None:
        self._node = node
        self._queue: asyncio.Queue[AnyEvent | None] = asyncio.Queue()
        self.put(Ready(identity=ME))
        node.subscriptions.append(self)
        node.was_subscribed.set()

    def put(self, event: AnyEvent | None) -> None:
        self._queue.put_nowait(event)

    def __aiter__(self) -> AsyncIterator[AnyEvent]:
        return self

    async def __anext__(self) -> AnyEvent:
        event = await self._queue.get()
        if event is None:
            raise StopAsyncIteration
        return event

    def close(self) -> None:
        if self in self._node.subscriptions:
            self._node.subscriptions.remove(self)


class FakeNode(FakeMessages, FakeCircle):
    """`commit`, if given, is awaited by every send once it has taken its place: a disk that takes its time."""

    def __init__(self, commit: asyncio.Event | None = None) -> None:
        super().__init__(peers_by_id={BEN.id: BEN})
        self.lobby = Room(id="cc" * 32, name="lobby", kind="open", members=2, online=2)
        self.sent: list[Message] = []
        self.read_up_to: list[str | None] = []
        self.typed: list[str] = []
        self.left: list[tuple[str, bool]] = []
        self.subscriptions: list[FakeSubscription] = []
        self.limits: list[int] = []
        self.calls: list[tuple[object, ...]] = []
        self.closed = False
        self.report = Report(verdict="alone", checks=[Check(id="search", state="ok", case="on")])
        self.failure: BaseException | None = None
        self.ends_by_itself = False
        self.handed_over = threading.Event()
        self.was_asked_to_send = asyncio.Event()
        self.was_subscribed = asyncio.Event()
        self._commit = commit

    def subscribe(self, size: int = 10_000) -> FakeSubscription:
        subscription = FakeSubscription(self)
        if self.ends_by_itself:
            subscription.put(None)
        return subscription

    def tell(self, event: AnyEvent | None) -> None:
        for subscription in self.subscriptions:
            subscription.put(event)

    def status(self) -> Status:
        return Status(
            version="0.1.0",
            protocol=1,
            identity=ME,
            listening=[Listening(host="127.0.0.1", port=4700)],
            discovery=Discovery(enabled=False, advertised=None, services_seen=0),
            links=1,
            rooms=1,
        )

    async def set_name(self, name: str) -> IdentityView:
        if not name.strip():
            raise RequestError("bad_name", name=name)
        return IdentityView(id=ME.id, name=name, tag=ME.tag)

    async def rooms(self) -> list[Room]:
        return [self.lobby, *self.rooms_by_id.values()]

    async def room(self, room: str) -> Room:
        for each in await self.rooms():
            if room in (each.id, each.name, f"#{each.name}"):
                return each
        raise RequestError("unknown_room", room=room)

    def emit(self, *events: AnyEvent) -> None:
        for event in events:
            self.tell(event)

    def _ask(self, *call: object) -> None:
        self.calls.append(call)

    @property
    def me(self) -> IdentityView:
        return ME

    async def join(self, name: str) -> Room:
        return Room(id="dd" * 32, name=name.removeprefix("#"), kind="open", members=1, online=1)

    async def members(self, room: str) -> list[Member]:
        await self.room(room)
        return [Member(id=ME.id, name=ME.name, tag=ME.tag, online=True, me=True)]

    async def leave(self, room: str, forget: bool = False) -> None:
        await self.room(room)
        self.left.append((room, forget))

    async def read(self, room: str, up_to: str | None = None) -> int:
        await self.room(room)
        self.read_up_to.append(up_to)
        return 0

    async def open_direct(self, peer: str) -> Room:
        if peer not in (BEN.id, BEN.name):
            raise RequestError("unknown_peer", peer=peer)
        return Room(id="ee" * 32, name=BEN.name, kind="direct", members=2, online=2)

    def begin(self, room: str, text: str, **more: Any) -> asyncio.Future[Message]:
        return asyncio.ensure_future(self.send(room, text, **more))

    async def send(self, room: str, text: str, *, reply_to: str | None = None, **more: Any) -> Message:
        await self.room(room)
        if reply_to is not None:
            await asyncio.sleep(0)  # it is looked up
        number = len(self.sent) + 1
        author = Author(id=ME.id, name=ME.name, tag=ME.tag)
        message = Message(
            id=f"{number:064x}",
            room=self.lobby.id,
            author=author,
            seq=number,
            lamport=number,
            time=1_795_000_000_000,
            text=text,
            reply_to=reply_to,
            mine=True,
            **more,
        )
        self.sent.append(message)
        self.was_asked_to_send.set()
        self.handed_over.set()
        if self._commit is not None:
            await self._commit.wait()
        self.tell(MessageArrived(message=message))
        return message

    def deliver(self, message: Message) -> None:
        self.tell(Delivered(message=message.id, room=message.room, delivered_to=[BEN.id]))

    def every_message(self) -> list[Message]:
        return self.sent

    def replace_message(self, message: Message) -> None:
        self.sent = [message if each.id == message.id else each for each in self.sent]

    async def messages(self, room: str, limit: int = 100, before: str | None = None, after: str | None = None) -> MessageList:
        await self.room(room)
        self.limits.append(limit)
        if after is not None:
            start = next((n + 1 for n, each in enumerate(self.sent) if each.id == after), 0)
            return MessageList(messages=self.sent[start : start + limit], more=len(self.sent) > start + limit)
        return MessageList(messages=self.sent[-limit:], more=len(self.sent) > limit)

    async def peers(self) -> list[Peer]:
        return [BEN]

    async def connect(self, host: str, port: int, timeout: float = 10) -> None:  # noqa: ASYNC109 (as Node has it)
        if host != "127.0.0.1":
            raise RequestError("not_reachable", host=host, port=port)

    async def block(self, peer: str) -> Peer:
        await self.open_direct(peer)
        return BEN

    async def unblock(self, peer: str) -> Peer:
        return await self.block(peer)

    async def doctor(self) -> Report:
        return self.report

    def typing(self, room: str) -> None:
        self.typed.append(room)

    async def close(self) -> None:
        self.closed = True
        self.tell(None)
