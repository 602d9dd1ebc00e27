"""What must hold in a world: at every moment (claims), and at rest (everything else)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable

from peertalk.core.entry import Text, decode_header, hash32, open_body
from peertalk.core.room import Room
from peertalk.core.stored import EntryRecord, RoomSnapshot
from tests.core.authors import ROOM
from tests.sim.mallory import Mallory
from tests.sim.world import Host, Violation


def check_claims(honest: list[Host], excused: Collection[bytes]) -> None:
    """Whatever somebody was said to have on disk, it has on disk, each own entry too that counts as delivered to it; but for
    those who lost or forgot it since."""
    by_identity = {host.identity.public: host for host in honest if host.identity.public not in excused}
    for host in honest:
        for place in host.replica.places.values() if host.replica is not None else ():
            for (feed, identity, _disk), seq in place.room.claims.items():
                other = by_identity.get(identity)
                if other is None:
                    continue
                has = held(other, place.room.id, feed)
                if max(has.values()) < seq:
                    raise Violation(f"{other.name} does not have {feed.hex()[:8]} up to {seq}")
                lacks = [own for own, id_ in host.wrote.get(feed, {}).items() if own <= seq and id_ not in has]
                if lacks:
                    raise Violation(f"{other.name} does not have {lacks} of {feed.hex()[:8]} as {host.name} wrote it")


def held(host: Host, room: bytes, feed: bytes) -> dict[bytes, int]:
    """What this host has of a feed on disk with all before it in its branch, bodies included: id → seq."""
    inside, found = snapshot(host, room), {b"": 0}
    absent = {one.id for one in inside.absent} if inside is not None else set()
    for page in inside.pages if inside is not None else ():
        before = page.prev
        for id_, seq, _ in page.entries if page.feed == feed else ():
            if before not in found or id_ in absent:
                break
            found[id_], before = seq, id_
    return found


def snapshot(host: Host, room: bytes) -> RoomSnapshot | None:
    return next((one for one in host.disk.snapshot().rooms if one.record.id == room), None)


def check_rest(up: list[Host], honest: list[Host], liar: Mallory | None, copied: Collection[bytes]) -> None:
    """All the same, all complete, nothing twice, nothing waiting, no link lost to a supposed mistake of an honest peer."""
    lies = liar.liar.feeds if liar is not None else set()
    for host in up:
        blamed = [(other.name, why) for other, why in host.closed if other is not liar]
        if blamed:
            raise Violation(f"{host.name} closed a link to an honest peer: {blamed}")
    for room in {room for host in up for room in rooms(host)}:
        check_room([host for host in up if room in rooms(host)], room)
    check_answered(up, honest, lies, copied)
    check_heard(honest, liar)
    for host in up:
        check_forks(room_of(host), lies, copied)
        check_rules(host)


def rooms(host: Host) -> set[bytes]:
    assert host.replica is not None
    return set(host.replica.places)


def room_of(host: Host, room: bytes = ROOM.id) -> Room:
    assert host.replica is not None
    return host.replica.places[room].room


def check_room(hosts: list[Host], room: bytes) -> None:
    """The same entries with the same bodies in the same order everywhere, and nothing waits."""
    first = [shape(entry) for entry in hosts[0].entries(room)]
    for host in hosts:
        mine = [shape(entry) for entry in host.entries(room)]
        if mine != first:
            raise Violation(f"{host.name} and {hosts[0].name} differ: {len(mine)} and {len(first)} entries")
        if set(room_of(host, room).log.tips()) != set(room_of(hosts[0], room).log.tips()):
            raise Violation(f"{host.name} and {hosts[0].name} have other tips")
        inside = snapshot(host, room)
        if inside is None or inside.outbox:
            raise Violation(f"something still waits at {host.name}")


def shape(entry: EntryRecord) -> tuple[bytes, bytes, bytes | None]:
    return entry.id, entry.message, entry.body


def check_answered(up: list[Host], honest: list[Host], lies: Collection[bytes], copied: Collection[bytes]) -> None:
    """What was answered is there; once, unless it was copied while it waited."""
    counts = {room: Counter(texts(host.entries(room), lies)) for host in up for room in rooms(host)}
    for host in honest:
        for room, text in sorted(host.answered):
            found = counts[room][text] if room in counts else 0
            if found == 0 or (found > 1 and host.identity.public not in copied):
                raise Violation(f"{text!r} was answered and is there {found} times")


def texts(entries: Iterable[EntryRecord], lies: Collection[bytes]) -> Iterable[str]:
    """What was said, but in the feeds of the liar, who repeats others."""
    for entry in entries:
        content = open_body(entry.kind, entry.body or b"")
        if isinstance(content, Text) and entry.feed not in lies:
            yield content.text


def check_heard(honest: list[Host], liar: Mallory | None) -> None:
    """Whatever an honest one says of where somebody is, is so; but for the liar, who may say anything of itself."""
    places = {(host.identity.public, host.address, host.port) for host in honest}
    for host in honest:
        for by, who, address, port in host.heard:
            if by is not liar and (liar is None or who != liar.identity.public) and (who, address, port) not in places:
                raise Violation(f"{by.name} told {host.name} a wrong address of {who.hex()[:8]}")
            if who in (host.identity.public, by.identity.public):
                raise Violation(f"{host.name} takes hearsay about itself, or about {by.name} from {by.name}")


def check_forks(room: Room, lies: Collection[bytes], copied: Collection[bytes]) -> None:
    """No honest feed forks but a copied one; and nobody goes on writing into that."""
    for feed, chain in room.log.chains.items():
        owner = room.cards.owner(feed)
        if chain.forked and feed not in lies and (not copied if owner is None else owner.identity not in copied):
            raise Violation(f"{feed.hex()[:8]} is forked")
    current = [key.feed for key in room.keys if key.seed is not None and not key.retiring]
    if len(current) != 1 or room.log.chain(current[0]).forked:
        raise Violation("somebody writes into a feed that another copy wrote into")


def check_rules(host: Host) -> None:
    """Everything that settled is what the rules say, looked at once more with fresh eyes."""
    inside = snapshot(host, ROOM.id)
    assert inside is not None
    lamports: dict[bytes, int] = {}
    for page in host.disk.pages(ROOM.id, range(len(inside.pages))):
        for entry in page.entries:
            header = decode_header(entry.header)
            named = [id_ for id_ in (header.prev, *header.after) if id_]
            if header.lamport != 1 + max((lamports[id_] for id_ in named), default=0):
                raise Violation(f"{host.name} has an entry with a wrong Lamport time")
            if entry.body is not None and hash32(entry.body) != header.body:
                raise Violation(f"{host.name} has a wrong body")
            lamports[hash32(entry.header)] = header.lamport
