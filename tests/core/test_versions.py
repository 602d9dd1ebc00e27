from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peertalk.core import versions
from tests.core.pair import kind_of


def test_own_versions_are_read_back() -> None:
    assert versions.pack(1) == bytes([1, 1, 1]) + bytes(29)
    assert versions.unpack(versions.pack(1)) == (1, versions.SPOKEN)


def test_as_many_as_there_is_room_for() -> None:
    spoken = tuple(range(1, 31))
    assert versions.unpack(bytes((7, 30, *spoken))) == (7, spoken)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(bytes([1, 0]), id="none"),
        pytest.param(bytes([1, 1, 0]), id="version 0"),
        pytest.param(bytes([1, 2, 2, 1]), id="descending"),
        pytest.param(bytes([1, 2, 1, 1]), id="twice"),
        pytest.param(bytes([1, 1, 1, 2]), id="padding"),
        pytest.param(bytes([1, 31, *range(1, 31)]), id="too many"),
    ],
)
def test_malformed_versions(raw: bytes) -> None:
    assert kind_of(lambda: versions.unpack(raw.ljust(32, b"\0"))) == "malformed"


@given(st.binary(max_size=40))
def test_anything_is_versions_or_malformed(raw: bytes) -> None:
    assert kind_of(lambda: versions.unpack(raw)) in {"malformed", "no error"}


def test_the_greatest_of_both_is_spoken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "SPOKEN", (1, 3, 4))
    assert versions.greatest_common((1, 2, 3, 5)) == 3
    assert kind_of(lambda: versions.greatest_common((2, 5))) == "version"
