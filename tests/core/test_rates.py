"""How much is taken in: of whom, in which rooms, and what becomes of the rest."""

from __future__ import annotations

import pytest

from peertalk.core import beginnings, rates, sync, wire
from peertalk.core.entry import Text
from peertalk.core.intake import PUT_OFF
from peertalk.core.rates import (
    LITTLE,
    NEW_FEED,
    OPEN,
    OPEN_LASTING,
    RESERVED,
    STRANGERS_LASTING,
    Bucket,
    Charged,
    Intake,
    Quota,
    Rate,
)
from peertalk.core.room import DELTA_DELAY
from peertalk.errors import RemoteError
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


def test_what_a_bucket_says_of_the_future_is_so() -> None:
    """Whoever wakes at that time and finds it too early would wake again at once, for ever."""
    for number in range(1, 2000):
        start = number / 7
        bucket = Bucket(1, 1 / 30, start)
        assert bucket.take(1, start)
        assert bucket.has(1, bucket.until(1, start + number / 100))


def test_a_quota_has_both_and_what_is_owed_takes_its_time() -> None:
    quota = Quota(Rate(10, 1, 100, 1), 0.0)
    assert not quota.has(5, 101, 0.0)
    assert not quota.has(11, 5, 0.0)
    assert quota.has(10, 100, 0.0)
    quota.charge(15, 0, 0.0)
    assert not quota.has(1, 0, 5.9)
    assert quota.has(1, 0, 6.0)


def brings(quotas: Charged | None, entries: int, size: int, now: float) -> bool:
    for quota in quotas or ():
        quota.charge(entries, size, now)
    return quotas is not None


def opens(intake: Intake, who: bytes, entries: int, size: int, now: float) -> bool:
    return brings(intake.into_open(who, entries, size, now), entries, size, now)


def test_all_together_bring_so_much_into_open_rooms_and_who_brings_little_has_a_place() -> None:
    intake = Intake()
    many = [opens(intake, bytes([who]) * 32, 100 + 100, 1000, 0.0) for who in range(100)]
    assert sum(many) * 200 == OPEN.entries - 200  # whoever brings so much leaves RESERVED
    assert all(opens(intake, bytes([who]) * 32, 1, 100, 0.0) for who in range(200))
    assert not opens(intake, BEN, 1, 100, 0.0)
    assert opens(intake, BEN, 1, 100, 1.0)


def test_a_page_written_offline_comes_through_a_flood_once() -> None:
    intake = Intake()
    while opens(intake, BEN, RESERVED + 1, 1000, 0.0):
        pass
    assert opens(intake, CARA, 40, 1000, 0.0)
    while opens(intake, BEN, 10, 1000, 30.0):
        pass
    assert not opens(intake, CARA, 40, 1000, 30.0)
    assert opens(intake, CARA, 40, 1000, 45.0)
    stranger = Intake()
    assert brings(stranger.of_stranger(CARA, RESERVED, 1000, 0.0), RESERVED, 1000, 0.0)
    full = stranger._quota(rates.STRANGERS, 0.0), stranger._quota(STRANGERS_LASTING, 0.0)
    assert stranger.of_stranger(CARA, 1, 100, 0.0) == full


def test_whoever_writes_for_days_fills_no_disk() -> None:
    intake, day = Intake(), 86_400
    flood = sum(100 * opens(intake, BEN, 100, 20_000, at / 2) for at in range(2 * day))
    assert flood <= OPEN_LASTING.entries + day * OPEN_LASTING.entries_a_second
    assert opens(intake, CARA, 10, 1000, float(day))
    crowd = 0
    for at in range(100 * 3600):
        crowd += brings(intake.of_stranger(bytes([at % 100]) * 32, 1, 500, at / 100), 1, 500, at / 100)
    assert crowd <= STRANGERS_LASTING.entries + 3600 * STRANGERS_LASTING.entries_a_second


def test_bytes_count_too() -> None:
    intake = Intake()
    assert 0 < sum(opens(intake, BEN, 8, 250_000, 0.0) for _ in range(1000)) * 250_000 <= OPEN.size


def test_quotas_are_forgotten_when_they_tell_nothing_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "MAX_QUOTAS", 50)
    intake = Intake()
    for who in range(200):
        assert opens(intake, bytes([who]) * 32, 1, 100, who * 10.0)
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


