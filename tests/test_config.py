"""Settings: where each value comes from, and that a wrong one is named and never passed over."""

from __future__ import annotations

import dataclasses
import os
import stat
import sys
import tomllib
from pathlib import Path
from typing import Any

import platformdirs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from peertalk import config, say
from peertalk.errors import RequestError, StartError

EVERYTHING = """
# my settings
name = "Mira"
interfaces = ["eth0", "192.168.1.7"]
port = 47000
connect = ["192.168.1.20:47000", "[fe80::1%eth0]:47001"]
mdns = false
lobby = false
ephemeral = true
passphrase_file = "secret.txt"
log_file = "/var/log/peertalk.log"
log_level = "debug"
lang = "de"
theme = "light"
ascii = true

[keys]
palette = "f2"
"""


def write(home: Path, text: str) -> Path:
    (home / "config.toml").write_text(text, encoding="utf-8")
    return home


def refused(home: Path, options: dict[str, object] | None = None, environ: dict[str, str] | None = None) -> dict[str, Any]:
    with pytest.raises(StartError) as caught:
        config.load({"home": home, **(options or {})}, environ or {})
    assert caught.value.kind == "bad_config"
    return caught.value.data


def test_without_anything_the_defaults_hold_and_the_home_is_that_of_the_system() -> None:
    settings = config.load({}, {})
    assert settings == config.Settings(home=platformdirs.user_data_path("peertalk", appauthor=False))
    assert (settings.mdns, settings.lobby, settings.port, settings.theme) == (True, True, 0, "auto")


def test_settings_cannot_be_changed() -> None:
    settings = config.Settings(home=Path("/x"))
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.port = 1  # type: ignore[misc]  # that is the point
    with pytest.raises(TypeError):
        settings.keys["a"] = "b"  # type: ignore[index]  # that is the point


def test_every_setting_can_stand_in_the_file(tmp_path: Path) -> None:
    settings = config.load({"home": write(tmp_path, EVERYTHING)}, {})
    assert settings == config.Settings(
        home=tmp_path,
        name="Mira",
        interfaces=("eth0", "192.168.1.7"),
        port=47000,
        connect=(("192.168.1.20", 47000), ("fe80::1%eth0", 47001)),
        mdns=False,
        lobby=False,
        ephemeral=True,
        passphrase_file=tmp_path / "secret.txt",
        log_file=Path("/var/log/peertalk.log"),
        log_level="debug",
        lang="de",
        theme="light",
        ascii=True,
        keys={"palette": "f2"},
    )
    assert set(tomllib.loads(EVERYTHING)) == {field.name for field in dataclasses.fields(settings)} - {"home"}


def test_options_win_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    write(tmp_path, 'name = "file"\nport = 1\nlang = "de"\n')
    environ = {"PEERTALK_HOME": str(tmp_path), "PEERTALK_NAME": "environment", "PEERTALK_PORT": "2"}
    settings = config.load({"name": "option"}, environ)
    assert (settings.name, settings.port, settings.lang) == ("option", 2, "de")


def test_options_that_were_not_given_change_nothing(tmp_path: Path) -> None:
    write(tmp_path, 'name = "file"\nconnect = ["a:1"]\nmdns = false\n')
    options = {"home": tmp_path, "name": None, "connect": (), "interfaces": (), "mdns": None, "port": None}
    settings = config.load(options, {})
    assert (settings.name, settings.connect, settings.mdns) == ("file", (("a", 1),), False)


