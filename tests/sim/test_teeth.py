"""The simulation has teeth: engines that are broken on purpose are found out, each by one of a few seeds."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain

import pytest

from tests.sim.mutants import BROKEN
from tests.sim.runs import attempt

SEEDS = range(400)
FIRST: dict[str, tuple[int, ...]] = {
    "takes_branches_of_equal_height_for_the_same": (188, 266, 474),
    "counts_a_claim_of_one_branch_for_all": (167,),
}
"""Seeds that are tried before the others, where only few find it out."""


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.__name__)
def test_an_engine_that(broken: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch) -> None:
    broken(monkeypatch)
    seeds = chain(FIRST.get(broken.__name__, ()), SEEDS)
    found = next((failure for seed in seeds if (failure := attempt(seed, small=True)) is not None), None)
    assert found is not None, "no seed found it out"
    print(found.plan.seed, found.why)
