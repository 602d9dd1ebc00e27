"""Searching bytes for words and keys, however they may be written."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator


def spellings(secret: bytes) -> Iterator[bytes]:
    """Ways to write some bytes that a program might have."""
    for form in (secret, secret[::-1]):
        yield form
        yield form.hex().encode()
        yield form.hex().upper().encode()
        yield b"".join(b"%%%02X" % byte for byte in form)
        yield form.hex(":").encode()
        yield base64.b32encode(form).rstrip(b"=")
        yield from _base64(form)


def _base64(secret: bytes) -> Iterator[bytes]:
    """In the midst of other base64 it may stand at three places; what is its neighbour's too is left out."""
    for before in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            written = encode(bytes(before) + secret)
            yield written[(before * 8 + 5) // 6 : (before + len(secret)) * 8 // 6]


def of_word(word: str) -> Iterator[bytes]:
    """Ways to write a word, in any case."""
    for each in {word, word.lower(), word.upper(), word.capitalize()}:
        for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
            yield from spellings(each.encode(encoding))


def found(haystack: bytes, words: Iterable[str] = (), keys: Iterable[bytes] = ()) -> list[str]:
    """Those of the words and keys that the haystack holds."""
    lower = haystack.lower()
    hits = [word for word in words if any(form in haystack for form in of_word(word)) or word.lower().encode() in lower]
    return hits + [key.hex() for key in keys if any(form in haystack for form in spellings(key))]
