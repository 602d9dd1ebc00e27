"""Live pages in a large room: sent on at once where they are new, named where they are not (docs/protocol.md, "Large rooms").

This is Plumtree: the links on which pages come first make a tree, the others carry tips only; who misses a page asks for it, and by
that makes the link a branch of the tree.
"""

from __future__ import annotations

from collections.abc import Sequence

from peertalk.core import wire
from peertalk.core.effects import Send
from peertalk.core.log import Item
from peertalk.core.room import Room
from peertalk.core.sharing import Sharing


def relay(room: Room, items: Sequence[Item], signature: bytes, source: Sharing) -> frozenset[int]:
    """A page of another has settled, and came by `source`: send it on, unless it is part of much. The links on which it went."""
    if not room.is_large or source.is_catching_up or any(item.body is None for item in items):
        return frozenset()
    page = wire.Page(room.id, tuple(item.raw for item in items), signature, tuple(item.body for item in items))
    return push(room, page, source)


def push(room: Room, page: wire.Page, source: Sharing | None = None) -> frozenset[int]:
    """Send a live page to everybody, in a large room on the eager links, but not back. The links on which it went."""
    links = [one for one in room.ready() if one is not source and (one.is_eager or not room.is_large)]
    for sharing in links:
        room.outlet.emit(Send(sharing.link, page))
    return frozenset(sharing.link for sharing in links)


def came_again(room: Room, sharing: Sharing) -> None:
    """A live page came that is here already: let it be named only, on this link."""
    if room.is_large and sharing.is_eager and not sharing.is_catching_up:
        sharing.is_eager = False
        room.outlet.emit(Send(sharing.link, wire.Prune(room.id)))