@pytest.mark.parametrize(
    ("variable", "value", "key", "setting"),
    [
        ("PEERTALK_NAME", "Mira", "name", "Mira"),
        ("PEERTALK_INTERFACES", "eth0, wlan0", "interfaces", ("eth0", "wlan0")),
        ("PEERTALK_CONNECT", "a:1,[::1]:2", "connect", (("a", 1), ("::1", 2))),
        ("PEERTALK_PORT", "0", "port", 0),
        ("PEERTALK_MDNS", "no", "mdns", False),
        ("PEERTALK_LOBBY", "0", "lobby", False),
        ("PEERTALK_ASCII", "On", "ascii", True),
        ("PEERTALK_LOG_LEVEL", "INFO", "log_level", "info"),
        ("PEERTALK_LOG_FILE", "/x/y.log", "log_file", Path("/x/y.log")),
        ("PEERTALK_NAME", "", "name", None),
    ],
)
def test_the_environment_is_read(tmp_path: Path, variable: str, value: str, key: str, setting: object) -> None:
    assert getattr(config.load({}, {"PEERTALK_HOME": str(tmp_path), variable: value}), key) == setting


@pytest.mark.parametrize(
    ("line", "key", "expected"),
    [
        ("port = 70000", "port", "port"),
        ("port = -1", "port", "port"),
        ("port = true", "port", "port"),
        ('port = "47000"', "port", "port"),
        ("mdns = 1", "mdns", "yes_no"),
        ('lobby = "yes"', "lobby", "yes_no"),
        ("name = 7", "name", "text"),
        ('name = "  "', "name", "text"),
        ('interfaces = "eth0"', "interfaces", "list"),
        ("interfaces = [1]", "interfaces", "text"),
        ('connect = ["nowhere"]', "connect", "address"),
        ('lang = "fr"', "lang", "choice"),
        ('theme = "pink"', "theme", "choice"),
        ('log_level = "loud"', "log_level", "choice"),
        ("log_file = 1", "log_file", "path"),
        ('passphrase_file = "a\\u0000b"', "passphrase_file", "path"),
        ('keys = "x"', "keys", "keys"),
        ("[keys]\npalette = 1", "keys", "keys"),
    ],
)
def test_a_wrong_value_in_the_file_is_named(tmp_path: Path, line: str, key: str, expected: str) -> None:
    data = refused(write(tmp_path, line))
    assert (data["file"], data["key"], data["why"], data["expected"]) == (str(tmp_path / "config.toml"), key, "value", expected)
    if expected == "choice":
        assert data["allowed"]


def test_an_unknown_key_is_refused_with_those_that_are_allowed(tmp_path: Path) -> None:
    data = refused(write(tmp_path, "prot = 1\n"))
    assert (data["key"], data["why"]) == ("prot", "unknown_key")
    assert "port" in data["allowed"]


def test_home_cannot_stand_in_its_own_file(tmp_path: Path) -> None:
    assert refused(write(tmp_path, 'home = "/elsewhere"\n'))["why"] == "unknown_key"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (b"a = 1\nname = \n", 2),
        (b"[keys\n", 1),
        (b"port = 1\nport = 2\n", 2),
        (b"ok = 1\n\xff\n", 2),
        (b'name = """abc', None),
        (b"a = " + b"[" * 100_000, None),
    ],
)
def test_a_file_that_is_not_toml_is_refused_with_the_line(tmp_path: Path, text: bytes, line: int | None) -> None:
    (tmp_path / "config.toml").write_bytes(text)
    data = refused(tmp_path)
    assert (data["why"], data["key"], data["line"]) == ("syntax", None, line)


@pytest.mark.parametrize(
    "number", ["9" * 5000, "0x" + "f" * 5000, '["a", 0x' + "f" * 5000 + "]"], ids=["decimal", "hex", "inside"]
)
@pytest.mark.parametrize("key", ["port", "connect"])
def test_a_number_that_python_will_not_write_down_is_refused_with_a_sentence(tmp_path: Path, key: str, number: str) -> None:
    data = refused(write(tmp_path, f"{key} = {number}\n"))
    assert data["why"] in ("syntax", "value")
    assert say.error(StartError("bad_config", **data))


