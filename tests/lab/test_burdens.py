"""What a node bears: hundreds of announcements that lead nowhere, an interface that is broken, networks where nobody is found."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator

from tests.lab.conftest import Starts
from tests.lab.lab import Lab, run
from tests.lab.rpc_process import RpcProcess
from tests.lab.test_network import met

PULSE = 0.05
JOIN, FLOOD = 5.0, 8.0
LATENCY = 0.1
SLACK = 3.0


class Pulse:
    """Asks a process twenty times a second how it is. `worst` is the longest that it took to answer."""

    def __init__(self, process: RpcProcess) -> None:
        self._process = process
        self._over = asyncio.Event()
        self.worst = 0.0

    async def beats(self, seconds: float) -> None:
        """Wait until it has gone on for so long."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            asked = time.monotonic()
            await self._process.call("node.status")
            self.worst = max(self.worst, time.monotonic() - asked)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), PULSE)

    def stop(self) -> None:
        self._over.set()


@contextlib.asynccontextmanager
async def flooded(lab: Lab, victim: str, honest: str) -> AsyncIterator[None]:
    process = await lab.host().start([sys.executable, "-m", "tests.lab.flooder", victim, honest])
    assert process.stdout is not None
    assert int(await process.stdout.readline()) == 300
    yield
    await process.communicate(b"\n")


async def test_300_announcements_that_lead_nowhere_keep_nobody_apart(lab: Lab, start: Starts) -> None:
    here, there, later, victim = (lab.host() for _ in range(4))
    victim.count_dials()
    anna = await start(here)
    await anna.ready()
    pulse, memory, cpu = Pulse(anna), anna.memory(), anna.cpu_seconds()
    async with flooded(lab, victim.address, there.address):
        await pulse.beats(3.0)
        ben = await start(there)
        joined = (await ben.online(await anna.identity()))[0]["at"]
        await pulse.beats(FLOOD - 3.0)
    grown, used = anna.memory() - memory, (anna.cpu_seconds() - cpu) / FLOOD
    carla = await start(later)
    after = (await carla.online(await anna.identity()))[0]["at"]
    print(
        f"\n300 announcements: joined after {joined:.2f} s, once it was over after {after:.2f} s (goal {JOIN}); "
        f"{grown:.1f} MiB more, {used:.0%} of a core, answers within {1000 * pulse.worst:.0f} ms; "
        f"a third host was dialled {victim.dials()} times by two"
    )
    assert max(joined, after) <= JOIN * SLACK
    assert grown < 30
    assert used < 0.5
    assert victim.dials() <= 2 * (16 + 2 * (FLOOD + after))


async def test_a_broken_interface_stops_nothing_on_a_good_one(lab: Lab, start: Starts) -> None:
    """One on which sending fails, and one that comes and goes between two looks."""
    here, between = lab.host(), lab.host()
    between.join(1)
    between.break_sending("eth1")
    anna, mia = await start(here), await start(between)
    await met(anna, mia)
    pulse = Pulse(mia)
    for _ in range(4):
        run("ip", "-n", between.namespace, "link", "delete", "eth1")
        await pulse.beats(0.7)
        between.join(1)
        await pulse.beats(0.7)
    since = len(mia.events)
    await anna.call("messages.send", room="lobby", text="still here?")
    await mia.has_texts("still here?")
    print(f"\na broken interface: answers within {1000 * pulse.worst:.0f} ms at worst (goal {1000 * LATENCY:.0f})")
    assert pulse.worst <= LATENCY * SLACK
    assert not [event for event in mia.events[since:] if event["type"] == "peer" and event["change"] == "offline"]
    assert mia.process.returncode is None
    said = [line for line in mia.log if "cannot send by multicast from" in line]
    assert 1 <= len(said) <= 10
    assert not [line for line in mia.log if "Traceback" in line or "exception" in line.lower()]


async def test_where_nobody_can_be_found_nothing_is_done(start: Starts) -> None:
    """Multicast filtered, guests kept apart, no cable, both behind firewalls: all at the same time, in labs of their own."""
    with contextlib.ExitStack() as labs:
        filtered, kept_apart, cut_off, walled = (labs.enter_context(Lab()) for _ in range(4))
        hosts = [each.host() for each in (filtered, kept_apart, cut_off, walled) for _ in range(2)]
        filtered.filter_multicast()
        for number, host in enumerate(hosts):
            if number in {2, 3}:
                host.isolate()
            elif number in {4, 5}:
                host.unplug()
            elif number in {6, 7}:
                host.drop_inbound()
        processes = [await start(host) for host in hosts]
        for process in processes:
            await process.ready()
        await asyncio.gather(*(Pulse(process).beats(1.0) for process in processes))
        began, before = time.monotonic(), [(one.cpu_seconds(), one.memory()) for one in processes]
        with contextlib.suppress(TimeoutError):
            await processes[0].wait_event(lambda event: event["type"] == "peer", seconds=10)
        seconds = time.monotonic() - began
        used = [(one.cpu_seconds() - cpu) / seconds for one, (cpu, _) in zip(processes, before, strict=True)]
        grown = [one.memory() - memory for one, (_, memory) in zip(processes, before, strict=True)]
        for process in processes:
            await process.stop()
    print(f"\nnobody there: at most {max(used):.2%} of a core (goal 1 %), {max(grown):.2f} MiB more after {seconds:.0f} s")
    assert max(used) <= 0.01 * SLACK
    assert max(grown) < 2
