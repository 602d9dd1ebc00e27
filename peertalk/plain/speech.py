"""A message → its lines. Pure.

`Anna: text` in the room that is open; elsewhere `#workshop, Anna: text` and `Jonas, to you: text`. Each line of a text begins so:
a screen reader passes over indentation, and what sounds like another person's line must not be one. Blank lines and runs of
spaces, which are layout, are left out: so nobody can push words to where a row of the terminal begins either.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from peertalk import say, text
from peertalk.core.events import IdentityView, Message, Room
from peertalk.i18n import N_, _
from peertalk.say.roster import Roster
from peertalk.text import look

_OURS: Final = frozenset(map(look, ("you", "du", "ich", "i", "peertalk")))


@dataclass(frozen=True, slots=True)
class Manner:
    """How messages are told: which room is open (its id), what time it is (ms), whether each has its time, and how the author of
    a message is called by its id, if that is known."""

    roster: Roster
    room: str | None
    now: int
    times: bool = False
    author_of: Callable[[str], str | None] = lambda _message: None


_ANSWERS: Final = {
    "deleted": N_("answering something that was deleted"),
    "expired": N_("answering something that has expired"),
    "blocked": N_("answering somebody whom you have blocked"),
    "missing": N_("answering something that is not here"),
}


def called(roster: Roster, somebody: IdentityView) -> str:
    """What somebody is called here: in their own words, but none that could be the rest of a head. The tag of the key stands
    behind it where another has the name, or where it was changed."""
    name = text.spoken(somebody.name) or somebody.tag
    if name != somebody.name or look(name) in _OURS:
        return f"{name} · {somebody.tag}"
    return roster.called(somebody)


def title(roster: Roster, room: Room) -> str:
    """What a room is called here."""
    partner = roster.partner(room)
    if room.kind == "direct":
        return called(roster, partner) if partner is not None else text.spoken(room.name)
    return say.room(room) if room.kind == "open" else text.spoken(room.name)


def lines(message: Message, manner: Manner) -> list[str]:
    """The message, each line with its head."""
    if not message.is_speech:
        return []
    head = ", ".join(_head(message, manner))
    rows = (text.gathered(row) for row in say.words(message).split("\n"))
    return [f"{head}: {row}" for row in rows if row]


def _head(message: Message, manner: Manner) -> list[str]:
    """Who, to whom if that is not the open room, and what else has to be known before the text."""
    roster, room = manner.roster, manner.roster.rooms.get(message.room)
    who = _("You") if message.mine else called(roster, message.author)
    parts = [who]
    if room is not None and room.id != manner.room:
        parts = _elsewhere(who, room, message, roster)
    return [*parts, *_details(message, manner)]


def _elsewhere(who: str, room: Room, message: Message, roster: Roster) -> list[str]:
    if room.kind != "direct":
        return [title(roster, room), who]
    return [who, _("to {name}").format(name=title(roster, room)) if message.mine else _("to you")]


def _answering(message: Message, answered: str, manner: Manner) -> str:
    quote, me = message.quote, manner.roster.me
    if quote is not None and quote.state != "shown":
        return _(_ANSWERS[quote.state])
    if quote is not None and quote.author is not None and me is not None and quote.author.id == me.id:
        return _("answering you")
    name = manner.author_of(answered)
    if quote is not None and quote.author is not None and name is None:
        name = called(manner.roster, quote.author)
    return _("answering {name}").format(name=name) if name else _("answering an earlier message")


def gestures(message: Message, roster: Roster) -> str:
    """Who made which gesture: `Mira: thank you; you: me too`."""
    people = {person for made in message.reactions.values() for person in made}
    names = {person: called(roster, roster.peers[person]) for person in people if person in roster.peers}
    return say.gestures(message, names, roster.me.id if roster.me is not None else "", between="; ")


def _details(message: Message, manner: Manner) -> list[str]:
    parts = []
    if message.author.via:
        parts.append(_("passed on by {name}").format(name=text.spoken(message.author.via)))
    if message.reply_to is not None:
        parts.append(_answering(message, message.reply_to, manner))
    if message.replies is not None:
        parts.append(say.wish(message.replies))
    if message.after_split:
        parts.append(_("after the split"))
    parts += _times(message, manner)
    if message.state == "waiting":
        parts.append(_("waiting"))
    if message.edited:
        parts.append(_("edited"))
    return parts


def _times(message: Message, manner: Manner) -> list[str]:
    """What is to be said of when it was written."""
    if message.clock:  # then the time that it tells is no time
        return [say.clock_words(message), *([_("late")] if message.late else [])]
    if message.late:
        return [_("late, written {time}").format(time=say.moment(message.time, manner.now))]
    return [say.clock(message.time)] if manner.times else []
