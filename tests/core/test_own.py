"""One's own part of a room: what waits, how it gets its place, feed keys and their end."""

from __future__ import annotations

import msgspec

from peertalk.core import wire
from peertalk.core.effects import Commit, MembersChanged, Moved, Placed, Queued, Send
from peertalk.core.entry import (
    End,
    FeedKey,
    Here,
    Left,
    Text,
    decode_header,
    hash32,
    message_id,
    open_body,
    verify_next,
    verify_owner,
)
from peertalk.core.own import AHEAD
from peertalk.core.rooms import DAY_MS
from peertalk.core.sharing import FIRST_HAVE_PATIENCE
from peertalk.core.stored import DropOutbox, PutFeedKey, PutOutbox, PutPage, PutRoom, RoomRecord
from tests.core.authors import NOTHING, ROOM, Author, tip
from tests.core.desk import Desk, of, sent


def contents(page: wire.Page) -> list[object]:
    return [
        open_body(decode_header(raw).kind, body)
        for raw, body in zip(page.headers, page.bodies, strict=True)
        if body is not None
    ]


def direct_desk() -> tuple[Desk, Author, RoomRecord]:
    """A desk in a direct room, which never forgets."""
    desk, ben = Desk(room=None), Author("ben")
    record = desk.direct(ben)
    desk.do(lambda replica: replica.join(record, desk.now))
    return desk, Author("ben", record.id), record


# ── waiting ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_without_a_link_a_message_is_on_disk_and_waits() -> None:
    desk = Desk(slow=True)
    desk.sync()
    effects = desk.say("hello")
    assert [op.record.kind for commit in of(Commit, effects) for op in of(PutOutbox, commit.ops)] == ["text"]
    assert of(Queued, effects) == []
    assert [queued.record.kind for queued in of(Queued, desk.sync())] == ["text"]
    assert of(Placed, desk.effects) == []


def test_with_a_link_a_message_takes_one_commit_and_leaves_after_it() -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    desk.slow = True
    effects = desk.say("hello")
    assert [[type(op) for op in commit.ops] for commit in of(Commit, effects)] == [[PutPage]]
    assert of(Send, effects) == of(Placed, effects) == of(Queued, effects) == []
    effects = desk.sync()
    assert [contents(page) for page in sent(wire.Page, effects, link)] == [[Text("hello")]]
    assert [placed.entry.kind for placed in of(Placed, effects)] == ["text"]


def test_what_is_said_while_a_commit_is_under_way_becomes_one_page() -> None:
    desk, ben = Desk(), Author("ben")
    desk.meet(ben)
    desk.slow = True
    for text in ("one", "two", "three"):
        assert len(of(Commit, desk.say(text))) == (1 if text == "one" else 0)
    first = desk.sync(1)
    second = desk.sync(1)
    assert [contents(page) for page in sent(wire.Page, [*first, *second])] == [[Text("one")], [Text("two"), Text("three")]]


def test_what_fills_a_page_does_not_wait_for_the_one_before_it_but_few_are_on_their_way() -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    desk.slow = True
    said = [str(number) for number in range(5 * wire.MAX_PAGE_ENTRIES)]
    for text in said:
        desk.send(Text(text))
    settled = [len(of(PutPage, commit.ops)) for commit in of(Commit, desk.effects)]
    assert settled.count(1) - 1 == AHEAD  # the first one said who is here
    before = len(desk.effects)
    pages: list[list[object]] = []
    while desk.tokens:
        effects = desk.sync(1)
        pages += [contents(page) for page in sent(wire.Page, effects, link)]
    assert [one for page in pages for one in page] == [Text(text) for text in said]
    assert pages[0] == [Text("0")]
    placed = [one.entry.seq for one in of(Placed, desk.effects[before:])]
    assert placed == list(range(placed[0], placed[0] + len(said)))


