"""Live pages in a large room: sent on at once where they are new, named where they are not (docs/protocol.md, "Large rooms").

This is Plumtree: the links on which pages come first make a tree, the others carry tips only; who misses a page asks for it, and by
that makes the link a branch of the tree.
"""

from __future__ import annotations

from collections.abc import Sequence

from peertalk.core import wire
from peertalk.core.effects import Send
from peertalk.core.outlet import Outlet
from peertalk.core.room import Room
from peertalk.core.sharing import FEW, Sharing
from peertalk.core.stored import PageRecord

MAX_RELAYED = 64 * 1024
"""Bytes of pages of others, beyond the first of them, that are sent on one link at once."""


def relay(room: Room, pages: Sequence[PageRecord], source: Sharing) -> frozenset[int]:
    """Pages of others have settled, and came by `source`: send them on, unless they are much. The links on which all of them went."""
    is_much = source.is_catching_up or sum(len(page.entries) for page in pages) > FEW
    if not room.is_large or is_much or any(entry.body is None for page in pages for entry in page.entries):
        return frozenset()
    first, *more = [push(room, _message(page), source) for page in pages]
    return first.intersection(*more)


def _message(page: PageRecord) -> wire.Page:
    headers = tuple(entry.header for entry in page.entries)
    return wire.Page(page.room, headers, page.signature, tuple(entry.body for entry in page.entries))


def push(room: Room, page: wire.Page, source: Sharing | None = None) -> frozenset[int]:
    """Send a live page to everybody, in a large room on the eager links. One that came by `source` does not go back, nor where much waits
    already: there it is named. The links on which it went."""
    links = [one for one in room.ready() if one is not source and (one.is_eager or not room.is_large)]
    if source is not None:
        size = wire.size(page)
        links = [one for one in links if _has_room(room.outlet, one.link, size)]
    for sharing in links:
        room.outlet.emit(Send(sharing.link, page))
    return frozenset(sharing.link for sharing in links)


def _has_room(outlet: Outlet, link: int, size: int) -> bool:
    """May a page that others wrote be added to what is sent on this link now? What is decided at once is on no link yet that could say
    that it has enough: pages of many may come at once, and go to many."""
    before = outlet.relayed[link]
    if link in outlet.congested or (before and before + size > MAX_RELAYED):
        return False
    outlet.relayed[link] += size
    return True


def came_again(room: Room, sharing: Sharing) -> None:
    """A live page came that is here already: let it be named only, on this link."""
    if room.is_large and sharing.is_eager and not sharing.is_catching_up:
        sharing.is_eager = False
        room.outlet.emit(Send(sharing.link, wire.Prune(room.id)))
