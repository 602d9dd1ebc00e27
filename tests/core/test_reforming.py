"""Re-forming a room without somebody: who is asked, what becomes of the old room, and what the one left out still hears."""

from __future__ import annotations

import msgspec
import pytest

from peertalk.core import wire
from peertalk.core.entry import Edit, Follow, Here, Seal, Text, Unseal, open_body
from peertalk.core.rooms import Terms, direct_room, private_room, terms_of
from peertalk.core.stored import STATE_KINDS
from peertalk.errors import RequestError
from tests.sim.private import CIRCLE, Circle, contents
from tests.sim.world import Host


def test_a_room_that_is_re_formed_is_named_as_before_and_says_from_what_and_without_whom() -> None:
    circle = Circle("ada ben cara")
    new = circle.reform("ada", "cara")
    assert circle["ada"].replica is not None
    terms = terms_of(circle["ada"].replica.places[new].room.record)
    assert terms == Terms(terms.seed, "Circle", "en", 0, CIRCLE.id, (circle.key("cara"),))


def test_everybody_else_is_asked_and_comes_along_or_not() -> None:
    circle = Circle("ada ben cara dora")
    new = circle.reform("ada", "cara")
    asked = circle.offers("ben")[0]
    assert (asked.room, asked.old, asked.by, asked.followers) == (new, CIRCLE.id, circle.key("ada"), (circle.key("ada"),))
    assert [circle.offers(name) for name in ("ada", "cara")] == [[], []]
    circle.follow("ben", new)
    assert circle.offers("dora")[0].followers == tuple(circle.keys("ada ben"))
    circle.decline("dora", new)
    assert circle.offers("dora") == []
    assert circle.rooms("dora") == {CIRCLE.id}
    circle.say("ada", "just us", new)
    assert circle.texts("ben", new) == ["just us"]
    assert new not in circle.rooms("cara")


def test_who_declined_is_not_asked_again_not_even_after_a_restart() -> None:
    circle = Circle("ada ben cara dora")
    new = circle.reform("ada", "cara")
    circle.decline("dora", new)
    circle.away("dora")
    circle.follow("ben", new)
    circle.back("dora")
    assert circle.offers("dora") == []


def test_whoever_was_away_is_asked_by_anybody_who_has_come_along() -> None:
    circle = Circle("ada ben cara dora")
    circle.away("dora")
    new = circle.reform("ada", "cara")
    circle.follow("ben", new)
    circle.away("ada")
    circle.back("dora")
    asked = circle.offers("dora")[0]
    assert (asked.by, asked.givers) == (circle.key("ada"), (circle.key("ben"),))
    circle.follow("dora", new)
    circle.say("dora", "here I am", new)
    assert circle.texts("ben", new) == ["here I am"]


def test_the_first_words_of_each_say_that_they_came_along_and_from_where() -> None:
    circle = Circle("ada ben cara")
    circle.say("cara", "before")
    tips = circle["ada"].replica.places[CIRCLE.id].room.log.tips() if circle["ada"].replica else []
    new = circle.reform("ada", "cara")
    circle.follow("ben", new)
    said = contents(circle["ben"], new)
    assert [type(one) for one in said] == [Here, Here, Follow, Follow]
    assert {frozenset(one.tips) for one in said if isinstance(one, Follow)} == {frozenset(tips)}


def test_nobody_writes_in_the_old_room_any_more_and_it_ends_without_a_word() -> None:
    circle = Circle("ada ben cara")
    new = circle.reform("ada", "cara")
    circle.follow("ben", new)
    ada = circle["ada"]
    assert circle.is_archived("ada")
    with pytest.raises(RequestError) as refused:
        ada.say("anybody?", CIRCLE.id)
    assert (refused.value.kind, refused.value.data) == ("refused", {"why": "reformed"})
    ada.do(lambda replica: replica.rename("Ada L.", ada.now()))
    circle.world.run(5)
    assert [type(one) for one in contents(ada, CIRCLE.id)] == [Here, Here, Here]
    kept = next(one for one in ada.disk.snapshot().rooms if one.record.id == CIRCLE.id)
    assert [key.seed for key in kept.feeds] == [None]
    assert Here("Ada L.", "ada") in contents(circle["ben"], new)


def test_what_waited_there_waits_in_the_new_room() -> None:
    circle = Circle("ada ben cara")
    circle.world.cut(circle["ada"])
    circle["ada"].say("is anybody there?", CIRCLE.id)
    circle.world.run(1)
    new = circle.reform("ada", "cara")
    circle.meet()
    circle.follow("ben", new)
    assert circle.texts("ben", new) == circle.texts("ada", new) == ["is anybody there?"]
    assert [circle.texts(name) for name in ("ada", "ben", "cara")] == [[], [], []]


