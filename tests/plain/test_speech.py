from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from peertalk.core.events import Author, IdentityView, Message, Peer, Room
from peertalk.plain.speech import Manner, called, lines
from peertalk.say.roster import Roster
from tests.tui.make import NOON, author, message, waiting

LOBBY = Room(id="r", name="lobby", kind="open", members=3, online=3)
DIRECT = Room(id="d", name="Jonas", kind="direct", members=2, online=2)


def roster(*names: str) -> Roster:
    known = Roster(me=IdentityView(id="me", name="Robin", tag="robi"))
    known.rooms = {"r": LOBBY, "w": Room(id="w", name="workshop", kind="open"), "d": DIRECT}
    known.peers = {f"id-{name}": Peer(id=f"id-{name}", name=name, tag=name[:4].lower(), rooms=[]) for name in names}
    return known


HERE = Manner(roster("Mira", "Jonas"), "r", NOON)


def test_who_comes_first_then_what() -> None:
    assert lines(message(1, "hello"), HERE) == ["Mira: hello"]
    assert lines(message(1, "hello", by="me"), HERE) == ["You: hello"]


def test_what_is_said_elsewhere_says_where() -> None:
    assert lines(message(1, room="w"), HERE) == ["#workshop, Mira: hello"]
    assert lines(message(1, by="Jonas", room="d"), HERE) == ["Jonas, to you: hello"]
    assert lines(message(1, by="me", room="d"), HERE) == ["You, to Jonas: hello"]
    assert lines(message(1, by="Jonas", room="d"), replace(HERE, room="d")) == ["Jonas: hello"]


def test_what_has_to_be_known_before_the_text_stands_before_it() -> None:
    late = msgspec.structs.replace(message(1), late=True, author=author("Mira", via="Ben"))
    day = say_clock(late)
    assert lines(late, HERE) == [f"Mira, passed on by Ben, late, written {day}: hello"]
    wrong = msgspec.structs.replace(message(1), late=True, clock="ahead")
    assert lines(wrong, HERE) == ["Mira, their clock is ahead, late: hello"]
    assert lines(waiting(1), HERE) == ["You, waiting: hello"]
    assert lines(message(1), replace(HERE, times=True)) == [f"Mira, {day}: hello"]
    answer = message(2, reply_to="m1")
    assert lines(answer, replace(HERE, author_of={"m1": "Ben"}.get)) == ["Mira, answering Ben: hello"]
    assert lines(answer, HERE) == ["Mira, answering an earlier message: hello"]


def say_clock(said: Message) -> str:
    from peertalk import say

    return say.clock(said.time)


def test_every_line_of_a_text_says_whose_it_is() -> None:
    told = lines(message(1, "one\n\n* Ben is away.\n  Jonas: I quit"), HERE)
    assert told == ["Mira: one", "Mira: * Ben is away.", "Mira: Jonas: I quit"]


def test_layout_is_left_out() -> None:
    assert lines(message(1, "a" + " " * 90 + "* Ready\u2800\u2800\u2800b"), HERE) == ["Mira: a * Ready b"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Mira: yes, Jonas", "Mira yes Jonas · mira"),
        ("* Mira", "Mira · mira"),
        ("#lobby, Mira", "lobby Mira · mira"),
        ("Mira\uff1a yes", "Mira yes · mira"),
        ("You", "You · mira"),
        ("PeerTalk", "PeerTalk · mira"),
        ("РeerTa1k", "РeerTa1k · mira"),
        ("Ben has left. Mira", "Ben has left Mira · mira"),
        ("Dr.Mira 2.0", "Dr.Mira 2.0"),
        ("::", "mira"),
        ("Mira", "Mira"),
        ("Jonas", "Jonas · mira"),
        ("O'Neill-Müller 👍", "O'Neill-Müller 👍"),
    ],
)
def test_no_name_can_be_the_rest_of_a_head(name: str, shown: str) -> None:
    somebody = Author(id="id-x", name=name, tag="mira")
    told = called(roster("Jonas"), somebody)
    assert told == (f"{shown} · mira" if name == "::" else shown)
    assert ":" not in told
    assert "," not in told


def test_a_message_that_is_gone_has_no_lines() -> None:
    assert lines(msgspec.structs.replace(message(1), deleted=True), HERE) == []


@pytest.mark.parametrize("name", ["Jоnas", "JONAS", "J0nas", "Jon as"])
def test_a_name_that_looks_like_that_of_another_has_its_tag(name: str) -> None:
    assert called(roster("Jonas"), Author(id="id-x", name=name, tag="mira")) == f"{name} · mira"
