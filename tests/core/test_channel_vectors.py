"""A whole conversation, byte by byte (tests/vectors/channel.json): what docs/protocol.md calls test vectors."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from peertalk.core.channel import Channel
from peertalk.core.identity import Identity
from tests.core.reference import Reference

VECTOR = json.loads((Path(__file__).parent.parent / "vectors" / "channel.json").read_text(encoding="utf-8"))
FRAMES = [bytes.fromhex(frame) for frame in VECTOR["frames"]]
KINDS = ("MORE", "FINAL", "REKEY", "BYE", "PING", "PONG", "PROVE", "PROVED")
RECORDS = [
    (record["from"], KINDS.index(record["kind"]), bytes.fromhex(record.get("content", "")), bytes.fromhex(record["frame"]))
    for record in VECTOR["records"]
]
SIDES = ("initiator", "responder")


def unhex(side: str, field: str) -> bytes:
    return bytes.fromhex(VECTOR[side][field])


def drawn(side: str) -> Callable[[int], bytes]:
    """The randomness that the vector names: ephemerals and filling tags; zeros for what leaves no trace on the wire."""
    given = [*map(bytes.fromhex, VECTOR[side]["ephemerals"]), unhex(side, "filler")]

    def random(size: int) -> bytes:
        return given.pop(0) if given and len(given[0]) == size else bytes(size)

    return random


def channel(side: str) -> Channel:
    rooms = {name.encode(): bytes.fromhex(VECTOR["rooms"][name]) for name in VECTOR[side]["rooms"]}
    return Channel(
        initiator=side == "initiator",
        identity=Identity.from_seed(unhex(side, "identity")),
        offered=rooms if side == "initiator" else {},
        known=lambda: rooms,
        refuse=lambda peer: False,
        random=drawn(side),
        now=0.0,
    )


def conversation(ann: Channel, ben: Channel) -> Iterator[bytes]:
    """Everything that passes between the two, in order."""
    for source, target in [(ann, ben), (ben, ann)] * 3 + [(ann, ben)]:
        yield (data := source.outgoing())
        target.receive(data, 0.0)
    for source, target, now, act in [
        (ann, ben, 1.0, lambda: ann.send("Hallo, schön!".encode(), 1.0)),
        (ben, ann, 6.0, lambda: ben.tick(6.0)),
        (ann, ben, 6.0, lambda: None),
        (ann, ben, 900.0, lambda: ann.send(b"under the next key", 900.0)),
        (ben, ann, 900.0, lambda: ben.bye("leaving", 900.0)),
    ]:
        act()
        yield (data := source.outgoing())
        target.receive(data, now)


def test_two_channels_write_these_bytes() -> None:
    ann, ben = channel("initiator"), channel("responder")
    written = b"".join(conversation(ann, ben))
    assert written == b"".join(FRAMES) + b"".join(frame for _, _, _, frame in RECORDS)
    assert ann.binding.hex() == ben.binding.hex() == VECTOR["binding"]


@pytest.mark.parametrize("side", SIDES)
def test_an_independent_implementation_writes_and_reads_the_same(side: str) -> None:
    initiator = side == "initiator"
    secrets = [bytes.fromhex(VECTOR["rooms"][name]) for name in VECTOR[side]["rooms"]]
    ephemerals = map(bytes.fromhex, VECTOR[side]["ephemerals"])
    peer = Reference(initiator=initiator, seed=unhex(side, "identity"), secrets=secrets, ephemerals=ephemerals)
    peer.silent = True
    for number, frame in enumerate(FRAMES, start=1):
        if number % 2 == (not initiator):
            peer.feed(frame)
        elif number in (3, 4):  # the tags that fill a proof are its own
            assert len(peer.drain()) == len(frame)
        else:
            assert peer.drain() == frame
    assert peer.binding.hex() == VECTOR["binding"]
    assert peer.shared == {bytes.fromhex(VECTOR["rooms"]["lobby"])}
    for sender, kind, content, frame in RECORDS:
        if sender == side:
            peer.record(kind, content)
            assert peer.drain() == frame
        else:
            peer.feed(frame)
            assert peer.got[-1] == (kind, content)
