"""Members who know one address find all others; and who shares no room with somebody is told nothing of them."""

from __future__ import annotations

from itertools import pairwise

import pytest

from peertalk.core.rooms import open_room
from tests.core.authors import ROOM, START
from tests.sim.mallory import Mallory
from tests.sim.world import Host, World

OTHER = open_room("other", b"o" * 32, START)
PEOPLE = 8


def people(world: World, count: int = PEOPLE) -> list[Host]:
    hosts = [world.host(f"host {number}") for number in range(count)]
    for host in hosts:
        host.start()
        host.join()
    return hosts


def dial_what_was_heard(world: World, hosts: list[Host]) -> None:
    """As a dialer does: whoever is said to be somewhere is dialled there, if they are."""
    places = {(host.address, host.port): host for host in world.hosts}
    for host in hosts:
        for _, _, address, port in list(host.heard):
            if (other := places.get((address, port))) is not None:
                world.link(host, other)


def links(world: World, host: Host, hosts: list[Host]) -> int:
    """How many of these this one is linked with."""
    return sum(host in ends and set(ends) <= set(hosts) for ends in world.links.values())


@pytest.mark.parametrize("shape", ["star", "chain"])
@pytest.mark.parametrize("liar", [False, True], ids=["all honest", "one lies"])
def test_one_address_each_is_enough_for_all(shape: str, liar: bool) -> None:
    world = World(shape)
    hosts = people(world)
    mallory = Mallory(world, "mallory") if liar else None
    if mallory is not None:
        world.hosts.append(mallory)
        world.link(mallory, hosts[0])
    for before, host in pairwise(hosts):
        world.link(host, hosts[0] if shape == "star" else before)
    for _ in range(6):
        for _ in range(10):
            if mallory is not None:
                mallory.act()
            world.run(0.3)
        dial_what_was_heard(world, hosts)
    assert [links(world, host, hosts) for host in hosts] == [PEOPLE - 1] * PEOPLE


def test_it_is_quiet_once_everybody_was_told() -> None:
    world = World("quiet")
    people(world)
    world.mesh()
    world.run(30)
    sent = world.sent
    heard = [len(host.heard) for host in world.hosts]
    world.run(300)
    assert world.sent == sent
    assert [len(host.heard) for host in world.hosts] == heard == [(PEOPLE - 1) * (PEOPLE - 2)] * PEOPLE


def test_nobody_hears_of_somebody_with_whom_they_share_no_room() -> None:
    world = World("apart")
    hosts = people(world, 6)
    middle, *others = hosts
    middle.join(OTHER)
    for host in others[3:]:
        host.do(lambda replica, host=host: replica.leave(ROOM.id, host.now(), forget=True))
        host.join(OTHER)
    for host in others:
        world.link(middle, host)
    world.run(30)
    known = [{who for _, who, _, _ in host.heard} for host in others]
    groups = [{host.identity.public for host in others[:3]}, {host.identity.public for host in others[3:]}]
    assert known == [groups[number // 3] - {host.identity.public} for number, host in enumerate(others)]
