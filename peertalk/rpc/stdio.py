"""Standard input and output as a stream of one client."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from peertalk.rpc.connection import Connection
from peertalk.streams import Descriptors

if TYPE_CHECKING:
    from peertalk.node.node import Node


async def serve_stdio(node: Node, stop: asyncio.Event, *, read_from: int = 0, write_to: int = 1) -> None:
    """Serve the interface until the input ends, nobody reads the output any more, `stop` is set or the node is closed."""
    stream = Descriptors(read_from, write_to)
    connection = Connection(node, stream)
    stopper = asyncio.create_task(_stop(stop, connection))
    try:
        await connection.serve()
    finally:
        stopper.cancel()
        stream.close()


async def _stop(stop: asyncio.Event, connection: Connection) -> None:
    await stop.wait()
    connection.stop()
