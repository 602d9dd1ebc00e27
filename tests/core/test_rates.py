"""How much is taken in: of whom, in which rooms, and what becomes of the rest."""

from __future__ import annotations

import pytest

from peertalk.core import beginnings, rates, wire
from peertalk.core.entry import Text
from peertalk.core.rates import (
    LITTLE,
    NEW_FEED,
    OPEN,
    OPEN_LASTING,
    RESERVED,
    STRANGERS_LASTING,
    Bucket,
    Intake,
    Quota,
    Rate,
)
from tests.core.authors import NOTHING, ROOM, Author, tip
from tests.core.desk import Desk, sent

BEN, CARA = b"b" * 32, b"c" * 32
FEW = Rate(600, 10, 1 << 20, 1 << 10)


def test_a_bucket_fills_at_its_rate_and_no_further() -> None:
    bucket = Bucket(10, 2, 0.0)
    assert bucket.take(10, 0.0)
    assert not bucket.take(1, 0.4)
    assert bucket.until(4, 0.4) == pytest.approx(2.0)
    assert bucket.take(4, 2.0)
    assert not bucket.is_full(6.9)
    assert bucket.is_full(7.0)
    assert not bucket.has(11, 100.0)


def test_a_quota_is_taken_whole_or_not_at_all() -> None:
    quota = Quota(Rate(10, 1, 100, 1), 0.0)
    assert not quota.take(5, 101, 0.0)
    assert not quota.take(11, 5, 0.0)
    assert quota.take(10, 100, 0.0)


def test_all_together_bring_so_much_into_open_rooms_and_who_brings_little_has_a_place() -> None:
    intake = Intake()
    many = [intake.into_open(bytes([who]) * 32, 100, 1000, 0.0) for who in range(100)]
    assert sum(many) * 100 == OPEN.entries - RESERVED
    assert all(intake.into_open(bytes([who]) * 32, 1, 100, 0.0) for who in range(100))
    assert not intake.into_open(BEN, 1, 100, 0.0)
    assert intake.into_open(BEN, 1, 100, 1.0)


def test_whoever_writes_for_days_fills_no_disk() -> None:
    intake, day = Intake(), 86_400
    flood = sum(100 * intake.into_open(BEN, 100, 20_000, at / 2) for at in range(2 * day))
    assert flood <= OPEN_LASTING.entries + day * OPEN_LASTING.entries_a_second
    assert intake.into_open(CARA, 10, 1000, float(day))
    crowd = sum(intake.of_stranger(bytes([at % 100]) * 32, 1, 500, at / 100) for at in range(100 * 3600))
    assert crowd <= STRANGERS_LASTING.entries + 3600 * STRANGERS_LASTING.entries_a_second


def test_bytes_count_too() -> None:
    intake = Intake()
    assert sum(intake.into_open(BEN, 8, 250_000, 0.0) for _ in range(1000)) * 250_000 <= OPEN.size


def test_quotas_are_forgotten_when_they_tell_nothing_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "MAX_QUOTAS", 50)
    intake = Intake()
    for who in range(200):
        assert intake.into_open(bytes([who]) * 32, 1, 100, who * 10.0)
    assert len(intake._quotas) <= 50


def test_who_writes_a_little_is_heard_while_others_flood() -> None:
    desk, ben, cara = Desk(), Author("ben"), Author("cara")
    to_ben, to_cara = desk.meet(ben), desk.meet(cara)
    desk.hear(to_ben, *(ben.says(*"x" * 500) for _ in range(12)))
    full = len(desk.texts())
    assert full <= OPEN.entries
    desk.hear(to_cara, *(cara.says("hello") for _ in range(LITTLE.entries - NEW_FEED)))
    assert len(desk.texts()) == full + LITTLE.entries - NEW_FEED


def direct(desk: Desk, name: str) -> tuple[Author, int]:
    """Somebody who has begun a direct room, and their link."""
    record = desk.direct(Author(name))
    writer = Author(name, record.id)
    return writer, desk.meet(writer)


def test_a_stranger_writes_at_a_rate_until_one_has_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "STRANGERS", FEW)
    desk = Desk(room=None)
    ben, to_ben = direct(desk, "ben")
    cara, to_cara = direct(desk, "cara")
    pages = [ben.says(*"x" * 100) for _ in range(20)]
    desk.hear(to_ben, *pages)
    desk.hear(to_cara, cara.says(*"x" * 300))
    assert len(desk.texts(ben.room)) + len(desk.texts(cara.room)) <= FEW.entries
    assert sent(wire.Page, desk.say("hello yourself", ben.room), to_ben)
    desk.hear(to_ben, *pages)
    assert len(desk.texts(ben.room)) == 2000 + 1
    desk.hear(to_cara, cara.says(*"x" * 300))
    assert len(desk.texts(cara.room)) < 300


