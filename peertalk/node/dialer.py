"""Whom to dial, when, and how often (docs/protocol.md, "Dialling").

A schedule without a clock: times are arguments, in seconds. `peertalk.node.dialing` carries it out.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Callable

from peertalk.node.ports import Advertisement
from peertalk.node.targets import Dial, Endpoint, Linked, Target, Traffic

PATIENCE = 1.5  # how long the greater instance leaves it to the lesser to dial
FIRST_DELAY = 0.5
LONGEST_DELAY = 60.0
MEMBER_DELAY = 3.0  # the longest for a member that was here within MEMBER_SECONDS
MEMBER_SECONDS = 600.0
REFUSED_DELAY = 300.0  # for somebody who shares no room
STEADY_SECONDS = 10.0  # a link that ends sooner counts as a failure
RENEW_SECONDS = 86_400.0  # the age, give or take a tenth, at which a link is replaced by one with fresh keys
SPREAD = 0.2  # after something that many notice at once
GIVEN_UP = 4  # failures after which an address goes that nobody announces and nobody asked for
MAX_TARGETS = 1024


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
        self._targets: dict[str, Target] = {}
        self._linked: dict[bytes, Linked] = {}
        self.on_change: Callable[[], None] = lambda: None

    # ── who is there ─────────────────────────────────────────────────────────────────────────────────────────────────

    def found(self, advertisement: Advertisement, now: float) -> None:
        """An instance is announced, for the first time or otherwise than before."""
        key = advertisement.instance
        endpoints = tuple((host, advertisement.port) for host in advertisement.addresses)
        target = self._targets.get(key)
        if target is None:
            turn = self._turn(key)
            target = self._add(key, endpoints, now + turn)
            if target is not None and turn:
                target.left_until = now + turn
        elif target.endpoints != endpoints:
            target.endpoints = endpoints
            self._hasten(target, now + self._turn(key))
        if target is not None:
            target.announced = True
            self._recognise(target)
        self.on_change()

    def lost(self, instance: str) -> None:
        """An instance is no longer announced. While it is linked it is remembered, for its link may be cut."""
        target = self._targets.get(instance)
        if target is None:
            return
        target.announced = False
        if not target.flying and not self._is_linked(target):
            del self._targets[instance]
        self.on_change()

    def keep(self, host: str, port: int, now: float) -> None:
        """Dial this address, and never give it up: the person asked for it."""
        target = self._targets.get(f"{host} {port}") or self._add(f"{host} {port}", ((host, port),), now)
        if target is not None:
            target.kept = True
        self.on_change()

    def remember(self, host: str, port: int, identity: bytes, now: float) -> None:
        """Try a few times an address at which this identity once was."""
        target = self._targets.get(f"{host} {port}") or self._add(f"{host} {port}", ((host, port),), now)
        if target is not None:
            target.identity = target.identity or identity
        self.on_change()

    # ── what became of it ────────────────────────────────────────────────────────────────────────────────────────────

    def linked(self, target: str | None, identity: bytes, host: str, now: float) -> None:
        """A link to `identity` is established: the dial of `target`, or, if None, one that came in from `host`."""
        linked = self._linked.setdefault(identity, Linked(now))
        linked.links += 1
        dialled = self._targets.get(target) if target else None
        if target is None:
            linked.came_from = host
        if dialled is not None:
            dialled.identity, dialled.flying, dialled.refused = identity, False, False
            dialled.unvisited |= dialled.in_vain
            dialled.due, linked.by = now + RENEW_SECONDS * (0.9 + 0.2 * self._chance()), dialled.key
            for other in self._targets.values():
                if other.identity is None and other.meets(dialled):
                    other.identity = identity
        self.on_change()

    def unlinked(self, identity: bytes, now: float, *, member: bool = False, gone: bool = False) -> None:
        """An established link ended, and with the last one everybody who has this identity is to be dialled again: soon if
        it was a `member` of a room of ours; not at all if it said that its program ends (`gone`)."""
        linked = self._linked[identity]
        linked.links -= 1
        if not linked.links:
            del self._linked[identity]
            for target in [*self._targets.values()]:
                if target.identity == identity:
                    self._resume(target, now, steady=now - linked.since >= STEADY_SECONDS, member=member, gone=gone)
                elif linked.came_from in target.hosts and not target.flying:
                    target.due = max(target.due, now + self._turn(target.key))
        self.on_change()

    def failed(self, target: str, now: float) -> None:
        """A dial did not become a link."""
        if one := self._landed(target):
            one.failures += 1
            one.due = now if one.again else now + self._delay(one, now)
            if one.failures >= GIVEN_UP and not one.announced and not one.kept and now >= one.member_until:
                del self._targets[target]
        self.on_change()

    def refused(self, target: str, now: float) -> None:
        """A dial found somebody who shares no room, or is blocked: not again before something may have changed."""
        if one := self._landed(target):
            one.refused, one.unvisited = not one.again, one.unvisited or one.in_vain
            one.due = now if one.again else now + REFUSED_DELAY * (0.8 + 0.4 * self._chance())
        self.on_change()

    # ── what changes everything ──────────────────────────────────────────────────────────────────────────────────────

    def changed_rooms(self, now: float) -> None:
        """One is in more rooms than before: whoever is not linked may share one now."""
        for target in self._targets.values():
            target.again = target.flying
            target.refused = False
            self._hasten(target, now)
        self.on_change()

    def jump(self, now: float) -> None:
        """The machine slept, or is in another network: what could not be reached may be reached now."""
        for target in self._targets.values():
            if not target.refused:
                self._hasten(target, now + SPREAD * self._chance())
        self.on_change()

    # ── what to do ───────────────────────────────────────────────────────────────────────────────────────────────────

    def due(self, now: float) -> list[Dial]:
        """What to dial now, first what never failed. Each is in flight until `linked`, `failed` or `refused` tells of it."""
        dials = []
        traffic = self._traffic()
        waiting = [target for target in self._targets.values() if target.due <= now and self._is_wanted(target)]
        for target in sorted(waiting, key=lambda one: (one.failures, one.due)):
            if traffic.lets(target):
                target.flying, target.again, target.due = True, False, math.inf
                target.in_vain, target.left_until = target.left_until <= now, math.inf
                traffic.add(target)
                dials.append(Dial(target.key, target.endpoints))
        return dials

    def wake(self) -> float:
        """When to ask `due` again, if nothing happens before."""
        traffic = self._traffic()
        startable = (one.due for one in self._targets.values() if self._is_wanted(one) and traffic.lets(one))
        return min(startable, default=math.inf)

    def known(self) -> list[tuple[Target, bool]]:
        """Everybody that there is to dial, with whether it is known to be linked. Only to be looked at."""
        return [(target, self._is_linked(target)) for target in self._targets.values()]

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _traffic(self) -> Traffic:
        met = {one.identity for one in self._targets.values()}
        came = Counter(one.came_from for who, one in self._linked.items() if who not in met)
        unknown = Counter(host for one in self._targets.values() if one.identity is None for host in one.hosts)
        traffic = Traffic(self._source, {host for host in unknown if came[host] >= unknown[host]})
        for target in self._targets.values():
            if target.flying:
                traffic.add(target)
        return traffic

    def _add(self, key: str, endpoints: tuple[Endpoint, ...], due: float) -> Target | None:
        if len(self._targets) >= MAX_TARGETS:
            worst = max(self._targets.values(), key=lambda one: 0 if one.kept or one.flying or one.identity else one.failures)
            if not worst.failures:
                return None
            del self._targets[worst.key]
        return self._targets.setdefault(key, Target(key, endpoints, due))

    def _turn(self, key: str) -> float:
        """The lesser of two instances dials at once, the greater gives it time: an inbound firewall may be in between."""
        target = self._targets.get(key)
        named = target is None or target.announced
        return PATIENCE if named and self._me() > key else 0.0

    def _hasten(self, target: Target, due: float) -> None:
        if not self._is_linked(target):
            target.failures = 0
            if not target.flying:
                target.due = min(target.due, due)

    def _landed(self, key: str) -> Target | None:
        target = self._targets.get(key)
        if target is not None:
            target.flying = False
        return target

    def _resume(self, target: Target, now: float, *, steady: bool, member: bool, gone: bool) -> None:
        if gone and not target.kept and not target.flying:
            del self._targets[target.key]
            return
        if member and not gone:
            target.member_until = now + MEMBER_SECONDS
        target.failures = 0 if steady else target.failures + 1
        if not target.flying:
            soon = self._turn(target.key) + SPREAD * self._chance()
            target.due = now + (soon if steady else self._delay(target, now))

    def _recognise(self, target: Target) -> None:
        """Who was met at one of its endpoints before: the same process under a new name, or a second way to it."""
        if target.identity is None:
            known = (one.identity for one in self._targets.values() if one.identity and one.meets(target))
            target.identity = next(known, None)

    def _is_wanted(self, target: Target) -> bool:
        return not self._is_linked(target) or self._linked[target.identity or b""].by == target.key

    def _is_linked(self, target: Target) -> bool:
        return target.identity in self._linked

    def _delay(self, target: Target, now: float) -> float:
        longest = MEMBER_DELAY if now < target.member_until else LONGEST_DELAY
        return min(longest, FIRST_DELAY * 2.0 ** min(target.failures - 1, 10)) * (0.5 + 0.5 * self._chance())

    def _chance(self) -> float:
        return int.from_bytes(self._random(4)) / 2**32
