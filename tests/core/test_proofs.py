from __future__ import annotations

import hashlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peertalk.core import proofs
from tests.core.pair import ids, noise, rooms

ABOUT = proofs.context("room", True, bytes(32))
names = st.sets(st.sampled_from([f"room {number}" for number in range(90)]))


def made(*offered: str, about: bytes = ABOUT) -> bytes:
    return proofs.make(rooms(*offered).values(), about, noise("make"))


def checked(proof: bytes, *known: str, about: bytes = ABOUT) -> frozenset[bytes]:
    return proofs.check(proof, rooms(*known), about, noise("check"))


@given(names, names)
def test_what_both_have_is_proven_and_nothing_else(offered: set[str], known: set[str]) -> None:
    offered = set(sorted(offered)[: proofs.MAX_PROVEN])
    assert checked(made(*offered), *known) == ids(*(offered & known))


def test_a_tag_is_what_the_specification_says() -> None:
    secret = rooms("lobby").popitem()[1]
    expected = hashlib.blake2s(b"peertalk/1 room" + b"i" + bytes(32), key=secret).digest()[:16]
    proof = made("lobby")
    assert expected in {proof[at : at + 16] for at in range(0, 1024, 16)}


@pytest.mark.parametrize(
    "other",
    [
        proofs.context("room", False, bytes(32)),
        proofs.context("room", True, bytes(31) + b"\x01"),
        proofs.context("prove", True, bytes(32)),
        proofs.context("prove", True, bytes(32), bytes(4)),
        proofs.context("proved", True, bytes(32), bytes(4)),
    ],
    ids=["other role", "other handshake", "other step", "question", "answer"],
)
def test_a_proof_is_good_for_nothing_else(other: bytes) -> None:
    assert checked(made("lobby"), "lobby", about=other) == frozenset()


@pytest.mark.parametrize("count", [0, 1, 63, 64])
def test_a_proof_always_has_the_same_size_and_sixty_four_different_tags(count: int) -> None:
    proof = made(*(f"room {number}" for number in range(count)))
    assert len(proof) == 1024
    assert len({proof[at : at + 16] for at in range(0, 1024, 16)}) == 64


def test_a_proof_holds_no_more_than_sixty_four_rooms() -> None:
    with pytest.raises(ValueError, match="64"):
        made(*(f"room {number}" for number in range(65)))


def test_where_a_tag_stands_says_nothing_of_whether_it_is_real() -> None:
    def place(number: int) -> float:
        about = proofs.context("room", True, number.to_bytes(32, "big"))
        proof = proofs.make(rooms("lobby").values(), about, noise(number))
        real = hashlib.blake2s(about, key=rooms("lobby").popitem()[1]).digest()[:16]
        return proof.index(real) // 16

    places = [place(number) for number in range(640)]
    assert 28 < sum(places) / len(places) < 35
    assert {0, 63} <= set(places)


def test_a_thousand_rooms_are_checked_in_milliseconds() -> None:
    many = [f"room {number}" for number in range(1024)]
    known, proof = rooms(*many), made(*many[-64:])

    def seconds() -> float:
        start = time.perf_counter()
        assert len(proofs.check(proof, known, ABOUT, noise("check"))) == 64
        return time.perf_counter() - start

    assert min(seconds() for _ in range(20)) < 0.005


def test_few_rooms_and_none_cost_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    hashed = 0
    real = proofs._tag

    def counted(key: bytes, data: bytes) -> bytes:
        nonlocal hashed
        hashed += 1
        return real(key, data)

    def cost(*known: str) -> int:
        nonlocal hashed
        hashed = 0
        checked(proof, *known)
        return hashed

    proof = made("lobby")
    monkeypatch.setattr(proofs, "_tag", counted)
    many = [f"room {number}" for number in range(2048)]
    assert cost() == cost("other") == cost("lobby") == cost(*many[:512])
    assert cost(*many[:513]) == cost(*many[:1024]) == cost(*many)
    assert cost() < cost(*many)
