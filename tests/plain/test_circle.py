"""Private rooms line by line, over a fake node: what is heard of codes, words, symbols, doors and rooms started anew."""

from __future__ import annotations

import asyncio
import time

import msgspec
import pytest

from peertalk import i18n
from peertalk.core.events import IdentityView, Peer, ReformOffer, Room, RoomChanged
from peertalk.core.events import Warning as WarningEvent
from peertalk.errors import RequestError
from peertalk.plain.writing import Writing
from tests.plain.test_session import Chat
from tests.tui.fake_node import FakeNode, identity
from tests.tui.make import SETTINGS

CIRCLE = Room(id="room-Tuesday circle", name="Tuesday circle", kind="private", members=2, online=2)
SAM = Peer(**identity("Sam"), online=True)


@pytest.fixture
def node() -> FakeNode:
    i18n.activate("en")
    node = FakeNode(SETTINGS)
    node.add_peer("Mira", "lobby")
    node.now = time.time_ns() // 1_000_000
    return node


async def inside(node: FakeNode, *people: str) -> Chat:
    """A conversation in the circle, with these people."""
    node.add_room("Tuesday circle")
    for name in people:
        node.add_peer(name, "Tuesday circle")
    chat = Chat(node)
    await chat.begin()
    await chat.type("/room Tuesday circle")
    return chat


# ── coming in ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_room_is_made_with_a_question_about_what_is_kept_answered_by_a_number(node: FakeNode) -> None:
    chat = Chat(node)
    await chat.begin()
    heard = await chat.type("/create Tuesday circle")
    assert heard[0] == "* How long shall what is said in Tuesday circle be kept? It holds for everyone in it."
    assert [line[:20].rstrip() for line in heard[1:4]] == [
        "* 1: forever. What i",
        "* 2: 30 days. What i",
        "* 3: off the record.",
    ]
    assert heard[4] == "* Write the number, or no."
    assert await chat.type("4") == ["* Please answer with a number, or no."]
    heard = await chat.type("3")
    assert node.called("create") == [("Tuesday circle", "session", "en")]
    assert heard[0].startswith("* You are in Tuesday circle now, so far alone.")
    assert heard[-1] == "* Tuesday circle: 1 here."
    await chat.type("hello")
    assert node.called("send") == [("room-Tuesday circle", "hello")]


@pytest.mark.parametrize("answer", ["no", "nein", "/who"])
async def test_of_a_no_or_a_command_nothing_is_made(node: FakeNode, answer: str) -> None:
    chat = Chat(node)
    await chat.begin()
    await chat.type("/create Tuesday circle", answer)
    assert node.called("create") == []


async def test_an_invitation_is_read_out_to_be_said_aloud(node: FakeNode) -> None:
    chat = await inside(node)
    assert await chat.type("/invite 3") == [
        "* The code into Tuesday circle is: 7, guitar, meadow, comet. Say it aloud.",
        "* It works 3 times, for the next 10 minutes.",
        "* They type: /accept 7 guitar meadow comet",
        "* /cancel takes it back.",
        "* The same as a link, to be copied: peertalk:1/7/abcdefghijklmnopqrstuvwxyz?at=192.168.1.20:47000",
    ]
    assert await chat.type("/cancel") == ["* 7 guitar meadow comet lets nobody in any more. Who is in stays in."]


