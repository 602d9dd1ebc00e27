"""What must hold among hundreds at rest: what must hold in small worlds, as far as it can be looked at in large ones."""

from __future__ import annotations

from tests.core.authors import ROOM
from tests.sim import crowd as crowds
from tests.sim.bounds import check_bounds
from tests.sim.crowd import Guest, room
from tests.sim.invariants import check_answered, check_forks, check_nothing_under_way, check_owners, check_rules, shapes
from tests.sim.multitude import Multitude, Rogue
from tests.sim.network import Violation

LOOKED_AT = 5
"""Of so many the whole history is looked at entry by entry; that of all others is the same."""
LOOKS = 10
PAYLOAD, AT_REST, AMONG_LIARS, LINK, PULSES = 15, 6, 12, 500, 200
"""What is sent (`check_bytes`): about twice the most that was seen."""


def check(world: Multitude) -> None:
    """All of the following, on each side."""
    liars = {rogue.identity.public for rogue in world.rogues}
    lies = {feed for rogue in world.rogues for feed in rogue.liar.feeds}
    check_blameless(world)
    check_claims(world)
    check_bounds([*world.up()])
    for side in world.sides():
        check_connected(side)
        check_presence(side, liars)
        crowds.check_same(side)
        crowds.check_links(side)
        check_histories(side, lies)


def check_blameless(world: Multitude) -> None:
    """Nobody closed a link for what somebody honest said."""
    blamed = [(one.name, other.name, why) for one in world.guests for other, why in one.closed if not isinstance(other, Rogue)]
    if blamed:
        raise Violation(f"links were closed: {blamed[:5]}")


def check_connected(side: list[Guest]) -> None:
    """From anybody there is a way to everybody, by way of honest ones."""
    found, waiting = {side[0]}, [side[0]]
    while waiting:
        fresh = [other for other in waiting.pop().mine if other not in found and not isinstance(other, Rogue)]
        found.update(fresh)
        waiting += fresh
    if len(found) < len(side):
        raise Violation(f"{len(side) - len(found)} of {len(side)} are cut off")


def check_presence(side: list[Guest], liars: set[bytes]) -> None:
    """Who is there is online for everybody, and nobody else is, but for those who lie."""
    there = {guest.identity.public for guest in side}
    for guest in side:
        online = (room(guest).online() | {guest.identity.public}) - liars
        if online != there:
            raise Violation(f"{guest.name} sees {len(online - there)} who are not there, and not {len(there - online)} who are")


def check_claims(world: Multitude) -> None:
    """Whatever somebody was said to have on disk of an own feed, it has on disk."""
    for guest in world.up():
        for (feed, identity, disk), seq in room(guest).claims.items():
            other = world.by_identity[identity]
            wrote = guest.wrote.get(feed, {})
            if (
                disk
                and not isinstance(other, Rogue)
                and any(id_ not in other.on_disk for at, id_ in wrote.items() if at <= seq)
            ):
                raise Violation(f"{other.name} does not have what {guest.name} wrote up to {seq}")


def check_histories(side: list[Guest], lies: set[bytes]) -> None:
    """The same history for all, in the same order, once; nobody is taken for another; nobody honest forks; all know whose the feeds of
    the honest are, of those too who were gone when they came; all that was answered is there."""
    authors = {feed: guest.identity.public for guest in side[0].crowd.guests for feed in guest.wrote}
    first = shapes(side[0], ROOM.id, ())
    for guest in side:
        if shapes(guest, ROOM.id, ()) != first:
            raise Violation(f"{guest.name} and {side[0].name} show another history")
        check_answered(guest, lies, is_whole=True)
        check_forks(room(guest), lies, ())
        check_owners(room(guest), authors, lies)
        unknown = [feed for feed in room(guest).log.chains if feed in authors and room(guest).cards.owner(feed) is None]
        if unknown:
            raise Violation(f"{guest.name} does not know whose {len(unknown)} feeds are")
    for guest in side[:: max(1, len(side) // LOOKED_AT)]:
        check_rules(guest)


def check_bytes(world: Multitude) -> None:
    """Of what honest ones sent in the whole run:

    * Pages and bodies are at most 15 times the headers and bodies that somebody lacked and has put to disk since: where all have just
      come, or met again, pages go on all links that are not known yet to bring them twice. 6 times while nobody comes or goes, 12
      where some lie.
    * Pulses are at most 200 bytes for each two people and second.
    * All else is at most 500 bytes for each link that came up and each member.
    """
    people, sizes = len(world.hosts), world.sizes
    payload, lacked = world.brought()
    before, lacked_before = world.at_rest
    talk = sizes.total() - payload - sizes["Pulses"]
    for what, size, most in (
        ("pages", payload, PAYLOAD * lacked),
        ("pages at rest", payload - before, (AMONG_LIARS if world.rogues else AT_REST) * (lacked - lacked_before)),
        ("pulses", sizes["Pulses"], PULSES * people**2 * world.time),
        ("talk", talk, LINK * people * world.arrived["", "links"]),
    ):
        if size > most:
            raise Violation(f"{size} bytes of {what} were sent: more than {most:.0f}")


def check_at_the_end(world: Multitude) -> None:
    """What each wrote last counts as delivered to all on this side; nothing is under way; not too much was sent."""
    check(world)
    check_bytes(world)
    for side in world.sides():
        for guest in side:
            crowds.check_delivered(_met(world, side, guest), guest)
    check_rests(world)


def check_rests(world: Multitude) -> None:
    """Everybody is seen with nothing under way, within some looks: among hundreds there is always somebody who writes something down."""
    busy = [guest for side in world.sides() for guest in side]
    for _ in range(LOOKS):
        busy = [guest for guest in busy if not _rests(guest)]
        if not busy:
            return
        world.run(0.3)
    for guest in busy:
        check_nothing_under_way(guest)


def _rests(guest: Guest) -> bool:
    try:
        check_nothing_under_way(guest)
    except Violation:
        return False
    return True


def _met(world: Multitude, side: list[Guest], guest: Guest) -> list[Guest]:
    """Where all see all, all; else those who have said themselves who they are: of others it is not believed what they hold."""
    if world.plan.seen == 1.0:
        return side
    cards = room(guest).cards.records
    return [other for other in side if other is guest or (other.identity.public, b"") in cards]
