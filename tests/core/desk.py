"""One replica on a desk: its disk does what it is told, others speak to it by hand, and all that it decides can be looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random
from typing import TypeVar

from peertalk.core import wire
from peertalk.core.effects import Close, Commit, Effect, LoadBodies, LoadPages, Send
from peertalk.core.entry import Content, Text, decode_header, open_body
from peertalk.core.exchange import Place
from peertalk.core.identity import Identity
from peertalk.core.outlet import Now
from peertalk.core.room import Room
from peertalk.core.rooms import direct_room
from peertalk.core.stored import PutProfile, RoomRecord, Snapshot
from peertalk.core.sync import Replica
from tests.core.authors import ROOM, START, Author
from tests.model_store import ModelStore

E = TypeVar("E")
M = TypeVar("M")


class Desk:
    """`replica` with its `disk`. Commits are synced at once, unless `slow`: then `sync` does it."""

    def __init__(self, name: str = "anna", *, room: RoomRecord | None = ROOM, on_disk: bool = True, slow: bool = False) -> None:
        self.name, self.on_disk, self.slow = name, on_disk, slow
        self.random = Random(f"desk {name}").randbytes
        seed = self.random(32)
        self.identity = Identity.from_seed(seed)
        self.me = self.identity.public
        self.disk = ModelStore()
        self.disk.apply(PutProfile("identity", seed))
        self.disk.apply(PutProfile("name", name.encode()))
        self.mono, self.wall = 1000.0, START
        self.effects: list[Effect] = []
        self.tokens: list[int] = []
        self.links = 0
        self.start()
        if room is not None:
            self.do(lambda replica: replica.join(room, self.now))

    # ── living ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def start(self, snapshot: Snapshot | None = None) -> None:
        """(Re)start from what is on disk."""
        self.tokens.clear()
        self.replica = Replica(
            self.identity, snapshot or self.disk.snapshot(), disk=self.on_disk, random=self.random, now=self.now
        )
        self.do(lambda _: None)

    def crash(self, reached: int = 0) -> None:
        """Power loss, then a start."""
        self.disk.crash(reached)
        self.start()

    @property
    def now(self) -> Now:
        return Now(self.mono, self.wall)

    def do(self, call: Callable[[Replica], object]) -> list[Effect]:
        """One input; what followed from it, all that was carried out included."""
        before = len(self.effects)
        try:
            call(self.replica)
        finally:
            self._carry_out()
        return self.effects[before:]

    def _carry_out(self) -> None:
        waiting = self.replica.drain(self.now)
        while waiting:
            self.effects.extend(waiting)
            for effect in waiting:
                self._one(effect)
            waiting = [effect for effect in self.replica.drain(self.now) if type(effect).__name__ != "Wake"]

    def _one(self, effect: Effect) -> None:
        match effect:
            case Commit(token, ops):
                self.disk.commit(ops)
                self.tokens.append(token)
                if not self.slow:
                    self._sync_one()
            case LoadPages(token, room, numbers):
                self.replica.loaded(token, self.disk.pages(room, numbers), self.now)
            case LoadBodies(token, room, entries):
                self.replica.loaded_bodies(token, self.disk.bodies(room, entries), self.now)

    def _sync_one(self) -> None:
        self.disk.sync(1)
        self.replica.committed(self.tokens.pop(0), self.now)

    def sync(self, count: int | None = None) -> list[Effect]:
        """The oldest commits (all) are on disk; what followed."""

        def carry_on(_: Replica) -> None:
            for _number in range(len(self.tokens) if count is None else count):
                self._sync_one()

        return self.do(carry_on)

    def later(self, seconds: float) -> list[Effect]:
        """Time passes, with a tick whenever one was asked for."""
        end, before = self.mono + seconds, len(self.effects)
        while self.replica.wake() <= end:
            self._move_to(max(self.mono, self.replica.wake()) + 0.001)
            self.do(lambda replica: replica.tick(self.now))
        self._move_to(end)
        return self.effects[before:]

    def _move_to(self, mono: float) -> None:
        self.wall += round((mono - self.mono) * 1000)
        self.mono = mono

    # ── others ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def up(self, peer: Author, *rooms: bytes) -> int:
        """A link to somebody, rooms proven; the number of the link."""
        self.links += 1
        self.do(lambda replica: replica.link_up(self.links, peer.public, rooms or (ROOM.id,), self.now))
        return self.links

    def down(self, link: int) -> list[Effect]:
        return self.do(lambda replica: replica.link_down(link, self.now))

    def hear(self, link: int, *messages: wire.Message) -> list[Effect]:
        """These messages come over a link. Raises what the replica raises."""
        before = len(self.effects)
        for message in messages:
            raw = wire.encode(message)
            self.do(lambda replica, raw=raw: replica.received(link, raw, self.now))
        return self.effects[before:]

    def meet(self, peer: Author, *tips: bytes, rooms: Iterable[bytes] = (), disk: bool = True) -> int:
        """A link on which everything is said: cards, what the peer has. The number of the link."""
        link = self.up(peer, *rooms)
        self.hear(link, peer.card(), wire.Have(peer.room, bytes(32), len(tips), disk))
        self.hear(link, wire.Tips(peer.room, tips, fresh=True, last=True, disk=disk))
        return link

    # ── looking ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def say(self, text: str, room: bytes = ROOM.id) -> list[Effect]:
        return self.do(lambda replica: replica.send(room, Text(text), self.now))

    def send(self, content: Content, room: bytes = ROOM.id) -> bytes:
        messages: list[bytes] = []
        self.do(lambda replica: messages.append(replica.send(room, content, self.now)))
        return messages[0]

    @property
    def place(self) -> Place:
        return self.replica.places[ROOM.id]

    @property
    def room(self) -> Room:
        return self.place.room

    def direct(self, peer: Author) -> RoomRecord:
        return direct_room(self.identity, peer.public, self.wall, shown=True)

    def texts(self, room: bytes = ROOM.id) -> list[bytes]:
        """The message ids of the texts as shown, from disk."""
        return [entry.message for entry in self.disk.entries(room, ("text",), 1_000_000)]


def of(kind: type[E], effects: Iterable[object]) -> list[E]:
    """The effects of this kind."""
    return [effect for effect in effects if isinstance(effect, kind)]


def sent(kind: type[M], effects: Iterable[object], link: int | None = None) -> list[M]:
    """The messages of this kind that were sent (over this link); as a `Page` also each that was one of several."""
    messages = (effect.message for effect in of(Send, effects) if link is None or effect.link == link)
    each = (page for message in messages for page in (message.each() if isinstance(message, wire.Pages) else (message,)))
    return [message for message in (messages if kind is wire.Pages else each) if isinstance(message, kind)]


def closed(effects: Iterable[object]) -> list[tuple[int, str]]:
    """The links that are to be closed, and why."""
    return [(effect.link, effect.reason) for effect in of(Close, effects)]


def said(effects: Iterable[object], link: int) -> list[object]:
    """What left in pages over a link."""
    pages = sent(wire.Page, effects, link)
    return [
        open_body(decode_header(raw).kind, body or b"")
        for page in pages
        for raw, body in zip(page.headers, page.bodies, strict=True)
    ]