def test_power_loss_with_several_pages_on_their_way_forks_nothing() -> None:
    desk, ben = Desk(), Author("ben")
    desk.meet(ben)
    desk.slow = True
    for number in range(3 * wire.MAX_PAGE_ENTRIES):
        desk.send(Text(str(number)))
    assert len(desk.tokens) == AHEAD
    desk.slow = False
    desk.crash(reached=1)
    chain = desk.room.log.chain(desk.room.keys[0].feed)
    assert [len(page.entries) for page in chain.pages] == [1, 1]  # who is here, and the first message
    link = desk.meet(ben)
    before = len(desk.effects)
    desk.say("again")
    [page] = sent(wire.Page, desk.effects[before:], link)
    assert decode_header(page.headers[0]).prev == chain.pages[1].entries[-1][0]
    assert not desk.room.log.chain(chain.feed).forked


def test_what_waited_goes_out_once_with_here_before_it() -> None:
    desk, ben = Desk(), Author("ben")
    desk.say("first")
    desk.crash()
    desk.say("second")
    link = desk.meet(ben)
    pages = sent(wire.Page, desk.effects, link)
    assert [contents(page) for page in pages] == [[Here("anna"), Text("first"), Text("second")]]
    commits = [commit for commit in of(Commit, desk.effects) if of(PutPage, commit.ops)]
    assert len(of(DropOutbox, commits[0].ops)) == 3
    assert desk.disk.snapshot().rooms[0].outbox == ()
    desk.crash()
    desk.meet(ben)
    assert len(desk.texts()) == 2


def test_what_was_not_synced_before_power_loss_was_never_answered() -> None:
    desk = Desk(slow=True)
    desk.sync()
    desk.say("lost")
    desk.crash()
    assert [one.kind for one in desk.disk.snapshot().rooms[0].outbox] == ["here"]
    assert [queued.record.kind for queued in of(Queued, desk.effects)] == ["here"]


def test_a_long_queue_goes_out_in_pages_that_fit() -> None:
    desk, ben = Desk(), Author("ben")
    for number in range(600):
        desk.send(Text(f"{number}"))
    for _ in range(20):
        desk.send(Text("x" * 30_000))
    link = desk.meet(ben)
    pages = sent(wire.Page, desk.effects, link)
    assert sum(len(page.headers) for page in pages) == 621
    assert max(len(page.headers) for page in pages) <= wire.MAX_PAGE_ENTRIES
    assert all(len(wire.encode(page)) <= wire.MAX_PAGE for page in pages)
    assert len(desk.texts()) == 620


def test_nothing_is_written_before_everything_that_was_claimed_first_is_here() -> None:
    desk, ben = Desk(), Author("ben")
    page = ben.arrives()
    link = desk.meet(ben, tip(page))
    desk.say("above the history?")
    assert of(Placed, desk.effects) == []
    desk.hear(link, page)
    texts = [entry for entry in (placed.entry for placed in of(Placed, desk.effects)) if entry.kind == "text"]
    assert [entry.lamport for entry in texts] == [3]


def test_a_liar_delays_nobody_for_longer_than_20_seconds() -> None:
    desk, liar = Desk(), Author("liar")
    desk.meet(liar, NOTHING)
    desk.say("hello")
    desk.later(FIRST_HAVE_PATIENCE - 0.5)
    assert of(Placed, desk.effects) == []
    desk.later(1)
    assert [placed.entry.kind for placed in of(Placed, desk.effects)] == ["here", "text"]


def test_one_who_never_says_what_it_has_delays_nobody_either() -> None:
    desk, mute = Desk(), Author("mute")
    link = desk.up(mute)
    desk.hear(link, mute.card())
    desk.say("hello")
    desk.later(FIRST_HAVE_PATIENCE + 0.5)
    assert [placed.entry.kind for placed in of(Placed, desk.effects)] == ["here", "text"]


