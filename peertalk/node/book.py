"""Whom there is to dial, as many as are kept, and no name for longer than it leads anywhere (docs/protocol.md, "Dialling")."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator

from peertalk.node.targets import Endpoint, Target

MAX_TARGETS = 1024
MAX_GUESSES = 256  # of these that somebody is only remembered, or said, to be at
GIVEN_UP = 4  # failures after which an address goes that nobody announces and nobody asked for
MAX_NAMES = 8  # of these that lead to somebody who was met, and are kept where others have no place


class Book:
    """Targets by key."""

    def __init__(self) -> None:
        self._targets: dict[str, Target] = {}

    def __iter__(self) -> Iterator[Target]:
        return iter(self._targets.values())

    def get(self, key: str | None) -> Target | None:
        return None if key is None else self._targets.get(key)

    def drop(self, target: Target) -> None:
        """Nobody is there any more, or it is not to be dialled any more."""
        self._targets.pop(target.key, None)

    def add(self, target: Target) -> Target | None:
        """Keep this one too; where there are too many, in place of the worst. A guess takes the place of guesses only."""
        rivals = [one for one in self if one.is_guess or not target.is_guess]
        if len(self._targets) >= MAX_TARGETS or (target.is_guess and len(rivals) >= MAX_GUESSES):
            worst = max(rivals, key=_worth_least, default=None)
            if worst is None or _worth_least(worst) <= (2 * target.is_guess, 0):
                worst = None if target.is_guess else self._surplus()
            if worst is None:
                return None
            self.drop(worst)
        return self._targets.setdefault(target.key, target)

    def leads_to(self, host: str, port: int) -> bool:
        """Is this address among those of somebody, for whatever reason?"""
        return any((host, port) in target.endpoints for target in self)

    def at(self, host: str, port: int) -> list[Target]:
        """All who are at this address."""
        return [target for target in self if (host, port) in target.endpoints]

    def endpoints(self) -> set[Endpoint]:
        """All addresses of all."""
        return {endpoint for target in self for endpoint in target.endpoints}

    def recognise(self, target: Target) -> None:
        """Who was met at one of its endpoints before: the same process under a new name, or a second way to it."""
        if target.identity is None:
            known = (one.identity for one in self if one.identity and one.meets(target))
            target.identity = next(known, None)

    def spare_too(self, target: Target) -> None:
        """Who was met there under another name and was not needed is not needed under this one."""
        known = next((one for one in self if one.spared and one is not target and one.meets(target)), None)
        if known is not None:
            target.spared, target.due, target.own_word = True, known.due, known.own_word

    def drop_guesses(self, endpoints: tuple[Endpoint, ...]) -> None:
        """What is seen now needs no guess."""
        for guess in [one for one in self if one.is_guess and not one.flying]:
            if not set(endpoints).isdisjoint(guess.endpoints):
                self.drop(guess)

    def drop_hearsay(self, identity: bytes) -> None:
        """Who is linked is looked for nowhere else."""
        for target in [one for one in self if one.is_guess and one.supposed == identity and not one.flying]:
            if target.introducer is not None:
                self.drop(target)

    def drop_far(self, is_near: Callable[[str], bool]) -> None:
        """Neither announced nor asked for, and in another network than this machine is in now."""
        for target in [one for one in self if not (one.announced or one.kept or any(map(is_near, one.hosts)))]:
            if target.flying:
                target.failures, target.member_until = GIVEN_UP, -math.inf
            else:
                self.drop(target)

    def older_names(self, target: Target) -> list[Target]:
        """What is no longer announced, and leads nowhere but where `target` does: its former names."""
        places = set(target.endpoints)
        return [one for one in self if not (one.announced or one.kept or one.flying) and set(one.endpoints) == places]

    def newer_name(self, target: Target) -> Target | None:
        """What is announced and leads where `target` does, and nowhere else."""
        places = set(target.endpoints)
        return next((one for one in self if one.announced and one is not target and set(one.endpoints) == places), None)

    def _surplus(self) -> Target | None:
        """Of the names of whoever has the most of them the last, where these are too many: anybody can have a thousand."""
        names = [one for one in self if one.identity and not (one.kept or one.flying)]
        counts = Counter(one.identity for one in names)
        most = max(names[::-1], key=lambda one: counts[one.identity], default=None)
        return most if most is not None and counts[most.identity] > MAX_NAMES else None


def _worth_least(target: Target) -> tuple[int, int]:
    """What makes way first: guesses, then what is no longer announced, then the others; of each what has failed most often."""
    if target.kept or target.flying:
        return 0, 0
    if target.is_guess:
        return 2, target.failures
    if not target.announced:
        return 1, target.failures
    return 0, 0 if target.identity else target.failures + target.refused
