"""How fast the store is on this machine: `python -m tests.bench.store [DIRECTORY]` (a directory on the disk to be measured).

Entries a second in pages and one by one (each its own commit, all queued at once), the time of a single commit, alone, and
of a start with 100,000 entries; and for how long the thread that writes computes for each.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from random import Random
from statistics import quantiles
from tempfile import TemporaryDirectory

from msgspec.structs import replace

from peertalk.core.entry import Text, seal_body
from peertalk.core.stored import ForgetHistory, Op, PutPage, PutRoom
from peertalk.node.store import Store
from tests.node.records import digest, history, room

ENTRIES = 100_000
WORDS = ["".join(parts) for parts in product(("ba", "de", "ki", "lo", "mu", "na", "pe", "ro", "su", "ti"), repeat=3)]


def say(what: str, value: float, unit: str) -> None:
    sys.stdout.write(f"{what:<58}{value:>12,.2f} {unit}\n")


def spread(what: str, seconds: Sequence[float]) -> None:
    cuts = quantiles(seconds, n=100)
    say(f"{what}, median", cuts[49] * 1e3, "ms")
    say(f"{what}, 99 %", cuts[98] * 1e3, "ms")


def texts(count: int, length: int, name: str) -> Iterator[PutPage]:
    """A history of what people could have said."""
    random = Random(5)
    for page in history(count, length, name=name):
        said = (seal_body(Text(" ".join(random.choices(WORDS, k=8))), random.randbytes)[1] for _ in page.record.entries)
        entries = tuple(replace(entry, body=body) for entry, body in zip(page.record.entries, said, strict=True))
        yield PutPage(replace(page.record, entries=entries))


def computed(store: Store) -> float:
    """Seconds that the thread that writes has computed."""
    if not hasattr(time, "pthread_getcpuclockid"):
        return 0.0
    return time.clock_gettime(time.pthread_getcpuclockid(store._writer._thread.ident))


async def rate(what: str, store: Store, name: str, length: int) -> None:
    """Entries a second, from the first commit to the last answer."""
    await store.commit([PutRoom(room(name))])
    commits: list[list[Op]] = [[page] for page in texts(ENTRIES, length, name)]
    start, before = time.perf_counter(), computed(store)
    await asyncio.gather(*(store.submit(ops) for ops in commits))
    say(what, len(commits) * length / (time.perf_counter() - start), "entries/s")
    say(f"{what}, computed for each", (computed(store) - before) / len(commits) / length * 1e6, "µs")


async def alone(store: Store) -> None:
    await store.commit([PutRoom(room("alone"))])
    seconds, before = [], computed(store)
    for op in texts(1000, 1, "alone"):
        start = time.perf_counter()
        await store.commit([op])
        seconds.append(time.perf_counter() - start)
    spread("one commit alone", seconds)
    say("one commit alone, computed, the kernel's part of fsync too", (computed(store) - before) * 1e3, "µs")


def syncs(path: Path, times: int = 1000) -> list[float]:
    """The yardstick: seconds of appending 4 KiB and fsync, nothing else."""
    seconds = []
    with path.open("wb") as file:
        for _ in range(times):
            start = time.perf_counter()
            file.write(bytes(4096))
            file.flush()
            os.fsync(file.fileno())
            seconds.append(time.perf_counter() - start)
    return seconds


async def reads(store: Store, name: str, length: int) -> None:
    start = time.perf_counter()
    snapshot = await store.load()
    entries = sum(len(page.entries) for of in snapshot.rooms for page in of.pages)
    say(f"load, {entries:,} entries, pages of {length}", (time.perf_counter() - start) * 1e3, "ms")
    start = time.perf_counter()
    unread = await store.unread(digest("room", name), (0, b""), {"text"}, (), ENTRIES)
    say(f"counting {unread:,} unread", (time.perf_counter() - start) * 1e3, "ms")
    start = time.perf_counter()
    await store.entries(digest("room", name), {"text"}, 100)
    say("the newest 100", (time.perf_counter() - start) * 1e3, "ms")
    start = time.perf_counter()
    await store.search(WORDS[0], 50)
    say("a search", (time.perf_counter() - start) * 1e3, "ms")
    start = time.perf_counter()
    found = await store.pages(digest("room", name), range(10_000 // length))
    say(f"read, pages of {length}", sum(len(page.entries) for page in found) / (time.perf_counter() - start), "entries/s")


async def filled(directory: Path, length: int) -> None:
    """A database of its own: store, close, open, read."""
    path, name = directory / f"{length}.db", f"pages of {length}"
    store = Store.open(path, bytes(32))
    await rate(f"stored, {name}", store, name, length)
    await store.close()
    start = time.perf_counter()
    store = Store.open(path, bytes(32))
    say("opening", (time.perf_counter() - start) * 1e3, "ms")
    await reads(store, name, length)
    start = time.perf_counter()
    await store.commit([ForgetHistory(digest("room", name))])
    say("forgetting it all", time.perf_counter() - start, "s")
    await store.close()


async def main(directory: str | None) -> None:
    with TemporaryDirectory(dir=directory) as home:
        spread("write and fsync of 4 KiB", syncs(Path(home) / "yardstick"))
        store = Store.open(Path(home) / "alone.db", bytes(32))
        await alone(store)
        await store.close()
        await filled(Path(home), 200)
        await filled(Path(home), 1)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else None))