def test_a_file_with_a_byte_order_mark_and_windows_line_ends_is_read(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes(b'\xef\xbb\xbfname = "Mira"\r\nport = 1\r\n')
    assert config.load({"home": tmp_path}, {}).name == "Mira"


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "config.toml").mkdir()
    data = refused(tmp_path)
    assert data["why"] == "unreadable"
    assert data["error"]


def test_a_file_that_is_far_too_large_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "#" * (config.MAX_FILE + 1))
    assert refused(tmp_path)["why"] == "unreadable"


def test_wrong_options_and_variables_are_named_as_they_were_written(tmp_path: Path) -> None:
    assert refused(tmp_path, {"port": 70_000})["key"] == "--port"
    assert refused(tmp_path, {"connect": ("nowhere",)})["key"] == "--connect"
    assert refused(tmp_path, {"log_level": "loud"})["key"] == "--log-level"
    assert refused(tmp_path, {"interfaces": ("",)})["key"] == "--interface"
    assert refused(tmp_path, {"no_such": 1})["why"] == "unknown_key"
    assert refused(tmp_path, environ={"PEERTALK_PORT": "9" * 5000})["key"] == "PEERTALK_PORT"
    data = refused(tmp_path, environ={"PEERTALK_PORT": "many"})
    assert (data["file"], data["key"], data["value"]) == (None, "PEERTALK_PORT", "many")
    assert refused(tmp_path, environ={"PEERTALK_MDNS": "perhaps"})["expected"] == "yes_no"


def test_relative_paths_count_from_the_home_in_the_file_and_from_here_in_options(tmp_path: Path) -> None:
    write(tmp_path, 'log_file = "log.txt"\npassphrase_file = "~/pass"\n')
    settings = config.load({"home": tmp_path}, {})
    assert (settings.log_file, settings.passphrase_file) == (tmp_path / "log.txt", Path("~/pass").expanduser())
    assert config.load({"home": tmp_path, "log_file": "log.txt"}, {}).log_file == Path("log.txt")


def test_a_relative_home_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert config.load({"home": "profile"}, {}).home == tmp_path / "profile"
    assert not (tmp_path / "profile").exists()


@pytest.mark.parametrize("home", ["file", "a\0b", " ", 7])
def test_a_home_that_can_be_no_folder_is_refused(tmp_path: Path, home: object) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StartError) as caught:
        config.load({"home": tmp_path / home if home == "file" else home}, {})
    assert caught.value.kind == "no_home"


@given(st.binary(max_size=200))
def test_no_file_whatever_is_in_it_does_anything_but_be_refused_or_read(raw: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as home:
        (Path(home) / "config.toml").write_bytes(raw)
        try:
            settings = config.load({"home": home}, {})
        except StartError as caught:
            error = caught
        else:
            assert settings.home == Path(home)
            return
    assert error.kind == "bad_config"
    assert error.data["why"] in ("syntax", "unknown_key", "value")


# ── addresses ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.168.1.20:47000", ("192.168.1.20", 47000)),
        (" laptop.local:1 ", ("laptop.local", 1)),
        ("my_laptop:65535", ("my_laptop", 65535)),
        ("jürgen.local:5", ("jürgen.local", 5)),
        ("[::1]:47000", ("::1", 47000)),
        ("[fe80::1%eth0]:47000", ("fe80::1%eth0", 47000)),
        ("[fe80::1%2]:47000", ("fe80::1%2", 47000)),
        ("laptop.local.:1", ("laptop.local.", 1)),
    ],
)
def test_addresses_are_read(text: str, address: tuple[str, int]) -> None:
    assert config.parse_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "", ":", "host", "host:", ":1", "host:0", "host:65536", "host:-1", "host:+1", "host:1.5", "host:٣", "host:" + "9" * 5000,
        "::1:47000", "fe80::1%eth0:47000", "[::1]", "[::1]47000", "[1.2.3.4]:1", "[nonsense]:1", "1.2.3:1", "1.2.3.4.5:1", "256.1.1.1:1",
        "-host:1", "host-:1", "a b:1", "a..b:1", "a/b:1", "a@b:1", "x" * 254 + ":1", "y" * 64 + ":1", "http://host:1",
        "host:0" + "2" * 50,
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(RequestError) as caught:
        config.parse_address(text)
    assert caught.value.kind == "bad_address"
    assert caught.value.data == {"address": text}


