"""The node's API: rooms that are re-formed (docs/rpc.md, `rooms.reform`, `rooms.offers`, `rooms.follow`, `rooms.decline`)."""

from __future__ import annotations

from peertalk.node.calls import Calls


class ReformCalls(Calls):
    """See the module."""
