"""ONE table of targets: what each tries."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tests.fuzz import channel, messages, pairing, readers, replica


class Target(NamedTuple):
    """`run` takes any bytes; whatever it raises is a finding. `longest` are the bytes that are worth trying."""

    run: Callable[[bytes], None]
    longest: int = 1024


TARGETS = {
    "stream": Target(channel.stream, 6000),
    "inside": Target(channel.inside),
    "pairing": Target(pairing.pairing, 300),
    "wire": Target(messages.message),
    "header": Target(messages.header),
    "body": Target(messages.body),
    "replica": Target(replica.replica, 600),
    "text": Target(readers.shown_text, 300),
    "rpc": Target(readers.rpc, 400),
    "settings": Target(readers.settings, 400),
    "command": Target(readers.command, 100),
    "terms": Target(messages.terms, 400),
    "code": Target(readers.code, 200),
}
