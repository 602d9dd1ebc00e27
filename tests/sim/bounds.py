"""What a run may cost: memory and queues at every moment, bytes on the network until all is at rest.

No bound here hangs on what a liar says: each follows from the limits in docs/protocol.md, and from what is held.
"""

from __future__ import annotations

from peertalk.core import cards, introducing, rates, sharing, wire
from peertalk.core import intake as taking
from peertalk.core import room as rooms
from peertalk.core.outlet import AT_ONCE, Outlet
from peertalk.core.room import Room
from peertalk.core.sharing import Sharing
from tests.sim.network import Violation
from tests.sim.world import Host, World


def check_bounds(up: list[Host]) -> None:
    """No queue and no memory of any replica has grown beyond what its limits, and what it holds, account for."""
    for host in up:
        assert host.replica is not None
        places, links = host.replica.places, set(host.replica.links)
        _check_outlet(host, host.replica._out, [place.room for place in places.values()], links)
        for place in places.values():
            _check_room(host, place.room, links)
            _check(host, "cards asked for", len(place.introducing._asked), 2 * introducing.MOST_NAMED)
            for one in place.room.sharings.values():
                _check_sharing(host, place.room, one)


def _check(host: Host, what: str, has: int, most: int) -> None:
    if has > most:
        raise Violation(f"{host.name} keeps too much: {what}: {has} of at most {most}")


def _check_outlet(host: Host, out: Outlet, inside: list[Room], links: set[int]) -> None:
    """What waits for the disk is what the disk was given; one answer for each turn and one filling for each room are read for."""
    shared = sum(len(room.sharings) for room in inside)
    _check(host, "commits that are waited for", len(out._commits), len(host.tokens))
    _check(host, "pages that are read", len(out._pages), AT_ONCE + 2 * len(inside))
    _check(host, "bodies that are read", len(out._bodies), shared)
    _check(host, "answers that wait for their turn", len(out.turns._waiting), shared)
    _check(host, "what may be lost", len(out._lazy), sum(1 + len(room.claims) for room in inside))
    _check(host, "quotas", len(out.intake._quotas), rates.MAX_QUOTAS + 1)
    _check(host, "congested links", len(out.congested), len(links))
    if all(room.record.kind == "open" for room in inside):
        _check(host, "bytes that wait for the disk", out.unwritten, 2 * taking.MAX_UNWRITTEN + wire.MAX_PAGE)


def _check_room(host: Host, room: Room, links: set[int]) -> None:
    """Requests are bounded for each link and for all together; what is kept of a feed, by the entries that are here."""
    wanted = sum(len(one.wanted) for one in room.sharings.values())
    _check(host, "links in a room", len(set(room.sharings) - links), 0)
    _check(host, "tips wanted of all", wanted, rooms.MAX_WANTED + len(room.sharings) * rooms.OWN_WANTED)
    _check(host, "bodies missed", len(room.bodies.absent) + len(room.bodies.unsure), room.log.count)
    _check(host, "heads", len(room.log.heads), room.log.count)
    _check(host, "tips", len(room.held), len(room.log.pages))
    empty = sum(not chain.pages for chain in room.log.chains.values())
    _check(host, "feeds without an entry", empty, len(room.keys))
    people = {identity for _, identity, _ in room.claims}
    _check(host, "claims", len(room.claims), 2 * len(room.keys) * len(people))
    others = [record for record in room.cards.records.values() if record.identity != room.me]
    givers = len({record.via or record.identity for record in others})
    _check(host, "feeds on cards", sum(len(one.feeds) for one in others), 2 * givers * cards.GIVEN + cards.GIVEN_TOGETHER)


def _check_sharing(host: Host, room: Room, one: Sharing) -> None:
    """Of what a peer said at most so many tips, and of what it holds only what is here too."""
    _check(host, "tips wanted of one", len(one.wanted), rooms.MAX_WANTED + rooms.OWN_WANTED)
    _check(host, "first tips", len(one.first), rooms.MAX_WANTED + rooms.OWN_WANTED)
    _check(host, "parked pages", len(one.parked), sharing.MAX_PARKED)
    _check(host, "parked bytes", sum(page.size for page, _ in one.parked.values()), sharing.PARKED_SIZE)
    _check(host, "tips to tell", len(one.pending), len(room.log.pages))
    _check(host, "feeds held by a peer", len(one.holds), len(room.log.chains))
    _check(host, "branches held by a peer", max(map(len, one.holds.values()), default=0), sharing.MAX_BRANCHES)
    _check(host, "cards to name", len(one.news), len(room.cards.said))
    _check(host, "cards named", len(one.named), introducing.MOST_NAMED)
    _check(host, "live pages noted", len(one.came), len(room.cards.listed(one.identity)))


PAYLOAD, PAYLOAD_SCARCE, PAYLOAD_SPARE = 2, 4, 32 << 10
LINK, PAGE, MEMBER = 1000, 120, 2000


def check_bytes(world: World, hosts: list[Host], *, is_scarce: bool) -> None:
    """Of what honest ones sent to honest ones, as far as it arrived:

    * Pages and bodies are at most twice the headers and bodies that somebody lacked and has put to disk since, and 32 KiB: a page
      is pushed by its author on all links, of which there may be two to the same one, while somebody else answers with it. Where the
      limits are small, what exceeds a rate is dropped and comes again: four times. What is so long under way, or unread, that it
      is asked for again meanwhile is not counted.
    * All else is at most 1,000 bytes for each link that came up and each member (two cards, those of the others, two `Have`, the
      tips), 120 for each page that somebody put to disk and each member (whom a tip is told), and 2,000 for each member.
    """
    honest = {host.name for host in hosts}
    payload, talk = (
        sum(size for (way, what), size in world.arrived.items() if what == kind and honest.issuperset(way.split()))
        for kind in ("payload", "talk")
    )
    lacked = sum(host.gained["bytes"] for host in hosts)
    most = PAYLOAD_SPARE + (PAYLOAD_SCARCE if is_scarce else PAYLOAD) * lacked
    if payload > most:
        raise Violation(f"{payload} bytes of pages were sent where {lacked} were lacking: more than {most}")
    pages = sum(host.gained["pages"] for host in hosts)
    most = len(world.hosts) * (LINK * world.arrived["", "links"] + PAGE * pages + MEMBER)
    if talk > most:
        raise Violation(f"{talk} bytes were talked about {pages} pages on {world.arrived['', 'links']} links: more than {most}")
