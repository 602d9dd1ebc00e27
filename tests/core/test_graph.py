"""Which members of a large room are to be linked: connected, shallow, the same from both sides, and nobody has a say in the rest."""

from __future__ import annotations

from random import Random

import pytest

from peertalk.core.graph import KEPT, PULSED, RING, Graph, size

ROOM = b"r" * 32


def people(count: int) -> list[bytes]:
    random = Random(count)
    return [random.randbytes(32) for _ in range(count)]


def links(everybody: list[bytes], **options: int) -> dict[bytes, frozenset[bytes]]:
    """With whom each is linked: those whom it chose, and those who chose it."""
    chosen = {one: Graph(ROOM, one).chosen([other for other in everybody if other != one], **options) for one in everybody}
    return {one: chosen[one] | {other for other in everybody if one in chosen[other]} for one in everybody}


def reached(graph: dict[bytes, frozenset[bytes]]) -> tuple[int, int]:
    """How many there is a way to from the first, and how long the longest of the shortest ways is."""
    found, edge, steps = {next(iter(graph))}, {next(iter(graph))}, 0
    while edge := {other for one in edge for other in graph[one]} - found:
        found |= edge
        steps += 1
    return len(found), steps


@pytest.mark.parametrize(("count", "steps"), [(33, 4), (40, 4), (300, 5)])
def test_the_graph_is_connected_and_shallow_and_nobody_has_many_links(count: int, steps: int) -> None:
    graph = links(people(count))
    found, longest = reached(graph)
    assert found == count
    assert longest <= steps
    numbers = [len(others) for others in graph.values()]
    assert 8 <= sum(numbers) / count <= 17
    assert max(numbers) <= 30


@pytest.mark.parametrize("count", [33, 300])
def test_so_is_the_one_for_pulses_with_fewer_links(count: int) -> None:
    graph = links(people(count), paired=PULSED)
    found, longest = reached(graph)
    assert found == count
    assert longest <= 9
    assert sum(len(others) for others in graph.values()) / count <= 2 * RING + PULSED + 1


def test_both_sides_choose_the_same() -> None:
    everybody = people(100)
    for one in everybody[:10]:
        for other in Graph(ROOM, one).chosen([each for each in everybody if each != one]):
            assert one in Graph(ROOM, other).chosen([each for each in everybody if each != other])


def test_who_makes_identities_takes_no_links_away_but_on_the_ring() -> None:
    """Within one power of two."""
    honest, made_up = people(300), people(200)
    graph = Graph(ROOM, honest[0])
    paired = {other for other in honest[1:] if graph.pair(other) < 12 * (1 << 64) // 512}
    assert len(paired) > 3
    assert paired <= graph.chosen([*honest[1:], *made_up])


def test_another_room_has_another_graph() -> None:
    everybody = people(300)
    one, *others = everybody
    assert Graph(ROOM, one).chosen(others) != Graph(b"s" * 32, one).chosen(others)


def test_few_of_those_who_are_known_are_kept_and_the_same_ones() -> None:
    one, *others = people(30)
    kept = Graph(ROOM, one).kept(others)
    assert len(kept) == KEPT
    assert Graph(ROOM, one).kept([*reversed(others)]) == kept
    assert Graph(ROOM, one).kept(sorted(kept)) == kept


@pytest.mark.parametrize(("online", "counted"), [(1, 1), (33, 64), (64, 64), (65, 128), (1000, 1024)])
def test_as_how_many_so_many_count(online: int, counted: int) -> None:
    assert size(online) == counted
