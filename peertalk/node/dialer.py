"""Whom to dial, when, and how often (docs/protocol.md, "Dialling").

A schedule without a clock: times are arguments, in seconds. `peertalk.node.dialing` carries it out.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable

from peertalk.node.book import GIVEN_UP, Book
from peertalk.node.ports import Advertisement
from peertalk.node.targets import Dial, Linked, Pace, Target, Traffic, Visits, all_come, in_turn

PATIENCE = 1.5  # how long the greater instance leaves it to the lesser to dial
FIRST_DELAY = 0.5
LONGEST_DELAY = 60.0
MEMBER_DELAY = 3.0  # the longest for a member that was here within MEMBER_SECONDS
MEMBER_SECONDS = 600.0
REFUSED_DELAY = 300.0  # for somebody who shares no room
STEADY_SECONDS = 10.0  # a link that ends sooner counts as a failure
RENEW_SECONDS = 86_400.0  # the age, give or take a tenth, at which a link is replaced by one with fresh keys
SPREAD = 0.2  # after something that many notice at once
PLACE_SECONDS = 1.0  # after which a dial gives its place up to one that waits for it
SPARED_SECONDS = 1800.0  # for somebody with whom no link is needed


class Dialer:
    """Told what happens, it says what to dial: `due(now)`, and when to ask again: `wake()`, which `on_change` says to look at.

    `me` gives one's own present instance name, `source` what dials are counted by (see interfaces.Sources).
    """

    def __init__(
        self,
        me: Callable[[], str],
        *,
        source: Callable[[str], str] = str,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._me = me
        self._source = source
        self._random = random
        self._pace = Pace(source)
        self._latest = True
        self.book = Book()
        self._linked: dict[bytes, Linked] = {}
        self._visits = Visits()
        self._sought: dict[bytes, frozenset[bytes]] = {}
        self.on_change: Callable[[], None] = lambda: None

    # ── who is there ─────────────────────────────────────────────────────────────────────────────────────────────────

    def found(self, advertisement: Advertisement, now: float) -> None:
        """An instance is announced, for the first time or otherwise than before."""
        key = advertisement.instance
        endpoints = tuple((host, advertisement.port) for host in advertisement.addresses)
        target = self.book.get(key)
        if target is None:
            self.book.drop_guesses(endpoints)
            turn = self._turn(key)
            target = self.book.add(Target(key, endpoints, now + turn, announced=True))
            if target is not None and turn:
                target.left_until = now + turn
        elif target.endpoints != endpoints:
            target.endpoints, target.spared = endpoints, False
            self._hasten(target, now + self._turn(key))
        if target is not None:
            target.announced = True
            self.book.recognise(target)
            self.book.spare_too(target)
            for old in self.book.older_names(target):
                self._replace(old, target)
        self.on_change()

    def lost(self, instance: str) -> None:
        """An instance is no longer announced. While it is linked it is remembered, for its link may be cut; unless there is a
        newer name for it: names change every hour, and links may last for weeks."""
        target = self.book.get(instance)
        if target is None:
            return
        target.announced = False
        newer = self.book.newer_name(target)
        if newer is not None and not (target.flying or target.kept):
            self._replace(target, newer)
        elif not target.flying and not self._is_linked(target):
            self.book.drop(target)
        self.on_change()

    def keep(self, host: str, port: int, now: float, *, identity: bytes | None = None) -> None:
        """Dial this address, and never give it up: the person asked for it. `identity` was met there just now."""
        key = f"{host} {port}"
        target = self.book.get(key) or self.book.add(Target(key, ((host, port),), now, kept=True))
        if target is not None:
            target.kept, target.supposed, target.introducer = True, None, None
            target.identity = identity or target.identity
            linked = self._linked.get(identity or b"")
            if linked is not None and linked.by is None and linked.came_from is None:
                self._renew_by(target, linked, now)
        self.on_change()

    def remember(self, host: str, port: int, identity: bytes, now: float) -> None:
        """Try a few times an address at which this identity once was."""
        if not self.book.leads_to(host, port):
            self.book.add(Target(f"{host} {port}", ((host, port),), now, supposed=identity))
        self.on_change()

    def listens(self, host: str, port: int, identity: bytes, now: float) -> None:
        """Somebody who is linked says that they listen there."""
        for target in self.book.at(host, port):
            target.own_word = identity
        self.remember(host, port, identity, now)

    def hear_of(self, host: str, port: int, identity: bytes, now: float) -> None:
        """Somebody is said to be where somebody is announced already."""
        for target in self.book.at(host, port):
            if target.identity is None:
                target.rumour = identity
                self._find(target, now)
        self.on_change()

    def seek(self, room: bytes, identities: Iterable[bytes], now: float) -> None:
        """For a large room there is to be a link to these; that replaces what was said of the room before."""
        self._sought[room] = frozenset(identities)
        if not self._sought[room]:
            del self._sought[room]
        for target in self.book:
            self._find(target, now)
        self.on_change()

    def is_kept(self, target: str | None) -> bool:
        """Was this dialled because the person asked for it?"""
        one = self.book.get(target)
        return one is not None and one.kept

    def hear(self, host: str, port: int, identity: bytes, introducer: bytes, due: float) -> None:
        """Try from `due` on, a few times, an address at which `introducer` says that this identity is."""
        if identity not in self._linked and not self.book.leads_to(host, port):
            self.book.add(Target(f"{host} {port}", ((host, port),), due, supposed=identity, introducer=introducer))
        self.on_change()

    def is_linked(self, identity: bytes) -> bool:
        """Is there an established link to this identity?"""
        return identity in self._linked

    def reaches(self, host: str, port: int) -> bool:
        """Is there an established link to whoever was met at this address?"""
        return any(target.identity in self._linked for target in self.book if (host, port) in target.endpoints)

    # ── what became of it ────────────────────────────────────────────────────────────────────────────────────────────

    def linked(self, target: str | None, identity: bytes, host: str, now: float) -> None:
        """A link to `identity` is established: the dial of `target`, or, if None, one that came in from `host`."""
        linked = self._linked.setdefault(identity, Linked(now))
        linked.links += 1
        dialled = self.book.get(target)
        if target is None:
            linked.came_from = host
        if dialled is not None:
            self._pace.met(dialled)
            if dialled.is_visit and not self._is_sought(dialled):
                self._visits.met(now)
            dialled.identity, dialled.flying, dialled.refused, dialled.spared = identity, False, False, False
            dialled.unvisited |= dialled.in_vain
            self._renew_by(dialled, linked, now)
            for other in self.book:
                if other.identity is None and other.meets(dialled):
                    other.identity = identity
        self.book.drop_hearsay(identity)
        self.on_change()

    def unlinked(
        self,
        identity: bytes,
        now: float,
        *,
        member: bool = False,
        gone: bool = False,
        crowded: bool = False,
        spare: bool = False,
    ) -> None:
        """An established link ended, and with the last one everybody who has this identity is to be dialled again: soon if
        it was a `member` of a room of ours; not at all if it said that its program ends (`gone`); late if one of the two has
        too many links (`crowded`), or if neither needs one (`spare`)."""
        linked = self._linked[identity]
        linked.links -= 1
        if not linked.links:
            del self._linked[identity]
            for target in list(self.book):
                if spare and identity in (target.who, target.own_word):
                    self._rest(target, now)
                elif target.who == identity and crowded:
                    self._make_wait(target, now)
                elif target.who == identity:
                    self._resume(target, now, steady=now - linked.since >= STEADY_SECONDS, member=member, gone=gone)
                elif linked.came_from in target.hosts and not target.flying:
                    soon = LONGEST_DELAY if crowded or spare else self._turn(target.key)
                    target.due = max(target.due, now + soon)
        if not (spare or self._linked):  # of who is needed one hears from those who are linked: nobody is
            for target in (one for one in self.book if one.spared):
                self._hasten(target, now + self._turn(target.key) + SPREAD * self._chance())
        self.on_change()

    def failed(self, target: str, now: float) -> None:
        """A dial did not become a link."""
        if one := self._landed(target):
            one.failures += 1
            one.due = now if one.again else now + self._delay(one, now)
            if not (one.announced or one.kept) and self._is_hopeless(one, now):
                self.book.drop(one)
        self.on_change()

    def refused(self, target: str, now: float) -> None:
        """A dial found somebody who shares no room, or is blocked: not again before something may have changed."""
        if one := self._landed(target):
            one.refused, one.unvisited = not one.again, one.unvisited or one.in_vain
            one.due = now if one.again else now + REFUSED_DELAY * (0.8 + 0.4 * self._chance())
            if one.is_guess and one.introducer is not None:
                self.book.drop(one)
        self.on_change()

    # ── what changes everything ──────────────────────────────────────────────────────────────────────────────────────

    def changed_rooms(self, now: float) -> None:
        """One is in more rooms than before: whoever is not linked may share one now."""
        for target in self.book:
            target.again = target.flying
            target.refused = False
            self._hasten(target, now)
        self.on_change()

    def jump(self, now: float) -> None:
        """The machine slept, or is in another network: what could not be reached may be reached now."""
        for target in self.book:
            if not (target.refused or target.spared):
                self._hasten(target, now + SPREAD * self._chance())
        self.on_change()

    def carried(self, is_near: Callable[[str], bool]) -> None:
        """The machine is in another network: who was met in the last one is not to be asked for in this one, or it would be known
        to be the same machine. Who is near here still is."""
        self.book.drop_far(is_near)
        self.on_change()

    # ── what to do ───────────────────────────────────────────────────────────────────────────────────────────────────

    def due(self, now: float) -> list[Dial]:
        """What to dial now. Each is in flight until `linked`, `failed` or `refused` tells of it."""
        dials = []
        traffic = self._traffic()
        waiting = [one for one in self.book if self._is_wanted(one) and self._due(one, traffic.visiting) <= now]
        for target in in_turn(waiting, latest_first=self._latest):
            if traffic.lets(target) and self._due(target, traffic.visiting) <= now:
                self._latest = not self._latest
                target.flying, target.again, target.due, target.since = True, False, math.inf, now
                target.in_vain, target.left_until = target.left_until <= now, math.inf
                traffic.add(target)
                self._pace.dialled(target, now)
                dials.append(Dial(target.key, target.endpoints))
        return dials

    def overtaken(self) -> list[str]:
        """Dials in flight to whoever has come by themselves meanwhile: to be ended, as `called_off`. That never ends both of two
        dials that cross: a link that came in is established at the other end before it is here."""
        flying = [one for one in self.book if one.flying and not one.kept]
        come = all_come(self.book, self._linked) if flying else set()
        return [one.key for one in flying if not self._is_wanted(one) or one.is_among(come)]

    def called_off(self, target: str, now: float) -> None:
        """A dial was ended that was not needed any more. It counts for nothing."""
        if one := self._landed(target):
            one.due = now
        self.on_change()

    def outstayed(self, now: float) -> list[str]:
        """Dials in flight that are to be ended, as failed, since they have had their time and others wait for their place."""
        traffic = self._traffic()
        if not traffic.full:
            return []
        waiting = [one for one in self._startable(traffic) if self._due(one, traffic.visiting) <= now]
        old = sorted((one.since, one.key) for one in self._yielding() if one.since + PLACE_SECONDS <= now)
        return [key for _, key in old[: len(waiting)]]

    def wake(self) -> float:
        """When to ask `outstayed` and `due` again, if nothing happens before."""
        traffic = self._traffic()
        first = min((self._due(one, traffic.visiting) for one in self._startable(traffic)), default=math.inf)
        if traffic.full:
            first = max(first, min((one.since + PLACE_SECONDS for one in self._yielding()), default=math.inf))
        return first

    def known(self) -> list[tuple[Target, bool]]:
        """Everybody that there is to dial, with whether it is known to be linked. Only to be looked at."""
        return [(target, self._is_linked(target)) for target in self.book]

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _due(self, target: Target, visiting: int) -> float:
        paced = target.is_visit and not self._is_sought(target)
        return max(target.due, self._pace.ready(target), self._visits.ready(visiting) if paced else -math.inf)

    def _is_sought(self, target: Target) -> bool:
        return any(target.may_be(identities) for identities in self._sought.values())

    def _find(self, target: Target, now: float) -> None:
        """If it is perhaps one who is sought, dial it now."""
        if not target.refused and self._is_sought(target):
            target.spared = False
            self._hasten(target, now + self._turn(target.key))

    def _rest(self, target: Target, now: float) -> None:
        target.spared, target.failures = True, 0
        if not target.flying:
            target.due = now + SPARED_SECONDS * (0.8 + 0.4 * self._chance())

    def _startable(self, traffic: Traffic) -> list[Target]:
        return [one for one in self.book if self._is_wanted(one) and traffic.would_let(one)]

    def _yielding(self) -> list[Target]:
        return [one for one in self.book if one.flying and not one.kept]

    def _traffic(self) -> Traffic:
        traffic = Traffic(self._source, all_come(self.book, self._linked))
        for target in self.book:
            if target.flying:
                traffic.add(target)
        return traffic

    def _is_hopeless(self, target: Target, now: float) -> bool:
        if target.is_guess and target.introducer is not None and self._is_linked(target):
            return True
        return target.failures >= GIVEN_UP and now >= target.member_until

    def _turn(self, key: str) -> float:
        """The lesser of two instances dials at once, the greater gives it time: an inbound firewall may be in between."""
        target = self.book.get(key)
        named = target is None or target.announced
        return PATIENCE if named and self._me() > key else 0.0

    def _replace(self, old: Target, new: Target) -> None:
        """The same endpoints under a newer name."""
        new.member_until = max(new.member_until, old.member_until)
        linked = self._linked.get(old.identity or b"")
        if linked is not None and linked.by == old.key and new.identity == old.identity:
            linked.by, new.due = new.key, old.due
        self.book.drop(old)

    def _renew_by(self, target: Target, linked: Linked, now: float) -> None:
        target.due, linked.by = now + RENEW_SECONDS * (0.9 + 0.2 * self._chance()), target.key

    def _hasten(self, target: Target, due: float) -> None:
        if not self._is_linked(target):
            target.failures = 0
            if not target.flying:
                target.due = min(target.due, due)

    def _landed(self, key: str) -> Target | None:
        target = self.book.get(key)
        if target is not None:
            target.flying = False
        return target

    def _resume(self, target: Target, now: float, *, steady: bool, member: bool, gone: bool) -> None:
        if gone and not target.kept and not target.flying:
            self.book.drop(target)
            return
        if member and not gone:
            target.member_until = now + MEMBER_SECONDS
        target.failures = 0 if steady else target.failures + 1
        if not target.flying:
            turn = PATIENCE if target.is_guess else self._turn(target.key)  # whoever dialled before dials again
            soon = turn + SPREAD * self._chance()
            target.due = now + (soon if steady else self._delay(target, now))

    def _make_wait(self, target: Target, now: float) -> None:
        target.failures += 1
        if not target.flying:
            target.due = now + LONGEST_DELAY * (0.5 + 0.5 * self._chance())

    def _is_wanted(self, target: Target) -> bool:
        return not self._is_linked(target) or self._linked[target.who or b""].by == target.key

    def _is_linked(self, target: Target) -> bool:
        return target.who in self._linked

    def _delay(self, target: Target, now: float) -> float:
        longest = MEMBER_DELAY if now < target.member_until else LONGEST_DELAY
        return min(longest, FIRST_DELAY * 2.0 ** min(target.failures - 1, 10)) * (0.5 + 0.5 * self._chance())

    def _chance(self) -> float:
        return int.from_bytes(self._random(4)) / 2**32
