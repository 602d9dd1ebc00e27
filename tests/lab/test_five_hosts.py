"""Five hosts: who was away gets everything from those who remain, also what they did not write; and all have one order."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lab.conftest import Starts
from tests.lab.lab import Lab
from tests.lab.rpc_process import RpcProcess

EACH = 20


@pytest.mark.timeout(300)
async def test_who_was_away_gets_everything_from_who_remains_in_one_order(lab: Lab, start: Starts) -> None:
    hosts = [lab.host() for _ in range(5)]
    everybody = [await start(host) for host in hosts]
    identities = [await process.identity() for process in everybody]
    for process, identity in zip(everybody, identities, strict=True):
        await process.online(*(other for other in identities if other != identity))
    await say(everybody[2], "before")

    anna, ben, _, dora, emil = everybody
    for other in (anna, ben, dora, emil):
        await other.has_texts(*texts("before"))
    assert await everybody[2].stop() == 0
    for author, words in [(anna, "anna"), (ben, "ben"), (dora, "dora"), (emil, "emil")]:
        await say(author, words)
    said = [text for words in ("before", "anna", "ben", "dora", "emil") for text in texts(words)]
    for other in (dora, emil):
        await other.has_texts(*said)
    assert await anna.stop() == await ben.stop() == 0

    carla = await start(hosts[2])
    assert await carla.identity() == identities[2]
    await carla.online(identities[3], identities[4])
    await carla.has_texts(*said)
    await say(carla, "after")
    for other in (dora, emil):
        await other.has_texts(*texts("after"))
    lists = [await lines(process) for process in (carla, dora, emil)]
    assert lists[0] == lists[1] == lists[2]
    assert sorted(text for kind, text in lists[0] if kind == "text") == sorted([*said, *texts("after")])

    anna = await start(hosts[0])
    await anna.has_texts(*texts("after"))
    assert await lines(anna) == await lines(dora)
    assert not [event for process in [*everybody, carla, anna] for event in process.events if event["type"] == "warning"]


def texts(words: str) -> list[str]:
    return [f"{words} {number}" for number in range(EACH)]


async def say(author: RpcProcess, words: str) -> None:
    for text in texts(words):
        await author.call("messages.send", room="lobby", text=text)


async def lines(process: RpcProcess) -> list[tuple[str, str]]:
    """Everything in the lobby as everyone should see it, who came in and left included."""
    listed: dict[str, Any] = await process.call("messages.list", room="lobby", limit=10_000)
    return [(message["kind"], message["text"]) for message in listed["messages"]]
