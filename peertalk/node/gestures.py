"""Gestures towards a message: five words, shown in the reader's language, or one emoji (docs/rpc.md, `messages.react`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from peertalk import text
from peertalk.errors import RequestError

WORDS: Final = ("hear", "metoo", "thanks", "strength", "hope")


def gesture(raw: str) -> str:
    """A gesture as it is shown; "" for what is none: others may have written anything."""
    return raw if raw in WORDS else text.emoji(raw)


def wanted(raw: str) -> str:
    """The same for what somebody here wants to say. RequestError("bad_choice")."""
    made = gesture(raw.strip())
    if not made:
        raise RequestError("bad_choice", value=text.line(raw), allowed=[*WORDS, "👋"])
    return made


def shown(reactions: Mapping[str, Sequence[bytes]]) -> dict[str, list[str]]:
    """Gesture → who made it, as ids. What others wrote that is none is left out."""
    found: dict[str, dict[str, None]] = {}
    for raw, people in reactions.items():
        if name := gesture(raw):
            found.setdefault(name, {}).update(dict.fromkeys(person.hex() for person in people))
    return {name: list(people) for name, people in found.items()}
