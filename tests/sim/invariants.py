"""What must hold in a world: at every moment (claims), and at rest (everything else)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from itertools import count

from peertalk.core.annotations import Folded, fold, target
from peertalk.core.entry import Story, Text, decode_header, hash32, open_body
from peertalk.core.outlet import AT_ONCE
from peertalk.core.room import Room
from peertalk.core.stored import ANNOTATIONS, EntryRecord, PageRecord, RoomSnapshot
from tests.core.authors import ROOM
from tests.sim.mallory import Mallory
from tests.sim.network import Violation
from tests.sim.world import Host

CHUNK = 64

# ── at every moment ──────────────────────────────────────────────────────────────────────────────────────────────────


class Claims:
    """Whatever somebody was said to have on disk, it has on disk; but for those who lost or forgot it since. What was looked at is not
    looked at again before something changes."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str, bytes, bytes], tuple[int, int, int]] = {}

    def check(self, honest: list[Host], excused: Collection[bytes]) -> None:
        by_identity = {host.identity.public: host for host in honest if host.identity.public not in excused}
        for host in honest:
            for place in host.replica.places.values() if host.replica is not None else ():
                for (feed, identity, _disk), seq in place.room.claims.items():
                    other = by_identity.get(identity)
                    if other is not None and self._is_news(host, other, place.room.id, feed, seq):
                        check_claim(host, other, place.room.id, feed, seq)

    def _is_news(self, host: Host, other: Host, room: bytes, feed: bytes, seq: int) -> bool:
        key, now = (host.name, other.name, room, feed), (seq, host.version, other.version)
        before, self._seen[key] = self._seen.get(key), now
        return before != now


def check_claims(honest: list[Host], excused: Collection[bytes]) -> None:
    Claims().check(honest, excused)


def check_claim(host: Host, other: Host, room: bytes, feed: bytes, seq: int) -> None:
    """Each entry of the feed up to `seq` that `host` has, of whatever branch, counts as delivered to `other`."""
    has = held(other, room, feed)
    if max(has.values()) < seq:
        raise Violation(f"{other.name} does not have {feed.hex()[:8]} up to {seq}")
    mine = (entry for page in pages(host, room) if page.feed == feed for entry in page.entries if entry.seq <= seq)
    lacks = [entry.seq for entry in mine if entry.id not in has]
    if lacks:
        raise Violation(f"{other.name} does not have {lacks} of {feed.hex()[:8]} as {host.name} has it")


def held(host: Host, room: bytes, feed: bytes) -> dict[bytes, int]:
    """What this host has of a feed on disk with all before it in its branch, bodies included: id → seq."""
    found = {b"": 0}
    for page in pages(host, room):
        before = page.prev
        for entry in page.entries if page.feed == feed else ():
            if before not in found or (entry.body is None and not entry.gone):
                break
            found[entry.id], before = entry.seq, entry.id
    return found


def pages(host: Host, room: bytes) -> Iterator[PageRecord]:
    """All pages of a room on this disk, in the order in which they settled."""
    for start in count(0, CHUNK):
        some = host.disk.pages(room, range(start, start + CHUNK))
        yield from some
        if len(some) < CHUNK:
            return


def snapshot(host: Host, room: bytes) -> RoomSnapshot | None:
    return next((one for one in host.disk.snapshot().rooms if one.record.id == room), None)


# ── at rest ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def check_rest(up: list[Host], liars: list[Mallory], copied: Collection[bytes], lost: Collection[bytes]) -> None:
    """All the same, all complete, nothing twice, nothing waiting, no link lost to a supposed mistake of an honest peer."""
    lies = {feed for liar in liars for feed in liar.liar.feeds}
    for host in up:
        blamed = [(other.name, why) for other, why in host.closed if not isinstance(other, Mallory) and why != "forgotten"]
        if blamed:
            raise Violation(f"{host.name} closed a link to an honest peer: {blamed}")
    for room in sorted({room for host in up for room in rooms(host)}):
        check_same([host for host in up if room in rooms(host)], room)
    authors = {feed: host.identity.public for host in up for feed in host.wrote}
    for host in up:
        check_answered(host, lies, is_whole=host.identity.public not in {*copied, *lost})
        check_heard(host, up, liars)
        check_forks(room_of(host), lies, copied)
        check_owners(room_of(host), authors, lies)
        if not host.may_renew and host.identity.public not in {*copied, *lost} and len(room_of(host).keys) != 1:
            raise Violation(f"{host.name} has begun new feeds for no reason")
        check_rules(host)
        check_nothing_under_way(host)
    check_folded(up, authors)


def rooms(host: Host) -> set[bytes]:
    assert host.replica is not None
    return set(host.replica.places)


def room_of(host: Host, room: bytes = ROOM.id) -> Room:
    assert host.replica is not None
    return host.replica.places[room].room


def check_same(hosts: list[Host], room: bytes) -> None:
    """Among those who are linked, by way of others too: the same entries with the same bodies in the same order, and nothing waits."""
    for group in groups(hosts):
        doubtful = group[0].world.doubtful_feeds()
        first = shapes(group[0], room, doubtful)
        for host in group:
            mine = shapes(host, room, doubtful)
            if mine != first:
                raise Violation(f"{host.name} and {group[0].name} differ: {len(mine)} and {len(first)} entries")
            if set(room_of(host, room).log.tips()) != set(room_of(group[0], room).log.tips()):
                raise Violation(f"{host.name} and {group[0].name} have other tips")
            inside = snapshot(host, room)
            if room_of(host, room).ready() and (inside is None or inside.outbox or room_of(host, room).outbox):
                raise Violation(f"something still waits at {host.name}")


