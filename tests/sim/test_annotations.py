"""People edit, delete and react at random while links break and machines crash; and broken engines are found out."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from peertalk.core.annotations import deletions
from peertalk.core.bodies import Bodies
from peertalk.core.entry import Edit
from peertalk.core.lineage import Lineage
from peertalk.core.room import NOTHING
from tests.core.authors import ROOM
from tests.sim.annotations import check_deleted, everything, run
from tests.sim.invariants import check_rules, room_of
from tests.sim.world import World

SEEDS = range(25)
Patch = pytest.MonkeyPatch


def failures(seeds: range) -> Iterator[str]:
    for seed in seeds:
        try:
            run(seed)
        except Exception as error:  # noqa: BLE001 - a run that raises whatever is a failed run, and the next one follows
            yield "\n".join([repr(error), *getattr(error, "__notes__", [])])


def test_all_come_to_the_same_and_what_was_deleted_is_on_no_disk() -> None:
    assert list(failures(SEEDS)) == []


def test_the_schedules_do_what_they_are_for() -> None:
    runs = [run(seed) for seed in range(6)]
    words = " ".join(line for schedule, _ in runs for line in schedule.log)
    for deed in ("edits", "deletes", "which waits", "new feed", "for good", "crash"):
        assert deed in words
    assert sum(count for _, count in runs) > 10


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
    (said,) = [entry for entry in ada.entries() if entry.kind == "text"]
    ada.do(lambda replica: replica.send(ROOM.id, Edit(said.message, "still regrettable"), ada.now()))
    world.run(5)
    cara.crash()
    for content in deletions(said, ada.disk.annotations(ROOM.id, [said.message]), {}):
        ada.do(lambda replica, content=content: replica.send(ROOM.id, content, ada.now()))
    world.run(5)
    ada.crash()
    assert "regrettable" in cara.texts()
    for host in (cara, dora):
        host.start()
        host.join()
    world.link(ben, cara)
    world.link(cara, dora)
    world.run(30)
    kept = [everything(host) for host in (ben, cara, dora)]
    assert kept[0] == kept[1] == kept[2]
    assert [check_deleted(host) for host in (ben, cara, dora)] == [2] * 3
    assert len({room_of(host).digest() for host in (ben, cara, dora)} - {NOTHING}) == 1
    for host in (ben, cara, dora):
        check_rules(host)


def erases_nothing(patch: Patch) -> None:
    patch.setattr(Bodies, "_erase", lambda *_: None)


def believes_nobody_who_has_a_new_feed(patch: Patch) -> None:
    patch.setattr(Lineage, "tie", lambda *_: None)


@pytest.mark.parametrize("fault", [erases_nothing, believes_nobody_who_has_a_new_feed])
def test_an_engine_that_errs_is_found_out(fault: Callable[[Patch], None], monkeypatch: Patch) -> None:
    fault(monkeypatch)
    assert next(failures(range(50)), None) is not None
