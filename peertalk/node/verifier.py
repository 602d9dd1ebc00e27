"""A process that verifies signatures for another one, until its input ends (node/signatures.py).

It is started by the path of this file, and imports nothing of this program: so it is there at once, and small.
"""

from __future__ import annotations

import signal
import sys
from typing import BinaryIO

from nacl.bindings import crypto_sign_open
from nacl.exceptions import BadSignatureError

COUNT = 4
"""Bytes of the number of signatures that a question begins with, big-endian."""
KEY, SIGNED = 32, 112
"""Bytes of each: an Ed25519 key, then a signature with what is signed. The answer has a byte for each, 1 where it is right."""


def is_right(key: bytes, signed: bytes) -> bool:
    """Is `signed`, a signature with what follows it, right under this key?"""
    try:
        crypto_sign_open(signed, key)
    except BadSignatureError:
        return False
    return True


def answer(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer questions until there are no more."""
    while head := source.read(COUNT):
        asked = source.read(int.from_bytes(head, "big") * (KEY + SIGNED))
        each = (asked[at : at + KEY + SIGNED] for at in range(0, len(asked), KEY + SIGNED))
        sink.write(bytes(is_right(one[:KEY], one[KEY:]) for one in each))
        sink.flush()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C in a terminal is for who started us: that ends our input
    answer(sys.stdin.buffer, sys.stdout.buffer)
