"""Who comes back from a backup speaks for what they wrote before, however often it is restored; and writes nothing where another
goes on."""

from __future__ import annotations

import copy

from peertalk.core.entry import Edit
from tests.core.authors import ROOM
from tests.model_store import ModelStore
from tests.sim.backups import backed_up
from tests.sim.deleting import check_complete, check_erased, what_deletes
from tests.sim.invariants import check_rules, check_same, room_of
from tests.sim.world import Host, World


def company(*names: str) -> tuple[World, list[Host]]:
    """People who are linked in the room that all share."""
    world = World("backup")
    hosts = [world.host(name) for name in names]
    for host in hosts:
        host.start()
        host.join()
    world.mesh()
    world.run(5)
    return world, hosts


def back_up(host: Host) -> ModelStore:
    disk = copy.deepcopy(host.disk)
    disk.crash(disk.queued)
    return backed_up(disk, host.now().wall)


def come_back(host: Host, file: ModelStore) -> None:
    """From this backup, which is noticed at the start."""
    host.disk, host.is_restored = copy.deepcopy(file), True
    host.world.lost.add(host.identity.public)
    host.start()
    host.world.mesh()
    host.world.run(10)


def delete(host: Host, message: bytes) -> int:
    """How much had to be said for that."""
    said = what_deletes(host, message)
    for content in said:
        host.annotate(content)
    host.world.run(10)
    return len(said)


def is_forked(host: Host) -> bool:
    return any(chain.forked for chain in room_of(host).log.chains.values())


def test_who_comes_back_edits_and_deletes_what_they_wrote_before() -> None:
    world, (ada, ben, cara) = company("ada", "ben", "cara")
    ada.say("regrettable")
    ada.say("fine")
    world.run(5)
    file = back_up(ada)
    ada.crash()
    come_back(ada, file)
    regrettable, fine = ada.spoken
    ada.annotate(Edit(fine.message, "better"))
    assert delete(ada, regrettable.message) == 1
    check_same([ada, ben, cara], ROOM.id)
    assert [check_erased(host) for host in (ada, ben, cara)] == [1] * 3
    assert not is_forked(ben)
    for host in (ada, ben, cara):
        check_rules(host)
        check_complete(host)


def test_two_who_come_back_from_one_backup_beside_the_one_who_went_on_fork_nothing() -> None:
    world, (ada, ben) = company("ada", "ben")
    for text in ("one", "two", "three"):
        ada.say(text)
    world.run(5)
    file = back_up(ada)
    twins = [world.copy_of(ada, f"ada{number}") for number in (2, 3)]
    for twin in twins:
        come_back(twin, file)
    before = list(ada.spoken)
    for host, said in zip((ada, *twins), before, strict=True):
        host.say(f"from {host.name}")
        assert delete(host, said.message) == 1
    world.run(20)
    check_same([ada, *twins, ben], ROOM.id)
    assert check_erased(ben) == 3
    assert not is_forked(ben)
    assert len([feed for feed in room_of(ben).log.chains if room_of(ben).is_by(feed, ada.identity.public)]) == 4


def test_a_backup_of_who_came_back_and_never_started_leads_on_from_there() -> None:
    world, (ada, ben) = company("ada", "ben")
    ada.say("regrettable")
    world.run(5)
    first = back_up(ada)
    ada.crash()
    come_back(ada, backed_up(first, ada.now().wall + 1))
    assert delete(ada, ada.spoken[0].message) == 1
    assert check_erased(ben) == 1


def test_what_somebody_writes_in_a_feed_of_after_the_backup_stays_theirs() -> None:
    """Who opens an old backup speaks for the feed of then and those before it, not for what came after."""
    world, (ada, ben) = company("ada", "ben")
    ada.say("then")
    world.run(5)
    file, thief = back_up(ada), world.copy_of(ada, "thief")
    ada.do(lambda replica: replica.places[ROOM.id].own.retire(ada.now()))
    ada.say("after")
    world.run(5)
    come_back(thief, file)
    thief.spoken = list(ada.spoken)
    assert [delete(thief, said.message) for said in ada.spoken] == [1, 0]
    assert ben.texts() == ["after"]
