"""Ending a meeting for oneself: the last thing that is said with a key (docs/protocol.md, "One's own feed")."""

from __future__ import annotations

from peertalk.core import wire
from peertalk.core.effects import Placed
from peertalk.core.entry import End, Here, Over, Text, decode_header, verify_next
from tests.core.authors import ROOM, Author
from tests.core.desk import Desk, of, said, sent


def kinds(desk: Desk) -> dict[bytes, list[str]]:
    """What was said, by feed."""
    found: dict[bytes, list[str]] = {}
    for placed in of(Placed, desk.effects):
        found.setdefault(placed.entry.feed, []).append(placed.entry.kind)
    return found


def end(desk: Desk) -> None:
    desk.send(Over())


def test_the_key_goes_at_once_and_the_next_begins_when_there_is_something_to_say() -> None:
    desk = Desk()
    link = desk.meet(Author("ben"))
    desk.say("good night")
    before = len(desk.effects)
    end(desk)
    assert said(desk.effects[before:], link) == [Over(), End()]
    old, new = desk.room.keys
    assert (old.seed, old.retiring, new.retiring) == (None, True, False)
    assert list(kinds(desk).values()) == [["here", "text", "over", "end"]]
    effects = desk.say("next week")
    (page,) = sent(wire.Page, effects, link)
    here, text = said(effects, link)
    assert isinstance(here, Here)
    assert text == Text("next week")
    assert here.next is not None
    assert here.next[0] == old.feed
    assert verify_next(*here.next, ROOM.id, decode_header(page.headers[0]).feed)


def test_after_a_restart_it_begins_like_that_too() -> None:
    desk = Desk()
    desk.meet(Author("ben"))
    end(desk)
    desk.crash()
    link = desk.meet(Author("ben"))
    here, text = said(desk.say("next week"), link)
    assert isinstance(here, Here)
    assert here.next is not None
    assert text == Text("next week")


def test_alone_it_waits_and_what_is_said_after_it_is_said_with_the_next_key() -> None:
    desk = Desk()
    desk.say("is anybody here?")
    end(desk)
    desk.say("still nobody")
    assert [waiting.kind for waiting in desk.room.outbox] == ["here", "text", "over", "text"]
    assert len(desk.room.keys) == 1
    desk.meet(Author("ben"))
    assert list(kinds(desk).values()) == [["here", "text", "over", "end"], ["here", "text"]]
    assert desk.room.keys[0].seed is None


def test_who_ends_it_is_a_member_as_before() -> None:
    desk = Desk()
    desk.meet(Author("ben"))
    end(desk)
    assert desk.room.members.is_here(desk.me)


def test_who_leaves_after_it_has_left() -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    end(desk)
    effects = desk.do(lambda replica: replica.leave(ROOM.id, desk.now, forget=True))
    assert [type(one).__name__ for one in said(effects, link)] == ["Here", "Left"]
