"""The demo as a whole: real processes over the loopback interface."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from peertalk import demo
from peertalk.config import Settings
from peertalk.demo import children, script
from peertalk.demo.children import Child, temporary_homes
from peertalk.errors import StartError
from tests.processes import WITHIN, begin, has_ended, run


@pytest.fixture(autouse=True)
def own_temporary_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the demo's homes are made, so that what is left of them can be seen. Its path is short: sockets are in there.

    After tmp_path, which would otherwise be made in it."""
    temporary = Path(tempfile.mkdtemp(prefix="pt-"))
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield temporary
    shutil.rmtree(temporary)


def left(temporary: Path) -> list[str]:
    return [path.name for path in temporary.iterdir()]


def processes_of(pid: int) -> list[int]:
    return [int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()]


async def test_without_a_terminal_it_is_a_conversation_of_three(tmp_path: Path, own_temporary_directory: Path) -> None:
    ended = await run(tmp_path / "unused", "demo")
    assert (ended.code, ended.err) == (0, "")
    lines = [line.partition(": ") for line in ended.out.splitlines()]
    assert lines[0][0] == lines[-1][0] == "PeerTalk"
    names = [name for name, _colon, _text in lines[1:-1]]
    person = ({*names} - {"Mira", "Jonas"}).pop()
    assert names == ["Mira", "Jonas", *[person, "Mira", person, "Jonas"] * 2, person, "Mira"]
    assert [text for name, _colon, text in lines if name == person] == list(script.SAYS)
    assert left(own_temporary_directory) == []
    assert not (tmp_path / "unused").exists()


async def test_it_speaks_german(tmp_path: Path) -> None:
    ended = await run(tmp_path / "unused", "demo", "--lang", "de")
    assert ended.code == 0
    assert "Mira: Hallo " in ended.out
    assert ": Wer seid ihr?" in ended.out
    assert "Jonas: Ich bin Jonas" in ended.out


async def test_the_first_line_comes_before_anything_that_takes_time(
    tmp_path: Path, own_temporary_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from peertalk.cli.build import open_node

    written: list[str] = []

    async def start(*_arguments: object) -> Child:
        assert written[0].startswith("PeerTalk: I am starting three nodes")
        raise StartError("not_running", home="")

    monkeypatch.setattr(Child, "start", start)
    with pytest.raises(StartError):
        await demo.in_lines(Settings(home=tmp_path), open_node, written.append)
    assert len(written) == 1


async def test_the_first_line_is_not_kept_back_and_a_signal_ends_it(tmp_path: Path, own_temporary_directory: Path) -> None:
    process = await begin(tmp_path / "unused", ["demo"])
    assert process.stdout is not None
    first = (await process.stdout.readline()).decode()
    assert first.startswith("PeerTalk: I am starting three nodes")
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(WITHIN):
        rest, _err = await process.communicate()
    assert b"removed" not in rest
    assert process.returncode == 130
    assert left(own_temporary_directory) == []


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="only Linux lets us wait for processes that are not our children")
async def test_killed_it_leaves_no_process_and_no_home(tmp_path: Path, own_temporary_directory: Path) -> None:
    process = await begin(tmp_path / "unused", ["demo"])
    assert process.stdout is not None
    for _line in range(3):
        await process.stdout.readline()
    [base] = left(own_temporary_directory)
    assert {"mira", "jonas", "you"} <= set(left(own_temporary_directory / base))
    its_own = processes_of(process.pid)
    assert len(its_own) == 3
    process.kill()
    await process.communicate()
    await asyncio.gather(*map(has_ended, its_own))
    assert left(own_temporary_directory) == []


async def test_a_message_that_does_not_arrive_is_said(
    tmp_path: Path, own_temporary_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from peertalk.cli.build import open_node

    monkeypatch.setattr(script, "ARRIVES_WITHIN", 0.2)
    monkeypatch.setattr(demo.Companion, "run", lambda self: asyncio.sleep(0))
    written: list[str] = []
    told = await demo.in_lines(Settings(home=tmp_path), open_node, written.append)
    assert told == "A message did not arrive within 0 seconds."
    assert len(written) == 1
    assert left(own_temporary_directory) == []


def test_the_screen_is_shown_with_settings_of_its_own_and_two_companions(tmp_path: Path, own_temporary_directory: Path) -> None:
    mine = Settings(home=tmp_path / "mine", name="Ada", theme="light", ephemeral=True, passphrase_file=tmp_path, port=1)

    def show(settings: Settings) -> int:
        assert settings.home.is_relative_to(own_temporary_directory)
        assert (settings.name, settings.theme) == ("Ada", "light")
        assert (settings.ephemeral, settings.passphrase_file, settings.port, settings.mdns) == (False, None, 0, False)
        assert len(settings.connect) == 2
        return 7

    assert demo.on_screen(mine, show) == 7
    assert left(own_temporary_directory) == []
    assert not (tmp_path / "mine").exists()


def test_what_goes_wrong_on_the_screen_removes_everything_too(tmp_path: Path, own_temporary_directory: Path) -> None:
    def fail(_settings: Settings) -> int:
        raise KeyError

    with pytest.raises(KeyError):
        demo.on_screen(Settings(home=tmp_path), fail)
    assert left(own_temporary_directory) == []


def test_companions_that_cannot_start_are_said(
    tmp_path: Path, own_temporary_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(children, "LOOPBACK", "no such interface")
    with pytest.raises(StartError) as caught:
        demo.on_screen(Settings(home=tmp_path), lambda _settings: 0)
    assert caught.value.kind == "not_running"
    assert left(own_temporary_directory) == []


async def test_a_child_that_does_not_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "END_WITHIN", 0.05)
    with temporary_homes() as base:
        child = await Child.start(base / "c", "Carl", "en")
        child._process.send_signal(signal.SIGSTOP)
        await child.end()
        assert child._process.returncode == -signal.SIGKILL
