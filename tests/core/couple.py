"""Joiner and inviter as two channels with a wire between them, for tests."""

from __future__ import annotations

from typing import cast

from peertalk.core.channel import Channel, ChannelEvent
from peertalk.core.frames import frame
from peertalk.core.pairing import Answered, Asked, Given, Pairing, SlotFound, Status
from peertalk.core.spake import Bound, Confirmations, Offer, Way, reply
from tests.core.pair import identity, noise, rooms, settle
from tests.core.pairing_reference import BASE, encode, multiply

WORDS = b"peertalk/1 words" + bytes((3, 141, 59))
LINK = b"peertalk/1 link" + bytes(range(16))
OTHER = b"peertalk/1 words" + bytes((3, 141, 58))
FAKE = Confirmations(b"a" * 32, b"b" * 32)
"""Confirmations that both sides of a test agree on without any SPAKE2."""
POINTS = encode(BASE), encode(multiply(2, BASE))
TERMS = b"any bytes, here: what a room is made of"


def side(name: str, *, joiner: bool, slots: tuple[int, ...] = (7,), seed: object = 0, now: float = 0.0) -> Channel:
    """A channel of somebody called `name` who looks for these slots, or invites in them, and is in the lobby too."""
    return Channel(
        initiator=joiner,
        identity=identity(name),
        offered={},
        known=lambda: rooms("lobby"),
        refuse=lambda peer: False,
        random=noise((name, joiner, seed)),
        now=now,
        slots=lambda: slots,
    )


def phase(channel: Channel) -> Pairing:
    assert isinstance(channel._phase, Pairing)
    return channel._phase


class Joiner:
    """Does what a joiner does with each event."""

    def __init__(self, channel: Channel, password: bytes = WORDS, way: Way = Way.WORDS) -> None:
        self.channel, self.password, self.way = channel, password, way
        self.given: Given | None = None

    def react(self, event: ChannelEvent, now: float) -> None:
        match event:
            case Answered(Status.GO_ON, element):
                confirmations = self.offer.finish(element)
                self.channel.pair(lambda pairing: pairing.confirm(confirmations, now))
            case Given():
                self.given = event
                if event.status is Status.GO_ON:
                    self.channel.pair(lambda pairing: pairing.come(identity("ann").public))
            case SlotFound(slots, anonymous):
                (slot,) = slots
                self.offer = Offer(Bound(anonymous, slot, self.way), self.password, noise(("offer", self.password)))
                self.channel.pair(lambda pairing: pairing.ask(self.way, self.offer.element))


class Inviter:
    """Does what an inviter does with each event; `deny` says with which status instead, at frame 6 or at frame 8."""

    def __init__(self, channel: Channel, password: bytes = WORDS, deny: dict[int, Status] | None = None) -> None:
        self.channel, self.password, self.deny = channel, password, deny or {}

    def react(self, event: ChannelEvent, now: float) -> None:
        due = 6 if isinstance(event, Asked) else 8
        if due in self.deny:
            self.channel.pair(lambda pairing: pairing.deny(self.deny[due]))
        elif isinstance(event, Asked):
            mine = reply(event.bound, self.password, event.element, noise("reply"))
            self.channel.pair(lambda pairing: pairing.answer(mine.element, mine.confirmations, now))
        else:
            self.channel.pair(lambda pairing: pairing.give(identity("ben").public, TERMS, now))


def both(joiner: Joiner, inviter: Inviter, now: float = 0.0, size: int | None = None) -> tuple[list[ChannelEvent], ...]:
    """Carry both ways, in pieces of `size`, and let both react, until nobody has anything to write; the events of both."""
    events: tuple[list[ChannelEvent], list[ChannelEvent]] = ([], [])
    sides = (joiner, inviter)
    while data := [one.channel.outgoing() for one in sides]:
        if not any(data):
            break
        for number, one in enumerate(sides):
            come = data[1 - number]
            step = size or len(come) or 1
            for at in range(0, len(come), step):
                for event in one.channel.receive(come[at : at + step], now):
                    events[number].append(event)
                    if not one.channel.closed:
                        one.react(event, now)
    return cast("tuple[list[ChannelEvent], ...]", events)


def asking() -> tuple[Joiner, Inviter]:
    """Both have found each other; nothing was said yet."""
    joiner, inviter = Joiner(side("ann", joiner=True)), Inviter(side("ben", joiner=False))
    settle(joiner.channel, inviter.channel)
    return joiner, inviter


def forge(channel: Channel, content: bytes) -> bytes:
    """A frame with this content under the keys of that side."""
    return frame(phase(channel)._sending.encrypt(content))


def so_far(joins: bool, frames: int) -> tuple[Channel, Channel]:
    """(who hears, who speaks) after so many frames of the pairing, without its cryptography; what comes next is the speaker's."""
    joiner, inviter = (one.channel for one in asking())
    for number in range(5, 5 + frames):
        source, target = (joiner, inviter) if number % 2 else (inviter, joiner)
        speak(source, number)
        target.receive(source.outgoing(), 0.0)
    return (joiner, inviter) if joins else (inviter, joiner)


def speak(channel: Channel, number: int, now: float = 0.0) -> None:
    """The frame of this number, as somebody sends it who means well and knows the words."""

    def step(pairing: Pairing) -> None:
        match number:
            case 5:
                pairing.ask(Way.WORDS, b"A" + POINTS[0])
            case 6:
                pairing.answer(b"B" + POINTS[1], FAKE, now)
            case 7:
                pairing.confirm(FAKE, now)
            case 8:
                pairing.give(identity("ben").public, TERMS, now)
            case _:
                pairing.come(identity("ann").public)

    channel.pair(step)


def found(channel: Channel) -> SlotFound:
    """What a joiner was told when it found the slot."""
    return SlotFound(frozenset({7}), channel.anonymous)
