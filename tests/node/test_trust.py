"""Whom one can be sure of: new, known, verified; and who comes under the name of somebody else."""

from __future__ import annotations

from collections.abc import Awaitable

import pytest

from peertalk.core import events, wire
from peertalk.core.effects import Presence
from peertalk.core.entry import Here
from peertalk.core.events import MessageArrived, PeerChanged, Trust
from peertalk.core.log import Item, record
from peertalk.core.rooms import DAY_MS, Terms, private_room
from peertalk.errors import RequestError
from peertalk.node.node import Node
from peertalk.node.subscription import Subscription
from tests.core.authors import Author
from tests.node.company import Clock, Company, event, let_in, online, texts, until

CIRCLE = Terms(b"s" * 32, "Circle", "en", 0)


async def trust(node: Node, id: str) -> Trust:
    return next(peer.trust for peer in await node.peers() if peer.id == id)


def who(node: Node) -> str:
    return node.status().identity.id


async def sees(node: Node, other: Node) -> None:
    """Wait until the other one is here, with a name."""

    async def is_there() -> bool:
        name = other.status().identity.name
        return any(peer.id == who(other) and peer.online and peer.name == name for peer in await node.peers())

    await until(node, is_there)


async def meet(people: Company, *names: str, **options: object) -> list[Node]:
    """Nodes that all see each other."""
    nodes: list[Node] = []
    for number, name in enumerate(names):
        is_first = name not in names[:number]
        nodes.append(await (people.node(name, *nodes, **options) if is_first else again(people, name, nodes)))
    for node in nodes:
        for other in nodes:
            if other is not node:
                await sees(node, other)
    return nodes


async def again(people: Company, name: str, nodes: list[Node]) -> Node:
    """Somebody else of the same name."""
    node = await people.node(f"other {name}", *nodes)
    await node.set_name(name)
    return node


async def circle(*nodes: Node) -> str:
    """All of them are in one private room, and see each other there."""
    record = private_room(CIRCLE, 0)
    for node in nodes:
        node._life.replica.join(record, node._life.now())
        await node._life.committed()
    there = {bytes.fromhex(who(node)) for node in nodes}
    for node in nodes:

        async def all_there(node: Node = node) -> bool:
            room = node._life.replica.places[record.id].room
            return room.online() | {room.me} == there <= room.members.identities()

        await until(node, all_there)
    return record.id.hex()


async def verify(node: Node, *others: Node) -> None:
    for other in others:
        await node._life.trust.verify(bytes.fromhex(who(other)), verified=True)


def refused(error: pytest.ExceptionInfo[RequestError]) -> tuple[str, object]:
    return error.value.kind, error.value.data.get("peer")


# ── new, known, verified ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_who_is_met_today_is_new_however_often_and_known_after_the_next_start(people: Company) -> None:
    ada, ben = await meet(people, "Ada", "Ben")
    assert await trust(ada, who(ben)) == "new"
    for _ in range(2):
        await ben.close()
        ben = await people.node("Ben", ada)
        await sees(ada, ben)
        assert await trust(ada, who(ben)) == "new"
    await ada.close()
    ada = await people.node("Ada", ben)
    await sees(ada, ben)
    assert await trust(ada, who(ben)) == "known"


async def test_who_was_met_on_an_earlier_day_is_known_also_where_the_program_never_ended(people: Company) -> None:
    clock = Clock()
    ada = await people.node("Ada", clock=clock)
    ben = await people.node("Ben", ada)
    await sees(ada, ben)
    await ben.close()
    clock.offset = DAY_MS
    ben = await people.node("Ben", ada)
    await sees(ada, ben)
    assert await trust(ada, who(ben)) == "known"


async def test_verified_is_on_disk_and_told_and_can_be_taken_back(people: Company) -> None:
    ada, ben = await meet(people, "Ada", "Ben")
    told = ada.subscribe()
    await verify(ada, ben)
    await verify(ada, ben)
    assert (await event(ada, PeerChanged, lambda one: one.change == "trust", told)).peer.trust == "verified"
    await ada.close()
    ada = await people.node("Ada", ben)
    assert await trust(ada, who(ben)) == "verified"
    assert (await ada.confirm(who(ben), False)).trust == "known"


