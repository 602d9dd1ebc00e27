"""Where multicast is filtered: one address is enough to reach everybody, and nobody has to stay for the others."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from itertools import pairwise

import pytest

from tests.lab.conftest import Starts
from tests.lab.lab import Host, Lab, run
from tests.lab.rpc_process import RpcProcess

PORT = 47000
SECONDS = 10.0  # measured are 1 to 3; the machine may be busy
PEOPLE = 5


def at(host: Host) -> tuple[str, str]:
    """What leads to the one process with a fixed port."""
    return "--connect", f"{host.address}:{PORT}"


def network(lab: Lab) -> list[Host]:
    hosts = [lab.host(ipv6=False) for _ in range(PEOPLE)]
    lab.filter_multicast()
    return hosts


async def everybody_sees_everybody(people: Sequence[RpcProcess], of: Sequence[RpcProcess] = ()) -> float:
    """How long after the last of them was started each had seen all others (those of `of`) come online."""
    identities = {process: await process.identity() for process in people}
    for process in of or people:
        await process.online(*(identity for other, identity in identities.items() if other is not process))
    return time.monotonic() - max(process.started for process in people)


async def all_hear(author: RpcProcess, others: Sequence[RpcProcess], text: str) -> None:
    await author.call("messages.send", room="lobby", text=text)
    for process in others:
        await process.has_texts(text)


async def links(people: Sequence[RpcProcess]) -> list[int]:
    return [(await process.call("node.status"))["links"] for process in people]


async def start_ready(start: Starts, host: Host, *options: str) -> RpcProcess:
    process = await start(host, *options)
    await process.ready()
    return process


@pytest.mark.parametrize("shape", ["star", "chain"])
async def test_one_address_is_enough_and_nobody_is_needed_after_that(lab: Lab, start: Starts, shape: str) -> None:
    hosts = network(lab)
    people = [await start_ready(start, hosts[0], "--port", str(PORT))]
    for before, host in pairwise(hosts):
        known = hosts[0] if shape == "star" else before
        people.append(await start_ready(start, host, "--port", str(PORT), *at(known)))
    took = await everybody_sees_everybody(people)
    assert await links(people) == [PEOPLE - 1] * PEOPLE
    assert not any([(await process.call("node.status"))["discovery"]["services_seen"] for process in people])

    first, *others = people
    await first.kill()
    await all_hear(others[-1], others, "the first one is gone")
    assert await links(others) == [PEOPLE - 2] * (PEOPLE - 1)

    await others[0].stop()
    again = await start(hosts[1], "--port", "0")
    back = await everybody_sees_everybody([again, *others[1:]], [again])
    await all_hear(again, others[1:], "back without an address")
    print(f"\n{shape}: everybody saw everybody {took:.1f} s after the last start; who started again, after {back:.1f} s")
    assert took < SECONDS
    assert back < SECONDS


async def test_whom_nobody_can_dial_dials_everybody(lab: Lab, start: Starts) -> None:
    hosts = network(lab)
    hosts[1].drop_inbound()
    people = [await start_ready(start, hosts[0], "--port", str(PORT))]
    people += [await start(host, *at(hosts[0])) for host in hosts[1:]]
    took = await everybody_sees_everybody(people)
    print(f"\nwith one behind a firewall: everybody saw everybody after {took:.1f} s")
    assert took < SECONDS
    assert await links(people) == [PEOPLE - 1] * PEOPLE


async def test_two_who_cannot_reach_each_other_talk_through_a_third(lab: Lab, start: Starts) -> None:
    here, there, between = (lab.host(ipv6=False) for _ in range(3))
    lab.filter_multicast()
    here.isolate()
    there.isolate()
    middle = await start_ready(start, between, "--port", str(PORT))
    anna, ben = await start_ready(start, here, *at(between)), await start_ready(start, there, *at(between))
    await everybody_sees_everybody([middle, anna], [middle, anna])
    await everybody_sees_everybody([middle, ben], [middle, ben])
    await all_hear(anna, [middle, ben], "can you hear me?")
    await all_hear(ben, [middle, anna], "as if you were here")
    assert await links([anna, ben, middle]) == [1, 1, 2]


async def test_link_local_addresses_are_enough(lab: Lab, start: Starts) -> None:
    """One family, no addresses but those of the cable itself, and nobody announces anything."""
    hosts = [lab.host(ipv4=False) for _ in range(3)]
    first = await start_ready(start, hosts[0], "--no-mdns", "--port", str(PORT))
    leads = f"[{link_local(hosts[0])}%eth0]:{PORT}"
    people = [first, *[await start(host, "--no-mdns", "--connect", leads) for host in hosts[1:]]]
    took = await everybody_sees_everybody(people)
    print(f"\nlink-local addresses only: everybody saw everybody after {took:.1f} s")
    assert took < SECONDS
    await first.kill()
    await all_hear(people[1], people[2:], "between the two of us")


def link_local(host: Host) -> str:
    shown = run("ip", "-n", host.namespace, "-6", "address", "show", "dev", "eth0", "scope", "link").stdout
    found = re.search(r"inet6 (\S+)/", shown)
    assert found is not None, shown
    return found[1]
