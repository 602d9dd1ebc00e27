"""A member that edits, deletes and answers with gestures what is not its own, what is not there, and without end."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.hostile import feed
from tests.hostile.conftest import Hostile
from tests.hostile.feed import NOBODY, Entry, Feed, pack
from tests.hostile.member import LOBBY, SHOWN, Member, overlook
from tests.hostile.test_entries import BAD as UNSEEN
from tests.hostile.test_pages import hears
from tests.hostile.victim import MARK, Victim
from tests.lab.rpc_process import RpcProcess

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(autouse=True)
def coming(shown: set[str]) -> None:
    shown |= SHOWN


async def listed(process: RpcProcess) -> dict[str, dict[str, Any]]:
    """All messages of the lobby, by their ids."""
    found = (await process.call("messages.list", room="lobby", limit=100_000))["messages"]
    return {one["id"]: one for one in found}


async def settled(one: Member, victim: Victim) -> None:
    """What it said has come to both, and has been told."""
    await one.claimed(one.feed.last)
    word = f"after all {one.feed.seq} {one.feed.key.hex()[:6]}"
    one.say(one.feed.says(word))
    await victim.friend.has_texts(word)


# ── what others said ─────────────────────────────────────────────────────────────────────────────────────────────────

Forged = Callable[[Feed, bytes, bytes], dict[str, Any]]
NO_HEIRS: dict[str, Forged] = {
    "nobody": lambda own, older, _: {"name": "Heir"},
    "itself": lambda own, older, _: {"name": "Heir", "next": [own.key, own.sign(b"peertalk/1 next" + LOBBY + own.key)]},
    "signed by itself": lambda own, older, _: {"name": "Heir", "next": [older, own.sign(b"peertalk/1 next" + LOBBY + own.key)]},
    "not signed": lambda own, older, _: {"name": "Heir", "next": [older, bytes(64)]},
    "signed for something else": lambda own, older, owned: {"name": "Heir", "next": [older, owned]},
}


@pytest.mark.parametrize("forged", NO_HEIRS.values(), ids=NO_HEIRS)
async def test_nobody_changes_what_others_said(hostile: Hostile, victim: Victim, forged: Forged) -> None:
    """Nor by a feed that says that it goes on from theirs."""
    one = await Member.link(hostile, f"heir {forged}")
    one.say(feed.card(LOBBY, one.identity, one.feed.owned_by(one.identity)))
    while (card := await one.until(feed.CARD))[2] != bytes.fromhex(victim.id):
        pass
    one.say(feed.have(LOBBY), feed.tips(LOBBY, [], fresh=True, last=True))
    sent = await victim.process.call("messages.send", room="lobby", text="mine it is")
    to = bytes.fromhex(sent["id"])
    one.say(one.feed.page(one.feed.then(forged(one.feed, *card[3][0]), "here")))
    one.say(one.feed.page(one.feed.then({"to": to, "text": MARK}, "edit"), one.feed.then({"to": to}, "delete")))
    await settled(one, victim)
    for process in (victim.process, victim.friend):
        shown = (await listed(process))[sent["id"]]
        assert (shown["text"], shown["edited"], shown["deleted"]) == ("mine it is", False, False)
    await overlook(victim)


# ── what is deleted ──────────────────────────────────────────────────────────────────────────────────────────────────


async def test_what_was_deleted_before_it_came_is_not_kept_however_it_comes(hostile: Hostile, victim: Victim) -> None:
    """In its page, in several pages, as a body; nor with its edit."""
    one = await Member.join(hostile, "takes back")
    secret = "canary that was taken back"
    said = one.feed.entry({"text": secret})
    edit = Feed(LOBBY, bytes(one.feed.signer))
    one.say(one.feed.page(one.feed.then({"to": said.message}, "delete")))
    await one.claimed(one.feed.last)
    said = Entry(pack(one.feed.header("text", said.body or b"")), said.body)
    one.feed.seq, one.feed.lamport, one.feed.last = one.feed.seq + 1, one.feed.lamport + 1, said.id
    edit = one.feed.then({"to": said.message, "text": f"{secret} and again"}, "edit")
    one.say(feed.pages(one.feed.page(said), one.feed.page(edit)), one.feed.page(said), one.feed.page(edit))
    one.say(pack([feed.BODIES, LOBBY, [[said.id, said.body], [edit.id, edit.body]]]))
    await settled(one, victim)
    for process in (victim.process, victim.friend):
        shown = (await listed(process))[said.message.hex()]
        assert (shown["deleted"], shown["text"]) == (True, "")
        assert secret not in str(process.events)
    assert secret.encode() not in victim.image()
    assert b"mine it is" in victim.image()
    await overlook(victim)


async def test_a_body_that_comes_again_after_it_was_deleted_is_not_kept(hostile: Hostile, victim: Victim) -> None:
    one = await Member.join(hostile, "second thoughts")
    secret = "canary of second thoughts"
    said = one.feed.then({"text": secret})
    page = one.feed.page(said)
    one.say(page)
    await one.claimed(said.id)
    assert secret.encode() in victim.image()
    one.say(one.feed.page(one.feed.then({"to": said.message}, "delete")))
    await settled(one, victim)
    other = await Member.join(hostile, "brings it again")
    for each in (one, other):
        each.say(pack([feed.BODIES, LOBBY, [[said.id, said.body]]]), page, feed.pages(page))
        each.say(pack([feed.WANT_BODIES, LOBBY, [said.id]]))
        assert await each.until(feed.BODIES) == [feed.BODIES, LOBBY, []]
    assert secret.encode() not in victim.image()
    await overlook(victim)


async def test_deletions_of_what_nobody_has_cost_no_more_than_anything(hostile: Hostile, victim: Victim) -> None:
    one = await Member.join(hostile, "deletes")
    for start in range(0, 2000, 100):
        one.say(one.feed.page(*(one.feed.then({"to": feed.blake(b"%d" % (start + n))}, "delete") for n in range(100))))
    await one.is_heard()
    assert await hears(victim) < 1
    await overlook(victim)


# ── gestures ─────────────────────────────────────────────────────────────────────────────────────────────────────────

FLAGS = [chr(0x1F1E6 + number // 26) + chr(0x1F1E6 + number % 26) for number in range(26 * 26)]
REACTIONS = {
    "control characters": "\x1b[2J\x07",
    "bidi": "\u202eevil\u2066",
    "64 combining marks": "a" + "\u0301" * 63,
    "an emoji with 60 marks": "👋" + "\u0301" * 60,
    "60 joined": "\u200d".join("👩" * 30),
    "a line break": "hope\n",
    "words": "I was here",
    "wide letters": "漢",
    "65 characters": "x" * 65,
    "two": "👋👋",
    "nothing": "",
    "invisible": "\u200b",
    "a key with a colon": "hope:",
}


async def test_gestures_that_are_none_are_not_shown(hostile: Hostile, victim: Victim) -> None:
    one = await Member.join(hostile, "waves")
    sent = await victim.process.call("messages.send", room="lobby", text="wave at me")
    to = bytes.fromhex(sent["id"])
    for reaction in REACTIONS.values():
        one.say(one.feed.page(one.feed.then({"to": to, "reaction": reaction}, "react")))
    one.say(one.feed.page(one.feed.then({"to": to, "reaction": "hope"}, "react")))
    await settled(one, victim)
    for process in (victim.process, victim.friend):
        assert (await listed(process))[sent["id"]]["reactions"] == {"hope": [one.identity.hex()]}
    await overlook(victim)


async def test_gestures_without_end_slow_nobody_down(hostile: Hostile, victim: Victim) -> None:
    """Thousands of different ones towards one message, at once what an open room takes in at once, and the costliest to look at."""
    one = await Member.join(hostile, "waves and waves")
    sent = await victim.process.call("messages.send", room="lobby", text="wave no more")
    to = bytes.fromhex(sent["id"])
    costly = [flag + "\u0301\u202e" * 30 + chr(0x4E00 + number) for number, flag in enumerate(FLAGS * 4)]
    for start in range(0, 3000, 100):
        some = FLAGS[start : start + 100] or [text[:64] for text in costly[start - 700 : start - 600]]
        one.say(one.feed.page(*(one.feed.then({"to": to, "reaction": text}, "react") for text in some)))
    assert await hears(victim) < 1
    await one.is_heard()
    started = time.monotonic()
    shown = (await listed(victim.process))[sent["id"]]
    assert time.monotonic() - started < 1
    assert len(shown["reactions"]) <= 64
    await overlook(victim)


# ── what they say ────────────────────────────────────────────────────────────────────────────────────────────────────

NASTY = "forged\r\n* Canary has left\n\u2028\x1b[2J\x07\u202e" + "\u0301" * 100
SAID: dict[str, tuple[str, dict[str, Any]]] = {
    "a text": ("text", {"text": "noted", "warning": NASTY}),
    "a story": ("story", {"text": "told", "title": NASTY, "warning": NASTY, "replies": "listen"}),
    "an edit of a text": ("edit", {"text": "now", "title": NASTY, "warning": NASTY}),
    "a long edit": ("edit", {"text": "x" * 32_000, "title": "y" * 256}),
}


@pytest.mark.parametrize(("kind", "content"), SAID.values(), ids=SAID)
async def test_titles_and_notes_are_harmless_when_they_are_shown(
    hostile: Hostile, victim: Victim, kind: str, content: dict[str, Any]
) -> None:
    one = await Member.join(hostile, f"entitled {kind} {content['text'][:9]}")
    first = said = one.feed.then({"text": "before"} if kind == "edit" else content, "story" if kind == "edit" else kind)
    one.say(one.feed.page(first))
    if kind == "edit":
        said = one.feed.then({**content, "to": first.message}, "edit")
        one.say(one.feed.page(said))
    await settled(one, victim)
    for process in (victim.process, victim.friend):
        shown = (await listed(process))[first.message.hex()]
        assert shown["text"].rstrip("…")[:1000] == content["text"][: len(shown["text"].rstrip("…"))][:1000]
        for line in filter(None, (shown["title"], shown["warning"])):
            assert not [each for each in line if each in UNSEEN or each == "\n"]
            assert "\u0301" * 20 not in line
    await overlook(victim)


WRONG: dict[str, tuple[str, dict[str, Any]]] = {
    "an edit to nothing": ("edit", {"text": ""}),
    "an edit without words": ("edit", {}),
    "an edit with a long title": ("edit", {"text": MARK, "title": "x" * 257}),
    "an edit that is a number": ("edit", {"text": 7}),
    "an edit of 31 bytes": ("edit", {"to": NOBODY[1:], "text": MARK}),
    "an edit with an empty note": ("edit", {"text": MARK, "warning": ""}),
    "a deletion of nothing": ("delete", {"to": b""}),
    "a deletion of several": ("delete", {"to": [NOBODY]}),
    "a story for others": ("story", {"text": MARK, "replies": "never"}),
    "a story with a long title": ("story", {"text": MARK, "title": "x" * 257}),
    "a story of nothing": ("story", {"text": ""}),
    "a gesture of bytes": ("react", {"reaction": b"hope"}),
    "a gesture taken back with a word": ("react", {"reaction": "thanks", "remove": "yes"}),
    "a poll": ("poll", {"text": MARK}),
}


@pytest.mark.parametrize(("kind", "content"), WRONG.values(), ids=WRONG)
async def test_what_is_not_as_its_kind_says_changes_nothing(
    hostile: Hostile, victim: Victim, kind: str, content: dict[str, Any]
) -> None:
    one = await Member.join(hostile, f"wrong {kind} {content}")
    first = one.feed.then({"text": "as it was"})
    one.say(one.feed.page(first, one.feed.then({"to": first.message, **content}, kind)))
    await settled(one, victim)
    for process in (victim.process, victim.friend):
        shown = (await listed(process))[first.message.hex()]
        assert (shown["text"], shown["edited"], shown["deleted"], shown["reactions"]) == ("as it was", False, False, {})
        assert MARK not in str(process.events)
    await overlook(victim)


async def test_whose_feed_is_not_known_makes_no_gestures(hostile: Hostile, victim: Victim) -> None:
    one = await Member.join(hostile, "many hands")
    sent = await victim.process.call("messages.send", room="lobby", text="who waves?")
    hands = [Feed(LOBBY, feed.blake(b"hand %d" % number)) for number in range(20)]
    for hand in hands:
        one.say(hand.page(hand.then({"to": bytes.fromhex(sent["id"]), "reaction": "hope"}, "react")))
    one.say(one.feed.page(one.feed.then({}, "later")))
    await settled(one, victim)
    assert (await listed(victim.process))[sent["id"]]["reactions"] == {}
    await overlook(victim)
