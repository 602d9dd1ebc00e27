"""What people wrote is found by its words, in the plain image behind the key too: until it is erased, and no longer."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from random import Random

import apsw
import msgspec
import pytest

from peertalk.core.annotations import MAX_GESTURES
from peertalk.core.entry import Content, Delete, Edit, React, Story, Text, seal_body
from peertalk.core.stored import (
    DropOutbox,
    DropRoom,
    EraseBodies,
    EraseDeleted,
    ExpireBodies,
    ForgetHistory,
    Op,
    OutboxRecord,
    PutBody,
    PutOutbox,
    PutPage,
    PutRoom,
)
from peertalk.node import words
from peertalk.node.store import Store
from tests.node.records import digest, entry, page, room

KEY = bytes(range(32))
HOME, AWAY = digest("room", "home"), digest("room", "away")
FEED = frozenset((digest("feed"),))
ROWS = 600


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = Store.open(tmp_path / "peertalk.db", KEY)
    await opened.commit([PutRoom(room("home")), PutRoom(room("away"))])
    yield opened
    await opened.close()


def said(number: int, content: Content, *, name: str = "home", **fields: object) -> PutPage:
    """A page of one entry that says this."""
    kind, body = seal_body(content, Random(number).randbytes)
    one = entry((name, number), seq=number + 1, lamport=number + 1, kind=kind, body=body, **fields)
    return PutPage(page(number, one, name=name))


def message(number: int, name: str = "home") -> bytes:
    return digest("message", (name, number))


async def found(store: Store, query: str, limit: int = 50, room: bytes | None = None) -> list[int]:
    return [one.lamport - 1 for _, one in await store.search(query, limit, room)]


# ── what is found ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_all_words_whatever_their_case_and_accents_the_last_perhaps_begun(store: Store) -> None:
    texts = ["Über den Fluß", "uber alles", "Überall Flüsse", "half-time show", "time for half a show", "日本語"]
    await store.commit([said(number, Text(text)) for number, text in enumerate(texts)])
    for query, numbers in (
        *(("ÜBER", [2, 1, 0]), ("über ", [2, 1, 0]), ("uber flu", [0]), ("flüsse uber", [2]), ("über x", [])),
        *(("half-time", [3]), ("show half", [4, 3]), ("sho half", []), ("日本", [5]), ("語", [])),
    ):
        assert await found(store, query) == numbers, query


@pytest.mark.parametrize(
    "query",
    [
        "",
        " ",
        '"',
        '""',
        "*",
        "-",
        "(",
        "a OR",
        "NOT",
        "said:x",
        "NEAR(a b)",
        "\0",
        "a\0b",
        "^",
        "\ud800",
        "x" * 9000,
        "a " * 5000,
    ],
)
async def test_whatever_is_typed_is_words_and_nothing_else(store: Store, query: str) -> None:
    await store.commit([said(0, Text("hello world"))])
    assert await found(store, query) == []


async def test_what_looks_like_an_operator_is_a_word(store: Store) -> None:
    await store.commit([said(0, Text("this or that")), said(1, Text("this AND that"))])
    assert await found(store, "this OR that") == [0]
    assert await found(store, "and") == [1]


async def test_stories_by_title_and_text_edits_and_in_one_room_or_all_the_last_that_came_first(store: Store) -> None:
    await store.commit([said(0, Story("once", "Winter")), said(0, Text("winter away"), name="away")])
    await store.commit([said(1, Edit(message(0), "once more", "Winter"))])
    assert [(where, one.kind) for where, one in await store.search("winter", 9)] == [
        (HOME, "edit"),
        (AWAY, "text"),
        (HOME, "story"),
    ]
    assert await found(store, "winter", room=HOME) == [1, 0]
    assert await found(store, "winter", 1) == [1]
    assert await found(store, "winter", room=digest("nowhere")) == []


async def test_what_comes_later_is_found_where_its_entry_is(store: Store) -> None:
    kind, body = seal_body(Text("late"), bytes)
    await store.commit([PutPage(page(0, entry("x", kind=kind, body=None), name="home")), said(1, Text("late too"))])
    await store.commit([PutBody(HOME, digest("entry", "x"), body)])
    assert await found(store, "late") == [1, 0]


async def test_a_flood_about_a_message_hides_nothing_that_others_say(store: Store) -> None:
    """Of each feed and kind the last ones are given, however many there are."""
    await store.commit([said(0, Text("hello")), said(1, Edit(message(0), "hello all"))])
    flood = [entry(("flood", n), seq=n + 1, lamport=n + 9, kind="react", body=body_of(n)) for n in range(MAX_GESTURES * 3)]
    page_of_it = msgspec.structs.replace(page(2, *flood, name="home"), feed=digest("a feed of somebody else"))
    await store.commit([PutPage(page_of_it)])
    about = await store.annotations(HOME, [message(0)])
    assert [one.kind for one in about] == ["edit", *["react"] * MAX_GESTURES]
    assert [one.lamport for one in about[1:]] == [one.lamport for one in flood[-MAX_GESTURES:]]


def body_of(number: int) -> bytes:
    return seal_body(React(message(0), "👍", number % 2 == 1), Random(number).randbytes)[1]


async def test_what_was_erased_is_not_found(store: Store) -> None:
    texts = [said(number, Text(f"word {number}"), time=number) for number in range(6)]
    await store.commit([*texts, said(6, Edit(message(0), "word for word"), time=9)])
    await store.commit([EraseBodies(HOME, message(0), FEED, FEED)])
    assert await found(store, "word") == [5, 4, 3, 2, 1]
    await store.commit([EraseBodies(HOME, message(1), frozenset((digest("other"),)), FEED), ExpireBodies(HOME, before=3)])
    assert await found(store, "word") == [5, 4, 3]
    await store.commit([ForgetHistory(HOME)])
    assert await found(store, "word") == []
    await store.commit([said(9, Text("a new word"))])
    assert await found(store, "word") == [9]


@pytest.mark.parametrize(("edits", "left"), [(False, [6, 3, 2, 0]), (True, [5, 4, 3, 2, 1, 0])], ids=["messages", "edits"])
async def test_what_is_in_some_pages_and_was_deleted_in_some_feeds_is_erased(
    store: Store, edits: bool, left: list[int]
) -> None:
    ours, theirs = (digest("feed", name) for name in "ab")
    deletes = ((7, ours, 1), (8, theirs, 2), (9, ours, 3), (10, ours, 4), (11, ours, 5))
    await store.commit(
        [
            *(said(number, Text(f"word {number}")) for number in range(6)),
            said(6, Edit(message(4), "word for word")),
            *(said(number, Delete(message(about)), feed=feed) for number, feed, about in deletes),
        ]
    )
    await store.commit([EraseDeleted(HOME, dict.fromkeys((0, 1, 2, 4, 5, 6, 8, 77), 0), {ours: 0}, edits)])
    assert await found(store, "word") == left
    (kept,) = await store.pages(HOME, [9])
    assert kept.entries[0].body is not None


async def test_common_words_are_found_without_looking_at_all_of_them(store: Store) -> None:
    """The newest 50 of 20,000: how many rows SQLite steps over is counted, since time is not to be trusted here."""
    seal = seal_body(Text("every day the same words again"), bytes)
    entries = (entry(n, seq=n + 1, lamport=n + 1, kind=seal[0], body=seal[1]) for n in range(20_000))
    await store.commit([PutPage(page(0, *entries, name="home"))])
    steps = 0

    def count() -> bool:
        nonlocal steps
        steps += 1
        return False

    store._reader.set_progress_handler(count, 100)
    assert await found(store, "the same word") == [*range(19_999, 19_949, -1)]
    assert steps < 200


# ── what is left ─────────────────────────────────────────────────────────────────────────────────────────────────────


def image(store: Store) -> bytes:
    return store._writer.ask(lambda connection: connection.serialize("main"))


def canaries(store: Store, of: Iterable[int]) -> set[int]:
    """Which of these numbered words are in the plain image, be it as part of a longer one or behind the beginning of one: words in an
    index have what they share with the word before them left out."""
    there = set(re.findall(rb"[0-9]{5}zq", image(store)))
    return {number for number in of if b"%05dzq" % number in there}


def canary(number: int, random: Random) -> Text:
    more = " ".join(random.choices(["and", "so", "on", "or", "not", "house"], k=random.randrange(30)))
    return Text(f"{random.randrange(10)}canary{number:05d}zq {more}")


async def fill(store: Store, random: Random) -> None:
    for first in range(0, ROWS, 20):
        numbers = range(first, first + 20)
        texts = [said(number, canary(number, random), time=number % 10) for number in numbers if number % 3]
        edits = [said(number, Edit(message(number - 1), canary(number, random).text)) for number in numbers if not number % 3]
        await store.commit([*texts, *edits])


def log_size(tmp_path: Path) -> int:
    return (tmp_path / "peertalk.db-wal").stat().st_size


async def erase(store: Store, numbers: Iterable[int], at_once: int) -> None:
    """Each with the edits of it."""
    ops = [EraseBodies(HOME, message(number), FEED, FEED) for number in numbers]
    for first in range(0, len(ops), at_once):
        await store.commit(ops[first : first + at_once])


@pytest.mark.parametrize("at_once", [1, 40], ids=["one by one", "many at once"])
async def test_nothing_is_left_of_messages_that_were_deleted_nor_of_their_edits(
    store: Store, tmp_path: Path, at_once: int
) -> None:
    random = Random(7)
    await fill(store, random)
    assert canaries(store, range(ROWS)) == {*range(ROWS)}
    meant = random.sample([number for number in range(ROWS) if number % 3 == 2], 120)
    dead = {*meant, *(number + 1 for number in meant)} & {*range(ROWS)}
    await erase(store, meant, at_once)
    assert canaries(store, range(ROWS)) == {*range(ROWS)} - dead
    assert log_size(tmp_path) == 0
    assert {number for digit in range(10) for number in await found(store, f"{digit}canary", ROWS)} == {*range(ROWS)} - dead


async def test_nothing_is_left_of_what_expired(store: Store, tmp_path: Path) -> None:
    await fill(store, Random(8))
    for before in (3, 6, 10):
        await store.commit([ExpireBodies(HOME, before)])
        dead = {number for number in range(ROWS) if number % 3 and number % 10 < before}
        assert canaries(store, range(ROWS)) == {*range(ROWS)} - dead
    assert log_size(tmp_path) == 0


@pytest.mark.parametrize("op", [ForgetHistory(HOME), DropRoom(HOME)], ids=["forgotten", "dropped"])
async def test_nothing_is_left_of_a_room_that_goes(store: Store, tmp_path: Path, op: Op) -> None:
    await fill(store, Random(9))
    await store.commit([said(0, Text("canary99999zq"), name="away")])
    await store.commit([op])
    assert canaries(store, [*range(ROWS), 99999]) == {99999}
    assert log_size(tmp_path) == 0


async def test_nothing_is_left_of_what_waited_and_was_deleted(store: Store, tmp_path: Path) -> None:
    bodies = [seal_body(canary(number, Random(number)), bytes)[1] for number in range(ROWS)]
    waiting = [
        OutboxRecord(room=HOME, number=n, message=digest(n), kind="text", body=body, time=1) for n, body in enumerate(bodies)
    ]
    await asyncio.gather(*(store.submit([PutOutbox(record)]) for record in waiting))
    await store.commit([DropOutbox(HOME, number, erased=True) for number in range(0, ROWS, 2)])
    assert canaries(store, range(ROWS)) == {*range(1, ROWS, 2)}
    assert log_size(tmp_path) == 0


async def test_an_index_that_is_cleaned_stays_whole(store: Store) -> None:
    random = Random(10)
    await fill(store, random)
    await erase(store, range(2, 300, 3), 7)
    await store.commit([said(ROWS, Text("another canary"))])
    assert (await found(store, "another canary")) == [ROWS]

    def check(connection: apsw.Connection) -> None:
        (table,) = words.tables(connection)
        connection.execute(f"INSERT INTO words_{table} (words_{table}, rank) VALUES ('integrity-check', 0)")
        assert connection.execute("PRAGMA integrity_check").get == "ok"

    store._writer.ask(check)