def test_what_waited_about_messages_of_the_old_room_stays_behind() -> None:
    circle = Circle("ada ben cara")
    ada = circle["ada"]
    circle.say("ada", "hello")
    (said,) = [entry.message for entry in ada.entries(CIRCLE.id) if entry.kind == "text"]
    circle.world.cut(ada)
    circle.world.run(1)
    for content in (Edit(said, "hullo"), Text("hello all")):
        ada.do(lambda replica, content=content: replica.send(CIRCLE.id, content, ada.now()))
    circle.world.run(1)
    new = circle.reform("ada", "cara")
    assert ada.replica is not None
    outbox = ada.replica.places[new].room.outbox
    assert [one.kind for one in outbox if one.kind not in STATE_KINDS] == ["text"]


def test_who_is_left_out_hears_goodbye_and_nothing_else() -> None:
    circle = Circle("ada ben cara dora")
    circle.say("cara", "hello")
    circle.listen("cara")
    new = circle.begin("ada", "cara")
    circle.world.run(6)
    circle.follow("ben dora", new)
    circle.say("ada", "without her", new)
    circle.meet()
    assert circle.heard["cara"] == [wire.Quit(CIRCLE.id)] * 3
    assert circle.linked("cara") == set()
    assert [circle[name].closed for name in ("ada", "ben", "dora")] == [[(circle["cara"], "left_out")]] * 3


def test_who_stays_is_with_who_is_left_out_as_before() -> None:
    circle = Circle("ada ben cara dora")
    new = circle.reform("ada", "cara")
    circle.follow("ben", new)
    circle.say("cara", "where is everybody?")
    circle.say("dora", "I am here")
    assert circle.texts("cara") == circle.texts("dora") == ["where is everybody?", "I am here"]
    assert circle.online("cara") == {"dora"}
    assert circle.texts("ada") == []
    circle.follow("dora", new)
    assert circle.texts("ada") == circle.texts("ben") == ["where is everybody?", "I am here"]
    assert circle.online("cara") == set()
    assert circle.online("ada") == circle.online("ada", new) == {"ben", "dora"}


def test_the_secret_alone_lets_nobody_in_who_is_left_out() -> None:
    circle = Circle("ada ben cara")
    new = circle.reform("ada", "cara")
    circle.follow("ben", new)
    assert circle["ada"].replica is not None
    record = circle["ada"].replica.places[new].room.record
    circle.listen("cara")
    circle["cara"].join(record)
    circle.meet()
    circle.say("ada", "just us", new)
    assert set(circle.heard["cara"]) <= {wire.Quit(new), wire.Quit(CIRCLE.id)}
    assert circle.online("ada", new) == {"ben"}
    assert circle.linked("cara") == set()


def test_who_is_left_out_may_still_be_talked_to_alone() -> None:
    circle = Circle("ada ben cara")
    ada, cara = circle["ada"], circle["cara"]
    alone = direct_room(ada.identity, cara.identity.public, 0, shown=True)
    ada.join(alone)
    ada.say("about last week", alone.id)
    circle.world.run(5)
    circle.reform("ada", "cara")
    assert circle.linked("cara") == {"ada", "ben"}
    cara.say("yes?", alone.id)
    circle.world.run(5)
    assert ada.texts(alone.id) == ["about last week", "yes?"]


def test_who_enters_by_an_invitation_comes_along() -> None:
    circle = Circle("ada ben cara")
    new = circle.reform("ada", "cara")
    assert circle["ada"].replica is not None
    record = circle["ada"].replica.places[new].room.record
    circle["ben"].join(msgspec.structs.replace(record, invited_by=circle.key("ada"), archived=False))
    circle.meet()
    assert circle.is_archived("ben")
    assert circle.offers("ben") == []
    assert [one.first for one in contents(circle["ada"], new) if isinstance(one, Follow)] in ([True, False], [False, True])
    assert circle.linked("cara") == set()


@pytest.mark.parametrize("lie", [{"name": "Chess"}, {"language": "de"}, {"retention": 30}, {"retention": -1}])
@pytest.mark.parametrize("archived", [False, True])
def test_an_invitation_takes_nobody_along_to_a_room_that_is_another(lie: dict[str, object], archived: bool) -> None:
    circle = Circle("ada ben")
    if archived:
        circle.reform("ada", "ben")
    circle.away("ben")
    before = circle.rooms("ada")
    lying = Terms(bytes(32), "Circle", "en", 0, CIRCLE.id, (circle.key("ben"),))
    record = private_room(msgspec.structs.replace(lying, **lie), 0)
    ada = circle["ada"]
    with pytest.raises(RequestError) as error:
        ada.do(lambda replica: replica.join(record, ada.now()))
    assert error.value.data == {"why": "other_room"}
    assert circle.rooms("ada") == before
    assert circle.is_archived("ada") is archived