async def test_who_comes_in_by_ones_code_is_told_once(node: FakeNode) -> None:
    chat = await inside(node)
    await chat.type("/invite")
    node.uses("7-guitar-meadow-comet", SAM)
    me = IdentityView(**identity("Robin"))
    node.hear("Tuesday circle", "Sam", "Sam", kind="here", about=[me], time=time.time_ns() // 1_000_000)
    assert await chat.hear() == [
        "* Tuesday circle: Sam came in by your code.",
        "* Tuesday circle: Your code 7 guitar meadow comet has let in as many as it was for.",
    ]
    assert await chat.later(60) == []


async def test_who_was_let_in_by_another_is_told_with_the_name(node: FakeNode) -> None:
    chat = await inside(node, "Mira")
    mira = IdentityView(**identity("Mira"))
    node.come("Sam", "Tuesday circle")
    node.hear("Tuesday circle", "Sam", "Sam", kind="here", about=[mira], time=time.time_ns() // 1_000_000)
    assert await chat.hear() == ["* Sam came in, invited by Mira."]
    assert await chat.later(60) == []


async def test_a_code_is_not_sent_to_an_open_room(node: FakeNode) -> None:
    chat = Chat(node)
    await chat.begin()
    assert await chat.type("7 guitar meadow comet") == [
        "* That is a code, and it was not sent: everybody here could come in by it.",
        "* To come in yourself: /accept 7 guitar meadow comet",
    ]
    assert node.called("send") == []


async def test_a_code_is_accepted_while_one_goes_on_listening_and_then_its_room_opens(node: FakeNode) -> None:
    chat = Chat(node)
    await chat.begin()
    node.doors["7 guitar meadow comet"] = CIRCLE
    node.invited_by[CIRCLE.id, "Robin"] = "Jonas"
    node.before_accept = asyncio.Event()
    assert await chat.type("/accept 7 guitar meadow comet") == ["* Looking for whoever said this code … /cancel stops it."]
    node.hear("lobby", "Mira", "I am still here", minutes=0)
    assert (await chat.hear())[-1] == "Mira: I am still here"
    node.before_accept.set()
    heard = await until(chat, "Tuesday circle: 2 here.")
    assert heard[0] == "* You are in Tuesday circle, invited by Jonas."
    assert heard[1].endswith("compare the words of the room: /words")
    assert chat.session.room is not None
    assert chat.session.room.id == CIRCLE.id


async def test_who_went_on_writing_stays_in_the_room_that_was_open(node: FakeNode) -> None:
    chat = Chat(node)
    await chat.begin()
    node.doors["7 a b c"] = CIRCLE
    node.before_accept = asyncio.Event()
    await chat.type("/accept 7 a b c", "just a moment, Mira")
    node.before_accept.set()
    assert (await until(chat, "opens it"))[-1] == "* You stay where you are; /room Tuesday circle opens it."
    await chat.type("here")
    assert [call[0] for call in node.called("send")] == ["room-lobby", "room-lobby"]


async def test_waiting_is_given_up(node: FakeNode) -> None:
    chat = Chat(node)
    await chat.begin()
    node.before_accept = asyncio.Event()
    await chat.type("/accept 7 a b c")
    assert await chat.type("/cancel") == ["* Nothing is waited for any more."]
    node.before_accept.set()
    assert (await chat.type("/cancel"))[0].startswith("* There is nothing to take back")
    assert len(node.rooms_by_id) == 1


async def test_a_code_that_fails_is_said_with_what_to_do(node: FakeNode) -> None:
    chat = Chat(node)
    await chat.begin()
    node.doors["7 a b c"] = RequestError("bad_code", reason="wrong")
    node.before_accept = asyncio.Event()
    await chat.type("/accept 7 a b c")
    node.before_accept.set()
    assert (await until(chat, "fit"))[0].startswith("* Those words don't fit. Ask for the code again")


async def test_a_pipe_waits_for_the_code_before_its_next_line(node: FakeNode) -> None:
    chat = Chat(node, echoed=False)
    chat.writing = Writing(chat.session, chat.remembered.__setitem__, patient=True)
    await chat.begin()
    node.doors["7 a b c"] = CIRCLE
    await chat.type("/accept 7 a b c", "hello")
    assert node.called("send") == [(CIRCLE.id, "hello")]


async def until(chat: Chat, words: str) -> list[str]:
    """What is heard, once a line has these words."""
    heard: list[str] = []
    async with asyncio.timeout(10):
        while not any(words in line for line in heard):
            await asyncio.sleep(0)
            heard += await chat.hear()
    return heard


# ── being sure ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_words_are_one_a_line_in_two_groups_and_then_whom_they_are_for(node: FakeNode) -> None:
    chat = await inside(node, "Mira", "Sam")
    heard = await chat.type("/words")
    assert heard[0] == "* The words of Tuesday circle. One person reads them aloud, the others compare:"
    assert heard[1:7] == ["* 1: river", "* 2: candle", "* 3: anchor", "* 4: window", "* 5: tiger", "* The second half:"]
    assert heard[7:12] == ["* 6: bread", "* 7: violin", "* 8: island", "* 9: pepper", "* 10: comet"]
    assert heard[12] == "* They stand for 3 people: you, Mira and Sam."
    assert "/present" in heard[13]


async def test_once_they_were_asked_for_it_is_said_that_the_words_have_changed(node: FakeNode) -> None:
    chat = await inside(node, "Mira")
    node.change("room-Tuesday circle", "words")
    assert await chat.hear() == []
    await chat.type("/words")
    node.change("room-Tuesday circle", "words")
    assert (await chat.hear())[0].startswith("* The words of Tuesday circle are others now")


@pytest.mark.parametrize(
    ("line", "names"),
    [("/present Mira, Sam", ["Mira", "Sam"]), ("/present all", ["Mira", "Sam"]), ("/present all but Sam", ["Mira"])],
)
async def test_who_is_there_is_named_in_one_line_and_verified_after_a_yes(node: FakeNode, line: str, names: list[str]) -> None:
    chat = await inside(node, "Mira", "Sam")
    node.add_peer("Tarek", "Tuesday circle", online=False)
    await chat.type("/words")
    heard = await chat.type(line)
    assert heard[0].startswith("* Did ")
    assert heard[0].endswith("Answer yes or no.")
    assert "Tarek" not in heard[0]
    assert node.called("verified") == []
    heard = await chat.type("yes")
    assert node.called("verified") == [("room-Tuesday circle", [identity(name)["id"] for name in names])]
    assert heard[0].startswith("* " + " and ".join(names))


async def test_symbols_come_by_name_once_the_other_one_compares_too(node: FakeNode) -> None:
    chat = Chat(node)
    await chat.begin()
    node.before_verify = asyncio.Event()
    assert await chat.type("/verify Mira") == ["* Waiting for Mira to type /verify Robin too … /cancel stops it."]
    node.before_verify.set()
    heard = await until(chat, "/same")
    assert heard[1] == "* 1 Dog, 2 Cat, 3 Lion, 4 Horse, 5 Unicorn, 6 Pig, 7 Elephant."
    assert heard[2] == "* If all are: /same Mira. If one is not: /different Mira"
    assert (await chat.type("yes"))[:1] != [
        "* Mira is verified now: it is their key, and nobody sits in between."
    ]  # said to somebody
    assert (await chat.type("/same Mira"))[0].startswith("* Mira is verified now")


async def test_that_somebody_wants_to_compare_comes_with_the_command_that_answers(node: FakeNode) -> None:
    chat = Chat(node)
    await chat.begin()
    node.asks_to_verify(node.peers_by_id[identity("Mira")["id"]])
    assert await chat.hear() == ["* Mira wants to compare symbols with you, to be sure of each other: /verify Mira"]


async def test_a_changed_key_stops_sending_with_two_choices(node: FakeNode) -> None:
    chat = await inside(node, "Mira")
    node.refuse["send"] = RequestError("key_changed", name="Mira", room="room-Tuesday circle")
    [heard] = await chat.type("something private")
    assert heard.startswith("* Not sent: Mira is here under another key")
    assert "/verify Mira; or write nothing here" in heard
    node.emit(WarningEvent(kind="same_name_new_key", text="Mira"))
    assert (await chat.hear())[0].startswith("* Mira is here with another key than before.")


# ── doors, meetings, rooms started anew ──────────────────────────────────────────────────────────────────────────────


async def test_who_closes_a_door_hears_it_once_and_so_does_who_enters_later(node: FakeNode) -> None:
    chat = await inside(node, "Mira")
    heard = await chat.type("/seal")
    assert heard[0].startswith("* Tuesday circle is closed now: who is a member is in")
    assert len(heard) == 2
    await chat.type("/room lobby")
    assert (await chat.type("/room Tuesday circle"))[0].endswith("Its door is closed: nobody else comes in.")


@pytest.mark.parametrize(
    ("kind", "about", "heard"),
    [
        ("seal", ["Mira", "Robin"], ["* Mira closed the room; inside: Mira and Robin."]),
        ("admit", ["Sam"], ["* Mira lets Sam in."]),
        ("unseal", [], ["* Mira opened the room again."]),
        ("follow", ["Sam"], ["* Mira came along, without Sam."]),
        ("over", [], ["* Mira has ended the meeting for themselves.", "* /end ends it for you too."]),
    ],
)
async def test_quiet_lines_of_others_are_said(node: FakeNode, kind: str, about: list[str], heard: list[str]) -> None:
    chat = await inside(node, "Mira")
    people = [IdentityView(**identity(name)) for name in about]
    node.hear("Tuesday circle", "Mira", "Mira", kind=kind, about=people, time=time.time_ns() // 1_000_000)
    assert await chat.hear() == heard


async def test_who_stands_outside_hears_it_and_when_the_door_opens(node: FakeNode) -> None:
    chat = await inside(node)
    node.change("room-Tuesday circle", "outside", outside=True, sealed=True)
    assert (await chat.hear())[0].startswith("* Tuesday circle is closed, and you are still outside.")
    await chat.type("/room lobby")
    assert "you are still outside" in (await chat.type("/room Tuesday circle"))[0]
    node.change("room-Tuesday circle", "outside", outside=False)
    assert await chat.hear() == ["* You are let into Tuesday circle."]


async def test_who_waits_outside_is_told_once_with_what_lets_them_in(node: FakeNode) -> None:
    chat = await inside(node)
    sam = IdentityView(**identity("Sam"))
    waiting = msgspec.structs.replace(node.rooms_by_id["room-Tuesday circle"], sealed=True, waiting=[sam])
    node.rooms_by_id[waiting.id] = waiting
    for _time in range(2):
        node.emit(RoomChanged(room=waiting, change="members"))
    assert await chat.hear() == ["* Tuesday circle: Sam waits outside: /admit Sam"]
    node.add_peer("Sam")
    assert (await chat.type("/admit Sam"))[0].startswith("* Sam may come in now.")
    assert node.called("admit") == [(waiting.id, sam.id)]


async def test_an_offer_is_told_once_with_the_commands_that_answer_it(node: FakeNode) -> None:
    chat = await inside(node, "Mira", "Sam")
    mira, sam = (node.peers_by_id[identity(name)["id"]] for name in ("Mira", "Sam"))
    node.offers_to_follow(node.rooms_by_id["room-Tuesday circle"], mira, [sam], still_shared=("#lobby",))
    assert await chat.hear() == [
        "* Mira has started Tuesday circle anew without Sam.",
        "* You would still meet Sam in: #lobby.",
        "* /follow comes along, /decline stays. You need not decide now.",
    ]
    node.emit(ReformOffer(offer="offer-0", room="room-Tuesday circle", by=mira, without=[sam]))  # somebody came along
    assert await chat.hear() == []
    again = Chat(node)
    assert (await again.begin())[-1].startswith("* /follow comes along")
    heard = await chat.type("/follow")
    assert heard[0].startswith("* You came along: this is Tuesday circle without Sam.")
    await chat.type("/room room-Tuesday circle", "/room lobby")
    assert (await chat.type("/room room-Tuesday circle"))[0].endswith("you can still read it.")


async def test_starting_anew_asks_first_and_says_what_it_does(node: FakeNode) -> None:
    chat = await inside(node, "Mira", "Sam")
    [heard] = await chat.type("/reform Sam")
    assert heard.startswith("* Start Tuesday circle anew without Sam? The others are asked")
    assert "keeps what was said so far" in heard
    assert node.called("reform") == []
    assert (await chat.type("no")) == ["* Nothing was changed."]
    await chat.type("/reform Sam", "yes")
    assert node.called("reform") == [("room-Tuesday circle", [identity("Sam")["id"]])]


async def test_leaving_a_private_room_leaves_the_choice_what_becomes_of_what_was_said(node: FakeNode) -> None:
    chat = await inside(node)
    heard = await chat.type("/leave")
    assert [line[:6] for line in heard[1:3]] == ["* 1: L", "* 2: L"]
    await chat.type("2")
    assert node.called("leave") == [("room-Tuesday circle", True)]


async def test_the_end_of_a_meeting_says_what_stays_and_what_is_gone(node: FakeNode) -> None:
    chat = await inside(node)
    assert "End the meeting in Tuesday circle?" in (await chat.type("/end"))[0]
    heard = await chat.type("yes")
    assert heard[:3] == [
        "* The meeting in Tuesday circle is over for you.",
        "* Stays on this computer: what was said, who was there and the room.",
        "* Gone from this computer: your key for this room.",
    ]


async def test_what_was_written_after_the_split_says_so(node: FakeNode) -> None:
    node.add_room("Tuesday circle", archived=True)
    node.says("Tuesday circle", "Mira", "wait for me", after_split=True)
    chat = Chat(node)
    await chat.begin()
    assert "Mira, after the split: wait for me" in await chat.type("/room Tuesday circle")
