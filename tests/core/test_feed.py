"""One feed's chain: tips, samples, and what somebody lacks of it."""

from __future__ import annotations

from peertalk.core.feed import Chain, place, tip_of
from peertalk.core.stored import PageIndex


def name(branch: str, seq: int) -> bytes:
    return f"{branch}{seq}".encode().ljust(32, b".")


def page(number: int, branch: str, first: int, last: int, prev: bytes | None = None) -> PageIndex:
    before = prev if prev is not None else name(branch, first - 1) if first > 1 else b""
    entries = tuple((name(branch, seq), seq, seq) for seq in range(first, last + 1))
    return PageIndex(number=number, feed=b"f" * 32, prev=before, entries=entries)


def chain(*pages: PageIndex) -> tuple[Chain, dict[bytes, PageIndex]]:
    made, index = Chain(b"f" * 32), {}
    for one in pages:
        made.add(one)
        index.update((id_, one) for id_, _, _ in one.entries)
    return made, index


def lacks(made: Chain, index: dict[bytes, PageIndex], *held: bytes) -> list[tuple[int, int]]:
    return [(one.number, skip) for one, skip in made.lacking(held, index)]


def test_an_empty_chain_has_no_tip_and_nothing_to_sample() -> None:
    made = Chain(b"f" * 32)
    assert made.top == (b"", 0)
    assert list(made.sample()) == []


def test_a_page_moves_the_tip() -> None:
    made, _ = chain(page(0, "a", 1, 3), page(1, "a", 4, 4))
    assert made.tips == {name("a", 4): 4}
    assert made.top == (name("a", 4), 4)
    assert not made.forked


def test_a_fork_has_two_tips_the_greater_is_on_top_and_is_news_once() -> None:
    made, _ = chain(page(0, "a", 1, 3))
    assert made.add(page(1, "b", 2, 5, prev=name("a", 1)))
    assert not made.add(page(2, "c", 2, 2, prev=name("a", 1)))
    assert set(made.tips) == {name("a", 3), name("b", 5), name("c", 2)}
    assert made.top == (name("b", 5), 5)


def test_tips_that_others_hold_stay_as_they_are_and_each_fork_costs_the_same_however_many_there_are() -> None:
    made, _ = chain(page(0, "a", 1, 3))
    held = made.tips
    made.add(page(1, "b", 2, 5, prev=name("a", 1)))
    assert held == {name("a", 3): 3}
    forked = made.tips
    made.add(page(2, "c", 2, 2, prev=name("a", 1)))
    made.add(page(3, "b", 6, 6))
    assert made.tips is forked
    assert forked == {name("a", 3): 3, name("b", 6): 6, name("c", 2): 2}


def test_place_and_tip_of_a_page() -> None:
    one = page(0, "a", 4, 6)
    assert place(one, name("a", 5)) == (5, 5)
    assert tip_of(one) == (name("a", 6), 6)


def test_what_is_lacking_begins_where_the_asker_ends() -> None:
    made, index = chain(page(0, "a", 1, 3), page(4, "a", 4, 6), page(9, "a", 7, 7))
    assert lacks(made, index) == [(0, 0), (4, 0), (9, 0)]
    assert lacks(made, index, name("a", 3)) == [(4, 0), (9, 0)]
    assert lacks(made, index, name("a", 5), name("a", 1)) == [(4, 2), (9, 0)]
    assert lacks(made, index, name("a", 7)) == []


def test_of_a_fork_each_branch_is_lacking_from_where_the_asker_left_it() -> None:
    made, index = chain(page(0, "a", 1, 3), page(1, "b", 2, 3, prev=name("a", 1)), page(2, "a", 4, 5), page(3, "b", 4, 4))
    assert lacks(made, index) == [(0, 0), (1, 0), (2, 0), (3, 0)]
    assert lacks(made, index, name("a", 5)) == [(1, 0), (3, 0)]
    assert lacks(made, index, name("b", 3)) == [(0, 1), (2, 0), (3, 0)]
    assert lacks(made, index, name("b", 4), name("a", 4)) == [(2, 1)]


def test_what_is_lacking_is_found_while_the_chain_grows() -> None:
    made, index = chain(page(0, "a", 1, 1), page(1, "a", 2, 2))
    run = made.lacking((), index)
    assert next(run)[0].number == 0
    made.add(page(2, "a", 3, 3))
    assert [one.number for one, _ in run] == [1]


def test_a_sample_is_few_ids_ever_sparser() -> None:
    made, _ = chain(*(page(seq - 1, "a", seq, seq) for seq in range(1, 1001)))
    seqs = [int(id_.strip(b".")[1:]) for id_ in made.sample()]
    assert seqs == [1000, 999, 998, 996, 992, 984, 968, 936, 872, 744, 488]
