"""Somebody in the middle, somebody who guesses, somebody who breaks the rules."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from peertalk.core.channel import Channel, ChannelEvent, Proven, Refused
from peertalk.core.frames import frame
from peertalk.core.keys import KeyPair
from peertalk.core.noise import HandshakeState
from peertalk.errors import RemoteError
from tests.core.pair import ann_and_ben, carry, ids, kind_of, linked, noise, pieces, rooms, settle, start
from tests.core.reference import PROVE, PROVED, Reference

STEPS = 7


def after(steps: int) -> tuple[Channel, Channel]:
    """Initiator and responder when so many frames of the handshake have arrived."""
    ann, ben = ann_and_ben("lobby")
    for source, target in ([(ann, ben), (ben, ann)] * 4)[:steps]:
        carry(source, target)
    return ann, ben


def outcome(channel: Channel, data: bytes, size: int | None) -> tuple[list[ChannelEvent], str]:
    """All events, and the error at the end of them, if there is one."""
    events: list[ChannelEvent] = []
    try:
        for piece in pieces(data, size):
            events += channel.receive(piece, 0.0)
        events += channel.tick(0.0)
    except RemoteError as error:
        return events, error.kind
    return events, ""


lengths = st.sampled_from([1, 32, 48, 80, 112, 144, 1040, 2064, 65_535])
likely = st.builds(lambda length, fill: length.to_bytes(2, "big") + noise(fill)(length), lengths, st.integers())
anything = st.builds(b"".join, st.lists(st.binary(max_size=60) | likely, max_size=3))


@pytest.mark.parametrize("initiator", [True, False], ids=["initiator", "responder"])
@pytest.mark.parametrize("steps", range(STEPS + 1))
@given(data=anything)
@example(data=b"\x00\x00")
@example(data=b"\xff\xff")
def test_any_bytes_at_any_time_give_events_or_a_remote_error(steps: int, initiator: bool, data: bytes) -> None:
    whole = outcome(after(steps)[not initiator], data, None)
    assert outcome(after(steps)[not initiator], data, 1 if len(data) < 3000 else 999) == whole
    assert whole[1] in {"", "malformed", "decrypt", "bad_key"}


@given(st.lists(st.sampled_from(["keep", "drop", "twice", "cut", "swap"]), min_size=1, max_size=12))
def test_a_wire_that_loses_doubles_and_mixes_frames_never_delivers_what_was_not_sent(faults: list[str]) -> None:
    ann, ben = linked()
    sent = [bytes([number]) * 9 for number in range(len(faults))]
    frames = []
    for message in sent:
        ann.send(message, 0.0)
        frames.append(ann.outgoing())
    wire = list(frames)
    for at, fault in enumerate(faults):
        if fault == "swap":
            wire[at - 1], wire[at] = wire[at], wire[at - 1]
        wire[at] = {"drop": b"", "twice": wire[at] * 2, "cut": wire[at][:-1]}.get(fault, wire[at])
    ann.send(b"the end", 0.0)
    events, error = outcome(ben, b"".join([*wire, ann.outgoing()]), None)
    arrived = [event.message for event in events]
    assert arrived == [*sent, b"the end"][: len(arrived)]
    assert (error == "") == (len(arrived) == len(sent) + 1) == (wire == frames)


def flipped(data: bytes, byte: int, bit: int) -> bytes:
    return data[:byte] + bytes([data[byte] ^ 1 << bit]) + data[byte + 1 :]


@pytest.mark.parametrize("step", range(STEPS))
def test_a_flipped_bit_in_any_byte_of_any_handshake_frame_prevents_the_channel(step: int) -> None:
    length = len(after(step)[step % 2].outgoing())
    for byte in range(length):
        sides = after(step)
        source, target = sides[step % 2], sides[1 - step % 2]
        with pytest.raises(RemoteError):
            target.receive(flipped(source.outgoing(), byte, (byte + step) % 8), 0.0)
            settle(*sides)
        assert not (sides[0].established and sides[1].established)


@pytest.mark.parametrize("bit", range(8))
def test_a_flipped_bit_in_a_message_closes_the_channel(bit: int) -> None:
    for byte in range(82):
        ann, ben = linked()
        ann.send(b"hello", 0.0)
        changed = flipped(ann.outgoing(), byte, bit)
        assert kind_of(lambda ben=ben, changed=changed: ben.receive(changed, 0.0)) in {"decrypt", "malformed"}
        assert ben.closed


def test_nothing_can_be_replayed_reordered_or_reflected() -> None:
    def two_messages() -> tuple[Channel, Channel, bytes, bytes]:
        ann, ben = linked()
        ann.send(b"one", 0.0)
        one = ann.outgoing()
        ann.send(b"two", 0.0)
        return ann, ben, one, ann.outgoing()

    ann, ben, one, two = two_messages()
    ben.receive(one, 0.0)
    assert kind_of(lambda: ben.receive(one, 0.0)) == "decrypt"
    ann, ben, one, two = two_messages()
    assert kind_of(lambda: ben.receive(two, 0.0)) == "decrypt"
    ann, ben, one, two = two_messages()
    assert kind_of(lambda: ann.receive(one, 0.0)) == "decrypt"


@pytest.mark.parametrize("step", range(STEPS))
def test_no_frame_of_a_handshake_can_be_reflected(step: int) -> None:
    source = after(step)[step % 2]
    mirrored = source.outgoing()
    assert kind_of(lambda: source.receive(mirrored, 0.0)) in {"malformed", "decrypt"}


def test_a_recorded_handshake_is_worth_nothing() -> None:
    ann, ben = ann_and_ben("lobby")
    recorded = []
    for source, target in [(ann, ben), (ben, ann)] * 3 + [(ann, ben)]:
        data = source.outgoing()
        target.receive(data, 0.0)
        if source is ann:
            recorded.append(data)
    again = start("ben", rooms("lobby"), initiator=False, seed="another day")
    again.receive(recorded[0], 0.0)
    assert kind_of(lambda: again.receive(recorded[1], 0.0)) == "decrypt"


class Middle:
    """Mallory runs the anonymous part with both sides and reads what is inside."""

    def __init__(self, *names: str) -> None:
        self.ann, self.ben = ann_and_ben(*names)
        to_ann = HandshakeState("NN", initiator=False, prologue=b"peertalk/1", ephemeral=KeyPair(noise("to ann")(32)))
        to_ben = HandshakeState("NN", initiator=True, prologue=b"peertalk/1", ephemeral=KeyPair(noise("to ben")(32)))
        to_ann.read(self.ann.outgoing()[2:])
        self.ann.receive(frame(to_ann.write()), 0.0)
        self.ben.receive(frame(to_ben.write()), 0.0)
        to_ben.read(self.ben.outgoing()[2:])
        self.hashes = to_ann.hash, to_ben.hash
        self.seal_to_ann, self.open_from_ann = to_ann.split()
        self.seal_to_ben, self.open_from_ben = to_ben.split()

    def from_ann(self) -> bytes:
        return self.open_from_ann.decrypt(self.ann.outgoing()[2:])

    def to_ann(self, content: bytes) -> list[ChannelEvent]:
        return self.ann.receive(frame(self.seal_to_ann.encrypt(content)), 0.0)

    def from_ben(self) -> bytes:
        return self.open_from_ben.decrypt(self.ben.outgoing()[2:])

    def to_ben(self, content: bytes) -> list[ChannelEvent]:
        return self.ben.receive(frame(self.seal_to_ben.encrypt(content)), 0.0)


def test_proofs_passed_on_by_somebody_in_the_middle_prove_nothing() -> None:
    middle = Middle("lobby")
    middle.to_ben(middle.from_ann())
    assert middle.ben.tick(1.0) == [Refused("no_shared_room")]
    assert not middle.ben.rooms


def test_proofs_sent_back_by_somebody_in_the_middle_prove_nothing() -> None:
    middle = Middle("lobby")
    assert middle.to_ann(middle.from_ann()) == [Refused("no_shared_room")]


def test_a_member_in_the_middle_can_not_pass_on_identities() -> None:
    """Mallory is in the lobby too, and so gets past the proofs on both sides; XX is bound to each of the two."""
    middle = Middle("lobby")
    proof_for = {role: Reference(initiator=role == b"i", seed=bytes(32), secrets=[]).proof for role in (b"i", b"r")}
    middle.from_ann()
    middle.to_ann(proof_for[b"r"](rooms("lobby").values(), b"peertalk/1 room" + b"r" + middle.hashes[0]))
    middle.to_ben(proof_for[b"i"](rooms("lobby").values(), b"peertalk/1 room" + b"i" + middle.hashes[1]))
    middle.from_ben()
    assert middle.ann.rooms == middle.ben.rooms == ids("lobby")
    middle.to_ben(middle.from_ann())
    assert kind_of(lambda: middle.to_ann(middle.from_ben())) == "decrypt"
    assert not middle.ann.established


def with_eve(initiator: bool) -> tuple[Channel, Reference]:
    """Somebody who is also in `books`, linked with Eve, who is not and does as she likes."""
    name = "ann" if initiator else "ben"
    own = start(name, rooms("lobby"), initiator=initiator, known=rooms("lobby", "books"))
    eve = Reference(initiator=not initiator, seed=bytes(32), secrets=rooms("lobby").values())
    while not (own.established and eve.established):
        eve.feed(own.outgoing())
        own.receive(eve.drain(), 0.0)
    eve.silent = True
    return own, eve


def test_later_proofs_can_not_be_passed_on_either() -> None:
    (ann, beside_ann), (ben, beside_ben) = with_eve(True), with_eve(False)
    ann.prove(rooms("books"), 1.0)
    beside_ann.feed(ann.outgoing())
    beside_ben.record(*beside_ann.got[-1])
    assert ben.receive(beside_ben.drain(), 1.0) == []
    beside_ben.feed(ben.outgoing())
    assert [kind for kind, _ in (*beside_ann.got, *beside_ben.got)] == [PROVE, PROVED]
    beside_ann.record(*beside_ben.got[-1])
    assert ann.receive(beside_ann.drain(), 1.0) == []
    assert ann.rooms == ben.rooms == ids("lobby")


def test_a_question_sent_back_is_no_answer() -> None:
    ann, eve = with_eve(True)
    ann.prove(rooms("books"), 1.0)
    eve.feed(ann.outgoing())
    eve.record(PROVED, eve.got[-1][1])
    assert ann.receive(eve.drain(), 1.0) == []
    assert ann.rooms == ids("lobby")


def test_a_question_sent_back_is_no_question() -> None:
    ann, eve = with_eve(True)
    ann.prove(rooms("books"), 1.0)
    eve.feed(ann.outgoing())
    eve.record(PROVE, eve.got[-1][1])
    assert ann.receive(eve.drain(), 1.0) == []
    assert ann.rooms == ids("lobby")


def test_an_answer_is_good_for_one_question_only() -> None:
    ann, eve = with_eve(True)
    books = rooms("books").values()
    ann.prove(rooms("books"), 1.0)
    old = eve.proof(books, b"peertalk/1 proved" + b"r" + b"\0\0\0\1" + eve.binding)
    eve.record(PROVED, b"\0\0\0\1" + old)
    assert ann.receive(eve.drain(), 1.0) == [Proven(ids("books"))]
    ann.forget(next(iter(ids("books"))))
    ann.prove(rooms("books"), 2.0)
    eve.record(PROVED, b"\0\0\0\2" + old)
    assert ann.receive(eve.drain(), 2.0) == []
    assert ann.rooms == ids("lobby")
