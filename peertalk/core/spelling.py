"""What a person may have meant by a word of a code (docs/protocol.md, "Words")."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Final

from peertalk.core.wordlist import LANGUAGES, WORDS, Language

LEAST: Final = 3
"""Letters that the beginning of a word needs to stand for it."""
FAR: Final = 2
"""Letters that a word may be off to be suggested."""
_MOST: Final = 5

_UMLAUTS: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "æ": "ae", "œ": "oe"})


def fold(text: str) -> str:
    """The same for spellings that differ in case, umlauts (Fluß, FLUSS), accents, wide letters, or signs that nobody sees."""
    plain = unicodedata.normalize("NFKC", text).casefold().translate(_UMLAUTS)
    spread = (sign for sign in unicodedata.normalize("NFD", plain) if unicodedata.category(sign) not in {"Mn", "Cf"})
    return "".join(spread)


def meaning(word: str, language: Language) -> int | None:
    """The index of a folded word, or of the only one that begins so, in one language."""
    found = _indices(word, language)
    return found.pop() if len(found) == 1 else None


def meanings(word: str) -> set[int]:
    """Every index that a folded word can stand for."""
    return {index for language in LANGUAGES for index in _indices(word, language)}


def _indices(word: str, language: Language) -> set[int]:
    """No word begins another, so a whole word stands for itself alone."""
    return {index for index, whole in enumerate(WORDS[language]) if whole.startswith(word)} if len(word) >= LEAST else set()


def begun(word: str, languages: Sequence[Language]) -> tuple[str, ...]:
    """The words that begin so."""
    return tuple(dict.fromkeys(whole for language in languages for whole in WORDS[language] if whole.startswith(word)))


def suggest(word: str, languages: Sequence[Language]) -> tuple[str, ...]:
    """The words that begin so or, if there are none, those at most two letters off, nearest first: at most five, and of the first
    language that has any."""
    for language in languages:
        near = sorted((distance(word, whole), whole) for whole in WORDS[language] if abs(len(word) - len(whole)) <= FAR)
        offers = begun(word, [language]) or tuple(whole for far, whole in near if far <= FAR)
        if offers:
            return offers[:_MOST]
    return ()


def distance(one: str, other: str) -> int:
    """How many letters have to be added, left out or changed, or neighbours swapped, to make `other` of `one`."""
    before: list[int] = []
    above = list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        line = [row]
        for column, sign in enumerate(other, 1):
            best = min(above[column] + 1, line[-1] + 1, above[column - 1] + (letter != sign))
            if row > 1 and column > 1 and letter == other[column - 2] and one[row - 2] == sign:
                best = min(best, before[column - 2] + 1)
            line.append(best)
        before, above = above, line
    return above[-1]
