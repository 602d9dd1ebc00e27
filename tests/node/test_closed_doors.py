"""Closed doors and meetings that end, between real nodes: what each person sees."""

from __future__ import annotations

import pytest

from peertalk.core.events import PeerChanged, Room, RoomChanged
from peertalk.core.stored import Retention
from peertalk.errors import RequestError
from peertalk.node.node import Node
from tests.node.company import Company, event, let_in, online, port, texts, until


async def is_so(node: Node, room: str, **fields: object) -> bool:
    found = await node.room(room)
    return all(getattr(found, name) == value for name, value in fields.items())


async def circle(people: Company, retention: Retention = "forever") -> tuple[Node, Node, Room]:
    """Ada and Ben in a room of their own."""
    ada = await people.node("Ada", lobby=False)
    ben = await people.node("Ben", ada, lobby=False)
    room = await ada.create("Circle", retention)
    await let_in(ada, room, ben)
    for node in (ada, ben):
        await until(node, lambda node=node: is_so(node, room.id, online=2, members=2))
        await until(node, lambda node=node: have_come(node, room.id, 2))
    return ada, ben, room


async def have_come(node: Node, room: str, count: int) -> bool:
    return [one.kind for one in (await node.messages(room)).messages] == ["here"] * count


async def lines(node: Node, room: str) -> list[str]:
    """The quiet lines about the room, as it is told who is meant."""
    found = (await node.messages(room)).messages
    said = [(one.kind, one.text, [person.name for person in one.about]) for one in found if one.kind not in ("text", "here")]
    return [" ".join([kind, text, *sorted(about)]) for kind, text, about in said]


async def has_line(node: Node, room: str, line: str) -> bool:
    return line in await lines(node, room)


async def has(node: Node, text: str, room: str) -> bool:
    """Is this text there, and the room that it is in?"""
    return room in [name for one in await node.rooms() for name in (one.id, one.name)] and text in await texts(node, room)


async def test_who_comes_to_a_closed_door_waits_until_somebody_inside_lets_them_in(people: Company) -> None:
    ada, ben, room = await circle(people)
    seen = ben.subscribe()
    assert (await ada.seal(room.id)).sealed
    assert (await event(ben, RoomChanged, lambda one: one.change == "sealed", seen)).room.sealed
    cara = await people.node("Cara", ada, ben, lobby=False)
    seen_by_cara = cara.subscribe()
    await let_in(ada, room, cara)
    outside = (await event(cara, RoomChanged, lambda one: one.change == "outside", seen_by_cara)).room
    assert (outside.sealed, outside.outside, outside.online, outside.members) == (True, True, 1, 1)
    await ada.send(room.id, "between us")
    await until(ben, lambda: has(ben, "between us", room.id))
    waiting = await cara.send(room.id, "hello?")
    assert waiting.state == "waiting"
    await until(ben, lambda: waits_at(ben, room.id))
    assert (await ben.room(room.id)).online == 2
    assert {one.name for one in await cara.members(room.id)} == {"Cara"}
    with pytest.raises(RequestError, match="sealed"):
        await cara.unseal(room.id)
    await ben.admit(room.id, (await ben.room(room.id)).waiting[0].id)
    await until(cara, lambda: has(cara, "between us", room.id))
    await until(ada, lambda: has(ada, "hello?", room.id))
    told = ["seal Ada Ada Ben", "admit Ben Cara"]
    for node in (ada, ben, cara):
        await until(node, lambda node=node: is_so(node, room.id, online=3, members=3, sealed=True, outside=False, waiting=[]))
        assert await lines(node, room.id) == told


async def waits_at(node: Node, room: str) -> bool:
    return len((await node.room(room)).waiting) == 1


async def test_an_open_door_is_open_to_all(people: Company) -> None:
    ada, ben, room = await circle(people)
    await ada.seal(room.id)
    await until(ben, lambda: is_so(ben, room.id, sealed=True))
    assert not (await ben.unseal(room.id)).sealed
    cara = await people.node("Cara", ada, lobby=False)
    await let_in(ada, room, cara)
    await until(cara, lambda: has_line(cara, room.id, "unseal Ben"))
    assert not (await cara.room(room.id)).sealed


async def test_closing_a_closed_door_or_opening_an_open_one_says_nothing(people: Company) -> None:
    ada, ben, room = await circle(people)
    await ada.unseal(room.id)
    await ada.admit(room.id, "Ben")
    await ada.seal(room.id)
    await ada.seal(room.id)
    await ada.admit(room.id, "Ben")
    await until(ben, lambda: is_so(ben, room.id, sealed=True))
    assert await lines(ada, room.id) == await lines(ben, room.id) == ["seal Ada Ada Ben"]


async def test_only_private_rooms_have_a_door_and_meetings(people: Company) -> None:
    ada = await people.node("Ada")
    for call in (ada.seal, ada.unseal, ada.end):
        with pytest.raises(RequestError) as error:
            await call("lobby")
        assert (error.value.kind, error.value.data["why"]) == ("refused", "not_private")


