"""Bytes as words to be read aloud: the words of a room (docs/protocol.md, "Words")."""

from __future__ import annotations

from peertalk.core.wordlist import WORDS, Language


def as_words(raw: bytes, language: Language) -> tuple[str, ...]:
    """One word for each byte, in the same order."""
    return tuple(WORDS[language][byte] for byte in raw)
