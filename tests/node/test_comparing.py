"""Comparing emoji with one, words with a room; with somebody in between, and without."""

from __future__ import annotations

import asyncio
import threading

import pytest

from peertalk import i18n
from peertalk.core.effects import VerifyAsked
from peertalk.core.events import Member, PeerChanged, RoomChanged, VerifyRequest, Words
from peertalk.core.rooms import Terms, private_room
from peertalk.core.verify import LONGEST
from peertalk.core.wordlist import WORDS
from peertalk.errors import RequestError
from peertalk.node import comparing
from peertalk.node.node import Node
from tests.node.company import PATIENCE, Company, event, online, until
from tests.node.test_trust import again, circle, meet, sees, trust, who


async def refusal(work: object) -> tuple[str, object]:
    with pytest.raises(RequestError) as error:
        await work  # type: ignore[misc]  # a coroutine
    return error.value.kind, error.value.data.get("why")


# ── emoji ────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_both_see_the_same_seven_once_both_have_asked(people: Company) -> None:
    ada, ben = await meet(people, "Ada", "Ben")
    told = ben.subscribe()
    first = asyncio.create_task(ada.verify("Ben"))
    request = await event(ben, VerifyRequest, events=told)
    assert request.peer.id == who(ada)
    assert not first.done()
    seen = await ben.verify(who(ada))
    assert await first == seen
    assert len(seen.emoji) == 7
    assert (await ada.confirm("Ben", True)).trust == "verified"
    assert await trust(ben, who(ada)) == "new"
    assert (await ben.confirm("Ada", True)).trust == "verified"
    assert (await event(ben, PeerChanged, lambda one: one.change == "trust", told)).peer.trust == "verified"


async def test_of_those_who_are_new_and_ask_so_many_are_told_of_and_of_those_who_are_verified_all(people: Company) -> None:
    ada, ben = await meet(people, "Ada", "Ben")
    told = ada.subscribe()
    crowd = [number.to_bytes(32, "big") for number in range(2 * comparing.ASKED)]
    await ada._life.trust.verify(bytes.fromhex(who(ben)), verified=True)
    for identity in (*crowd, bytes.fromhex(who(ben))):
        ada._life.comparing.tell(VerifyAsked(identity))
    asked = []
    while who(ben) not in asked:
        asked.append((await event(ada, VerifyRequest, events=told)).peer.id)
    assert asked == [*(identity.hex() for identity in crowd[: comparing.ASKED]), who(ben)]


async def test_their_names_are_in_the_language_of_the_person(people: Company) -> None:
    ada, ben = await meet(people, "Ada", "Ben")
    i18n.activate("de")
    try:
        german, _ = await asyncio.gather(ada.verify("Ben"), ben.verify("Ada"))
        i18n.activate("en")
        english, _ = await asyncio.gather(ada.verify("Ben"), ben.verify("Ada"))
    finally:
        i18n.activate("en")
    assert [one.name for one in german.emoji] != [one.name for one in english.emoji]


async def test_nobody_is_verified_without_having_compared(people: Company) -> None:
    ada, ben = await meet(people, "Ada", "Ben")
    assert await refusal(ada.confirm("Ben", True)) == ("refused", "not_compared")
    await asyncio.gather(ada.verify("Ben"), ben.verify("Ada"))
    assert (await ada.confirm("Ben", False)).trust == "new"
    assert await refusal(ada.confirm("Ben", True)) == ("refused", "not_compared")


async def test_who_gives_up_is_not_waited_for(people: Company) -> None:
    ada, ben = await meet(people, "Ada", "Ben")
    given_up = asyncio.create_task(ada.verify("Ben"))
    refused = asyncio.create_task(refusal(ben.verify("Ada")))
    await asyncio.sleep(0)  # both have asked, and nothing of it has arrived yet
    given_up.cancel()
    with pytest.raises(asyncio.CancelledError):
        await given_up
    assert await refused == ("not_reachable", "cancelled")