# ── the name of somebody else ────────────────────────────────────────────────────────────────────────────────────────


async def test_a_name_of_somebody_who_is_known_under_another_key_is_told_once_in_each_room(people: Company) -> None:
    ada, ben = await meet(people, "Ada", "Ben")
    await verify(ada, ben)
    await ben.close()
    told = ada.subscribe()
    other = await people.node("other Ben", ada)
    await other.set_name("Веn")  # the first two letters are Cyrillic
    warning = await event(ada, events.Warning, events=told)
    lobby = (await ada.room("lobby")).id
    assert (warning.kind, warning.text, warning.peer, warning.room) == ("same_name_new_key", "Веn", who(other), lobby)
    await other.set_name("Ben")
    await other.send("lobby", "it is me")
    assert await warnings(told, "it is me") == []


async def warnings(told: Subscription, text: str) -> list[events.Warning]:
    """Those that were told before this message."""
    found: list[events.Warning] = []
    async for one in told:
        if isinstance(one, events.Warning):
            found.append(one)
        if isinstance(one, MessageArrived) and one.message.text == text:
            break
    return found


async def test_in_a_private_room_nothing_more_is_said_until_it_is_settled_who_that_is(people: Company) -> None:
    ada, ben, false_ben = await meet(people, "Ada", "Ben", "Ben")
    await verify(ada, ben)
    room = await circle(ada, ben, false_ben)
    with pytest.raises(RequestError) as error:
        await ada.send(room, "a secret")
    assert refused(error) == ("key_changed", who(false_ben))
    assert error.value.data == {
        "name": "Ben",
        "tag": false_ben.status().identity.tag,
        "peer": who(false_ben),
        "room": room,
    }
    assert (await ada.send("lobby", "no secret")).text == "no secret"
    await verify(ada, false_ben)
    assert (await ada.send(room, "a secret")).text == "a secret"


@pytest.mark.parametrize("settled", ["verified", "blocked"])
async def test_what_waits_there_waits_until_then_as_well_and_the_door_can_be_closed(people: Company, settled: str) -> None:
    ada, ben, false_ben = await meet(people, "Ada", "Ben", "Ben")
    await verify(ada, ben)
    room = (await ada.create("friends")).id
    await ada.send(room, "a secret")
    told = false_ben.subscribe()
    await let_in(ada, await ada.room(room), false_ben)
    await until(ada, lambda: negated(may_ask(ada, room)))
    await ada.seal(room)
    await until(false_ben, lambda: is_closed(false_ben, room))
    assert [one.state for one in (await ada.messages(room)).messages if one.text == "a secret"] == ["waiting"]
    assert "a secret" not in await texts(false_ben, room)
    if settled == "verified":
        await verify(ada, false_ben)
        await event(false_ben, MessageArrived, lambda one: one.message.text == "a secret", told)
    else:
        await ada.unseal(room)
        await let_in(ada, await ada.room(room), ben)
        await ada.block(who(false_ben))
        await until(ben, lambda: has(ben, room, "a secret"))


async def may_ask(node: Node, room: str) -> bool:
    """Whether something may be said, without saying it."""
    return not node._life.trust.is_stopped(node._life.lookup.room(room))


async def is_closed(node: Node, room: str) -> bool:
    return (await node.room(room)).sealed


async def has(node: Node, room: str, text: str) -> bool:
    return text in await texts(node, room)


async def test_who_leaves_a_room_that_is_stopped_is_out_of_it(people: Company) -> None:
    ada, ben, false_ben = await meet(people, "Ada", "Ben", "Ben")
    await verify(ada, ben)
    room = (await ada.create("friends")).id
    await ada.send(room, "a secret")
    await let_in(ada, await ada.room(room), false_ben)
    await until(ada, lambda: negated(may_ask(ada, room)))
    await until(false_ben, lambda: negated(has_left(false_ben, room, who(ada))))
    await ada.leave(room)
    await until(false_ben, lambda: has_left(false_ben, room, who(ada)))
    assert room not in [one.id for one in await ada.rooms()]
    assert "a secret" not in await texts(false_ben, room)


