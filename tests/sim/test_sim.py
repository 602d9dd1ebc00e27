"""Some random schedules; `make sim` plays thousands, and any one of them again."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from peertalk.core import entry, intake, wire
from peertalk.core.outlet import Now
from peertalk.core.own import AHEAD, Own
from peertalk.core.room import Room
from tests.core.authors import ROOM, Author, ids
from tests.sim import __main__ as command
from tests.sim import schedule as scheduling
from tests.sim.invariants import held
from tests.sim.plan import MAX_ENTRIES, Plan, Step, draw, parse_steps
from tests.sim.runs import attempt, attempt_all
from tests.sim.schedule import QUIET, Schedule, play, run
from tests.sim.shrink import manner, shrink
from tests.sim.signer import keyed_hashes
from tests.sim.world import START, World

SEEDS = 200
BATCH = 20
LARGE = range(1000, 1004)


@pytest.mark.parametrize("first", range(0, SEEDS, BATCH), ids=lambda first: f"seeds {first} to {first + BATCH - 1}")
def test_replicas_come_to_the_same_and_lose_nothing(first: int) -> None:
    failures = attempt_all(range(first, first + BATCH), small=True)
    for failure in failures:
        print(failure.why, failure.log, f"again: python -m tests.sim --small --seed {failure.plan.seed}", sep="\n")
    assert [failure.plan.seed for failure in failures] == []


def test_many_replicas_come_to_the_same_and_lose_nothing() -> None:
    assert [failure.why for failure in attempt_all(LARGE)] == []


def test_with_several_own_pages_on_their_way_nothing_forks_or_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever says a few things at once fills some pages, and is cut off, stalled, crashed or restored in between."""
    monkeypatch.setattr(wire, "MAX_PAGE_ENTRIES", 2)
    most, begin = 0, Own._place

    def place(own: Own, now: Now) -> None:
        nonlocal most
        begin(own, now)
        most = max(most, own._under_way)

    monkeypatch.setattr(Own, "_place", place)
    assert [failure.why for failure in attempt_all(range(100, 120), small=True)] == []
    assert most == AHEAD


# ── plans ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_plans_have_all_kinds_of_steps_and_the_sizes_that_were_promised() -> None:
    plans = [draw(seed) for seed in range(300)]
    kinds = {step.what for plan in plans for step in plan.steps}
    assert kinds == set(Schedule(draw(0).of(()))._steps)
    assert {min(len(plan.hosts) for plan in plans), max(len(plan.hosts) for plan in plans)} == {3, 12}
    assert max(len(plan.liars) for plan in plans) == 3
    assert {plan.is_lasting for plan in plans} == {True, False}
    assert sum(plan.is_real for plan in plans) == 15
    assert max(written(plan) for plan in plans) == MAX_ENTRIES


def written(plan: Plan) -> int:
    """How much is written at most."""
    told = sum(int(step.args[-1]) for step in plan.steps if step.what in ("say", "story", "whisper"))
    return told + sum(step.what in ("edit", "delete", "react", "unreact") for step in plan.steps)


def test_a_plan_is_text_and_back() -> None:
    plan = draw(7)
    assert parse_steps(str(plan)) == plan.steps


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


def test_any_part_of_a_plan_can_be_played() -> None:
    """What makes no sense any more is passed over."""
    plan = draw(6, small=True)
    for start in range(3):
        schedule = play(plan.of(plan.steps[start::3]))
        assert len(schedule.log) == len(plan.steps[start::3])
    assert any("passed over" in line for line in schedule.log)


def test_the_schedules_do_what_they_are_for() -> None:
    schedules, done = [], Counter[str]()
    for plan in (draw(seed, small=True) for seed in range(100)):
        if len(schedules) < 20 or any(step.what not in done for step in plan.steps):
            schedules.append(play(plan))
            done.update(line.split()[1] for line in schedules[-1].log if "passed over" not in line)
    assert set(done) == set(schedules[0]._steps)
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
    for plan in filter(lambda plan: plan.is_scarce, map(draw, range(45))):
        play(plan)
    assert refused["open"] > 10
    assert refused["direct"] > 0


def test_a_run_ends_only_when_nothing_comes_any_more() -> None:
    """Whoever lies may let something out shortly before the end: it still has to come to all."""
    worlds = [run(seed).world for seed in (1, 5)]
    assert all(world.time - world.changed >= QUIET for world in worlds)


