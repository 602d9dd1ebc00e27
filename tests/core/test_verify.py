"""Comparing emoji: commit, then reveal; and that nobody in between, and nobody who breaks the rules, gets anywhere with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peertalk.core import verify, wire
from peertalk.core.effects import Effect, EmojiMade, Send, VerifyAsked, VerifyFailed
from peertalk.core.outlet import Outlet
from peertalk.core.verify import ASKED_AGAIN, LONGEST, MAX_REVEALED, RELINK, Verifying
from peertalk.errors import RemoteError
from tests.core.authors import Author
from tests.core.desk import Desk, of, sent

ROOM = b"r" * 32
CANCEL = wire.Verify(ROOM, wire.VERIFY_CANCEL, bytes(32))


class Side:
    """Somebody who compares, with what they have been told."""

    def __init__(self, name: str) -> None:
        self.me = name.encode().ljust(32, b".")
        self.out = Outlet()
        self.it = Verifying(self.me, self.out, Random(name).randbytes)
        self.told: list[Effect] = []

    def take(self) -> list[tuple[int, wire.Message]]:
        """What it has to say, by link; the rest is noted."""
        effects = self.out.drain()
        self.told += [effect for effect in effects if not isinstance(effect, Send)]
        return [(effect.link, effect.message) for effect in effects if isinstance(effect, Send)]

    def hear(self, message: wire.Message, link: int = 1, now: float = 0.0) -> None:
        assert isinstance(message, wire.Verify)
        self.it.receive(link, message, now)

    @property
    def emoji(self) -> list[bytes]:
        return [effect.emoji for effect in self.told if isinstance(effect, EmojiMade)]


def linked(binding: bytes = b"b" * 32, link: int = 1, *names: str) -> tuple[Side, Side]:
    anna, ben = map(Side, names or ("anna", "ben"))
    relink(anna, ben, binding, link)
    return anna, ben


def relink(anna: Side, ben: Side, binding: bytes, link: int) -> None:
    anna.it.link_up(link, ben.me, ROOM, binding)
    ben.it.link_up(link, anna.me, ROOM, binding)


def carry(anna: Side, ben: Side, now: float = 0.0) -> None:
    """Everything that is said arrives, until nobody says anything."""
    while said := [(ben, anna.take()), (anna, ben.take())]:
        if not any(messages for _, messages in said):
            return
        for listener, messages in said:
            for link, message in messages:
                listener.hear(message, link, now)


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(RemoteError) as error:
        call()
    return error.value.kind


@pytest.mark.parametrize("first", ["anna", "ben", "both"])
def test_both_see_the_same_whoever_wants_first(first: str) -> None:
    anna, ben = linked()
    for side, other in ((anna, ben), (ben, anna)) if first != "ben" else ((ben, anna), (anna, ben)):
        side.it.want(other.me, 0.0)
        if first != "both":
            carry(anna, ben)
    carry(anna, ben)
    assert anna.emoji == ben.emoji
    assert len(anna.emoji) == 1
    asked = [effect for effect in anna.told + ben.told if isinstance(effect, VerifyAsked)]
    assert asked == ([] if first == "both" else [VerifyAsked(anna.me if first == "anna" else ben.me)])


def test_nobody_reveals_before_the_other_one_is_committed() -> None:
    anna, ben = linked()
    anna.it.want(ben.me, 0.0)
    assert [message.step for _, message in anna.take()] == [wire.VERIFY_COMMIT]
    assert anna.it.wake() == LONGEST


def test_each_time_it_is_something_else() -> None:
    anna, ben = linked()
    for _ in range(3):
        anna.it.want(ben.me, 0.0)
        ben.it.want(anna.me, 0.0)
        carry(anna, ben)
    assert anna.emoji == ben.emoji
    assert len(set(anna.emoji)) == 3


def test_it_follows_from_the_channel_and_from_who_is_who() -> None:
    one, two, binding = (b"1" * 32, b"n" * 32), (b"2" * 32, b"m" * 32), b"b" * 32
    assert verify.emoji_of(one, two, binding) == verify.emoji_of(two, one, binding)
    others = [(one, two, b"c" * 32), ((b"3" * 32, one[1]), two, binding), ((one[0], two[1]), (two[0], one[1]), binding)]
    assert len({verify.emoji_of(*each) for each in [(one, two, binding), *others]}) == 4


# ── somebody in between ──────────────────────────────────────────────────────────────────────────────────────────────


def test_somebody_in_between_who_compares_with_both_gives_them_other_emoji() -> None:
    """Mallory is linked with both under names of her own and follows the rules with each."""
    (anna, for_anna), (for_ben, ben) = linked(b"1" * 32, 1, "anna", "mallory 1"), linked(b"2" * 32, 1, "mallory 2", "ben")
    for side, other in ((anna, for_anna), (for_anna, anna), (ben, for_ben), (for_ben, ben)):
        side.it.want(other.me, 0.0)
    carry(anna, for_anna)
    carry(for_ben, ben)
    assert anna.emoji
    assert ben.emoji
    assert anna.emoji != ben.emoji


@pytest.mark.parametrize("one_identity", [False, True])
def test_somebody_in_between_who_passes_everything_on_is_refused(one_identity: bool) -> None:
    """What Anna commits to is said to Mallory over one channel; Ben heard it from Mallory over another one."""
    anna, ben, mallory = Side("anna"), Side("ben"), [b"m" * 32, (b"m" if one_identity else b"n") * 32]
    anna.it.link_up(1, mallory[0], ROOM, b"1" * 32)
    ben.it.link_up(1, mallory[1], ROOM, b"2" * 32)
    anna.it.want(mallory[0], 0.0)
    ben.it.want(mallory[1], 0.0)
    refused = refusal(lambda: carry(anna, ben))
    assert refused == "bad_nonce"
    assert anna.emoji == ben.emoji == []


def test_a_commitment_said_back_to_its_sender_can_not_be_opened() -> None:
    anna, ben = linked()
    anna.it.want(ben.me, 0.0)
    anna.hear(anna.take()[0][1])
    (_, nonce), = anna.take()  # fmt: skip
    assert refusal(lambda: anna.hear(nonce)) == "bad_nonce"
    assert anna.emoji == []


# ── the rules ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_nonce_before_a_commitment_of_either_side_is_out_of_order() -> None:
    anna, ben = linked()
    nonce, commitment = (wire.Verify(ROOM, step, b"x" * 32) for step in (wire.VERIFY_NONCE, wire.VERIFY_COMMIT))
    assert refusal(lambda: anna.hear(nonce)) == "out_of_order"
    anna.it.want(ben.me, 0.0)
    assert refusal(lambda: anna.hear(nonce)) == "out_of_order"
    ben.hear(commitment)
    assert refusal(lambda: ben.hear(nonce)) == "out_of_order"
    assert refusal(lambda: ben.hear(commitment)) == "out_of_order"


def test_other_rooms_other_values_and_too_many_steps_cost_the_link() -> None:
    anna, _ = linked()
    assert refusal(lambda: anna.hear(wire.Verify(b"o" * 32, wire.VERIFY_CANCEL, bytes(32)))) == "out_of_order"
    assert refusal(lambda: anna.hear(wire.Verify(ROOM, wire.VERIFY_CANCEL, b"x" * 32))) == "malformed"
    with pytest.raises(RemoteError, match="flood"):
        for _ in range(verify.STEP_BURST):
            anna.hear(CANCEL)


def test_who_asks_again_and_again_is_told_of_once() -> None:
    anna, ben = linked()
    for now in (0.0, 1.0, 2.0, ASKED_AGAIN):
        anna.hear(wire.Verify(ROOM, wire.VERIFY_COMMIT, b"x" * 32), now=now)
        anna.hear(CANCEL, now=now)
    anna.take()
    assert anna.told == [VerifyAsked(ben.me)] * 2


def test_who_cancels_ends_the_waiting_of_the_other_too() -> None:
    anna, ben = linked()
    anna.it.want(ben.me, 0.0)
    carry(anna, ben)
    ben.it.drop(anna.me)
    carry(anna, ben)
    assert anna.told == [VerifyFailed(ben.me, "cancelled")]
    assert anna.it.wake() == float("inf")


def test_who_has_cancelled_can_want_again_at_once_whatever_is_still_under_way() -> None:
    anna, ben = linked()
    anna.it.want(ben.me, 0.0)
    carry(anna, ben)
    ben.it.want(anna.me, 0.0)  # this crosses
    anna.it.drop(ben.me)
    anna.it.want(ben.me, 0.0)
    carry(anna, ben)
    assert ben.told == [VerifyAsked(anna.me), VerifyFailed(anna.me, "cancelled")]
    ben.it.want(anna.me, 0.0)
    carry(anna, ben)
    assert anna.emoji == ben.emoji != []


# ── time, and links that go ──────────────────────────────────────────────────────────────────────────────────────────


def test_nobody_is_waited_for_longer_than_ten_minutes() -> None:
    anna, ben = linked()
    anna.it.want(ben.me, 5.0)
    carry(anna, ben)
    anna.it.tick(LONGEST + 4.9)
    assert not anna.take()
    anna.it.tick(anna.it.wake())
    assert [message for _, message in anna.take()] == [CANCEL]
    assert anna.told == [VerifyFailed(ben.me, "timeout")]


def test_on_another_link_it_begins_anew() -> None:
    anna, ben = linked()
    anna.it.want(ben.me, 0.0)
    carry(anna, ben)
    anna.it.link_down(1, 1.0)
    ben.it.link_down(1, 1.0)
    assert anna.it.wake() == 1.0 + RELINK
    relink(anna, ben, b"c" * 32, 2)
    ben.it.want(anna.me, 2.0)
    carry(anna, ben)
    assert anna.emoji == ben.emoji != []


def test_of_two_crossed_links_it_goes_on_over_the_one_that_stays() -> None:
    """Both dial at once: for a moment there are two links, and what was begun on the one that ends is begun on the other."""
    anna, ben = linked()
    anna.it.want(ben.me, 0.0)
    relink(anna, ben, b"c" * 32, 2)
    carry(anna, ben)
    ben.it.want(anna.me, 0.0)
    ben.out.drain()
    for side in (anna, ben):
        side.it.link_down(2, 0.0)
    carry(anna, ben)
    assert anna.emoji == ben.emoji
    assert len(anna.emoji) == 1


def test_without_a_link_nobody_is_waited_for() -> None:
    anna, ben = linked()
    anna.it.want(ben.me, 0.0)
    anna.it.link_down(1, 1.0)
    anna.it.tick(1.0 + RELINK)
    anna.take()
    assert anna.told == [VerifyFailed(ben.me, "gone")]


def test_who_cuts_the_link_after_each_nonce_sees_few_of_them() -> None:
    """Mallory commits, sees Anna's nonce, does not like what would come of it, and cuts the link."""
    anna, mallory = Side("anna"), b"m" * 32
    seen = 0
    anna.it.want(mallory, 0.0)
    for link in range(1, 100):
        anna.it.link_up(link, mallory, ROOM, link.to_bytes(32, "big"))
        anna.hear(wire.Verify(ROOM, wire.VERIFY_COMMIT, b"x" * 32), link)
        seen += sum(message.step == wire.VERIFY_NONCE for _, message in anna.take())
        anna.it.link_down(link, 0.0)
    assert seen == MAX_REVEALED
    assert anna.told[0] == VerifyFailed(mallory, "failed")


