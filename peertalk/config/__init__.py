"""Settings: frozen, from options, environment, `config.toml` in the home and defaults, the earlier one winning.

Strict: an unknown key or a wrong value ends the start with StartError("bad_config", file=, key=, why=, …). `why` is
`unreadable` or `unwritable` (with `error`), `syntax` (with `line`, `column`), `unknown_key` (with `allowed`) or `value` (with
`value` and `expected`: `text`, `port`, `yes_no`, `list`, `path`, `address`, `choice` (with `allowed`) or `keys`). `file` is the
path of the file, or None for an option or a variable of the environment; `key` is then as the person wrote it (`--port`).
"""

from peertalk.config.address import MAX_PORT, parse_address
from peertalk.config.file import MAX_FILE, save
from peertalk.config.settings import Settings, Theme, load

__all__ = ["MAX_FILE", "MAX_PORT", "Settings", "Theme", "load", "parse_address", "save"]
