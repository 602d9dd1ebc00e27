"""Taking in pages of others: what settles, what has to wait, what comes too fast (docs/protocol.md, "Settling" and "Limits")."""

from __future__ import annotations

from collections.abc import Iterable

from peertalk.core import pushing, wire
from peertalk.core.checks import Checked, CheckedPages, Item, check_page, check_pages
from peertalk.core.effects import Close
from peertalk.core.entry import decode_header, hash32
from peertalk.core.feed import tips_of
from peertalk.core.outlet import Now
from peertalk.core.rates import NEW_FEED, Charged
from peertalk.core.room import Room
from peertalk.core.sharing import Sharing
from peertalk.core.stored import PageRecord
from peertalk.errors import RemoteError

LIVE_PATIENCE = 0.3
"""Seconds that a tip told live is waited for before it is asked for: its author sends it at the same time."""
PUT_OFF = 2.0
"""Seconds after which something that exceeded a rate is asked for again: not at once of the next one, who would send the same."""
MAX_UNWRITTEN = 1 << 20
"""Bytes of pages that wait for the disk beyond which strangers bring nothing more, and twice as many for who brings little: a slow
disk must not fill the memory, nor keep anybody from writing."""


class _Batch:
    """Pages that settle one after the other, and become durable together."""

    def __init__(self, room: Room, now: Now) -> None:
        self._room, self._now = room, now
        self._pages: list[PageRecord] = []
        self._forked: list[bytes] = []
        self._size = 0

    def add(self, items: tuple[Item, ...], page: Checked) -> None:
        """Settle these entries of a page."""
        record, forks = self._room.append(items, page.signature, self._now)
        self._pages.append(record)
        self._size += page.size
        if forks:
            self._forked.append(record.feed)

    def commit(self, sharing: Sharing) -> None:
        """Make them durable. Who has brought them has them."""
        if not self._pages:
            return
        for tip in tips_of(self._pages):
            sharing.note(self._room.log, tip)
        sent = pushing.relay(self._room, self._pages, sharing)
        self._room.settle(self._pages, self._forked, self._size, self._now, sent)


def receive_page(room: Room, page: wire.Page, sharing: Sharing, now: Now) -> bool:
    """Settle a page from a peer, or park or drop it. True if all of it is here now. RemoteError for a bad one."""
    tip = hash32(page.headers[-1])
    if tip in room.log.index:
        sharing.note(room.log, tip)
        pushing.came_again(room, sharing)
        return True
    batch = _Batch(room, now)
    try:
        return _receive_due(room, page, sharing, batch, now)
    finally:
        batch.commit(sharing)


def receive_pages(room: Room, pages: CheckedPages | wire.Pages, sharing: Sharing, now: Now) -> bool:
    """The same with several, up to the first that is a bad one: those before it settle."""
    if isinstance(pages, wire.Pages):
        if is_rated(room):
            return _receive_rated(room, pages, sharing, now)
        pages = check_pages(pages)
    are_here = _receive(room, pages.pages, sharing, now)
    if pages.error is not None:
        raise pages.error
    return are_here


def _receive_rated(room: Room, pages: wire.Pages, sharing: Sharing, now: Now) -> bool:
    """What exceeds the rates is not checked: that costs most."""
    batch, are_here = _Batch(room, now), True
    try:
        for page in pages.each():
            are_here &= _receive_due(room, page, sharing, batch, now)
    finally:
        batch.commit(sharing)
    return are_here


def _receive_due(room: Room, page: wire.Page, sharing: Sharing, batch: _Batch, now: Now) -> bool:
    tip = hash32(page.headers[-1])
    if tip in room.log.index:
        sharing.note(room.log, tip)
        return True
    last = decode_header(page.headers[-1])
    quotas = charged(room, sharing, _count(room, last.feed, len(page.headers)), wire.size(page), now)
    if quotas is None:
        _put_off(room, tip, last.feed, last.seq, sharing, now)
        return False
    return _receive_free(room, check_page(page), sharing, batch, now, quotas)


