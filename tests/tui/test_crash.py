from __future__ import annotations

from peertalk.tui.crash import places

SECRET = "the words of somebody"


def fail() -> None:
    said = SECRET
    try:
        int(said)
    except ValueError as error:
        raise KeyError(said) from error


def test_what_is_left_of_a_failure_is_where_it_was_and_nothing_of_what_was_said() -> None:
    try:
        fail()
    except KeyError as error:
        left = places(error)
    text = "\n".join(left)
    assert left[0] == "KeyError"
    assert "ValueError" in left
    assert " fail" in text
    assert SECRET not in text


def test_a_failure_that_holds_another_one_tells_of_it() -> None:
    class Failed(Exception):
        error = ValueError(SECRET)

    assert places(Failed()) == ["Failed", "ValueError"]


def test_a_ring_of_causes_comes_to_an_end() -> None:
    one, other = ValueError(), KeyError()
    one.__cause__, other.__cause__ = other, one
    assert places(one) == ["ValueError", "KeyError"]
