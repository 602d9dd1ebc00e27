"""A process that is killed at any moment loses nothing of what it was told is stored, and leaves no half of a commit."""

from __future__ import annotations

import asyncio
import os
import sys
from itertools import count
from pathlib import Path
from random import Random
from subprocess import PIPE, Popen

from peertalk.core.entry import Text, seal_body
from peertalk.core.stored import Op, OutboxRecord, PutOutbox, PutPage, PutRoom
from peertalk.node.store import Store
from tests.node import words_held
from tests.node.records import digest, entry, page, room

KEY = bytes(range(32))
LOBBY = digest("room", "lobby")
ROUNDS = 20
AT_ONCE = 8


def commit(number: int) -> list[Op]:
    """A page of three entries of which two have long texts, and something that waits, under one number."""
    texts = (Text(f"word number{number} {'and so on ' * part * 500}") for part in range(3))
    bodies = (seal_body(text, bytes)[1] for text in texts)
    entries = (entry((number, part), seq=number * 3 + part + 1, body=body) for part, body in enumerate(bodies))
    waiting = OutboxRecord(room=LOBBY, number=number, message=digest(number), kind="text", body=bytes(40), time=number)
    return [PutPage(page(number, *entries)), PutOutbox(waiting)]


async def write_for_ever(path: Path, first: int) -> None:
    """Run in a process of its own: some commits at once, again and again, and much that is done beside them; a line with its number
    for each that was answered."""
    store = Store.open(path, KEY)
    await store.commit([PutRoom(room())])
    numbers = count(first)

    async def one_after_the_other() -> None:
        for number in numbers:
            await store.commit(commit(number))
            os.write(1, b"%d\n" % number)

    await asyncio.gather(*(one_after_the_other() for _ in range(AT_ONCE)))


def killed(path: Path, first: int, lines: int) -> set[int]:
    """The numbers that a process had answered for when it was killed, some time after it had written so many lines."""
    with Popen([sys.executable, "-c", PROGRAM, str(path), str(first)], stdout=PIPE, cwd=Path(__file__).parents[2]) as process:
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(lines)]
        process.kill()
        told += process.stdout.readlines()
    return {int(line) for line in told if line.endswith(b"\n")}


PROGRAM = """
import asyncio, sys
from pathlib import Path
from peertalk.node import moving, writer
from tests.node.test_store_kill import write_for_ever
moving.SOME, writer._LONG_WAL, writer.FAR_BEHIND = 40, 150, 20
asyncio.run(write_for_ever(Path(sys.argv[1]), int(sys.argv[2])))
"""


async def check_words(path: Path) -> None:
    store = Store.open(path, KEY)
    try:
        store._writer.ask(words_held.check)
    finally:
        await store.close()


async def what_is_there(path: Path) -> tuple[list[int], list[int]]:
    """The numbers of the pages that are whole, and of what waits. All that is in them is found by its words."""
    store = Store.open(path, KEY)
    try:
        (lobby,) = (await store.load()).rooms
        assert len(await store.search("word", 100_000)) == 3 * len(lobby.pages)
        pages = await store.pages(LOBBY, [index.number for index in lobby.pages])
        assert pages == [op.record for record in pages for op in commit(record.number)[:1] if isinstance(op, PutPage)]
        return [record.number for record in pages], [record.number for record in lobby.outbox]
    finally:
        await store.close()


def test_what_was_answered_outlives_a_kill(tmp_path: Path) -> None:
    path, random, first = tmp_path / "peertalk.db", Random(), 0
    for _ in range(ROUNDS):
        answered = killed(path, first, random.randrange(1, 60))
        pages, waiting = asyncio.run(what_is_there(path))
        assert pages == waiting == list(range(len(pages)))
        assert answered <= set(pages)
        first = len(pages)
    asyncio.run(check_words(path))
