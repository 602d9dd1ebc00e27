"""Who waits until something of their own is on disk gets it once, as it is kept or as it is shown; or hears why they never will."""

from __future__ import annotations

import asyncio

import pytest

from peertalk.core.events import Author, Message
from peertalk.core.stored import OutboxRecord
from peertalk.errors import RequestError, StartError
from peertalk.node.answers import Answers

ROOM, OTHER, ID = b"r" * 32, b"o" * 32, b"m" * 32
KEPT = OutboxRecord(room=ROOM, number=1, message=ID, kind="text", body=b"", time=0)
SHOWN = Message(id=ID.hex(), room=ROOM.hex(), author=Author(id="", name="Ada", tag=""), seq=1, lamport=1, time=0)


async def test_it_is_given_as_it_is_kept_and_as_it_is_shown() -> None:
    answers = Answers()
    kept, shown = answers.wait(ROOM, ID), answers.wait_shown(ROOM, ID)
    assert answers.resolve(ID, KEPT, SHOWN)
    assert (kept.result(), shown.result()) == (KEPT, SHOWN)
    assert not answers.resolve(ID, KEPT, SHOWN)


async def test_what_is_on_disk_in_a_room_that_has_gone_is_not_shown() -> None:
    answers = Answers()
    kept, shown = answers.wait(ROOM, ID), answers.wait_shown(ROOM, ID)
    answers.resolve(ID, KEPT, None)
    assert kept.result() == KEPT
    with pytest.raises(RequestError, match="unknown_room"):
        shown.result()


async def test_a_room_that_goes_refuses_what_was_about_to_be_said_there_alone() -> None:
    answers = Answers()
    gone, stays = answers.wait_shown(ROOM, ID), answers.wait_shown(OTHER, OTHER)
    answers.refuse(ROOM)
    assert isinstance(gone.exception(), RequestError)
    answers.resolve(OTHER, KEPT, SHOWN)
    assert stays.result() == SHOWN


async def test_nobody_gets_an_answer_from_a_disk_that_fails_and_who_has_gone_is_passed_over() -> None:
    answers = Answers()
    waiting, gone = answers.wait(ROOM, ID), answers.wait_shown(ROOM, ID)
    gone.cancel()
    answers.fail(StartError("disk"))
    assert isinstance(waiting.exception(), StartError)
    last = answers.wait(ROOM, ID)
    answers.close()
    with pytest.raises(asyncio.CancelledError):
        last.result()
