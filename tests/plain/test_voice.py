from __future__ import annotations

import pytest

from peertalk.plain.voice import Voice, encoded


class Heard:
    def __init__(self) -> None:
        self.data = b""

    async def write(self, data: bytes) -> None:
        self.data += data


async def test_every_line_of_the_program_is_marked() -> None:
    heard = Heard()
    voice = Voice(heard, "utf-8")
    await voice.say("one\n\ntwo", "three")
    await voice.say()
    await voice.tell(["Mira: hello"])
    assert heard.data == b"* one\n* two\n* three\nMira: hello\n"


@pytest.mark.parametrize(
    ("text", "encoding", "shown"),
    [
        ("Grüße “an” Zoë …", "ascii", b'Gruesse "an" Zoe ...'),
        ("Grüße “an” Zoë …", "latin-1", 'Grüße "an" Zoë ...'.encode("latin-1")),
        ("Grüße “an” Zoë …", "utf-8", "Grüße “an” Zoë …".encode()),
        ("e\u0301 日本 👍 \u2460", "ascii", b"e ?? ? 1"),
        ("half \ud800 a character", "utf-8", b"half ? a character"),
    ],
)
def test_what_an_encoding_lacks_is_spelled_in_another_way(text: str, encoding: str, shown: bytes) -> None:
    assert encoded(text, encoding) == shown
