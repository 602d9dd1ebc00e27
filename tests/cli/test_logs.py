from __future__ import annotations

import asyncio
import logging
import stat
import sys
from pathlib import Path

import pytest

from peertalk.cli import logs
from peertalk.config import Settings
from peertalk.errors import StartError


def raised() -> logging.LogRecord:
    try:
        secret = "a passphrase"
        raise KeyError(secret)
    except KeyError:
        return logging.LogRecord("peertalk.x", logging.ERROR, __file__, 1, "failed", None, sys.exc_info())


def test_an_exception_is_logged_by_its_type_alone() -> None:
    told = logs.Discreet(places=False).format(raised())
    assert told.endswith("peertalk.x: failed\nKeyError")


def test_with_places_it_says_where_but_not_with_which_values() -> None:
    told = logs.Discreet(places=True).format(raised())
    assert "test_logs.py" in told
    assert told.endswith("KeyError")
    assert "a passphrase'" not in told.replace('secret = "a passphrase"', "")


def test_of_what_asyncio_says_only_the_first_line_is_kept() -> None:
    record = logging.LogRecord("asyncio", logging.ERROR, __file__, 1, "Task failed\nfuture: <Task text='%s'>", ("hello",), None)
    told = logs.Discreet(places=True).format(record)
    assert told.endswith("asyncio: Task failed")


def test_a_log_file_is_only_for_its_owner(tmp_path: Path) -> None:
    file = tmp_path / "peertalk.log"
    logs.start(Settings(home=tmp_path, log_file=file, log_level="info"), console=False)
    logging.getLogger("peertalk.x").info("started with %d", 1)
    logging.getLogger("peertalk.x").debug("not this")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text().splitlines()[0].endswith("INFO peertalk.x: started with 1")
    assert len(file.read_text().splitlines()) == 1


def test_a_log_file_that_grows_is_changed_for_a_new_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "MAX_SIZE", 200)
    file = tmp_path / "peertalk.log"
    logs.start(Settings(home=tmp_path, log_file=file, log_level="info"), console=False)
    for number in range(50):
        logging.getLogger("peertalk.x").info("line %d", number)
    files = sorted(tmp_path.iterdir())
    assert len(files) == 1 + logs.KEPT
    assert all(stat.S_IMODE(each.stat().st_mode) == 0o600 for each in files)


def test_a_log_file_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StartError) as caught:
        logs.start(Settings(home=tmp_path, log_file=tmp_path / "missing" / "log"), console=False)
    assert (caught.value.kind, caught.value.data["why"]) == ("bad_config", "unwritable")


def test_without_a_console_and_a_file_nothing_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    logs.start(Settings(home=tmp_path), console=False)
    logging.getLogger("peertalk.x").error("not on the screen")
    assert capsys.readouterr().err == ""


async def test_an_error_that_only_asyncio_saw_is_logged_without_its_text(tmp_path: Path) -> None:
    file = tmp_path / "log"
    logs.start(Settings(home=tmp_path, log_file=file, log_level="debug"), console=False)
    asyncio.get_running_loop().call_exception_handler({"message": "lost", "exception": KeyError("a name"), "text": "a text"})
    told = file.read_text()
    assert "asyncio: lost" in told
    assert "a name" not in told
    assert "a text" not in told
