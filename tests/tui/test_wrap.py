from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from peertalk.tui.wrap import fit, wrap

TEXTS = st.text(alphabet=st.sampled_from("ab  \n.-äß日本か゚語🚆👩‍👩‍👧é\u0301x"), max_size=80)


@given(TEXTS, st.integers(2, 30))
def test_no_line_is_wider_than_asked_for(text: str, width: int) -> None:
    assert all(cell_len(line) <= width for line in wrap(text, width))


@given(TEXTS, st.integers(2, 30))
def test_nothing_but_spaces_is_lost_and_nothing_is_added(text: str, width: int) -> None:
    assert "".join("".join(wrap(text, width)).split()) == "".join(text.split())


@given(st.text(alphabet="abä c", max_size=60), st.integers(2, 20))
def test_words_that_fit_are_not_cut(text: str, width: int) -> None:
    fitting = [word for word in text.split() if len(word) <= width]
    found = [word for line in wrap(text, width) for word in line.split()]
    for word in fitting:
        assert word in found
        found.remove(word)


def test_newlines_break_and_empty_lines_stay() -> None:
    assert wrap("one\n\ntwo", 20) == ["one", "", "two"]
    assert wrap("", 20) == [""]


def test_lines_break_at_words() -> None:
    assert wrap("the train stood in a field", 12) == ["the train", "stood in a", "field"]
    assert wrap("der Zug stand übrigens lange", 12) == ["der Zug", "stand", "übrigens", "lange"]


def test_a_long_word_is_cut_between_graphemes() -> None:
    assert wrap("日本語日本語", 5) == ["日本", "語日", "本語"]
    assert wrap("abcdefgh", 3) == ["abc", "def", "gh"]


def test_fit_marks_what_it_cut_off() -> None:
    assert fit("Quiet Otter", 20) == "Quiet Otter"
    assert fit("Quiet Otter", 6) == "Quiet…"
    assert fit("日本語", 4) == "日…"
    assert fit("one\ntwo", 20) == "one two"
    assert fit("abc", 1) == "…"
    assert fit("abc", 0) == ""


def test_an_indentation_stays_where_its_word_has_room() -> None:
    assert wrap("   indent ok here", 10) == ["   indent", "ok here"]
    assert wrap("        indent", 10) == ["indent"]
    assert wrap(" " * 30, 8) == [""]
