"""The node's API: invitations (docs/rpc.md, `rooms.invite`, `rooms.cancel_invite`, `rooms.accept`)."""

from __future__ import annotations

from peertalk.node.calls import Calls


class InviteCalls(Calls):
    """See the module."""