async def test_a_text_that_looks_like_a_quiet_line_is_a_text(people: Company) -> None:
    ada, ben, room = await circle(people)
    await ada.send(room.id, "· Ben left ·")
    await until(ben, lambda: has(ben, "· Ben left ·", room.id))
    (message,) = [one for one in (await ben.messages(room.id)).messages if one.text == "· Ben left ·"]
    assert message.kind == "text"


# ── the end of a meeting ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_who_ends_a_meeting_off_the_record_has_nothing_of_it_any_more_and_the_others_are_asked(people: Company) -> None:
    ada, ben, room = await circle(people, "session")
    seen = ben.subscribe()
    ended = await ada.end(room.id)
    assert (ended.stays, ended.forgotten) == ([], ["messages", "members", "room"])
    assert (await event(ben, RoomChanged, lambda one: one.change == "ended", seen)).room.id == room.id
    await until(ben, lambda: is_so(ben, room.id, online=1, members=1))
    assert await ada.rooms() == []
    assert await lines(ben, room.id) == ["over Ada", "left Ada"]


async def test_who_ends_a_meeting_in_a_room_that_is_kept_writes_with_a_new_key_from_then_on(people: Company) -> None:
    ada, ben, room = await circle(people)
    inside = ada._life.lookup.room(room.id)
    seen = ben.subscribe()
    await ada.send(room.id, "good night")
    ended = await ada.end(room.id)
    assert (ended.stays, ended.forgotten) == (["messages", "members", "room"], ["key"])
    await event(ben, RoomChanged, lambda one: one.change == "ended", seen)
    await ada._life.engine.settled()
    old, new = inside.keys
    assert (old.seed, old.retiring) == (None, True)
    assert not inside.log.chain(new.feed).pages
    await until(ben, lambda: is_so(ben, room.id, online=2, members=2))
    await ada.close()
    ada = await people.node("Ada", ben, lobby=False)
    await ada.send(room.id, "next week")
    await until(ben, lambda: has(ben, "next week", room.id))
    shown = [(one.kind, one.text) for one in (await ben.messages(room.id)).messages if not one.mine]
    assert shown == [("here", "Ada"), ("text", "good night"), ("over", "Ada"), ("text", "next week")]
    assert {one.author.name for one in (await ben.messages(room.id)).messages} == {"Ada", "Ben"}


# ── two people ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_what_is_said_to_somebody_who_is_away_waits_until_the_two_meet(people: Company) -> None:
    ada = await people.node("Ada")
    ben = await people.node("Ben", ada)
    await until(ada, lambda: online(ada, "Ben"))
    room = await ada.open_direct("Ben")
    await ben.close()
    await until(ada, lambda: offline(ada, "Ben"))
    sent = await ada.send(room.id, "see you")
    assert (sent.state, sent.seq, sent.delivered_to) == ("waiting", None, [])
    ben = await people.node("Ben", ada)
    await until(ben, lambda: has(ben, "see you", "Ada"))
    await until(ada, lambda: delivered(ada, room.id, sent.id))


async def offline(node: Node, name: str) -> bool:
    return not await online(node, name)


async def delivered(node: Node, room: str, message: str) -> bool:
    return any(one.id == message and one.delivered_to for one in (await node.messages(room)).messages)


async def test_a_block_is_told_and_what_was_written_meanwhile_is_there_when_it_is_taken_back(people: Company) -> None:
    ada = await people.node("Ada")
    ben = await people.node("Ben", ada)
    cara = await people.node("Cara", ada, ben)
    await until(ada, lambda: online(ada, "Ben"))
    await until(cara, lambda: online(cara, "Ben"))
    room = await ada.open_direct("Ben")
    seen = ada.subscribe()
    assert (await ada.block("Ben")).blocked
    await event(ada, PeerChanged, lambda one: one.change == "blocked" and one.peer.blocked, seen)
    assert (await ada.send(room.id, "are you there?")).state == "waiting"
    await ben.send("lobby", "in the lobby")
    await until(cara, lambda: has(cara, "in the lobby", "lobby"))
    await cara.send("lobby", "after that")
    await until(ada, lambda: has(ada, "after that", "lobby"))
    assert await texts(ada, "lobby") == ["after that"]
    await ada.unblock("Ben")
    await event(ada, PeerChanged, lambda one: one.change == "unblocked" and not one.peer.blocked, seen)
    assert await texts(ada, "lobby") == ["in the lobby", "after that"]
    await ben.connect("127.0.0.1", port(ada))
    await until(ben, lambda: has(ben, "are you there?", "Ada"))


async def test_who_only_says_that_the_door_is_closed_ends_no_code(people: Company) -> None:
    """Anybody in the room could say so, to one person alone."""
    ada = await people.node("Ada", lobby=False)
    made = await ada.create("Circle")
    room = ada._life.lookup.room(made.id)
    room.is_kept_out = True
    assert room.is_sealed
    assert ada._life.entrance.closed(room.id) is None
    room.is_kept_out = False
    await ada.seal(made.id)
    assert ada._life.entrance.closed(room.id) == "sealed"
