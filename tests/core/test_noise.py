from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from noise.connection import Keypair, NoiseConnection

from peertalk.core.keys import KeyPair
from peertalk.core.noise import CipherState, HandshakeState
from peertalk.errors import RemoteError
from tests.core.pair import kind_of

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "noise.json").read_text(encoding="utf-8"))
SIDES = pytest.mark.parametrize("initiator", [True, False], ids=["initiator", "responder"])
PATTERNS = pytest.mark.parametrize("pattern", ["NN", "XX"])
NAMES = {True: "init", False: "resp"}
seeds = st.binary(min_size=32, max_size=32)


def side(vector: dict[str, Any], *, initiator: bool) -> HandshakeState:
    def key(kind: str) -> KeyPair | None:
        seed = vector.get(kind.format(NAMES[initiator]))
        return KeyPair(bytes.fromhex(seed)) if seed else None

    ephemeral = key("gen_{}_ephemeral")
    assert ephemeral
    return HandshakeState(
        vector["handshake"][6:8],
        initiator=initiator,
        prologue=bytes.fromhex(vector["prologue"]),
        ephemeral=ephemeral,
        static=key("{}_static"),
    )


@SIDES
@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: f"{vector['handshake'][6:8]}-{len(vector['prologue'])}")
def test_published_vectors(vector: dict[str, Any], initiator: bool) -> None:
    state = side(vector, initiator=initiator)
    messages = [(bytes.fromhex(m["payload"]), bytes.fromhex(m["ciphertext"])) for m in vector["messages"]]
    for number, (payload, ciphertext) in enumerate(messages[:-2]):
        if (number % 2 == 0) == initiator:
            assert state.write(payload) == ciphertext
        else:
            assert state.read(ciphertext) == payload
    sending, receiving = state.split()
    (mine, my_ciphertext), (theirs, their_ciphertext) = messages[-2:] if initiator else reversed(messages[-2:])
    assert sending.encrypt(mine) == my_ciphertext
    assert receiving.decrypt(their_ciphertext) == theirs


def independent(pattern: str, *, initiator: bool, prologue: bytes, static: bytes) -> NoiseConnection:
    peer = NoiseConnection.from_name(f"Noise_{pattern}_25519_ChaChaPoly_BLAKE2s".encode())
    (peer.set_as_initiator if initiator else peer.set_as_responder)()
    peer.set_prologue(prologue)
    if pattern == "XX":
        peer.set_keypair_from_private_bytes(Keypair.STATIC, static)
    peer.start_handshake()
    return peer


@PATTERNS
@SIDES
@given(
    ephemeral=seeds,
    static=seeds,
    prologue=st.binary(max_size=99),
    payloads=st.lists(st.binary(max_size=99), min_size=3, max_size=3),
)
def test_whole_handshakes_with_an_independent_implementation(
    pattern: str, initiator: bool, ephemeral: bytes, static: bytes, prologue: bytes, payloads: list[bytes]
) -> None:
    own = HandshakeState(pattern, initiator=initiator, prologue=prologue, ephemeral=KeyPair(ephemeral), static=KeyPair(static))
    their_static = static[::-1]
    peer = independent(pattern, initiator=not initiator, prologue=prologue, static=their_static)
    own_turn = initiator
    for payload in payloads[: 2 if pattern == "NN" else 3]:
        if own_turn:
            assert peer.read_message(own.write(payload)) == payload
        else:
            assert own.read(bytes(peer.write_message(payload))) == payload
        own_turn = not own_turn
    assert own.finished
    assert own.hash == peer.get_handshake_hash()
    if pattern == "XX":
        assert own.remote_static == KeyPair(their_static).public
    sending, receiving = own.split()
    for message in (b"", b"before", None, b"after", None, b"again"):
        if message is None:
            sending.rekey(), peer.rekey_inbound_cipher()
            receiving.rekey(), peer.rekey_outbound_cipher()
        else:
            assert peer.decrypt(sending.encrypt(message)) == message
            assert receiving.decrypt(peer.encrypt(message)) == message


def pair(pattern: str, prologues: tuple[bytes, bytes] = (b"", b"")) -> tuple[HandshakeState, HandshakeState]:
    keys = [KeyPair(bytes([number]) * 32) for number in range(1, 5)]
    return (
        HandshakeState(pattern, initiator=True, prologue=prologues[0], ephemeral=keys[0], static=keys[1]),
        HandshakeState(pattern, initiator=False, prologue=prologues[1], ephemeral=keys[2], static=keys[3]),
    )


@PATTERNS
def test_another_prologue_fails(pattern: str) -> None:
    ann, ben = pair(pattern, (b"one", b"other"))
    ben.read(ann.write())
    assert kind_of(lambda: ann.read(ben.write())) == "decrypt"


@PATTERNS
def test_any_shortened_message_is_refused(pattern: str) -> None:
    ann, ben = pair(pattern)
    first = ann.write()
    second = (ben.read(first), ben.write())[1]
    for length in range(len(second)):
        fresh, _ = pair(pattern)
        fresh.write()
        assert kind_of(lambda fresh=fresh, length=length: fresh.read(second[:length])) in {"malformed", "decrypt"}


@PATTERNS
def test_messages_go_in_turn(pattern: str) -> None:
    ann, ben = pair(pattern)
    for wrong in (lambda: ann.read(b""), ben.write, ann.split):
        with pytest.raises(ValueError):
            wrong()
    turns = [ann, ben]
    while not ann.finished:
        turns[1].read(turns[0].write())
        turns.reverse()
    for wrong in (ann.write, ben.write, lambda: ann.read(b"")):
        with pytest.raises(ValueError):
            wrong()


@pytest.mark.parametrize("key", [bytes(32), b"\x01" + bytes(31), b"\xff" * 32], ids=["zero", "one", "not canonical"])
def test_bad_keys_are_refused_when_read(key: bytes) -> None:
    _, ben = pair("NN")
    assert kind_of(lambda: ben.read(key)) == "bad_key"


def test_a_bad_static_key_is_refused_when_read() -> None:
    ann, ben = pair("XX")
    ben.read(ann.write())
    ben._own["s"].public = bytes(32)
    assert kind_of(lambda: ann.read(ben.write())) == "bad_key"


def test_a_cipher_refuses_what_was_changed_replayed_or_cut() -> None:
    sending, receiving = CipherState(bytes(32)), CipherState(bytes(32))
    first, second = sending.encrypt(b"first"), sending.encrypt(b"second")
    assert kind_of(lambda: receiving.decrypt(second)) == "decrypt"
    assert kind_of(lambda: receiving.decrypt(first, b"other data")) == "decrypt"
    assert kind_of(lambda: receiving.decrypt(first[:15])) == "malformed"
    assert receiving.decrypt(first) == b"first"
    with pytest.raises(RemoteError):
        receiving.decrypt(first)
    assert receiving.decrypt(second) == b"second"
