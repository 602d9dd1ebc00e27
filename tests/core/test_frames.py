from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peertalk.core.frames import FrameReader, frame
from tests.core.pair import kind_of

contents = st.lists(st.binary(min_size=1, max_size=400), max_size=12)


@given(contents, st.lists(st.integers(min_value=1, max_value=300), min_size=1))
def test_frames_come_out_as_they_went_in_however_they_are_cut(sent: list[bytes], cuts: list[int]) -> None:
    reader, stream, got = FrameReader(), b"".join(map(frame, sent)), []
    while stream:
        cut = cuts[len(stream) % len(cuts)]
        reader.feed(stream[:cut])
        stream = stream[cut:]
        while (content := reader.next(range(1, 401))) is not None:
            got.append(content)
    assert got == sent


def test_the_greatest_frame_passes() -> None:
    reader = FrameReader()
    reader.feed(frame(bytes(65_535)))
    assert reader.next((65_535,)) == bytes(65_535)
    assert reader.next((65_535,)) is None


@pytest.mark.parametrize("length", [b"\x00\x00", b"\x00\x05", b"\xff\xff"])
def test_a_length_that_is_not_due_is_refused_before_anything_else_comes(length: bytes) -> None:
    reader = FrameReader()
    reader.feed(length)
    assert kind_of(lambda: reader.next((4, 6))) == "malformed"


def test_the_sizes_may_change_from_frame_to_frame() -> None:
    reader = FrameReader()
    reader.feed(frame(b"1") + frame(b"22"))
    assert reader.next((1,)) == b"1"
    assert reader.next((2,)) == b"22"
