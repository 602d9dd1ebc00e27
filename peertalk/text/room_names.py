"""The names of open and of private rooms."""

from __future__ import annotations

import unicodedata
from typing import Final

from peertalk.errors import RequestError
from peertalk.text.neutral import DECIDED_LATER, INVISIBLE, neutral
from peertalk.text.sequences import is_pictographic

ROOM_NAME_CHARACTERS: Final = 32
PRIVATE_NAME_CHARACTERS: Final = 64


def room_name(raw: str) -> str:
    """The normalised name of an open room, the same for everybody who means the same: `#Workshop` → `workshop`.

    Letters, marks, digits, `-`, `_` and `.`; spaces become `-`. RequestError("bad_name", why=`empty`, `too_long` (with `limit`)
    or `character` (with `character`))."""
    if len(raw) > 8 * ROOM_NAME_CHARACTERS:
        raise RequestError("bad_name", why="too_long", limit=ROOM_NAME_CHARACTERS)
    folded = "-".join(_folded(raw).removeprefix("#").split())
    if not folded:
        raise RequestError("bad_name", why="empty")
    for character in folded:
        if not (unicodedata.category(character)[0] in "LMN" or character in "-_."):
            raise RequestError("bad_name", why="character", character=neutral(character))
    if len(folded) > ROOM_NAME_CHARACTERS:
        raise RequestError("bad_name", why="too_long", limit=ROOM_NAME_CHARACTERS)
    if neutral(folded) != folded or unicodedata.category(folded[0])[0] == "M":
        raise RequestError("bad_name", why="character", character=neutral(folded))
    return folded


def private_room_name(raw: str) -> str:
    """The name of a private room as it goes into its terms: one line as its founder wrote it, without `#`, which marks open rooms.

    RequestError("bad_name", why=`empty`, `too_long` (with `limit`) or `hidden`: of a character nobody would see it, or it would
    change others."""
    if len(raw) > 8 * PRIVATE_NAME_CHARACTERS:
        raise RequestError("bad_name", why="too_long", limit=PRIVATE_NAME_CHARACTERS)
    name = " ".join(unicodedata.normalize("NFC", raw).split()).lstrip("# ")
    if not any(character.isalnum() or is_pictographic(character) for character in name):
        raise RequestError("bad_name", why="empty")
    if len(name) > PRIVATE_NAME_CHARACTERS:
        raise RequestError("bad_name", why="too_long", limit=PRIVATE_NAME_CHARACTERS)
    if not name.isprintable() or neutral(name) != name:
        raise RequestError("bad_name", why="hidden")
    return name


def _folded(raw: str) -> str:
    """NFKC_Casefold, near enough: compatible forms, case and invisible characters make no difference."""
    folded = DECIDED_LATER.sub("", INVISIBLE.sub("", raw))
    for _again in range(3):
        folded = unicodedata.normalize("NFKC", folded.casefold())
    return folded.strip()
