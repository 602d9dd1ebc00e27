"""Short ways to make values for tests of the screen."""

from __future__ import annotations

from pathlib import Path

from peertalk.config import Settings
from peertalk.core.events import Author, Message

SETTINGS = Settings(home=Path("/nowhere"))
NOON = 1_795_521_600_000  # 2026-11-24 12:00 UTC
MINUTE = 60_000


def author(name: str = "Mira", via: str | None = None) -> Author:
    return Author(id=f"id-{name}", name=name, tag=name[:4].lower(), via=via)


def message(number: int, text: str = "hello", *, by: str = "Mira", minutes: float = 0, **fields: object) -> Message:
    """The `number`-th message of a room, by lamport time."""
    values: dict[str, object] = {
        "id": f"m{number}", "room": "r", "author": author(by), "seq": number, "lamport": number,
        "time": NOON + int(minutes * MINUTE), "text": text, "mine": by == "me",
    }  # fmt: skip
    return Message(**(values | fields))  # type: ignore[arg-type]


def waiting(number: int, text: str = "hello", **fields: object) -> Message:
    return message(number, text, by="me", seq=None, lamport=None, state="waiting", **fields)  # type: ignore[arg-type]
