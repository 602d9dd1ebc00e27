"""What answers bring, checked beside the event loop: in order, bounded, and never long at a stretch."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from threading import Event

import pytest

from peertalk.core import serving, wire
from peertalk.core.channel import ChannelEvent
from peertalk.core.checks import CheckedPages, Verify, check_pages
from peertalk.core.session import Proven, Received
from peertalk.node import checking, pacing
from peertalk.node.checking import Checking
from tests.core.authors import ROOM, Author

LINK = 7
SIGNAL = Received(wire.encode(wire.Signal(ROOM.id, "typing")))


class Line:
    """A link that is read, or not."""

    def __init__(self) -> None:
        self.reading = [True]

    def read_on(self, *, reading: bool) -> None:
        self.reading.append(reading)


class Taken:
    """What was delivered."""

    def __init__(self) -> None:
        self.all: list[ChannelEvent | CheckedPages] = []
        self._more = asyncio.Event()

    def deliver(self, link: int, what: ChannelEvent | CheckedPages) -> None:
        assert link == LINK
        self.all.append(what)
        self._more.set()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(30):
            while len(self.all) < count:
                self._more.clear()
                await self._more.wait()


@pytest.fixture
async def taken() -> Taken:
    return Taken()


@pytest.fixture
async def one(taken: Taken) -> AsyncIterator[Checking]:
    found = Checking(taken.deliver, is_rated=lambda _: False, unwritten=lambda: 0)
    yield found
    found.close()


def pages(count: int, *, name: str = "ben") -> Received:
    author = Author(name)
    some = (author.says(f"{number}") for number in range(count))
    return Received(wire.encode(wire.Pages(ROOM.id, tuple((page.headers, page.signature, page.bodies) for page in some))))


async def test_what_needs_no_check_and_waits_for_none_is_left_to_be_delivered_at_once(one: Checking, taken: Taken) -> None:
    assert not one.take(LINK, Line(), SIGNAL)
    assert not one.take(LINK, Line(), Received(b"\x93\x10"))
    assert taken.all == []


async def test_the_order_of_a_link_stays_however_long_the_checks_take(
    one: Checking, taken: Taken, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = Event()

    def slow(message: wire.Pages, verify: Verify) -> CheckedPages:
        if message == first:
            assert free.wait(30)
        return check_pages(message, verify)

    monkeypatch.setattr(checking, "check_pages", slow)
    first = wire.decode(pages(1).message)
    line = Line()
    assert all(one.take(LINK, line, event) for event in (pages(1), SIGNAL, pages(2, name="cara"), SIGNAL))
    await asyncio.get_running_loop().run_in_executor(None, lambda: None)
    assert taken.all == []
    free.set()
    await taken.until(4)
    assert [type(what) for what in taken.all] == [CheckedPages, Received, CheckedPages, Received]
    assert not one.take(LINK, line, SIGNAL)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[Event]:
    """Nothing is checked before this is set."""
    free = Event()
    monkeypatch.setattr(checking, "check_pages", lambda message, verify: free.wait(30) and check_pages(message, verify))
    yield free
    free.set()


@pytest.mark.parametrize(
    "live", [wire.Signal(bytes(32), "typing"), wire.Tips(bytes(32), ()), wire.Page(bytes(32), (b"h",), bytes(64), (None,))]
)
async def test_what_is_said_live_in_another_room_does_not_wait(
    one: Checking, taken: Taken, held: Event, live: wire.Message
) -> None:
    line, raw = Line(), wire.encode(live)
    assert one.take(LINK, line, pages(2))
    assert not one.take(LINK, line, Received(raw))
    assert one.take(LINK, line, Received(raw[:4] + ROOM.id + raw[36:]))
    assert not one.take(LINK, line, Received(raw))
    held.set()
    await taken.until(2)
    assert [type(what) for what in taken.all] == [CheckedPages, Received]


@pytest.mark.parametrize(
    "before", [Received(wire.encode(wire.Quit(bytes(32)))), Proven(frozenset({bytes(32)})), Received(b"\x93\x03")]
)
async def test_nothing_passes_what_came_before_it_in_its_room_or_about_the_link(
    one: Checking, taken: Taken, held: Event, before: ChannelEvent
) -> None:
    line, live = Line(), Received(wire.encode(wire.Signal(bytes(32), "typing")))
    assert all(one.take(LINK, line, event) for event in (pages(2), before, live))
    held.set()
    await taken.until(3)
    assert [type(what) for what in taken.all] == [CheckedPages, type(before), Received]
    assert taken.all[1:] == [before, live]


async def test_what_was_taken_in_is_waited_for_no_longer(one: Checking, taken: Taken, monkeypatch: pytest.MonkeyPatch) -> None:
    free = Event()

    def slow(message: wire.Pages, verify: Verify) -> CheckedPages:
        assert len(message.pages) == 1 or free.wait(30)
        return check_pages(message, verify)

    monkeypatch.setattr(checking, "check_pages", slow)
    line, live = Line(), Received(wire.encode(wire.Signal(bytes(32), "typing")))
    assert all(one.take(LINK, line, event) for event in (pages(1), Proven(frozenset()), live, pages(2, name="cara")))
    await taken.until(3)
    assert not one.take(LINK, line, live)
    free.set()


async def test_other_messages_of_other_rooms_wait(one: Checking, held: Event) -> None:
    line = Line()
    assert all(
        one.take(LINK, line, event) for event in (pages(1), Received(wire.encode(wire.Have(bytes(32), bytes(32), 0, True))))
    )
    held.set()


async def test_a_whole_answer_is_read_without_a_pause(one: Checking, held: Event) -> None:
    line, raw = Line(), pages(400)
    for _ in range(serving.MAX_ANSWER // len(raw.message) + 1):
        one.take(LINK, line, raw)
    assert line.reading == [True]
    held.set()


async def test_a_long_message_is_taken_in_slices_between_which_others_have_their_turn(
    one: Checking, taken: Taken, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "SLICE", 96)
    loop = asyncio.get_running_loop()
    turns: list[int] = []

    def turn() -> None:
        turns.append(len(taken.all))
        loop.call_soon(turn)

    loop.call_soon(turn)
    one.take(LINK, Line(), pages(3 * checking.SLICE))
    await taken.until(3)
    slices = [what for what in taken.all if isinstance(what, CheckedPages)]
    assert [len(part.pages) for part in slices] == [checking.SLICE] * 3
    assert {0, 1, 2} <= set(turns)


async def test_a_link_that_brings_more_than_can_be_taken_in_is_not_read_until_it_is(
    one: Checking, taken: Taken, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "MAX_CHECKING", 2000)
    line = Line()
    one.take(LINK, line, pages(2))
    assert line.reading[-1]
    one.take(LINK, line, pages(20, name="cara"))
    assert not line.reading[-1]
    await taken.until(2)
    assert line.reading[-1]


async def test_what_a_link_brought_last_goes_with_it(one: Checking, taken: Taken) -> None:
    one.take(LINK, Line(), pages(5))
    one.drop(LINK)
    assert one.take(LINK, Line(), pages(1, name="cara"))
    await taken.until(1)
    (what,) = taken.all
    assert isinstance(what, CheckedPages)
    assert what.pages[0].feed == Author("cara").feed


async def test_all_links_together_bring_so_much_and_who_brings_nothing_of_it_is_read(
    one: Checking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "MAX_IN_ALL", 20_000)
    free, lines = Event(), [Line() for _ in range(4)]
    monkeypatch.setattr(checking, "check_pages", lambda message, verify: free.wait(30) and check_pages(message, verify))
    for number, line in enumerate(lines[:3]):
        one.take(number, line, pages(30, name=f"{number}"))
    assert [line.reading[-1] for line in lines] == [False, False, False, True]
    assert not one.take(3, lines[3], SIGNAL)
    one.drop(0)
    one.drop(1)
    assert lines[2].reading[-1]
    free.set()


async def test_what_answers_bring_waits_for_the_disk_and_not_for_ever(taken: Taken, monkeypatch: pytest.MonkeyPatch) -> None:
    unwritten = [pacing.MOST + 1]
    one = Checking(taken.deliver, is_rated=lambda _: False, unwritten=lambda: unwritten[0])
    looks = 0

    def look() -> int:
        nonlocal looks
        looks += 1
        if looks == 5:
            assert taken.all == []
            unwritten[0] = 0
        return unwritten[0]

    one._unwritten = look
    one.take(LINK, Line(), pages(3))
    await taken.until(1)
    assert looks >= 5
    unwritten[0] = pacing.MOST + 1
    monkeypatch.setattr(checking, "PATIENCE", 0.05)
    one.take(LINK, Line(), pages(2, name="cara"))
    await taken.until(2)
    assert looks > 7
    one.close()


async def test_what_comes_into_a_room_with_a_rate_is_left_unchecked_in_order_and_in_slices(taken: Taken) -> None:
    asked: list[bytes] = []
    one = Checking(taken.deliver, is_rated=lambda room: not asked.append(room), unwritten=lambda: 0)
    whole = pages(2 * checking.SLICE)
    assert one.take(LINK, Line(), whole)
    assert one.take(LINK, Line(), SIGNAL)
    await taken.until(3)
    assert [type(what) for what in taken.all] == [wire.Pages, wire.Pages, Received]
    assert [run for part in taken.all[:2] if isinstance(part, wire.Pages) for run in part.pages] == [
        *wire.decode(whole.message).pages
    ]
    assert asked == [ROOM.id]


async def test_a_bad_page_is_told_with_what_came_before_it(one: Checking, taken: Taken) -> None:
    author = Author("ben")
    good, bad = author.says("a"), author.says("b")
    runs = (good.headers, good.signature, good.bodies), (bad.headers, bytes(64), bad.bodies)
    one.take(LINK, Line(), Received(wire.encode(wire.Pages(ROOM.id, runs))))
    await taken.until(1)
    (what,) = taken.all
    assert isinstance(what, CheckedPages)
    assert len(what.pages) == 1
    assert what.error is not None
    assert what.error.kind == "bad_signature"


async def test_many_signatures_are_verified_beside_this_process_and_what_does_so_ends_afterwards(
    one: Checking, taken: Taken, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "SLICE", 96)
    monkeypatch.setattr(checking, "MANY", 3 * checking.SLICE)
    monkeypatch.setattr(checking, "RESTING", 0.0)
    rests, ended, rest = asyncio.Event(), [], one._signatures.rest

    def note() -> None:
        ended.append(one._signatures.processes)
        rest()
        rests.set()

    monkeypatch.setattr(one._signatures, "rest", note)
    for count, name in ((2, "ben"), (5, "cara")):
        rests.clear()
        one.take(LINK, Line(), pages(count * checking.SLICE, name=name))
        async with asyncio.timeout(30):
            await rests.wait()
    await taken.until(7)
    assert all(isinstance(what, CheckedPages) and what.error is None for what in taken.all)
    assert ended[0] == 0 < ended[1]
    assert one._signatures.processes == 0
