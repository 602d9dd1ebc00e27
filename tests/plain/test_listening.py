from __future__ import annotations

import pytest

from peertalk.errors import RequestError
from peertalk.plain.listening import Listening
from peertalk.streams import MAX_LINE


class Source:
    """What comes, chunk by chunk; an error where one is given."""

    def __init__(self, *chunks: bytes | OSError) -> None:
        self.chunks = list(chunks)

    async def read(self) -> bytes:
        chunk = self.chunks.pop(0) if self.chunks else b""
        if isinstance(chunk, OSError):
            raise chunk
        return chunk


async def heard(*chunks: bytes | OSError, encoding: str = "utf-8", terminal: int | None = None) -> list[str]:
    listening = Listening(Source(*chunks), encoding, terminal)
    lines = []
    while (line := await listening.line()) is not None:
        lines.append(line)
    return lines


async def test_lines_come_whole_however_they_were_cut() -> None:
    assert await heard("grü".encode()[:3], "grü".encode()[3:] + b"n\r\nb", b"\n\nlast") == ["grün", "b", "", "last"]


async def test_bytes_that_are_no_text_are_replaced() -> None:
    assert await heard(b"a\xffb\n") == ["a\ufffdb"]
    assert await heard(b"\xfc\n", encoding="latin-1") == ["ü"]
    assert await heard("ü\n".encode(), encoding="ascii") == ["ü"]


async def test_keys_that_edit_nothing_here_leave_nothing_in_a_message() -> None:
    assert await heard(b"\x1b[Aone\x1b[1;5C \x1bOPtwo\x1b[3~\n", terminal=0) == ["one two"]
    assert await heard(b"\x1b[A\n") == ["\x1b[A"]


async def test_a_line_that_never_ends_is_refused_and_the_next_one_read() -> None:
    listening = Listening(Source(b"x" * (MAX_LINE + 1), b"y\nnext\n"), "utf-8", None)
    with pytest.raises(RequestError) as caught:
        await listening.line()
    assert caught.value.kind == "too_large"
    assert await listening.line() == "next"
    assert await listening.line() is None


async def test_a_terminal_that_is_gone_is_the_end() -> None:
    assert await heard(b"one\n", OSError(5, "gone")) == ["one"]