def test_one_honest_peer_is_enough() -> None:
    desk, liar, ben = Desk(), Author("liar"), Author("ben")
    desk.meet(liar, NOTHING)
    desk.meet(ben)
    desk.say("hello")
    assert [placed.entry.kind for placed in of(Placed, desk.effects)] == ["here", "text"]


def test_entries_name_what_others_said() -> None:
    desk, ben = Desk(), Author("ben")
    page = ben.arrives()
    link = desk.meet(ben, tip(page))
    desk.hear(link, page)
    desk.say("answer")
    headers = [decode_header(raw) for page in sent(wire.Page, desk.effects, link) for raw in page.headers]
    assert [(header.seq, header.lamport, header.after) for header in headers] == [(1, 2, (tip(page),)), (2, 3, ())]


# ── names ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_new_name_is_said_with_the_one_before() -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    effects = desk.do(lambda replica: replica.rename("anne", desk.now))
    assert [contents(page) for page in sent(wire.Page, effects, link)] == [[Here("anne", "anna")]]
    assert of(MembersChanged, effects) == [MembersChanged(ROOM.id, (desk.me,))]


def test_a_here_that_still_waits_is_replaced() -> None:
    desk, ben = Desk(), Author("ben")
    desk.say("hello")
    desk.do(lambda replica: replica.rename("anne", desk.now))
    desk.do(lambda replica: replica.rename("annette", desk.now))
    link = desk.meet(ben)
    assert [contents(page) for page in sent(wire.Page, desk.effects, link)] == [[Here("annette"), Text("hello")]]


def test_names_that_follow_each_other_while_nobody_is_here_are_one_change() -> None:
    desk, ben = Desk(), Author("ben")
    desk.down(desk.meet(ben))
    desk.do(lambda replica: replica.rename("anne", desk.now))
    desk.do(lambda replica: replica.rename("annette", desk.now))
    link = desk.meet(ben)
    assert [contents(page) for page in sent(wire.Page, desk.effects, link)] == [[Here("annette", "anna")]]


# ── feed keys ────────────────────────────────────────────────────────────────────────────────────────────────────────


def keys(desk: Desk, room: bytes) -> dict[bytes, bytes | None]:
    """The feed keys on disk: feed → private half."""
    rooms = {one.record.id: one for one in desk.disk.snapshot().rooms}
    return {key.feed: key.seed for key in rooms[room].feeds}


def test_a_feed_retires_after_30_days_signs_its_successor_ends_and_is_erased() -> None:
    desk, ben, record = direct_desk()
    link = desk.meet(ben, rooms=())
    desk.say("before", record.id)
    old = next(iter(keys(desk, record.id)))
    desk.wall += 31 * DAY_MS
    desk.do(lambda replica: replica.do_chores(desk.now))
    (new,) = keys(desk, record.id).keys() - {old}
    assert keys(desk, record.id)[old] is None
    assert keys(desk, record.id)[new] is not None
    pages = sent(wire.Page, desk.effects, link)[-2:]
    said = {decode_header(page.headers[0]).feed: contents(page) for page in pages}
    assert said[old] == [End()]
    (here,) = said[new]
    assert isinstance(here, Here)
    assert here.next is not None
    assert here.next[0] == old
    assert verify_next(old, here.next[1], record.id, new)
    card = sent(wire.Card, desk.effects, link)[-1]
    assert {feed for feed, _ in card.feeds} == {old, new}
    assert all(verify_owner(feed, signature, record.id, desk.me) for feed, signature in card.feeds)


def test_a_feed_that_nothing_was_written_into_is_not_left_for_another() -> None:
    """It could not say any more from which feed it goes on, so that what was said there could never be edited or deleted."""
    desk, _, record = direct_desk()
    (old,) = keys(desk, record.id)
    desk.wall += 31 * DAY_MS
    desk.do(lambda replica: replica.do_chores(desk.now))
    assert [*keys(desk, record.id)] == [old]


