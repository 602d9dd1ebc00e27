from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator

import pytest

from peertalk.rpc.stdio import serve_stdio
from tests.fake_node import FakeNode

STATUS = b'{"jsonrpc":"2.0","id":1,"method":"node.status"}\n'


class Ends:
    """The pipes of a process, seen from outside: what we write it reads, what it writes we read."""

    def __init__(self) -> None:
        self.its_input, self.our_output = os.pipe()
        self.our_input, self.its_output = os.pipe()
        self.open = {self.its_input, self.our_output, self.our_input, self.its_output}

    def close(self, *descriptors: int) -> None:
        for descriptor in descriptors:
            self.open.discard(descriptor)
            os.close(descriptor)

    def heard(self) -> list[bytes]:
        """All that it wrote, when it has ended."""
        self.close(self.its_output)
        with os.fdopen(self.our_input, "rb", closefd=False) as file:
            return file.read().splitlines()


@pytest.fixture
def ends() -> Iterator[Ends]:
    ends = Ends()
    yield ends
    ends.close(*list(ends.open))


async def serve(ends: Ends, node: FakeNode, stop: asyncio.Event) -> None:
    async with asyncio.timeout(10):
        await serve_stdio(node, stop, read_from=ends.its_input, write_to=ends.its_output)


async def test_it_answers_and_ends_with_its_input(ends: Ends) -> None:
    os.write(ends.our_output, STATUS)
    ends.close(ends.our_output)
    await serve(ends, FakeNode(), asyncio.Event())
    ready, status = map(json.loads, ends.heard())
    assert ready["params"]["type"] == "ready"
    assert status["result"]["protocol"] == 1


async def test_it_ends_when_it_is_asked_to_with_its_input_still_open(ends: Ends) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().call_soon(stop.set)
    await serve(ends, FakeNode(), stop)
    assert len(ends.heard()) == 1


async def test_it_ends_when_it_was_asked_to_before_it_began(ends: Ends) -> None:
    stop = asyncio.Event()
    stop.set()
    await serve(ends, FakeNode(), stop)
    assert len(ends.heard()) == 1


async def test_it_ends_when_nobody_reads_its_output(ends: Ends) -> None:
    ends.close(ends.our_input)
    await serve(ends, FakeNode(), asyncio.Event())


async def test_an_output_that_is_full_does_not_keep_it_from_ending(ends: Ends) -> None:
    node, stop = FakeNode(), asyncio.Event()
    os.set_blocking(ends.our_output, False)
    many = b'{"jsonrpc":"2.0","id":1,"method":"nope"}\n' * 1000
    os.write(ends.our_output, many)
    asyncio.get_running_loop().call_later(0.1, stop.set)
    await serve(ends, node, stop)
    assert node.subscriptions == []
    while len(os.read(ends.our_input, 1 << 16)) == 1 << 16:  # let its thread go
        pass


async def test_a_long_answer_arrives_whole(ends: Ends) -> None:
    node = FakeNode()
    for number in range(2000):
        await node.send("lobby", f"message {number}")
    reading = asyncio.create_task(asyncio.to_thread(lambda: os.fdopen(ends.our_input, "rb", closefd=False).readlines()))
    os.write(ends.our_output, b'{"jsonrpc":"2.0","id":1,"method":"messages.list","params":{"room":"lobby","limit":2000}}\n')
    ends.close(ends.our_output)
    await serve(ends, node, asyncio.Event())
    ends.close(ends.its_output)
    answer = json.loads((await reading)[-1])
    assert [message["text"] for message in answer["result"]["messages"]] == [f"message {number}" for number in range(2000)]