def test_who_was_in_the_old_room_was_asked_and_of_a_room_that_is_gone_nobody_knows() -> None:
    circle = Circle("ada ben cara dora")
    circle.away("dora")
    new = circle.reform("ada", "cara")
    newest = circle.reform("ada", "ben", new)
    replica = circle["ada"].replica
    assert replica is not None
    was_asked = replica.reforming.was_asked
    assert [was_asked(room, circle.key("dora")) for room in (newest, new, CIRCLE.id)] == [True, True, False]
    assert not was_asked(newest, b"s" * 32)
    circle["ada"].do(lambda replica: replica.leave(CIRCLE.id, circle["ada"].now(), forget=True))
    assert was_asked(newest, b"s" * 32)
    circle["ada"].do(lambda replica: replica.leave(newest, circle["ada"].now(), forget=True))
    assert not was_asked(newest, b"s" * 32)


def test_nobody_is_asked_into_a_room_whose_door_is_closed() -> None:
    circle = Circle("ada ben cara dora")
    circle.away("dora")
    new = circle.reform("ada", "cara")
    circle.follow("ben", new)
    ada = circle["ada"]
    ada.do(lambda replica: replica.seal(new, ada.now()))
    circle.world.run(5)
    circle.back("dora")
    assert circle.offers("dora") == []
    ada.do(lambda replica: replica.send(new, Unseal(), ada.now()))
    circle.world.run(5)
    assert [one.room for one in circle.offers("dora")] == [new]


def test_two_at_once_without_the_same_one() -> None:
    circle = Circle("ada ben cara dora")
    one, other = circle.begin("ada", "cara"), circle.begin("ben", "cara")
    circle.world.run(6)
    assert [circle.offers("ada")[0].room, circle.offers("ben")[0].room] == [other, one]
    assert {offer.room for offer in circle.offers("dora")} == {one, other}
    circle.follow("dora", one)
    circle.follow("ben", one)
    assert [offer.room for offer in circle.offers("ada")] == [other]
    circle.say("ben", "I came over", one)
    assert circle.texts("ada", one) == circle.texts("dora", one) == ["I came over"]
    assert circle.rooms("ben") == {CIRCLE.id, one, other}
    ben = circle["ben"]
    ben.do(lambda replica: replica.leave(other, ben.now(), forget=True))
    circle.world.run(5)
    assert [circle.offers(name) for name in ("ada", "ben", "dora")] == [[], [], []]
    assert circle.rooms("ben") == {CIRCLE.id, one}
    assert circle.online("ben", one) == {"ada", "dora"}


def test_two_at_once_each_without_the_other() -> None:
    circle = Circle("ada ben cara")
    one, other = circle.begin("ada", "cara"), circle.begin("cara", "ada")
    circle.world.run(6)
    assert (circle.offers("ada"), circle.offers("cara")) == ([], [])
    circle.follow("ben", one)
    circle.follow("ben", other)
    circle.say("ben", "to ada", one)
    circle.say("ben", "to cara", other)
    assert (circle.texts("ada", one), circle.texts("cara", other)) == (["to ada"], ["to cara"])
    assert (circle.linked("ada"), circle.linked("cara")) == ({"ben"}, {"ben"})
    assert circle.online("ben") == {"ada", "cara"}


def test_two_at_once_without_different_ones() -> None:
    circle = Circle("ada ben cara dora")
    one, other = circle.begin("ada", "cara"), circle.begin("ben", "dora")
    circle.world.run(6)
    rooms = {name: {offer.room for offer in circle.offers(name)} for name in circle.people}
    assert rooms == {"ada": {other}, "ben": {one}, "cara": {other}, "dora": {one}}


def test_a_room_that_was_re_formed_twice_is_reached_from_the_first() -> None:
    circle = Circle("ada ben cara dora")
    circle.say("cara", "in the first")
    circle.away("dora")
    second = circle.reform("ada", "cara")
    circle.follow("ben", second)
    circle.say("ada", "in the second", second)
    third = circle.reform("ada", "ben", second)
    circle.say("ada", "in the third", third)
    circle.away("ben")
    circle.back("dora")
    assert {offer.room for offer in circle.offers("dora")} == {second, third}
    circle.follow("dora", third)
    assert [circle.texts("dora", room) for room in (CIRCLE.id, second, third)] == [
        ["in the first"], ["in the second"], ["in the third"],
    ]  # fmt: skip
    assert [circle.is_archived("dora", room) for room in (CIRCLE.id, second, third)] == [True, True, False]
    assert circle.offers("dora") == []
    circle.back("ben")
    assert circle.linked("ben") == set()


