"""What was deleted is nowhere any more, whatever came before what; and only its author can do that."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peertalk.core import annotations, wire
from peertalk.core.deletions import Deletions
from peertalk.core.effects import Arrived, Commit, Moved, Placed, Withdrawn
from peertalk.core.entry import (
    Delete,
    Edit,
    FeedKey,
    Here,
    React,
    Text,
    decode_header,
    hash32,
    message_id,
    open_body,
)
from peertalk.core.lineage import Lineage
from peertalk.core.room import NOTHING
from peertalk.core.rooms import DAY_MS
from peertalk.core.stored import DropOutbox, EraseBodies, PutOutbox
from peertalk.errors import RequestError
from tests.core.authors import ROOM, START, Author, Written
from tests.core.desk import Desk, of, sent


def id_of(written: Written) -> bytes:
    return message_id(written.header.feed, hash32(written.body or b""))


def goes_on(name: str, older: Author, key: FeedKey | None = None) -> Author:
    """The same person with a newer feed, which has begun; `key` signed it, or the older feed did."""
    newer = Author(name)
    newer.identity, newer.public = older.identity, older.public
    newer.then(Here(name, next=(older.feed, (key or older.key).sign_next(ROOM.id, newer.feed))))
    return newer


def on_disk(desk: Desk) -> dict[bytes, tuple[str, bool]]:
    """Entry → why its body is gone, and whether it is here."""
    pages = desk.disk.pages(ROOM.id, range(len(desk.room.log.pages)))
    return {entry.id: (entry.gone, entry.body is not None) for page in pages for entry in page.entries}


def gone(desk: Desk, *written: Written) -> list[bool]:
    found = on_disk(desk)
    return [found[one.id] == ("deleted", False) for one in written]


def test_a_deletion_erases_the_message_and_its_edits_and_nothing_is_missed() -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    (text, other) = ben.then(Text("regrettable"), Text("fine"))
    (edit,) = ben.then(Edit(id_of(text), "still regrettable"))
    (delete,) = ben.then(Delete(id_of(text)))
    desk.hear(link, ben.page(text, other, edit))
    assert gone(desk, text, other, edit) == [False] * 3
    effects = desk.hear(link, ben.page(delete))
    assert gone(desk, text, other, edit, delete) == [True, False, True, False]
    assert [[entry.kind for entry in one.entries] for one in of(Arrived, effects)] == [["delete"]]
    assert desk.room.digest() != NOTHING
    assert sent(wire.WantBodies, desk.later(60)) == []
    (page,) = desk.disk.entries(ROOM.id, ("text",), 1)
    assert page.id == other.id
    assert b"regrettable" not in b"".join(desk.disk.bodies(ROOM.id, list(on_disk(desk))).values())


def test_message_and_deletion_in_one_page_never_reach_the_disk() -> None:
    desk, ben = Desk(), Author("ben")
    (text,) = ben.then(Text("regrettable"))
    (delete,) = ben.then(Delete(id_of(text)))
    effects = desk.hear(desk.meet(ben), ben.page(text, delete))
    assert gone(desk, text) == [True]
    assert "regrettable" not in repr(of(Commit, effects))


@pytest.mark.parametrize("restarted", [False, True], ids=["at once", "after a start"])
def test_what_comes_after_its_deletion_is_not_kept(restarted: bool) -> None:
    desk, ben = Desk(), Author("ben")
    (text,) = ben.then(Text("regrettable"))
    (edit,) = ben.then(Edit(id_of(text), "still regrettable"))
    newer = goes_on("ben again", ben)
    begin = newer.last
    assert begin is not None
    (delete,) = newer.then(Delete(id_of(text)))
    desk.hear(desk.meet(ben), newer.page(begin, delete))
    if restarted:
        desk.crash()
    effects = desk.hear(desk.meet(ben), ben.page(text), ben.page(edit))
    assert gone(desk, text, edit) == [True, True]
    assert "regrettable" not in repr(of(Commit, effects))
    assert [[(entry.gone, entry.body) for entry in one.entries] for one in of(Arrived, effects)] == [[("deleted", None)]] * 2
    assert desk.room.digest() != NOTHING


@pytest.mark.parametrize("later", [False, True], ids=["deleted before they come", "deleted while they are missed"])
def test_bodies_that_are_missing_are_asked_for_no_longer(later: bool) -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    (text,) = ben.then(Text("regrettable"))
    (edit,) = ben.then(Edit(id_of(text), "still"))
    page = ben.page(text, edit, bodies=[None, None])
    deletes = ben.page(*ben.then(Delete(id_of(text)), Delete(id_of(edit))))
    desk.hear(link, page)
    assert [*desk.room.bodies.absent] == [text.id, edit.id]
    if later:
        desk.later(9)
    told = desk.hear(link, deletes)
    assert not desk.room.bodies.absent
    assert gone(desk, text, edit) == [True, True]
    assert desk.room.digest() != NOTHING
    claims = sent(wire.Tips, [*told, *desk.later(1)], link)
    assert [tips.absent for tips in claims] == [()] * len(claims)
    desk.hear(link, wire.Bodies(ROOM.id, ((text.id, text.body or b""),)))
    assert gone(desk, text) == [True]
    assert sent(wire.WantBodies, desk.later(60)) == []


def test_an_edit_whose_body_comes_after_the_deletion_is_not_kept() -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    (text,) = ben.then(Text("regrettable"))
    (edit,) = ben.then(Edit(id_of(text), "still regrettable"))
    (delete,) = ben.then(Delete(id_of(text)))
    desk.hear(link, ben.page(text), ben.page(edit, bodies=[None]), ben.page(delete))
    assert [*desk.room.bodies.absent] == [edit.id]
    effects = desk.hear(link, wire.Bodies(ROOM.id, ((edit.id, edit.body or b""),)))
    assert gone(desk, edit) == [True]
    assert "still regrettable" not in repr(of(Commit, effects))
    assert desk.room.digest() != NOTHING


def test_nobody_else_can_delete_it_and_no_forged_word_helps() -> None:
    desk, ben, eve = Desk(), Author("ben"), Author("eve")
    (text,) = ben.then(Text("mine"))
    forger = goes_on("forger", ben, FeedKey(b"f" * 32))
    begin = forger.last
    assert begin is not None
    desk.hear(desk.meet(ben), ben.page(text))
    desk.hear(desk.meet(eve), eve.page(*eve.then(Delete(id_of(text)))), forger.page(begin, *forger.then(Delete(id_of(text)))))
    assert gone(desk, text) == [False]


def test_an_older_feed_cannot_speak_for_a_newer_one() -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    newer = goes_on("newer", ben)
    begin = newer.last
    assert begin is not None
    (text,) = newer.then(Text("mine"))
    desk.hear(link, newer.page(begin, text), ben.page(*ben.then(Delete(id_of(text)))))
    assert gone(desk, text) == [False]


def test_what_says_who_is_who_and_that_something_is_deleted_stays() -> None:
    desk, ben = Desk(), Author("ben")
    (here,) = ben.then(Here("ben"))
    (delete,) = ben.then(Delete(bytes(32)))
    again = ben.then(Delete(id_of(here)), Delete(id_of(delete)))
    desk.hear(desk.meet(ben), ben.page(here, delete, *again))
    assert gone(desk, here, delete) == [False, False]


def test_a_deletion_does_not_expire_whatever_time_it_says() -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    (text,) = ben.then(Text("x"))
    (delete,) = ben.then(Delete(id_of(text)), time=START - 400 * DAY_MS)
    desk.hear(link, ben.page(text, delete, bodies=[None, delete.body]))
    desk.do(lambda replica: replica.do_chores(desk.now))
    assert on_disk(desk)[delete.id] == ("", True)
    assert gone(desk, text) == [True]


# ── any order ────────────────────────────────────────────────────────────────────────────────────────────────────────


def story() -> list[tuple[Author, wire.Page]]:
    """Feeds of one person, one of a stranger, whose pages rest on nothing but what is before them in their feed. One is forked at its
    beginning, and only one branch says from which it goes on; it has deleted more than is said elsewhere."""
    ben, eve = Author("ben"), Author("eve")
    text, keeps = ben.then(Text("one"), Text("two"))
    edit = ben.then(Edit(id_of(text), "one, edited"))
    newer = goes_on("newer", ben)
    begin = newer.last
    assert begin is not None
    late = newer.then(Edit(id_of(text), "edited late"), Edit(id_of(keeps), "two, edited"))
    delete = newer.then(Delete(id_of(text)), Delete(id_of(edit[0])))
    more = ben.then(Edit(id_of(text), "from the other machine"))
    (third,) = ben.then(Text("three"))
    of_third = newer.then(Edit(id_of(third), "three, edited"))
    twin = goes_on("twin", ben)
    other_branch, twin.last = twin.last, None
    assert other_branch is not None
    deleted = twin.then(Here("twin"), *(Delete(hash32(bytes([n]))) for n in range(12)), Delete(id_of(third)))
    theirs = eve.then(Delete(id_of(keeps)), Edit(id_of(text), "eve's"), React(id_of(keeps), "heart"))
    return [
        (ben, ben.page(text, keeps)),
        (ben, ben.page(*edit)),
        (ben, ben.page(*more)),
        (newer, newer.page(begin)),
        (newer, newer.page(*late)),
        (newer, newer.page(*delete)),
        (ben, ben.page(third)),
        (newer, newer.page(*of_third)),
        (twin, twin.page(*deleted)),
        (twin, twin.page(other_branch)),
        *((eve, eve.page(one)) for one in theirs),
    ]


def state(desk: Desk) -> dict[bytes, tuple[str, bool]]:
    return {id_: one for id_, one in on_disk(desk).items() if desk.room.log.index[id_].feed not in desk.room.own_feeds()}


def deliver(pages: Sequence[tuple[Author, wire.Page]], without: frozenset[int], *, restarts: frozenset[int]) -> Desk:
    """A desk that hears these in this order, each as soon as what is before it is here; of some only the bodies come later."""
    desk = Desk()
    link = desk.meet(Author("relay"))
    left = list(pages)
    while left:
        number, page = next((n, page) for n, (_, page) in enumerate(left) if _prev(page) in ("", *desk.room.log.index))
        del left[number]
        bare = wire.Page(page.room, page.headers, page.signature, (None,) * len(page.headers))
        desk.hear(link, bare if len(left) in without else page)
        if len(left) in restarts:
            desk.crash()
            link = desk.meet(Author("relay"))
    bodies = {hash32(raw): body or b"" for _, page in pages for raw, body in zip(page.headers, page.bodies, strict=True)}
    while desk.room.bodies.absent:
        for want in sent(wire.WantBodies, desk.later(2), link):
            desk.hear(link, wire.Bodies(ROOM.id, tuple((id_, bodies[id_]) for id_ in want.entries)))
    return desk


def _prev(page: wire.Page) -> bytes | str:
    return decode_header(page.headers[0]).prev or ""


PAGES = story()
EXPECTED = state(deliver(PAGES, frozenset(), restarts=frozenset()))
some = st.frozensets(st.integers(0, len(PAGES) - 1))


def test_the_story_has_something_of_everything() -> None:
    assert sorted(EXPECTED.values()) == [("", True)] * 23 + [("deleted", False)] * 6


@settings(max_examples=60)
@given(st.permutations(PAGES), some, some)
def test_whatever_comes_first_the_same_is_kept(
    pages: list[tuple[Author, wire.Page]], without: frozenset[int], restarts: frozenset[int]
) -> None:
    desk = deliver(pages, without, restarts=restarts)
    assert state(desk) == EXPECTED
    assert not desk.room.bodies.absent
    assert not desk.room.bodies.unsure
    assert desk.room.digest() != NOTHING


def test_a_feed_that_is_forked_at_its_beginning_may_say_late_from_which_it_goes_on() -> None:
    """Its other branch has deleted long ago what only now is known to be its own."""
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    (text,) = ben.then(Text("regrettable"))
    (edit,) = ben.then(Edit(id_of(text), "still regrettable"))
    twin = goes_on("twin", ben)
    begin = twin.last
    twin.last = None
    desk.hear(link, ben.page(text, edit), twin.page(*twin.then(Here("twin"), Delete(id_of(text)))))
    assert gone(desk, text, edit) == [False, False]
    assert begin is not None
    desk.hear(link, twin.page(begin))
    assert gone(desk, text, edit) == [True, True]


# ── one's own ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_ones_own_deletion_erases_here_too_and_is_sent() -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    message = desk.send(Text("regrettable"))
    desk.send(Edit(message, "still regrettable"))
    effects = desk.do(lambda replica: replica.send(ROOM.id, Delete(message), desk.now))
    assert [entry.gone for entry in desk.disk.entries(ROOM.id, ("text", "edit"), 9)] == ["deleted", "deleted"]
    assert [open_body("delete", page.bodies[-1] or b"") for page in sent(wire.Page, effects, link)] == [Delete(message)]


def test_what_one_deletes_is_gone_here_at_once_and_said_when_somebody_is_there() -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    message = desk.send(Text("regrettable"))
    desk.down(link)
    desk.do(lambda replica: replica.places[ROOM.id].own.retire(desk.now))
    commits = of(Commit, desk.do(lambda replica: replica.send(ROOM.id, Delete(message), desk.now)))
    assert [entry.gone for entry in desk.disk.entries(ROOM.id, ("text",), 9)] == ["deleted"]
    (ops,) = [commit.ops for commit in commits if of(EraseBodies, commit.ops)]
    assert [op.record.kind for op in of(PutOutbox, ops)][-1] == "delete"
    link = desk.meet(ben)
    assert open_body("delete", sent(wire.Page, desk.effects, link)[-1].bodies[-1] or b"") == Delete(message)


@pytest.mark.parametrize("linked", [True, False])
def test_what_one_has_deleted_cannot_be_edited(linked: bool) -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    message = desk.send(Text("regrettable"))
    if not linked:
        desk.down(link)
    desk.send(Delete(message))
    with pytest.raises(RequestError) as refused:
        desk.send(Edit(message, "again"))
    assert refused.value.data == {"why": "deleted"}


def test_what_waits_and_is_deleted_was_never_said() -> None:
    desk, ben = Desk(), Author("ben")
    desk.down(desk.meet(ben))
    message, other = desk.send(Text("regrettable")), desk.send(Text("fine"))
    edit = desk.send(Edit(message, "still regrettable"))
    effects = desk.do(lambda replica: replica.send(ROOM.id, Delete(message), desk.now))
    assert [one.record.message for one in of(Withdrawn, effects)] == [message, edit]
    assert [op.erased for commit in of(Commit, effects) for op in of(DropOutbox, commit.ops)] == [True, True]
    desk.crash()
    assert [one.message for one in desk.room.outbox] == [other]
    desk.meet(ben)
    assert desk.texts() == [other]


def test_an_edit_that_waits_is_withdrawn_with_the_message_that_it_is_about() -> None:
    desk, ben = Desk(), Author("ben")
    desk.meet(ben)
    message = desk.send(Text("regrettable"))
    desk.slow = True
    desk.send(Text("on its way"))
    edit = desk.send(Edit(message, "still regrettable"))
    desk.send(Delete(message))
    effects = [*desk.sync(), *desk.sync()]
    assert [one.record.message for one in of(Withdrawn, effects)] == [edit], "who waits for it is told"
    assert [one.entry.kind for one in of(Placed, effects)] == ["text", "delete"]


def test_to_delete_a_message_with_all_its_edits_looks_through_what_waits_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who deletes a message names each edit of it: it must not be looked through all that waits for each of them again."""
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    message = desk.send(Text("regrettable"))
    edits = [desk.send(Edit(message, f"still {number}")) for number in range(200)]
    desk.down(link)
    waiting = [desk.send(Edit(message, f"waits {number}")) for number in range(200)]
    looks = 0
    opened = annotations.open_body

    def counted(kind: str, body: bytes) -> object:
        nonlocal looks
        looks += 1
        return opened(kind, body)

    monkeypatch.setattr(annotations, "open_body", counted)
    effects = [
        effect
        for one in (message, *edits)
        for effect in desk.do(lambda replica, one=one: replica.send(ROOM.id, Delete(one), desk.now))
    ]
    assert looks <= 5 * len((message, *edits, *waiting))
    assert [one.record.message for one in of(Withdrawn, effects)] == waiting
    assert [one.message for one in desk.room.outbox if one.kind != "delete"] == []
    assert sum(isinstance(open_body(one.kind, one.body), Delete) for one in desk.room.outbox) == 201


def test_what_is_about_something_that_waits_follows_it_to_the_new_feed() -> None:
    desk, ben = Desk(), Author("ben")
    desk.down(desk.meet(ben))
    message = desk.send(Text("helo"))
    for content in (
        Edit(message, "hello"),
        React(message, "heart"),
        Text("and", reply_to=message),
        Text("x", reply_to=bytes(32)),
    ):
        desk.send(content)
    moved = of(Moved, desk.do(lambda replica: replica.retire_all(desk.now)))
    said = [open_body(one.record.kind, one.record.body) for one in moved]
    new = moved[0].record.message
    assert said == [Text("helo"), Edit(new, "hello"), React(new, "heart"), Text("and", new), Text("x", bytes(32))]


def test_a_deletion_of_what_was_never_said_costs_less_memory_than_its_entry() -> None:
    known = [(bytes([n >> 8, n & 255]) * 16, b"f" * 32) for n in range(20_000)]
    tracemalloc.start()
    deletions = Deletions(ROOM.id, Lineage(), known)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size / len(known) < 250
    assert not deletions.add(*known[7])
