"""What is said about messages, between real nodes: what both then see, and what they are told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from peertalk.core.annotations import target
from peertalk.core.effects import Arrived
from peertalk.core.entry import Edit, React
from peertalk.core.events import AnyEvent, Delivered, Message, MessageArrived, MessageChanged, Quote, RoomChanged
from peertalk.core.events import Warning as WarningEvent
from peertalk.errors import RequestError
from peertalk.node import gestures
from peertalk.node.node import Node
from peertalk.node.store import Store
from peertalk.node.subscription import Subscription
from tests.node.company import Clock, Company, event, meet, online, texts, until


async def said(node: Node, message: str) -> Message:
    return next(one for one in (await node.messages("lobby", 1000)).messages if one.id == message)


async def arrives(node: Node, message: Message) -> Message:
    async def is_here() -> bool:
        return any(one.id == message.id for one in (await node.messages("lobby")).messages)

    await until(node, is_here)
    return await said(node, message.id)


async def changes(node: Node, message: str, test: Callable[[Message], bool]) -> Message:
    """What a message is as soon as that holds, by the list and by an event alike."""

    async def holds() -> bool:
        return test(await said(node, message))

    await until(node, holds)
    return await said(node, message)


def id_of(node: Node) -> str:
    return node.status().identity.id


async def test_an_edit_is_seen_by_all_with_what_it_says_and_told_live(people: Company) -> None:
    ada, ben = await meet(people)
    sent = await ada.send("lobby", "at nine", warning="clocks")
    await arrives(ben, sent)
    told = ben.subscribe()
    mine = await ada.edit(sent.id, "at ten")
    assert (mine.text, mine.edited, mine.warning, mine.id) == ("at ten", True, "clocks", sent.id)
    seen = (await event(ben, MessageChanged, lambda one: one.message.id == sent.id, told)).message
    assert (seen.text, seen.edited, seen.warning) == ("at ten", True, "clocks")
    assert await said(ben, sent.id) == seen
    assert await texts(ada) == await texts(ben) == ["at ten"]
    told.close()


async def test_who_has_the_edit_has_what_the_message_says(people: Company) -> None:
    ada, ben = await meet(people)
    sent = await ada.send("lobby", "at nine")
    await changes(ada, sent.id, lambda one: one.delivered_to == [id_of(ben)])
    await ben.close()
    await until(ada, lambda: is_alone(ada))
    edited = await ada.edit(sent.id, "at ten")
    assert (edited.text, edited.delivered_to) == ("at ten", []), "nobody has that yet"
    events = ada.subscribe()
    await people.node("Ben", ada)
    told = await event(ada, Delivered, lambda one: one.message == sent.id, events)
    assert told.delivered_to == (await said(ada, sent.id)).delivered_to == [id_of(ben)]
    events.close()


async def is_alone(node: Node) -> bool:
    return not any(each.online and not each.me for each in await node.members("lobby"))


def room(node: Node, name: str = "lobby"):
    return node._life.lookup.room(name)


async def test_a_deleted_message_says_nothing_any_more_anywhere(people: Company) -> None:
    ada, ben = await meet(people)
    sent = await ada.send("lobby", "too much")
    await arrives(ben, sent)
    await ben.react(sent.id, "hear")
    gone = await ada.delete(sent.id)
    assert (gone.deleted, gone.text, gone.reactions) == (True, "", {})
    seen = await changes(ben, sent.id, lambda one: one.deleted)
    assert (seen.text, seen.reactions) == ("", {})
    for each in (ada, ben):
        with pytest.raises(RequestError) as caught:
            await each.react(sent.id, "hope")
        assert (caught.value.kind, caught.value.data["why"]) == ("refused", "deleted")


async def test_what_was_unread_and_is_deleted_is_unread_no_longer(people: Company) -> None:
    ada, ben = await meet(people)
    first, second = await ada.send("lobby", "one"), await ada.send("lobby", "two")
    await arrives(ben, second)
    assert (await ben.room("lobby")).unread == 2
    told = ben.subscribe()
    await ada.delete(first.id)
    changed = await event(ben, RoomChanged, lambda one: one.change == "read", told)
    assert changed.room.unread == (await ben.room("lobby")).unread == 1
    told.close()


async def test_gestures_are_by_name_and_can_be_taken_back(people: Company) -> None:
    ada, ben = await meet(people)
    sent = await ada.send("lobby", "I passed")
    await arrives(ben, sent)
    assert (await ben.react(sent.id, "strength")).reactions == {"strength": [id_of(ben)]}
    await ben.react(sent.id, "❤")
    await ada.react(sent.id, "strength")
    both = {"strength": sorted([id_of(ada), id_of(ben)]), "❤️": [id_of(ben)]}

    def has(one: Message) -> bool:
        return {name: sorted(who) for name, who in one.reactions.items()} == both

    await changes(ada, sent.id, has)
    await changes(ben, sent.id, has)
    assert (await ben.react(sent.id, "strength", remove=True)).reactions["strength"] == [id_of(ada)]
    await changes(ada, sent.id, lambda one: one.reactions.get("strength") == [id_of(ada)])


@pytest.mark.parametrize("reaction", ["", "well done", "✓", "👍👍", "x"])
async def test_a_gesture_is_one_of_five_words_or_one_emoji(people: Company, reaction: str) -> None:
    ada = await people.node("Ada")
    sent = await ada.send("lobby", "hello")
    with pytest.raises(RequestError) as caught:
        await ada.react(sent.id, reaction)
    assert caught.value.kind == "bad_choice"


async def test_what_others_send_that_is_no_gesture_is_not_shown(people: Company) -> None:
    ada, ben = await meet(people)
    sent = await ada.send("lobby", "hello")
    await arrives(ben, sent)
    for raw in ("Ada is verified ✓", "👍👍", "thanks"):
        ben._life.replica.send(room(ben).id, React(bytes.fromhex(sent.id), raw), ben._life.now())
        ben._life.engine.turn()
    assert (await changes(ada, sent.id, lambda one: bool(one.reactions))).reactions == {"thanks": [id_of(ben)]}


async def test_of_one_person_so_many_gestures_are_shown_and_no_more(people: Company) -> None:
    ada, ben = await meet(people)
    sent = await ada.send("lobby", "look at that")
    await arrives(ben, sent)
    for number in range(100):
        ben._life.replica.send(room(ben).id, React(bytes.fromhex(sent.id), chr(0x1F400 + number)), ben._life.now())
    last = await ben.send("lobby", "well")
    await arrives(ada, last)
    await ada.react(sent.id, "hear")
    for each in (ada, ben):
        seen = await changes(each, sent.id, lambda one: "hear" in one.reactions)
        assert len(seen.reactions) == gestures.MOST + 1


async def test_of_who_is_blocked_neither_gestures_nor_what_they_wrote_is_shown(people: Company) -> None:
    ada, ben = await meet(people)
    sent = await ada.send("lobby", "hello")
    await arrives(ben, sent)
    await ben.react(sent.id, "hear")
    theirs = await ben.send("lobby", "look")
    await arrives(ada, theirs)
    answer = await ada.send("lobby", "really?", reply_to=theirs.id)
    assert answer.quote is not None
    assert (answer.quote.state, answer.quote.text, answer.quote.author.name) == ("shown", "look", "Ben")  # type: ignore[union-attr]
    await changes(ada, sent.id, lambda one: bool(one.reactions))
    await ada.block("Ben")
    assert (await said(ada, sent.id)).reactions == {}
    quote = (await said(ada, answer.id)).quote
    assert quote is not None
    assert (quote.state, quote.author, quote.text) == ("blocked", None, "")
    assert await ada.search("look") == []
    with pytest.raises(RequestError) as caught:
        await ada.react(theirs.id, "hear")
    assert caught.value.kind == "unknown_message"


async def test_only_who_wrote_a_message_can_change_or_delete_it(people: Company) -> None:
    ada, ben = await meet(people)
    sent = await ada.send("lobby", "mine")
    await arrives(ben, sent)
    for call in (ben.edit(sent.id, "yours"), ben.delete(sent.id)):
        with pytest.raises(RequestError) as caught:
            await call
        assert (caught.value.kind, caught.value.data["why"]) == ("refused", "not_yours")
    ben._life.replica.send(room(ben).id, Edit(bytes.fromhex(sent.id), "yours"), ben._life.now())
    await ben.react(sent.id, "hear")  # which is after that
    await changes(ada, sent.id, lambda one: bool(one.reactions))
    assert (await said(ada, sent.id)).text == "mine"


@pytest.mark.parametrize("message", ["", "zz", "ff" * 32])
async def test_a_message_that_is_not_here_cannot_be_spoken_about(people: Company, message: str) -> None:
    ada = await people.node("Ada")
    for call in (ada.react(message, "hear"), ada.edit(message, "x"), ada.delete(message)):
        with pytest.raises(RequestError) as caught:
            await call
        assert caught.value.kind == "unknown_message"


async def test_what_an_answer_answers_is_told_anew_when_it_changes(people: Company) -> None:
    ada, ben = await meet(people)
    sent = await ada.send("lobby", "first")
    await arrives(ben, sent)
    told = ada.subscribe()
    answer = await ben.send("lobby", "second", reply_to=sent.id)
    came = (await event(ada, MessageArrived, lambda one: one.message.id == answer.id, told)).message
    assert came.quote is not None
    assert (came.quote.state, came.quote.text) == ("shown", "first")
    await ada.edit(sent.id, "changed")
    now = (await event(ada, MessageChanged, lambda one: one.message.id == answer.id, told)).message
    assert now.quote is not None
    assert now.quote.text == "changed"
    await ada.delete(sent.id)
    now = (await event(ada, MessageChanged, lambda one: one.message.id == answer.id, told)).message
    assert now.quote is not None
    assert (now.quote.state, now.quote.text) == ("deleted", "")
    assert (await said(ada, answer.id)) == now
    told.close()


async def test_of_what_has_a_content_note_the_note_is_quoted(people: Company) -> None:
    ada = await people.node("Ada")
    ben = await people.node("Ben", ada)
    sent = await ada.send("lobby", "all of it", warning="grief")
    await arrives(ben, sent)
    quote = (await ben.send("lobby", "I am here", reply_to=sent.id)).quote
    assert quote is not None
    assert (quote.warning, quote.text) == ("grief", "")


async def test_a_story_has_a_title_and_a_wish_and_is_in_a_list_of_its_own(people: Company) -> None:
    ada, ben = await meet(people)
    story = await ada.send("lobby", "once", kind="story", title="  The\ntrain ", warning="illness", replies="listen")
    assert (story.kind, story.title, story.warning, story.replies) == ("story", "The train", "illness", "listen")
    await ada.send("lobby", "just a word")
    seen = await arrives(ben, story)
    assert (seen.title, seen.text) == ("The train", "once")
    assert [one.id for one in (await ben.stories("lobby")).messages] == [story.id]
    assert (await ada.edit(story.id, "twice", title="")).title is None
    assert (await ada.edit(story.id, "twice", title="Again")).title == "Again"
    await ada.delete(story.id)
    assert (await ada.stories("lobby")).messages == []


async def test_only_a_story_has_a_title(people: Company) -> None:
    ada = await people.node("Ada")
    sent = await ada.send("lobby", "hello")
    for call in (
        ada.send("lobby", "x", title="T"),
        ada.send("lobby", "x", replies="listen"),
        ada.edit(sent.id, "x", title="T"),
    ):
        with pytest.raises(RequestError) as caught:
            await call
        assert (caught.value.kind, caught.value.data["why"]) == ("refused", "not_a_story")
    with pytest.raises(RequestError) as caught:
        await ada.send("lobby", "x", warning="w" * 257)
    assert (caught.value.kind, caught.value.data["why"]) == ("bad_text", "too_long")


@pytest.mark.parametrize("edited", [False, True], ids=["as it was", "after an edit"])
async def test_what_answers_something_that_waits_is_told_anew_when_that_changes(people: Company, edited: bool) -> None:
    ada = await people.node("Ada")
    first = await ada.send("lobby", "one")
    answer = await ada.send("lobby", "indeed", reply_to=first.id)
    told = ada.subscribe()

    async def quote() -> Quote | None:
        return (await event(ada, MessageChanged, lambda each: each.message.id == answer.id, told)).message.quote

    if edited:
        await ada.edit(first.id, "two")
        assert [quoted and quoted.text for quoted in (answer.quote, await quote())] == ["one", "two"]
    await ada.delete(first.id)
    quoted = await quote()
    assert quoted is not None
    assert quoted.state == "missing"
    assert (await said(ada, answer.id)).quote == quoted
    told.close()


async def test_what_waits_can_be_changed_and_is_gone_when_it_is_deleted(people: Company) -> None:
    ada = await people.node("Ada")
    one, two = await ada.send("lobby", "one"), await ada.send("lobby", "two")
    assert (await ada.edit(one.id, "changed")).state == "waiting"
    assert (await ada.react(one.id, "hope")).reactions == {"hope": [id_of(ada)]}
    told = ada.subscribe()
    assert (await ada.delete(two.id)).deleted
    gone = (await event(ada, MessageChanged, lambda each: each.message.deleted, told)).message
    assert (gone.id, gone.state) == (two.id, "waiting")
    told.close()
    await ada.close()
    again = await people.node("Ada")
    assert await texts(again) == ["changed"], "it was on disk when it was answered"
    ben = await people.node("Ben", again)
    await until(ben, lambda: has(ben, "changed"))
    assert await texts(ben) == ["changed"]


async def test_a_deletion_names_each_edit_even_those_that_are_on_their_way(people: Company) -> None:
    """Who comes later could not tell what an edit without a body was about (core/annotations.py, deletions)."""
    ada, ben = await meet(people)
    sent = await ada.send("lobby", "draft")
    await arrives(ben, sent)
    edits = (ada.edit(sent.id, f"draft {number}") for number in range(20))
    *done, gone = await asyncio.gather(*edits, ada.delete(sent.id), return_exceptions=True)
    assert {one.data["why"] for one in done if isinstance(one, RequestError)} <= {"deleted"}
    assert isinstance(gone, Message)
    assert gone.deleted
    await changes(ben, sent.id, lambda one: one.deleted)
    await ada._life.committed()
    entries = await ada._life.store.entries(room(ada).id, ("edit", "delete"), 100)
    named = {target(one.kind, one.body) for one in entries if one.kind == "delete"}
    assert named == {bytes.fromhex(sent.id)} | {one.message for one in entries if one.kind == "edit"}


async def test_what_waits_can_be_answered(people: Company) -> None:
    ada = await people.node("Ada")
    waits = await ada.send("lobby", "one")
    answer = await ada.send("lobby", "two", reply_to=waits.id)
    assert answer.quote is not None
    assert (answer.reply_to, answer.quote.state, answer.quote.text) == (waits.id, "shown", "one")
    ben = await people.node("Ben", ada)
    await until(ben, lambda: has(ben, "two"))
    [seen] = [one for one in (await ben.messages("lobby")).messages if one.text == "two"]
    assert seen.quote is not None
    assert (seen.quote.state, seen.quote.text) == ("shown", "one")


async def has(node: Node, text: str) -> bool:
    return text in await texts(node)


async def test_messages_are_found_by_what_they_say_by_now_the_newest_first(people: Company) -> None:
    ada, ben = await meet(people)
    first = await ada.send("lobby", "the bicycle is red")
    second = await ada.send("lobby", "a bicycle for two")
    await arrives(ben, second)
    assert [one.id for one in await ben.search("bicyc")] == [second.id, first.id]
    await ada.edit(first.id, "the tricycle is red")
    await changes(ben, first.id, lambda one: one.edited)
    assert [one.id for one in await ben.search("bicycle")] == [second.id]
    assert [(one.id, one.text) for one in await ben.search("TRICYCLE red", "lobby")] == [(first.id, "the tricycle is red")]
    await ada.delete(second.id)
    await changes(ben, second.id, lambda one: one.deleted)
    assert await ben.search("bicycle") == []
    assert await ben.search("") == []


async def test_many_changes_of_one_message_at_once_are_few_events(people: Company) -> None:
    ada = await people.node("Ada")
    sent = await ada.send("lobby", "draft 0")
    for number in range(1, 300):
        ada._life.replica.send(room(ada).id, Edit(bytes.fromhex(sent.id), f"draft {number}"), ada._life.now())
    ben = await people.node("Ben")
    told = ben.subscribe()
    await ben.connect("127.0.0.1", ada.status().listening[0].port)
    count = 0
    async with asyncio.timeout(20):
        async for one in told:
            count += isinstance(one, MessageChanged)
            if isinstance(one, MessageChanged) and one.message.text == "draft 299":
                break
    told.close()
    assert 1 <= count < 30


async def test_a_run_goes_on_where_nothing_of_it_is_shown(people: Company) -> None:
    ada, ben = await meet(people)
    before = await ada.send("lobby", "before")
    for number in range(10):
        last = await ben.send("lobby", f"noise {number}")
    await arrives(ada, last)
    after = await ada.send("lobby", "after")
    await ada.block("Ben")
    page = await ada.messages("lobby", 2, before=after.id)
    assert page.messages[-1].id == before.id
    page = await ada.messages("lobby", 1, after=before.id)
    assert [one.id for one in page.messages] == [after.id]
    assert (await ada.messages("lobby", 1, after="")).messages[0].lamport == 1


async def test_a_body_that_comes_after_what_was_said_about_it_is_told_as_it_is_by_now(people: Company) -> None:
    ada = await people.node("Ada")
    sent = await ada.send("lobby", "at nine")
    ben = await people.node("Ben", ada)
    await arrives(ben, sent)
    await ada.edit(sent.id, "at ten")
    await changes(ben, sent.id, lambda one: one.edited)
    [(_room, entry)] = await ben._life.store.find(bytes.fromhex(sent.id))
    told = ben.subscribe()
    ben._life.news.tell(Arrived(room(ben).id, (entry,), later=True))
    assert (await event(ben, MessageArrived, lambda one: one.message.id == sent.id, told)).message.text == "at ten"
    [edit] = await ben._life.store.entries(room(ben).id, ("edit",), 1)
    ben._life.news.tell(Arrived(room(ben).id, (entry, edit)))
    assert (await event(ben, MessageArrived, lambda one: one.message.id == sent.id, told)).message.text == "at ten"
    told.close()


async def test_messages_of_a_room_are_told_in_their_order_whatever_has_to_be_looked_up(people: Company) -> None:
    ada, ben = await meet(people)
    first = await ada.send("lobby", "0")
    await arrives(ben, first)
    told = ben.subscribe()
    for number in range(1, 20):
        await ada.send("lobby", str(number), reply_to=first.id if number % 3 == 0 else None)
    heard: list[str] = []
    async with asyncio.timeout(20):
        async for one in told:
            if isinstance(one, MessageArrived):
                heard.append(one.message.text)
                if one.message.text == "19":
                    break
    assert heard == [str(number) for number in range(1, 20)]
    told.close()


@pytest.mark.parametrize(("offset", "clock"), [(3_600_000, "ahead"), (-40 * 365 * 86_400_000, "behind")])
async def test_a_clock_that_is_far_off_is_marked_and_warned_of_once(people: Company, offset: int, clock: str) -> None:
    wrong = Clock()
    wrong.offset = offset
    ben = await people.node("Ben")
    told = ben.subscribe()
    ada = await people.node("Ada", ben, clock=wrong)
    await until(ben, lambda: online(ben, "Ada"))
    for number in range(3):
        sent = await ada.send("lobby", f"hello {number}")
    seen = await arrives(ben, sent)
    assert (seen.clock, sent.clock) == (clock, None)
    assert await texts(ben) == ["hello 0", "hello 1", "hello 2"], "the order never follows it"
    warned = [one for one in drained(told) if isinstance(one, WarningEvent) and one.kind == "clock"]
    assert [(one.text, one.peer, one.room) for one in warned] == [("Ada", id_of(ada), seen.room)]
    assert [one.clock for one in (await ada.messages("lobby")).messages if one.mine] == [None] * len(await said_by(ada))
    told.close()


async def said_by(node: Node) -> list[Message]:
    return [one for one in (await node.messages("lobby")).messages if one.mine]


def drained(told: Subscription) -> list[AnyEvent]:
    return [event for event, _ in told._events]


async def test_what_answers_nothing_is_said_without_a_look_into_the_store(
    people: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a burst each look would go through all that waits."""
    ada, _ = await meet(people)
    first = await ada.send("lobby", "first")
    looks: list[str] = []
    for name in ("annotations", "find_several", "find"):
        real = getattr(Store, name)
        monkeypatch.setattr(
            Store, name, lambda *args, name=name, real=real, **options: (looks.append(name), real(*args, **options))[1]
        )
    await asyncio.gather(*(ada.send("lobby", f"{number}") for number in range(20)))
    assert looks == []
    answer = await ada.send("lobby", "yes", reply_to=first.id)
    assert looks
    assert answer.quote is not None
    assert answer.quote.text == "first"
