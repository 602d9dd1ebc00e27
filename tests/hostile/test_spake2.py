"""The SPAKE2 that hostile joiners and inviters use is that of the library, in both roles, and that of its published vectors."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spake2 import SPAKE2_A, SPAKE2_B

from tests.hostile.spake2 import M, N, Q, Spake2, arbitrary, decode, derived, scalar


@pytest.fixture(autouse=True)
def undisturbed() -> None:
    """Nobody is attacked here."""


class Entropy:
    """What the library asks for randomness: it gets this scalar."""

    def __init__(self, number: int) -> None:
        self._number = number

    def __call__(self, size: int) -> bytes:
        return self._number.to_bytes(size, "big")


# ── against the library ──────────────────────────────────────────────────────────────────────────────────────────────

PASSWORDS, NAMES = st.binary(max_size=40), st.binary(max_size=60)
SCALARS = st.integers(1, Q - 1)


@settings(max_examples=20)
@given(joiner=st.booleans(), password=PASSWORDS, names=st.tuples(NAMES, NAMES), mine=SCALARS, theirs=SCALARS)
def test_both_agree_whoever_is_who(joiner: bool, password: bytes, names: tuple[bytes, bytes], mine: int, theirs: int) -> None:
    ours = Spake2(joiner, password, mine, names)
    library = (SPAKE2_B if joiner else SPAKE2_A)(password, *names, entropy_f=Entropy(theirs))
    element = library.start()
    assert len(element) == len(ours.element) == 33
    assert ours.key(element) == library.finish(ours.element)


@settings(max_examples=10)
@given(joiner=st.booleans(), password=PASSWORDS, names=st.tuples(NAMES, NAMES), mine=SCALARS)
def test_it_says_what_the_library_says(joiner: bool, password: bytes, names: tuple[bytes, bytes], mine: int) -> None:
    library = (SPAKE2_A if joiner else SPAKE2_B)(password, *names, entropy_f=Entropy(mine))
    assert library.start() == Spake2(joiner, password, mine, names).element


@pytest.mark.parametrize("what", ["password", "idA", "idB", "a bit of the element"])
def test_whatever_differs_makes_another_key(what: str) -> None:
    password, names = b"peertalk/1 words\1\2\3", (b"a", b"b")
    right = Spake2(True, password, 5, names)
    library = SPAKE2_B(
        password + (b"x" if what == "password" else b""),
        b"x" if what == "idA" else b"a",
        b"x" if what == "idB" else b"b",
        entropy_f=Entropy(7),
    )
    element = library.start()
    other = Spake2(False, password, 8, names).element if what == "a bit of the element" else element
    assert right.key(other) != library.finish(right.element)


# ── against what others published ────────────────────────────────────────────────────────────────────────────────────
# The first two are in python-spake2 (src/spake2/test/test_compat.py), and in the Rust implementation of it, which is another one.


def test_the_points_of_both_sides() -> None:
    assert M.encode().hex() == "15cfd18e385952982b6a8f8c7854963b58e34388c8e6dae891db756481a02312"
    assert N.encode().hex() == "f04f2e7eb734b2a8f8b472eaf9c3c632576ac64aea650b496a8a20ff00e583c3"


def test_a_published_run() -> None:
    x = 2611694063369306139794446498317402240796898290761098242657700742213257926693
    y = 7002393159576182977806091886122272758628412261510164356026361256515836884383
    for names, key in (
        ((b"", b""), "a480bca13fa04464bb644f10e340125e96c9494f7399fef7c2bda67eb0fdf06d"),
        ((b"idA", b"idB"), "712295de7219c675ddd31942184aa26e0a957cf216bc230d165b215047b520c1"),
    ):
        joiner, inviter = Spake2(True, b"password", x, names), Spake2(False, b"password", y, names)
        assert joiner.element.hex() == "416fc960df73c9cf8ed7198b0c9534e2e96a5984bfc5edc023fd24dacf371f2af9"
        assert inviter.element.hex() == "42354e97b88406922b1df4bea1d7870f17aed3dba7c720b313edae315b00959309"
        assert joiner.key(inviter.element).hex() == inviter.key(joiner.element).hex() == key


@pytest.mark.parametrize(
    ("password", "encoded"),
    [
        (b"pw", "cf090b60384cb818b12c8d972dfbaf910c0c7295c5cfe560e508f5f062f3960f"),
        (b"\x00\x01\xfe\xff", "e86622bb57ea0f6f9f963354f2973a43a9e981901a478e6478682374441b0c04"),
    ],
)
def test_published_scalars(password: bytes, encoded: str) -> None:
    assert scalar(password).to_bytes(32, "little").hex() == encoded


@pytest.mark.parametrize(
    ("seed", "encoded"),
    [
        (b"A", "4637592ae2914247de5804be805867266ccac99c635df8077dcdc1d72becf354"),
        (b"B", "88228ee4046ba5d5fa2f23a0480a99efb1a9554ce50153d69330928215d50775"),
    ],
)
def test_published_elements(seed: bytes, encoded: str) -> None:
    assert arbitrary(seed).encode().hex() == encoded
    assert decode(bytes.fromhex(encoded)).times(Q).encode() == (1).to_bytes(32, "little")


def test_a_published_derivation() -> None:
    """RFC 5869, A.3: no salt and no info. What is asked of it here is 6 bytes longer."""
    known = int.from_bytes(
        bytes.fromhex("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"), "big"
    )
    assert derived(b"\x0b" * 22, b"") >> 48 == known


def test_points_are_added_as_on_the_curve() -> None:
    base = decode(bytes([0x58]) + bytes([0x66]) * 31)
    assert base.times(Q - 1).encode() == (-base).encode()
    assert (base.times(Q // 2) + base.times(Q - Q // 2)).encode() == (1).to_bytes(32, "little")
