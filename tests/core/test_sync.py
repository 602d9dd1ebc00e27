"""The replica as a whole: rooms that come and go, links, forgetting, and that nobody can crash it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peertalk.core import sync, wire
from peertalk.core.effects import Arrived, Commit, Presence, Prove, RoomCame, RoomWent, TypingSeen, Unprove
from peertalk.core.entry import Here, Left
from peertalk.core.rooms import open_room
from peertalk.core.sharing import SIGNAL_BURST
from peertalk.core.stored import PutPage, PutRoom, RoomRecord
from peertalk.errors import RemoteError
from tests.core.authors import NOTHING, ROOM, START, Author
from tests.core.desk import Desk, of, said, sent
from tests.core.test_wire import messages

OTHER = open_room("other", b"o" * 32, START)
TYPING = wire.Signal(ROOM.id, "typing")


def kinds(desk: Desk, room: bytes = ROOM.id) -> list[str]:
    return [entry.kind for entry in desk.disk.entries(room, ("here", "left", "text", "end"), 1000)]


def refusal(desk: Desk, link: int, message: wire.Message) -> str:
    with pytest.raises(RemoteError) as error:
        desk.hear(link, message)
    return error.value.kind


# ── joining ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_joining_is_on_disk_before_it_is_told_and_proven_on_links_that_are_up() -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    desk.slow = True
    effects = desk.do(lambda replica: replica.join(OTHER, desk.now))
    assert of(Prove, effects) == [Prove(link, (OTHER.id,))]
    assert of(RoomCame, effects) == []
    assert of(RoomCame, desk.sync()) == [RoomCame(OTHER)]
    assert OTHER.id in desk.replica.secrets()


def test_joining_again_changes_nothing() -> None:
    desk = Desk()
    assert of(Commit, desk.do(lambda replica: replica.join(ROOM, desk.now))) == []


def test_a_room_proven_on_a_link_that_is_up_is_shared_there() -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    desk.do(lambda replica: replica.join(OTHER, desk.now))
    effects = desk.do(lambda replica: replica.proven(link, (OTHER.id,), desk.now))
    assert [card.room for card in sent(wire.Card, effects, link)] == [OTHER.id]
    desk.do(lambda replica: replica.proven(link, (OTHER.id,), desk.now))
    elsewhere = Author("ben", OTHER.id)
    assert of(Presence, desk.hear(link, elsewhere.card())) == [Presence(OTHER.id, ben.public, True)]


def test_what_is_not_proven_is_not_spoken_of() -> None:
    desk, ben = Desk(), Author("ben", OTHER.id)
    desk.do(lambda replica: replica.join(OTHER, desk.now))
    link = desk.up(ben)
    assert refusal(desk, link, ben.card()) == "not_proven"
    assert refusal(desk, link, wire.Quit(b"x" * 32)) == "not_proven"


def test_rooms_come_back_after_a_restart() -> None:
    desk, ben = Desk(), Author("ben")
    desk.hear(desk.meet(ben), ben.arrives(), ben.says("x"))
    desk.say("y")
    order = [entry.id for entry in desk.disk.entries(ROOM.id, ("here", "text"), 100)]
    desk.crash()
    assert desk.room.log.count == len(order) == 4
    assert desk.room.members.name(ben.public) == "ben"
    assert desk.room.everyone() == {desk.me, ben.public}


# ── links ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_presence_follows_links() -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    assert desk.room.online() == {ben.public}
    assert of(Presence, desk.down(link)) == [Presence(ROOM.id, ben.public, False)]
    assert desk.room.online() == set()


def test_who_has_two_links_is_online_until_both_are_gone() -> None:
    desk, ben = Desk(), Author("ben")
    one, other = desk.meet(ben), desk.meet(ben)
    assert of(Presence, desk.down(one)) == [Presence(ROOM.id, ben.public, True)]
    assert of(Presence, desk.down(other)) == [Presence(ROOM.id, ben.public, False)]


def test_a_link_that_goes_before_it_was_used_leaves_no_trace() -> None:
    desk, ben = Desk(), Author("ben")
    effects = desk.down(desk.up(ben))
    assert of(Presence, effects) == []
    assert desk.room.sharings == {}


def test_typing_is_told_to_who_is_here_and_heard_at_a_rate() -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    effects = desk.do(lambda replica: replica.typing(ROOM.id))
    assert sent(wire.Signal, effects, link) == [TYPING]
    assert of(TypingSeen, desk.hear(link, *[TYPING] * 50)) == [TypingSeen(ROOM.id, ben.public)] * SIGNAL_BURST
    desk.later(1)
    assert len(of(TypingSeen, desk.hear(link, *[TYPING] * 50))) == 2
    assert of(TypingSeen, desk.hear(link, wire.Signal(ROOM.id, "yawning"))) == []


# ── direct rooms ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_direct_room_comes_into_being_when_the_other_speaks_in_it_and_is_shown_with_the_first_text() -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    record = desk.direct(ben)
    inside = Author("ben", record.id)
    assert record.id not in desk.replica.places
    desk.hear(link, inside.card(), wire.Have(record.id, NOTHING, 0, True), wire.Tips(record.id, (), fresh=True, last=True))
    assert not desk.replica.places[record.id].room.record.shown
    effects = desk.hear(link, inside.arrives())
    assert of(RoomCame, effects) == []
    effects = desk.hear(link, inside.says("psst"))
    assert [came.record.id for came in of(RoomCame, effects)] == [record.id]
    commit = next(commit for commit in of(Commit, effects) if of(PutPage, commit.ops))
    assert [op.record.shown for op in of(PutRoom, commit.ops)] == [True]
    order = [type(effect) for effect in effects if isinstance(effect, RoomCame | Arrived)]
    assert order == [RoomCame, Arrived]
    desk.crash()
    assert desk.replica.places[record.id].room.record.shown


def test_nothing_but_a_card_brings_a_direct_room_into_being() -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    record = desk.direct(ben)
    desk.hear(link, wire.Have(record.id, NOTHING, 0, True), wire.Signal(record.id, "typing"), wire.Quit(record.id))
    assert record.id not in desk.replica.places


def test_the_direct_room_of_two_others_is_none_of_ours() -> None:
    desk, ben, cara = Desk(), Author("ben"), Author("cara")
    link = desk.meet(ben)
    theirs = desk.direct(cara)
    assert refusal(desk, link, Author("ben", theirs.id).card()) == "not_proven"


def test_strangers_bring_only_so_many_rooms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync, "MAX_ROOMS", 3)
    desk = Desk()
    for number in range(5):
        stranger = Author(f"s{number}")
        link = desk.meet(stranger)
        desk.hear(link, Author(stranger.name, desk.direct(stranger).id).card())
    assert len(desk.replica.places) == 3


def test_rooms_that_strangers_began_without_a_word_and_left_make_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync, "MAX_ROOMS", 3)
    desk = Desk()
    began = []
    for number in range(4):
        stranger = Author(f"s{number}")
        link = desk.meet(stranger)
        writer = Author(stranger.name, desk.direct(stranger).id)
        began.append(writer.room)
        desk.hear(link, writer.card(), wire.Have(writer.room, bytes(32), 0, True))
        if number == 0:
            desk.hear(link, wire.Tips(writer.room, (), fresh=True, last=True), writer.says("something to read"))
        desk.down(link)
    assert [room in desk.replica.places for room in began] == [True, False, False, True]
    desk.crash()
    assert [room in desk.replica.places for room in began] == [True, False, False, True]


def test_a_direct_room_that_is_left_is_hidden_until_the_other_writes() -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    record = desk.direct(ben)
    inside = Author("ben", record.id)
    desk.hear(link, inside.card(), inside.says("one"))
    effects = desk.do(lambda replica: replica.leave(record.id, desk.now, forget=False))
    assert of(RoomWent, effects) == [RoomWent(record.id, False)]
    assert sent(wire.Quit, effects) == []
    assert [came.record.shown for came in of(RoomCame, desk.hear(link, inside.says("two")))] == [True]
    assert len(desk.texts(record.id)) == 2


def test_what_is_under_way_when_a_direct_room_is_left_and_opened_again_costs_no_link() -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    record = desk.direct(ben)
    inside = Author("ben", record.id)
    desk.hear(link, inside.card(), inside.says("one"))
    desk.do(lambda replica: replica.leave(record.id, desk.now, forget=True))
    desk.do(lambda replica: replica.join(record, desk.now))
    desk.hear(link, wire.Tips(record.id, (NOTHING,)), inside.says("under way"))
    effects = desk.hear(link, wire.Quit(record.id), inside.card())
    assert of(Presence, effects) == [Presence(record.id, ben.public, True)]


def test_a_direct_room_that_the_other_proves_is_not_quit_before_it_came_into_being() -> None:
    desk, ben = Desk(), Author("ben")
    record = desk.direct(ben)
    link = desk.up(ben, record.id)
    assert sent(wire.Quit, desk.effects, link) == []
    desk.hear(link, Author("ben", record.id).card())
    assert record.id in desk.replica.places


# ── leaving ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_leaving_hides_the_room_and_coming_back_shows_its_history() -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    desk.hear(link, ben.arrives(), ben.says("x"))
    effects = desk.do(lambda replica: replica.leave(ROOM.id, desk.now, forget=False))
    assert said(effects, link)[-1] == Left()
    assert sent(wire.Quit, effects, link) == [wire.Quit(ROOM.id)]
    assert of(Unprove, effects) == [Unprove(link, ROOM.id)]
    assert of(RoomWent, effects) == [RoomWent(ROOM.id, False)]
    assert ROOM.id not in desk.replica.secrets()
    desk.hear(link, wire.Tips(ROOM.id, (NOTHING,)), ben.says("unheard"))
    desk.crash()
    assert not desk.replica.is_active(ROOM.id)
    desk.do(lambda replica: replica.join(ROOM, desk.now))
    link = desk.meet(ben)
    assert said(desk.effects, link)[-1] == Here("anna")
    assert len(desk.texts()) == 1


def test_leaving_for_good_forgets_everything() -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    desk.hear(link, ben.says("x"))
    effects = desk.do(lambda replica: replica.leave(ROOM.id, desk.now, forget=True))
    assert of(RoomWent, effects) == [RoomWent(ROOM.id, True)]
    assert desk.disk.snapshot().rooms == ()
    desk.later(2000)
    assert desk.disk.snapshot().rooms == ()


def test_leaving_with_nobody_here_says_nothing() -> None:
    desk = Desk()
    effects = desk.do(lambda replica: replica.leave(ROOM.id, desk.now, forget=False))
    assert of(RoomWent, effects) == [RoomWent(ROOM.id, False)]
    assert [one.kind for one in desk.disk.snapshot().rooms[0].outbox] == ["here"]


@pytest.mark.parametrize("forget", [False, True], ids=["hide", "forget"])
def test_who_joins_while_still_leaving_is_in(forget: bool) -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    desk.say("before")
    desk.slow = True
    desk.do(lambda replica: replica.leave(ROOM.id, desk.now, forget=forget))
    desk.do(lambda replica: replica.leave(ROOM.id, desk.now, forget=forget))
    desk.do(lambda replica: replica.join(ROOM, desk.now))
    desk.sync()
    desk.sync()
    assert desk.replica.is_active(ROOM.id)
    assert desk.disk.snapshot().rooms[0].record.shown
    assert kinds(desk).count("left") == (0 if forget else 1)
    assert len(desk.texts()) == (0 if forget else 1)
    assert sent(wire.Quit, desk.effects, link) == [wire.Quit(ROOM.id)]
    assert of(Prove, desk.effects)[-1] == Prove(link, (ROOM.id,))
    desk.do(lambda replica: replica.proven(link, (ROOM.id,), desk.now))
    desk.hear(link, ben.card(), wire.Have(ROOM.id, NOTHING, 0, True), wire.Tips(ROOM.id, (), fresh=True, last=True))
    desk.sync()
    assert said(desk.effects, link)[-1] == Here("anna")


def test_a_room_that_the_other_quits_is_not_spoken_of_until_it_is_proven_again() -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    effects = desk.hear(link, wire.Quit(ROOM.id))
    assert of(Presence, effects) == [Presence(ROOM.id, ben.public, False)]
    assert of(Unprove, effects) == [Unprove(link, ROOM.id)]
    assert sent(wire.Page, desk.say("to nobody"), link) == []
    assert desk.hear(link, ben.says("late")) == [desk.effects[-1]]
    effects = desk.do(lambda replica: replica.proven(link, (ROOM.id,), desk.now))
    assert len(sent(wire.Card, effects, link)) == 1


def test_a_room_that_was_left_while_it_was_being_proven_is_quit() -> None:
    desk, ben = Desk(), Author("ben")
    desk.do(lambda replica: replica.leave(ROOM.id, desk.now, forget=False))
    link = desk.up(ben)
    assert sent(wire.Quit, desk.effects, link) == [wire.Quit(ROOM.id)]
    assert desk.hear(link, ben.card()) == [desk.effects[-1]]
    effects = desk.do(lambda replica: replica.proven(link, (ROOM.id,), desk.now))
    assert sent(wire.Quit, effects, link) == [wire.Quit(ROOM.id)]
    assert of(Unprove, effects) == [Unprove(link, ROOM.id)]
    effects = desk.do(lambda replica: replica.join(ROOM, desk.now))
    assert of(Prove, effects) == [Prove(link, (ROOM.id,))]
    assert sent(wire.Card, effects, link) == []


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_was_read_is_remembered_soon_and_never_goes_back() -> None:
    desk = Desk()
    desk.do(lambda replica: replica.mark_read(ROOM.id, (5, NOTHING)))
    desk.do(lambda replica: replica.mark_read(ROOM.id, (3, NOTHING)))
    desk.later(1.1)
    desk.crash()
    assert desk.room.record.read == (5, NOTHING)


def test_flush_makes_durable_what_had_time() -> None:
    desk = Desk()
    desk.do(lambda replica: replica.mark_read(ROOM.id, (5, NOTHING)))
    desk.do(lambda replica: replica.flush())
    desk.crash()
    assert desk.room.record.read == (5, NOTHING)


# ── nobody crashes it ────────────────────────────────────────────────────────────────────────────────────────────────


def wrecked(message: wire.Message, room: RoomRecord, known: list[bytes]) -> wire.Message:
    """The same message for a room that is here, naming things that are here."""
    fields = {"room": room.id}
    if isinstance(message, wire.Tips | wire.Want):
        fields["tips"] = (*message.tips, *known)[:60]
    if isinstance(message, wire.Want):
        fields["known"] = tuple(known)
    if isinstance(message, wire.WantBodies):
        fields["entries"] = (*known, *message.entries)[:60]
    if isinstance(message, wire.Bodies):
        fields["bodies"] = (*message.bodies, *((id_, NOTHING) for id_ in known))[:60]
    return type(message)(**{name: fields.get(name, getattr(message, name)) for name in message.__struct_fields__})


@given(st.lists(st.tuples(messages, st.booleans()), min_size=1, max_size=8), st.booleans(), st.sampled_from([0.0, 0.5, 25.0]))
def test_whatever_comes_is_taken_or_costs_the_link_and_nothing_else(
    run: list[tuple[wire.Message, bool]], polite: bool, pause: float
) -> None:
    desk, ben = Desk(), Author("ben")
    desk.hear(desk.meet(ben), ben.arrives(), ben.says("x"))
    stranger = Author("stranger")
    link = desk.meet(stranger) if polite else desk.up(stranger)
    direct = desk.direct(stranger)
    known = list(desk.room.log.index)
    for message, private in run:
        try:
            desk.hear(link, wrecked(message, direct if private else ROOM, known))
        except RemoteError:
            desk.down(link)
            link = desk.meet(stranger)
        desk.later(pause)
    desk.down(link)
    assert [entry.id for entry in desk.disk.entries(ROOM.id, ("here", "text"), 100)]
    before = len(desk.texts())
    desk.hear(desk.meet(ben), ben.says("still here"))
    assert len(desk.texts()) == before + 1
    desk.crash()
    assert len(desk.texts()) == before + 1
