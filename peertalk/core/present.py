"""Who shares a room now: over links, and in a large one by their pulses (docs/protocol.md, "Large rooms").

Asked after each message and changed seldom, so what is asked is kept until then: nothing here costs as much as there are people.
"""

from __future__ import annotations

import math
from collections import Counter

from peertalk.core.sharing import Agenda, Sharing


class Present:
    """`sharings` (by link) and `heard` (by a pulse → until when, in monotonic seconds) are changed by the methods alone."""

    def __init__(self) -> None:
        self.sharings: dict[int, Sharing] = {}
        self.heard: dict[bytes, float] = {}
        self.agenda = Agenda()
        self._links: Counter[bytes] = Counter()
        self._ready: tuple[Sharing, ...] = ()
        self._online: frozenset[bytes] | None = frozenset()
        self._soonest = math.inf

    def ready(self) -> tuple[Sharing, ...]:
        """On which links the room may be spoken of."""
        return self._ready

    def online(self) -> frozenset[bytes]:
        """Who is linked, or was heard of: the same object as long as they are the same people."""
        if self._online is None:
            self._online = frozenset((*self._links, *self.heard))
        return self._online

    def begin(self, sharing: Sharing) -> None:
        """Both cards are exchanged on this link."""
        sharing.ready = True
        self._ready = tuple(one for one in self.sharings.values() if one.ready)
        self._links[sharing.identity] += 1
        if self._online is not None and sharing.identity not in self._online:
            self._online = None

    def end(self, link: int) -> Sharing | None:
        """The room is no longer spoken of on a link, if it was."""
        self.agenda.claimants.pop(link, None)
        sharing = self.sharings.pop(link, None)
        if sharing is not None and sharing.ready:
            self._ready = tuple(one for one in self._ready if one is not sharing)
            self._links[sharing.identity] -= 1
            if not self._links[sharing.identity]:
                del self._links[sharing.identity]
                self._is_gone(sharing.identity)
        return sharing

    def hear(self, identity: bytes, until: float) -> None:
        """There is a pulse of somebody that counts so long."""
        self.heard[identity] = until = max(until, self.heard.get(identity, until))
        self._soonest = min(self._soonest, until)
        if self._online is not None and identity not in self._online:
            self._online = None

    def drop(self, identity: bytes) -> bool:
        """Their pulse counts no longer. Was there one?"""
        was = self.heard.pop(identity, None)
        if was is not None:
            self._is_gone(identity)
        return was is not None

    def _is_gone(self, identity: bytes) -> None:
        if identity not in self._links and identity not in self.heard:
            self._online = None

    @property
    def soonest(self) -> float:
        """When a pulse that was heard counts no longer, at the earliest: not before that is there one too old."""
        return self._soonest if self.heard else math.inf

    def too_old(self, now: float) -> list[bytes]:
        """Whose pulse counts no longer."""
        if now < self._soonest:
            return []
        old = [one for one, until in self.heard.items() if until <= now]
        self._soonest = min((until for until in self.heard.values() if until > now), default=math.inf)
        return old
