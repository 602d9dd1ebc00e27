from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from peertalk.streams.lines import Lines


def cut(data: bytes, places: list[int]) -> list[bytes]:
    marks = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    return [data[a:b] for a, b in itertools.pairwise(marks)]


def all_lines(chunks: list[bytes], limit: int) -> list[bytes | None]:
    lines = Lines(limit)
    return [line for chunk in chunks for line in lines.feed(chunk)] + lines.end()


@given(st.binary(max_size=200), st.lists(st.integers(0, 1000)))
def test_lines_do_not_depend_on_how_the_stream_is_cut(data: bytes, places: list[int]) -> None:
    whole = data.split(b"\n")
    last = [whole[-1]] if whole[-1] else []
    assert all_lines(cut(data, places), 1000) == whole[:-1] + last


@given(st.lists(st.integers(0, 12)), st.lists(st.integers(0, 1000)))
def test_each_line_that_is_too_long_comes_once_as_none(lengths: list[int], places: list[int]) -> None:
    data = b"".join(b"x" * length + b"\n" for length in lengths)
    expected = [b"x" * length if length <= 6 else None for length in lengths]
    assert all_lines(cut(data, places), 6) == expected


def test_a_line_that_is_too_long_is_told_before_it_ends() -> None:
    lines = Lines(4)
    assert lines.feed(b"12345") == [None]
    assert lines.feed(b"678") == []
    assert lines.feed(b"9\nab\n") == [b"ab"]


def test_a_line_that_is_too_long_and_never_ends_is_told_once() -> None:
    lines = Lines(4)
    assert lines.feed(b"12345678") == [None]
    assert lines.end() == []
