from __future__ import annotations

import pytest

from peertalk.text.spelled import encoded


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
