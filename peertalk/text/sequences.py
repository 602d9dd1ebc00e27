"""Characters that are right only beside certain others: emoji sequences, flags, joiners, parts of Hangul syllables."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

import wcwidth

REPLACEMENT: Final = "\ufffd"
_WIDE: Final = 2

_ARABIC: Final = "\u0600-\u08ff\ufb50-\ufdff\ufe70-\ufefc"
_INDIC: Final = "\u0900-\u0dff\u1000-\u109f\u1780-\u18af\u1a20-\u1aad\u1b00-\u1c4f\ua800-\uabff\U00011000-\U00011fff"
_VOWEL: Final = "\u1161-\u11a7\ud7b0-\ud7c6"
_FINAL: Final = "\u11a8-\u11ff\ud7cb-\ud7fb"
_JOINED: Final = re.compile(f"[{_ARABIC}{_INDIC}]")
_VIRAMA: Final = 9  # the canonical combining class
_TONE: Final = "\U0001f3fb-\U0001f3ff"
_TONED: Final = (
    "[\u261d\u26f9\u270a-\u270d\U0001f385\U0001f3c2-\U0001f3c4\U0001f3c7\U0001f3ca-\U0001f3cc\U0001f442\U0001f443"
    "\U0001f446-\U0001f450\U0001f466-\U0001f478\U0001f47c\U0001f481-\U0001f483\U0001f485-\U0001f487\U0001f48f\U0001f491"
    "\U0001f4aa\U0001f574\U0001f575\U0001f57a\U0001f590\U0001f595\U0001f596\U0001f645-\U0001f647\U0001f64b-\U0001f64f"
    "\U0001f6a3\U0001f6b4-\U0001f6b6\U0001f6c0\U0001f6cc\U0001f90c\U0001f90f\U0001f918-\U0001f91f\U0001f926"
    "\U0001f930-\U0001f939\U0001f93c-\U0001f93e\U0001f977\U0001f9b5\U0001f9b6\U0001f9b8\U0001f9b9\U0001f9bb"
    "\U0001f9cd-\U0001f9cf\U0001f9d1-\U0001f9dd\U0001fac3-\U0001fac5\U0001faf0-\U0001faf8]"
)
_PICTURE: Final = "[\u00a9\u00ae\u203c-\u3299\U0001f000-\U0001f1e5\U0001f200-\U0001f3fa\U0001f400-\U0001faff]"  # a superset
_ELEMENT: Final = f"(?:{_TONED}[{_TONE}]|{_PICTURE}\ufe0f?)"
SEQUENCES: Final = re.compile(
    "\U0001f3f4\U000e0067\U000e0062(?:\U000e0065\U000e006e\U000e0067|\U000e0073\U000e0063\U000e0074|\U000e0077\U000e006c\U000e0073)"
    "\U000e007f"
    f"|(?<=[\u1100-\u115e\ua960-\ua97c])[{_VOWEL}][{_FINAL}]{{0,2}}|(?<=[\uac00-\ud7a3])[{_FINAL}]{{1,2}}"
    f"|(?P<loose>[{_VOWEL}{_FINAL}])"
    "|(?P<regions>[\U0001f1e6-\U0001f1ff]{1,2})"
    "|[0-9#*]\ufe0f\u20e3"
    f"|(?P<emoji>{_ELEMENT}(?:\u200d{_ELEMENT}){{0,3}})"
    f"|(?P<joiner>(?<=[{_ARABIC}])[\u200c\u200d](?=[{_ARABIC}])|(?<=[{_INDIC}])[\u200c\u200d])"
    f"|(?P<stray>[\u200c\u200d\ufe0f{_TONE}\U000e0020-\U000e007f])"
)


def sequence(found: re.Match[str]) -> str:
    """What a candidate for a sequence becomes: itself where it is a real one, else what is visible of it."""
    whole = found[0]
    match found.lastgroup:
        case "stray":
            return ""
        case "loose":
            return REPLACEMENT
        case "regions":
            return whole if len(whole) > 1 else chr(ord(whole) - ord("\U0001f1e6") + ord("A"))
        case "joiner":
            return whole if _joins(found.string[found.start() - 1], found.string[found.end() : found.end() + 1]) else ""
        case "emoji":
            return _emoji(whole)
        case _:
            return whole


def _emoji(candidate: str) -> str:
    """Elements joined where each is a picture, and presented as emoji only where that changes how they look."""
    elements = [
        element[0] if element[-1] == "\ufe0f" and not _has_emoji_look(element[0]) else element
        for element in candidate.split("\u200d")
    ]
    joiner = "\u200d" if all(is_pictographic(element[0]) for element in elements) else ""
    return joiner.join(elements)


@lru_cache(maxsize=1024)
def _has_emoji_look(character: str) -> bool:
    """Whether U+FE0F makes a wide emoji of this narrow character."""
    return wcwidth.wcwidth(character) == 1 and wcwidth.wcswidth(character + "\ufe0f") == _WIDE


def _joins(before: str, after: str) -> bool:
    """Whether a joiner changes a shape here: behind a virama (also at the end of a word: Malayalam), or within a word."""
    if unicodedata.combining(before) == _VIRAMA:
        return True
    return after != "" and all(unicodedata.category(each)[0] in "LM" for each in (before, after)) and bool(_JOINED.match(after))


@lru_cache(maxsize=4096)
def is_pictographic(character: str) -> bool:
    """Whether `character` can be part of an emoji sequence (Extended_Pictographic): then a ZWJ joins it to a following one."""
    return not character.isascii() and len(list(wcwidth.iter_graphemes(character + "\u200d❤"))) == 1
