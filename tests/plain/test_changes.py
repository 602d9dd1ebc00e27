"""What changes about messages, by ear: told once, and only of what was told."""

from __future__ import annotations

import pytest

from peertalk import i18n
from peertalk.core.events import Author, Message, Quote
from tests.plain.test_session import Chat, is_day
from tests.tui.driving import company
from tests.tui.fake_node import FakeNode


@pytest.fixture(autouse=True)
def english() -> None:
    i18n.activate("en")


@pytest.fixture
def node() -> FakeNode:
    return company()


async def told(node: FakeNode, text: str = "at nine", **fields: object) -> tuple[Chat, Message]:
    chat = Chat(node)
    await chat.begin()
    said = node.hear("lobby", "Mira", text, **fields)
    await chat.hear()
    return chat, said


async def test_an_edited_message_is_told_again(node: FakeNode) -> None:
    chat, said = await told(node)
    node.change_message(said, text="at ten", edited=True)
    assert await chat.hear() == ["Mira, edited: at ten"]
    node.change_message(node.texts["room-lobby"][0], held_by=["x"])
    assert await chat.hear() == []


async def test_that_somebody_deleted_a_message_is_said(node: FakeNode) -> None:
    chat, said = await told(node)
    gone = node.change_message(said, text="", deleted=True)
    assert await chat.hear() == ["* Mira deleted a message."]
    node.change_message(gone, reactions={})
    assert await chat.hear() == []


async def test_a_gesture_is_said_with_the_beginning_of_what_it_is_for(node: FakeNode) -> None:
    ben = node.add_peer("Ben", "lobby")
    chat, said = await told(node, "I will be there: late")
    thanked = node.change_message(said, reactions={"thanks": [ben.id]})
    assert await chat.hear() == ["* To “I will be there late”: Ben: thank you."]
    node.change_message(thanked, reactions={"thanks": [ben.id, node.me.id]})
    assert await chat.hear() == ["* To “I will be there late”: you: thank you."]
    node.change_message(thanked, reactions={})
    assert await chat.hear() == []


async def test_of_what_was_not_told_no_change_is_told(node: FakeNode) -> None:
    old = [node.says("lobby", "Mira", f"old {number}") for number in range(30)]
    chat = Chat(node)
    await chat.begin()
    node.change_message(old[0], text="new", edited=True)
    assert await chat.hear() == []


async def test_gestures_of_before_stand_behind_their_message(node: FakeNode) -> None:
    jonas = next(peer for peer in node.peers_by_id.values() if peer.name == "Jonas")
    node.says("lobby", "Mira", "hello", reactions={"hear": [jonas.id]})
    node.says("lobby", "Mira", "", deleted=True)
    assert (await Chat(node).begin())[-2:] == ["Mira: hello", "* To that: Jonas: I hear you."]


async def test_a_content_note_and_a_title_come_before_the_text(node: FakeNode) -> None:
    chat = Chat(node)
    await chat.begin()
    node.hear("lobby", "Mira", "once", kind="story", title="The train", warning="illness", replies="listen")
    head = "Mira, please just listen"
    assert await chat.hear() == [f"{head}: Content note: illness", f"{head}: The train", f"{head}: once"]


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("shown", "answering Jonas"),
        ("deleted", "answering something that was deleted"),
        ("expired", "answering something that has expired"),
        ("blocked", "answering somebody whom you have blocked"),
        ("missing", "answering something that is not here"),
    ],
)
async def test_an_answer_says_what_it_answers(node: FakeNode, state: str, words: str) -> None:
    chat = Chat(node)
    await chat.begin()
    jonas = next(peer for peer in node.peers_by_id.values() if peer.name == "Jonas")
    author = Author(id=jonas.id, name=jonas.name, tag=jonas.tag)
    quote = Quote(id="f" * 64, state=state, author=author)  # type: ignore[arg-type]
    node.hear("lobby", "Mira", "yes", reply_to="f" * 64, quote=quote)
    assert await chat.hear() == [f"Mira, {words}: yes"]


@pytest.mark.parametrize(("lang", "words"), [("en", "answering you"), ("de", "als Antwort an dich")])
async def test_an_answer_to_oneself_says_so(node: FakeNode, lang: str, words: str) -> None:
    i18n.activate(lang)
    chat = Chat(node)
    await chat.begin()
    mine = node.says("lobby", node.me.name, "no")
    quote = Quote(id=mine.id, state="shown", author=Author(id=node.me.id, name=node.me.name, tag=node.me.tag))
    node.hear("lobby", "Mira", "yes", reply_to=mine.id, quote=quote)
    assert (await chat.hear())[-1] == f"Mira, {words}: yes"


async def test_a_gesture_names_a_story_by_its_title(node: FakeNode) -> None:
    ben = node.add_peer("Ben", "lobby")
    chat, said = await told(node, "once", kind="story", title="The train", warning="illness")
    node.change_message(said, reactions={"thanks": [ben.id]})
    assert await chat.hear() == ["* To “The train”: Ben: thank you."]


async def test_a_clock_that_is_far_off_is_said_with_the_message(node: FakeNode) -> None:
    chat = Chat(node)
    await chat.begin()
    node.hear("lobby", "Mira", "hi", clock="behind")
    assert await chat.hear() == ["Mira, their clock is behind: hi"]


async def test_a_clock_that_is_far_off_begins_no_day(node: FakeNode) -> None:
    node.says("lobby", "Mira", "one")
    told = [line for line in await Chat(node).begin() if is_day(line)]
    node.says("lobby", "Mira", "two", clock="behind", time=0)
    assert [line for line in await Chat(node).begin() if is_day(line)] == told


async def test_deleting_is_asked_about_and_answered_by_the_next_line(node: FakeNode) -> None:
    chat = Chat(node)
    await chat.begin()
    await chat.type("oh no")
    assert await chat.type("/delete") == ["* Delete “oh no”? It cannot be brought back. Answer yes or no."]
    [line] = await chat.type("yes")
    assert line.startswith("* It is deleted here,")
    assert node.texts["room-lobby"][0].deleted


async def test_an_own_edit_is_heard_as_it_is_now(node: FakeNode) -> None:
    chat = Chat(node)
    await chat.begin()
    await chat.type("at nine")
    assert await chat.type("/edit at ten") == ["You, edited: at ten"]