async def test_two_who_wait_here_for_the_same_one_both_get_it(people: Company) -> None:
    ada, ben = await meet(people, "Ada", "Ben")
    one, other = asyncio.create_task(ada.verify("Ben")), asyncio.create_task(ada.verify("Ben"))
    third = asyncio.create_task(ada.verify("Ben"))
    await asyncio.sleep(0)
    third.cancel()
    assert await ben.verify("Ada") == await one == await other


async def test_who_is_not_here_can_not_be_compared_with(people: Company) -> None:
    ada, ben = await meet(people, "Ada", "Ben")
    waits = asyncio.create_task(refusal(ada.verify("Ben")))
    await event(ben, VerifyRequest)
    await ada.close()
    assert await waits == ("not_reachable", "closing")
    await until(ben, lambda: is_away(ben, who(ada)))
    assert await refusal(ben.verify(who(ada))) == ("not_reachable", "away")


async def is_away(node: Node, id: str) -> bool:
    return not any(peer.id == id and peer.online for peer in await node.peers())


async def test_it_goes_on_over_another_link(people: Company) -> None:
    ada, ben = await meet(people, "Ada", "Ben")
    waits, told = asyncio.create_task(ada.verify("Ben")), ben.subscribe()
    await event(ben, VerifyRequest, events=told)
    before = {*ben._life.links.lines}

    async def is_another() -> bool:
        return bool({*ben._life.links.lines} - before) and await online(ben, "Ada")

    ada._life.links.hang_up(bytes.fromhex(who(ben)), "moved")
    await until(ben, is_another)
    assert await ben.verify("Ada") == await waits
    assert LONGEST > PATIENCE
    bound = [run.binding for node in (ada, ben) for run in node._life.replica.verifying._runs.values()]
    assert len(bound) == 2
    assert len({*bound}) == 1
    assert len(bound[0]) == 32


# ── words ────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def united(node: Node, room: str) -> Words:
    """The words, once all see the same."""

    async def is_united() -> bool:
        words = await node.words(room)
        return not words.gathering

    await until(node, is_united)
    return await node.words(room)


def ids(members: list[Member]) -> set[str]:
    return {member.id for member in members}


async def test_all_have_the_same_ten_words_in_whichever_language(people: Company) -> None:
    ada, ben, cara = await meet(people, "Ada", "Ben", "Cara")
    room = await circle(ada, ben, cara)
    words = [await united(node, room) for node in (ada, ben, cara)]
    assert [one.words for one in words] == [words[0].words] * 3
    assert len(words[0].words) == 10
    assert [ids(one.members) for one in words] == [{who(ada), who(ben), who(cara)}] * 3
    german = (await ben.words(room, "de")).words
    assert [WORDS["de"].index(word) for word in german] == [WORDS["en"].index(word) for word in words[0].words]


async def test_they_change_with_each_member_and_each_name_and_that_is_told(people: Company) -> None:
    ada, ben, cara = await meet(people, "Ada", "Ben", "Cara")
    room = await circle(ada, ben)
    told, seen = ada.subscribe(), [await united(ada, room)]
    await ben.set_name("Benno")
    await event(ada, RoomChanged, lambda one: one.change == "words", told)
    seen.append(await united(ada, room))
    cara._life.replica.join(private_room(Terms(b"s" * 32, "Circle", "en", 0), 0), cara._life.now())
    cara._life.engine.turn()
    await event(ada, RoomChanged, lambda one: one.change == "words", told)

    async def all_three() -> bool:
        return len((await united(ada, room)).members) == 3

    await until(ada, all_three)
    seen.append(await united(ada, room))
    assert len({tuple(words.words) for words in seen}) == 3


