"""The simulation has teeth: engines that are broken on purpose are found out, each by one of a few seeds."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.sim.mutants import BROKEN
from tests.sim.plan import Plan, draw, parse_steps
from tests.sim.runs import attempt_plan

SEEDS = range(400)
FIRST = {
    "takes_branches_of_equal_height_for_the_same": 584,
    "takes_a_page_that_parts_in_the_middle_for_held": 30,
    "goes_on_writing_when_restored": 540,
    "claims_what_it_lacks_to_be_on_disk": 786,
    "claims_bodies_that_it_lacks": 786,
    "believes_hearsay_before_the_owner": 25,
    "erases_nothing": 24,
    "believes_nobody_who_has_a_new_feed": 215,
    "deletes_what_was_said_first_alone": 555,
    "takes_for_done_what_exceeded_a_rate": 74,
}
"""The seed that is tried before the others, where only few find it out."""
STEPS = {
    "keeps_claims_across_a_fork": (
        "start a +0\nstart b +0\nstart c +0.01\ntwin c +0\nsay c 3 +0\nsay c2 1 +0\nsay c2 3 +0\n"
        "link c a +0\nlink b c2 +0\nsay c 1 +0.05\nlink a c2 +0.3"
    ),
    "counts_a_claim_of_one_branch_for_all": (  # c has one branch of a's feed, a both, and c hears late what a has to say
        "start a +0\nstart b +0\nstart c +0\nlink a b +0.5\ncut a b +0\ntwin a +0\nsay a2 3 +0\nlink a2 c +0.5\ncut a2 c +0\n"
        "say a 1 +0\nlink a b +0.5\ncut a b +0\nlink a2 b +0.5\ncut a2 b +0\nlink a b +0.5\ncut a b +0\nlink a c slow +0.3"
        + "\nheal +0.2"
        * 40
    ),
}
"""What found it out once, cut down: played with the delays of a few seeds, where drawn steps seldom lead there."""


def plans(name: str) -> Iterator[Plan]:
    """What is played against an engine, in this order."""
    if name in STEPS:
        yield from (draw(seed, small=True).of(parse_steps(STEPS[name])) for seed in range(20))
    yield from (draw(seed, small=True) for seed in (FIRST.get(name, 0), *SEEDS))


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.__name__)
def test_an_engine_that(broken: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch) -> None:
    broken(monkeypatch)
    found = next((failure for plan in plans(broken.__name__) if (failure := attempt_plan(plan)) is not None), None)
    assert found is not None, "no seed found it out"
    assert found.why.startswith("Violation: "), found.why
    print(found.plan.seed, found.why)
