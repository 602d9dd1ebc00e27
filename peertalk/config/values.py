"""What each setting takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from peertalk.config.address import MAX_PORT, parse_address
from peertalk.errors import RequestError, StartError


class WrongValueError(Exception):
    """A value is not of the kind that its key takes."""

    def __init__(self, expected: str, allowed: tuple[str, ...] = ()) -> None:
        super().__init__(expected)
        self.expected = expected
        self.allowed = allowed


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise WrongValueError("text")
    return value.strip()


def _port(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_PORT:
        raise WrongValueError("port")
    return value


def _yes_no(value: object) -> bool:
    if not isinstance(value, bool):
        raise WrongValueError("yes_no")
    return value


def read_path(value: object) -> Path:
    """A path, with `~` in its place. WrongValueError."""
    if not isinstance(value, str | Path) or not str(value).strip() or "\0" in str(value):
        raise WrongValueError("path")
    try:
        return Path(value).expanduser()
    except RuntimeError as error:  # "~somebody" who does not exist
        raise WrongValueError("path") from error


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise WrongValueError("list")
    return tuple(_text(item) for item in value)


def _addresses(value: object) -> tuple[tuple[str, int], ...]:
    try:
        return tuple(parse_address(text) for text in _texts(value))
    except RequestError as error:
        raise WrongValueError("address") from error


def _choice(*allowed: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        if not isinstance(value, str) or value.lower() not in allowed:
            raise WrongValueError("choice", allowed)
        return value.lower()

    return read


def _keys(value: object) -> Mapping[str, str]:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) and key.strip() for key in value.values()):
        raise WrongValueError("keys")
    return MappingProxyType({str(name): str(key).strip() for name, key in value.items()})


READERS: Final[Mapping[str, Callable[[object], Any]]] = {
    "name": _text,
    "interfaces": _texts,
    "port": _port,
    "connect": _addresses,
    "mdns": _yes_no,
    "lobby": _yes_no,
    "ephemeral": _yes_no,
    "passphrase_file": read_path,
    "log_file": read_path,
    "log_level": _choice("debug", "info", "warning", "error", "critical"),
    "lang": _choice("en", "de"),
    "theme": _choice("dark", "light", "auto"),
    "ascii": _yes_no,
    "keys": _keys,
}
_WORDS: Final = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


def from_text(key: str, text: str) -> object:
    """A value of the environment, as the type that the key's reader takes where it can be read so."""
    reader = READERS[key]
    if reader is _yes_no:
        return _WORDS.get(text.strip().lower(), text)
    if reader is _port:
        return int(text[:6]) if text.isascii() and text.isdecimal() else text
    if reader in (_texts, _addresses):
        return [part.strip() for part in text.split(",") if part.strip()]
    return text


def value_of(file: str | None, key: str, shown: str, value: object) -> Any:
    """The value of `key` as Settings takes it; `shown` is the key as the person wrote it."""
    if key not in READERS:
        raise StartError("bad_config", file=file, key=shown, why="unknown_key", allowed=tuple(READERS))
    try:
        return READERS[key](value)
    except WrongValueError as wrong:
        raise StartError(
            "bad_config",
            file=file,
            key=shown,
            why="value",
            value=_sayable(value),
            expected=wrong.expected,
            allowed=wrong.allowed,
        ) from wrong


def _sayable(value: object) -> object:
    """The value, unless Python cannot write it down: a number of too many digits (in hexadecimal it can be read), or too deep."""
    try:
        repr(value)
    except (ValueError, RecursionError):
        return "…"
    return value
