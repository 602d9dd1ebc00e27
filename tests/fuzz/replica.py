"""A replica among people who do anything: nothing but a RemoteError, and at the end all that it knows is what its disk says."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from peertalk.core import wire
from peertalk.core.cards import GIVEN, GIVEN_TOGETHER
from peertalk.core.effects import Arrived, Effect, Send
from peertalk.core.entry import decode_header, hash32, verify_page
from peertalk.core.lineage import speaks_for
from peertalk.core.log import Log
from peertalk.core.rates import MAX_QUOTAS
from peertalk.core.room import NOTHING, Room
from peertalk.core.rooms import bodies_expire_after
from peertalk.core.sharing import MAX_PARKED, MAX_WANTED
from peertalk.core.stored import KEPT_KINDS, PutPage, RoomSnapshot
from tests.core.authors import ROOM, Author
from tests.core.desk import Desk, of
from tests.fuzz.choices import Choices
from tests.fuzz.crowd import Crowd

ACTION = 10
MOST_ACTIONS = 60
"""Bytes that an action is chosen by, and actions in a run: a byte put in or taken out moves none but the last ones."""


def replica(data: bytes) -> None:
    """Each few bytes are something that somebody does."""
    whole = Choices(data)
    actions = []
    while whole.more and len(actions) < MOST_ACTIONS:
        actions.append(whole.take(ACTION))
    play(actions)


def play(actions: Iterable[bytes]) -> None:
    """One action after another; then everything is as it should be."""
    crowd = Crowd()
    for action in actions:
        crowd.act(Choices(action))
        check_bounds(crowd.desk)
    effects = crowd.rest()
    check_sent(effects)
    check_disk(crowd.desk, effects)
    crowd.desk.crash()
    check_disk(crowd.desk, effects)
    check_works(crowd.desk)


def check_bounds(desk: Desk) -> None:
    """What others can make it keep is bounded."""
    replica = desk.replica
    assert len(replica.links) <= 3
    assert len(replica._out.intake._quotas) <= MAX_QUOTAS
    for place in replica.places.values():
        room = place.room
        assert room.sharings.keys() <= replica.links.keys()
        assert max(room.cards._given.values(), default=0) <= GIVEN + GIVEN_TOGETHER
        for sharing in room.sharings.values():
            assert len(sharing.wanted) <= MAX_WANTED
            assert len(sharing.parked) <= MAX_PARKED
            assert len(sharing.pending) <= room.log.count
            assert sum(map(len, sharing.holds.values())) <= room.log.count


def check_sent(effects: list[Effect]) -> None:
    """Whatever it sends another one takes."""
    for raw, said in {wire.encode(effect.message): effect.message for effect in of(Send, effects)}.items():
        assert len(raw) <= wire.MAX_MESSAGE
        assert wire.decode(raw) == said


def check_disk(desk: Desk, effects: list[Effect]) -> None:
    """All is done that was begun, and memory and disk agree."""
    outlet = desk.replica._out
    assert not desk.tokens
    assert (outlet._commits, outlet._pages, outlet._bodies) == ({}, {}, {}), "nobody reports these any more"
    stored = {room.record.id: room for room in desk.disk.snapshot().rooms}
    assert stored.keys() == desk.replica.places.keys()
    for id_, place in desk.replica.places.items():
        check_log(place.room.log, stored[id_])
        check_entries(desk, place.room)
        check_claim(desk, place.room, stored[id_])
        check_deleted(desk, place.room, stored[id_])
        check_people(place.room)
    told = {entry.id for arrived in of(Arrived, effects) for entry in arrived.entries}
    kept = {entry.id for put in _put_pages(effects) for entry in put.record.entries}
    assert told <= kept


def _put_pages(effects: list[Effect]) -> list[PutPage]:
    return [op for effect in effects for op in getattr(effect, "ops", ()) if isinstance(op, PutPage)]


def check_log(log: Log, stored: RoomSnapshot) -> None:
    """The history is that on the disk, and each entry rests on one before it."""
    assert [(page.number, page.feed, page.prev, page.entries) for page in log.pages] == [
        (page.number, page.feed, page.prev, page.entries) for page in stored.pages
    ]
    seen: dict[bytes, tuple[bytes, int]] = {b"": (b"", 0)}
    for number, page in enumerate(log.pages):
        assert page.number == number
        prev = page.prev
        for id_, seq, _ in page.entries:
            assert seen[prev][1] == seq - 1
            assert seen[prev][0] in (b"", page.feed)
            assert id_ not in seen
            seen[id_] = page.feed, seq
            prev = id_
    assert log.count == len(log.index) == len(seen) - 1


def check_entries(desk: Desk, room: Room) -> None:
    """What settled is what the specification lets settle, whatever came before what."""
    lamport = {b"": 0}
    for page in desk.disk.pages(room.id, range(len(room.log.pages))):
        for entry in page.entries:
            header = decode_header(entry.header)
            assert (header.room, header.feed, header.seq) == (room.id, page.feed, entry.seq)
            assert hash32(entry.header) == entry.id
            assert header.lamport == entry.lamport == 1 + max(lamport[id_] for id_ in (header.prev, *header.after))
            assert entry.body is None or hash32(entry.body) == header.body
            lamport[entry.id] = entry.lamport
        assert verify_page(page.feed, page.entries[-1].id, page.signature)


def check_claim(desk: Desk, room: Room, stored: RoomSnapshot) -> None:
    """What is claimed follows from the disk alone: the tips (no page goes on from them), what is absent, the digest."""
    named = {page.prev for page in stored.pages}
    tips = sorted(page.entries[-1][0] for page in stored.pages if page.entries[-1][0] not in named)
    assert sorted(room.held) == sorted(room.log.tips()) == tips
    lacking = {one.id for one in stored.absent}
    assert set(room.bodies.absent) <= lacking
    assert {id_ for id_ in lacking if not _is_expired(desk, room, id_)} <= set(room.bodies.absent)
    digest = hashlib.blake2b(b"".join(tips), digest_size=32, person=b"peertalk/1 have").digest()
    assert room.digest() == (NOTHING if room.bodies.absent else digest)


def check_deleted(desk: Desk, room: Room, stored: RoomSnapshot) -> None:
    """Of what its author has deleted there is nothing left."""
    pages = desk.disk.pages(room.id, range(len(room.log.pages)))
    entries = [entry for page in pages for entry in page.entries if entry.kind not in KEPT_KINDS]
    for message, feed in stored.deletions:
        meant = speaks_for(feed, room.members.older)
        assert {entry.gone for entry in entries if entry.message == message and entry.feed in meant} <= {"deleted"}
        assert all(entry.body is None for entry in entries if entry.gone)


def check_people(room: Room) -> None:
    """Whoever is shown has a card, is linked, or is oneself; who owns a feed said so, or another did."""
    assert room.members.identities() <= room.cards.identities()
    for identity in room.everyone():
        assert isinstance(room.members.name(identity), str)
        assert room.cards.feeds(identity) <= room.cards.listed(identity)
    for feed in room.log.chains:
        owner = room.cards.owner(feed)
        assert owner is None or feed in room.cards.listed(owner.identity)
        assert owner is None or owner.via or feed in dict(room.cards.records[owner.identity, b""].feeds)


def _is_expired(desk: Desk, room: Room, id_: bytes) -> bool:
    limit = bodies_expire_after(room.record)
    (page,) = desk.disk.pages(room.id, (room.log.index[id_].number,))
    entry = next(entry for entry in page.entries if entry.id == id_)
    if limit is None or entry.kind in KEPT_KINDS:
        return False
    return min(entry.time, entry.received) < desk.wall - limit


def check_works(desk: Desk) -> None:
    """After all of that somebody new comes, is heard and hears."""
    desk.do(lambda replica: replica.join(ROOM, desk.now))
    eve = Author("eve")
    before = len(desk.texts())
    link = desk.meet(eve)
    desk.hear(link, eve.arrives(), eve.says("hello"))
    desk.say("hello eve")
    assert len(desk.texts()) >= before + 2
