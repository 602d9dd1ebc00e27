from __future__ import annotations

import msgspec

from peertalk.core.events import Delivered, Peer, Room
from peertalk.plain.deliveries import GATHERED, PATIENCE, Deliveries
from peertalk.say.roster import Roster
from tests.tui.make import message, waiting


def roster(*names: str, online: int = 1) -> Roster:
    known = Roster()
    known.rooms = {"r": Room(id="r", name="lobby", kind="open", members=len(names) + 1, online=online)}
    known.peers = {name: Peer(id=name, name=name, tag="tag", online=True, rooms=["r"]) for name in names}
    return known


def delivered(number: int, *names: str, held: tuple[str, ...] = ()) -> Delivered:
    return Delivered(message=f"m{number}", room="r", delivered_to=list(names), held_by=list(held))


ALL = roster("Ben", "Mira", "Jonas", "Tarek", "Eva", online=6)


def test_what_arrives_soon_is_not_talked_about() -> None:
    own = Deliveries()
    own.wrote(waiting(1), 0)
    own.delivered(delivered(1, "Ben"), 1)
    assert own.due(100, ALL, "r") == []
    assert own.waiting == 0


def test_what_waits_is_said_once_and_then_who_has_it() -> None:
    own = Deliveries()
    for number in (1, 2):
        own.wrote(waiting(number), 0)
    assert own.due(PATIENCE - 0.1, roster("Ben"), "r") == []
    assert own.due(PATIENCE, roster("Ben"), "r") == ["2 messages of yours wait until someone is here."]
    assert own.due(PATIENCE + 1, roster("Ben"), "r") == []
    own.delivered(delivered(1, "Ben"), 10)
    own.delivered(delivered(2, "Ben"), 10.1)
    assert own.due(10 + GATHERED - 0.1, ALL, "r") == []
    assert own.due(10 + GATHERED, ALL, "r") == ["2 messages delivered to Ben."]
    assert own.due(100, ALL, "r") == []


def test_that_more_of_a_room_waits_is_said_again_only_after_a_while() -> None:
    own = Deliveries()
    own.wrote(waiting(1), 0, said=True)  # at the end of the last run
    own.wrote(waiting(2), 0)
    assert own.due(PATIENCE, roster(), "r") == ["Your message waits until someone is here."]
    own.wrote(waiting(3), 10)
    assert own.due(10 + PATIENCE, roster(), "r") == []
    own.wrote(waiting(4), 100)
    assert own.due(100 + PATIENCE, roster(), "r") == ["Your message waits until someone is here."]
    for number in (1, 2, 3, 4):
        own.delivered(delivered(number, "Ben"), 200)
    assert own.due(200 + GATHERED, ALL, "r") == ["4 messages delivered to Ben."]


def test_with_somebody_here_it_is_on_its_way() -> None:
    own = Deliveries()
    own.wrote(waiting(1), 0)
    assert own.due(PATIENCE, ALL, "r") == ["Your message is still on its way."]


def test_in_another_room_it_says_which() -> None:
    own = Deliveries()
    own.wrote(waiting(1), 0)
    assert own.due(PATIENCE, roster("Ben"), "another") == ["#lobby: Your message waits until someone is here."]


def test_of_many_who_have_it_the_number_is_said() -> None:
    own = Deliveries()
    own.wrote(waiting(1), 0, said=True)
    own.delivered(delivered(1, "Ben", "Mira", "Jonas", "Tarek", "Eva"), 0)
    assert own.due(GATHERED, ALL, "r") == ["Delivered to 5 of 5."]


def test_what_is_in_memory_only_is_not_called_delivered() -> None:
    own = Deliveries()
    own.wrote(waiting(1), 0, said=True)
    own.delivered(delivered(1, held=("Ben",)), 0)
    assert own.due(GATHERED, ALL, "r") == ["Your message is with Ben, kept by nobody."]


def test_the_state_of_the_last_message_is_told_in_full() -> None:
    own = Deliveries()
    room = ALL.rooms["r"]
    assert own.state(room, ALL) == ""
    own.wrote(waiting(1), 0)
    assert own.state(room, ALL) == "Your last message: on its way."
    own.changed(message(1, by="me"), 1)
    own.delivered(delivered(1, "Ben", "Mira"), 1)
    assert own.state(room, ALL) == "Your last message: delivered to Ben and Mira."
    own.delivered(delivered(1, "Ben", "Mira", "Jonas", "Tarek", "Eva"), 1)
    assert own.state(room, ALL) == "Your last message: everyone has it."
    own.changed(msgspec.structs.replace(message(1, by="me"), deleted=True), 2)
    assert own.state(room, ALL) == ""


def test_what_is_gone_or_in_a_room_that_was_left_waits_no_more() -> None:
    own = Deliveries()
    own.wrote(waiting(1), 0)
    own.changed(msgspec.structs.replace(waiting(1), deleted=True), 0)
    assert own.waiting == 0
    own.wrote(waiting(2), 0)
    own.left("r")
    assert own.waiting == 0
    assert own.due(100, ALL, "r") == []


def test_what_was_placed_with_somebody_already_was_delivered() -> None:
    own = Deliveries()
    own.wrote(waiting(1), 0, said=True)
    own.changed(msgspec.structs.replace(message(1, by="me"), delivered_to=["Ben"]), 0)
    assert own.due(GATHERED, ALL, "r") == ["Delivered to Ben."]
