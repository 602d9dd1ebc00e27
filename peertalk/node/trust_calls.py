"""The node's API: whom one can be sure of (docs/rpc.md, `rooms.words`, `rooms.verified`, `peers.verify`, `peers.confirm`)."""

from __future__ import annotations

from peertalk.node.calls import Calls


class TrustCalls(Calls):
    """See the module."""
