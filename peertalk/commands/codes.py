"""Codes that are being typed: what Tab offers, and which word is not understood as soon as the next one is begun."""

from __future__ import annotations

import re

from peertalk import say
from peertalk.commands import completion
from peertalk.core import codes
from peertalk.core.spelling import fold, meanings, suggest
from peertalk.core.wordlist import LANGUAGES
from peertalk.errors import RequestError

_WORD = re.compile(r"[^\W\d_]+")
_CODE = re.compile(r"\W*\d{1,2}\W+([^\W\d_]+)\W+([^\W\d_]+)\W+([^\W\d_]+)\W*")
ENOUGH = 2
"""Words of the list, of three, that make a code of what was written."""


def complete(text: str) -> list[str]:
    """The whole text, with its last word completed in each way that is possible."""
    line = f"/accept {text}"
    return [found.text for found in completion.complete(line, len(line), completion.Candidates())]


def is_one(text: str) -> bool:
    """Whether a whole message is a code or a link, perhaps with one word misheard. In an open room that is a slip: everybody there
    could come in by it."""
    try:
        codes.parse(text)
    except RequestError:
        words = _CODE.fullmatch(fold(text))
        return words is not None and sum(bool(meanings(word)) for word in words.groups()) >= ENOUGH
    return True


def doubt(text: str) -> str:
    """A sentence about the first word that is none of a code, or "". The word that is just being typed may still become one."""
    if ":" in text or "/" in text:
        return ""
    folded = fold(text)
    for found in _WORD.finditer(folded):
        unfinished = found.end() == len(folded)
        if not meanings(found[0]) and not (unfinished and codes.complete(text, "en")):
            offers = suggest(found[0], LANGUAGES)
            return say.error(
                RequestError("bad_code", reason="malformed", why="unknown_word", word=found[0][:32], suggestions=offers)
            )
    return ""
