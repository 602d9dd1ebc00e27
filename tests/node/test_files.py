"""Files hold what was written into them, and only their owner can read them."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from peertalk.node import files

O_BINARY = 1 << 30


@pytest.mark.parametrize("way", ["created", "replaced"])
def test_no_system_makes_other_lines_of_what_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    """Windows writes a line end as two bytes, unless it is told that a file has none."""
    asked: list[int] = []
    opened = os.open

    def note(path: Path, flags: int, *mode: int) -> int:
        asked.append(flags)
        return opened(path, flags & ~O_BINARY if sys.platform != "win32" else flags, *mode)

    if sys.platform != "win32":
        monkeypatch.setattr(os, "O_BINARY", O_BINARY, raising=False)
    monkeypatch.setattr(os, "open", note)
    path, content = tmp_path / "file", bytes(range(256))
    if way == "created":
        with files.create(path) as file:
            file.write(content)
    else:
        path.write_bytes(b"before")
        files.replace(path, content)
    assert [flags & os.O_BINARY != 0 for flags in asked if flags & os.O_CREAT] == [True]
    assert path.read_bytes() == content
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 or sys.platform == "win32"
    assert [one.name for one in tmp_path.iterdir()] == ["file"]
