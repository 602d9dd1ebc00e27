"""The code and the link of an invitation: `7-guitar-meadow-comet`, `peertalk:1/7/…` (docs/protocol.md, "Words").

What a person types from hearing is read forgivingly, but never guessed: a near miss is suggested, not taken.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address
from typing import Final, Literal

from peertalk.core.addresses import is_private
from peertalk.core.spelling import begun, fold, meaning, meanings, suggest
from peertalk.core.wordlist import LANGUAGES, WORDS, Language
from peertalk.errors import RequestError

Way = Literal["words", "link"]
Hint = tuple[str, int]
Why = Literal["empty", "slot", "words", "unknown_word", "version", "link"]

SLOTS: Final = range(1, 65)
WORD_BYTES, LINK_BYTES = 3, 16
MAX_HINTS, LEAST_PORT, MAX_PORT = 4, 1024, 65535
MAX_TEXT = 2_000
"""Characters; a link with four hints has less than 300."""

_LABELS: Final = {"words": b"peertalk/1 words", "link": b"peertalk/1 link"}
_LENGTHS: Final = {"words": WORD_BYTES, "link": LINK_BYTES}
_WORD_SHOWN = 32


@dataclass(frozen=True, slots=True)
class Code:
    """An invitation as it was told: a slot, and a secret of three bytes (words) or 16 (a link), with addresses to try first."""

    slot: int
    way: Way
    secret: bytes = field(repr=False)
    hints: tuple[Hint, ...] = ()

    def __post_init__(self) -> None:
        if self.slot not in SLOTS or len(self.secret) != _LENGTHS[self.way]:
            raise ValueError("a code has a slot from 1 to 64 and 3 or 16 bytes")

    @property
    def password(self) -> bytes:
        """What SPAKE2 takes: the same in whichever language the words were said."""
        return _LABELS[self.way] + self.secret


def spoken(slot: int, indices: Sequence[int], language: Language) -> str:
    """`7-guitar-meadow-comet`: a slot and three words, each by its index (or a byte string of them)."""
    return "-".join([str(slot), *(WORDS[language][index] for index in indices)])


def link(slot: int, secret: bytes, hints: Iterable[Hint] = ()) -> str:
    """`peertalk:1/7/<26 characters>?at=…`: with at most four of the addresses, those that whoever reads it may use."""
    encoded = base64.b32encode(secret).decode().rstrip("=").lower()
    ends = [f"at=[{host}]:{port}" if ":" in host else f"at={host}:{port}" for host, port in usable(hints)]
    return f"peertalk:1/{slot}/{encoded}" + ("?" + "&".join(ends) if ends else "")


def usable(hints: Iterable[Hint]) -> tuple[Hint, ...]:
    """The first four of those that a link may hold: numeric addresses of private networks, ports from 1024. A link of a stranger's
    making must not have us dial the internet."""
    kept = dict.fromkeys(good for hint in hints if (good := _usable(*hint)) is not None)
    return tuple(kept)[:MAX_HINTS]


def _usable(host: str, port: int) -> Hint | None:
    try:
        address = ip_address(host)
    except ValueError:
        return None
    scoped = isinstance(address, IPv6Address) and address.scope_id is not None
    return (str(address), port) if is_private(address) and not scoped and LEAST_PORT <= port <= MAX_PORT else None


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────

_COMMAND: Final = re.compile(r"\W*?/(?:accept|annehmen)\b")
_SCHEME: Final = re.compile(r"[^a-z0-9]*peertalk:")
_TOKEN: Final = re.compile(r"\d+|[^\W\d_]+")


def parse(text: str) -> Code:
    """A code or a link as a person typed, pasted or scanned it. RequestError("bad_code", reason="malformed", why, word,
    suggestions): `why` is one of `Why`; `word`, at most 32 characters, is what is not known, folded, and may be of a stranger's making:
    neutralise it."""
    body = _body(text[:MAX_TEXT])
    unbroken = re.sub(r"\s", "", body)  # a terminal may have broken a link anywhere
    scheme = _SCHEME.match(unbroken)
    if len(text) > MAX_TEXT:
        raise _malformed("link" if scheme else "words")
    return _read_link(unbroken[scheme.end() :]) if scheme else _read_words(_TOKEN.findall(body))


def _body(text: str) -> str:
    """What is said, folded, without the command that may stand before it."""
    folded = fold(text)
    command = _COMMAND.match(folded)
    return folded[command.end() :] if command else folded


def _malformed(why: Why, word: str = "", suggestions: Sequence[str] = ()) -> RequestError:
    return RequestError("bad_code", reason="malformed", why=why, word=word[:_WORD_SHOWN], suggestions=tuple(suggestions))


def _read_words(tokens: list[str]) -> Code:
    if not tokens:
        raise _malformed("empty")
    numbers = [token for token in tokens if token.isdecimal()]
    if len(numbers) != 1 or not (tokens[0].isdecimal() or tokens[-1].isdecimal()):
        raise _malformed("slot", " ".join(numbers))
    words = [token for token in tokens if not token.isdecimal()]
    slot = _slot(numbers[0])
    if len(words) != WORD_BYTES:
        raise _malformed("words")
    return Code(slot, "words", bytes(_understood(words)))


def _slot(digits: str) -> int:
    slot = int(digits) if len(digits) <= 3 else 0
    if slot not in SLOTS:
        raise _malformed("slot", digits)
    return slot


def _understood(words: list[str]) -> tuple[int, ...]:
    """The indices of the words: all of one language, if that can be; else each as it can only be meant."""
    readings = [tuple(meaning(word, language) for word in words) for language in LANGUAGES]
    whole = {reading for reading in readings if None not in reading}
    if len(whole) > 1:  # abbreviations throughout, of two codes at once
        word = next(word for word in words if len(meanings(word)) > 1)
        raise _malformed("unknown_word", word, begun(word, LANGUAGES))
    if whole:
        return tuple(index for index in whole.pop() if index is not None)
    return tuple(_alone(word, words) for word in words)


def _alone(word: str, words: list[str]) -> int:
    found = meanings(word)
    if len(found) != 1:
        raise _malformed("unknown_word", word, suggest(word, _languages_of(words)))
    return next(iter(found))


def _languages_of(words: list[str], otherwise: Language = "en") -> list[Language]:
    """The languages, first the one that more of the words are of."""
    known = {one: sum(meaning(word, one) is not None for word in words) for one in LANGUAGES}
    return sorted(LANGUAGES, key=lambda one: (-known[one], one != otherwise))


_LINK: Final = re.compile(r"(?P<slot>[0-9]{1,3})/(?P<secret>[a-z2-7]{26})(?:\?(?P<query>\S*))?")
_VERSION: Final = re.compile(r"([0-9]{1,9})/")
_AT: Final = re.compile(r"at=(?:\[(?P<six>[0-9a-f:.]+)\]|(?P<four>[0-9.]+)):(?P<port>[0-9]{1,5})")
_ESCAPES: Final = {"%5b": "[", "%5d": "]", "%3a": ":"}


def _read_link(rest: str) -> Code:
    """What follows the scheme. A program may have escaped it, a person quoted it."""
    bare = rest.rstrip("\"'”“’‘»«>).,;")
    for escape, sign in _ESCAPES.items():
        bare = bare.replace(escape, sign)
    version = _VERSION.match(bare)
    if version and int(version[1]) > 1:
        raise _malformed("version", version[1])
    parts = _LINK.fullmatch(bare, version.end()) if version and int(version[1]) == 1 else None
    secret = _secret(parts["secret"]) if parts else b""
    if parts is None or not secret:
        raise _malformed("link")
    return Code(_slot(parts["slot"]), "link", secret, usable(_hints(parts["query"] or "")))


def _secret(encoded: str) -> bytes:
    """16 bytes, or none if two links would stand for them."""
    secret = base64.b32decode(encoded.upper() + "======")
    return secret if base64.b32encode(secret)[:26] == encoded.upper().encode() else b""


def _hints(query: str) -> Iterable[Hint]:
    """What is said of addresses. Parameters that are not known belong to later versions and are passed over."""
    for parameter in query.split("&"):
        if at := _AT.fullmatch(parameter):
            yield at["six"] or at["four"], int(at["port"])


# ── typing one ──────────────────────────────────────────────────────────────────────────────────────────────────────


_LAST: Final = re.compile(r"[^\W\d_]+\Z")


def complete(text: str, language: Language) -> list[str]:
    """What Tab offers for a code that is being typed: the whole text with its last word completed, everything before it as it was
    typed. Words of the language that the others are of, else of `language`, else of another; nothing where no word has begun."""
    last = _LAST.search(text[-MAX_TEXT:])
    if last is None or ":" in text:
        return []
    before = text[: -len(last[0])]
    words = [token for token in _TOKEN.findall(_body(before[-MAX_TEXT:])) if not token.isdecimal()]
    if len(words) >= WORD_BYTES:
        return []
    begin = fold(last[0])
    offers = next((offers for one in _languages_of(words, language) if (offers := begun(begin, [one]))), ())
    return [before + offer for offer in offers if offer != begin]
