"""Offers of re-formed rooms: which are kept, which are ignored, which close the link; and that following is all or nothing."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from peertalk.core import offers, wire
from peertalk.core.effects import Moved, Offered, Prove, RoomArchived, RoomCame
from peertalk.core.entry import Left, Seal, Text
from peertalk.core.rooms import Terms, encode_terms, private_room
from peertalk.core.stored import OfferRecord
from peertalk.errors import RemoteError
from tests.core.authors import ROOM, Author
from tests.core.desk import Desk, of, sent
from tests.sim.private import CIRCLE

CARA = Author("cara", CIRCLE.id)


class Table:
    """A desk in `CIRCLE`, with Ben on a link."""

    def __init__(self, *, slow: bool = False) -> None:
        self.desk = Desk("ada", room=CIRCLE, slow=slow)
        self.ben = Author("ben", CIRCLE.id)
        self.link = self.meet(self.ben)

    def meet(self, somebody: Author) -> int:
        link = self.desk.meet(somebody, rooms=(CIRCLE.id,))
        self.desk.hear(link, somebody.arrives())
        return link

    def terms(self, seed: int = 1, **changes: object) -> Terms:
        terms = Terms(bytes([seed]) * 32, "Circle", "en", 0, CIRCLE.id, (CARA.public,))
        return msgspec.structs.replace(terms, **changes)

    def offer(self, terms: Terms | None = None, **changes: object) -> wire.Offer:
        room = self.desk.direct(self.ben).id
        offer = wire.Offer(room, CIRCLE.id, encode_terms(terms or self.terms()), self.ben.public, (self.ben.public,))
        return msgspec.structs.replace(offer, **changes)

    @property
    def open(self) -> list[OfferRecord]:
        return self.desk.replica.reforming.offers.open()

    @property
    def kept(self) -> dict[bytes, OfferRecord]:
        return self.desk.replica.reforming.offers.kept


def test_an_offer_is_kept_and_told() -> None:
    table = Table()
    told = table.desk.hear(table.link, table.offer())
    assert of(Offered, told) == [Offered(one) for one in table.open]
    found = table.open[0]
    assert (found.room, found.old, found.by) == (private_room(table.terms(), 0).id, CIRCLE.id, table.ben.public)
    assert (found.givers, found.followers) == ((table.ben.public,), (table.ben.public,))
    table.desk.start()
    assert table.open == [found]


def test_who_came_just_now_and_has_said_nothing_yet_may_offer() -> None:
    table = Table()
    dora = Author("dora", CIRCLE.id)
    link = table.desk.meet(dora, rooms=(CIRCLE.id,))
    offer = table.offer(room=table.desk.direct(dora).id, by=dora.public, followers=(dora.public,))
    table.desk.hear(link, offer)
    assert [one.by for one in table.open] == [dora.public]


def test_the_same_again_is_no_news_and_another_follower_is() -> None:
    table, dora = Table(), Author("dora", CIRCLE.id)
    table.meet(dora)
    table.desk.hear(table.link, table.offer())
    assert of(Offered, table.desk.hear(table.link, table.offer())) == []
    more = table.offer(followers=tuple(sorted((table.ben.public, dora.public))))
    assert [one.record.followers for one in of(Offered, table.desk.hear(table.link, more))] == [more.followers]


def test_who_is_not_known_is_no_follower() -> None:
    table = Table()
    table.desk.hear(table.link, table.offer(followers=tuple(sorted((table.ben.public, bytes(32), table.desk.me)))))
    assert table.open[0].followers == (table.ben.public,)


def test_who_re_formed_it_is_believed_before_others() -> None:
    table, dora = Table(), Author("dora", CIRCLE.id)
    link = table.meet(dora)
    table.desk.hear(link, table.offer(room=table.desk.direct(dora).id, by=bytes(32), followers=(dora.public,)))
    assert table.open[0].by == bytes(32)
    table.desk.hear(table.link, table.offer())
    assert (table.open[0].by, len(table.open)) == (table.ben.public, 1)


def test_who_has_left_the_new_room_takes_the_offer_back() -> None:
    table, dora = Table(), Author("dora", CIRCLE.id)
    link = table.meet(dora)
    both = tuple(sorted((table.ben.public, dora.public)))
    table.desk.hear(table.link, table.offer(followers=both))
    theirs = table.offer(room=table.desk.direct(dora).id, followers=both)
    table.desk.hear(link, theirs)
    table.desk.hear(table.link, table.offer(followers=(dora.public,)))
    assert [(one.givers, one.followers) for one in table.open] == [((dora.public,), (dora.public,))]
    table.desk.hear(table.link, table.offer(followers=()))
    assert len(table.open) == 1
    table.desk.hear(link, msgspec.structs.replace(theirs, followers=()))
    assert (table.kept, table.desk.disk.snapshot().offers) == ({}, ())


IGNORED: dict[str, Callable[[Table], wire.Offer]] = {
    "of a room that one is not in": lambda table: table.offer(table.terms(predecessor=bytes(32)), old=bytes(32)),
    "that is taken back": lambda table: table.offer(followers=()),
    "without oneself": lambda table: table.offer(table.terms(without=(table.desk.me,))),
    "without who offers it": lambda table: table.offer(table.terms(without=(table.ben.public,))),
    "without who offers it, who says that it is another's": lambda table: table.offer(
        table.terms(without=(table.ben.public,)), by=bytes(32)
    ),
    "by who is left out": lambda table: table.offer(by=CARA.public),
    "under another name": lambda table: table.offer(table.terms(name="Square")),
    "that keeps for another time": lambda table: table.offer(table.terms(retention=-1)),
    "in another language": lambda table: table.offer(table.terms(language="de")),
}


@pytest.mark.parametrize("make", IGNORED.values(), ids=IGNORED)
def test_an_offer_is_ignored(make: Callable[[Table], wire.Offer]) -> None:
    table = Table()
    assert of(Offered, table.desk.hear(table.link, make(table))) == []
    assert table.kept == {}


def test_an_offer_of_somebody_who_is_not_in_the_old_room_is_ignored() -> None:
    table, stranger = Table(), Author("stranger", CIRCLE.id)
    link = table.desk.up(stranger, bytes(32))
    table.desk.hear(link, table.offer(room=table.desk.direct(stranger).id, followers=(stranger.public,)))
    assert table.kept == {}


def test_an_offer_of_somebody_who_has_left_the_old_room_is_ignored() -> None:
    table = Table()
    table.desk.hear(table.link, table.ben.page(*table.ben.then(Left())), table.offer())
    assert table.kept == {}


def test_an_offer_in_a_room_of_more_than_two_closes_the_link() -> None:
    table = Table()
    with pytest.raises(RemoteError, match="out_of_order"):
        table.desk.hear(table.link, table.offer(room=CIRCLE.id))


CLOSES: dict[str, Callable[[Table], wire.Offer]] = {
    "whose terms are none": lambda table: table.offer(terms=b"\xc0"),
    "whose terms are of another room": lambda table: table.offer(table.terms(predecessor=bytes(32))),
}


@pytest.mark.parametrize("make", CLOSES.values(), ids=CLOSES)
def test_an_offer_closes_the_link(make: Callable[[Table], wire.Offer]) -> None:
    table = Table()
    with pytest.raises(RemoteError, match="malformed"):
        table.desk.hear(table.link, make(table))
    assert table.kept == {}


def test_the_direct_room_does_not_begin_by_an_offer() -> None:
    table = Table()
    table.desk.hear(table.link, table.offer())
    assert table.desk.direct(table.ben).id not in table.desk.replica.places


def test_whoever_offers_room_after_room_takes_nobody_elses_place() -> None:
    table, dora = Table(), Author("dora", CIRCLE.id)
    link = table.meet(dora)
    for seed in range(20):
        table.desk.hear(table.link, table.offer(table.terms(seed)))
    assert len(table.open) == offers.OFFERS_EACH
    table.desk.hear(link, table.offer(table.terms(99), room=table.desk.direct(dora).id, followers=(dora.public,)))
    assert private_room(table.terms(99), 0).id in table.kept


def test_so_many_offers_are_kept_and_declined_ones_give_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offers, "MAX_OFFERS", 2)
    table = Table()
    for seed in range(3):
        table.desk.hear(table.link, table.offer(table.terms(seed)))
    assert len(table.open) == 2
    gone = table.open[0].room
    table.desk.do(lambda replica: replica.reforming.offers.decline(gone))
    table.desk.hear(table.link, table.offer(table.terms(9)))
    assert gone not in table.kept
    assert len(table.open) == 2


def test_offers_are_read_at_a_rate() -> None:
    table = Table()
    for _ in range(offers.BURST):
        table.desk.hear(table.link, table.offer(table.terms(without=(table.desk.me,))))
    table.desk.hear(table.link, table.offer())
    assert table.kept == {}
    table.desk.later(2)
    table.desk.hear(table.link, table.offer())
    assert len(table.kept) == 1


def test_a_declined_offer_is_neither_open_nor_told_again() -> None:
    table, dora = Table(), Author("dora", CIRCLE.id)
    table.meet(dora)
    table.desk.hear(table.link, table.offer())
    room = table.open[0].room
    table.desk.do(lambda replica: replica.reforming.offers.decline(room))
    assert (table.open, table.desk.replica.reforming.offers.get(room)) == ([], None)
    table.desk.start()
    table.link = table.desk.up(table.ben, bytes(32))
    more = table.offer(followers=tuple(sorted((table.ben.public, dora.public))))
    assert of(Offered, table.desk.hear(table.link, table.offer(), more)) == []
    assert table.open == []


# ── all or nothing ───────────────────────────────────────────────────────────────────────────────────────────────────


def waiting(desk: Desk, room: bytes) -> list[str]:
    return [one.kind for one in next(one for one in desk.disk.snapshot().rooms if one.record.id == room).outbox]


@pytest.mark.parametrize("way", ["reform", "follow"])
def test_power_loss_at_any_moment_leaves_one_in_the_old_room_or_in_the_new_one(way: str) -> None:
    reached, outcomes = 0, set()
    while True:
        table = Table(slow=True)
        desk = table.desk
        desk.hear(table.link, table.offer())
        desk.sync()
        desk.down(table.link)
        desk.send(Text("waits"), CIRCLE.id)
        desk.sync()
        room = come_along(table, way)
        queued = desk.disk.queued
        desk.crash(reached)
        outcomes.add(check_whole(desk, room))
        if reached == queued:
            break
        reached += 1
    assert outcomes == {False, True}


def come_along(table: Table, way: str) -> bytes:
    desk, made = table.desk, []
    if way == "follow":
        room = table.open[0].room
        desk.do(lambda replica: made.append(replica.reforming.follow(room, desk.now).id))
    else:
        desk.do(lambda replica: made.append(replica.reforming.reform(CIRCLE.id, [CARA.public], bytes(32), desk.now).id))
    return made[0]


def check_whole(desk: Desk, room: bytes) -> bool:
    """Is one in the new room? Either way nothing is lost, and nothing is there twice."""
    rooms = {one.record.id: one for one in desk.disk.snapshot().rooms}
    old = rooms[CIRCLE.id]
    if room in rooms:
        assert old.record.archived
        assert ([key.seed for key in old.feeds], old.outbox) == ([None], ())
        assert waiting(desk, room) == ["here", "follow", "text"]
        assert room not in desk.replica.reforming.offers.kept
        return True
    assert not old.record.archived
    assert all(key.seed for key in old.feeds)
    assert waiting(desk, CIRCLE.id) == ["text"]
    return False


def test_only_messages_move() -> None:
    table = Table()
    table.desk.down(table.link)
    table.desk.send(Seal((table.desk.me,)), CIRCLE.id)
    table.desk.send(Text("waits"), CIRCLE.id)
    assert waiting(table.desk, come_along(table, "reform")) == ["here", "follow", "text"]


def test_nothing_is_proven_to_who_is_left_out() -> None:
    table = Table()
    table.desk.do(lambda replica: replica.join(ROOM, table.desk.now))
    link = table.desk.up(CARA, CIRCLE.id, ROOM.id)
    before = len(table.desk.effects)
    room = come_along(table, "reform")
    proven = [one for one in of(Prove, table.desk.effects[before:]) if room in one.rooms]
    assert proven == [Prove(table.link, (room,))]
    assert sorted(table.desk.replica.secrets(link)) == [ROOM.id]


def test_the_direct_room_of_who_is_left_out_is_not_proven_unless_one_has_answered_there() -> None:
    table = Table()
    desk, direct = table.desk, table.desk.direct(CARA)
    desk.do(lambda replica: replica.join(direct, desk.now))
    desk.later(2)
    assert {direct.id, desk.direct(table.ben).id} <= desk.replica.secrets().keys()
    come_along(table, "reform")
    assert direct.id not in desk.replica.secrets()
    assert desk.direct(table.ben).id in desk.replica.secrets()
    desk.send(Text("so?"), direct.id)
    assert direct.id in desk.replica.secrets()


def test_what_moves_is_told_with_the_room_where_it_was() -> None:
    table = Table()
    table.desk.down(table.link)
    before = table.desk.send(Text("waits"), CIRCLE.id)
    effects_before = len(table.desk.effects)
    room = come_along(table, "reform")
    told = table.desk.effects[effects_before:]
    assert [(one.before, one.room, one.record.room) for one in of(Moved, told)] == [(before, CIRCLE.id, room)]
    assert [one.record.id for one in of(RoomCame, told)] == [room]
    assert [one.record.id for one in of(RoomArchived, told)] == [CIRCLE.id]


def test_nobody_is_asked_before_the_new_room_is_on_disk() -> None:
    table = Table(slow=True)
    table.desk.sync()
    start = len(table.desk.effects)
    come_along(table, "reform")
    assert sent(wire.Quit, table.desk.effects[start:], table.link) == [wire.Quit(CIRCLE.id)]
    assert sent(wire.Offer, table.desk.effects[start:]) == []
    assert [one.old for one in sent(wire.Offer, table.desk.sync(), table.link)] == [CIRCLE.id]


def test_following_what_one_is_in_already_is_no_longer_offered() -> None:
    table = Table()
    table.desk.hear(table.link, table.offer())
    room = come_along(table, "follow")
    table.desk.hear(table.link, table.offer())
    assert (table.kept, table.desk.replica.places[room].room.record.invited_by) == ({}, table.ben.public)
