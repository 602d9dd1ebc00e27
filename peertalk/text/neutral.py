"""The steps that make one line neutral: single characters first, then sequences, then marks."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from peertalk.text.sequences import REPLACEMENT, SEQUENCES, is_pictographic, sequence

MAX_DIACRITICS: Final = 4
MAX_MARKS: Final = 8
_TAB: Final = "    "
_CACHED: Final = 20_000
_TRIES: Final = 4
_JOINERS: Final = re.compile("[\u200c\u200d]")

# Only assigned letters, digits and signs that are NFC by themselves and never combine, disappear or reorder.
PLAIN: Final = re.compile(
    r"[\x20-\x7e\xa1-\xac\xae-\u02ff\u0391-\u03a1\u03a3-\u03e1\u0400-\u0482\u048a-\u052f\u05d0-\u05ea\u1e00-\u1eff"
    r"\u2010-\u2027\u2030-\u205e\u20a0-\u20bf\u3041-\u3096\u30a1-\u30fa\u4e00-\u9fff\uac00-\ud7a3]*"
)


def neutral(raw: str) -> str:
    """One line, neutral: single characters first, then sequences, then marks; NFC last, so that nothing is left to combine."""
    if PLAIN.fullmatch(raw):
        return raw
    shown = raw.translate(_table)
    for _again in range(_TRIES):
        before, shown = shown, _settled(shown)
        if shown == before or not _JOINERS.search(shown):
            return shown
    return _settled(_JOINERS.sub("", shown))


def _settled(text: str) -> str:
    """One round of sequences and marks. NFC can move marks, and so take a joiner its reason: then another round is needed."""
    kept = cap_marks(SEQUENCES.sub(sequence, text))  # before NFC too: sorting a long run of marks takes quadratic time
    return cap_marks(unicodedata.normalize("NFC", kept))


class _Table(dict[int, str | None]):
    """What becomes of each single character, worked out when first seen (str.translate asks for code points)."""

    def __missing__(self, code: int) -> str | None:
        result = single(chr(code))
        if len(self) < _CACHED:  # a flood of rare characters must not fill the memory
            self[code] = result
        return result


_table: Final = _Table()

# Default_Ignorable_Code_Point and the interlinear annotations, but for those that SEQUENCES decides on.
INVISIBLE: Final = re.compile(
    r"[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164"
    r"\ufe00-\ufe0e\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e001f\U000e0080-\U000e0fff]"
)
DECIDED_LATER: Final = re.compile("[\u200c\u200d\ufe0f\U000e0020-\U000e007f]")


def single(character: str) -> str | None:
    """What one character becomes; None: it is dropped."""
    if character == "\t":
        return _TAB
    if DECIDED_LATER.match(character):
        return character
    if INVISIBLE.match(character):
        return None
    category = unicodedata.category(character)
    if category[0] == "Z" or character in "\n\r\v\f\x1c\x1d\x1e\x1f\x85":
        return " "
    if category == "Cn":
        return character if is_pictographic(character) else REPLACEMENT
    return REPLACEMENT if category[0] == "C" else character


_DIACRITIC: Final = re.compile(r"[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]")


def cap_marks(text: str) -> str:
    """Not too many marks on one base, and none without one. After the first too many all the rest goes, so that NFC stays."""
    kept: list[str] = []
    marks = diacritics = 0
    for character in text:
        if character < "\u0300" or not (unicodedata.category(character)[0] == "M" or character in "\u200c\u200d"):
            marks = diacritics = 0
            kept.append(character)
            continue
        if not kept or (marks == 0 and kept[-1] == " "):
            kept.append("◌")
        marks += 1
        diacritics += bool(_DIACRITIC.match(character))
        if diacritics > MAX_DIACRITICS:
            marks = MAX_MARKS
        if marks <= MAX_MARKS and diacritics <= MAX_DIACRITICS:
            kept.append(character)
    return "".join(kept)
