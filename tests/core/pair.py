"""Two channels and the wire between them, for tests."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from random import Random

from peertalk.core.channel import Channel, ChannelEvent, Established
from peertalk.core.identity import Identity
from peertalk.errors import RemoteError

Events = list[ChannelEvent]


def noise(seed: object) -> Callable[[int], bytes]:
    """Randomness that is the same in every run."""
    return Random(repr(seed)).randbytes


def rooms(*names: str) -> dict[bytes, bytes]:
    """Made-up rooms, id → secret, the same whenever they are named."""
    return {noise(("room", name))(32): noise(("secret", name))(32) for name in names}


def ids(*names: str) -> frozenset[bytes]:
    return frozenset(rooms(*names))


def identity(name: str) -> Identity:
    return Identity.from_seed(noise(("identity", name))(32))


def start(
    name: str,
    mine: Mapping[bytes, bytes],
    *,
    initiator: bool,
    known: Mapping[bytes, bytes] | None = None,
    blocked: Collection[str] = (),
    seed: object = 0,
    now: float = 0.0,
) -> Channel:
    """A channel of somebody called `name` who is in the rooms `mine`; `known` may be changed while it runs."""
    keys = {identity(other).public for other in blocked}
    return Channel(
        initiator=initiator,
        identity=identity(name),
        offered=mine if initiator else {},
        known=lambda: mine if known is None else known,
        refuse=keys.__contains__,
        random=noise((name, initiator, seed)),
        now=now,
    )


def ann_and_ben(*names: str, now: float = 0.0) -> tuple[Channel, Channel]:
    """Initiator and responder, both in the rooms `names`, nothing sent yet."""
    return start("ann", rooms(*names), initiator=True, now=now), start("ben", rooms(*names), initiator=False, now=now)


def pieces(data: bytes, size: int | None) -> Iterable[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)] if size else [data]


def carry(source: Channel, target: Channel, now: float = 0.0, size: int | None = None) -> list[ChannelEvent]:
    """Carry what `source` has to write, cut into pieces of `size`; the events at `target`."""
    data = source.outgoing()
    return [event for piece in pieces(data, size) for event in target.receive(piece, now)] if data else []


def settle(ann: Channel, ben: Channel, now: float = 0.0, size: int | None = None) -> tuple[Events, Events]:
    """Carry both ways until nobody has anything to write; the events of both."""
    events: tuple[Events, Events] = ([], [])
    while True:
        at_ben, at_ann = ann.outgoing(), ben.outgoing()
        if not at_ben and not at_ann:
            return events
        for piece in pieces(at_ben, size):
            events[1].extend(ben.receive(piece, now))
        for piece in pieces(at_ann, size):
            events[0].extend(ann.receive(piece, now))


def linked(*names: str, now: float = 0.0) -> tuple[Channel, Channel]:
    """Two established channels that share the rooms `names` (the lobby if none are named)."""
    ann, ben = ann_and_ben(*(names or ("lobby",)), now=now)
    at_ann, at_ben = settle(ann, ben, now)
    assert [type(event) for event in at_ann + at_ben] == [Established, Established]
    return ann, ben


def kind_of(call: Callable[[], object]) -> str:
    """The kind of the RemoteError that a call raises."""
    try:
        call()
    except RemoteError as error:
        return error.kind
    return "no error"
