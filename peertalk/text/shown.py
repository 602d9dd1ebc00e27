"""Messages, lines and names of others, as they are shown."""

from __future__ import annotations

import re
from typing import Final

from peertalk.text.cells import clip
from peertalk.text.neutral import PLAIN, neutral
from peertalk.text.sequences import REPLACEMENT, is_pictographic

MAX_CHARACTERS: Final = 32_768
MAX_LINES: Final = 1_000
MAX_BLANK_LINES: Final = 2
NAME_CELLS: Final = 32
LINE_CELLS: Final = 200


def message(raw: str) -> str:
    """The text of a message, story or draft: several lines, safe to show. Empty only if `raw` is blank."""
    is_plain = len(raw) <= MAX_CHARACTERS and PLAIN.fullmatch(raw)
    return raw.rstrip() if is_plain else _message(raw)  # most are: one line in which nothing has to be changed


def _message(raw: str) -> str:
    kept = _shorten(raw.replace("\r\n", "\n").replace("\r", "\n"))
    lines = [neutral(part).rstrip() for part in kept.split("\n")]
    return _shorten(_stack(lines)) or (REPLACEMENT if raw.strip() else "")


def line(raw: str, cells: int = LINE_CELLS) -> str:
    """One line, its spaces collapsed, at most `cells` wide: a file name, an advertisement, a topic. May be empty."""
    shown = neutral(" ".join(raw[:MAX_CHARACTERS].split()))
    return clip(" ".join(shown.split()), cells)


# What the screen says about people (verified, here, the tag behind a name): nobody may write it into a name.
_MARKS_OF_STATE: Final = re.compile(
    r"[✓✔✅☑🗸●○◉◯⬤◆◇▸▶⏳✗✘❌⚠\u2500-\u259f\ufffd\u2800]\ufe0f?|(?<!\w)[·•∙⋅‧・･᛫⸱⸳ᐧ∘◦🞄]|[·•∙⋅‧・･᛫⸱⸳ᐧ∘◦🞄](?!\w)|ꞏ"
)


def name(raw: str, fallback: str = "?") -> str:
    """A nickname: one line of at most 32 cells without the marks that the screen itself puts beside names; else `fallback`."""
    shown = line(raw, MAX_CHARACTERS)
    while (cleaned := clip(" ".join(neutral(_MARKS_OF_STATE.sub(" ", shown)).split()), NAME_CELLS)) != shown:
        shown = cleaned  # what was cut off may have been what said something, or what made a letter's neighbour of a mark
    says_something = any(character.isalnum() or is_pictographic(character) for character in shown)
    return shown if says_something else fallback


# What the lines of plain mode are made of, and what looks like it: in a name it would end the name, or begin another sentence.
_GRAMMAR: Final = re.compile(
    r"[:,;*#\uff1a\ufe55\ufe13\ua789\u02d0\u02f8\u2236\ufe30\uff0c\u3001\uff1b\uff0a\u2217\u204e\u2731\uff03\ufe5f]"
    r"|[.!?…]+(?=\s)|[\u3002\uff0e\uff01\uff1f]"
)
_GAPS: Final = re.compile(r"[ \u2800]+")


def spoken(name: str) -> str:
    """A name within a sentence or before a colon, where nothing but the words say what is a name. May be empty."""
    return gathered(_GRAMMAR.sub(" ", name))


def gathered(words: str) -> str:
    """Without runs of spaces, which are layout."""
    return _GAPS.sub(" ", words).strip()


def _shorten(text: str) -> str:
    """At most MAX_CHARACTERS, cut where the rest stays neutral."""
    return text if len(text) <= MAX_CHARACTERS else _neutral_lines(text[: MAX_CHARACTERS - 1]) + "…"


def _neutral_lines(text: str) -> str:
    return "\n".join(neutral(part) for part in text.split("\n"))


def _stack(lines: list[str]) -> str:
    """The lines without blank ones at both ends, without long gaps, and not too many."""
    kept: list[str] = []
    blank = MAX_BLANK_LINES
    for text in lines:
        blank = 0 if text else blank + 1
        if blank <= MAX_BLANK_LINES:
            kept.append(text)
    if len(kept) > MAX_LINES:
        kept = [*kept[: MAX_LINES - 1], "…"]
    return "\n".join(kept).rstrip("\n")
