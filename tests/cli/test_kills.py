"""kill -9 at random moments of two processes that talk with each other: what was answered is there, once, in one order, for both.

`make kills KILLS=300` tries more; what waits, direct rooms and a third one who listens: tests/lab/test_kill.py.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random

import pytest

from peertalk.core import events
from peertalk.errors import StartError
from tests.processes import WITHIN, Running, rpc

KILLS = int(os.environ.get("PEERTALK_KILLS", "10"))
PAUSE = 0.04
"""Seconds at most between what is said by who may be killed at any moment."""
SEED = int(os.environ.get("PEERTALK_SEED", "20261123"))


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


class Talker:
    """Somebody whose process is killed again and again; `answered` is all that was answered to it."""

    def __init__(self, home: Path, port: int, other: int, chance: Random, news: asyncio.Event) -> None:
        self.home, self.chance, self.news = home, chance, news
        self.options = ("--name", home.name, "--port", str(port), "--connect", f"127.0.0.1:{other}")
        self.answered: list[str] = []
        self.warnings: list[str] = []
        self.life, self.running = 0, AsyncExitStack()
        self.tasks: list[asyncio.Task[None]] = []

    async def begin(self, *, quiet: bool = False) -> None:
        """Start, and write from then on until it is dead."""
        self.life += 1
        self.process: Running = await self.running.enter_async_context(rpc(self.home, *self.options))
        self.enough = asyncio.Event()
        works = [self._listen()] if quiet else [self._listen(), self._write()]
        self.tasks = [asyncio.create_task(work) for work in works]

    async def _listen(self) -> None:
        async for event in self.process.node.subscribe():
            self.news.set()
            if isinstance(event, events.Warning):
                self.warnings.append(event.kind)

    async def _write(self) -> None:
        """A few at a time; once `some` are answered that is `enough` for this life."""
        said, some = 0, self.chance.randint(0, 40)
        while True:
            texts = [f"{self.home.name} {self.life} {said + more}" for more in range(self.chance.randint(1, 6))]
            said += len(texts)
            answers = await asyncio.gather(*map(self._say, texts))
            if False in answers:
                return
            if said >= some:
                self.enough.set()
                await asyncio.sleep(self.chance.uniform(0.0, PAUSE))  # the other one may be starting meanwhile

    async def _say(self, text: str) -> bool:
        try:
            await self.process.node.send("lobby", text)
        except StartError:
            return False
        self.answered.append(text)
        return True

    async def die(self) -> None:
        """While it writes, or before its first word."""
        async with asyncio.timeout(WITHIN):
            await self.enough.wait()
        await self.end()

    async def end(self) -> None:
        """kill -9"""
        self.process.process.kill()
        await self.running.aclose()
        await asyncio.gather(*self.tasks)

    async def texts(self) -> list[str]:
        return [one.text for one in (await self.process.node.messages("lobby", 100_000)).messages if one.kind == "text"]


@pytest.mark.timeout(60 + 3 * KILLS)
async def test_what_was_answered_survives_every_kill_of_either_side(tmp_path: Path) -> None:
    chance, news, (first, second) = Random(SEED), asyncio.Event(), (free_port(), free_port())
    talkers = [
        Talker(tmp_path / "Ada", first, second, chance, news),
        Talker(tmp_path / "Ben", second, first, chance, news),
    ]
    await asyncio.gather(*(one.begin() for one in talkers))
    for _ in range(KILLS):
        victim = chance.choice(talkers)
        await victim.die()
        await victim.begin()
    await asyncio.gather(*(one.die() for one in talkers))
    await asyncio.gather(*(one.begin(quiet=True) for one in talkers))
    ada = await agreed(talkers, news)
    answered = [text for one in talkers for text in one.answered]
    print(f"\nseed {SEED}, {KILLS + 2} kills, {len(answered)} messages answered, {len(ada)} written")
    assert len(answered) > 5 * KILLS
    assert set(answered) <= set(ada)
    assert [text for text, times in Counter(ada).items() if times > 1] == []
    for one in talkers:
        assert [text for text in ada if text in set(one.answered)] == sorted(one.answered, key=one.answered.index)
        assert one.warnings == []
        await one.end()


async def test_what_a_disk_has_lost_of_what_was_answered_comes_back_from_others_and_forks_nothing(tmp_path: Path) -> None:
    """A disk that says it has synced and has not. What the other one has got is the proof that somebody wrote on in that feed: the
    profile goes on with another one, as one that was restored does."""
    news = asyncio.Event()
    ada, ben = (Talker(tmp_path / name, port, 1, Random(), news) for name, port in (("Ada", free_port()), ("Ben", free_port())))
    ada.options = (*ada.options[:-1], f"127.0.0.1:{ben.options[3]}")
    await asyncio.gather(ada.begin(quiet=True), ben.begin(quiet=True))
    log = ada.home / "peertalk.db-wal"
    await ada.process.node.send("lobby", "kept")
    await agreed([ada, ben], news)
    survives = log.stat().st_size
    for number in range(20):
        await ada.process.node.send("lobby", f"lost {number}")
    everything = await agreed([ada, ben], news)
    await ada.end()
    assert log.stat().st_size > survives
    os.truncate(log, survives)
    await ada.begin(quiet=True)
    assert await agreed([ada, ben], news) == everything
    await ada.process.node.send("lobby", "more")
    assert await agreed([ada, ben], news) == [*everything, "more"]
    last = (await ada.process.node.messages("lobby")).messages[-1]
    assert (last.text, last.seq) == ("more", 2)  # after its `here`
    assert ada.warnings == ben.warnings == []
    await asyncio.gather(ada.end(), ben.end())


async def test_what_is_answered_as_read_is_read_after_a_kill(tmp_path: Path) -> None:
    ports = free_port(), free_port()
    async with rpc(tmp_path / "Ada", "--port", str(ports[0])) as ada, AsyncExitStack() as of_ben:
        options = ("--port", str(ports[1]), "--connect", f"127.0.0.1:{ports[0]}")
        ben = await of_ben.enter_async_context(rpc(tmp_path / "Ben", *options))
        news = ben.node.subscribe()
        await ada.node.send("lobby", "hello")
        async with asyncio.timeout(WITHIN):
            await anext(one async for one in news if isinstance(one, events.MessageArrived) and one.message.text == "hello")
        assert bytes(await ben.node.call("rooms.read", room="lobby")) == b'{"unread":0}'
        await ben.end(signal.SIGKILL)
        async with rpc(tmp_path / "Ben", "--port", str(ports[1])) as again:
            assert b'"unread":0' in bytes(await again.node.call("rooms.show", room="lobby"))


async def test_what_is_from_before_the_last_start_is_taken_for_a_copy_with_nobody_there(tmp_path: Path) -> None:
    """The token outside is newer: so much can be told without asking anybody."""
    home, log, survives = tmp_path / "Ada", tmp_path / "Ada" / "peertalk.db-wal", 0
    for life in range(2):
        async with rpc(home) as running:
            await running.node.send("lobby", str(life))
            ended = await running.end(signal.SIGKILL)
            assert "restored or copied" not in ended.err
        survives = survives or log.stat().st_size
    assert log.stat().st_size > survives
    os.truncate(log, survives)
    async with rpc(home) as running:
        assert [one.text for one in (await running.node.messages("lobby")).messages if one.kind == "text"] == ["0"]
        assert "restored or copied" in (await running.end()).err


async def agreed(talkers: list[Talker], news: asyncio.Event) -> list[str]:
    """What both have, once it is the same."""
    async with asyncio.timeout(WITHIN):
        while True:
            news.clear()
            one, other = [await talker.texts() for talker in talkers]
            if one == other:
                return one
            await news.wait()
