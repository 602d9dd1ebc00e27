"""What a code is good for: no more guesses than there are tries, however somebody orders, drops or parallelises them."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from peertalk.core import slots
from peertalk.core.invite import Invitation, Turn
from peertalk.core.pairing import Status
from peertalk.core.rooms import room_id
from peertalk.core.spake import Way
from tests.core.pair import noise

GO_ON, EXPIRED, USED_UP, SEALED = Status


def invitation(uses: int = 1, seconds: float = 600.0) -> Invitation:
    return Invitation(slot=7, uses=uses, seconds=seconds, now=0.0)


def asked(code: Invitation, *visits: int, source: str = "here", way: Way = Way.WORDS, now: float = 0.0) -> list[Turn]:
    for visit in visits:
        code.ask(visit, source, way)
    return code.turns(now)


def test_who_knows_the_words_gets_the_room_and_the_code_is_used_up() -> None:
    code = invitation()
    assert asked(code, 1) == [Turn(1, GO_ON)]
    assert code.confirm(1, 1.0) is GO_ON
    assert code.died(1.0) == "used_up"
    assert asked(code, 2, now=2.0) == [Turn(2, USED_UP)]
    assert asked(code, 3, way=Way.LINK, now=2.0) == [Turn(3, USED_UP)]


def test_three_wrong_tries_end_the_words_and_not_the_link() -> None:
    code = invitation()
    for visit in range(3):
        assert asked(code, visit) == [Turn(visit, GO_ON)]
        assert code.died(0.0) is None
        code.lose(visit)
    assert code.died(0.0) == "guessed"
    assert asked(code, 3) == [Turn(3, USED_UP)]
    assert code.is_alive(0.0)
    assert asked(code, 4, way=Way.LINK) == [Turn(4, GO_ON)]
    assert code.confirm(4, 0.0) is GO_ON
    assert not code.is_alive(0.0)


def test_a_try_comes_back_for_a_right_confirmation_alone() -> None:
    code = invitation(uses=2)
    for visit in range(5):
        asked(code, visit)
        code.lose(visit)
    assert asked(code, 5) == [Turn(5, GO_ON)]
    assert code.confirm(5, 0.0) is GO_ON
    assert asked(code, 6) == [Turn(6, GO_ON)]
    code.lose(6)
    assert code.died(0.0) == "guessed"


@pytest.mark.parametrize(("uses", "tries"), [(1, 3), (2, 6), (10, 30), (20, 30), (256, 30)])
def test_there_are_three_tries_a_use_and_at_most_thirty(uses: int, tries: int) -> None:
    code = invitation(uses)
    for source in range(40):
        code.ask(source, str(source), Way.WORDS)
    assert code.turns(0.0) == [Turn(source, GO_ON) for source in range(tries)]
    for source in range(40):
        code.lose(source)
    assert code.turns(0.0) == []
    assert code.died(0.0) == "guessed"


def test_one_source_has_three_in_flight_and_others_pass_it() -> None:
    code = invitation(uses=4)
    assert asked(code, 1, 2, 3, 4, 5) == [Turn(visit, GO_ON) for visit in (1, 2, 3)]
    assert asked(code, 6, source="there") == [Turn(6, GO_ON)]
    code.lose(2)
    assert code.turns(0.0) == [Turn(4, GO_ON)]
    code.lose(5)
    code.lose(1)
    assert code.turns(0.0) == []


def test_who_holds_many_places_keeps_nobody_out_who_comes_from_elsewhere() -> None:
    """Three machines with twenty connections each, that say nothing: whoever comes from a fourth is among the next, again and again."""
    code = invitation(uses=10)
    for machine in range(3):
        asked(code, *range(machine, 60, 3), source=f"held {machine}", way=Way.LINK)
    assert asked(code, 100, 101, source="elsewhere", way=Way.LINK) == []
    flying, order = [0, 3, 6, 9], []
    for second in range(1, 12):
        code.lose(flying.pop(0))
        come = asked(code, 1000 + second, source="held 0", way=Way.LINK, now=second * 2.0)
        order += [turn.visit for turn in come]
        flying += [turn.visit for turn in come]
    assert order.index(100) <= 3
    assert order.index(101) <= 8


def test_who_waits_for_the_last_try_gets_it_or_hears_that_there_is_none() -> None:
    code = invitation()
    for source in "abc":
        assert asked(code, ord(source), source=source)
    assert asked(code, 4, source="d") == []
    assert code.confirm(ord("a"), 0.0) is GO_ON
    assert code.turns(0.0) == [Turn(4, USED_UP)]


def test_twenty_are_let_in_at_once_from_wherever() -> None:
    for sources in (1, 20):
        code = invitation(uses=20)
        waiting = [str(visit % sources) for visit in range(20)]
        for visit, source in enumerate(waiting):
            code.ask(visit, source, Way.WORDS)
        let_in = 0
        while turns := code.turns(0.0):
            assert all(turn.status is GO_ON for turn in turns)
            let_in += sum(code.confirm(turn.visit, 0.0) is GO_ON for turn in turns)
        assert let_in == 20
        assert code.died(0.0) == "used_up"


def test_who_is_late_by_one_hears_it_with_frame_eight() -> None:
    code = invitation()
    asked(code, 1, 2)
    assert code.confirm(2, 0.0) is GO_ON
    assert code.confirm(1, 0.0) is USED_UP


def test_a_code_has_its_time_and_who_is_in_flight_may_finish() -> None:
    code = invitation(uses=2, seconds=60.0)
    asked(code, 1, 2, 3, 4)
    assert code.wake(0.0) == 60.0
    assert code.died(59.9) is None
    assert code.died(60.0) == "expired"
    assert code.turns(60.0) == [Turn(4, EXPIRED)]
    assert code.confirm(1, 61.0) is GO_ON
    assert asked(code, 5, now=61.0) == [Turn(5, EXPIRED)]
    assert asked(code, 6, way=Way.LINK, now=61.0) == [Turn(6, EXPIRED)]


def test_who_was_in_flight_when_it_was_taken_back_gets_nothing() -> None:
    code = invitation(uses=2)
    asked(code, 1)
    code.end("cancelled", 5.0)
    assert code.died(5.0) == "cancelled"
    assert code.confirm(1, 5.0) is EXPIRED
    assert asked(code, 2, now=5.0) == [Turn(2, EXPIRED)]


def test_a_dead_code_is_answered_for_ten_minutes() -> None:
    code = invitation(seconds=60.0)
    assert not code.is_gone(659.9)
    assert code.is_gone(660.0)
    assert code.wake(60.0) == 660.0
    code = invitation()
    code.end("cancelled", 5.0)
    assert (code.is_gone(604.9), code.is_gone(605.0)) == (False, True)
    code.end("cancelled", 300.0)
    assert code.is_gone(605.0)


def test_who_comes_to_a_room_that_was_sealed_hears_that() -> None:
    code = invitation(uses=2)
    asked(code, 1)
    code.end("sealed", 0.0)
    assert code.confirm(1, 0.0) is SEALED
    assert asked(code, 2) == [Turn(2, SEALED)]
    assert asked(code, 3, way=Way.LINK) == [Turn(3, SEALED)]
    assert code.died(0.0) == "sealed"


def test_four_links_are_in_flight() -> None:
    code = invitation(uses=256)
    assert len(asked(code, *range(9), way=Way.LINK)) == 4
    code.lose(0)
    assert code.turns(0.0) == [Turn(4, GO_ON)]


def test_links_are_begun_eight_at_once_and_then_eight_a_second() -> None:
    code = invitation(uses=256)
    begun: list[float] = []
    for visit in range(100):
        code.ask(visit, "here", Way.LINK)
    for now in (tick / 64 for tick in range(5 * 64)):
        while turns := code.turns(now):
            for turn in turns:
                begun.append(now)
                code.lose(turn.visit)
        assert now < code.wake(now) <= now + 0.125
    assert begun == [0.0] * 8 + [(number + 1) / 8 for number in range(39)]


def test_whose_turn_came_while_the_clock_went_on_is_not_forgotten() -> None:
    """Between giving turns and asking when to be back time passes: on a busy machine more than who waits has still to wait."""
    code = invitation(uses=256)
    for visit in range(8):
        asked(code, visit, way=Way.LINK)
        code.lose(visit)
    assert asked(code, 8, way=Way.LINK, now=0.12) == []
    assert code.wake(0.13) <= 0.13
    assert code.turns(0.13) == [Turn(8, GO_ON)]


@pytest.mark.parametrize(("uses", "seconds"), [(0, 600), (257, 600), (1, 9), (1, 86_401)])
def test_uses_and_time_are_bounded(uses: int, seconds: float) -> None:
    with pytest.raises(ValueError):
        invitation(uses, seconds)


@settings(max_examples=60, stateful_step_count=60)
class Flood(RuleBasedStateMachine):
    """Somebody who guesses, beside others who know the words, in any order."""

    @initialize(uses=st.integers(1, 12))
    def begin(self, uses: int) -> None:
        self.uses = uses
        self.code = Invitation(slot=7, uses=uses, seconds=600.0, now=0.0)
        self.now = 0.0
        self.count = 0
        self.flying: dict[int, tuple[str, Way]] = {}
        self.waiting: dict[int, tuple[str, Way]] = {}
        self.wasted = self.given = 0

    @rule(source=st.sampled_from("abcdef"), way=st.sampled_from(Way), often=st.integers(1, 5))
    def come(self, source: str, way: Way, often: int) -> None:
        for _ in range(often):
            self.count += 1
            self.waiting[self.count] = (source, way)
            self.code.ask(self.count, source, way)
        self._turns()

    @precondition(lambda self: self.flying)
    @rule(data=st.data())
    def guess_wrong(self, data: st.DataObject) -> None:
        visit = data.draw(st.sampled_from(sorted(self.flying)))
        self.wasted += self.flying.pop(visit)[1] is Way.WORDS
        self.code.lose(visit)
        self._turns()

    @precondition(lambda self: self.flying)
    @rule(data=st.data())
    def know_the_words(self, data: st.DataObject) -> None:
        visit = data.draw(st.sampled_from(sorted(self.flying)))
        del self.flying[visit]
        self.given += self.code.confirm(visit, self.now) is GO_ON
        self._turns()

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def give_up(self, data: st.DataObject) -> None:
        visit = data.draw(st.sampled_from(sorted(self.waiting)))
        del self.waiting[visit]
        self.code.lose(visit)
        self._turns()

    @rule(seconds=st.sampled_from([0.05, 0.3, 1.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        self._turns()

    def _turns(self) -> None:
        for turn in self.code.turns(self.now):
            who = self.waiting.pop(turn.visit)
            if turn.status is GO_ON:
                self.flying[turn.visit] = who
            else:
                assert turn.status is USED_UP
        assert self.code.turns(self.now) == []

    @invariant()
    def nothing_is_exceeded(self) -> None:
        if not self.count:
            return
        words = [source for source, way in self.flying.values() if way is Way.WORDS]
        tries = min(30, 3 * self.uses)
        assert self.wasted + len(words) <= tries
        assert max(Counter(words).values(), default=0) <= 3
        assert len(self.flying) - len(words) <= 4
        assert self.given <= self.uses
        if self.given == self.uses:
            assert self.code.died(self.now) == "used_up"
        elif self.wasted == tries:
            assert self.code.died(self.now) == "guessed"
        else:
            assert self.code.died(self.now) is None
            free = {source for source in "abcdef" if words.count(source) < 3} if self.wasted + len(words) < tries else set()
            assert not any(way is Way.WORDS and source in free for source, way in self.waiting.values())


TestFlood = Flood.TestCase


# ── slots ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_slot_has_a_secret_of_its_own_and_none_is_a_rooms() -> None:
    secrets = slots.secrets(slots.ALL)
    assert len(secrets) == 64
    assert {room_id(secret) for secret in secrets.values()} == set(secrets)
    assert slots.numbers([*secrets, bytes(32)]) == slots.ALL == frozenset(range(1, 65))


@given(st.sets(st.integers(1, 64)), st.integers())
def test_one_of_the_lowest_free_slots_is_taken(taken: set[int], seed: int) -> None:
    chosen = slots.choose(taken, noise(seed))
    free = sorted(slots.ALL - taken)
    assert chosen in (free[:8] or slots.ALL)


def test_which_one_is_left_to_chance() -> None:
    assert {slots.choose({1, 3}, noise(seed)) for seed in range(200)} == {2, 4, 5, 6, 7, 8, 9, 10}
