from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import peertalk
from peertalk import demo, i18n, tui
from peertalk.cli import main, running
from peertalk.config import Settings
from peertalk.errors import StartError


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    i18n.activate("en")
    for name in [name for name in os.environ if name.startswith(("PEERTALK_", "LANG", "LC_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PEERTALK_HOME", str(tmp_path / "home"))
    yield
    i18n.activate("en")


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """The settings with which `peertalk rpc` was started."""
    started: list[Settings] = []

    def rpc(settings: Settings) -> int:
        started.append(settings)
        return 0

    monkeypatch.setattr(running, "rpc", rpc)
    return started


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"peertalk {peertalk.__version__}\n"


@pytest.mark.parametrize("command", [[], ["plain"], ["rpc"], ["send"], ["tail"], ["export"], ["doctor"], ["demo"]])
def test_every_command_has_help(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command, "--help"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("Usage: peertalk")
    assert "--passphrase-file FILE" in shown


def test_the_version_needs_none_of_the_heavy_libraries() -> None:
    program = (
        "import sys; from peertalk.cli import main; main(['--version']);"
        "print(sorted({'textual', 'zeroconf', 'apsw', 'nacl', 'asyncio', 'uvloop', 'msgspec', 'babel'} & set(sys.modules)))"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert told.splitlines()[-1] == "[]"


def test_options_count_on_both_sides_of_the_command(settings: list[Settings], tmp_path: Path) -> None:
    before = ["--home", str(tmp_path), "--name", "Ada", "--connect", "10.0.0.1:1000", "--no-mdns", "--port", "1000"]
    after = ["--name", "Eva", "--connect", "10.0.0.2:2000", "--interface", "eth0", "--no-lobby", "--ephemeral"]
    assert main([*before, "rpc", *after]) == 0
    assert settings == [
        Settings(
            home=tmp_path,
            name="Eva",
            connect=(("10.0.0.1", 1000), ("10.0.0.2", 2000)),
            interfaces=("eth0",),
            port=1000,
            mdns=False,
            lobby=False,
            ephemeral=True,
        )
    ]


def test_what_is_not_given_is_left_to_the_environment(settings: list[Settings], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PEERTALK_MDNS", "no")
    monkeypatch.setenv("PEERTALK_NAME", "Ada")
    assert main(["rpc", "--name", "Eva"]) == 0
    assert (settings[0].mdns, settings[0].name, settings[0].lobby) == (False, "Eva", True)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--dance"],
        ["dance"],
        ["rpc", "--port", "x"],
        ["rpc", "--port", "99999"],
        ["--port", "99999", "rpc"],
        ["rpc", "--connect", "nowhere"],
        ["rpc", "--lang", "xx"],
        ["rpc", "--log-level", "loud"],
        ["rpc", "more"],
        ["send", "lobby"],
        ["send", "lobby", "hello", "--wait", "-1"],
        ["tail", "lobby", "--lines", "some"],
    ],
)
def test_wrong_usage_is_code_2_and_says_why(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.splitlines()[-1].startswith(("Error: ", "peertalk: --"))
    assert "Traceback" not in told.err


def failing(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def fail(settings: Settings) -> int:
        raise error

    monkeypatch.setattr(running, "rpc", fail)


def test_a_failure_is_code_1_and_one_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    failing(monkeypatch, StartError("port_in_use", port=4000))
    assert main(["rpc"]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("peertalk: Port 4000 cannot be used")


def test_what_nobody_foresaw_is_one_sentence_without_its_text(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing(monkeypatch, KeyError("the secret"))
    assert main(["rpc"]) == 1
    told = capsys.readouterr().err
    assert told.splitlines()[-1].startswith("peertalk: Something inside PeerTalk went wrong (KeyError).")
    assert "secret" not in told
    assert "Traceback" not in told


def test_before_there_is_a_log_nothing_is_traced_either() -> None:
    """In a process of its own: where logging was not set up yet, Python's last resort would print the whole traceback."""
    code = "import peertalk.config as c, peertalk.cli as p; c.load = None; raise SystemExit(p.main(['rpc', '--no-mdns']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith("peertalk: Something inside PeerTalk went wrong (TypeError).")


def test_an_interruption_has_the_code_of_an_interruption(monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, KeyboardInterrupt())
    assert main(["rpc"]) == 130


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("port = 'x'", "port"),
        ("nmae = 'Ada'", "nmae"),
        ("name = ", "incomplete"),
        ("\x00", "Line 1"),
    ],
)
def test_a_bad_config_file_is_named_with_the_reason(
    text: str, why: str, settings: list[Settings], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.toml").write_text(text)
    assert main(["rpc", "--home", str(tmp_path)]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert str(tmp_path / "config.toml") in line
    assert why in line
    assert settings == []


@pytest.mark.parametrize("language", [["--lang", "de"], ["--lang=de"]])
def test_help_and_errors_are_in_the_language_asked_for(language: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*language, "--help"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("Aufruf: peertalk")
    for english in ("Usage", "Options:", "Commands:", " Show ", " the ", "Can be"):
        assert english not in shown
    assert main([*language, "rpc", "--port"]) == 2
    assert capsys.readouterr().err.startswith("Fehler: ")


def test_the_language_can_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PEERTALK_LANG", "de")
    main(["--help"])
    assert capsys.readouterr().out.startswith("Aufruf: ")


def test_the_language_can_come_from_the_config_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "config.toml").write_text('lang = "de"')
    missing = tmp_path / "missing"
    assert main(["rpc", "--home", str(tmp_path), "--passphrase-file", str(missing)]) == 1
    assert "lässt sich nicht lesen" in capsys.readouterr().err


def test_without_a_command_the_screen_is_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shown: list[tuple[object, ...]] = []

    def run(open_node: object, settings: Settings, *, profile: str, remember: Callable[[str, object], None]) -> int:
        remember("lobby", False)
        shown.append((open_node, settings.home, profile))
        return 3

    monkeypatch.setattr(tui, "run", run)
    in_terminal(monkeypatch, stdin=True, stdout=True)
    assert main([]) == 3
    assert shown == [(running.open_soon, tmp_path / "home", "new")]
    assert "lobby = false" in (tmp_path / "home" / "config.toml").read_text()


def in_terminal(monkeypatch: pytest.MonkeyPatch, *, stdin: bool, stdout: bool) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: stdin)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: stdout)


@pytest.mark.parametrize(("stdin", "stdout"), [(True, False), (False, True)])
def test_the_screen_needs_a_terminal(
    stdin: bool, stdout: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    in_terminal(monkeypatch, stdin=stdin, stdout=stdout)
    assert main([]) == 1
    assert capsys.readouterr().err.startswith("peertalk: The screen needs a terminal.")


def test_the_demo_needs_a_terminal_on_both_ends_for_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    async def in_lines(*_given: object) -> str:
        return "It was a conversation."

    monkeypatch.setattr(demo, "on_screen", lambda settings, show: 5)
    monkeypatch.setattr(demo, "in_lines", in_lines)
    for ends, code in ((True, True), 5), ((True, False), 1), ((False, True), 1):
        in_terminal(monkeypatch, stdin=ends[0], stdout=ends[1])
        assert main(["demo"]) == code
