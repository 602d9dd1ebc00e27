"""Gestures towards a message: five words, shown in the reader's language, or one emoji (docs/rpc.md, `messages.react`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from peertalk import text
from peertalk.errors import RequestError

MOST: Final = 8
"""So many gestures of one person towards one message are shown."""
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
    """Gesture → who made it, as ids. What others wrote that is none is left out, and so is what somebody made beyond MOST towards
    one message: a thousand emoji are noise, and read aloud they are no end of it."""
    found: dict[str, dict[str, None]] = {}
    made: Counter[bytes] = Counter()
    for raw, people in reactions.items():
        name = gesture(raw)
        for person in people if name else ():
            made[person] += person.hex() not in found.get(name, {})
            if made[person] <= MOST:
                found.setdefault(name, {})[person.hex()] = None
    return {name: list(people) for name, people in found.items()}
