"""Who is inside a room whose door is closed, and what is said to those who are not (docs/protocol.md, "Doors")."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import permutations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from peertalk.core import wire
from peertalk.core.cards import Cards
from peertalk.core.doors import Door
from peertalk.core.effects import DoorChanged, Effect, Placed, Presence, Send, Unprove
from peertalk.core.entry import Admit, Content, Here, Seal, Text, Unseal
from peertalk.core.events import RoomKind
from peertalk.core.log import Item, record
from peertalk.core.room import Room
from peertalk.core.rooms import Terms, private_room
from peertalk.core.stored import EntryRecord
from peertalk.errors import RemoteError
from tests.core.authors import START, Author, tip
from tests.core.desk import Desk, of, sent

ROOM = private_room(Terms(b"s" * 32, "Circle", "de"), START)


def author(name: str) -> Author:
    return Author(name, ROOM.id)


ME, BEN, CARA, DORA = (author(name).public for name in ("anna", "ben", "cara", "dora"))
SOMEBODY = [BEN, CARA, DORA]


def said(by: Author, *contents: Content, lamport: int = 1) -> list[EntryRecord]:
    entries = by.then(*contents, lamport=lamport)
    return [record(Item(entry.id, entry.header, entry.raw, entry.body), received=0) for entry in entries]


def door(*entries: EntryRecord, people: tuple[Author, ...] = (), kind: RoomKind = "private") -> Door:
    cards = Cards(ROOM.id, ME)
    for one in people:
        cards.receive(one.card(), one.public)
    return Door(cards, ME, kind, entries, [])


def inside(it: Door) -> set[bytes]:
    return {identity for identity in (ME, *SOMEBODY) if it.admits(identity)}


# ── the state ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_door_is_open_until_it_is_closed_and_then_lets_in_who_is_named_and_who_closed_it() -> None:
    ben = author("ben")
    steps = said(ben, Text("hello"), Seal((ME,)), Admit(CARA), Unseal())
    seen = []
    it = door(people=(ben,))
    for entry in steps:
        it.add(entry)
        seen.append((it.is_closed, inside(it)))
    everybody = {ME, *SOMEBODY}
    assert seen == [(False, everybody), (True, {ME, BEN}), (True, {ME, BEN, CARA}), (False, everybody)]


def test_who_is_let_in_while_the_door_is_open_is_not_inside_when_it_is_closed_later() -> None:
    assert inside(door(*said(author("ben"), Admit(CARA), Seal((ME,))))) == {ME}


def test_two_who_close_it_at_once_let_in_whom_either_names() -> None:
    ben, cara = author("ben"), author("cara")
    both = [*said(ben, Seal((ME, BEN))), *said(cara, Seal((CARA, DORA)))]
    for order in permutations(both):
        assert inside(door(*order)) == {ME, BEN, CARA, DORA}


def test_closing_it_anew_after_it_was_open_begins_anew() -> None:
    assert inside(door(*said(author("ben"), Seal((ME, CARA)), Unseal(), Seal((ME,))))) == {ME}


@pytest.mark.parametrize("kind", ["open", "direct"])
def test_nobody_closes_a_room_that_is_everybodys_or_of_two(kind: RoomKind) -> None:
    assert not door(*said(author("ben"), Seal((ME,))), kind=kind).is_closed


TURNS = st.one_of(
    st.builds(Seal, st.lists(st.sampled_from(SOMEBODY), min_size=1, max_size=3).map(tuple)),
    st.builds(Admit, st.sampled_from(SOMEBODY)),
    st.just(Unseal()),
    st.just(Text("between")),
)


@given(st.lists(st.lists(TURNS, max_size=4), max_size=3), st.randoms(use_true_random=False))
def test_in_whatever_order_they_arrive_it_is_the_same(turns: list[list[Content]], random: Random) -> None:
    people = tuple(author(name) for name in ("ben", "cara", "dora"))
    contents = [(one, each) for one, several in zip(people, turns, strict=False) for each in several]
    entries = [entry for one, several in zip(people, turns, strict=False) for entry in said(one, *several)]
    in_order = sorted(zip(entries, contents, strict=True), key=lambda pair: (pair[0].lamport, pair[0].id))
    random.shuffle(entries)
    it = door(*entries, people=people)
    admitted = gone_through(content for _, content in in_order)
    assert (it.is_closed, inside(it)) == (admitted is not None, {ME, *SOMEBODY} if admitted is None else admitted)


def gone_through(contents: Iterable[tuple[Author, Content]]) -> set[bytes] | None:
    """Who is admitted, as "Doors" says it; None where the door is open."""
    admitted: set[bytes] | None = None
    for by, content in contents:
        match content:
            case Seal(named):
                admitted = {*(admitted or ()), *named, by.public}
            case Admit(who) if admitted is not None:
                admitted.add(who)
            case Unseal():
                admitted = None
    return admitted


@pytest.mark.timeout(20)
def test_whoever_closes_it_thousands_of_times_each_before_all_others_costs_no_more_than_each_time() -> None:
    ben, made_up = author("ben"), [number.to_bytes(32) for number in range(256)]
    [seal], [unseal] = said(ben, Seal(tuple(made_up))), said(ben, Unseal())
    it = door()
    for lamport in range(30_000, 27_000, -1):
        it.add(replace(seal, lamport=lamport))
        assert not it.admits(CARA)
    for lamport in range(27_001, 30_001):
        it.add(replace(unseal, lamport=lamport, id=bytes([255]) * 32))
        assert it.admits(CARA) is (lamport == 30_000)


# ── what is said before it ───────────────────────────────────────────────────────────────────────────────────────────


def desk(**options: bool) -> Desk:
    return Desk(room=ROOM, **options)


def room(it: Desk) -> Room:
    return it.replica.places[ROOM.id].room


def met(it: Desk, peer: Author) -> int:
    return it.meet(peer, rooms=(ROOM.id,))


def told(effects: list[Effect], link: int) -> list[wire.Message]:
    return [effect.message for effect in of(Send, effects) if effect.link == link]


def close(it: Desk) -> list[Effect]:
    return it.do(lambda replica: replica.seal(ROOM.id, it.now))


def test_who_is_not_inside_hears_that_they_have_to_wait_and_nothing_else() -> None:
    it, ben, cara = desk(), author("ben"), author("cara")
    to_ben = met(it, ben)
    assert of(DoorChanged, close(it)) == [DoorChanged(ROOM.id, "sealed")]
    to_cara, before = it.up(cara, ROOM.id), len(it.effects)
    it.hear(to_cara, cara.card(), wire.Have(ROOM.id, bytes(32), 0, True), cara.arrives())
    it.say("between us", ROOM.id)
    it.hear(to_ben, ben.says("yes"))
    it.later(30)
    it.do(lambda replica: replica.typing(ROOM.id))
    assert told(it.effects, to_cara) == [wire.Wait(ROOM.id)]
    assert not sent(wire.Card, it.effects[before:], to_ben)
    assert room(it).online() == {ben.public}
    assert cara.public not in room(it).everyone()
    assert it.replica.door(ROOM.id).waiting == {cara.public}


def test_who_is_let_in_is_spoken_with_as_if_they_had_just_come() -> None:
    it, ben, cara = desk(), author("ben"), author("cara")
    to_ben = met(it, ben)
    close(it)
    to_cara = it.up(cara, ROOM.id)
    it.hear(to_cara, cara.card())
    it.send(Admit(cara.public), ROOM.id)
    assert [type(message) for message in told(it.effects, to_cara)] == [wire.Wait, wire.Card]
    effects = it.hear(to_cara, wire.Signal(ROOM.id, "typing"), cara.card())  # the first was on its way since before
    assert sent(wire.Have, effects, to_cara)
    assert Presence(ROOM.id, cara.public, online=True) in effects
    assert it.replica.door(ROOM.id).waiting == set()
    assert room(it).online() == {ben.public, cara.public}
    assert to_ben in room(it).sharings


def test_a_door_that_is_opened_lets_everybody_in() -> None:
    it, ben, cara = desk(), author("ben"), author("cara")
    met(it, ben)
    close(it)
    to_cara = it.up(cara, ROOM.id)
    assert of(DoorChanged, it.do(lambda replica: replica.send(ROOM.id, Unseal(), it.now))) == [DoorChanged(ROOM.id, "unsealed")]
    assert [type(message) for message in told(it.effects, to_cara)] == [wire.Wait, wire.Card]


def test_a_door_that_another_closes_is_closed_to_who_is_here_and_not_named() -> None:
    it, ben, cara = desk(), author("ben"), author("cara")
    to_ben, to_cara = met(it, ben), met(it, cara)
    page = ben.page(*ben.then(Seal((it.me, ben.public))))
    effects = it.hear(to_ben, page)
    assert told(effects, to_cara) == [wire.Wait(ROOM.id)]
    assert Presence(ROOM.id, cara.public, online=False) in effects
    after = it.hear(to_cara, cara.says("still here"), wire.Tips(ROOM.id, (tip(page),)), cara.card())
    after += it.say("without cara", ROOM.id) + it.later(30)
    assert told(after, to_cara) == []
    assert to_cara in it.replica.links


def test_what_was_being_answered_is_given_no_more() -> None:
    it, ben, cara = desk(), author("ben"), author("cara")
    to_ben = met(it, ben)
    it.hear(to_ben, ben.arrives())
    entries = tuple(room(it).log.index)
    to_cara = met(it, cara)
    it.do(
        lambda replica: (
            replica.received(to_cara, wire.encode(wire.WantBodies(ROOM.id, entries[:1])), it.now),
            replica.received(to_ben, wire.encode(ben.page(*ben.then(Seal((it.me, ben.public))))), it.now),
        )
    )
    assert [type(message) for message in told(it.effects, to_cara)][-1] is wire.Wait


def test_a_door_that_was_closed_alone_is_closed_to_who_comes_first() -> None:
    it, ben, cara = desk(), author("ben"), author("cara")
    link = met(it, ben)
    it.hear(link, ben.arrives())
    it.down(link)
    close(it)
    to_cara = it.up(cara, ROOM.id)
    it.hear(to_cara, cara.card())
    assert told(it.effects, to_cara) == [wire.Wait(ROOM.id)]
    met(it, ben)
    assert "seal" in [effect.entry.kind for effect in of(Placed, it.effects)]
    assert told(it.effects, to_cara) == [wire.Wait(ROOM.id)]


@pytest.mark.parametrize("placed", [True, False])
def test_a_closed_door_is_closed_after_a_restart(placed: bool) -> None:
    it, ben, cara = desk(), author("ben"), author("cara")
    link = met(it, ben)
    if not placed:
        it.hear(link, ben.arrives())
        it.down(link)
    close(it)
    it.crash()
    assert (it.replica.door(ROOM.id).is_closed, it.replica.door(ROOM.id).is_outside) == (True, False)
    to_cara = it.up(cara, ROOM.id)
    assert told(it.effects, to_cara) == [wire.Wait(ROOM.id)]
    assert room(it).door.admits(it.me, ben.public)


def test_two_who_keep_each_other_out_begin_once_both_have_let_the_other_in() -> None:
    it, ben, cara = desk(), author("ben"), author("cara")
    met(it, ben)
    close(it)
    to_cara = it.up(cara, ROOM.id)
    it.hear(to_cara, wire.Wait(ROOM.id))
    effects = it.do(lambda replica: replica.send(ROOM.id, Admit(cara.public), it.now))
    assert [type(message) for message in told(effects, to_cara)] == [wire.Card]  # which she ignores
    effects = it.hear(to_cara, cara.card())
    assert type(told(effects, to_cara)[0]) is wire.Card
    assert sent(wire.Have, effects, to_cara)


# ── before a closed door ─────────────────────────────────────────────────────────────────────────────────────────────


def test_who_has_to_wait_knows_and_what_they_write_waits_too() -> None:
    it, ben = desk(), author("ben")
    to_ben = it.up(ben, ROOM.id)
    assert of(DoorChanged, it.hear(to_ben, wire.Wait(ROOM.id))) == [DoorChanged(ROOM.id, "outside")]
    assert (room(it).is_sealed, room(it).is_outside, room(it).online()) == (True, True, set())
    before = len(told(it.effects, to_ben))
    it.say("may I?", ROOM.id)
    it.later(30)
    assert len(told(it.effects, to_ben)) == before
    assert [waiting.kind for waiting in room(it).outbox] == ["here", "text"]
    effects = it.hear(to_ben, ben.card(), wire.Have(ROOM.id, bytes(32), 0, True), wire.Tips(ROOM.id, (), fresh=True, last=True))
    assert type(told(effects, to_ben)[0]) is wire.Card
    assert of(DoorChanged, effects) == [DoorChanged(ROOM.id, "outside")]
    assert not room(it).is_outside
    assert [entry.entry.kind for entry in of(Placed, effects)] == ["here", "text"]


def test_who_is_shut_out_in_the_middle_falls_silent() -> None:
    it, ben = desk(), author("ben")
    to_ben = met(it, ben)
    effects = it.hear(to_ben, wire.Wait(ROOM.id))
    assert Presence(ROOM.id, ben.public, online=False) in effects
    assert told(it.say("hello?", ROOM.id), to_ben) == []


def test_who_learns_of_it_from_the_entries_is_outside_as_well() -> None:
    it, ben = desk(), author("ben")
    effects = it.hear(met(it, ben), ben.page(*ben.then(Here("ben"), Seal((ben.public,)))))
    assert DoorChanged(ROOM.id, "outside") in effects


def test_somebody_else_who_shares_the_room_is_enough_to_be_inside() -> None:
    it, ben, cara = desk(), author("ben"), author("cara")
    met(it, ben)
    it.hear(it.up(cara, ROOM.id), wire.Wait(ROOM.id))
    assert not room(it).is_outside


def test_who_leaves_while_others_wait_or_while_waiting_says_so() -> None:
    it, ben, cara = desk(), author("ben"), author("cara")
    met(it, ben)
    close(it)
    to_cara, to_dora = it.up(cara, ROOM.id), it.up(author("dora"), ROOM.id)
    it.hear(to_dora, wire.Quit(ROOM.id))
    effects = it.do(lambda replica: replica.leave(ROOM.id, it.now, forget=True))
    assert told(effects, to_cara) == [wire.Quit(ROOM.id)]
    assert Unprove(to_cara, ROOM.id) in effects
    assert told(effects, to_dora) == []
    it.hear(to_cara, cara.card())  # it was on its way


def test_who_comes_again_has_to_wait_again() -> None:
    it, ben, cara = desk(), author("ben"), author("cara")
    met(it, ben)
    close(it)
    to_cara = it.up(cara, ROOM.id)
    it.hear(to_cara, wire.Quit(ROOM.id))
    it.do(lambda replica: replica.proven(to_cara, [ROOM.id], it.now))
    assert told(it.effects, to_cara) == [wire.Wait(ROOM.id), wire.Wait(ROOM.id)]


def test_nobody_is_made_to_wait_before_a_room_without_a_door() -> None:
    it = Desk()
    ben = Author("ben")
    with pytest.raises(RemoteError, match="out_of_order"):
        it.hear(it.meet(ben), wire.Wait(ben.room))


def test_behind_a_door_that_is_closed_are_as_many_as_there_are() -> None:
    it = desk()
    link = it.meet(author("ben"), rooms=(ROOM.id,))
    crowd = [bytes([1]) + number.to_bytes(31, "big") for number in range(600)]
    room(it).members._here = frozenset(crowd)
    room(it).members._version = room(it).cards.version
    close(it)
    assert room(it).door.admits(*crowd, room(it).me, BEN)
    assert not room(it).door.admits(CARA)
    assert len(sent(wire.Page, it.effects, link)) >= 1