def test_what_does_not_settle_costs_nothing() -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    for number in range(30):
        stray = Author(f"x{number}")
        desk.hear(link, stray.page(*stray.then(*[Text("x")] * 400, after=(NOTHING,), lamport=2)))
    desk.hear(link, ben.says(*"x" * 500))
    assert len(desk.texts()) == 500


def test_what_is_too_much_now_is_not_asked_of_everybody_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them would send the same once more."""
    monkeypatch.setattr(rates, "OPEN", Rate(400, 10, 1 << 20, 1 << 20))
    desk, ben, cara, dora = Desk(), Author("ben"), Author("cara"), Author("dora")
    pages = [ben.says(*"x" * 200) for _ in range(4)]
    claim = wire.Tips(ROOM.id, (tip(pages[-1]),), last=True)
    links = [desk.meet(peer) for peer in (ben, cara, dora)]
    for link in links:
        desk.hear(link, claim)
    asked = desk.later(DELTA_DELAY + 0.1)
    assert [len(sent(wire.Want, asked, link)) for link in links] == [1, 0, 0]
    effects = desk.hear(links[0], *pages, wire.Done(ROOM.id, False))
    assert len(desk.texts()) == 200
    assert not sent(wire.Want, [*effects, *desk.later(PUT_OFF - 0.1)])
    assert len(sent(wire.Want, desk.later(0.2))) == 1


def test_bodies_that_come_later_count_like_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "OPEN", Rate(5000, 1, rates.RESERVED_SIZE + 20_000, 1 << 10))
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    written = ben.then(Text("x" * 30_000))
    desk.hear(link, ben.page(*written, bodies=[None]))
    bodies = wire.Bodies(ROOM.id, ((written[0].id, written[0].body or b""),))
    assert sent(wire.WantBodies, desk.effects, link)
    opens(desk.room.outlet.intake, ben.public, 0, LITTLE.size - 1000, desk.mono)
    desk.hear(link, bodies)
    assert desk.room.bodies.absent
    asked = len(sent(wire.WantBodies, desk.effects, link))
    for _ in range(30):
        desk.later(1)
        desk.hear(link, bodies)
    assert len(sent(wire.WantBodies, desk.effects, link)) > asked
    assert not desk.room.bodies.absent


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


def test_a_room_begins_at_once_if_one_opens_it_while_the_other_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beginnings, "BURST", 0)
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    room = desk.direct(ben)
    desk.hear(link, Author("ben", room.id).card())
    effects = desk.do(lambda replica: replica.join(room, desk.now))
    assert sent(wire.Have, effects, link)
    desk.hear(link, wire.Have(room.id, NOTHING, 0, True))
    assert desk.replica.wake() > desk.mono


def test_where_no_more_rooms_begin_nobody_waits_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beginnings, "BURST", 1)
    monkeypatch.setattr(sync, "MAX_ROOMS", 3)
    desk = Desk()
    for stranger in (Author("ben"), Author("cara")):
        desk.hear(desk.meet(stranger), Author(stranger.name, desk.direct(stranger).id).card())
    desk.do(lambda replica: replica.join(desk.direct(Author("dora")), desk.now))
    desk.later(1 / beginnings.RATE - 1)
    desk.mono += 2
    desk.do(lambda replica: replica.tick(desk.now))
    assert len(desk.replica.places) == 3
    assert desk.replica.wake() > desk.mono


@pytest.mark.parametrize("wrong", ["bad_card", "out_of_order"])
def test_a_refused_card_begins_no_room(wrong: str) -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    room = desk.direct(ben).id
    card = Author("ben" if wrong == "bad_card" else "cara", room).card()
    if wrong == "bad_card":
        card = wire.Card(room, card.identity, ((card.feeds[0][0], bytes(64)),))
    with pytest.raises(RemoteError, match=wrong):
        desk.hear(link, card)
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


def test_of_what_a_peer_claims_the_newest_is_noted_as_the_rest_comes_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("peertalk.core.room.OWN_WANTED", 2)
    monkeypatch.setattr("peertalk.core.room.MAX_WANTED", 0)
    desk, ben = Desk(), Author("ben")
    feeds = [Author(f"x{number}") for number in range(5)]
    tips = [tip(author.says("x")) for author in feeds]
    link = desk.meet(ben)
    desk.hear(link, wire.Tips(ROOM.id, tuple(tips), last=True))
    asked = sent(wire.Want, desk.later(DELTA_DELAY + 0.1), link)
    assert [want.tips for want in asked] == [(tips[3], tips[4])]


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
