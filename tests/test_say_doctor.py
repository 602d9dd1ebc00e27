"""What the doctor says: a sentence for everything that it can find, in both languages, fit to be copied."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from peertalk import commands, i18n, say
from peertalk.commands import Context
from peertalk.core.events import Check, Report
from peertalk.node import diagnosis
from peertalk.say import doctor
from tests.fake_node import FakeNode

SOURCE = Path(diagnosis.__file__).read_text(encoding="utf-8")
NUMBERS = {"n": 2, "seen": 3, "reached": 1, "unreached": 2, "port": 47000, "chosen": 0}
VALUES = {**NUMBERS, "addresses": ["eth0 10.0.0.1"], "names": ["wlan0", "eth0"], "name": "tun0"}


@pytest.fixture(autouse=True, params=["en", "de"])
def language(request: pytest.FixtureRequest) -> Iterator[str]:
    i18n.activate(request.param)
    yield request.param
    i18n.activate("en")


def strings(node: ast.AST) -> set[str]:
    return {one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)}


def functions() -> dict[str, ast.FunctionDef]:
    return {node.name: node for node in ast.walk(ast.parse(SOURCE)) if isinstance(node, ast.FunctionDef)}


def verdicts() -> set[str]:
    """Every verdict that diagnosis.py can give."""
    found = {name: functions()[name] for name in ("verdict", "_among_others", "_nobody")}
    returned = [node.value for each in found.values() for node in ast.walk(each) if isinstance(node, ast.Return) and node.value]
    return {word for value in returned for word in strings(value)}


def cases() -> set[tuple[str, str]]:
    """Every (check, case) that it can give, as far as they are written there."""
    found = set()
    for each in functions().values():
        assigned = {node.targets[0].id: strings(node.value) for node in ast.walk(each)
                    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)}  # fmt: skip
        for call in ast.walk(each):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "Check":
                given = {word.arg: word.value for word in call.keywords}
                words = strings(given["case"])
                if isinstance(given["case"], ast.Name):
                    words = assigned[given["case"].id]
                found |= {(next(iter(strings(given["id"]))), case) for case in words}
    firewalls = {("firewall", case) for case in ("ufw", "firewalld", "nftables", "windows", "macos", "none_seen")}
    return {one for one in found if one[0] != "firewall"} | firewalls


def test_the_tests_know_what_there_is() -> None:
    assert {"well", "alone", "isolated", "vpn", "connecting", "no_interface"} <= verdicts()
    assert {("isolation", "likely"), ("people", "connecting"), ("announcement", "not_visible")} <= cases()
    assert len(verdicts()) == 15


@pytest.mark.parametrize("verdict", sorted(verdicts()))
def test_every_verdict_is_said_and_what_is_wrong_has_a_remedy(verdict: str) -> None:
    report = Report(verdict=verdict, checks=[])
    assert doctor.verdict(report) != verdict
    assert doctor.verdict(report).endswith(".")
    assert bool(doctor.advice(report)) == (verdict not in ("well", "connecting"))


@pytest.mark.parametrize("found", sorted(cases()), ids=":".join)
@pytest.mark.parametrize("n", [1, 2])
def test_every_case_is_said(found: tuple[str, str], n: int) -> None:
    check = Check(id=found[0], state="unknown", case=found[1], values={**VALUES, "n": n, "seen": n})
    said = doctor.detail(check)
    assert not said.startswith(f"{found[0]}:")
    assert "{" not in said


def test_a_case_of_a_later_version_is_no_reason_to_fail() -> None:
    assert doctor.detail(Check(id="moon", state="warn", case="full")) == "moon: full"
    assert doctor.verdict(Report(verdict="moonstruck", checks=[])) == "moonstruck"


def test_marks_are_ascii_and_all_different() -> None:
    assert len(set(doctor.MARKS.values())) == 4
    assert all(mark.isascii() for mark in doctor.MARKS.values())


def test_every_sentence_is_plain_text(language: str) -> None:
    for check, case in cases():
        said = doctor.detail(Check(id=check, state="fail", case=case, values=VALUES))
        assert said.isprintable()
        assert said.isascii() or language == "de"


def test_the_report_says_what_is_in_it(language: str) -> None:
    addresses = Check(id="interfaces", state="ok", case="found", values={"addresses": ["eth0 10.0.0.1"]})
    with_them = doctor.closing(Report(verdict="well", checks=[addresses]))
    without = doctor.closing(Report(verdict="no_interface", checks=[Check(id="interfaces", state="fail", case="none")]))
    assert with_them != without
    if language == "en":
        assert "contains addresses of this computer in this network" in with_them


def test_a_port_that_changes_has_to_be_kept_for_a_firewall_rule() -> None:
    check = Check(id="firewall", state="unknown", case="ufw", values={"port": 47001, "chosen": 0})
    assert "sudo ufw allow 47001/tcp" in doctor.detail(check)
    assert "--port 47001" in doctor.detail(check)
    kept = Check(id="firewall", state="unknown", case="ufw", values={"port": 47001, "chosen": 1})
    assert "--port" not in doctor.detail(kept)
    open_ = Check(id="firewall", state="ok", case="ufw", values={"port": 47001, "chosen": 0})
    assert "ufw" not in doctor.detail(open_)


def test_as_data_it_has_the_shape_of_the_document() -> None:
    report = Report(verdict="alone", checks=[Check(id="people", state="unknown", case="nobody_seen")])
    data = doctor.as_data(report)
    assert data["verdict"] == "alone"
    assert data["checks"] == [
        {"id": "people", "state": "unknown", "case": "nobody_seen", "values": {}, "detail": doctor.detail(report.checks[0])}
    ]


async def test_the_command_shows_it_with_the_verdict_at_the_end() -> None:
    node = FakeNode()
    invocation = commands.parse("/diagnose")
    assert isinstance(invocation, commands.Invocation)
    outcome = await commands.run(node, invocation, Context("r"))  # type: ignore[arg-type]  # a fake
    assert outcome.lines[0].startswith("ok  ")
    assert say.doctor.verdict(node.report) in outcome.lines
    assert outcome.lines[-1] == say.doctor.closing(node.report)
