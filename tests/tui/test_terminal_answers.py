from __future__ import annotations

import pytest

from peertalk.tui import _few_colours
from peertalk.tui.terminal import ground, read_ground


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"\x1b]11;rgb:1616/1818/1d1d\x1b\\\x1b[?62c", "dark"),
        (b"\x1b]11;rgb:fafa/f7f7/f2f2\x07\x1b[?62;4c", "light"),
        (b"\x1b]11;rgba:ff/ff/ff/ff\x07", "light"),
        (b"\x1b[?1;2c", None),
        (b"", None),
    ],
)
def test_the_answer_of_the_terminal_is_read(answer: bytes, expected: str | None) -> None:
    assert read_ground(answer) == expected


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"COLORFGBG": "0;15", "TERM": "dumb"}, "light"),
        ({"COLORFGBG": "15;0", "TERM": "dumb"}, "dark"),
        ({"COLORFGBG": "15;default;0", "TERM": "dumb"}, "dark"),
        ({"TERM": "dumb"}, "dark"),
    ],
)
def test_where_it_cannot_be_asked_the_environment_is(environ: dict[str, str], expected: str) -> None:
    assert ground(environ) == expected


@pytest.mark.parametrize(
    ("environ", "few"),
    [
        ({"TERM": "xterm-256color"}, False),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, False),
        ({"TERM": "xterm"}, True),
        ({"TERM": "linux"}, True),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, True),
    ],
)
def test_few_colours_are_noticed(environ: dict[str, str], few: bool) -> None:
    assert _few_colours(environ) is few
