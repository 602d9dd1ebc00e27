"""Where nobody has come since the start: the doctor looks meanwhile, and what is the matter is said in words."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from peertalk import say
from peertalk.commands import Checkup, written
from peertalk.core.events import Report, Room
from peertalk.say.names import listed
from peertalk.say.nobody import PATIENCE, Nobody
from peertalk.say.roster import Roster

if TYPE_CHECKING:
    from peertalk.node.node import Node

LATEST: Final = PATIENCE + 3
"""Seconds after which it is said that nobody is here even if the doctor is still looking."""


class Alone:
    """Says once that nobody is here, and later only what else the doctor finds; no more after somebody has come."""

    def __init__(self, node: Node, roster: Roster) -> None:
        self._node = node
        self._roster = roster
        self._since = time.monotonic()
        self._checkup = Checkup()
        self._said = self._over = False
        self._verdict: str | None = None

    def end(self) -> None:
        """Somebody has come, or the person leaves: nobody looks any longer."""
        self._over = True
        self._checkup.stop()

    def due(self, room: Room | None, now: float) -> list[str]:
        """What is to be said now, where this room is open. To be called each second or so."""
        if self._roster.here():
            self.end()
        if self._over:
            return []
        status, seconds = self._node.status(), now - self._since
        report = self._checkup.follow(self._node if not status.links else None, seconds, now)
        if room is None or room.kind == "direct" or not self._is_news(report, seconds):
            return []
        words = say.nobody.nobody(room, status, self._node.interfaces(), seconds, report)
        told, self._said = lines(words, again=self._said), True
        return told

    def _is_news(self, report: Report | None, seconds: float) -> bool:
        if report is None or not say.nobody.is_worth_telling(report.verdict, seconds):
            return not self._said and seconds >= (LATEST if self._checkup.looking else PATIENCE)
        before, self._verdict = self._verdict, report.verdict
        return self._verdict != before


def lines(words: Nobody, *, again: bool = False) -> list[str]:
    """The sentences; `again`: only what the doctor has found since."""
    search = words.search
    where = (
        f"{search.sentence} {listed([' '.join(place.split()) for place in search.places])}."
        if search.places
        else search.sentence
    )
    found = [" ".join(filter(None, (words.verdict or (search.sentence if again else ""), words.remedy)))]
    ways = [f"{way.why} {written(way)}" for way in words.ways]
    if again:
        return found
    connecting = [f"{words.question} {', '.join(ways[:-1])}"] if words.question else []
    return [" ".join((words.first, where, *search.answers)), *filter(None, found), *connecting, *ways[-1:]]