def test_who_comes_along_later_brings_what_was_said_after_the_split_and_it_is_marked() -> None:
    circle = Circle("ada ben cara")
    circle.say("cara", "before")
    new = circle.reform("ada", "cara")
    assert after_split(circle["ada"]) == {"before": False}
    circle.say("cara", "after")
    circle.follow("ben", new)
    marks = {name: after_split(circle[name]) for name in ("ada", "ben")}
    assert marks["ada"] == marks["ben"] == {"before": False, "after": True}
    circle.away("ada")
    circle.back("ada")
    assert after_split(circle["ada"]) == marks["ada"]


def after_split(host: Host) -> dict[str, bool]:
    assert host.replica is not None
    found = {}
    for entry in host.disk.entries(CIRCLE.id, ("text",), 100):
        content = open_body(entry.kind, entry.body or b"")
        assert isinstance(content, Text)
        found[content.text] = host.replica.reforming.is_after_split(CIRCLE.id, entry.id)
    return found


def test_an_archived_room_can_be_left_and_what_was_offered_for_it_is_forgotten_with_it() -> None:
    circle = Circle("ada ben cara")
    new = circle.reform("ada", "cara")
    circle.follow("ben", new)
    for name in ("ada", "ben"):
        host = circle[name]
        host.do(lambda replica, host=host: replica.leave(CIRCLE.id, host.now(), forget=True))
    circle.say("ada", "we two", new)
    assert circle.texts("ben", new) == ["we two"]
    assert circle.rooms("ada") == circle.rooms("ben") == {new}


def test_who_leaves_the_new_room_is_spoken_with_in_the_old_one_no_more() -> None:
    circle = Circle("ada ben cara")
    new = circle.reform("ada", "cara")
    circle.follow("ben", new)
    assert circle.online("ada") == {"ben"}
    ben = circle["ben"]
    ben.do(lambda replica: replica.leave(new, ben.now(), forget=True))
    circle.world.run(5)
    assert (circle.online("ada"), circle.online("ben")) == (set(), set())


def test_who_came_since_is_not_told_of_to_who_is_still_asked() -> None:
    circle = Circle("ada ben cara dora eve")
    eve = circle["eve"]
    eve.do(lambda replica: replica.leave(CIRCLE.id, eve.now(), forget=True))
    circle.away("dora")
    new = circle.reform("ada", "cara")
    stranger = circle.world.host("sam")
    stranger.start()
    assert circle["ada"].replica is not None
    stranger.join(circle["ada"].replica.places[new].room.record)
    circle.meet()
    circle.listen("dora")
    circle.back("dora")
    assert stranger.identity.public in circle["ada"].replica.places[new].room.online()
    offers = [one for one in circle.heard["dora"] if isinstance(one, wire.Offer)]
    assert {one.followers for one in offers} == {(circle.key("ada"),)}


def test_who_stands_before_the_door_of_the_old_room_is_not_asked() -> None:
    circle = Circle("ada ben cara dora")
    ada = circle["ada"]
    ada.do(lambda replica: replica.send(CIRCLE.id, Seal(tuple(circle.keys("ada ben cara"))), ada.now()))
    circle.world.run(5)
    circle.reform("ada", "cara")
    assert [len(circle.offers(name)) for name in ("ben", "dora")] == [1, 0]


@pytest.mark.parametrize("named", ["cara dora", "ada ben cara dora"])
def test_who_is_left_out_cannot_keep_others_from_being_asked_by_closing_the_door_of_the_old_room(named: str) -> None:
    circle = Circle("ada ben cara dora emil")
    circle.away("dora")
    circle.away("emil")
    new = circle.reform("ada", "cara")
    circle.away("ada")
    cara = circle["cara"]
    cara.do(lambda replica: replica.send(CIRCLE.id, Seal(tuple(circle.keys(named))), cara.now()))
    circle.back("dora")
    circle.back("ada")
    circle.follow("dora", new)
    assert any(isinstance(each, Seal) for each in said_of_door(circle["ada"])), "what cara has said has come to ada"
    circle.back("emil")
    assert [one.room for one in circle.offers("emil")] == [new]


def said_of_door(host: Host) -> list[object]:
    return [open_body(entry.kind, entry.body or b"") for entry in host.disk.entries(CIRCLE.id, ("seal",), 1000)]


def test_who_is_left_out_of_one_room_can_be_asked_along_to_another() -> None:
    circle = Circle("ada ben cara")
    chess = private_room(Terms(b"chess".ljust(32), "Chess", "en"), 0)
    for host in circle.people.values():
        host.join(chess)
    circle.world.run(6)
    circle.reform("ada", "cara")
    other = circle.reform("ada", "ben", chess.id)
    assert circle.linked("cara") == {"ada", "ben"}
    assert [one.room for one in circle.offers("cara")] == [other]
    circle.follow("cara", other)
    circle.say("cara", "chess, then", other)
    assert circle.texts("ada", other) == ["chess, then"]
