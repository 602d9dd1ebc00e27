"""Discovery alone, between real network stacks: how fast it is, and what it does when the network changes."""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from tests.lab.lab import Host, Lab

GOAL, NOISE = 0.3, 3.0
STARTS = 10


class Searcher:
    """A process of tests.lab.searcher, and what it told."""

    def __init__(self, process: asyncio.subprocess.Process, started: float) -> None:
        self.process, self.started = process, started
        self.told: list[dict[str, Any]] = []

    async def next(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = await self.process.stdout.readline()
        assert line, "the searcher ended"
        self.told.append(json.loads(line))
        return self.told[-1]

    async def hears(self, what: str, **values: object) -> dict[str, Any]:
        """What it told first, or tells, of this."""
        async with asyncio.timeout(20):
            number = 0
            while True:
                told = self.told[number] if number < len(self.told) else await self.next()
                if told["what"] == what and all(told.get(key) == value for key, value in values.items()):
                    return told
                number += 1

    async def stop(self) -> None:
        if self.process.returncode is None:
            await self.process.communicate(b"\n")


Search = Callable[[Host], Awaitable[Searcher]]


@pytest.fixture
async def search(lab: Lab) -> AsyncIterator[Search]:
    searchers: list[Searcher] = []

    async def search_on(host: Host) -> Searcher:
        started = time.time()
        searcher = Searcher(await host.start([sys.executable, "-m", "tests.lab.searcher"]), started)
        searchers.append(searcher)
        return searcher

    yield search_on
    for searcher in searchers:
        await searcher.stop()


async def test_who_starts_is_found_and_finds_at_once(lab: Lab, search: Search) -> None:
    here, there = lab.host(), lab.host()
    anna = await search(here)
    first = (await anna.hears("started"))["instance"]
    seconds, after_start = [], []
    for _ in range(STARTS):
        ben = await search(there)
        up = await ben.hears("started")
        at_ben = await ben.hears("found", instance=first)
        at_anna = await anna.hears("found", instance=up["instance"])
        assert at_anna["port"] == at_ben["port"] == 4711
        seconds.append(max(at_anna["at"], at_ben["at"]) - ben.started)
        after_start.append(max(at_anna["at"], at_ben["at"]) - up["at"])
        await ben.stop()
        await anna.hears("lost", instance=up["instance"])
    print(
        f"\nprocess start to found on both: median {statistics.median(seconds):.3f} s, worst {max(seconds):.3f} s; "
        f"after the announcement: median {1000 * statistics.median(after_start):.1f} ms, worst {1000 * max(after_start):.1f} ms"
    )
    assert statistics.median(seconds) <= GOAL * NOISE


@pytest.mark.parametrize(("ipv4", "ipv6"), [(True, False), (False, True)], ids=["IPv4 only", "IPv6 only"])
async def test_one_family_is_enough(lab: Lab, search: Search, ipv4: bool, ipv6: bool) -> None:
    anna, ben = await search(lab.host(ipv4=ipv4, ipv6=ipv6)), await search(lab.host(ipv4=ipv4, ipv6=ipv6))
    first, second = await anna.hears("started"), await ben.hears("started")
    found = await anna.hears("found", instance=second["instance"])
    await ben.hears("found", instance=first["instance"])
    addresses = found["addresses"]
    assert len(addresses) == 1
    assert addresses[0].startswith("10.77.0." if ipv4 else "fe80::")
    assert ("%" in addresses[0]) is ipv6


async def test_a_cable_that_is_plugged_in_later_is_noticed(lab: Lab, search: Search) -> None:
    here, there = lab.host(), lab.host()
    there.unplug()
    anna, ben = await search(here), await search(there)
    first, second = await anna.hears("started"), await ben.hears("started")
    assert second["interfaces"] == []
    there.plug()
    await ben.hears("changed")
    await ben.hears("found", instance=first["instance"])
    await anna.hears("found")


async def test_an_address_that_changes_is_announced(lab: Lab, search: Search) -> None:
    here, there = lab.host(ipv6=False), lab.host(ipv6=False)
    anna, ben = await search(here), await search(there)
    await anna.hears("started")
    before = await ben.hears("started")
    await anna.hears("found", instance=before["instance"], addresses=["10.77.0.2"])
    there.move("10.77.0.99")
    await ben.hears("changed", interfaces=[["eth0", "10.77.0.99"]])
    while "10.77.0.99" not in (told := await anna.next()).get("addresses", []):
        assert told["what"] == "found"


async def test_on_a_network_that_isolates_its_guests_nobody_is_found(lab: Lab, search: Search) -> None:
    hosts = [lab.host(), lab.host(), lab.host()]
    for host in hosts[:2]:
        host.isolate()
    anna, ben, open_to_all = [await search(host) for host in hosts]
    names = [(await one.hears("started"))["instance"] for one in (anna, ben, open_to_all)]
    await open_to_all.hears("found", instance=names[0])
    await open_to_all.hears("found", instance=names[1])
    await anna.hears("found", instance=names[2])
    await ben.hears("found", instance=names[2])
    heard = {told["instance"] for one in (anna, ben) for told in one.told if told["what"] == "found"}
    assert heard == {names[2]}


async def test_in_each_network_only_the_addresses_there_are_announced(lab: Lab, search: Search) -> None:
    """Also when somebody asks later, by IPv4 and by IPv6: no answer comes from the interface of another network."""
    here, there, between = lab.host(), lab.host(network=1), lab.host()
    between.join(1)
    mia = await search(between)
    instance = (await mia.hears("started"))["instance"]
    for host, network in [(here, "10.77.0."), (there, "10.77.1.")] * 3:
        searcher = await search(host)
        fourth, sixth = (await searcher.hears("found", instance=instance))["addresses"]
        assert fourth.startswith(network)
        assert sixth.startswith("fe80::")
        own = (await searcher.hears("started"))["instance"]
        await searcher.stop()
        assert len({told["instance"] for told in searcher.told if told["what"] == "found"}) == 1
        await mia.hears("lost", instance=own)
        found = [told for told in mia.told if told["what"] == "found" and told["instance"] == own]
        assert len({address for told in found for address in told["addresses"]}) == 2
