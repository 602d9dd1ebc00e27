"""A room with hundreds of people, in the world of the simulation (docs/protocol.md, "Large rooms").

Here everybody can be seen and dialled, as in one network, and a partition hides the sides from each other. Visits, seeking and giving
up go as the node's dialer does them, in short: a few at once, then so many a second, and who is sought at once.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from functools import cache

from peertalk.core import entry, wire
from peertalk.core.effects import Effect, Seek, Spare
from peertalk.core.room import Room
from tests.core.authors import ROOM
from tests.sim.world import Host, Violation, World

VISITS, VISIT_SECONDS, SPARED_SECONDS = 16, 0.5, 1800.0
PATIENCE = 1.5
"""Seconds that the higher of two leaves it to the other one to dial."""
MOST_LINKS = 36
"""That anybody has once all have visited each other."""


class Guest(Host):
    """A host that dials by itself."""

    def __init__(self, world: Crowd, name: str, *, skew: int = 0) -> None:
        super().__init__(world, name, skew=skew)
        self.crowd = world
        self.side = 0
        self.mine: dict[Guest, int] = {}
        """Who is linked, by which link."""
        self.rest_until: dict[Guest, float] = {}
        self.order: list[Guest] = []
        self.sought: dict[bytes, frozenset[bytes]] = {}
        self.allowance = 0.0
        self.idle, self.rested = -1, 0.0
        """Nobody is to be visited as long as `changes` of the crowd are so many, before that time."""

    def start(self) -> None:
        self.rest_until.clear()
        self.sought.clear()
        self.mine.clear()
        self.allowance = VISITS
        super().start()

    def carry_out(self, effect: Effect) -> None:
        match effect:
            case Seek(room, identities):
                self.sought[room] = frozenset(identities)
                for identity in identities:
                    other = self.crowd.by_identity[identity]
                    self.rest_until.pop(other, None)
                    self.later(0.05 if self.name < other.name else PATIENCE, lambda _, other=other: self._seek(other))
            case Spare(link):
                self.crowd.spare(link)
            case _:
                super().carry_out(effect)

    def _seek(self, other: Guest) -> None:
        if any(other.identity.public in some for some in self.sought.values()):
            self.crowd.link(self, other)

    def sees(self, other: Guest) -> bool:
        meets = other.replica is not None and other.side == self.side and other is not self
        return meets and self.crowd.can_meet(self, other)

    def visit(self) -> None:
        """Twice a second: dial those who are sought, and a few of the others."""
        if self.replica is None:
            return
        self.allowance = min(VISITS, self.allowance + self.crowd.pace)
        for identity in sorted({one for some in self.sought.values() for one in some}):
            other = self.crowd.by_identity[identity]
            if other not in self.mine and self.sees(other):
                self.crowd.link(self, other)
        if self.idle == self.crowd.changes and self.world.time < self.rested:
            return
        self.idle, self.rested = self.crowd.changes, math.inf
        for other in self.order:
            if other in self.mine or not self.sees(other):
                continue
            rest_until = self.rest_until.get(other, 0.0)
            if rest_until > self.world.time:
                self.rested = min(self.rested, rest_until)
                continue
            if self.allowance < 1:
                self.idle = -1
                return
            self.crowd.link(self, other)
            self.allowance -= 1


class Crowd(World):
    """`count` guests. The messages sent are counted by kind."""

    KIND = Guest

    def __init__(self, seed: int | str, count: int, *, skewed: bool = True) -> None:
        super().__init__(seed)
        self.by_identity: dict[bytes, Guest] = {}
        self.pairs: dict[tuple[int, int], int] = {}
        self.counts: Counter[str] = Counter()
        self.sizes: Counter[str] = Counter()
        self.most = 0
        """Links that anybody had at once."""
        self.guests = [self._guest(number, skewed=skewed) for number in range(count)]
        for guest in self.guests:
            guest.order = self.random.sample(self.guests, len(self.guests))
        self.changes = 0
        """Grows when a link ends, and whenever others see each other than before."""
        self.watch = self._count
        self.pace = 1.0
        """Visits in `VISIT_SECONDS`."""
        self._visiting()

    def _guest(self, number: int, *, skewed: bool) -> Guest:
        skew = self.random.randint(-5000, 5000) if skewed else 0
        guest = self.KIND(self, f"{number:04}", skew=skew)
        guest.address = bytes([10, 0, number >> 8, number & 255])
        self.hosts.append(guest)
        self.by_identity[guest.identity.public] = guest
        return guest

    def _count(self, _sender: Host, _peer: Host, message: wire.Message) -> None:
        self.counts[type(message).__name__] += 1

    def send(self, sender: Host, number: int, message: wire.Message) -> None:
        before = self.sent_bytes
        super().send(sender, number, message)
        self.sizes[type(message).__name__] += self.sent_bytes - before

    def _visiting(self) -> None:
        for number, guest in enumerate(self.guests):
            self._visit_again(guest, number / len(self.guests) * VISIT_SECONDS)

    def _visit_again(self, guest: Guest, delay: float) -> None:
        def visit() -> None:
            guest.visit()
            self.at(VISIT_SECONDS, visit)

        self.at(delay, visit)

    def can_meet(self, one: Guest, other: Guest) -> bool:
        """Are both in a place where others are?"""
        return True

    # ── links, found quickly ─────────────────────────────────────────────────────────────────────────────────────────

    def between(self, one: Host, other: Host) -> int | None:
        assert isinstance(one, Guest)
        assert isinstance(other, Guest)
        return one.mine.get(other)

    def link(self, one: Host, other: Host, *, slow: Host | None = None) -> int | None:
        assert isinstance(one, Guest)
        assert isinstance(other, Guest)
        if not one.sees(other):
            return None
        number = super().link(one, other, slow=slow)
        if number is not None:
            one.mine[other] = other.mine[one] = number
            one.rest_until.pop(other, None)
            other.rest_until.pop(one, None)
        return number

    def close(self, number: int, *, needless: bool = False) -> None:
        ends = self.links.get(number)
        if ends is not None:
            one, other = ends
            assert isinstance(one, Guest)
            assert isinstance(other, Guest)
            one.mine.pop(other, None)
            other.mine.pop(one, None)
            self.changes += 1
        super().close(number, needless=needless)

    def spare(self, number: int) -> None:
        """Who dialled gives a link up. What it has said still arrives, as it does where a stream ends."""
        if number in self.links:
            way = self._ways[number, self.links[number][0].name]
            self.at(max(0.0, way.arrival - self.time), lambda: self._end(number))

    def _end(self, number: int) -> None:
        if number in self.links:
            one, other = self.links[number]
            assert isinstance(one, Guest)
            assert isinstance(other, Guest)
            self.close(number, needless=True)
            one.rest_until[other] = other.rest_until[one] = self.time + SPARED_SECONDS * self.random.uniform(0.8, 1.2)

    # ── what happens to them ─────────────────────────────────────────────────────────────────────────────────────────

    def open(self, guests: list[Guest]) -> None:
        self.changes += 1
        for guest in guests:
            guest.start()
            guest.join()

    def split(self, part: list[Guest]) -> None:
        """From now on these see each other and nobody else; the others notice after a while."""
        for guest in part:
            guest.side = 1
        cut = [
            number
            for number, (one, other) in self.links.items()
            if (one in part and other not in part) or (other in part and one not in part)
        ]  # type: ignore[comparison-overlap]
        for number in cut:
            self.close(number)

    def heal(self) -> None:
        self.changes += 1
        for guest in self.guests:
            guest.side = 0
            guest.rest_until = {other: at for other, at in guest.rest_until.items() if other in guest.mine}

    def up(self) -> list[Guest]:
        return [guest for guest in self.guests if guest.replica is not None]

    def sides(self) -> list[list[Guest]]:
        """Those who run and can see each other."""
        found = [[guest for guest in self.up() if guest.side == side] for side in (0, 1)]
        return [side for side in found if side]

    def run(self, seconds: float) -> None:
        """Let time pass, and look at how many links there are."""
        end = self.time + seconds
        while self.time < end:
            super().run(min(1.0, end - self.time))
            self.most = max([self.most, *(len(guest.mine) for guest in self.guests)])


# ── what must hold ───────────────────────────────────────────────────────────────────────────────────────────────────


def check(crowd: Crowd) -> None:
    """All of the following."""
    check_blameless(crowd)
    for side in crowd.sides():
        check_connected(side)
        check_presence(side)
        check_same(side)
        check_links(side)


def check_links(up: list[Guest]) -> None:
    """Nobody has more links to others of them than some: as many as one of hundreds happens to have once in ten thousand runs."""
    there = {*up}
    most = max(len(there.intersection(guest.mine)) for guest in up)
    if any(room(guest).is_large for guest in up) and most > MOST_LINKS:
        raise Violation(f"somebody has {most} links")


def check_connected(up: list[Guest]) -> int:
    """From anybody there is a way to everybody; the length of the longest shortest way from the first."""
    depth = {up[0]: 0}
    waiting = deque([up[0]])
    while waiting:
        one = waiting.popleft()
        for other in one.mine:
            if other not in depth:
                depth[other] = depth[one] + 1
                waiting.append(other)
    if len(depth) < len(up):
        raise Violation(f"{len(up) - len(depth)} of {len(up)} are cut off")
    return max(depth.values())


def room(guest: Guest) -> Room:
    assert guest.replica is not None
    return guest.replica.places[ROOM.id].room


def check_presence(up: list[Guest]) -> None:
    """Who is there is online for everybody, and nobody else is."""
    there = {guest.identity.public for guest in up}
    for guest in up:
        online = room(guest).online() | {guest.identity.public}
        if online != there:
            raise Violation(f"{guest.name} sees {len(online - there)} who are not there, and not {len(there - online)} who are")


def check_same(up: list[Guest]) -> None:
    """All hold the same."""
    held = set(room(up[0]).held)
    for guest in up[1:]:
        if set(room(guest).held) != held:
            raise Violation(f"{guest.name} and {up[0].name} differ by {len(held ^ set(room(guest).held))} tips")


def check_delivered(up: list[Guest], guest: Guest) -> None:
    """What somebody wrote last counts as delivered to everybody else who is there."""
    inside = room(guest)
    (feed,) = [key.feed for key in inside.keys if key.seed is not None and not key.retiring]
    disk, _ = inside.holders(feed, inside.log.chain(feed).top[1])
    there = {one.identity.public for one in up if one is not guest}
    if not there <= set(disk):
        raise Violation(f"{guest.name}: {len(there - set(disk))} of {len(there)} have it and do not count")


def check_blameless(crowd: Crowd) -> None:
    """Nobody closed a link for what somebody honest said."""
    blamed = [(guest.name, other.name, why) for guest in crowd.guests for other, why in guest.closed]
    if blamed:
        raise Violation(f"links were closed: {blamed[:5]}")


def play(seed: int | str, count: int, *, calm: float = 20.0) -> Crowd:
    """So many come one after the other, write, crash and come back, are parted and find each other again; all that must hold is looked
    at thirty seconds after each of it. Violation."""
    crowd = Crowd(seed, count)
    for guest in crowd.guests:
        crowd.at(crowd.random.uniform(0, calm), lambda guest=guest: crowd.open([guest]))
    crowd.run(calm + count * VISIT_SECONDS + 30)
    check(crowd)
    talk(crowd, 5)
    fallen = crowd.random.sample(crowd.guests, count // 8)
    for guest in fallen:
        guest.crash()
    talk(crowd, 5)
    crowd.run(30)
    check(crowd)
    crowd.open(fallen)
    crowd.split(crowd.random.sample(crowd.guests, count // 2))
    talk(crowd, 5)
    crowd.run(count * VISIT_SECONDS + 30)
    check(crowd)
    crowd.heal()
    crowd.run(count * VISIT_SECONDS + 30)
    check(crowd)
    for guest in crowd.guests:
        check_delivered(crowd.up(), guest)
    return crowd


def talk(crowd: Crowd, times: int) -> None:
    """Somebody says something, each time somebody else."""
    for number in range(times):
        crowd.random.choice(crowd.up()).say(f"{crowd.time} {number}")
        crowd.run(crowd.random.uniform(0, 2))


if __name__ == "__main__":
    import sys
    import time

    _began = time.monotonic()
    entry._verify = cache(entry._verify)  # all look at the same signatures
    _crowd = play(sys.argv[2] if len(sys.argv) > 2 else 1, int(sys.argv[1]))
    print(f"{time.monotonic() - _began:.0f} s, most links {_crowd.most}, {dict(_crowd.counts)}")