def test_that_one_has_answered_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "STRANGERS", FEW)
    desk = Desk(room=None)
    ben, _ = direct(desk, "ben")
    assert not desk.replica.places[ben.room].room.accepted
    desk.say("hello yourself", ben.room)
    desk.crash()
    assert desk.replica.places[ben.room].room.accepted


def test_bodies_that_come_later_count_like_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "OPEN", Rate(5000, 1, rates.RESERVED_SIZE + 20_000, 1 << 10))
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    written = ben.then(Text("x" * 30_000))
    desk.hear(link, ben.page(*written, bodies=[None]))
    bodies = wire.Bodies(ROOM.id, ((written[0].id, written[0].body or b""),))
    assert sent(wire.WantBodies, desk.effects, link)
    desk.room.outlet.intake.into_open(ben.public, 0, LITTLE.size - 1000, desk.mono)
    desk.hear(link, bodies)
    assert desk.room.absent
    asked = len(sent(wire.WantBodies, desk.effects, link))
    for _ in range(30):
        desk.later(1)
        desk.hear(link, bodies)
    assert len(sent(wire.WantBodies, desk.effects, link)) > asked
    assert not desk.room.absent


# ── direct rooms that others begin ───────────────────────────────────────────────────────────────────────────────────


def test_direct_rooms_begin_at_a_rate_and_the_others_when_it_is_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beginnings, "BURST", 2)
    desk = Desk()
    links = []
    for number in range(4):
        stranger = Author(f"s{number}")
        links.append(desk.meet(stranger))
        desk.hear(links[-1], Author(stranger.name, desk.direct(stranger).id).card())
    assert len(desk.replica.places) == 1 + 2
    desk.down(links[2])
    effects = desk.later(1 / beginnings.RATE + 1)
    assert len(desk.replica.places) == 1 + 3
    assert len(sent(wire.Card, effects, links[3])) == 1
    assert sent(wire.Have, effects, links[3])


def test_a_card_that_waited_and_is_false_costs_the_link(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beginnings, "BURST", 1)
    desk, ben = Desk(), Author("ben")
    first = Author("first")
    desk.hear(desk.meet(first), Author("first", desk.direct(first).id).card())
    link = desk.meet(ben)
    card = Author("ben", desk.direct(ben).id).card()
    desk.hear(link, wire.Card(card.room, card.identity, ((card.feeds[0][0], bytes(64)),)))
    effects = desk.later(1 / beginnings.RATE + 1)
    assert [(effect.link, effect.reason) for effect in effects if type(effect).__name__ == "Close"] == [(link, "bad_card")]


def test_who_takes_back_what_would_have_begun_begins_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beginnings, "BURST", 0)
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    room = desk.direct(ben).id
    desk.hear(link, Author("ben", room).card(), wire.Quit(room))
    desk.later(1 / beginnings.RATE + 1)
    assert room not in desk.replica.places


# ── what is noted of peers ───────────────────────────────────────────────────────────────────────────────────────────


def dreams(desk: Desk, link: int, room: bytes, count: int) -> int:
    """How many of so many tips that are nowhere are noted."""
    for start in range(0, count, 1000):
        tips = tuple((start + number).to_bytes(32, "big") for number in range(1000))
        desk.hear(link, wire.Tips(room, tips))
    return len(desk.replica.places[room].room.sharings[link].wanted)


def test_tips_are_noted_of_each_and_many_of_all_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("peertalk.core.room.MAX_WANTED", 2000)
    desk = Desk()
    first, second = desk.meet(Author("ben")), desk.meet(Author("cara"))
    assert dreams(desk, first, ROOM.id, 5000) == 2000 + 256
    assert dreams(desk, second, ROOM.id, 5000) == 256
    ben, link = direct(desk, "dora")
    assert dreams(desk, link, ben.room, 5000) == 256


def test_what_is_parked_is_bounded_in_bytes() -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    for number in range(10):
        stray = Author(f"x{number}")
        desk.hear(link, stray.page(*stray.then(Text("x" * 9000), after=(NOTHING,), lamport=2)))
    assert len(desk.room.sharings[link].parked) == 3
    big = Author("big")
    desk.hear(link, big.page(*big.then(*[Text("x" * 30_000)] * 2, after=(NOTHING,), lamport=2)))
    assert desk.room.sharings[link].parked == {}


def test_of_a_forked_feed_only_so_many_branches_are_noted() -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    for _ in range(100):
        ben.last = None
        desk.hear(link, ben.says("again"))
    assert len(desk.room.sharings[link].holds[ben.feed]) == 64


def test_a_page_of_more_than_256_kib_costs_the_link() -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    with pytest.raises(Exception, match="malformed"):
        desk.hear(link, ben.says(*["x" * 30_000] * 9))
    assert tip(ben.says("x")) not in desk.room.log.index