async def test_they_are_made_once_and_the_loop_turns_meanwhile(people: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = await people.node("Ada")
    begun, go_on, made, loop = asyncio.Event(), threading.Event(), [], asyncio.get_running_loop()

    def slowly(secret: bytes, roster: bytes) -> bytes:
        made.append(roster)
        loop.call_soon_threadsafe(begun.set)
        assert go_on.wait(PATIENCE), "nothing else was done meanwhile"
        return bytes(range(10))

    monkeypatch.setattr(comparing, "room_words", slowly)
    waiting = [asyncio.create_task(ada.words("lobby", language)) for language in ("en", "de")]
    await begun.wait()
    go_on.set()
    words = [(await one).words for one in waiting]
    assert words == [list(WORDS["en"][:10]), list(WORDS["de"][:10])]
    assert len(made) == 1


async def test_who_is_there_is_verified(people: Company) -> None:
    ada, ben, cara = await meet(people, "Ada", "Ben", "Cara")
    room = await circle(ada, ben, cara)
    assert await refusal(ada.verified(room, ["Ben"])) == ("refused", "not_compared")
    await united(ada, room)
    members = await ada.verified(room, ["Ada", "Ben", who(cara)])
    assert {member.name: member.trust for member in members} == {"Ada": "verified", "Ben": "verified", "Cara": "verified"}
    assert await trust(ada, who(ben)) == "verified"


async def test_nobody_is_verified_if_one_name_is_wrong(people: Company) -> None:
    ada, ben, _cara = await meet(people, "Ada", "Ben", "Cara")
    room = await circle(ada, ben)
    await united(ada, room)
    assert (await refusal(ada.verified(room, ["Ben", "Zoe"])))[0] == "unknown_peer"
    assert (await refusal(ada.verified(room, ["Ben", "Cara"])))[0] == "unknown_peer"
    assert await trust(ada, who(ben)) == "new"


async def test_who_came_after_the_words_were_shown_is_not_meant_by_them(people: Company) -> None:
    ada, ben, cara = await meet(people, "Ada", "Ben", "Cara")
    room = await circle(ada, ben)
    shown = await united(ada, room)
    await circle(ada, ben, cara)
    assert await refusal(ada.verified(room, ["Ben", "Cara"])) == ("refused", "words_changed")
    assert ids(shown.members) == {who(ada), who(ben)}
    await ada.verified(room, ["Ben"])
    assert await trust(ada, who(ben)) == "verified"


async def test_who_takes_a_name_after_the_words_were_shown_is_not_meant_by_it(people: Company) -> None:
    ada, ben, cara = await meet(people, "Ada", "Ben", "Cara")
    room = await circle(ada, ben, cara)
    await united(ada, room)
    told = ada.subscribe()
    await ben.set_name("Zoe")
    await cara.set_name("Ben")
    for node in (ben, cara):
        await sees(ada, node)
    await event(ada, RoomChanged, lambda one: one.change == "words", told)
    await ada.verified(room, ["Ben"])
    assert (await trust(ada, who(ben)), await trust(ada, who(cara))) == ("verified", "new")


# ── somebody in between ──────────────────────────────────────────────────────────────────────────────────────────────


async def between(people: Company) -> list[Node]:
    """Ada and Ben never meet: Mallory is `Ben` to Ada and `Ada` to Ben, with a key for each."""
    ada = await people.node("Ada")
    for_ada = await again(people, "Ben", [ada])
    for_ben = await again(people, "Ada", [])
    ben = await people.node("Ben", for_ben)
    for one, other in ((ada, for_ada), (ben, for_ben)):
        await sees(one, other)
        await sees(other, one)
    return [ada, for_ada, for_ben, ben]


async def test_in_an_open_room_somebody_in_between_gives_both_other_emoji_and_other_words(people: Company) -> None:
    ada, for_ada, for_ben, ben = await between(people)
    at_ada, _, at_ben, _ = await asyncio.gather(
        ada.verify("Ben"), for_ada.verify("Ada"), ben.verify("Ada"), for_ben.verify("Ben")
    )
    assert at_ada != at_ben
    assert (await united(ada, "lobby")).words != (await united(ben, "lobby")).words


async def test_in_a_private_room_that_a_member_splits_the_words_differ_on_all_screens(people: Company) -> None:
    ada, for_ada, for_ben, ben = await between(people)
    room = await circle(ada, for_ada)
    assert await circle(for_ben, ben) == room
    words = [(await united(node, room)).words for node in (ada, ben)]
    assert words[0] != words[1]
    names = [sorted(member.name for member in (await node.words(room)).members) for node in (ada, ben)]
    assert names == [["Ada", "Ben"]] * 2, "nothing but the words tells"
