"""Some random schedules; `python -m tests.sim` plays thousands, and any one of them again."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from typing import Any

import pytest

from peertalk.core import intake, wire
from peertalk.core.room import Room
from tests.core.authors import ROOM, Author, ids
from tests.sim import __main__ as command
from tests.sim.invariants import held
from tests.sim.runs import attempt, attempt_all
from tests.sim.schedule import QUIET, Schedule, run
from tests.sim.world import START, World

SEEDS = 150
BATCH = 10


@pytest.mark.parametrize("first", range(0, SEEDS, BATCH), ids=lambda first: f"seeds {first} to {first + BATCH - 1}")
def test_replicas_come_to_the_same_and_lose_nothing(first: int) -> None:
    failures = attempt_all(range(first, first + BATCH))
    for failure in failures:
        print(failure.why, failure.log, f"again: python -m tests.sim --seed {failure.seed}", sep="\n")
    assert [failure.seed for failure in failures] == []


def test_a_seed_plays_the_same_every_time() -> None:
    one, other = run(3), run(3)
    assert one.log == other.log
    assert (one.world.sent, one.world.sent_bytes, one.world.time) == (
        other.world.sent,
        other.world.sent_bytes,
        other.world.time,
    )


def test_a_seed_plays_the_same_in_every_process() -> None:
    """Nothing hangs on the order of sets, which differs from process to process."""
    outputs = {
        subprocess.run(
            [sys.executable, "-m", "tests.sim", "--seed", "3"],
            check=True,
            capture_output=True,
            env={**os.environ, "PYTHONHASHSEED": str(number)},
        ).stdout
        for number in (1, 2)
    }
    assert len(outputs) == 1


def test_the_schedules_do_what_they_are_for() -> None:
    schedules = [run(seed) for seed in range(12)]
    words = " ".join(line for schedule in schedules for line in schedule.log)
    for deed in ("goes on as a copy", "runs twice", "leaves for good", "comes back", "one way slow", "crash", "link mallory"):
        assert deed in words
    assert any(host.closed for schedule in schedules for host in schedule.honest())
    rooms = [place.room for one in schedules for host in one.up() if host.replica for place in host.replica.places.values()]
    assert any(chain.forked for room in rooms for chain in room.log.chains.values())
    assert any(room.record.kind == "direct" and room.log.count for room in rooms)


def test_in_some_schedules_everything_is_scarce(monkeypatch: pytest.MonkeyPatch) -> None:
    charged, refused = intake.charged, Counter[str]()

    def counting(room: Room, *arguments: Any) -> Any:
        found = charged(room, *arguments)
        refused[room.record.kind] += found is None
        return found

    monkeypatch.setattr(intake, "charged", counting)
    for seed in range(2, 300, 3):
        run(seed)
    assert refused["open"] > 10
    assert refused["direct"] > 0


def test_a_run_ends_only_when_nothing_comes_any_more() -> None:
    """Whoever lies may let something out shortly before the end: it still has to come to all."""
    worlds = [run(seed).world for seed in (2, 5, 2320)]
    assert all(world.time - world.changed >= QUIET for world in worlds)


def test_of_a_forked_feed_each_branch_is_held_for_itself() -> None:
    """Whose body of one branch is absent was not wrong to claim the other."""
    host, ben = World("branches").host("one"), Author("ben")
    host.start()
    host.join()
    start = ben.says("start")
    fork = ben.last
    whole = ben.says("one", "two")
    ben.last = fork
    absent = ben.says("other")
    more = ben.says("after")
    bare = wire.Page(absent.room, absent.headers, absent.signature, (None,))
    host.do(lambda replica: replica.link_up(1, ben.public, (ROOM.id,), host.now()))
    for raw in map(wire.encode, (ben.card(), start, whole, bare, more)):
        host.do(lambda replica, raw=raw: replica.received(1, raw, host.now()))
    host.world.run(0.5)
    assert held(host, ROOM.id, ben.feed) == {b"": 0, **dict(zip([*ids(start), *ids(whole)], (1, 2, 3), strict=True))}


def test_a_failing_seed_tells_what_happened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Schedule, "rest", lambda self: 1 / 0)
    failure = attempt(5)
    assert failure is not None
    assert "ZeroDivisionError" in failure.why
    assert "seed 5:" in failure.log
    assert " says up to " in failure.log


def test_the_command_replays_one_seed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert command.main(["--seed", "4"]) == 0
    assert "seed 4 holds" in capsys.readouterr().out
    monkeypatch.setattr(Schedule, "rest", lambda self: 1 / 0)
    assert command.main(["--seed", "4"]) == 1
    assert "ZeroDivisionError" in capsys.readouterr().out


def test_the_world_itself_delivers_in_order_and_breaks_links_in_the_middle() -> None:
    world = World("order")
    one, other = world.host("one"), world.host("other")
    for host in (one, other):
        host.start()
        host.join()
    number = world.link(one, other, slow=one)
    assert number is not None
    one.say("hello")
    world.run(1)
    world.close(number)
    world.run(10)
    assert other.texts() == []
    world.link(one, other)
    world.run(10)
    assert other.texts() == one.texts() == ["hello"]
    assert one.now().wall == START + int(world.time * 1000)
