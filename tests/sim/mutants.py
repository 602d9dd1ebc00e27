"""Engines that are broken on purpose. Each of them is a function that patches the real one; the simulation has to find out all.

Those of `PAPER` are attacks on the design that were thought of on paper.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest

from peertalk.core import feed as feeds
from peertalk.core import intake, pushing, serving, wire
from peertalk.core import log as log_module
from peertalk.core.bodies import Bodies
from peertalk.core.cards import Cards, Owner
from peertalk.core.checks import Checked
from peertalk.core.effects import Queued, Send
from peertalk.core.entry import Delete, Header, decode_header, hash32
from peertalk.core.exchange import Exchange
from peertalk.core.lineage import Lineage
from peertalk.core.log import Item, Log
from peertalk.core.outbox import Outbox
from peertalk.core.outlet import Outlet
from peertalk.core.own import Own
from peertalk.core.rates import Bucket
from peertalk.core.reach import Reach
from peertalk.core.room import Room
from peertalk.core.sharing import Sharing
from peertalk.core.stored import DropOutbox, PageRecord
from peertalk.core.sync import Replica
from peertalk.errors import RemoteError
from tests.sim import deleting

Patch = pytest.MonkeyPatch


def claims_before_the_commit(patch: Patch) -> None:
    settle = Room.settle

    def broken(room: Room, pages: Sequence[PageRecord], forked: Any, size: int, now: Any, *sent: Any) -> None:
        settle(room, pages, forked, size, now, *sent)
        for page in pages:
            tip = page.entries[-1].id
            room.held[tip] = page.feed
            room.tell(tip, page.feed, now.mono)

    patch.setattr(Room, "settle", broken)


def sends_before_the_commit(patch: Patch) -> None:
    page = Own._page

    def broken(own: Own, *arguments: Any) -> Any:
        record, message = page(own, *arguments)
        own._hand_out(record, message, arguments[-1])
        return record, message

    patch.setattr(Own, "_page", broken)
    patch.setattr(Own, "_placed", lambda own, *_: setattr(own, "_under_way", 0))


def answers_before_the_commit(patch: Patch) -> None:
    save = Outbox.save

    def broken(outbox: Outbox) -> None:
        for waiting in outbox._room.outbox:
            outbox._room.outlet.emit(Queued(waiting))
        save(outbox)

    patch.setattr(Outbox, "save", broken)


def drops_pages_silently(patch: Patch) -> None:
    receive = intake._receive_free

    def broken(room: Room, page: Checked, *more: Any) -> bool:
        return page.signature[0] < 16 or receive(room, page, *more)

    patch.setattr(intake, "_receive_free", broken)


def serves_own_feeds_only(patch: Patch) -> None:
    lacking = Log.lacking

    def answer(room: Room, sharing: Sharing, want: wire.Want, now: Any) -> None:
        sharing.window = serving.ANSWER_SIZE
        own = room.own_feeds()
        patched = (
            lack for lack in lacking(room.log, [*sharing.held(), *want.known], want.tips, room.durable) if lack[0].feed in own
        )
        sharing.serving = patched
        serving.begin(room, sharing)

    patch.setattr(serving, "answer", answer)


def orders_by_its_own_clock(patch: Patch) -> None:
    record = log_module.record

    def broken(item: Item, *, received: int, late: bool = False) -> Any:
        lamport = received if late else item.header.lamport
        return record(Item(item.id, _with(item.header, lamport=lamport), item.raw, item.body), received=received, late=late)

    patch.setattr("peertalk.core.room.record", broken)


def _with(header: Header, **changes: Any) -> Header:
    return Header(**{name: changes.get(name, getattr(header, name)) for name in header.__struct_fields__})


def settles_half_a_page(patch: Patch) -> None:
    admit = Log.admit

    def broken(log: Log, page: Checked) -> Any:
        items = admit(log, page)
        return items[: max(1, len(items) // 2)] if isinstance(items, tuple) and items else items

    patch.setattr(Log, "admit", broken)


def accepts_any_lamport_time(patch: Patch) -> None:
    missing = Log._missing

    def broken(log: Log, items: tuple[Item, ...]) -> bytes | None:
        try:
            return missing(log, items)
        except log_module.RemoteError:
            return None

    patch.setattr(Log, "_missing", broken)


def never_disowns(patch: Patch) -> None:
    patch.setattr(Own, "disown", lambda *_: None)


def keeps_what_left_the_outbox(patch: Patch) -> None:
    commit = Outlet.commit

    def broken(outlet: Outlet, ops: Sequence[Any], then: Any = None) -> None:
        commit(outlet, [op for op in ops if not isinstance(op, DropOutbox)], then)

    patch.setattr(Outlet, "commit", broken)


def writes_before_it_is_caught_up_and_names_nothing(patch: Patch) -> None:
    patch.setattr(Log, "after", lambda log, own_tip: ())
    patch.setattr(Log, "lamport", lambda log, entry: max(log.heads.values(), default=0))


def forgets_absent_bodies(patch: Patch) -> None:
    patch.setattr(Bodies, "note", lambda *_: None)


def parts_of_a_fork_are_taken_for_the_whole(patch: Patch) -> None:
    patch.setattr("peertalk.core.feed.Chain._lacking_forked", lambda chain, held, index: iter(()))


def claims_bodies_that_it_lacks(patch: Patch) -> None:
    claim = Exchange._claim
    patch.setattr(
        Exchange, "_claim", lambda exchange, room, sharing, tips, disk, absent: claim(exchange, room, sharing, tips, disk, ())
    )


def counts_a_claim_of_one_branch_for_all(patch: Patch) -> None:
    patch.setattr(Log, "whole", lambda log, feed, held: log.chain(feed).top[1])


def asks_the_first_one_for_ever(patch: Patch) -> None:
    patch.setattr(Sharing, "asked", property(lambda sharing: sharing.link, lambda sharing, turn: None))
    patch.setattr(Sharing, "fail", lambda sharing, now: None)


def takes_for_done_what_exceeded_a_rate(patch: Patch) -> None:
    put_off = intake._put_off

    def broken(room: Room, tip: bytes, feed: bytes, seq: int, sharing: Sharing, now: Any) -> None:
        put_off(room, tip, feed, seq, sharing, now)
        sharing.wanted.clear()

    patch.setattr(intake, "_put_off", broken)


def passes_on_where_others_are_said_to_be(patch: Patch) -> None:
    hear = Reach.hear
    passed: set[tuple[int, wire.Peers]] = set()

    def broken(reach: Reach, room: Room, sharing: Sharing, message: wire.Peers, now: Any) -> None:
        hear(reach, room, sharing, message, now)
        if message.peers and (id(reach), message) not in passed:
            passed.add((id(reach), message))
            for other in room.ready():
                reach._out.emit(Send(other.link, message))

    patch.setattr(Reach, "hear", broken)


# ── attacks that were thought of on paper ────────────────────────────────────────────────────────────────────────────


def settles_a_lamport_time_that_cannot_be_checked(patch: Patch) -> None:
    missing = Log._missing

    def broken(log: Log, items: tuple[Item, ...]) -> bytes | None:
        missing(log, items)
        return None

    patch.setattr(Log, "_missing", broken)
    patch.setattr(feeds, "cover", _cover_what_is_here)


def _cover_what_is_here(found: dict[int, int], more: Iterable[bytes], index: Any) -> None:
    for start in more:
        id_ = start
        while id_ in index:
            page = index[id_]
            count = feeds.place(page, id_)[0] - page.entries[0][1] + 1
            if found.get(page.number, 0) >= count:
                break
            found[page.number] = count
            id_ = page.prev


def takes_branches_of_equal_height_for_the_same(patch: Patch) -> None:
    """Its digest is over how far each feed has come."""

    def broken(room: Room) -> bytes:
        if room.bodies.absent or room.bodies.unsure:
            return bytes(32)
        heights = sorted((feed, chain.top[1]) for feed, chain in room.log.chains.items())
        return hashlib.blake2b(repr(heights).encode(), digest_size=32).digest()

    patch.setattr(Room, "digest", broken)


def takes_a_fork_in_the_middle_of_a_page_for_a_mistake(patch: Patch) -> None:
    check = Log._check_predecessor

    def broken(log: Log, header: Header) -> None:
        check(log, header)
        if log.index[header.prev].entries[-1][0] != header.prev:
            raise RemoteError("void_entry", why="predecessor")

    patch.setattr(Log, "_check_predecessor", broken)


def takes_a_page_that_parts_in_the_middle_for_held(patch: Patch) -> None:
    cover = feeds.cover

    def broken(found: dict[int, int], more: Iterable[bytes], index: Any) -> None:
        cover(found, more, index)
        found.update(dict.fromkeys(found, 1 << 20))

    patch.setattr(feeds, "cover", broken)


def claims_what_it_lacks_to_be_on_disk(patch: Patch) -> None:
    patch.setattr(Bodies, "unclaimed", lambda bodies: {})


def limits_in_total(patch: Patch) -> None:
    patch.setattr(Bucket, "has", lambda bucket, count, now: bucket._left >= count)


def commits_without_what_it_rests_on(patch: Patch) -> None:
    """Pages of others are written when there is time: after what was written oneself meanwhile."""
    settle, flush, held_back = Room.settle, Outlet.flush_if_due, dict[int, list[Any]]()

    def settle_later(room: Room, *arguments: Any) -> None:
        with pytest.MonkeyPatch.context() as inner:
            inner.setattr(room.outlet, "commit", lambda *commit: held_back.setdefault(id(room.outlet), []).append(commit))
            settle(room, *arguments)

    def broken(outlet: Outlet, now: Any) -> None:
        for commit in held_back.pop(id(outlet), ()):
            outlet.commit(*commit)
        flush(outlet, now)

    patch.setattr(Room, "settle", settle_later)
    patch.setattr(Outlet, "flush_if_due", broken)


def goes_on_writing_when_restored(patch: Patch) -> None:
    patch.setattr(Replica, "retire_all", lambda replica, now: None)


def retires_on_a_mere_claim(patch: Patch) -> None:
    on_page = Exchange._on_page

    def broken(exchange: Exchange, place: Any, sharing: Sharing, page: wire.Page, now: Any) -> None:
        feed = decode_header(page.headers[-1]).feed
        if feed in place.room.own_feeds() and hash32(page.headers[-1]) not in place.room.log.index:
            place.own.disown(feed, now)
        on_page(exchange, place, sharing, page, now)

    patch.setitem(Exchange._handlers, wire.Page, broken)


def believes_hearsay_before_the_owner(patch: Patch) -> None:
    owner = Cards.owner

    def broken(cards: Cards, feed: bytes) -> Owner | None:
        for via, identity in cards._hearsay.get(feed, {}).items():
            return Owner(identity, via=via)
        return owner(cards, feed)

    patch.setattr(Cards, "owner", broken)


PAPER: list[Callable[[Patch], None]] = [
    settles_a_lamport_time_that_cannot_be_checked,
    takes_branches_of_equal_height_for_the_same,
    takes_a_fork_in_the_middle_of_a_page_for_a_mistake,
    takes_a_page_that_parts_in_the_middle_for_held,
    settles_half_a_page,
    claims_what_it_lacks_to_be_on_disk,
    claims_bodies_that_it_lacks,
    limits_in_total,
    commits_without_what_it_rests_on,
    goes_on_writing_when_restored,
    never_disowns,
    retires_on_a_mere_claim,
    believes_hearsay_before_the_owner,
]

# ── what costs too much ──────────────────────────────────────────────────────────────────────────────────────────────


def notes_all_that_is_claimed(patch: Patch) -> None:
    patch.setattr(Sharing, "want", lambda sharing, tip, at, limit: sharing.wanted.setdefault(tip, at))


def parks_whatever_comes(patch: Patch) -> None:
    patch.setattr(Sharing, "park", lambda sharing, page, missing: sharing.parked.__setitem__(page.tip, (page, missing)))


def gives_everything_each_time(patch: Patch) -> None:
    lacking = Log.lacking
    patch.setattr(Log, "lacking", lambda log, held, wanted, durable: lacking(log, (), wanted, durable))


def pushes_what_others_wrote(patch: Patch) -> None:
    made_durable = Room.made_durable

    def broken(room: Room, page: Any) -> bytes:
        for sharing in room.ready():
            room.outlet.emit(Send(sharing.link, pushing._message(page)))
        return made_durable(room, page)

    patch.setattr(Room, "made_durable", broken)


def keeps_its_turn(patch: Patch) -> None:
    patch.setattr(serving, "_end", lambda room, sharing: None)


def keeps_claims_across_a_fork(patch: Patch) -> None:
    patch.setattr(Room, "_take_back_claims", lambda room, page: None)


def erases_nothing(patch: Patch) -> None:
    patch.setattr(Bodies, "_erase", lambda *_: None)


def believes_nobody_who_has_a_new_feed(patch: Patch) -> None:
    patch.setattr(Lineage, "tie", lambda *_: None)


def deletes_what_was_said_first_alone(patch: Patch) -> None:
    patch.setattr(deleting, "deletions", lambda entry, *_: [Delete(entry.message)])


COSTLY: list[Callable[[Patch], None]] = [
    notes_all_that_is_claimed,
    parks_whatever_comes,
    gives_everything_each_time,
    pushes_what_others_wrote,
    keeps_its_turn,
]

# ── all ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

BROKEN: list[Callable[[Patch], None]] = [
    *PAPER,
    *COSTLY,
    erases_nothing,
    believes_nobody_who_has_a_new_feed,
    deletes_what_was_said_first_alone,
    keeps_claims_across_a_fork,
    claims_before_the_commit,
    sends_before_the_commit,
    answers_before_the_commit,
    drops_pages_silently,
    serves_own_feeds_only,
    orders_by_its_own_clock,
    accepts_any_lamport_time,
    keeps_what_left_the_outbox,
    writes_before_it_is_caught_up_and_names_nothing,
    forgets_absent_bodies,
    parts_of_a_fork_are_taken_for_the_whole,
    counts_a_claim_of_one_branch_for_all,
    asks_the_first_one_for_ever,
    takes_for_done_what_exceeded_a_rate,
    passes_on_where_others_are_said_to_be,
]
