"""Pairings: any bytes, any content of the frame that is due, and too much of it, at any point between joiner and inviter."""

from __future__ import annotations

import copy
from functools import lru_cache

from nacl.bindings import crypto_core_ed25519_is_valid_point

from peertalk.core.channel import Channel, ChannelEvent
from peertalk.core.pairing import Answered, Asked, Came, Confirmed, Given, Pairing, PairingEvent, Status
from peertalk.core.spake import ELEMENT_BYTES
from peertalk.errors import RemoteError
from tests.core.couple import forge, phase, so_far, speak
from tests.core.pair import pieces
from tests.fuzz.choices import Choices

FRAMES = 5
KINDS = {"malformed", "decrypt", "bad_key", "wrong_code", "handshake_timeout"}
LONGEST = 1 + ELEMENT_BYTES + 1984


def pairing(data: bytes) -> None:
    """Events or a RemoteError, the same however the bytes are cut; nothing is given that was not confirmed."""
    whole, cut = (_run(data, size) for size in (None, 1 + len(data) % 40))
    assert whole == cut, (whole, cut)


@lru_cache
def _begin(joins: bool, frames: int) -> tuple[Channel, Channel]:
    return so_far(joins, frames)


def _run(data: bytes, size: int | None) -> list[object]:
    choices = Choices(data)
    joins, frames = bool(choices.number(2)), choices.number(FRAMES)
    victim, other = copy.deepcopy(_begin(joins, frames))
    trace: list[object] = []
    now = 0.0
    while choices.more and not victim.closed:
        act = choices.number(8)
        if act == 0:
            now += choices.pick((0.1, 1.0, 2.0, 10.0))
        elif act == 1:
            _go_on(victim, joins, now, trace)
        else:
            _hear(victim, _bytes(choices, act, victim, other), size, now, trace)
        _look(victim, now, trace)
    return [*trace, victim.closed]


def _bytes(choices: Choices, act: int, victim: Channel, other: Channel) -> bytes:
    """Any bytes, or the frame that is due with any content: now and then with more behind it."""
    due = phase(victim).sizes
    if act == 2 or not due:
        return choices.take(choices.number(80))
    content = choices.take(1 + choices.number(due[0])).ljust(due[0] - 16, b"\0")
    if act < 5 and due[0] > 50:  # who knows the words says anything else
        content = phase(victim)._confirmations.inviter + content[32:]
    return forge(other, content[: due[0] - 16]) + (choices.take(3) if act == 7 else b"")


def _hear(victim: Channel, data: bytes, size: int | None, now: float, trace: list[object]) -> None:
    for piece in pieces(data, size):
        try:
            trace += [_check(event) for event in victim.receive(piece, now)]
        except RemoteError as error:
            trace.append(error.kind)


def _look(victim: Channel, now: float, trace: list[object]) -> None:
    try:
        assert victim.tick(now) == []
    except RemoteError as error:
        assert victim.closed
        trace.append(error.kind)
    assert {one for one in trace if isinstance(one, str)} <= KINDS
    assert len(victim._frames._buffer) <= LONGEST or victim.closed
    trace.append(len(victim.outgoing()))


def _check(event: ChannelEvent) -> PairingEvent:
    match event:
        case Asked(element=element) | Answered(Status.GO_ON, element):
            assert len(element) == ELEMENT_BYTES
            assert crypto_core_ed25519_is_valid_point(element[1:])
        case Answered(_, element):
            assert not any(element)
        case Given(status, identity, terms):
            assert (status is Status.GO_ON) == any(identity) == bool(terms)
        case other:
            assert isinstance(other, Confirmed | Came)
    return event


def _go_on(victim: Channel, joins: bool, now: float, trace: list[object]) -> None:
    """Its owner does what is its turn."""
    state = victim._phase
    assert isinstance(state, Pairing)
    if state.sizes:
        return
    said = bool(state._confirmations.inviter)
    number = (9 if said else 7 if state._element else 5) if joins else (8 if said else 6)
    trace.append(number)
    speak(victim, number, now)
