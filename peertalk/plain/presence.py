"""Who came and went, gathered into few sentences that can be borne by ear. Pure; `now` is monotonic seconds.

Comings wait 3 s for others, so that a room which fills up is one sentence. Goings wait 10 s: a link that is back by then was a
hiccup of the network, and nothing is said at all. Where more than a dozen are here it is once a minute. Writing is never told.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from peertalk.i18n import _, ngettext
from peertalk.say.names import listed

GATHERED: Final = 3.0
HICCUP: Final = 10.0
CROWD: Final = 12
GATHERED_IN_A_CROWD: Final = 60.0
NAMED: Final = 4


@dataclass(slots=True)
class Presence:
    """`here` are the ids of those of whom it is known, or was said, that they are here."""

    here: set[str] = field(default_factory=set)
    _came: dict[str, str] = field(default_factory=dict)
    _left: dict[str, str] = field(default_factory=dict)
    _away: dict[str, tuple[str, float]] = field(default_factory=dict)
    _since: float | None = None

    def came(self, id: str, name: str, now: float) -> None:
        """Somebody is here."""
        if self._away.pop(id, None) is None and id not in self.here:
            self._came[id] = name
            self._since = now if self._since is None else self._since

    def told(self, id: str) -> None:
        """That somebody came was said already."""
        self._came.pop(id, None)
        self.here.add(id)

    def gone(self, id: str, name: str, now: float) -> None:
        """Somebody is not here any more; perhaps for a moment only."""
        if self._came.pop(id, None) is None and id in self.here:
            self._away[id] = (name, now)

    def elsewhere(self, id: str, *, online: bool) -> None:
        """Somebody came or went who is not in the open room: no news now, and when they come here the next time it is."""
        (self.here.add if online else self.here.discard)(id)

    def left(self, id: str, name: str, now: float) -> None:
        """Somebody left the room for good."""
        self._came.pop(id, None)
        self._away.pop(id, None)
        self.here.discard(id)
        self._left[id] = name
        self._since = now if self._since is None else self._since

    def due(self, now: float, online: int) -> list[str]:
        """What is to be said now, in a room where so many are here."""
        gathered = GATHERED_IN_A_CROWD if online > CROWD else GATHERED
        told = [*self._tell_away(now, max(gathered, HICCUP))]
        if self._since is not None and now - self._since >= gathered:
            told = [*_sentences(list(self._came.values()), list(self._left.values())), *told]
            self.here.update(self._came)
            self._came, self._left, self._since = {}, {}, None
        return told

    def _tell_away(self, now: float, gathered: float) -> list[str]:
        if not any(now - since >= gathered for _name, since in self._away.values()):
            return []
        names = [name for name, _since in self._away.values()]
        self.here.difference_update(self._away)
        self._away = {}
        return [ngettext("{names} is away.", "{names} are away.", len(names)).format(names=several(names))]


def _sentences(came: list[str], left: list[str]) -> list[str]:
    told = []
    if came:
        told.append(ngettext("{names} is here.", "{names} are here.", len(came)).format(names=several(came)))
    if left:
        told.append(ngettext("{names} has left.", "{names} have left.", len(left)).format(names=several(left)))
    return told


def several(names: list[str]) -> str:
    """`Mira, Jonas and Tarek`, `Mira, Jonas, Tarek and 5 more`."""
    if len(names) <= NAMED:
        return listed(names)
    return listed([*names[: NAMED - 1], _("{n} more").format(n=len(names) - NAMED + 1)])
