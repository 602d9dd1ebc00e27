"""Live pages in a large room: sent on at once where they are new, named where they are not (docs/protocol.md, "Large rooms").

This is Plumtree: the links on which pages come first make a tree, the others carry tips only; who misses a page asks for it, and by
that makes the link a branch of the tree.
"""

from __future__ import annotations

from collections.abc import Sequence

from peertalk.core import wire
from peertalk.core.effects import Send
from peertalk.core.room import Room
from peertalk.core.sharing import FEW, Sharing
from peertalk.core.stored import PageRecord


def relay(room: Room, pages: Sequence[PageRecord], source: Sharing) -> frozenset[int]:
    """Pages of others have settled, and came by `source`: send them on, unless they are much. The links on which they went."""
    if not room.is_large or source.is_catching_up or sum(len(page.entries) for page in pages) > FEW:
        return frozenset()
    if any(entry.body is None for page in pages for entry in page.entries):
        return frozenset()
    links = [push(room, _message(page), source) for page in pages]
    return frozenset().union(*links)


def _message(page: PageRecord) -> wire.Page:
    headers = tuple(entry.header for entry in page.entries)
    return wire.Page(page.room, headers, page.signature, tuple(entry.body for entry in page.entries))


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
