"""kill -9 at random moments while somebody writes: what was answered is on disk, reaches everyone, once, and forks nothing."""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter

import pytest

from tests.lab.conftest import Starts
from tests.lab.lab import Host, Lab
from tests.lab.rpc_process import Died, RpcProcess

KILLS = int(os.environ.get("PEERTALK_KILLS", "30"))
SEED = int(os.environ.get("PEERTALK_SEED", "20261122"))


class Writer:
    """Somebody whose process is killed again and again, and what was answered to it: (room, text)."""

    def __init__(self, host: Host, chance: random.Random) -> None:
        self.host = host
        self.chance = chance
        self.answered: dict[str, list[str]] = {"lobby": [], "direct": []}
        self.warnings: list[dict] = []

    async def one_life(self, start: Starts, reader: str, number: int) -> None:
        """Start, check that nothing that was answered is missing, write in both rooms, and be killed meanwhile."""
        process = await start(self.host)
        await process.ready()
        if number == 0 or self.chance.random() < 0.5:  # else what it writes waits in the outbox at first
            await process.online(reader)
        rooms = {"lobby": "lobby", "direct": (await process.call("direct.open", peer=reader))["id"]}
        for kind, room in rooms.items():
            assert missing(self.answered[kind], await process.texts(room)) == []
        writing = asyncio.gather(*(self.write(process, kind, room, number) for kind, room in rooms.items()))
        await asyncio.sleep(self.chance.uniform(0.0, 0.25))  # the moment is what is tried, nothing is waited for
        await process.kill()
        await writing
        self.warnings += [event for event in process.events if event["type"] == "warning"]

    async def write(self, process: RpcProcess, kind: str, room: str, number: int) -> None:
        """Several requests at a time, until the process is dead."""
        sent = 0
        while True:
            burst = [f"{kind} {number} {sent + more}" for more in range(self.chance.randint(1, 8))]
            sent += len(burst)
            answers = [process.cast("messages.send", room=room, text=text) for text in burst]
            for text, answer in zip(burst, answers, strict=True):
                try:
                    await answer
                except Died:
                    return
                self.answered[kind].append(text)


@pytest.mark.timeout(900)
async def test_what_was_answered_survives_every_kill_and_reaches_everyone_once(lab: Lab, start: Starts) -> None:
    print(f"\nseed {SEED}, {KILLS} kills")
    writer = Writer(lab.host(), random.Random(SEED))
    reader, other = await start(lab.host()), await start(lab.host())
    reader_id = await reader.identity()
    for number in range(KILLS):
        await writer.one_life(start, reader_id, number)
    process = await start(writer.host)
    rooms = {"lobby": "lobby", "direct": (await process.call("direct.open", peer=reader_id))["id"]}
    print({kind: len(texts) for kind, texts in writer.answered.items()}, "messages answered")
    await check(writer, "lobby", "lobby", process, reader, other)
    await check(writer, "direct", rooms["direct"], process, reader)
    warnings = [event for one in (process, reader, other) for event in one.events if event["type"] == "warning"]
    assert [warning["kind"] for warning in [*warnings, *writer.warnings]] == []


async def check(writer: Writer, kind: str, room: str, *processes: RpcProcess) -> None:
    """All have what was answered, nothing twice, and one order."""
    answered = writer.answered[kind]
    assert answered
    for process in processes:
        await process.has_texts(*answered, room=room, seconds=60)
    lists = [await process.texts(room) for process in processes]
    everything = lists[0]
    assert [text for text, times in Counter(everything).items() if times > 1] == []
    for texts in lists[1:]:
        assert texts == everything
    assert [text for text in everything if text in set(answered)] == answered  # as it was written


def missing(wanted: list[str], there: list[str]) -> list[str]:
    have = set(there)
    return [text for text in wanted if text not in have]
