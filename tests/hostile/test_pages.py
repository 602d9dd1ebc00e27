"""A member that answers with several pages at once, and some of them wrong; or asks for them without end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest

from tests.hostile import feed
from tests.hostile.conftest import Hostile
from tests.hostile.feed import NOBODY, Feed, pack, unpack
from tests.hostile.member import LOBBY, SHOWN, Member, overlook
from tests.hostile.test_entries import SMALL_KEYS
from tests.hostile.test_member_floods import crowd
from tests.hostile.victim import MARK, Victim

pytestmark = pytest.mark.asyncio(loop_scope="module")
ZEROS = bytes(64)


@pytest.fixture(autouse=True)
def coming(shown: set[str]) -> None:
    shown |= SHOWN


async def hears(victim: Victim) -> float:
    """Seconds for a message each way, until both know that the other one has it; of three times the least."""
    took = []
    for _ in range(3):
        started = time.monotonic()
        await victim.talk()
        took.append(time.monotonic() - started)
    return min(took)


# ── what is no such message ──────────────────────────────────────────────────────────────────────────────────────────


def run(**changes: object) -> list[object]:
    right = {"headers": [b"h" * 200], "signature": ZEROS, "bodies": [b"b" * 64]}
    return [*{**right, **changes}.values()]


def full() -> list[object]:
    """A right page, but for its size."""
    one = Feed(LOBBY, bytes(32))
    page: list[object] = unpack(one.page(*(one.then({"text": "x" * 30_000}) for _ in range(9))))[2:]
    return page


MALFORMED: dict[str, Callable[[], list[object]]] = {
    "none at all": list,
    "513": lambda: [run(headers=[b"h"], bodies=[None])] * 513,
    "one of nothing": lambda: [run(headers=[], bodies=[])],
    "one of 513 entries": lambda: [run(headers=[b"h"] * 513, bodies=[None] * 513)],
    "a header of 1,025 bytes": lambda: [run(headers=[b"h" * 1025])],
    "a body of 31 bytes": lambda: [run(bodies=[b"b" * 31])],
    "more bodies than headers": lambda: [run(bodies=[None, None])],
    "no bodies": lambda: [run(bodies=[])],
    "a signature of 63 bytes": lambda: [run(signature=ZEROS[1:])],
    "an element too many": lambda: [[*run(), None]],
    "a page as a message": lambda: [[feed.PAGE, LOBBY, *run()]],
    "a page of more than 256 KiB": lambda: [full()],
    "headers that are none": lambda: [run()] * 500,
}


@pytest.mark.parametrize("pages", MALFORMED.values(), ids=MALFORMED)
async def test_what_are_no_pages_costs_the_link(hostile: Hostile, pages: Callable[[], list[object]]) -> None:
    one = await Member.join(hostile, "no pages")
    one.say(pack([feed.PAGES, LOBBY, pages()]))
    assert await one.peer.closed() == "malformed"


async def test_pages_before_the_cards_cost_the_link(hostile: Hostile) -> None:
    one = await Member.link(hostile, "early pages")
    one.say(feed.pages(one.feed.says(MARK)))
    assert await one.peer.closed() == "out_of_order"


# ── a bad one among them ─────────────────────────────────────────────────────────────────────────────────────────────


def grafted(one: Feed) -> bytes:
    """Of another room, signed for that."""
    other = Feed(NOBODY, bytes(one.signer))
    return other.page(other.then({"text": MARK}))


def snatched(one: Feed) -> bytes:
    entry = one.entry({"text": MARK})
    return one.page(feed.Entry(entry.raw, feed.body({"text": "another"})))


BAD: dict[str, tuple[str, Callable[[Feed], bytes]]] = {
    "signature": ("bad_signature", lambda one: one.page(one.entry({"text": MARK}), signature=ZEROS)),
    "body": ("bad_body", snatched),
    "room": ("void_entry", grafted),
    "lamport": ("void_entry", lambda one: one.page(one.entry({"text": MARK}, lamport=one.lamport + 2))),
    "header": ("malformed", lambda one: one.page(one.entry({"text": MARK}, version=2))),
    **{
        f"feed that is {name}": (
            "bad_key",
            lambda one, key=key: one.page(one.entry({"text": MARK}, feed=key[0]), signature=key[1]),
        )
        for name, key in SMALL_KEYS.items()
    },
}


@pytest.mark.parametrize(("reason", "make"), BAD.values(), ids=BAD)
async def test_what_comes_before_a_bad_page_settles_and_nothing_after_it(
    hostile: Hostile, victim: Victim, reason: str, make: Callable[[Feed], bytes]
) -> None:
    one = await Member.join(hostile, f"bad {make} {reason}")
    word = f"good before {reason} {one.feed.key.hex()[:4]}"
    good = [one.feed.says(word if number == 149 else f"{word} {number}") for number in range(150)]
    bad = make(one.feed)
    one.say(feed.pages(*good, bad, one.feed.says(MARK)))
    assert await one.peer.closed() == reason
    await victim.process.has_texts(word)
    await victim.friend.has_texts(word)
    for process in (victim.process, victim.friend):
        assert MARK not in await process.texts()
    await overlook(victim)


async def test_pages_that_are_here_or_come_twice_or_were_never_asked_for_change_nothing(
    hostile: Hostile, victim: Victim
) -> None:
    one = await Member.join(hostile, "again")
    said = [one.feed.says(f"once {number}") for number in range(20)]
    for _ in range(5):
        one.say(feed.pages(*said, *said), *said, feed.pages(*reversed(said)))
    await one.is_heard()
    listed = await victim.process.texts()
    assert [text for text in listed if text.startswith("once ")] == [f"once {number}" for number in range(20)]
    await victim.friend.has_texts("once 19")
    await overlook(victim)


async def test_of_a_page_that_is_here_another_signature_is_not_looked_at_nor_passed_on(
    hostile: Hostile, victim: Victim
) -> None:
    one = await Member.join(hostile, "signs again")
    entry = one.feed.then({"text": "signed once"})
    right = one.feed.page(entry)
    one.say(right)
    await one.claimed(entry.id)
    one.say(one.feed.page(entry, signature=ZEROS))
    await one.is_heard()
    other = await Member.join(hostile, "asks for what was signed")
    other.say(feed.want(LOBBY, [entry.id]))
    while (page := await other.until(feed.PAGE))[2][-1] != entry.raw:
        pass
    assert pack(page) == right
    await overlook(victim)


# ── too many ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_wrong_signatures_by_the_thousand_cost_whoever_brings_them_and_nobody_else(
    hostile: Hostile, victim: Victim
) -> None:
    """Each link brings as much as is read ahead of what is checked, all of it right but for the signatures."""
    members = await crowd(hostile, "wrong signatures", 6)
    busy = asyncio.gather(*(bring_wrong(one) for one in members))
    assert await hears(victim) < 1
    assert set(await busy) <= {"bad_signature", None}
    await overlook(victim)


async def bring_wrong(one: Member) -> str | None:
    one.say(*[feed.pages(*(one.feed.page(one.feed.then({}, "later"), signature=ZEROS) for _ in range(500)))] * 6)
    return await one.peer.closed(20)


async def test_who_asks_for_everything_again_and_again_holds_nobody_up(hostile: Hostile, victim: Victim) -> None:
    """With nothing known, and reading it all."""
    members = await crowd(hostile, "asks again", 6)
    tips = [(await one.until(feed.TIPS))[2] for one in members]
    for _ in range(40):
        for one, named in zip(members, tips, strict=True):
            one.say(feed.want(LOBBY, named[:64] or [NOBODY]))
        assert await hears(victim) < 1 if _ % 20 == 0 else True
    await asyncio.gather(*(one.is_heard() for one in members))
    await overlook(victim)


async def test_who_has_much_sent_and_then_reads_nothing_costs_its_own_link(hostile: Hostile, victim: Victim) -> None:
    """What is given at once grows with how quickly more is asked for; then nothing is read any more."""
    writer = await Member.join(hostile, "much written")
    large = [writer.feed.page(*(writer.feed.then({"text": "x" * 30_000}) for _ in range(8))) for _ in range(24)]
    for page in large:
        writer.say(page)
    await writer.is_heard()
    members = await crowd(hostile, "reads little", 6)
    for one in members:
        for _ in range(3):
            one.say(feed.want(LOBBY, [writer.feed.last]))
            await one.until(feed.DONE, 20)
        one.peer.listen(False)
        for _ in range(50):
            one.say(feed.want(LOBBY, [writer.feed.last]))
    assert await hears(victim) < 1
    await overlook(victim)