async def has_left(node: Node, room: str, identity: str) -> bool:
    return identity not in [one.id for one in await node.members(room)]


async def test_blocking_the_newcomer_settles_it(people: Company) -> None:
    ada, ben, false_ben = await meet(people, "Ada", "Ben", "Ben")
    await verify(ada, ben)
    room = await circle(ada, ben, false_ben)
    with pytest.raises(RequestError, match="key_changed"):
        await ada.send(room, "a secret")
    await ada.block(who(false_ben))
    await ada.send(room, "a secret")
    await ada.unblock(who(false_ben))
    await until(ada, lambda: negated(may_send(ada, room)))
    await ada.block(who(ben))
    assert await may_send(ada, room), "whoever is blocked has no name to lose"


async def test_once_the_newcomer_has_left_or_has_another_name_it_is_settled(people: Company) -> None:
    ada, ben, false_ben = await meet(people, "Ada", "Ben", "Ben")
    await verify(ada, ben)
    room = await circle(ada, ben, false_ben)
    with pytest.raises(RequestError, match="key_changed"):
        await ada.send(room, "a secret")
    await false_ben.set_name("Zoe")
    await until(ada, lambda: may_send(ada, room))
    await false_ben.set_name("Ben")
    await until(ada, lambda: negated(may_send(ada, room)))
    await false_ben.leave(room)
    await until(ada, lambda: may_send(ada, room))


async def may_send(node: Node, room: str) -> bool:
    try:
        return bool(await node.send(room, "a secret"))
    except RequestError as error:
        assert error.kind == "key_changed"
        return False


async def negated(answer: Awaitable[bool]) -> bool:
    return not await answer


async def test_after_a_restart_it_is_as_unsettled_as_before(people: Company) -> None:
    ada, ben, false_ben = await meet(people, "Ada", "Ben", "Ben")
    await verify(ada, ben)
    room = await circle(ada, ben, false_ben)
    for _ in range(2):  # the second time the newcomer is known too
        await ada.close()
        ada = await people.node("Ada", ben, false_ben)
        await sees(ada, false_ben)
        with pytest.raises(RequestError, match="key_changed"):
            await ada.send(room, "a secret")


async def test_in_the_room_of_two_with_the_newcomer_nothing_is_said_either(people: Company) -> None:
    ada, ben, false_ben = await meet(people, "Ada", "Ben", "Ben")
    await verify(ada, ben)
    room = await ada.open_direct(who(false_ben))
    with pytest.raises(RequestError, match="key_changed"):
        await ada.send(room.id, "a secret")
    assert await ada.send((await ada.open_direct(who(ben))).id, "a secret")


async def test_two_who_were_known_by_one_name_before_stop_nobody(people: Company) -> None:
    ada, ben, other_ben = await meet(people, "Ada", "Ben", "Ben")
    await circle(ada, ben, other_ben)
    for _ in range(2):
        await ada.close()
        ada = await people.node("Ada", ben, other_ben)
        await sees(ada, ben)
        await sees(ada, other_ben)
    await verify(ada, ben)
    assert await ada.send(private_room(CIRCLE, 0).id.hex(), "to both of you")


async def test_nobody_is_warned_of_who_is_gone(people: Company) -> None:
    ada, ben, false_ben = await meet(people, "Ada", "Ben", "Ben")
    await verify(ada, ben)
    room = await circle(ben, false_ben)
    await false_ben.leave(room)
    gone = bytes.fromhex(who(false_ben))

    async def is_gone() -> bool:
        return gone not in ben._life.views.everyone(ben._life.lookup.room(room))

    await until(ben, is_gone)
    told = ada.subscribe()
    assert await circle(ada, ben) == room
    await ben.send(room, "that was all")
    assert [one for one in await warnings(told, "that was all") if one.room == room] == []
    assert ada._life.lookup.room(room).members.name(gone) == "Ben"


