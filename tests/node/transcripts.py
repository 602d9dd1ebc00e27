"""What people have before them, as plain lines: to be written down in tests and compared."""

from __future__ import annotations

from itertools import groupby
from textwrap import dedent

from peertalk import say
from peertalk.core import events
from peertalk.node.node import Node


async def transcript(node: Node) -> str:
    """All private rooms, oldest first, with what is in them; then what is offered."""
    rooms = [room for room in await node.rooms() if room.kind == "private"]
    lines: list[str] = []
    for room in rooms:
        inside = ", ".join(sorted(one.name for one in await node.members(room.id) if one.online))
        lines += [f"{room.name}{' (read only)' if room.archived else ''}: {inside}"]
        lines += [f"    {line}" for line in in_order((await node.messages(room.id, limit=1000)).messages)]
    for offer in await node.offers():
        lines.append(
            f"{offer.by.name} asks to come along to {offer.name} without {names(offer.without)}: {names(offer.followers)}"
        )
        lines += [f"    still shared: {name}" for name in offer.still_shared]
    return "\n".join(lines)


def in_order(messages: list[events.Message]) -> list[str]:
    """The lines; quiet ones that follow on each other by name, as those who write at one moment come in any order."""
    found: list[str] = []
    for is_quiet, run in groupby(messages, key=lambda one: one.kind != "text"):
        lines = [line(message) for message in run]
        found += sorted(lines) if is_quiet else lines
    return found


def line(message: events.Message) -> str:
    return say.message(message) + (" (after the split)" if message.kind == "text" and message.after_split else "")


def names(people: list[events.Peer]) -> str:
    return ", ".join(sorted(one.name for one in people))


def lines(block: str) -> str:
    """A block of a test, as it is meant."""
    return dedent(block).strip()