def test_a_retiring_key_waits_for_a_link_and_no_longer_than_seven_days() -> None:
    desk, ben, record = direct_desk()
    link = desk.meet(ben, rooms=())
    desk.say("before", record.id)
    desk.down(link)
    (old,) = keys(desk, record.id)
    desk.wall += 31 * DAY_MS
    desk.do(lambda replica: replica.do_chores(desk.now))
    assert keys(desk, record.id)[old] is not None
    desk.crash()
    assert keys(desk, record.id)[old] is not None
    desk.wall += 7 * DAY_MS
    desk.do(lambda replica: replica.do_chores(desk.now))
    assert keys(desk, record.id)[old] is None
    assert len(keys(desk, record.id)) == 2


def test_a_restored_profile_goes_on_with_new_feeds_and_never_writes_into_the_old() -> None:
    desk, ben = Desk(), Author("ben")
    desk.down(desk.meet(ben))
    (old,) = keys(desk, ROOM.id)
    desk.say("waits")
    desk.start()
    desk.do(lambda replica: replica.retire_all(desk.now))
    (new,) = keys(desk, ROOM.id).keys() - {old}
    assert keys(desk, ROOM.id)[old] is None
    before = len(desk.effects)
    link = desk.meet(ben)
    (page,) = sent(wire.Page, desk.effects[before:], link)
    assert {decode_header(raw).feed for raw in page.headers} == {new}
    here, text = contents(page)
    assert isinstance(here, Here)
    assert here.next is not None
    assert here.next[0] == old
    assert text == Text("waits")


def test_a_restored_profile_does_not_end_a_feed_that_the_other_copy_may_have_ended() -> None:
    desk, ben = Desk(), Author("ben")
    desk.down(desk.meet(ben))
    desk.do(lambda replica: replica.places[ROOM.id].own.retire(desk.now))
    desk.start()
    effects = desk.do(lambda replica: replica.retire_all(desk.now))
    assert [len(of(PutFeedKey, commit.ops)) for commit in of(Commit, effects) if of(PutFeedKey, commit.ops)] == [3]
    assert len(keys(desk, ROOM.id)) == 3
    [current] = [feed for feed, seed in keys(desk, ROOM.id).items() if seed is not None]
    before = len(desk.effects)
    link = desk.meet(ben)
    feeds = {decode_header(raw).feed for page in sent(wire.Page, desk.effects[before:], link) for raw in page.headers}
    assert feeds == {current}


def test_a_copy_that_is_found_when_its_feed_is_due_to_retire_goes_on_from_that_all_the_same() -> None:
    """The start has begun another feed by then, into which nothing will ever be written."""
    desk, ben, record = direct_desk()
    link = desk.meet(ben, rooms=(record.id,))
    desk.say("x", record.id)
    (old,) = keys(desk, record.id)
    desk.down(link)
    desk.wall += 31 * DAY_MS
    desk.start()
    desk.do(lambda replica: replica.retire_all(desk.now))
    halves = keys(desk, record.id)
    assert halves.pop(old) is None
    assert sorted(seed is None for seed in halves.values()) == [False, True]
    before = len(desk.effects)
    link = desk.meet(ben, rooms=(record.id,))
    here = contents(sent(wire.Page, desk.effects[before:], link)[0])[0]
    assert isinstance(here, Here)
    assert here.next is not None
    assert here.next[0] == old


def test_a_copy_with_nothing_but_retiring_keys_erases_them_too() -> None:
    """In a room that one has left, where no feed is begun."""
    desk, ben = Desk(), Author("ben")
    desk.down(desk.meet(ben))
    desk.do(lambda replica: replica.places[ROOM.id].own.retire(desk.now))
    current = desk.room.keys[1]
    desk.disk.apply(PutFeedKey(msgspec.structs.replace(current, seed=None, retiring=True)))
    desk.disk.apply(PutRoom(msgspec.structs.replace(ROOM, shown=False)))
    desk.start()
    desk.do(lambda replica: replica.retire_all(desk.now))
    assert [seed is None for seed in list(keys(desk, ROOM.id).values())[:2]] == [True, True]


