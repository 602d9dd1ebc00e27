"""What the system tells of its network interfaces by itself: so nobody has to look where nothing has changed (docs/protocol.md, "When
the network changes")."""

from __future__ import annotations

import math
import socket
import sys
from typing import Self

SELDOM = 30.0  # seconds after which it is looked all the same

# Of Linux (rtnetlink): interfaces that come, go or change, and addresses of both families.
_LINKS, _FOURTH, _SIXTH = 0x1, 0x10, 0x100
_SIZE = 65_536


class Changes:
    """Inside a `with` block, the changes that Linux tells of. Elsewhere, outside, and where they are not `told`, there may always have
    been one."""

    def __init__(self, *, told: bool = True) -> None:
        self._told = told
        self._socket: socket.socket | None = None
        self._looked = -math.inf

    def __enter__(self) -> Self:
        if self._told and sys.platform == "linux":
            self._socket, self._looked = subscribed(), -math.inf
        return self

    def __exit__(self, *_: object) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket = None

    def may_be(self, now: float) -> bool:
        """Has anything changed since `looked` at `now` was said last, or is that long ago?"""
        if self._socket is None:
            return True
        if said_anything(self._socket):
            self._looked = -math.inf
        return now >= self._looked + SELDOM

    def looked(self, now: float) -> None:
        """It was looked, after `may_be`, and there was something to see."""
        self._looked = now


def subscribed() -> socket.socket | None:
    """A socket on which the system says what changes; None where it does not want to."""
    try:
        told = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE)
    except OSError:
        return None
    try:
        told.bind((0, _LINKS | _FOURTH | _SIXTH))
    except OSError:
        told.close()
        return None
    return told


def said_anything(told: socket.socket) -> bool:
    """Take all that was said. More than there was room for is something too."""
    said = False
    while True:
        try:
            told.recv(_SIZE)
        except BlockingIOError:
            return said
        except OSError:
            return True
        said = True
