"""Networks as they are: cables that are pulled, addresses that change, one family only, no multicast."""

from __future__ import annotations

import pytest

from tests.lab.conftest import Starts
from tests.lab.lab import Lab
from tests.lab.rpc_process import Event, RpcProcess, Test, delivered


async def met(anna: RpcProcess, ben: RpcProcess) -> tuple[str, str]:
    """Wait until they see each other; their identities."""
    first, second = await anna.identity(), await ben.identity()
    await anna.online(second)
    await ben.online(first)
    return first, second


def change(peer: str, what: str) -> Test:
    """Whether an event says that of this peer."""
    return lambda event: event["type"] == "peer" and event["change"] == what and event["peer"]["id"] == peer


async def test_who_pulls_the_cable_is_gone_and_with_it_back_again(lab: Lab, start: Starts) -> None:
    here, there = lab.host(), lab.host()
    anna, ben = await start(here), await start(there)
    first, second = await met(anna, ben)
    there.unplug()
    gone = await anna.wait_event(change(second, "offline"))
    await ben.wait_event(change(first, "offline"))
    waiting = await anna.call("messages.send", room="lobby", text="written alone")
    there.plug()
    since = anna.events.index(gone)
    await anna.wait_event(change(second, "online"), since=since)
    await ben.has_texts("written alone")
    await anna.wait_event(delivered(waiting["id"], second))


async def test_who_is_killed_and_started_again_is_back_at_once(lab: Lab, start: Starts) -> None:
    here, there = lab.host(), lab.host()
    anna, ben = await start(here), await start(there)
    _, second = await met(anna, ben)
    await ben.kill()
    gone = await anna.wait_event(change(second, "offline"))
    ben = await start(there)
    await anna.wait_event(change(second, "online"), since=anna.events.index(gone))


async def test_who_starts_without_a_network_gets_one(lab: Lab, start: Starts) -> None:
    here, there = lab.host(), lab.host()
    there.unplug()
    anna, ben = await start(here), await start(there)
    await ben.ready()
    there.plug()
    await met(anna, ben)


@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
async def test_one_family_is_enough(lab: Lab, start: Starts, family: str) -> None:
    anna, ben = [await start(lab.host(ipv4=family == "ipv4", ipv6=family == "ipv6")) for _ in range(2)]
    first, _ = await met(anna, ben)
    await ben.call("messages.send", room="lobby", text="one is enough")
    await anna.has_texts("one is enough")
    assert first != await ben.identity()


async def test_where_multicast_is_off_an_address_is_enough(lab: Lab, start: Starts) -> None:
    here, there = lab.host(), lab.host()
    anna = await start(here, "--no-mdns", "--port", "47000")
    await anna.ready()
    ben = await start(there, "--no-mdns", "--connect", f"{here.address}:47000")
    await met(anna, ben)
    status = await ben.call("node.status")
    assert (status["discovery"]["enabled"], status["links"]) == (False, 1)


async def test_who_closes_is_forgotten_by_discovery_too(lab: Lab, start: Starts) -> None:
    anna, ben = await start(lab.host()), await start(lab.host())
    _, second = await met(anna, ben)
    assert (await anna.call("node.status"))["discovery"]["services_seen"] == 1
    assert await ben.stop() == 0
    await anna.wait_event(change(second, "offline"))
    while (await anna.call("node.status"))["discovery"]["services_seen"]:
        pass


async def test_nobody_is_linked_twice_or_flickers(lab: Lab, start: Starts) -> None:
    """Five that start at the same moment: one link a pair, and nobody goes offline in between."""
    everybody = [await start(lab.host()) for _ in range(5)]
    identities = [await process.identity() for process in everybody]
    for process, identity in zip(everybody, identities, strict=True):
        await process.online(*(other for other in identities if other != identity))
    await everybody[0].call("messages.send", room="lobby", text="all here")
    for process in everybody:
        await process.has_texts("all here")
        assert (await process.call("node.status"))["links"] == 4
        assert not [event for event in process.events if is_offline(event)]


def is_offline(event: Event) -> bool:
    return event["type"] == "peer" and event["change"] == "offline"
