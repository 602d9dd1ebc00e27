"""Invitations against an independent implementation, and the bytes of two of them (tests/vectors/invite.json)."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peertalk.core.channel import Channel
from peertalk.core.identity import Identity
from peertalk.core.pairing import Asked, Came, Given, Status
from peertalk.core.spake import Bound, Offer, Way, reply
from peertalk.errors import RemoteError
from tests.core.couple import LINK, OTHER, TERMS, WORDS, Inviter, Joiner, side
from tests.core.pair import identity, kind_of, noise
from tests.core.pairing_reference import BASE, IDENTITY, Half, M, N, P, Peer, Point, Q, add, encode, multiply

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "invite.json").read_text(encoding="utf-8"))
WAYS = pytest.mark.parametrize(("way", "password"), [(0, WORDS), (1, LINK)], ids=["words", "link"])


def test_the_constants_are_those_of_the_specification() -> None:
    assert encode(M).hex() == "15cfd18e385952982b6a8f8c7854963b58e34388c8e6dae891db756481a02312"
    assert encode(N).hex() == "f04f2e7eb734b2a8f8b472eaf9c3c632576ac64aea650b496a8a20ff00e583c3"
    for point in (M, N, BASE):
        assert encode(multiply(Q, point)) == encode(IDENTITY)


def feed(peer: Peer, channel: Channel) -> list[object]:
    """What the peer has to say, then what the channel says to that; the events of the channel."""
    events: list[object] = list(channel.receive(peer.drain(), 0.0))
    peer.feed(channel.outgoing())
    return events


@WAYS
def test_an_independent_joiner_is_let_in(way: int, password: bytes) -> None:
    peer, inviter = Peer(joiner=True, slots=[7]), Inviter(side("ben", joiner=False), password)
    feed(peer, inviter.channel)
    peer.set_up()
    feed(peer, inviter.channel)
    assert peer.found() == {7}
    half = peer.half(password, 7, way)
    peer.put(bytes((way,)) + half.element)
    (asked,) = feed(peer, inviter.channel)
    assert asked == Asked(Bound(peer.hash, 7, Way(way)), half.element)
    inviter.react(asked, 0.0)
    peer.feed(inviter.channel.outgoing())
    answer = peer.take()
    assert answer[:1] == b"\0"
    joiners, inviters = half.finish(answer[1:])
    peer.put(joiners)
    (confirmed,) = feed(peer, inviter.channel)
    inviter.react(confirmed, 0.0)
    peer.feed(inviter.channel.outgoing())
    gift = peer.take()
    assert gift == (inviters + b"\0" + identity("ben").public + len(TERMS).to_bytes(2, "big") + TERMS).ljust(1984, b"\0")
    peer.put(identity("ann").public)
    assert feed(peer, inviter.channel) == [Came(identity("ann").public)]


@WAYS
def test_a_joiner_is_let_in_by_an_independent_inviter(way: int, password: bytes) -> None:
    joiner, peer = Joiner(side("ann", joiner=True), password, Way(way)), Peer(joiner=False, slots=[7, 8])
    peer.feed(joiner.channel.outgoing())
    peer.set_up()
    feed(peer, joiner.channel)
    assert peer.found() == {7}
    peer.prove([7])
    (found,) = feed(peer, joiner.channel)
    joiner.react(found, 0.0)
    peer.feed(joiner.channel.outgoing())
    asked = peer.take()
    assert asked[0] == way
    half = peer.half(password, 7, way)
    peer.put(b"\0" + half.element)
    (answered,) = feed(peer, joiner.channel)
    joiner.react(answered, 0.0)
    peer.feed(joiner.channel.outgoing())
    joiners, inviters = half.finish(asked[1:])
    assert peer.take() == joiners
    peer.put((inviters + b"\0" + identity("ben").public + len(TERMS).to_bytes(2, "big") + TERMS).ljust(1984, b"\0"))
    assert feed(peer, joiner.channel) == [Given(Status.GO_ON, identity("ben").public, TERMS)]


def test_who_sends_its_guess_as_the_element_itself_has_one_guess_like_everybody() -> None:
    """X = [w]M with the right words makes Z the identity, which anybody can compute; with wrong ones it is as unknown as ever."""
    bound = Bound(bytes(32), 7, Way.WORDS)
    for guess, fits in [(WORDS, True), (OTHER, False)]:
        half = Half(True, guess, bound.encode(), 0)
        mine = reply(bound, WORDS, half.element, noise("reply"))
        assert (half.finish(mine.element)[0] == mine.confirmations.joiner) is fits


@settings(max_examples=15)
@given(st.integers(1, Q - 1), st.integers(1, 64), st.sampled_from(Way), st.binary(min_size=3, max_size=40))
def test_both_implementations_agree(scalar: int, slot: int, way: Way, password: bytes) -> None:
    bound = Bound(noise(scalar)(32), slot, way)
    half = Half(True, password, bound.encode(), scalar)
    mine = reply(bound, password, half.element, noise(("inviter", scalar)))
    assert half.finish(mine.element) == (mine.confirmations.joiner, mine.confirmations.inviter)


def points() -> list[Point]:
    """Points that are no elements: of small order, and with a part of small order."""
    small = next(point for y in range(2, 99) if (point := _times_q(y)) and encode(multiply(4, point)) != encode(IDENTITY))
    return [multiply(number, small) for number in range(8)] + [add(BASE, multiply(number, small)) for number in range(1, 8)]


def _times_q(y: int) -> Point | None:
    from tests.core.pairing_reference import root

    x = root(y)
    return None if x is None else multiply(Q, (x, y, 1, x * y % P))


@pytest.mark.parametrize("point", points(), ids=lambda point: encode(point).hex()[:8])
def test_points_outside_the_group_are_no_elements(point: Point) -> None:
    offer = Offer(Bound(bytes(32), 7, Way.WORDS), WORDS, noise("offer"))
    assert kind_of(lambda: offer.finish(b"B" + encode(point))) == "bad_key"
    assert kind_of(lambda: reply(Bound(bytes(32), 7, Way.WORDS), WORDS, b"A" + encode(point), noise("reply"))) == "bad_key"


def test_an_element_has_thirty_three_bytes() -> None:
    about = Bound(bytes(32), 7, Way.WORDS)
    for element in (encode(BASE) + b"\0", encode(BASE)[:-1], b""):
        assert kind_of(lambda element=element: Offer(about, WORDS, noise("offer")).finish(b"B" + element)) == "bad_key"
        assert kind_of(lambda element=element: reply(about, WORDS, b"A" + element, noise("reply"))) == "bad_key"


@settings(max_examples=25)
@given(st.binary(max_size=40))
def test_any_element_gives_confirmations_or_an_error(element: bytes) -> None:
    offer = Offer(Bound(bytes(32), 7, Way.WORDS), WORDS, noise("offer"))
    try:
        offer.finish(element)
    except RemoteError as error:
        assert error.kind == "bad_key"


def test_what_the_library_does_not_like_is_an_error_of_the_other_side() -> None:
    offer = Offer(Bound(bytes(32), 7, Way.WORDS), WORDS, noise("offer"))
    assert kind_of(lambda: offer.finish(b"B" + offer.element[1:])) == "bad_key"  # it calls that a reflection
    assert kind_of(lambda: offer.finish(b"B" + encode(BASE))) == "bad_key"  # once only


# ── the bytes ────────────────────────────────────────────────────────────────────────────────────────────────────────


def drawn(vector: dict[str, Any], name: str) -> Callable[[int], bytes]:
    """The randomness that the vector names; zeros for what leaves no trace on the wire."""
    given = [*map(bytes.fromhex, vector[name]["ephemerals"]), bytes.fromhex(vector[name]["filler"])]

    def random(size: int) -> bytes:
        return given.pop(0) if given and len(given[0]) == size else bytes(size)

    return random


def channel(vector: dict[str, Any], name: str) -> Channel:
    return Channel(
        initiator=name == "joiner",
        identity=Identity.from_seed(bytes.fromhex(vector[name]["identity"])),
        offered={},
        known=dict,
        refuse=lambda peer: False,
        random=drawn(vector, name),
        now=0.0,
        slots=lambda: (vector["slot"],),
    )


def scalar(vector: dict[str, Any], name: str) -> Callable[[int], bytes]:
    return lambda size: bytes.fromhex(vector[name]["scalar"])


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: f"way {vector['way']}")
def test_joiner_and_inviter_write_these_bytes(vector: dict[str, Any]) -> None:
    joiner, inviter = channel(vector, "joiner"), channel(vector, "inviter")
    password, terms = (bytes.fromhex(vector[name]) for name in ("password", "terms"))
    frames: list[str] = []

    def carry(source: Channel, target: Channel) -> Any:
        frames.append((data := source.outgoing()).hex())
        return next(iter(target.receive(data, 0.0)), None)

    for source, target in [(joiner, inviter), (inviter, joiner)] * 2:
        carry(source, target)
    bound = Bound(joiner.anonymous, vector["slot"], Way(vector["way"]))
    offer = Offer(bound, password, scalar(vector, "joiner"))
    joiner.pair(lambda pairing: pairing.ask(bound.way, offer.element))
    assert carry(joiner, inviter) == Asked(bound, offer.element)
    mine = reply(bound, password, offer.element, scalar(vector, "inviter"))
    inviter.pair(lambda pairing: pairing.answer(mine.element, mine.confirmations, 0.0))
    confirmations = offer.finish(carry(inviter, joiner).element)
    joiner.pair(lambda pairing: pairing.confirm(confirmations, 0.0))
    carry(joiner, inviter)
    inviter.pair(lambda pairing: pairing.give(_public(vector, "inviter"), terms, 0.0))
    assert carry(inviter, joiner) == Given(Status.GO_ON, _public(vector, "inviter"), terms)
    joiner.pair(lambda pairing: pairing.come(_public(vector, "joiner")))
    assert carry(joiner, inviter) == Came(_public(vector, "joiner"))
    assert frames == vector["frames"]
    assert [offer.element.hex(), mine.element.hex()] == vector["elements"]
    assert [confirmations.joiner.hex(), confirmations.inviter.hex()] == vector["confirmations"]


def _public(vector: dict[str, Any], name: str) -> bytes:
    return Identity.from_seed(bytes.fromhex(vector[name]["identity"])).public


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: f"way {vector['way']}")
@pytest.mark.parametrize("name", ["joiner", "inviter"])
def test_an_independent_implementation_writes_and_reads_the_same(vector: dict[str, Any], name: str) -> None:
    joins = name == "joiner"
    password, slot, way = bytes.fromhex(vector["password"]), vector["slot"], vector["way"]
    peer = Peer(joiner=joins, slots=[slot], ephemeral=bytes.fromhex(vector[name]["ephemerals"][0]))
    half: Half | None = None
    confirmations = (b"", b"")
    for number, (frame, previous) in enumerate(pairwise([*map(bytes.fromhex, vector["frames"]), b""]), start=1):
        assert previous is not None
        if (number % 2 == 1) is joins:
            half, confirmations = _speak(peer, number, vector, half, confirmations)
            written = peer.drain()
            assert written == frame or (number in (3, 4) and len(written) == len(frame))
            continue
        peer.feed(frame)
        if number in (1, 2):
            peer.set_up()
        elif number in (3, 4):
            assert peer.found() == {slot}
        else:
            content = peer.take()
            if number in (5, 6):
                half = half or peer.half(password, slot, way, _number(vector, name))
                confirmations = half.finish(content[1:])
            elif number in (7, 8):
                assert content[:32] == confirmations[number - 7]
            else:
                assert content == _public(vector, "joiner")
    assert peer.hash.hex() == vector["hash"]


def _speak(
    peer: Peer, number: int, vector: dict[str, Any], half: Half | None, confirmations: tuple[bytes, bytes]
) -> tuple[Half | None, tuple[bytes, bytes]]:
    """Frames 3 to 9 of this side; 1 and 2 were written where it was set up."""
    if number == 4:
        peer.prove([vector["slot"]])
    elif number == 5:
        half = peer.half(bytes.fromhex(vector["password"]), vector["slot"], vector["way"], _number(vector, "joiner"))
        peer.put(bytes((vector["way"],)) + half.element)
    elif number == 6 and half:
        peer.put(b"\0" + half.element)
    elif number == 7:
        peer.put(confirmations[0])
    elif number == 8:
        terms = bytes.fromhex(vector["terms"])
        peer.put(
            (confirmations[1] + b"\0" + _public(vector, "inviter") + len(terms).to_bytes(2, "big") + terms).ljust(1984, b"\0")
        )
    elif number == 9:
        peer.put(_public(vector, "joiner"))
    return half, confirmations


def _number(vector: dict[str, Any], name: str) -> int:
    return int(vector[name]["scalar"], 16) % Q