def own_key(desk: Desk) -> FeedKey:
    seed = desk.room.keys[0].seed
    assert seed is not None
    return FeedKey(seed)


def another_copy(desk: Desk) -> Author:
    """Somebody else with the feed key of this desk."""
    copy = Author("copy")
    copy.identity, copy.public, copy.key = desk.identity, desk.me, own_key(desk)
    copy.feed = copy.key.public
    return copy


def test_a_verified_page_of_an_own_feed_from_elsewhere_retires_it() -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    copy = another_copy(desk)
    effects = desk.hear(link, copy.says("I am you"))
    assert keys(desk, ROOM.id)[copy.feed] is None
    effects += desk.say("then I am another")
    feeds = {decode_header(raw).feed for page in sent(wire.Page, effects, link) for raw in page.headers}
    assert copy.feed not in feeds
    assert len(keys(desk, ROOM.id)) == 2


def test_that_another_copy_writes_and_that_one_stops_is_one_commit() -> None:
    """Else a power loss between the two leaves the page and the key: it is never new again, and one would write on."""
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    copy = another_copy(desk)
    first, second = copy.says("I am you"), copy.says("I still am")
    desk.slow = True
    for page in (second, first):  # the later one is parked, and settles with the other
        desk.hear(link, page)
    desk.crash(reached=1)
    assert {tip(first), tip(second)} <= set(desk.room.log.index)
    assert keys(desk, ROOM.id)[copy.feed] is None
    assert desk.room.keys[-1].seed is not None


def test_a_page_that_is_here_already_costs_no_commit() -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    page = ben.says("hello")
    assert [commit for commit in of(Commit, desk.hear(link, page)) if commit.ops]
    assert not of(Commit, desk.hear(link, page))


def test_what_waits_moves_on_to_the_new_feed_and_its_new_id_is_told() -> None:
    desk, ben = Desk(), Author("ben")
    desk.down(desk.meet(ben))
    before = [desk.send(Text(text)) for text in ("one", "two")]
    effects = desk.do(lambda replica: replica.retire_all(desk.now))
    moved = of(Moved, effects)
    assert [one.before for one in moved] == before
    (new,) = (key.feed for key in desk.room.keys if key.seed is not None)
    assert [one.record.message for one in moved] == [message_id(new, hash32(one.record.body)) for one in moved]
    desk.crash()
    desk.meet(ben)
    assert desk.texts() == [one.record.message for one in moved]


def test_an_id_says_whose_words_they_are() -> None:
    desk, ben, cara = Desk(), Author("ben"), Author("cara")
    link = desk.meet(ben)
    (entry,) = ben.then(Text("mine"))
    twin = cara.entry(body=entry.header.body, size=entry.header.size)
    desk.hear(link, ben.page(entry), cara.page(twin, bodies=[entry.body]))
    assert len(set(desk.texts())) == 2


def test_a_mere_claim_about_an_own_feed_retires_nothing() -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    copy = another_copy(desk)
    desk.hear(link, wire.Tips(ROOM.id, (tip(copy.says("I am you")),)))
    assert list(keys(desk, ROOM.id)) == [copy.feed]


def test_retiring_is_one_commit() -> None:
    desk = Desk()
    effects = desk.do(lambda replica: replica.retire_all(desk.now))
    commits = [len(of(PutFeedKey, commit.ops)) for commit in of(Commit, effects) if of(PutFeedKey, commit.ops)]
    assert commits == [2]


# ── leaving ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_left_is_said_before_the_room_is_quit() -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    effects = desk.do(lambda replica: replica.leave(ROOM.id, desk.now, forget=True))
    messages = [effect.message for effect in of(Send, effects) if effect.link == link]
    assert [type(message) for message in messages][-2:] == [wire.Page, wire.Quit]
    assert contents(sent(wire.Page, effects)[-1]) == [Left()]
