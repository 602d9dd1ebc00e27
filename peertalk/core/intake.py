"""Taking in pages of others: what settles, what has to wait, what comes too fast (docs/protocol.md, "Settling" and "Limits")."""

from __future__ import annotations

from peertalk.core import wire
from peertalk.core.effects import Close
from peertalk.core.entry import decode_header, hash32
from peertalk.core.log import Item
from peertalk.core.outlet import Now
from peertalk.core.rates import NEW_FEED, Charged
from peertalk.core.room import Room
from peertalk.core.sharing import Sharing
from peertalk.errors import RemoteError

LIVE_PATIENCE = 0.3
"""Seconds that a tip told live is waited for before it is asked for: its author sends it at the same time."""
PUT_OFF = 2.0
"""Seconds after which something that exceeded a rate is asked for again: not at once of the next one, who would send the same."""
MAX_UNWRITTEN = 1 << 20
"""Bytes of pages that wait for the disk beyond which strangers bring nothing more, and twice as many for who brings little: a slow
disk must not fill the memory, nor keep anybody from writing."""


def receive_page(room: Room, page: wire.Page, sharing: Sharing, now: Now) -> bool:
    """Settle a page from a peer, or park or drop it. True if all of it is here now. RemoteError for a bad one."""
    tip = hash32(page.headers[-1])
    if tip in room.log.index:
        sharing.note(room.log, tip)
        return True
    if _charged(room, page, sharing, now) is None:
        _want(room, page, tip, sharing, now.mono + PUT_OFF)
        sharing.ask_after = now.mono + PUT_OFF
        return False
    items = room.log.check(page)
    if isinstance(items, bytes):
        _want(room, page, tip, sharing, now.mono + LIVE_PATIENCE)
        sharing.park(tip, page, items)
        return False
    if items:
        _take(room, page, items, sharing, now)
    return True


def _want(room: Room, page: wire.Page, tip: bytes, sharing: Sharing, at: float) -> None:
    last = decode_header(page.headers[-1])
    is_own = last.feed in room.cards.listed(sharing.identity)
    sharing.want_page(tip, last.feed, last.seq, at, room.room_for_tips(sharing), is_own=is_own)


def _cost(room: Room, page: wire.Page) -> tuple[int, int]:
    begins = decode_header(page.headers[0]).feed not in room.log.chains
    return len(page.headers) + (NEW_FEED - 1 if begins else 0), wire.size(page)


def _charged(room: Room, page: wire.Page, sharing: Sharing, now: Now) -> Charged | None:
    """What a page is charged to once it settles; None if it exceeds the rates: it is taken when it is asked for again."""
    return charged(room, sharing, *_cost(room, page), now)


def charged(room: Room, sharing: Sharing, entries: int, size: int, now: Now) -> Charged | None:
    """What is charged if a peer brings so much now (docs/protocol.md, "Limits"); None if it has to wait."""
    intake, who = room.outlet.intake, sharing.identity
    if room.record.kind != "open" and room.accepted:
        return ()
    most = MAX_UNWRITTEN * (2 if intake.writes(who, entries, size, now.mono) else 1)
    if room.outlet.unwritten > most:
        return None
    charge = intake.into_open if room.record.kind == "open" else intake.of_stranger
    return charge(who, entries, size, now.mono)


def _take(room: Room, page: wire.Page, items: tuple[Item, ...], sharing: Sharing, now: Now) -> None:
    """Settle a page that is within the rates. Only what settles is charged: what is dropped comes again."""
    entries, size = _cost(room, page)
    for quota in _charged(room, page, sharing, now) or ():
        quota.charge(entries, size, now.mono)
    room.settle(items, page.signature, size, sharing, now)


def unpark(room: Room, now: Now) -> None:
    """Try the parked pages again: something has settled."""
    again = True
    while again:
        again = False
        for sharing in room.sharings.values():
            for tip, (page, missing) in list(sharing.parked.items()):
                if missing in room.log.index and _retry(room, tip, page, sharing, now):
                    del sharing.parked[tip]
                    again = True


def _retry(room: Room, tip: bytes, page: wire.Page, sharing: Sharing, now: Now) -> bool:
    try:
        items = room.log.check(page)
    except RemoteError as error:
        room.outlet.emit(Close(sharing.link, error.kind))
        return True
    if isinstance(items, bytes):
        sharing.parked[tip] = page, items
        return False
    if items and _charged(room, page, sharing, now) is not None:
        _take(room, page, items, sharing, now)
    return True
