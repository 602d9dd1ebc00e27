"""The other end of the interface: what it makes of lines that it does not know."""

from __future__ import annotations

import asyncio

import pytest

from peertalk.errors import RequestError
from peertalk.rpc.client import RemoteNode
from tests.rpc.pipe import Pipe


class Line(Pipe):
    async def close(self) -> None:
        self.end()


@pytest.mark.parametrize(
    "strange",
    [
        b"not json",
        b"[]",
        b'{"id":"one"}',
        b'{"method":"event","params":{"type":"of a later version"}}',
        b'{"id":1,"result":' + b"[" * 100_000,
        b'{"id":7,"error":{"code":1,"message":"\xff"}}',
        b'{"id":7,"result":null}',
    ],
    ids=lambda line: repr(line[:30]),
)
async def test_a_line_that_it_cannot_read_is_passed_over(strange: bytes) -> None:
    stream = Line()
    async with RemoteNode(stream) as node:
        stream.raw(strange + b'\n{"jsonrpc":"2.0","id":1,"result":{}}\n')
        assert bytes(await node.call("signals.typing", room="lobby")) == b"{}"


@pytest.mark.parametrize(
    "strange", [b'{"id":1,"error":{"code":"a word"}}', b'{"id":1,"error":7}', b'{"id":1,"result":{"of":"another version"}}']
)
async def test_an_answer_that_it_cannot_read_is_told_to_who_waits_for_it(strange: bytes) -> None:
    stream = Line()
    async with RemoteNode(stream) as node, asyncio.timeout(10):
        stream.raw(strange + b"\n")
        with pytest.raises(RequestError, match="not_understood"):
            await node.status()
