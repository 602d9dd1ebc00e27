"""`config.toml`: read strictly, written so that comments stay and a crash leaves the old one."""

from __future__ import annotations

import errno
import os
import re
import tempfile
import tomllib
from pathlib import Path
from typing import Any, Final

from peertalk.config.values import value_of
from peertalk.errors import StartError

NAME: Final = "config.toml"
MAX_FILE: Final = 1 << 20


def read_settings(path: Path) -> dict[str, Any]:
    """What is set in a file, checked; relative paths in it count from where it is. StartError("bad_config")."""
    try:
        table = tomllib.loads(read_text(path))
    except (ValueError, RecursionError) as error:  # ValueError: tomllib's own, and Python's for a number of 5,000 digits
        line, column = _place(str(error))
        raise StartError("bad_config", file=str(path), key=None, why="syntax", line=line, column=column) from error
    values = {key: value_of(str(path), key, key, value) for key, value in table.items()}
    return {key: path.parent / value if isinstance(value, Path) else value for key, value in values.items()}


def save(home: Path, key: str, value: object) -> None:
    """Set `key` in `config.toml` (None removes it); comments and all else stay. The file is replaced at once, or not at all.

    StartError("bad_config") for a value or a file that `load` would refuse."""
    import tomlkit  # noqa: PLC0415 (30 ms, and only needed to write)

    path = Path(os.path.realpath(home / NAME))  # a link, say into someone's dotfiles, stays one
    read_settings(path)
    document = tomlkit.parse(read_text(path))
    if value is None:
        document.pop(key, None)
    else:
        value_of(str(path), key, key, value)
        document[key] = str(value) if isinstance(value, Path) else value
    try:
        replace(path, tomlkit.dumps(document))
    except OSError as error:
        raise StartError("bad_config", file=str(path), key=key, why="unwritable", error=error.strerror) from error


def read_text(path: Path) -> str:
    """The text of a config file; "" if there is none."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_FILE + 1)
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise StartError("bad_config", file=str(path), key=None, why="unreadable", error=error.strerror) from error
    if len(raw) > MAX_FILE:
        raise StartError("bad_config", file=str(path), key=None, why="unreadable", error=os.strerror(errno.EFBIG))
    try:
        return raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise StartError("bad_config", file=str(path), key=None, why="syntax", line=line, column=1) from error


def _place(message: str) -> tuple[int | None, int | None]:
    """(line, column), which Python 3.11 says nowhere but in tomllib's message; None at the end of the file."""
    found = re.search(r"\(at line (\d+), column (\d+)\)", message)
    return (int(found[1]), int(found[2])) if found else (None, None)


def replace(path: Path, text: str) -> None:
    """Write a file of the owner's only, and put it in place at once when it is on disk."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".config-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise
