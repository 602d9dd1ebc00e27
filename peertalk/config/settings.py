"""The settings, and where each comes from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal

from peertalk.config.file import NAME, read_settings
from peertalk.config.values import READERS, WrongValueError, from_text, read_path, value_of
from peertalk.errors import StartError

Theme = Literal["dark", "light", "auto"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that can be set. `home` holds the profile; `port` 0 is any free one; `lang` None follows the environment.

    `keys` maps ids of key bindings to keys (commands.py checks the ids); `theme` `auto` follows the terminal."""

    home: Path
    name: str | None = None
    interfaces: tuple[str, ...] = ()
    port: int = 0
    connect: tuple[tuple[str, int], ...] = ()
    mdns: bool = True
    lobby: bool = True
    ephemeral: bool = False
    passphrase_file: Path | None = None
    log_file: Path | None = None
    log_level: str = "warning"
    lang: str | None = None
    theme: Theme = "auto"
    ascii: bool = False
    keys: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def load(options: Mapping[str, object], environ: Mapping[str, str]) -> Settings:
    """The settings. `options` are named like the fields of Settings; None and () mean "not given".

    A relative path in the file counts from the home, elsewhere from the current directory. Nothing is created.
    StartError: `bad_config`, `no_home`."""
    given = {key: value for key, value in options.items() if value is not None and value != ()}
    home = _home(given.pop("home", None) or environ.get("PEERTALK_HOME"))
    values = read_settings(home / NAME) | _from_environment(environ) | _from_options(given)
    return Settings(home=home, **values)


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    names = {key: _variable(key) for key in READERS if key != "keys"}
    found = {key: environ[name] for key, name in names.items() if environ.get(name, "").strip()}
    return {key: value_of(None, key, _variable(key), from_text(key, text)) for key, text in found.items()}


def _variable(key: str) -> str:
    return f"PEERTALK_{key.upper()}"


_FLAGS: Final = {"interfaces": "--interface", "mdns": "--no-mdns", "lobby": "--no-lobby"}


def _from_options(given: Mapping[str, object]) -> dict[str, Any]:
    return {key: value_of(None, key, _FLAGS.get(key, "--" + key.replace("_", "-")), value) for key, value in given.items()}


def _home(given: object) -> Path:
    """The home of the profile: what was given, or where this system keeps a program's data. StartError("no_home", home=)."""
    if given is None:
        import platformdirs  # noqa: PLC0415 (not needed with --home)

        given = platformdirs.user_data_path("peertalk", appauthor=False)
    try:
        home = Path(os.path.abspath(read_path(given)))  # noqa: PTH100 (links stay: resolve() would follow them)
        usable = home.is_dir() or not home.exists()
    except (WrongValueError, OSError) as error:
        raise StartError("no_home", home=str(given)) from error
    if not usable:
        raise StartError("no_home", home=str(home))
    return home
