"""The simulation has teeth: engines that are broken on purpose are found out, each by one of a few seeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

import pytest

from peertalk.core import intake, serving, wire
from peertalk.core import log as log_module
from peertalk.core.bodies import Bodies
from peertalk.core.checks import Checked
from peertalk.core.effects import Queued, Send
from peertalk.core.entry import Header
from peertalk.core.exchange import Exchange
from peertalk.core.log import Item, Log
from peertalk.core.outlet import Outlet
from peertalk.core.own import Own
from peertalk.core.reach import Reach
from peertalk.core.room import Room
from peertalk.core.sharing import Sharing
from peertalk.core.stored import DropOutbox, PageRecord
from tests.sim.runs import attempt

SEEDS = range(400)
FIRST = {"claims_bodies_that_it_lacks": (185, 302)}
"""Seeds that are tried before the others, where only few find it out."""
Patch = pytest.MonkeyPatch


def claims_before_the_commit(patch: Patch) -> None:
    settle = Room.settle

    def broken(room: Room, pages: Sequence[PageRecord], forked: Any, size: int, now: Any) -> None:
        settle(room, pages, forked, size, now)
        for page in pages:
            tip = page.entries[-1].id
            room.held[tip] = page.feed
            room._tell(tip, page.feed, now)

    patch.setattr(Room, "settle", broken)


def sends_before_the_commit(patch: Patch) -> None:
    page = Own._page

    def broken(own: Own, *arguments: Any) -> Any:
        record, message = page(own, *arguments)
        own._hand_out(record, message)
        return record, message

    patch.setattr(Own, "_page", broken)
    patch.setattr(Own, "_placed", lambda own, *_: setattr(own, "_busy", False))


def answers_before_the_commit(patch: Patch) -> None:
    save = Own.save

    def broken(own: Own) -> None:
        for waiting in own.room.outbox:
            own.room.outlet.emit(Queued(waiting))
        save(own)

    patch.setattr(Own, "save", broken)


def drops_pages_silently(patch: Patch) -> None:
    receive = intake._receive_one

    def broken(room: Room, page: Checked, *more: Any) -> bool:
        return page.signature[0] < 16 or receive(room, page, *more)

    patch.setattr(intake, "_receive_one", broken)


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


BROKEN: list[Callable[[Patch], None]] = [
    claims_before_the_commit,
    sends_before_the_commit,
    answers_before_the_commit,
    drops_pages_silently,
    serves_own_feeds_only,
    orders_by_its_own_clock,
    settles_half_a_page,
    accepts_any_lamport_time,
    never_disowns,
    keeps_what_left_the_outbox,
    writes_before_it_is_caught_up_and_names_nothing,
    forgets_absent_bodies,
    parts_of_a_fork_are_taken_for_the_whole,
    claims_bodies_that_it_lacks,
    counts_a_claim_of_one_branch_for_all,
    asks_the_first_one_for_ever,
    takes_for_done_what_exceeded_a_rate,
    passes_on_where_others_are_said_to_be,
]


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.__name__)
def test_an_engine_that(broken: Callable[[Patch], None], monkeypatch: Patch) -> None:
    broken(monkeypatch)
    seeds = chain(FIRST.get(broken.__name__, ()), SEEDS)
    found = next((failure for seed in seeds if (failure := attempt(seed)) is not None), None)
    assert found is not None, "no seed found it out"
    print(found.seed, found.why)