def test_where_signatures_are_hashes_only_who_has_the_key_makes_one() -> None:
    with keyed_hashes():
        one, other = entry.FeedKey(b"1" * 32), entry.FeedKey(b"2" * 32)
        signature = one.sign_page(b"tip")
        assert entry.verify_page(one.public, b"tip", signature)
        assert not entry.verify_page(one.public, b"top", signature)
        assert not entry.verify_page(other.public, b"tip", signature)
        assert not entry.verify_next(one.public, signature, ROOM.id, b"tip")
    assert not entry.verify_page(entry.FeedKey(b"1" * 32).public, b"tip", signature)


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


# ── what fails ───────────────────────────────────────────────────────────────────────────────────────────────────────


def fails_if_a_crash_follows_a_story(plan: Plan) -> None:
    done = [step.what for step in plan.steps]
    if "story" in done and "crash" in done[done.index("story") :]:
        raise ValueError(f"story of {plan.steps[done.index('story')].args[0]}")


def test_the_shortest_plan_that_fails_likewise_is_found() -> None:
    plan = next(plan for plan in map(draw, range(99)) if breaks(plan))
    shortest = shrink(plan, "ValueError: story of #", fails_if_a_crash_follows_a_story)
    assert [step.what for step in shortest.steps] == ["story", "crash"]
    assert (shortest.steps[0].args[-1], shortest.steps[0].wait, shortest.steps[1].wait) == ("1", 0.0, 0.0)


def breaks(plan: Plan) -> bool:
    try:
        fails_if_a_crash_follows_a_story(plan)
    except ValueError:
        return len(plan.steps) > 50
    return False


def test_what_is_only_about_whom_is_the_same_failure() -> None:
    assert manner(ValueError("a and b2 differ: 3 and 4 entries")) == manner(ValueError("c and d differ: 1 and 9 entries"))
    assert manner(ValueError("a and b differ")) != manner(KeyError("a and b differ"))


def test_a_failing_seed_tells_what_happened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Schedule, "rest", lambda self: 1 / 0)
    failure = attempt(5)
    assert failure is not None
    assert "ZeroDivisionError" in failure.why
    assert "seed 5:" in failure.log
    assert " say " in failure.log


def test_the_command_replays_one_seed_and_shrinks_what_fails(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert command.main(["--seed", "4"]) == 0
    assert "seed 4 holds" in capsys.readouterr().out
    monkeypatch.setattr(scheduling, "check_rest", lambda up, *_: 1 / (3 - len(up)))
    assert command.main(["--small", "--seed", "4"]) == 1
    found = capsys.readouterr().out
    assert "ZeroDivisionError" in found
    shortest = found[found.index("# the shortest found") :]
    assert {step.what for step in parse_steps(shortest)} == {"start"}
    steps = tmp_path / "steps"
    steps.write_text(shortest, encoding="utf-8")
    assert command.main(["--small", "--seed", "4", "--steps", str(steps)]) == 1


# ── the world itself ─────────────────────────────────────────────────────────────────────────────────────────────────


def pair(name: str) -> tuple[World, Any, Any]:
    world = World(name)
    one, other = world.host("one"), world.host("other")
    for host in (one, other):
        host.start()
        host.join()
    return world, one, other


def test_the_world_delivers_in_order_and_breaks_links_in_the_middle() -> None:
    world, one, other = pair("order")
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


def test_halves_of_a_network_hear_each_other_again_in_order_or_their_links_break() -> None:
    world, one, other = pair("halves")
    world.link(one, other)
    world.run(1)
    for seconds, links in ((5, 1), (15, 0)):
        world.part(["one"], ["other"])
        for number in range(3):
            one.say(f"{seconds} {number}")
        world.run(seconds)
        assert (world.link(one, other), len(world.links)) == (None, links)
        assert not any(text.startswith(f"{seconds} ") for text in other.texts())
        world.heal()
        world.link(one, other)
        world.run(10)
        assert other.texts() == one.texts()


def test_whom_nobody_can_dial_dials_others() -> None:
    world, one, other = pair("wall")
    world.ways.walled.add("one")
    assert world.link(other, one) is None
    assert world.link(one, other) is not None


def test_who_reads_nothing_is_written_to_no_more_than_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    world, one, other = pair("slow reader")
    world.link(one, other)
    world.run(1)
    world.stall(other, 60)
    for number in range(40):
        one.say(f"{number} {'x' * 2000}")
    world.run(30)
    assert one.replica._out.congested
    assert other.texts() == []
    world.run(60)
    assert not one.replica._out.congested
    assert other.texts() == one.texts()


def test_a_step_reads_as_it_is_written() -> None:
    assert str(Step("link", ("a", "b", "slow"), 0.3)) == "link a b slow +0.3"
    assert Step.parse("heal +0") == Step("heal")