def groups(hosts: list[Host]) -> list[list[Host]]:
    """Who is linked with whom, by way of these."""
    found: list[list[Host]] = []
    for host in hosts:
        linked = {other for ends in host.world.links.values() if host in ends for other in ends}
        near = [group for group in found if linked.intersection(group)]
        found = [group for group in found if group not in near] + [[host, *(one for group in near for one in group)]]
    return found


def shapes(host: Host, room: bytes, doubtful: Collection[bytes]) -> list[tuple[bytes, bytes, bytes | None]]:
    """What is there; but for edits in `doubtful` feeds that are erased: who deletes a message and doesn't know of them can't name them,
    and who comes later can't tell what they were about."""
    entries = (entry for entry in host.entries(room) if entry.body or entry.kind != "edit" or entry.feed not in doubtful)
    return [(entry.id, entry.message, entry.body) for entry in entries]


def check_answered(host: Host, lies: Collection[bytes], *, is_whole: bool) -> None:
    """What was answered is there, or waits where nobody else is; once, unless it was copied, or set back, while it waited."""
    counts = {room: Counter(texts(host.entries(room), lies)) for room in rooms(host)}
    waiting = {room: Counter(texts_that_wait(host, room)) for room in rooms(host) if not room_of(host, room).ready()}
    for room, text in sorted(host.answered):
        found = counts[room][text] + waiting.get(room, Counter())[text] if room in counts else 0
        if found == 0 or (found > 1 and is_whole):
            raise Violation(f"{text!r} was answered and is there {found} times")


def texts_that_wait(host: Host, room: bytes) -> Iterable[str]:
    contents = (open_body(one.kind, one.body) for one in room_of(host, room).outbox)
    return [content.text for content in contents if isinstance(content, Text | Story)]


def texts(entries: Iterable[EntryRecord], lies: Collection[bytes]) -> Iterable[str]:
    """What was said, but in the feeds of the liar, who repeats others."""
    for entry in entries:
        content = open_body(entry.kind, entry.body or b"")
        if isinstance(content, Text | Story) and entry.feed not in lies:
            yield content.text


def check_heard(host: Host, honest: list[Host], liars: list[Mallory]) -> None:
    """Whatever an honest one says of where somebody is, is so; but for liars, who may say anything of themselves."""
    places = {(one.identity.public, one.address, one.port) for one in honest}
    unknown = {liar.identity.public for liar in liars}
    for by, who, address, port in host.heard:
        if not isinstance(by, Mallory) and who not in unknown and (who, address, port) not in places:
            raise Violation(f"{by.name} told {host.name} a wrong address of {who.hex()[:8]}")
        if who in (host.identity.public, by.identity.public):
            raise Violation(f"{host.name} takes hearsay about itself, or about {by.name} from {by.name}")


def check_owners(room: Room, authors: dict[bytes, bytes], lies: Collection[bytes]) -> None:
    """Nobody is taken for somebody else: no liar for one who is here, and none of these for another."""
    honest = set(authors.values())
    for feed in room.log.chains:
        owner = room.cards.owner(feed)
        if owner is None:
            continue
        if feed in authors and authors[feed] != owner.identity:
            raise Violation(f"{feed.hex()[:8]} is shown as of somebody else")
        if feed in lies and honest.intersection((owner.identity, *owner.others)):
            raise Violation(f"{feed.hex()[:8]} of a liar is shown as of somebody who is here")


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
    lamports: dict[bytes, int] = {}
    for entry in (entry for page in pages(host, ROOM.id) for entry in page.entries):
        header = decode_header(entry.header)
        named = [id_ for id_ in (header.prev, *header.after) if id_]
        if header.lamport != 1 + max((lamports.get(id_, 2**60) for id_ in named), default=0):
            raise Violation(f"{host.name} has an entry with a wrong Lamport time")
        if entry.body is not None and hash32(entry.body) != header.body:
            raise Violation(f"{host.name} has a wrong body")
        lamports[hash32(entry.header)] = header.lamport


def check_nothing_under_way(host: Host) -> None:
    """Nothing of what was begun was never ended: no commit, no reading, no answer, nothing that would be told."""
    assert host.replica is not None
    out = host.replica._out
    if out._commits or out._pages or out._bodies or out.unwritten:
        raise Violation(f"{host.name} waits for its disk for ever")
    if out.turns._waiting or out.turns._free != AT_ONCE:
        raise Violation(f"{host.name} answers for ever")
    if any(sharing.pending for place in host.replica.places.values() for sharing in place.room.ready()):
        raise Violation(f"{host.name} has something to tell for ever")


# ── what is said about messages ──────────────────────────────────────────────────────────────────────────────────────


def check_folded(up: list[Host], authors: dict[bytes, bytes]) -> None:
    """All messages say the same on all screens, whatever was said about them and when it came."""
    for group in groups(up):
        first = folded(group[0], authors)
        for host in group:
            if folded(host, authors) != first:
                raise Violation(f"{host.name} and {group[0].name} show edits, deletions or gestures differently")


def folded(host: Host, authors: dict[bytes, bytes]) -> dict[bytes, Folded]:
    """Message id → what is shown of it, of the messages about which something was said."""
    entries = host.disk.entries(ROOM.id, ("text", "story"), 1_000_000)
    about: dict[bytes, list[EntryRecord]] = {}
    for one in host.disk.entries(ROOM.id, ANNOTATIONS, 1_000_000):
        about.setdefault(target(one.kind, one.body), []).append(one)
    older = room_of(host).members.older
    return {
        entry.message: fold(entry, about[entry.message], older, lambda feed: authors.get(feed, b""))
        for entry in entries
        if entry.message in about
    }
