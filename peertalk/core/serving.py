"""Answering what a peer lacks: pages in the order in which they settled here, so that each settles there (docs/protocol.md).

An answer is cut at a size and asked for again: the asker sets the pace, a slow one holds nothing up but itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from peertalk.core import wire
from peertalk.core.effects import Send
from peertalk.core.feed import Lack
from peertalk.core.outlet import Now, Outlet
from peertalk.core.room import Room
from peertalk.core.sharing import Sharing
from peertalk.core.stored import PageRecord

ANSWER_SIZE, MAX_ANSWER = 512 * 1024, 2 * 1024 * 1024
QUICK = 1.0
"""Seconds after an answer that was cut within which who asks for the rest has taken it quickly: it gets twice as much next."""
MAX_AT_ONCE = 512
_ROOM_IN_MESSAGE = wire.MAX_PAGE


def answer(room: Room, sharing: Sharing, want: wire.Want, now: Now) -> None:
    """Begin to answer a Want; a newer one replaces the older. Who asks again at once gets more at a time."""
    for id_ in want.known:
        sharing.note(room.log, id_)
    sharing.serving = room.log.lacking(sharing.held(), want.tips, room.durable)
    is_quick = now.mono - sharing.served_at <= QUICK
    sharing.window = min(MAX_ANSWER, sharing.window * 2) if is_quick and sharing.window else ANSWER_SIZE
    begin(room, sharing)


def begin(room: Room, sharing: Sharing) -> None:
    """Answer what `sharing.serving` gives, once it is its turn: few are answered at a time, and nobody who doesn't read."""
    sharing.serving_left = sharing.window
    if sharing.is_serving:
        return
    sharing.is_held_up = sharing.link in room.outlet.congested
    if not sharing.is_held_up:
        sharing.is_serving = True
        room.outlet.turns.take(lambda: _next(room, sharing))


def congested(rooms: Iterable[Room], outlet: Outlet, link: int, *, much: bool) -> None:
    """A link has much to send, or takes more again: then what was held up goes on."""
    if much:
        outlet.congested.add(link)
        return
    outlet.congested.discard(link)
    for room in rooms:
        sharing = room.sharings.get(link)
        if sharing is None:
            continue
        if sharing.owed:
            sharing.give_owed()
            outlet.touched.add(room.id)
        if sharing.is_held_up:
            begin(room, sharing)


def _next(room: Room, sharing: Sharing) -> None:
    if _is_over(room, sharing):
        _end(room, sharing)
        return
    chunk = list(_chunk(sharing))
    if not chunk or sharing.serving_left <= 0 or sharing.link in room.outlet.congested:
        room.outlet.emit(Send(sharing.link, wire.Done(room.id, bool(chunk))))
        _end(room, sharing)
        return
    numbers = tuple(page.number for page, _ in chunk)
    room.outlet.load_pages(room.id, numbers, lambda pages, now: _loaded(room, sharing, chunk, pages, now))


def _chunk(sharing: Sharing) -> Iterator[Lack]:
    """The next pages: about as many as fill a message, and few enough that they are no burden to hold."""
    entries = 0
    for lack in islice(sharing.serving, wire.MAX_PAGES):
        yield lack
        entries += len(lack[0].entries)
        if entries >= min(sharing.at_once, MAX_AT_ONCE):
            return


def _is_over(room: Room, sharing: Sharing) -> bool:
    """Was the link lost, the room left or its door closed meanwhile? Then nothing more is given."""
    return room.sharings.get(sharing.link) is not sharing


def _end(room: Room, sharing: Sharing) -> None:
    sharing.is_serving, sharing.serving = False, iter(())
    room.outlet.turns.done()


def _loaded(room: Room, sharing: Sharing, chunk: list[Lack], pages: Sequence[PageRecord], now: Now) -> None:
    if _is_over(room, sharing):
        _end(room, sharing)
        return
    skips = {page.number: skip for page, skip in chunk}
    total = entries = 0
    for runs, size in _messages(page_run(page, skips[page.number]) for page in pages):
        room.outlet.emit(Send(sharing.link, wire.Pages(room.id, runs)))
        total += size
        entries += sum(len(run[0]) for run in runs)
    sharing.serving_left -= total
    sharing.served_at = now.mono
    if total:
        sharing.at_once = max(1, entries * wire.MAX_PAGE // total)
    _next(room, sharing)


def _messages(runs: Iterable[tuple[wire.Run, int]]) -> Iterator[tuple[tuple[wire.Run, ...], int]]:
    """The pages of each message, with their size: as many as go into one."""
    some: list[wire.Run] = []
    total = 0
    for run, size in runs:
        if some and total + size > _ROOM_IN_MESSAGE:
            yield tuple(some), total
            some, total = [], 0
        some.append(run)
        total += size
    if some:
        yield tuple(some), total


def page_run(page: PageRecord, skip: int) -> tuple[wire.Run, int]:
    """A stored page less its first `skip` entries, and its size. Bodies that don't fit are left out: they are asked for."""
    entries = page.entries[skip:] if skip else page.entries
    size = sum(len(entry.header) + 4 for entry in entries)
    bodies: list[bytes | None] = []
    for entry in entries:
        body = entry.body
        if body is not None and size + len(body) + 4 <= _ROOM_IN_MESSAGE:
            bodies.append(body)
            size += len(body) + 4
        else:
            bodies.append(None)
            size += 1
    return (tuple(entry.header for entry in entries), page.signature, tuple(bodies)), size


def answer_bodies(room: Room, sharing: Sharing, want: wire.WantBodies) -> None:
    """Answer a request for single bodies with those that are here. One is answered at a time, others get lost, and
    so do those of a peer that doesn't read."""
    if sharing.is_loading or sharing.link in room.outlet.congested:
        return
    sharing.is_loading = True
    room.outlet.load_bodies(room.id, want.entries, lambda bodies, _: _send_bodies(room, sharing, bodies))


def _send_bodies(room: Room, sharing: Sharing, bodies: Mapping[bytes, bytes]) -> None:
    sharing.is_loading = False
    if _is_over(room, sharing):
        return
    size, some = 0, []
    for id_, body in bodies.items():
        size += len(body) + 40
        if size <= _ROOM_IN_MESSAGE:
            some.append((id_, body))
    room.outlet.emit(Send(sharing.link, wire.Bodies(room.id, tuple(some))))
