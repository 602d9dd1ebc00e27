"""What was deleted is gone wherever it was, whoever was away, and from whomever one hears of it."""

from __future__ import annotations

from peertalk.core.entry import Edit
from peertalk.core.room import NOTHING
from tests.core.authors import ROOM
from tests.sim.deleting import check_complete, check_erased, what_deletes
from tests.sim.invariants import check_rules, check_same, room_of
from tests.sim.schedule import run
from tests.sim.world import Host, World


def test_the_schedules_delete_what_others_have() -> None:
    schedules = [run(seed, small=True) for seed in (24, 45)]
    assert sum(check_erased(host) for schedule in schedules for host in schedule.up()) > 4


def delete(host: Host, message: bytes) -> None:
    for content in what_deletes(host, message):
        host.annotate(content)


def test_who_was_away_drops_it_when_back_and_a_newcomer_misses_nothing_from_whomever_they_hear_it() -> None:
    """The author has gone; what the chains say still verifies, without what was erased."""
    world = World("away")
    ada, ben, cara, dora = (world.host(name) for name in ("ada", "ben", "cara", "dora"))
    for host in (ada, ben, cara):
        host.start()
        host.join()
    world.mesh()
    world.run(5)
    ada.say("regrettable")
    world.run(5)
    (said,) = ada.spoken
    ada.annotate(Edit(said.message, "still regrettable"))
    world.run(5)
    cara.crash()
    delete(ada, said.message)
    world.run(5)
    ada.crash()
    assert "regrettable" in cara.texts()
    for host in (cara, dora):
        host.start()
        host.join()
    world.link(ben, cara)
    world.link(cara, dora)
    world.run(30)
    there = [ben, cara, dora]
    check_same(there, ROOM.id)
    assert [check_erased(host) for host in there] == [2] * 3
    assert len({room_of(host).digest() for host in there} - {NOTHING}) == 1
    for host in there:
        check_complete(host)
        check_rules(host)