def _receive(room: Room, pages: Iterable[Checked], sharing: Sharing, now: Now) -> bool:
    batch, are_here = _Batch(room, now), True
    take = _receive_one if is_rated(room) else _receive_free
    try:
        for page in pages:
            are_here &= take(room, page, sharing, batch, now)
    finally:
        batch.commit(sharing)
    return are_here


def _receive_one(room: Room, page: Checked, sharing: Sharing, batch: _Batch, now: Now) -> bool:
    quotas = charged(room, sharing, _count(room, page.feed, len(page.items)), page.size, now)
    if quotas is None:
        _put_off(room, page.tip, page.feed, page.items[-1].header.seq, sharing, now)
        return False
    return _receive_free(room, page, sharing, batch, now, quotas)


def _receive_free(room: Room, page: Checked, sharing: Sharing, batch: _Batch, now: Now, quotas: Charged = ()) -> bool:
    """A page that no rate keeps from being taken in."""
    items = room.log.admit(page)
    if isinstance(items, bytes):
        _want(room, page.tip, page.feed, page.items[-1].header.seq, sharing, now.mono + LIVE_PATIENCE)
        sharing.park(page, items)
        return False
    if items:
        _take(page, items, quotas, batch, room, now)
    else:
        sharing.note(room.log, page.tip)
    return True


def _take(page: Checked, items: tuple[Item, ...], quotas: Charged, batch: _Batch, room: Room, now: Now) -> None:
    """Settle a page that is within the rates. Only what settles is charged: what is dropped comes again."""
    if quotas:
        count = _count(room, page.feed, len(page.items))
        for quota in quotas:
            quota.charge(count, page.size, now.mono)
    batch.add(items, page)


def _put_off(room: Room, tip: bytes, feed: bytes, seq: int, sharing: Sharing, now: Now) -> None:
    """It exceeds the rates: it is taken when it is asked for again."""
    _want(room, tip, feed, seq, sharing, now.mono + PUT_OFF)
    sharing.ask_after = now.mono + PUT_OFF


def _want(room: Room, tip: bytes, feed: bytes, seq: int, sharing: Sharing, at: float) -> None:
    is_own = feed in room.cards.listed(sharing.identity)
    sharing.want_page(tip, feed, seq, at, room.room_for_tips(sharing), is_own=is_own)


def _count(room: Room, feed: bytes, entries: int) -> int:
    """As how many entries of this feed so many count."""
    return entries if feed in room.log.chains else entries + NEW_FEED - 1


def is_rated(room: Room) -> bool:
    """Is what others bring into this room taken in at a rate?"""
    return room.record.kind == "open" or not room.accepted


def charged(room: Room, sharing: Sharing, entries: int, size: int, now: Now) -> Charged | None:
    """What is charged if a peer brings so much now (docs/protocol.md, "Limits"); None if it has to wait."""
    intake, who = room.outlet.intake, sharing.identity
    if not is_rated(room):
        return ()
    most = MAX_UNWRITTEN * (2 if intake.writes(who, entries, size, now.mono) else 1)
    if room.outlet.unwritten > most:
        return None
    charge = intake.into_open if room.record.kind == "open" else intake.of_stranger
    return charge(who, entries, size, now.mono)


def unpark(room: Room, now: Now) -> None:
    """Try the parked pages again: something has settled."""
    again = True
    while again:
        again = False
        for sharing in room.sharings.values():
            for tip, (page, missing) in list(sharing.parked.items()):
                if missing in room.log.index and _retry(room, page, sharing, now):
                    del sharing.parked[tip]
                    again = True


def _retry(room: Room, page: Checked, sharing: Sharing, now: Now) -> bool:
    try:
        items = room.log.admit(page)
    except RemoteError as error:
        room.outlet.emit(Close(sharing.link, error.kind))
        return True
    if isinstance(items, bytes):
        sharing.parked[page.tip] = page, items
        return False
    quotas = charged(room, sharing, _count(room, page.feed, len(page.items)), page.size, now)
    if items and quotas is not None:
        batch = _Batch(room, now)
        _take(page, items, quotas, batch, room, now)
        batch.commit(sharing)
    return True
