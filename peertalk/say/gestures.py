"""Gestures and quotes in words. A gesture is somebody's, never a count: nothing here can be won."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from peertalk import text
from peertalk.core.events import Message, Quote
from peertalk.i18n import N_, _

_GESTURES: Final = {
    "hear": N_("I hear you"),
    "metoo": N_("me too"),
    "thanks": N_("thank you"),
    "strength": N_("strength to you"),
    "hope": N_("hope"),
}
WORDS: Final = tuple(_GESTURES)
"""The gestures that are words; any other is one emoji."""


def gesture(name: str) -> str:
    """A gesture in the person's language; an emoji as it is."""
    return _(_GESTURES[name]) if name in _GESTURES else name


def gestures(message: Message, names: Mapping[str, str], me: str = "", between: str = " · ") -> str:
    """`Mira: thank you · you: me too, 👍`; "" if there are none. `names` are people's names by id, `me` is one's own id."""
    made: dict[str, list[str]] = {}
    for name, people in message.reactions.items():
        for person in people:
            made.setdefault(person, []).append(gesture(name))
    told = [f"{_who(person, names, me)}: {', '.join(each)}" for person, each in made.items()]
    return between.join(told)


def _who(person: str, names: Mapping[str, str], me: str) -> str:
    if person == me:
        return _("you")
    return text.spoken(names.get(person, "")) or _("somebody")


_QUOTES: Final = {
    "deleted": N_("an answer to something that was deleted"),
    "expired": N_("an answer to something that has expired"),
    "blocked": N_("an answer to somebody whom you have blocked"),
    "missing": N_("an answer to something that is not here"),
}


def answered(quote: Quote, name: str) -> str:
    """What a message answers: `Mira: the beginning of it`, or why that is not to be seen. `name` is what its author is called."""
    if quote.state != "shown":
        return _(_QUOTES[quote.state])
    return f"{name}: {note(quote.warning) if quote.warning else quote.text}"


_WISHES: Final = {"welcome": N_("replies are welcome"), "listen": N_("please just listen")}


def wish(replies: str) -> str:
    """What somebody who tells something wishes for."""
    return _(_WISHES[replies]) if replies in _WISHES else ""


def note(warning: str) -> str:
    """A content note: what a message speaks of, for whoever would rather not read it now."""
    return _("Content note: {note}").format(note=warning)
