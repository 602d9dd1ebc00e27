"""Nodes with real links, channels and databases, in one process: what a person does, and what the others then see."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence

import pytest

from peertalk.core import events, wire
from peertalk.core.cards import MAX_OWNERS
from peertalk.core.effects import SyncStep, TypingSeen
from peertalk.core.entry import FeedKey
from peertalk.core.events import Delivered, MessageArrived, MessageChanged, PeerChanged, RoomChanged, SyncProgress, Typing
from peertalk.core.rooms import HOUR_MS
from peertalk.core.stored import Op
from peertalk.errors import RequestError, StartError
from peertalk.node import deliveries
from peertalk.node.node import Node
from tests.node.company import PATIENCE, Clock, Company, event, meet, online, port, texts, until


async def test_a_message_each_way_arrives_once_in_one_order(people: Company) -> None:
    ada, ben = await meet(people)
    await ada.send("lobby", "hello Ben")
    await until(ben, lambda: has(ben, "hello Ben"))
    await ben.send("#lobby", "hello Ada")
    await until(ada, lambda: has(ada, "hello Ada"))
    assert await texts(ada) == await texts(ben) == ["hello Ben", "hello Ada"]


async def has(node: Node, text: str, room: str = "lobby") -> bool:
    return text in await texts(node, room)


async def test_delivered_names_who_has_it_on_disk(people: Company) -> None:
    ada, ben = await meet(people)
    events = ada.subscribe()
    sent = await ada.send("lobby", "kept")
    told = await event(ada, Delivered, lambda one: one.message == sent.id, events)
    assert told.delivered_to == [ben.status().identity.id]
    assert (await ada.messages("lobby")).messages[-1].delivered_to == told.delivered_to
    events.close()


async def test_after_the_end_nothing_waits_to_be_told(people: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries, "GATHERED", 3600.0)
    ada, _ = await meet(people)
    events = ada.subscribe()
    await ada.send("lobby", "bye")
    await event(ada, Delivered, lambda _: True, events)
    timer = ada._life.news._deliveries._timer
    assert timer is not None
    await ada.close()
    assert timer.cancelled()


async def test_what_cannot_be_told_keeps_nothing_else_from_being_told(
    people: Company, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ada = await people.node("Ada")
    lobby = ada._life.lookup.room("lobby").id
    monkeypatch.setattr(ada._life.news, "_handlers", {**ada._life.news._handlers, TypingSeen: lambda *_: {}["secret"]})
    told = ada.subscribe()
    ada._life._tell([TypingSeen(lobby, b"b" * 32), SyncStep(lobby, 1, 2)])
    assert (await event(ada, SyncProgress, lambda _: True, told)).total == 2
    assert "TypingSeen was not told: KeyError" in caplog.text
    assert "secret" not in caplog.text
    told.close()


async def test_somebody_who_keeps_nothing_holds_but_does_not_keep(people: Company) -> None:
    ada = await people.node("Ada")
    ben = await people.node("Ben", ada, ephemeral=True)
    await until(ada, lambda: online(ada, "Ben"))
    events = ada.subscribe()
    sent = await ada.send("lobby", "with Ben")
    told = await event(ada, Delivered, lambda one: one.message == sent.id, events)
    assert (told.delivered_to, told.held_by) == ([], [ben.status().identity.id])
    events.close()


async def test_a_message_written_alone_waits_and_is_sent_when_somebody_comes(people: Company) -> None:
    ada = await people.node("Ada")
    waiting = await ada.send("lobby", "anybody here?")
    assert (waiting.state, waiting.seq) == ("waiting", None)
    assert [message.state for message in (await ada.messages("lobby")).messages] == ["waiting"]
    events = ada.subscribe()
    ben = await people.node("Ben", ada)
    changed = await event(ada, MessageChanged, lambda one: one.message.id == waiting.id, events)
    assert changed.message.state == "sent"
    await until(ben, lambda: has(ben, "anybody here?"))
    events.close()


async def test_what_was_answered_is_there_after_a_restart(people: Company) -> None:
    ada = await people.node("Ada")
    await ada.send("lobby", "alone")
    await ada.close()
    again = await people.node("Ada")
    assert await texts(again) == ["alone"]
    assert again.status().identity == ada.status().identity


async def test_somebody_who_was_away_gets_all_from_who_remains(people: Company) -> None:
    ada, ben = await meet(people)
    await ada.send("lobby", "from Ada")
    await until(ben, lambda: has(ben, "from Ada"))
    await ada.close()
    cara = await people.node("Cara", ben)
    await until(cara, lambda: has(cara, "from Ada"))
    message = next(message for message in (await cara.messages("lobby")).messages if message.text == "from Ada")
    assert (message.author.name, message.author.via) == ("Ada", "Ben")


async def test_a_direct_room_is_listed_at_the_other_side_once_something_is_said(people: Company) -> None:
    ada, ben = await meet(people)
    room = await ada.open_direct("Ben")
    assert (room.kind, room.name, room.members) == ("direct", "Ben", 2)
    events = ben.subscribe()
    await ada.send(room.id, "between us")
    joined = await event(ben, RoomChanged, lambda one: one.change == "joined", events)
    assert (joined.room.kind, joined.room.name, joined.room.id) == ("direct", "Ada", room.id)
    await until(ben, lambda: has(ben, "between us", "Ada"))
    assert await texts(ben, "lobby") == []
    events.close()


async def test_a_room_joined_while_linked_is_shared_at_once(people: Company) -> None:
    ada, ben = await meet(people)
    await ada.join("#Workshop")
    await ben.join("workshop")
    await ada.send("workshop", "begin")
    await until(ben, lambda: has(ben, "begin", "workshop"))


async def test_leaving_is_seen_and_what_is_forgotten_is_gone(people: Company) -> None:
    ada, ben = await meet(people)
    await ada.join("workshop")
    await ben.join("workshop")
    await ada.send("workshop", "begin")
    await until(ben, lambda: has(ben, "begin", "workshop"))
    await ada.leave("workshop", forget=True)
    await until(ben, lambda: left(ben))
    assert [room.name for room in await ada.rooms()] == ["lobby"]
    with pytest.raises(RequestError, match="unknown_room"):
        await ada.send("workshop", "still?")


async def left(node: Node) -> bool:
    return "left" in [message.kind for message in (await node.messages("workshop")).messages]


async def test_what_is_said_while_the_room_is_left_for_good_gets_an_answer(people: Company) -> None:
    ada = await people.node("Ada")
    await ada.join("workshop")
    sending = [asyncio.create_task(ada.send("workshop", f"{number}")) for number in range(5)]
    await asyncio.sleep(0)
    await ada.leave("workshop", forget=True)
    async with asyncio.timeout(10):
        answers = await asyncio.gather(*sending, return_exceptions=True)
    assert {getattr(answer, "kind", "text") for answer in answers} <= {"text", "unknown_room"}


async def test_half_a_character_is_sent_as_something_that_can_be_shown(people: Company) -> None:
    ada = await people.node("Ada")
    assert (await ada.send("lobby", "half \ud83d of it")).text == "half ? of it"


async def test_rejoining_a_room_that_was_only_left_brings_its_history_back(people: Company) -> None:
    ada, ben = await meet(people)
    await ada.join("workshop")
    await ben.join("workshop")
    await ada.send("workshop", "begin")
    await until(ben, lambda: has(ben, "begin", "workshop"))
    await ada.leave("workshop")
    await ada.join("workshop")
    assert await texts(ada, "workshop") == ["begin"]
    await ada.send("workshop", "back")
    await until(ben, lambda: has(ben, "back", "workshop"))


async def test_a_new_name_is_a_quiet_line_and_an_event(people: Company) -> None:
    ada, ben = await meet(people)
    lines, people_changed = ben.subscribe(), ben.subscribe()  # which of the two is told first is not said
    await ada.set_name("Ada L.")
    line = await event(ben, MessageArrived, lambda one: one.message.kind == "name", lines)
    assert line.message.text == "Ada L."
    renamed = await event(ben, PeerChanged, lambda one: one.change == "name", people_changed)
    assert renamed.peer.name == "Ada L."
    lines.close()
    people_changed.close()


@pytest.mark.parametrize("name", ["", "  ", "\u202e", "✓"])
async def test_a_name_that_shows_nothing_is_refused(people: Company, name: str) -> None:
    ada = await people.node("Ada")
    with pytest.raises(RequestError, match="bad_name"):
        await ada.set_name(name)


async def test_typing_is_told_and_never_kept(people: Company) -> None:
    ada, ben = await meet(people)
    events = ben.subscribe()
    ada.typing("lobby")
    assert (await event(ben, Typing, events=events)).peer.name == "Ada"
    events.close()


async def test_texts_and_names_of_others_are_harmless_when_they_are_seen(people: Company) -> None:
    ada = await people.node("Ada")
    ben = await people.node("Be\x1b]0;owned\x07n", ada)
    await ben.send("lobby", "\x1b[2Jgone\u202etxt\n· Ada has left ·")
    await until(ada, lambda: anything(ada))
    seen = next(message for message in (await ada.messages("lobby")).messages if message.kind == "text")
    for shown in (seen.text, seen.author.name):
        assert not {"\x1b", "\x07", "\u202e"} & set(shown)


async def anything(node: Node) -> bool:
    return bool(await texts(node))


async def test_unread_counts_what_others_wrote_until_it_is_read(people: Company) -> None:
    ada, ben = await meet(people)
    for number in range(3):
        await ben.send("lobby", f"{number}")
    await until(ada, lambda: unread(ada, 3))
    first = next(message for message in (await ada.messages("lobby")).messages if message.text == "0")
    assert await ada.read("lobby", first.id) == 2
    assert await ada.read("lobby") == 0
    await ada.send("lobby", "mine")
    assert [room.unread for room in await ada.rooms()] == [0]


async def unread(node: Node, wanted: int) -> bool:
    return [room.unread for room in await node.rooms()] == [wanted]


async def test_rooms_say_how_long_messages_are_kept(people: Company) -> None:
    ada, _ = await meet(people)
    kept = [
        (await ada.room("lobby")).retention,
        (await ada.join("workshop")).retention,
        (await ada.open_direct("Ben")).retention,
    ]
    assert kept == [1, 30, "forever"]


async def test_history_is_paged_both_ways(people: Company) -> None:
    ada, ben = await meet(people)
    for number in range(10):
        await ada.send("lobby", f"{number}")
    await until(ben, lambda: has(ben, "9"))
    newest = await ben.messages("lobby", limit=3)
    assert ([message.text for message in newest.messages], newest.more) == (["7", "8", "9"], True)
    older = await ben.messages("lobby", limit=3, before=newest.messages[0].id)
    assert [message.text for message in older.messages] == ["4", "5", "6"]
    newer = await ben.messages("lobby", limit=2, after=older.messages[-1].id)
    assert ([message.text for message in newer.messages], newer.more) == (["7", "8"], True)


async def test_what_waits_is_paged_like_the_rest(people: Company) -> None:
    ada, ben = await meet(people)
    await ada.send("lobby", "sent")
    await until(ben, lambda: has(ben, "sent"))
    await ben.close()
    await until(ada, lambda: is_away(ada, "Ben"))
    for number in range(3):
        await ada.send("lobby", f"{number}")
    newest = await ada.messages("lobby", limit=2)
    assert ([message.text for message in newest.messages], newest.more) == (["1", "2"], True)
    older = await ada.messages("lobby", limit=2, before=newest.messages[0].id)
    assert ([message.text for message in older.messages], older.more) == (["sent", "0"], True)
    newer = await ada.messages("lobby", limit=1, after=older.messages[0].id)
    assert ([message.text for message in newer.messages], newer.more) == (["0"], True)
    last = await ada.messages("lobby", limit=9, after=newer.messages[0].id)
    assert ([message.text for message in last.messages], last.more) == (["1", "2"], False)


async def test_a_reply_names_what_it_answers(people: Company) -> None:
    ada, ben = await meet(people)
    question = await ada.send("lobby", "how are you?")
    await until(ben, lambda: has(ben, "how are you?"))
    answer = await ben.send("lobby", "well", reply_to=question.id)
    assert answer.reply_to == question.id
    with pytest.raises(RequestError, match="unknown_message"):
        await ben.send("lobby", "to nothing", reply_to="00" * 32)
    with pytest.raises(RequestError, match="unknown_message"):
        await ben.send("lobby", "to nonsense", reply_to="nonsense")


async def test_what_cannot_be_sent_is_refused_and_nothing_is_kept(people: Company) -> None:
    ada = await people.node("Ada")
    with pytest.raises(RequestError, match="bad_text"):
        await ada.send("lobby", " \n ")
    with pytest.raises(RequestError, match="too_large"):
        await ada.send("lobby", "x" * 40_000)
    assert (await ada.messages("lobby")).messages == []


async def test_who_is_blocked_is_neither_linked_nor_shown_and_unblocking_brings_all_back(people: Company) -> None:
    ada, ben = await meet(people)
    await ben.send("lobby", "before")
    await until(ada, lambda: has(ada, "before"))
    blocked = await ada.block("Ben")
    assert blocked.blocked
    assert await texts(ada) == []
    await until(ada, lambda: is_away(ada, "Ben"))
    assert not (await ada.unblock(ben.status().identity.id)).blocked
    assert await texts(ada) == ["before"]


async def test_who_is_blocked_is_not_shown_under_other_identities_either(people: Company) -> None:
    """Whoever has the key of a feed can tie it to any number of identities that they have made."""
    ada, ben = await meet(people)
    await ben.send("lobby", "before")
    await until(ada, lambda: has(ada, "before"))
    await ada.block("Ben")
    room, theirs = ada._life.lookup.room("lobby"), ben._life.lookup.room("lobby")
    key = FeedKey(next(one.seed for one in theirs.keys if one.seed is not None))
    for number in range(MAX_OWNERS + 1):
        other = bytes([0, 0, number + 1]).ljust(32, b"\0")
        room.cards.receive(wire.Card(room.id, other, ((key.public, key.sign_owner(room.id, other)),)), other)
    assert await texts(ada) == []
    assert await ada._life.count_unread(room) == 0


async def is_away(node: Node, name: str) -> bool:
    return not await online(node, name)


async def test_two_people_of_one_name_are_not_addressed_by_it(people: Company) -> None:
    ada = await people.node("Ada")
    await people.node("Sam", ada)
    await people.node("Sam", ada, ephemeral=True)
    await until(ada, lambda: count(ada, "Sam", 2))
    with pytest.raises(RequestError, match="ambiguous_name"):
        await ada.open_direct("Sam")
    sams = [peer for peer in await ada.peers() if peer.name == "Sam"]
    assert (await ada.open_direct(f"Sam·{sams[0].tag}")).kind == "direct"


async def count(node: Node, name: str, wanted: int) -> bool:
    return sum(peer.name == name and peer.online for peer in await node.peers()) == wanted


async def test_connecting_to_nobody_says_so(people: Company, unused_tcp_port: int) -> None:
    ada = await people.node("Ada")
    with pytest.raises(RequestError, match="not_reachable"):
        await ada.connect("127.0.0.1", unused_tcp_port)


async def test_connecting_to_somebody_who_shares_no_room_says_so(people: Company) -> None:
    ada = await people.node("Ada")
    ben = await people.node("Ben", lobby=False)
    with pytest.raises(RequestError, match="no_shared_room"):
        await ada.connect("127.0.0.1", port(ben))


async def test_a_copy_of_the_profile_that_runs_elsewhere_is_warned_of(people: Company) -> None:
    first = await people.node("Ada")
    await first.close()
    shutil.copy(people.directory / "Ada.db", people.directory / "Copy.db")
    ada, copy = await people.node("Ada"), await people.node("Copy")
    warnings = copy.subscribe()
    with pytest.raises(RequestError, match="not_reachable"):
        await copy.connect("127.0.0.1", port(ada))
    assert await event(copy, events.Warning, lambda one: one.kind == "second_process", warnings)


async def test_a_dial_that_leads_back_to_its_own_process_warns_of_nothing(people: Company) -> None:
    ada = await people.node("Ada")
    with pytest.raises(RequestError) as caught:
        await ada.connect("127.0.0.1", port(ada))
    told = ada.subscribe()
    await ada.close()
    assert caught.value.data["why"] == "self"
    assert [type(one).__name__ async for one in told] == ["Ready"]


async def test_a_port_in_use_is_a_clear_error_and_leaves_nothing_open(people: Company) -> None:
    ada = await people.node("Ada")
    with pytest.raises(StartError, match="port_in_use"):
        await people.node("Ben", port=port(ada))


async def test_two_who_dial_each_other_end_with_one_link(people: Company) -> None:
    ada, ben = await meet(people)
    await ada.connect("127.0.0.1", port(ben))
    await ada.send("lobby", "one link is enough")
    await until(ben, lambda: has(ben, "one link is enough"))
    assert (ada.status().links, ben.status().links) == (1, 1)


async def test_a_lobby_that_nobody_was_in_for_two_hours_is_forgotten(people: Company) -> None:
    clock = Clock()
    ada = await people.node("Ada", clock=clock)
    ben = await people.node("Ben", ada)
    await ben.send("lobby", "on Monday")
    await until(ada, lambda: has(ada, "on Monday"))
    await ada.close()
    await ben.close()
    clock.offset = 2 * HOUR_MS + 60_000
    again = await people.node("Ada", clock=clock)
    assert await texts(again) == []
    assert (await again.members("lobby")) == [member for member in await again.members("lobby") if member.me]


async def test_closing_tells_the_others_and_ends_subscriptions(people: Company) -> None:
    ada, ben = await meet(people)
    leaving = ada.subscribe()
    await ben.close()
    await event(ada, PeerChanged, lambda one: one.change == "offline", leaving)
    leaving.close()
    rest = ada.subscribe()
    await ada.close()
    assert [type(one).__name__ async for one in rest] == ["Ready"]
    await asyncio.gather(ada.close(), ada.close())


async def test_what_is_on_its_way_from_waiting_to_its_place_is_never_missing_from_the_history(
    people: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, ben, placed = await people.node("Ada"), await people.node("Ben"), asyncio.Event()
    await ada.send("lobby", "waited")
    store = ada._life.store
    submit, room = store.submit, ada._life.lookup.room("lobby")

    def submits(ops: Sequence[Op]) -> asyncio.Future[None]:
        if not room.outbox:
            placed.set()
        return submit(ops)

    monkeypatch.setattr(store, "submit", submits)
    disk = people.stores["Ada"]._writer._using
    disk.acquire()  # it is busy
    try:
        await ada.connect("127.0.0.1", port(ben))
        async with asyncio.timeout(PATIENCE):
            await placed.wait()
    finally:
        asyncio.get_running_loop().call_later(0.1, disk.release)
    assert await texts(ada) == ["waited"]
