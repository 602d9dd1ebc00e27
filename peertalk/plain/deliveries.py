"""What becomes of own messages. Pure; `now` is monotonic seconds.

Silence is good news: what somebody has within two seconds is not talked about. What nobody has by then is said to wait, once, and
then once that it was delivered, and to whom. `/room` tells the state of the last message in full.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import msgspec

from peertalk import say
from peertalk.core.events import Delivered, Message, Room
from peertalk.i18n import _, ngettext
from peertalk.plain.presence import NAMED
from peertalk.plain.speech import called, title
from peertalk.say.names import listed
from peertalk.say.roster import Roster

PATIENCE: Final = 2.0
GATHERED: Final = 1.0
AGAIN: Final = 60.0
"""Seconds after which it is said of further messages of a room that they wait too."""
MOST: Final = 10_000


@dataclass(slots=True)
class Own:
    """An own message that nobody had so far: its room, since when, and whether that was said."""

    room: str
    since: float
    said: bool = False


@dataclass(slots=True)
class Arrival:
    """So many messages of a room that were said to wait are with somebody now."""

    since: float
    count: int = 0
    last: Message | Delivered | None = None


@dataclass(slots=True)
class Deliveries:
    """Follows own messages. `last` is the newest own one of each room."""

    last: dict[str, Message] = field(default_factory=dict)
    _waiting: dict[str, Own] = field(default_factory=dict)
    _arrived: dict[str, Arrival] = field(default_factory=dict)
    _said: dict[str, float] = field(default_factory=dict)

    def wrote(self, message: Message, now: float, *, said: bool = False) -> None:
        """An own message is on disk here. `said`: that it waits was said already."""
        self.last[message.room] = message
        if not (message.delivered_to or message.held_by):
            self._waiting[message.id] = Own(message.room, now, said)
            if len(self._waiting) > MOST:
                del self._waiting[next(iter(self._waiting))]

    def changed(self, message: Message, now: float) -> None:
        """An own message is different now: it has its place, or is gone."""
        is_last = message.room in self.last and self.last[message.room].id == message.id
        if message.deleted:
            self._waiting.pop(message.id, None)
            if is_last:
                del self.last[message.room]
            return
        if is_last:
            self.last[message.room] = message
        if message.delivered_to or message.held_by:
            self._has(message.id, message, now)

    def delivered(self, event: Delivered, now: float) -> None:
        """Somebody has an own message."""
        last = self.last.get(event.room)
        if last is not None and last.id == event.message:
            lists = {"delivered_to": event.delivered_to, "held_by": event.held_by}
            self.last[event.room] = msgspec.structs.replace(last, **lists)
        if event.delivered_to or event.held_by:
            self._has(event.message, event, now)

    def _has(self, message: str, what: Message | Delivered, now: float) -> None:
        own = self._waiting.pop(message, None)
        if own is not None and own.said:
            arrival = self._arrived.setdefault(own.room, Arrival(now))
            arrival.count += 1
            arrival.last = what

    def left(self, room: str) -> None:
        """What waits in a room that was left goes nowhere any more."""
        self.last.pop(room, None)
        self._waiting = {message: own for message, own in self._waiting.items() if own.room != room}

    @property
    def waiting(self) -> int:
        """How many nobody has yet."""
        return len(self._waiting)

    # ── words ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def due(self, now: float, roster: Roster, current: str | None) -> list[str]:
        """What is to be said now."""
        told = [*self._tell_waiting(now, roster), *self._tell_arrived(now, roster)]
        return [words if room.id == current else f"{title(roster, room)}: {words}" for room, words in told]

    def _tell_waiting(self, now: float, roster: Roster) -> Iterator[tuple[Room, str]]:
        late = [own for own in self._waiting.values() if not own.said and now - own.since >= PATIENCE]
        known = {own.room for own in self._waiting.values() if own.said}
        for own in late:
            own.said = True
        for id_, count in Counter(own.room for own in late).items():
            room = roster.rooms.get(id_)
            again = id_ not in known or now - self._said.get(id_, -AGAIN) >= AGAIN
            if room is not None and again:
                self._said[id_] = now
                yield room, _waits(count, room)

    def _tell_arrived(self, now: float, roster: Roster) -> Iterator[tuple[Room, str]]:
        ready = {id_: arrival for id_, arrival in self._arrived.items() if now - arrival.since >= GATHERED}
        for id_, arrival in ready.items():
            del self._arrived[id_]
            if (room := roster.rooms.get(id_)) and arrival.last is not None:
                yield room, _was_delivered(arrival.count, arrival.last, room, roster)

    def state(self, room: Room, roster: Roster) -> str:
        """The state of the last own message in a room, in full; "" if there is none."""
        last = self.last.get(room.id)
        return _("Your last message: {state}.").format(state=_state(last, room, roster)) if last is not None else ""


def still_waiting(count: int) -> str:
    """What is said at the end about what nobody has yet."""
    return ngettext(
        "{n} message is kept here, and goes out when PeerTalk runs and somebody is there.",
        "{n} messages are kept here, and go out when PeerTalk runs and somebody is there.",
        count,
    ).format(n=count)


def _waits(count: int, room: Room) -> str:
    if room.online > 1:
        words = ngettext("Your message is still on its way.", "{n} messages of yours are still on their way.", count)
    else:
        words = ngettext(
            "Your message waits until someone is here.", "{n} messages of yours wait until someone is here.", count
        )
    return words.format(n=count)


def _was_delivered(count: int, last: Message | Delivered, room: Room, roster: Roster) -> str:
    whom = _whom(last.delivered_to or last.held_by, room, roster)
    if last.delivered_to:
        words = ngettext("Delivered to {whom}.", "{n} messages delivered to {whom}.", count)
    else:
        words = ngettext("Your message is with {whom}, kept by nobody.", "{n} messages are with {whom}, kept by nobody.", count)
    return words.format(n=count, whom=whom)


def _whom(ids: list[str], room: Room, roster: Roster) -> str:
    """Their names, or how many of the others in the room they are."""
    names = [called(roster, roster.peers[id_]) for id_ in ids if id_ in roster.peers]
    if len(names) == len(ids) <= NAMED:
        return listed(names)
    return _("{have} of {all}").format(have=len(ids), all=max(room.members - 1, len(ids)))


def _state(message: Message, room: Room, roster: Roster) -> str:
    if message.delivered_to and len(message.delivered_to) < room.members - 1:
        return _("delivered to {whom}").format(whom=_whom(message.delivered_to, room, roster))
    return say.state(message, room, {peer.id: called(roster, peer) for peer in roster.peers.values()}, ascii=True)
