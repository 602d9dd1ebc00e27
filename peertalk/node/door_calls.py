"""The node's API: rooms whose door is closed, meetings that end (docs/rpc.md, `rooms.seal`, `rooms.unseal`, `rooms.end`)."""

from __future__ import annotations

from peertalk.node.calls import Calls


class DoorCalls(Calls):
    """See the module."""
