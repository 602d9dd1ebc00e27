"""The SPAKE2 of the reference is that of the library, in both roles and for any names, and that of vectors which others published."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spake2 import SPAKE2_A, SPAKE2_B

from tests.core.pairing_reference import Half, Q, constant, encode, hkdf

PASSWORDS, NAMES = st.binary(max_size=40), st.binary(max_size=60)
SCALARS = st.integers(1, Q - 1)


class Entropy:
    """What the library asks for randomness: it gets this scalar."""

    def __init__(self, number: int) -> None:
        self._number = number

    def __call__(self, size: int) -> bytes:
        return self._number.to_bytes(size, "big")


@settings(max_examples=20)
@given(joiner=st.booleans(), password=PASSWORDS, names=st.tuples(NAMES, NAMES), mine=SCALARS, theirs=SCALARS)
def test_both_agree_whoever_is_who(joiner: bool, password: bytes, names: tuple[bytes, bytes], mine: int, theirs: int) -> None:
    ours = Half(joiner, password, b"", mine)
    library = (SPAKE2_B if joiner else SPAKE2_A)(password, *names, entropy_f=Entropy(theirs))
    element = library.start()
    assert len(element) == len(ours.element) == 33
    assert ours.key(element, names) == library.finish(ours.element)


# The vectors are in python-spake2 (src/spake2/test/test_compat.py), and in the Rust implementation of it, which is another one.


def test_a_published_run() -> None:
    x = 2611694063369306139794446498317402240796898290761098242657700742213257926693
    y = 7002393159576182977806091886122272758628412261510164356026361256515836884383
    joiner, inviter = Half(True, b"password", b"", x), Half(False, b"password", b"", y)
    assert joiner.element.hex() == "416fc960df73c9cf8ed7198b0c9534e2e96a5984bfc5edc023fd24dacf371f2af9"
    assert inviter.element.hex() == "42354e97b88406922b1df4bea1d7870f17aed3dba7c720b313edae315b00959309"
    for names, key in (
        ((b"", b""), "a480bca13fa04464bb644f10e340125e96c9494f7399fef7c2bda67eb0fdf06d"),
        ((b"idA", b"idB"), "712295de7219c675ddd31942184aa26e0a957cf216bc230d165b215047b520c1"),
    ):
        assert joiner.key(inviter.element, names).hex() == inviter.key(joiner.element, names).hex() == key


@pytest.mark.parametrize(
    ("password", "encoded"),
    [
        (b"pw", "cf090b60384cb818b12c8d972dfbaf910c0c7295c5cfe560e508f5f062f3960f"),
        (b"\x00\x01\xfe\xff", "e86622bb57ea0f6f9f963354f2973a43a9e981901a478e6478682374441b0c04"),
    ],
)
def test_published_scalars(password: bytes, encoded: str) -> None:
    assert (hkdf(password, b"SPAKE2 pw") % Q).to_bytes(32, "little").hex() == encoded


@pytest.mark.parametrize(
    ("seed", "encoded"),
    [
        (b"A", "4637592ae2914247de5804be805867266ccac99c635df8077dcdc1d72becf354"),
        (b"B", "88228ee4046ba5d5fa2f23a0480a99efb1a9554ce50153d69330928215d50775"),
    ],
)
def test_published_elements(seed: bytes, encoded: str) -> None:
    assert encode(constant(seed)).hex() == encoded


def test_a_published_derivation() -> None:
    """RFC 5869, A.3: no salt and no info. What is asked of it here is 6 bytes longer."""
    known = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
    assert hkdf(b"\x0b" * 22, b"") >> 48 == int(known, 16)
