"""Who shares a room now, whatever happened in between: as it would be found by looking at all of them."""

from __future__ import annotations

import math
from random import Random

import pytest

from peertalk.core.present import Present
from peertalk.core.sharing import Sharing

LIFE = 30.0


@pytest.mark.parametrize("seed", range(20))
def test_it_is_as_if_all_were_looked_at_each_time(seed: int) -> None:
    dice, present, now = Random(seed), Present(), 0.0
    heard: dict[bytes, float] = {}
    for link in range(300):
        now += dice.uniform(0, 4)
        who = bytes([dice.randrange(6)])
        match dice.randrange(6):
            case 0 | 1:
                present.sharings[link] = Sharing(link, who, now)
                if dice.random() < 0.8:
                    present.begin(present.sharings[link])
            case 2 if present.sharings:
                present.end(dice.choice(list(present.sharings)))
            case 3 | 4:
                until = now + dice.uniform(0, LIFE)
                present.hear(who, until)
                heard[who] = max(until, heard.get(who, until))
            case _:
                assert present.drop(who) == (heard.pop(who, None) is not None)
        old = present.too_old(now)
        assert sorted(old) == sorted(one for one, until in heard.items() if until <= now)
        for one in old:
            present.drop(one)
            del heard[one]
        ready = tuple(one for one in present.sharings.values() if one.ready)
        assert present.ready() == ready
        assert present.heard == heard
        assert present.online() == {*(one.identity for one in ready), *heard}
        assert now < present.soonest <= min(heard.values(), default=math.inf)