@given(st.text(max_size=40))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    try:
        host, port = config.parse_address(text)
    except RequestError:
        return
    assert host
    assert 0 < port <= config.MAX_PORT


# ── saving ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_saving_keeps_comments_and_order(tmp_path: Path) -> None:
    write(tmp_path, '# mine\nname = "Mira"  # me\n\n[keys]\n# the palette\npalette = "f2"\n')
    config.save(tmp_path, "name", "Míra")
    config.save(tmp_path, "theme", "dark")
    text = (tmp_path / "config.toml").read_text(encoding="utf-8")
    assert "# mine" in text
    assert "# me" in text
    assert "# the palette" in text
    settings = config.load({"home": tmp_path}, {})
    assert (settings.name, settings.theme, settings.keys) == ("Míra", "dark", {"palette": "f2"})


def test_saving_begins_a_file_of_the_owner_only(tmp_path: Path) -> None:
    home = tmp_path / "new"
    config.save(home, "lobby", False)
    assert config.load({"home": home}, {}).lobby is False
    if sys.platform != "win32":
        assert stat.S_IMODE((home / "config.toml").stat().st_mode) == 0o600
        assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_saving_none_takes_the_key_out(tmp_path: Path) -> None:
    config.save(tmp_path, "name", "Mira")
    config.save(tmp_path, "name", None)
    config.save(tmp_path, "name", None)
    assert config.load({"home": tmp_path}, {}).name is None


@pytest.mark.parametrize(("key", "value"), [("name", ["eth0"]), ("port", 70_000), ("nothing", 1)])
def test_what_would_not_load_is_not_saved(tmp_path: Path, key: str, value: object) -> None:
    write(tmp_path, 'name = "Mira"\n')
    with pytest.raises(StartError) as caught:
        config.save(tmp_path, key, value)
    assert caught.value.kind == "bad_config"
    assert (tmp_path / "config.toml").read_text(encoding="utf-8") == 'name = "Mira"\n'


@pytest.mark.parametrize(("key", "value"), [("interfaces", ("eth0", "lo")), ("log_file", Path("/x/log")), ("port", 5)])
def test_every_kind_of_value_can_be_saved(tmp_path: Path, key: str, value: object) -> None:
    config.save(tmp_path, key, value)
    assert getattr(config.load({"home": tmp_path}, {}), key) == value


def test_a_file_that_is_broken_is_not_overwritten(tmp_path: Path) -> None:
    write(tmp_path, "name = \n")
    with pytest.raises(StartError):
        config.save(tmp_path, "lang", "de")
    assert (tmp_path / "config.toml").read_text(encoding="utf-8") == "name = \n"


def test_saving_that_fails_half_way_leaves_the_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, 'name = "Mira"\n')

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StartError) as caught:
        config.save(tmp_path, "name", "Jonas")
    assert caught.value.data["why"] == "unwritable"
    assert [path.name for path in tmp_path.iterdir()] == ["config.toml"]
    assert (tmp_path / "config.toml").read_text(encoding="utf-8") == 'name = "Mira"\n'


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right on Windows")
def test_a_linked_file_stays_linked(tmp_path: Path) -> None:
    home, dotfiles = tmp_path / "home", tmp_path / "dotfiles.toml"
    home.mkdir()
    dotfiles.write_text('name = "Mira"\n', encoding="utf-8")
    (home / "config.toml").symlink_to(dotfiles)
    config.save(home, "name", "Jonas")
    assert (home / "config.toml").is_symlink()
    assert 'name = "Jonas"' in dotfiles.read_text(encoding="utf-8")