@given(st.lists(st.sampled_from(["want a", "want b", "drop a", "drop b", "carry a", "carry b", "relink"]), max_size=60))
def test_honest_people_never_break_the_rules_and_see_the_same(steps: Iterable[str]) -> None:
    anna, ben = linked()
    under_way: dict[str, list[wire.Message]] = {"a": [], "b": []}
    link = 1
    for step in steps:
        side, other = (anna, ben) if step.endswith("a") else (ben, anna)
        if step == "relink":
            under_way = {"a": [], "b": []}
            link += 1
            for one in (anna, ben):
                one.it.link_down(link - 1, 0.0)
            relink(anna, ben, link.to_bytes(32, "big"), link)
        elif step.startswith("want"):
            side.it.want(other.me, 0.0)
        elif step.startswith("drop"):
            side.it.drop(other.me)
        elif under_way[step[-1]]:
            other.hear(under_way[step[-1]].pop(0), link)
        for name, one in (("a", anna), ("b", ben)):
            under_way[name] += [message for at, message in one.take() if at == link]
    assert len(set(anna.emoji) ^ set(ben.emoji)) <= link, "each channel may be cut just when one side has seen them"


# ── in a replica ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_it_goes_over_the_direct_room_without_beginning_it() -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.up(ben)
    direct = desk.direct(ben).id
    effects = desk.hear(link, wire.Verify(direct, wire.VERIFY_COMMIT, b"x" * 32))
    assert of(VerifyAsked, effects) == [VerifyAsked(ben.public)]
    effects = desk.do(lambda replica: replica.verifying.want(ben.public, desk.mono))
    assert [message.step for message in sent(wire.Verify, effects, link)] == [wire.VERIFY_COMMIT, wire.VERIFY_NONCE]
    assert direct not in desk.replica.places
    assert VerifyFailed(ben.public, "timeout") in desk.later(LONGEST)


def test_the_direct_room_of_others_is_not_spoken_of() -> None:
    desk, ben, cara = Desk(), Author("ben"), Author("cara")
    link = desk.up(ben)
    with pytest.raises(RemoteError, match="not_proven"):
        desk.hear(link, wire.Verify(desk.direct(cara).id, wire.VERIFY_COMMIT, b"x" * 32))
    with pytest.raises(RemoteError, match="out_of_order"):
        desk.hear(link, wire.Verify(desk.room.id, wire.VERIFY_COMMIT, b"x" * 32))
