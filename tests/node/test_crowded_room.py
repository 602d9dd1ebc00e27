"""A room that is large, between real nodes: few links stay, everybody sees and hears everybody."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from peertalk.core import crowd, graph, pulses, reach
from peertalk.core.events import Delivered
from peertalk.node.node import Node
from tests.node.company import Company, company, event, online, texts, until

PEOPLE = 8


@pytest.fixture
async def people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Company]:
    """Where four are many, and everything goes faster."""
    for module, name, value in (
        (crowd, "LARGE", 3),
        (crowd, "SMALL", 2),
        (crowd, "PAIRED", 1),
        (crowd, "VISIT", 0.3),
        (crowd, "APART", 0.1),
        (crowd, "LOOK_AGAIN", 0.5),
        (graph, "RING", 1),
        (pulses, "GATHERED", 0.2),
        (pulses, "GATHERED_IDLE", 0.3),
        (reach, "GATHER_LARGE", 0.5),
    ):
        monkeypatch.setattr(module, name, value)
    async with company(tmp_path) as one:
        yield one


def links(node: Node) -> int:
    return len(node._life.links.lines)


async def test_links_that_nobody_needs_go_and_everybody_is_seen_and_heard(people: Company) -> None:
    hub = await people.node("p0")
    for number in range(1, PEOPLE):
        await people.node(f"p{number}", hub)

    async def is_complete(node: Node) -> bool:
        return all([await online(node, f"p{number}") for number in range(PEOPLE) if node is not people.nodes[number]])

    async def is_thin() -> bool:
        return sum(map(links, people.nodes)) < 0.8 * PEOPLE * (PEOPLE - 1)

    for node in people.nodes:
        await until(node, lambda node=node: is_complete(node))
    await until(people.nodes[1], is_thin)
    subscription = people.nodes[1].subscribe()
    await people.nodes[1].send("lobby", "hello all")
    for node in people.nodes:
        await until(node, lambda node=node: _has(node))
        assert await is_complete(node)
    await event(people.nodes[1], Delivered, lambda one: len(one.delivered_to) == PEOPLE - 1, subscription)
    subscription.close()


async def _has(node: Node) -> bool:
    return "hello all" in await texts(node)
