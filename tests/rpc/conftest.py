"""One client of a node that is a fake, by the connection that all clients have."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from peertalk import i18n
from peertalk.rpc.connection import Connection
from tests.fake_node import FakeNode
from tests.rpc.pipe import Pipe


@pytest.fixture(autouse=True)
def english() -> None:
    i18n.activate("en")


@pytest.fixture
def node() -> FakeNode:
    return FakeNode()


@pytest.fixture
async def pipe(node: FakeNode) -> AsyncIterator[Pipe]:
    pipe = Pipe()
    task = asyncio.create_task(Connection(node, pipe).serve())
    yield pipe
    pipe.end()
    await asyncio.wait_for(task, 10)
    assert node.subscriptions == []
