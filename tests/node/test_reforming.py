"""Six people in a private room, one of whom is left out: what each of them has before them, line by line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest

from peertalk.core import wire
from peertalk.core.entry import Edit, React, Text
from peertalk.core.events import MessageArrived, MessageChanged, PeerChanged, ReformOffer, RoomChanged
from peertalk.core.events import Warning as Warned
from peertalk.core.outlet import Now
from peertalk.errors import RequestError
from peertalk.node import inviters
from peertalk.node.node import Node
from tests.node.company import Company, company, event, let_in, port, until
from tests.node.transcripts import lines, transcript

NAMES = ("Anna", "Ben", "Cara", "Dora", "Emil", "Finn")


class Group:
    """People by name, in the private room `Tuesday`, and in nothing else."""

    def __init__(self, people: Company) -> None:
        self.company = people
        self.nodes: dict[str, Node] = {}
        self.room = ""

    def __getitem__(self, name: str) -> Node:
        return self.nodes[name]

    async def gather(self, *names: str) -> None:
        """One after the other enters, so that their first words have an order."""
        for name in names:
            self.nodes[name] = node = await self.company.node(name, *self.nodes.values(), lobby=False)
            if len(self.nodes) == 1:
                self.room = (await node.create("Tuesday", "forever", "en")).id
            else:
                first = next(iter(self.nodes.values()))
                await let_in(first, await first.room(self.room), node)
            await self.all_online(self.nodes, self.room)

    async def all_online(self, names: Iterable[str], room: str) -> None:
        wanted = sorted(names)
        for name in wanted:
            await self.see(name, lambda name=name: self._online(name, room, wanted))

    async def _online(self, name: str, room: str, wanted: list[str]) -> bool:
        members = await self[name].members(room)
        return sorted(one.name for one in members if one.online) == wanted

    async def see(self, name: str, test: object) -> None:
        await until(self[name], test)  # type: ignore[arg-type]

    async def away(self, name: str) -> None:
        await self.nodes.pop(name).close()

    async def back(self, name: str) -> None:
        self.nodes[name] = await self.company.node(name, *self.nodes.values(), lobby=False)

    async def say(self, name: str, room: str, text: str, to: str) -> None:
        await self[name].send(room, text)
        for other in to.split():
            await self.see(other, lambda other=other: self.has(other, room, text))

    async def has(self, name: str, room: str, text: str) -> bool:
        return text in [one.text for one in (await self[name].messages(room)).messages]

    async def asked(self, name: str, by: str, followers: str) -> str:
        """Wait until somebody is asked by `by`, and so many have come along; the offer."""
        await self.see(name, lambda: self._asked(name, by, followers))
        return next(one.offer for one in await self[name].offers() if one.by.name == by)

    async def _asked(self, name: str, by: str, followers: str) -> bool:
        offers = [one for one in await self[name].offers() if one.by.name == by]
        return any({peer.name for peer in one.followers} == set(followers.split()) for one in offers)

    async def came(self, room: str, names: str) -> None:
        """Wait until each of these has read that all of them came along."""
        for name in names.split():
            await self.see(name, lambda name=name: self._came(name, room, names))

    async def _came(self, name: str, room: str, names: str) -> bool:
        said = (await self[name].messages(room)).messages
        return {one.author.name for one in said if one.kind == "follow"} == set(names.split())

    async def shows(self, name: str, expected: str) -> None:
        """In the end this is what somebody has before them."""
        try:
            await self.see(name, lambda: self._shows(name, expected))
        except TimeoutError:
            print(await transcript(self[name]))
            raise

    async def _shows(self, name: str, expected: str) -> bool:
        return await transcript(self[name]) == lines(expected)


@pytest.fixture
async def group(tmp_path: Path) -> AsyncIterator[Group]:
    async with company(tmp_path) as people:
        yield Group(people)


async def test_six_people_one_left_out_one_away_and_two_who_start_anew_at_once(group: Group) -> None:
    await group.gather(*NAMES)
    old = group.room
    await group.say("Anna", old, "welcome", "Ben Cara Dora Emil Finn")
    await group.say("Cara", old, "let me tell you what is wrong with each of you", "Anna Ben Dora Emil Finn")
    await group.away("Finn")
    new, other = await asyncio.gather(group["Anna"].reform(old, ["Cara"]), group["Ben"].reform(old, ["Cara"]))
    for name in ("Dora", "Emil"):
        await group.asked(name, "Anna", "Anna")
        await group.asked(name, "Ben", "Ben")
    await group["Dora"].follow(await group.asked("Dora", "Anna", "Anna"))
    await group.asked("Emil", "Anna", "Anna Dora")
    await group["Ben"].follow(await group.asked("Ben", "Anna", "Anna Dora"))
    await group["Ben"].leave(other.id, forget=True)
    await group.came(new.id, "Anna Ben Dora")
    await group.say("Anna", new.id, "just us", "Ben Dora")
    await group.say("Cara", old, "where is everybody?", "Emil")
    await group.back("Finn")
    await group.see("Finn", lambda: group.has("Finn", old, "where is everybody?"))
    await group["Finn"].follow(await group.asked("Finn", "Anna", "Anna Ben Dora"))
    await group.came(new.id, "Anna Ben Dora Finn")
    await group.say("Finn", new.id, "here I am", "Anna Ben Dora")
    for name in ("Anna", "Ben", "Dora", "Finn"):
        await group.shows(
            name,
            """
            Tuesday (read only): Anna, Ben, Dora, Finn
                Anna came in
                Ben came in, invited by Anna
                Cara came in, invited by Anna
                Dora came in, invited by Anna
                Emil came in, invited by Anna
                Finn came in, invited by Anna
                Anna: welcome
                Cara: let me tell you what is wrong with each of you
                Cara: where is everybody? (after the split)
            Tuesday: Anna, Ben, Dora, Finn
                Anna came along, without Cara
                Anna came in
                Ben came along, without Cara
                Ben came in, invited by Anna
                Dora came along, without Cara
                Dora came in, invited by Anna
                Anna: just us
                Finn came along, without Cara
                Finn came in, invited by Anna
                Finn: here I am
            """,
        )
    await group.shows(
        "Emil",
        """
        Tuesday: Cara, Emil
            Anna came in
            Ben came in, invited by Anna
            Cara came in, invited by Anna
            Dora came in, invited by Anna
            Emil came in, invited by Anna
            Finn came in, invited by Anna
            Anna: welcome
            Cara: let me tell you what is wrong with each of you
            Cara: where is everybody?
        Anna asks to come along to Tuesday without Cara: Anna, Ben, Dora, Finn
        """,
    )
    await group.shows(
        "Cara",
        """
        Tuesday: Cara, Emil
            Anna came in
            Ben came in, invited by Anna
            Cara came in, invited by Anna
            Dora came in, invited by Anna
            Emil came in, invited by Anna
            Finn came in, invited by Anna
            Anna: welcome
            Cara: let me tell you what is wrong with each of you
            Cara: where is everybody?
        """,
    )


async def test_who_is_left_out_hears_that_they_went_and_never_of_them_again(group: Group) -> None:
    await group.gather("Anna", "Ben", "Cara")
    await group.say("Cara", group.room, "hello", "Anna Ben")
    cara = group["Cara"]
    heard = listen(cara)
    seen = cara.subscribe()
    new = await group["Anna"].reform(group.room, ["Cara"])
    await group["Ben"].follow(await group.asked("Ben", "Anna", "Anna"))
    await group.came(new.id, "Anna Ben")
    await group.say("Ben", new.id, "just us", "Anna")
    gone = {(await event(cara, PeerChanged, lambda one: one.change == "offline", seen)).peer.name for _ in range(2)}
    for name in ("Anna", "Ben"):
        host, at = "127.0.0.1", port(group[name])
        with pytest.raises(RequestError, match="not_reachable"):
            await cara.connect(host, at, timeout=3)
    assert gone == {"Anna", "Ben"}
    goodbye = wire.Quit(bytes.fromhex(group.room))
    assert [said[said.index(goodbye) :] for said in heard.values()] == [[goodbye], [goodbye]]
    assert [node.status().links for node in group.nodes.values()] == [1, 1, 0]
    seen.close()


def listen(node: Node) -> dict[int, list[wire.Message]]:
    """Whatever the replica of a node is sent from now on, by link."""
    heard: dict[int, list[wire.Message]] = {}
    replica, received = node._life.replica, node._life.replica.received

    def note(link: int, raw: bytes, now: Now) -> None:
        heard.setdefault(link, []).append(wire.decode(raw))
        received(link, raw, now)

    replica.received = note  # type: ignore[method-assign]
    return heard


async def test_nobody_is_warned_of_who_came_along_but_of_who_came_in_by_no_code(
    group: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inviters, "PATIENCE", 0.0)
    await group.gather("Anna", "Ben", "Cara")
    anna, dora = group["Anna"], await group.company.node("Dora", *group.nodes.values(), lobby=False)
    new = await anna.reform(group.room, ["Cara"])
    seen = anna.subscribe()
    await group["Ben"].follow(await group.asked("Ben", "Anna", "Anna"))
    await group.came(new.id, "Anna Ben")
    await let_in(anna, new, dora)
    warned = await event(anna, Warned, events=seen)
    assert (warned.kind, warned.text) == ("not_invited", "Dora")
    seen.close()


async def test_what_is_told_while_it_happens(group: Group) -> None:
    await group.gather("Anna", "Ben", "Cara")
    anna, ben = group["Anna"].subscribe(), group["Ben"].subscribe()
    new = await group["Anna"].reform(group.room, ["Cara"])
    assert (new.name, new.predecessor, new.archived) == ("Tuesday", group.room, False)
    told = await event(group["Anna"], RoomChanged, lambda one: one.change == "archived", anna)
    assert (told.room.id, told.room.archived) == (group.room, True)
    offer = await event(group["Ben"], ReformOffer, events=ben)
    assert (offer.room, offer.by.name, [one.name for one in offer.without]) == (group.room, "Anna", ["Cara"])
    followed = await group["Ben"].follow(offer.offer)
    assert followed.id == new.id == (await group["Ben"].room("Tuesday")).id
    anna.close()
    ben.close()


async def test_what_waited_is_seen_to_move(group: Group) -> None:
    await group.gather("Anna")
    anna = group["Anna"]
    await group.gather("Ben")
    await group.away("Ben")
    await group.see("Anna", lambda: alone(anna, group.room))
    waiting = await anna.send(group.room, "are you there?")
    seen = anna.subscribe()
    new = await anna.reform(group.room, ["Ben"])
    gone = await event(anna, MessageChanged, lambda one: one.message.id == waiting.id, seen)
    assert (gone.message.room, gone.message.deleted) == (group.room, True)
    come = await event(anna, MessageArrived, lambda one: one.message.text == "are you there?", seen)
    assert (come.message.room, come.message.state) == (new.id, "waiting")
    assert (await anna.messages(new.id)).messages == [come.message]
    assert [one.kind for one in (await anna.messages(group.room)).messages if one.state == "waiting"] == []
    seen.close()


async def test_what_was_about_a_message_that_stays_behind_is_refused_and_not_waited_for(group: Group) -> None:
    await group.gather("Anna", "Ben", "Cara")
    anna = group["Anna"]
    sent = await anna.send(group.room, "who comes?")
    inside, to = anna._life.lookup.room(group.room), bytes.fromhex(sent.id)
    busy = anna._begin(inside, Text("is on its way to the disk"))
    gesture, edit = anna._begin(inside, React(to, "hope")), anna._begin(inside, Edit(to, "who comes now?"))
    seen = anna.subscribe()
    await anna.reform(group.room, ["Cara"])
    for refused in (gesture, edit):
        with pytest.raises(RequestError) as error:
            await asyncio.wait_for(refused, 5)
        assert error.value.data == {"why": "reformed"}
    assert (await busy).kind == "text"
    told = await event(anna, MessageChanged, lambda one: one.message.id == sent.id and not one.message.reactions, seen)
    assert (told.message.text, told.message.edited) == ("who comes?", False)
    seen.close()


async def test_of_a_room_off_the_record_no_offer_is_on_disk_either(group: Group) -> None:
    await group.gather("Anna", "Ben", "Cara")
    anna, ben, cara = group["Anna"], group["Ben"], group["Cara"]
    off = await anna.create("Tonight", "session", "en")
    for guest in (ben, cara):
        await let_in(anna, off, guest)
    await group.all_online(["Anna", "Ben", "Cara"], off.id)
    new = await anna.reform(off.id, ["Cara"])
    offer = await group.asked("Ben", "Anna", "Anna")
    assert (await ben._life.store.load()).offers == ()
    assert (await ben.follow(offer)).retention == new.retention == "session"
    await group.say("Anna", new.id, "just us", "Ben")
    kept = [room.record.id.hex() for room in (await ben._life.store.load()).rooms]
    assert group.room in kept
    assert not {off.id, new.id} & set(kept)


async def alone(node: Node, room: str) -> bool:
    return (await node.room(room)).online == 1


async def test_what_cannot_be_is_refused_and_says_why(group: Group) -> None:
    await group.gather("Anna", "Ben", "Cara")
    anna = group["Anna"]
    lobby = await anna.join("lobby")
    stranger = await group.company.node("Sam", anna)
    await until(anna, lambda: knows(anna, "Sam"))
    for room, people, why in (
        (lobby.id, ["Ben"], "not_private"),
        (group.room, [], "nobody"),
        (group.room, ["Anna"], "self"),
        (group.room, [stranger.status().identity.id], "not_member"),
    ):
        with pytest.raises(RequestError) as error:
            await anna.reform(room, people)
        assert (error.value.kind, error.value.data["why"]) == ("refused", why)
    with pytest.raises(RequestError, match="unknown_peer"):
        await anna.reform(group.room, ["Zoe"])
    for call in (anna.follow, anna.decline):
        for offer in ("nonsense", "00" * 32):
            with pytest.raises(RequestError, match="unknown_offer"):
                await call(offer)
    assert [room.archived for room in await anna.rooms()] == [False, False]


async def knows(node: Node, name: str) -> bool:
    return name in [peer.name for peer in await node.peers()]


async def test_a_room_that_was_re_formed_is_only_read(group: Group) -> None:
    await group.gather("Anna", "Ben", "Cara")
    anna = group["Anna"]
    await anna.reform(group.room, ["Cara"])
    with pytest.raises(RequestError) as error:
        await anna.send(group.room, "one more thing")
    assert (error.value.kind, error.value.data) == ("refused", {"why": "reformed"})
    with pytest.raises(RequestError) as error:
        await anna.reform(group.room, ["Ben"])
    assert error.value.data == {"why": "reformed", "room": group.room}


async def test_it_is_said_where_one_would_still_meet_who_is_left_out(group: Group) -> None:
    await group.gather("Anna", "Ben", "Cara")
    anna, ben, cara = group["Anna"], group["Ben"], group["Cara"]
    chess = await ben.create("Chess", "forever", "en")
    await let_in(ben, chess, cara)
    await group.all_online(["Ben", "Cara"], chess.id)
    await cara.send((await cara.open_direct("Ben")).id, "secretly")
    direct = (await ben.open_direct("Cara")).id
    await ben.send(direct, "what?")
    for each in (ben, cara):
        await each.join("workshop")
    await group.all_online(["Ben", "Cara"], "workshop")
    await anna.reform(group.room, ["Cara"])
    await group.asked("Ben", "Anna", "Anna")
    assert (await ben.offers())[0].still_shared == ["#workshop", "Cara", "Chess"]
    await ben.follow((await ben.offers())[0].offer)
    await group.say("Cara", chess.id, "your move", "Ben")


async def test_after_a_restart_everything_is_as_it_was(group: Group) -> None:
    await group.gather("Anna", "Ben", "Cara")
    await group["Anna"].reform(group.room, ["Cara"])
    await group.asked("Ben", "Anna", "Anna")
    before = await group["Ben"].offers()
    await group.away("Cara")
    await group.away("Ben")
    await group.away("Anna")
    await group.back("Ben")
    asked = await group["Ben"].offers()
    assert [(one.offer, one.by.id) for one in asked] == [(one.offer, one.by.id) for one in before]
    await group.back("Anna")
    new = await group["Ben"].follow(asked[0].offer)
    await group.came(new.id, "Anna Ben")
    await group.back("Cara")
    await group.say("Anna", new.id, "good morning", "Ben")
    assert [node.status().links for node in group.nodes.values()] == [1, 1, 0]
