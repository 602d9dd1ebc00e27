"""What a node is made of, and how it begins and ends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any

import msgspec
from nacl import pwhash

from peertalk import text
from peertalk.config import Settings
from peertalk.core import events
from peertalk.core.effects import Arrived, Claimed, Notice, Placed, Presence, Queued, RoomWent, Seek, Spare, TrustNotice
from peertalk.core.entry import Random
from peertalk.core.identity import Identity
from peertalk.core.outlet import Now
from peertalk.core.room import Room
from peertalk.core.rooms import LOBBY, OPEN_SALT, open_room
from peertalk.core.stored import Op, PutProfile, RoomRecord, Snapshot
from peertalk.core.sync import Replica
from peertalk.node import dialing, keyring
from peertalk.node.acquaintances import Rank
from peertalk.node.admission import Admission
from peertalk.node.comparing import Comparing
from peertalk.node.connector import Connector
from peertalk.node.dialer import Dialer
from peertalk.node.engine import Engine
from peertalk.node.entrance import Entrance
from peertalk.node.hearsay import Hearsay
from peertalk.node.interfaces import Interface, Place, Sources, Watch, canonical, check, listenable, look, on_link, usable
from peertalk.node.link import Link, dial
from peertalk.node.links import Links
from peertalk.node.listener import EVERYWHERE, Listener
from peertalk.node.lookup import Lookup
from peertalk.node.message_views import SPOKEN_KINDS
from peertalk.node.news import News
from peertalk.node.people import People
from peertalk.node.ports import Advertisement, Clock, Discovery, Store
from peertalk.node.targets import Endpoint
from peertalk.node.trust import Trust
from peertalk.node.views import Views

log = logging.getLogger("peertalk.node")

DIAL_SECONDS = 5.0
CLOSE_SECONDS = 1.0
_SAID = frozenset((Arrived, Claimed, Placed, Queued))
"""Notices about messages alone: nobody is somebody else after them."""
_ARGON_OPS, _ARGON_MEMORY = 3, 64 * 1024 * 1024


def open_secret(name: str) -> bytes:
    """The secret of the open room of this normalised name: Argon2id, some tens of milliseconds (docs/protocol.md, "Rooms")."""
    return pwhash.argon2id.kdf(32, name.encode(), OPEN_SALT, opslimit=_ARGON_OPS, memlimit=_ARGON_MEMORY)


class Life:
    """The parts of a running node, from start to end; one owner of all tasks. The API over it is node.Node."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        snapshot: Snapshot,
        discovery: Discovery | None,
        clock: Clock,
        random: Random,
    ) -> None:
        self.settings = settings
        self.store, self.discovery, self.clock, self.random = store, discovery, clock, random
        self.identity = Identity.from_seed(snapshot.identity)
        self.replica = Replica(self.identity, snapshot, disk=store.durable, random=random, now=self.now())
        self._source = source = Sources(clock)
        self._place = Place()
        self.dialer = Dialer(self._instance, source=source, random=random)
        self.people = People(snapshot.peers, self.replica, store, clock, self.dialer.is_linked)
        self.views = Views(self.replica, self.people.records, self.people.is_known)
        self.lookup = Lookup(self.replica, self.views, self.people.records)
        self.news = News(self.replica, store, self.views, blocked=self.people.blocked, count=self.count_unread)
        self.trust = Trust(self.replica, self.people, self.views, clock, self.news.publish)
        self.links = self._make_links()
        self.hearsay = self._make_hearsay()
        self.engine = Engine(
            self.replica,
            store,
            clock,
            self.links.lines,
            tell=self._tell,
            learn=self.hearsay.learn,
            arrange=self._arrange,
            fail=self._disk_failed,
        )
        self.replica.crowds.is_known, self.replica.crowds.is_ignored = self._is_known, self.people.is_blocked
        self.links.engine = self.engine
        self.comparing = Comparing(self.replica, self.views, self.news, self.now, self.engine.turn)
        self.links.on_double = self._warn_double
        self.links.on_replaced = self.news.comings.returns
        self.connector = Connector(self.dialer, clock, self.links.outgoing)
        self.entrance = Entrance(
            self.replica, self.links, self.dialer, self.news, clock, random, source=source, enter=self.enter
        )
        self.entrance.elsewhere = self._elsewhere
        self.listener = Listener(self.links.incoming, source, random, more=self.entrance.inviting.expected)
        self._tasks: set[asyncio.Task[None]] = set()
        self._counting = asyncio.Lock()
        self._closing: asyncio.Task[None] | None = None
        store.failed = self._disk_failed
        self.failure: BaseException | None = None
        """Why the node ended by itself: the disk failed."""

    def _make_links(self) -> Links:
        return Links(
            self.replica,
            self.identity,
            self.dialer,
            self.clock,
            self.random,
            admission=Admission(self.people.acquaintances, self._source),
            is_blocked=self.people.is_blocked,
            met=self.people.met,
        )

    def _make_hearsay(self) -> Hearsay:
        return Hearsay(
            self.dialer,
            self.clock,
            self.links.lines,
            self.identity.public,
            interfaces=lambda: usable(self._source.present(), self.settings.interfaces),
            is_blocked=self.people.is_blocked,
            met=self.people.met,
        )

    # ── start and end ────────────────────────────────────────────────────────────────────────────────────────────────

    async def start(self, snapshot: Snapshot, token_home: Path | None) -> None:
        """Listen, advertise, be in the lobby unless that is off."""
        if token_home is not None:
            await self._renew_token(token_home, snapshot.token)
        if self.settings.name and text.name(self.settings.name) != text.name(snapshot.name):
            await self.set_name(text.name(self.settings.name))
        await self._lobby()
        await self.committed()  # what is to be forgotten is gone before anybody can look or ask
        self.people.forget_strangers()
        for room in self.lookup.rooms():
            await self.count_unread(room)
        self.engine.turn()
        await self._listen()  # not before: who comes is told what rooms there are
        self.hearsay.port = self.listener.port
        self.replica.listen(self.listener.port)
        if self.discovery is not None:
            await self.discovery.start(self.listener.port, self._found, self.dialer.lost, self._jumped)
        else:
            self._spawn(Watch((), self.clock).follow(self._jumped))
        for host, port in self.settings.connect:
            self.dialer.keep(canonical(host), port, self.clock.mono())
        self._is_elsewhere()  # from here on
        self._remember()
        self._spawn(dialing.run(self.dialer, self._connect, self.clock))
        self.news.publish(events.Ready(identity=self.views.me))

    async def _renew_token(self, home: Path, old: bytes) -> None:
        """Go on with new feeds if this profile was restored or copied, and mark it anew. For the order see keyring.py."""
        token = self.random(16)
        if await asyncio.to_thread(keyring.is_copy, home, old):
            log.warning("this profile was restored or copied: new feeds")
            self.replica.retire_all(self.now())
        await asyncio.to_thread(keyring.write_token, home, token, old)
        await self.committed(PutProfile("token", token))
        await asyncio.to_thread(keyring.write_token, home, token)

    async def _listen(self) -> None:
        """Where interfaces are named, at their addresses and nowhere else. StartError, as Listener and interfaces.check."""
        wanted, present = self.settings.interfaces, look()
        check(present, wanted)
        await self.listener.start(self.settings.port, listenable(present, wanted) if wanted else EVERYWHERE)

    async def _lobby(self) -> None:
        lobby = next((room for room in self.lookup.rooms() if room.record.name == LOBBY and room.record.kind == "open"), None)
        if self.settings.lobby and lobby is None:
            await self.join_open(LOBBY)
        elif not self.settings.lobby and lobby is not None:
            self.replica.leave(lobby.id, self.now(), forget=False)

    async def close(self) -> None:
        """Everything that was said is on disk, everybody is told, nothing runs any more. May be repeated."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(), name="peertalk closing")
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        await self.connector.close()
        await self.entrance.close()
        self.comparing.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.listener.close()
        await self._settle()
        await self._say_goodbye()
        await self._settle()
        self.engine.stop()
        self.news.close()
        await self.store.close()

    async def _say_goodbye(self) -> None:
        """To everybody, but nobody holds the end up for long."""
        parts = [self.links.close()] + ([self.discovery.close()] if self.discovery is not None else [])
        _, late = await asyncio.wait([asyncio.ensure_future(part) for part in parts], timeout=CLOSE_SECONDS)
        for part in late:
            part.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    async def _settle(self) -> None:
        if self.failure is None:
            self.replica.flush()
            await self.engine.settled()

    def _disk_failed(self, error: BaseException) -> None:
        """Nothing can be promised any more: no answer, no acknowledgement, no link."""
        if self.failure is None:
            self.failure = error
            log.error("the database failed: %s", error)
            self.news.answers.fail(error)
            self._closing = self._closing or asyncio.create_task(self._close(), name="peertalk closing")

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a task has failed: %s", type(error).__name__)  # no text: it could be that of others

    def now(self) -> Now:
        """The time, as the core takes it."""
        return Now(self.clock.mono(), self.clock.wall())

    # ── what several calls need ──────────────────────────────────────────────────────────────────────────────────────

    async def set_name(self, name: str) -> None:
        """Be called so (a name fit to be shown) in all rooms from now on."""
        self.replica.rename(name, self.now())
        self.engine.turn()
        await self.store.commit((PutProfile("name", name.encode()),))

    async def join_open(self, name: str) -> Room:
        """Be in the open room of this normalised name."""
        for room in self.lookup.rooms():
            if room.record.kind == "open" and room.record.name == name:
                return room
        secret = await asyncio.to_thread(open_secret, name)
        return await self.enter(open_room(name, secret, self.clock.wall()))

    async def enter(self, record: RoomRecord) -> Room:
        """Be in this room from now on; on disk when this returns, if it is one that is kept."""
        self.replica.join(record, self.now())
        await self.committed()
        self.dialer.changed_rooms(self.clock.mono())
        return self.replica.places[record.id].room

    async def count_unread(self, room: Room) -> int:
        """Count anew how many messages of others were not read yet; the number. What arrives meanwhile is counted on top: the
        count is of what was told so far."""
        blocked = self.people.blocked()
        listed = {feed for identity in blocked for feed in room.cards.listed(identity)}
        hidden = {feed for feed in listed if room.cards.is_of(feed, blocked)}
        async with self._counting:
            self.engine.drain()
            self.news.unread[room.id] = 0
            without, pages = room.own_feeds() | hidden, room.durable
            counted = await self.store.unread(room.id, room.record.read, SPOKEN_KINDS, without, pages)
            self.news.unread[room.id] += counted  # not in one step with the wait: more may have come during it
            return self.news.unread[room.id]

    async def committed(self, *ops: Op) -> None:
        """Wait until what was put into the replica is on disk, and then these operations."""
        self.engine.drain()
        await self.store.commit(ops)

    # ── finding and dialling ─────────────────────────────────────────────────────────────────────────────────────────

    def _instance(self) -> str:
        return self.discovery.instance if self.discovery is not None else ""

    def _found(self, advertisement: Advertisement) -> None:
        self.dialer.found(advertisement, self.clock.mono())

    def _jumped(self) -> None:
        now = self.now()
        self.replica.do_chores(now)
        self.engine.turn()
        present = self._source.look_again()
        if self.settings.interfaces:
            self._spawn(self.listener.follow(listenable(present, self.settings.interfaces)))
        self.links.hang_up_moved({str(address.ip) for one in present for address in one.addresses})
        if self._is_elsewhere():
            self.dialer.carried(lambda host: on_link(host, present))
        self.dialer.jump(now.mono)
        self._remember()

    def present(self) -> tuple[Interface, ...]:
        """The interfaces that there are now."""
        return self._source.present()

    def _is_elsewhere(self) -> bool:
        return self._place.left(usable(self._source.present(), self.settings.interfaces))

    def _remember(self) -> None:
        for identity, (host, port) in self.people.whereabouts(self._source.present()):
            self.dialer.remember(host, port, identity, self.clock.mono())

    def _elsewhere(self) -> list[Endpoint]:
        """What a person asked for, and where people were of late who could not be reached there since."""
        return [*self.connector.asked, *(place for _, place in self.people.whereabouts(self._source.present()))]

    async def _connect(self, target: str, host: str, port: int) -> Link:
        return await dial(host, port, lambda: self.links.outgoing(target), DIAL_SECONDS)

    def _tell(self, notices: Sequence[Notice]) -> None:
        with self.views.still():
            for notice in notices:
                try:
                    self._tell_one(notice)
                except Exception as error:  # noqa: BLE001 - a mistake of ours in one must not cost others an answer
                    log.error("%s was not told: %s", type(notice).__name__, type(error).__name__)  # noqa: TRY400 - no text of others

    def _tell_one(self, notice: Notice) -> None:
        if type(notice) in _SAID:
            self.news.tell(notice)
        else:
            self._tell_of_people(notice)
            self.views.anew()

    def _tell_of_people(self, notice: Notice) -> None:
        if isinstance(notice, RoomWent) and notice.forgotten:
            self.people.forget_strangers()
        elif isinstance(notice, Presence) and notice.online:
            self.people.keep(notice.identity)
        if not isinstance(notice, TrustNotice):
            self.news.tell(notice)
            self.entrance.tell(notice)
        self.trust.tell(notice)
        self.comparing.tell(notice)

    def _arrange(self, effect: Seek | Spare) -> None:
        if isinstance(effect, Seek):
            self.dialer.seek(effect.room, effect.identities, self.clock.mono())
        else:
            self.links.give_up(effect.link)

    def _is_known(self, identity: bytes) -> bool:
        return self.people.acquaintances.rank(identity) == Rank.TRUSTED

    def _warn_double(self) -> None:
        self.news.publish(events.Warning(kind="second_process", text=self.views.me.name))


async def with_identity(store: Store, snapshot: Snapshot, name: str, random: Random) -> Snapshot:
    """The snapshot of a profile that has an identity and a name: a new one gets them, on disk."""
    ops: list[Op] = []
    if not snapshot.identity:
        snapshot = msgspec.structs.replace(snapshot, identity=random(32))
        ops.append(PutProfile("identity", snapshot.identity))
    if not snapshot.name:
        snapshot = msgspec.structs.replace(snapshot, name=text.name(name))
        ops.append(PutProfile("name", snapshot.name.encode()))
    if ops:
        await store.commit(ops)
    return snapshot
