"""A node in memory: the Node API of peertalk.node.node, with people who do what a test (or a picture) tells them to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from itertools import count
from zlib import crc32

import msgspec

from peertalk.config import Settings
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
    MessageChanged,
    MessageList,
    Peer,
    PeerChanged,
    Ready,
    Report,
    Room,
    RoomChanged,
    Status,
    Typing,
)
from peertalk.core.identity import fingerprint
from peertalk.errors import RequestError
from tests.fake_circle import FakeCircle
from tests.fake_messages import FakeMessages

ALONE = Report(
    verdict="alone",
    checks=[
        Check(id="interfaces", state="ok", case="found", values={"addresses": ["wlan0 192.168.1.7"]}),
        Check(id="multicast", state="unknown", case="silence"),
        Check(id="isolation", state="unknown", case="cannot_tell"),
    ],
)
START = 1_795_539_600_000  # 2026-11-24 18:00 UTC


class Subscription:
    """Events from now on; ends when it or the node is closed."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[AnyEvent | None] = asyncio.Queue()

    async def __aiter__(self) -> AsyncIterator[AnyEvent]:
        while (event := await self.queue.get()) is not None:
            yield event

    def close(self) -> None:
        self.queue.put_nowait(None)


def identity(name: str) -> dict[str, str]:
    """Stable identity fields of somebody."""
    number = crc32(name.encode())
    return {"id": f"{number:08x}" * 8, "name": name, "tag": f"{number:08x}"[:4]}


