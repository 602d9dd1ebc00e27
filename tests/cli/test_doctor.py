"""`peertalk doctor` over a fake node: what it prints, and how it gets a node without leaving anything behind."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from peertalk import i18n
from peertalk.cli import build, main, output, report
from peertalk.config import Settings
from peertalk.core.events import Check, Report
from tests.fake_node import FakeNode


@pytest.fixture
def opened() -> list[Settings]:
    return []


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, opened: list[Settings]) -> FakeNode:
    node = FakeNode()

    async def open_node(settings: Settings, passphrase: str | None = None) -> FakeNode:
        opened.append(settings)
        return node

    i18n.activate("en")
    monkeypatch.setattr(build, "open_node", open_node)
    monkeypatch.setenv("PEERTALK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PEERTALK_LANG", "en")
    monkeypatch.setenv("COLUMNS", "80")
    return node


def test_it_makes_no_profile_and_enters_no_room(node: FakeNode, opened: list[Settings], tmp_path: Path) -> None:
    assert main(["doctor"]) == 0
    assert [(settings.ephemeral, settings.lobby) for settings in opened] == [(True, False)]
    assert node.closed
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("verdict", "code"), [("well", 0), ("alone", 0), ("connecting", 0), ("isolated", 1), ("no_interface", 1)]
)
def test_the_exit_code_says_whether_something_failed(node: FakeNode, verdict: str, code: int) -> None:
    node.report = Report(verdict=verdict, checks=[])
    assert main(["doctor"]) == code


def test_as_text_it_has_the_verdict_on_top_and_a_mark_for_each_check(
    node: FakeNode, capsys: pytest.CaptureFixture[str]
) -> None:
    node.report = Report(
        verdict="isolated",
        checks=[
            Check(id="interfaces", state="ok", case="found", values={"addresses": ["eth0 10.0.0.1"]}),
            Check(id="vpn", state="warn", case="default_route", values={"name": "tun0"}),
            Check(id="isolation", state="fail", case="likely", values={"n": 1}),
            Check(id="inbound", state="unknown", case="nobody_came"),
        ],
    )
    assert main(["doctor"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("This network keeps its computers apart (client isolation)")
    assert [line[:4] for line in lines if line and line[0] in "o!?-"] == ["->  ", "ok  ", "!   ", "!!  ", "?   "]
    assert all(len(line) <= 80 and line.isascii() and "\x1b" not in line for line in lines)


def test_as_data_it_is_one_object(node: FakeNode, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json"]) == 0
    [line] = capsys.readouterr().out.splitlines()
    found = json.loads(line)
    assert found["verdict"] == "alone"
    assert found["checks"][0].keys() == {"id", "state", "case", "values", "detail"}


@pytest.mark.parametrize(
    ("encoding", "shown"), [("ascii", 'Groesse ... "x" ?'), ("latin-1", 'Größe ... "x" ?'), ("utf-8", "Größe … „x“ ⏳")]
)
def test_whatever_is_printed_fits_what_the_output_takes(monkeypatch: pytest.MonkeyPatch, encoding: str, shown: str) -> None:
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="\n") for _ in range(2))
    monkeypatch.setattr("sys.stdout", out)
    monkeypatch.setattr("sys.stderr", err)
    assert report.wrapped("Größe … „x“ ⏳", 40) == [shown]
    output.line("Größe … „x“ ⏳")
    output.complaint("Größe … „x“ ⏳")
    assert [stream.buffer.getvalue() for stream in (out, err)] == [  # type: ignore[attr-defined] - a BytesIO
        f"{shown}\n".encode(encoding),
        f"peertalk: {shown}\n".encode(encoding),
    ]


def test_commands_to_be_copied_are_not_broken_in_two() -> None:
    long = "x" * 60
    assert long in report.wrapped(f"type {long} there-with-hyphens", 40, "ok  ")[1]


def test_colours_are_left_out_where_somebody_wants_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert report.coloured("ok", "green").startswith("\x1b[")
    monkeypatch.setenv("NO_COLOR", "1")
    assert report.coloured("ok", "green") == "ok"