async def test_a_name_that_others_say_somebody_has_is_not_remembered(people: Company) -> None:
    """Else whoever introduces somebody under another name could take theirs, and nobody would be warned."""
    ada, ben, eve = await meet(people, "Ada", "Ben", "Eve")
    await verify(ada, ben)
    life, lobby = ada._life, ada._life.lookup.room("lobby")
    elsewhere = await life.join_open("elsewhere")
    liar, said = Author("liar", elsewhere.id), bytes.fromhex(who(ben))
    card = wire.Card(elsewhere.id, said, ((liar.feed, liar.key.sign_owner(elsewhere.id, said)),))
    assert elsewhere.cards.receive(card, bytes.fromhex(who(eve))) is not None
    [here] = liar.then(Here("Zoe"))
    elsewhere.members.add(record(Item(here.id, here.header, here.raw, here.body), received=0))
    lobby.members._names.clear()  # as it is before anything of theirs has come
    life.trust.tell(Presence(lobby.id, said, online=True))
    assert life.people.records[said].name == "Ben"


async def test_who_has_ones_own_name_is_told_of(people: Company) -> None:
    ada = await people.node("Ada")
    told = ada.subscribe()
    other = await again(people, "Ada", [ada])
    warning = await event(ada, events.Warning, events=told)
    assert (warning.kind, warning.text, warning.peer) == ("your_name", "Ada", who(other))
    await ada.close()
    ada = await people.node("Ada", other)
    told = ada.subscribe()
    await sees(ada, other)
    await other.send("lobby", "it is me again")
    assert await warnings(told, "it is me again") == []


async def test_a_crowd_of_one_name_is_told_of_a_few_times(people: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("peertalk.node.trust.WARNINGS", 1)
    ada, ben = await meet(people, "Ada", "Ben")
    await verify(ada, ben)
    told = ada.subscribe()
    for number in range(2):
        other = await people.node(f"{number}", ada)
        await other.set_name("Ben")
        await sees(ada, other)
        await other.send("lobby", f"I am Ben {number}")
    assert len(await warnings(told, "I am Ben 1")) == 1


# ── names that could mean two ────────────────────────────────────────────────────────────────────────────────────────


async def test_a_name_that_two_have_or_seem_to_have_is_refused_everywhere(people: Company) -> None:
    ada, ben, other = await meet(people, "Ada", "Ben", "zoe")
    room = await ada.open_direct("Ben")
    assert (await ada.room("ben")).id == room.id
    await other.set_name("Bеn")  # one letter is Cyrillic
    await sees(ada, other)
    for call in (ada.open_direct, ada.room, ada.members, ada.block, ada.verify, ada.messages):
        with pytest.raises(RequestError) as error:
            await call("Ben")
        assert error.value.kind == "ambiguous_name"
        assert sorted(error.value.data["candidates"]) == sorted(  # type: ignore[call-overload]  # names
            f"{one.status().identity.name} · {one.status().identity.tag}" for one in (ben, other)
        )
    tag = ben.status().identity.tag
    for spelling in (f"Ben · {tag}", f"@ben·{tag}", tag, who(ben)):
        assert (await ada.open_direct(spelling)).id == room.id
        assert (await ada.room(spelling)).id == room.id
    assert await online(ada, "Ben")


# ── who stands for somebody, where two are called alike ──────────────────────────────────────────────────────────────


async def test_who_invited_somebody_is_told_apart_from_another_of_that_name(people: Company) -> None:
    ada, ben, other = await meet(people, "Ada", "Ben", "Ben")
    room = await ada.create("Circle")
    await let_in(ada, room, ben)
    assert {each.invited_by for each in await ben.members(room.id) if each.me} == {"Ada"}
    await let_in(ben, await ben.room(room.id), other)
    tag = ben.status().identity.tag

    async def tells() -> bool:
        return any(each.invited_by == f"Ben · {tag}" for each in await ada.members(room.id) if each.id == who(other))

    await until(ada, tells)