@dataclass
class FakeNode(FakeMessages, FakeCircle):
    """`rooms_by_id`, `peers_by_id` and `texts` are what it knows; `calls` is what it was asked to do."""

    settings: Settings
    name: str = "Robin"
    texts: dict[str, list[Message]] = field(default_factory=dict)
    calls: list[tuple[object, ...]] = field(default_factory=list)
    subscriptions: list[Subscription] = field(default_factory=list)
    refuse: dict[str, RequestError] = field(default_factory=dict)
    seen: int = 0
    closed: bool = False
    failure: BaseException | None = None
    present: list[tuple[str, str]] = field(default_factory=lambda: [("wlan0", "192.168.1.7")])
    report: Report = ALONE
    before_report: asyncio.Event | None = None
    before_send: Callable[[], asyncio.Future[None]] | None = None

    def __post_init__(self) -> None:
        self._numbers = count(1)
        self._time = START
        if self.settings.lobby:
            self.add_room("lobby", "open", unread=0)

    # ── for the script ───────────────────────────────────────────────────────────────────────────────────────────────

    def add_room(self, name: str, kind: str = "private", **fields: object) -> Room:
        room = Room(id=f"room-{name}", name=name, kind=kind, **{"members": 1, "online": 1, **fields})  # type: ignore[arg-type]
        self.rooms_by_id[room.id] = room
        self.texts.setdefault(room.id, [])
        return room

    def add_peer(self, name: str, *rooms: str, online: bool = True, trust: str = "known", key: str = "") -> Peer:
        ids = [f"room-{room}" for room in rooms]
        fields = identity(name + key) | {"name": name}
        key = fingerprint(bytes.fromhex(fields["id"]))
        peer = Peer(**fields, online=online, trust=trust, rooms=ids, fingerprint=key)  # type: ignore[arg-type]
        self.peers_by_id[peer.id] = peer
        for room in ids:
            self._count(room)
        return peer

    def says(self, room: str, name: str, text: str, *, minutes: float = 1, **fields: object) -> Message:
        """Somebody (or oneself, by one's own name) writes; nobody is told, see `hear`."""
        self._time += int(minutes * 60_000)
        number = next(self._numbers)
        mine = name == self.name
        peer = next((peer for peer in self.peers_by_id.values() if peer.name == name), None)
        author = identity(name) if peer is None else {"id": peer.id, "name": peer.name, "tag": peer.tag}
        values: dict[str, object] = {
            "id": f"{number:064x}", "room": f"room-{room}", "author": Author(**author), "seq": number, "lamport": number,
            "time": self._time, "text": text, "mine": mine,
        }  # fmt: skip
        message = Message(**(values | fields))  # type: ignore[arg-type]
        self.texts.setdefault(message.room, []).append(message)
        return message

    def hear(self, room: str, name: str, text: str, **fields: object) -> Message:
        """Somebody writes, and it arrives."""
        message = self.says(room, name, text, **fields)  # type: ignore[arg-type]
        self.emit(MessageArrived(message=message))
        return message

    def emit(self, *events: AnyEvent) -> None:
        for event in events:
            for subscription in self.subscriptions:
                subscription.queue.put_nowait(event)

    def come(self, name: str, *rooms: str, online: bool = True) -> Peer:
        """Somebody comes (or goes), and everyone is told."""
        peer = self.add_peer(name, *rooms, online=online)
        self.emit(PeerChanged(peer=peer, change="online" if online else "offline"))
        for room in peer.rooms:
            self.emit(RoomChanged(room=self.rooms_by_id[room], change="members"))
        return peer

    def deliver(self, message: Message, *names: str) -> None:
        """These people have an own message on their disks."""
        ids = [identity(name)["id"] for name in names]
        self._replace(message.id, delivered_to=ids)
        self.emit(Delivered(message=message.id, room=message.room, delivered_to=ids))

    def writes(self, room: str, name: str) -> None:
        self.emit(Typing(room=f"room-{room}", peer=self.peers_by_id[identity(name)["id"]]))

    def _count(self, room: str) -> None:
        people = [peer for peer in self.peers_by_id.values() if room in peer.rooms]
        online = 1 + sum(peer.online for peer in people)
        self._put(msgspec.structs.replace(self.rooms_by_id[room], members=1 + len(people), online=online))

    def _put(self, room: Room) -> Room:
        self.rooms_by_id[room.id] = room
        return room

    def _replace(self, message: str, **fields: object) -> Message:
        for texts in self.texts.values():
            for index, known in enumerate(texts):
                if known.id == message:
                    texts[index] = msgspec.structs.replace(known, **fields)
                    return texts[index]
        raise AssertionError("no such message")

    def _ask(self, *call: object) -> None:
        self.calls.append(call)
        if isinstance(call[0], str) and call[0] in self.refuse:
            raise self.refuse[call[0]]

    def called(self, name: str) -> list[tuple[object, ...]]:
        return [call[1:] for call in self.calls if call[0] == name]

    # ── the Node API ─────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def me(self) -> IdentityView:
        return IdentityView(**identity(self.name))

    def subscribe(self, size: int = 10_000) -> Subscription:
        subscription = Subscription()
        subscription.queue.put_nowait(Ready(identity=self.me))
        self.subscriptions.append(subscription)
        return subscription

    def status(self) -> Status:
        return Status(
            version="0.1.0",
            protocol=1,
            identity=self.me,
            listening=[Listening(host="0.0.0.0", port=47000)],
            discovery=Discovery(enabled=self.settings.mdns, advertised="0011223344556677", services_seen=self.seen),
            links=sum(peer.online for peer in self.peers_by_id.values()),
            rooms=len(self.rooms_by_id),
        )

    async def set_name(self, name: str) -> IdentityView:
        self._ask("set_name", name)
        self.name = name
        return self.me

    async def rooms(self) -> list[Room]:
        return list(self.rooms_by_id.values())

    async def room(self, room: str) -> Room:
        found = [known for known in self.rooms_by_id.values() if room in (known.id, known.name, f"#{known.name}")]
        if not found:
            raise RequestError("unknown_room", room=room)
        return found[0]

    async def join(self, name: str) -> Room:
        self._ask("join", name)
        room = self.add_room(name.removeprefix("#"), "open")
        self.emit(RoomChanged(room=room, change="joined"))
        return room

    async def members(self, room: str) -> list[Member]:
        self._ask("members", room)
        me = Member(**identity(self.name), online=True, trust="verified", me=True)
        fields = ("id", "name", "tag", "online", "trust")
        people = (peer for peer in self.peers_by_id.values() if room in peer.rooms)
        others = [Member(**{name: getattr(peer, name) for name in fields}) for peer in people]
        return [msgspec.structs.replace(each, invited_by=self.invited_by.get((room, each.name))) for each in (me, *others)]

    async def leave(self, room: str, forget: bool = False) -> None:
        self._ask("leave", room, forget)
        gone = self.rooms_by_id.pop((await self.room(room)).id)
        self.emit(RoomChanged(room=gone, change="left"))

    async def read(self, room: str, up_to: str | None = None) -> int:
        self._ask("read", room, up_to)
        self.emit(RoomChanged(room=self._put(msgspec.structs.replace(self.rooms_by_id[room], unread=0)), change="read"))
        return 0

    async def open_direct(self, peer: str) -> Room:
        self._ask("open_direct", peer)
        known = next((known for known in self.peers_by_id.values() if peer in (known.id, known.name)), None)
        if known is None:
            raise RequestError("unknown_peer", peer=peer)
        room = self.add_room(known.name, "direct", members=2, online=1 + known.online)
        self.peers_by_id[known.id] = msgspec.structs.replace(known, rooms=[*known.rooms, room.id])
        self.emit(PeerChanged(peer=self.peers_by_id[known.id], change="trust"), RoomChanged(room=room, change="joined"))
        return room

    async def send(self, room: str, text: str, *, reply_to: str | None = None, **more: object) -> Message:
        self._ask("send", room, text)
        if self.before_send is not None:
            await self.before_send()
        lonely = self.rooms_by_id[room].online < 2
        name = self.rooms_by_id[room].name
        waiting = {"state": "waiting", "seq": None, "lamport": None} if lonely else {}
        message = self.says(name, self.name, text, reply_to=reply_to, **more, **waiting)
        self.emit(MessageArrived(message=message))
        return message

    def place(self, message: Message, **fields: object) -> None:
        """A waiting own message finds its place."""
        number = next(self._numbers)
        placed = self._replace(message.id, state="sent", seq=number, lamport=number, **fields)
        self.emit(MessageChanged(message=placed))

    def every_message(self) -> list[Message]:
        return [message for texts in self.texts.values() for message in texts]

    def replace_message(self, message: Message) -> None:
        self.texts[message.room] = [message if each.id == message.id else each for each in self.texts[message.room]]

    async def messages(self, room: str, limit: int = 100, before: str | None = None, after: str | None = None) -> MessageList:
        self._ask("messages", room, limit, before, after)
        texts = sorted(
            self.texts.setdefault(room, []), key=lambda message: (message.lamport is None, message.lamport, message.id)
        )
        if before is not None:
            texts = texts[: next(index for index, message in enumerate(texts) if message.id == before)]
        return MessageList(messages=texts[-limit:], more=len(texts) > limit)

    async def peers(self) -> list[Peer]:
        return list(self.peers_by_id.values())

    async def connect(self, host: str, port: int, timeout: float = 10) -> None:  # noqa: ASYNC109
        self._ask("connect", host, port, timeout)

    async def block(self, peer: str) -> Peer:
        self._ask("block", peer)
        return self._blocked(peer, blocked=True)

    async def unblock(self, peer: str) -> Peer:
        self._ask("unblock", peer)
        return self._blocked(peer, blocked=False)

    def _blocked(self, peer: str, *, blocked: bool) -> Peer:
        known = next((known for known in self.peers_by_id.values() if peer in (known.id, known.name)), None)
        if known is None:
            raise RequestError("unknown_peer", peer=peer)
        self.peers_by_id[known.id] = msgspec.structs.replace(known, blocked=blocked)
        self.emit(PeerChanged(peer=self.peers_by_id[known.id], change="trust"))
        return self.peers_by_id[known.id]

    def typing(self, room: str) -> None:
        self._ask("typing", room)

    def interfaces(self) -> list[tuple[str, str]]:
        return self.present

    async def doctor(self) -> Report:
        self._ask("doctor")
        if self.before_report is not None:
            await self.before_report.wait()
        return self.report

    async def close(self) -> None:
        self._ask("close")
        self.closed = True
        for subscription in self.subscriptions:
            subscription.close()
