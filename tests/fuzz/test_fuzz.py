"""The targets of the fuzzer on every Python, without it: over their corpus, and over what hypothesis makes of that."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peertalk import text
from peertalk.config import values
from peertalk.core import codes, entry, pairing, session
from peertalk.core import rooms as core_rooms
from peertalk.core.frames import FrameReader
from peertalk.core.outlet import Outlet
from peertalk.core.pairing import Pairing
from peertalk.core.room import Room
from peertalk.errors import RemoteError
from peertalk.streams.lines import Lines
from tests.fuzz import __main__ as fuzzer
from tests.fuzz import messages, seeds
from tests.fuzz.corpora import SHARES, corpus
from tests.fuzz.replica import ACTION, play
from tests.fuzz.targets import TARGETS

ALL = pytest.mark.parametrize("target", TARGETS)


@ALL
def test_the_corpus_holds_nothing_that_breaks_a_target(target: str) -> None:
    assert corpus(target)
    for path in corpus(target):
        TARGETS[target].run(path.read_bytes())


@ALL
def test_the_seeds_are_those_of_today(target: str) -> None:
    """If not, run `python -m tests.fuzz.seeds`: what people say to each other has changed."""
    there = {path.name: path.read_bytes() for path in corpus(target) if path.name.startswith(seeds.PREFIX)}
    assert there == seeds.seeds(seeds.MAKERS[target])


@st.composite
def damaged(draw: st.DrawFn, target: str) -> bytes:
    """An input of the corpus with bytes changed, taken out and put in; now and then any bytes."""
    raw = draw(st.sampled_from([path.read_bytes() for path in corpus(target)] + [b""]))
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, len(raw)))
        raw = raw[:at] + draw(st.binary(max_size=8)) + raw[at + draw(st.integers(0, 8)) :]
    return raw[: TARGETS[target].longest]


@ALL
@given(data=st.data())
def test_whatever_comes_breaks_no_target(target: str, data: st.DataObject) -> None:
    TARGETS[target].run(data.draw(damaged(target)))


@given(st.lists(st.binary(min_size=ACTION, max_size=ACTION), max_size=40))
def test_people_may_do_anything_and_a_replica_keeps_its_word(actions: list[bytes]) -> None:
    play(actions)


# ── the targets have teeth: what breaks the program breaks them ──────────────────────────────────────────────────────


def breaks(target: str) -> bool:
    """Whether any input of the corpus breaks this target now."""
    for path in corpus(target):
        try:
            TARGETS[target].run(path.read_bytes())
        except Exception:  # noqa: BLE001 - whatever it is, it would be a finding
            return True
    return False


def lenient(raw: bytes) -> entry.Header:
    """Headers of any encoding."""
    try:
        return entry._header_decoder.decode(raw)
    except Exception as error:
        raise RemoteError("malformed") from error


def test_another_encoding_of_a_header_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    canonical = corpus("header")[0].read_bytes()
    other = b"\0\xdc\0\x0b" + canonical[2:]
    TARGETS["header"].run(other)
    monkeypatch.setattr(messages, "decode_header", lenient)
    with pytest.raises(AssertionError):
        TARGETS["header"].run(other)


@pytest.mark.parametrize(
    ("target", "owner", "name", "broken"),
    [
        ("stream", FrameReader, "feed", lambda self, data: self._buffer.extend(data[:3])),
        ("inside", session, "is_reason", lambda word: True),
        ("pairing", Pairing, "sizes", property(lambda self: range(1, 2001))),
        ("pairing", pairing, "check_element", lambda element, side: element),
        ("wire", messages.wire, "decode", lambda raw: messages.wire.Quit(raw[:32])),
        ("terms", core_rooms, "_can_be", lambda terms: True),
        ("code", codes, "usable", tuple),
        ("body", text, "message", lambda raw: raw + "\x1b"),
        ("replica", Room, "digest", lambda self: bytes(31) + b"x"),
        ("replica", Outlet, "committed", lambda self, token, now: None),
        ("text", text, "message", lambda raw: raw.replace("a", "\x1b")),
        ("rpc", Lines, "feed", lambda self, chunk: chunk.split(b"\n")),
        ("settings", values, "_sayable", lambda value: value),
        ("command", text, "line", lambda raw, cells=0: raw + 1),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_breaks_the_program_is_found(
    monkeypatch: pytest.MonkeyPatch, target: str, owner: ModuleType | type, name: str, broken: object
) -> None:
    assert not breaks(target)
    monkeypatch.setattr(owner, name, broken)
    assert breaks(target)


# ── the fuzzer itself ────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_tables_name_the_same_targets() -> None:
    assert TARGETS.keys() == SHARES.keys() == seeds.MAKERS.keys()


def test_an_input_can_be_played_again(tmp_path: Path) -> None:
    (tmp_path / "input").write_bytes(b"\0\xff")
    assert fuzzer.main(["wire", "--replay", str(tmp_path / "input")]) == 0


def test_without_atheris_it_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(fuzzer.importlib.util, "find_spec", lambda name: None)
    assert fuzzer.main(["all"]) == 1
    assert "Python 3.11 to 3.13" in capsys.readouterr().err


@pytest.mark.parametrize(("finds", "failed", "code"), [(False, False, 0), (True, True, 1), (False, True, 1)])
def test_all_targets_share_the_time_and_the_exit_code_tells_of_findings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, finds: bool, failed: bool, code: int
) -> None:
    spans = {}

    def run(target: str, seconds: int) -> bool:
        spans[target] = seconds
        if finds:
            (tmp_path / f"{target}-crash-1").touch()
        return failed

    monkeypatch.setattr(fuzzer, "ROOT", tmp_path)
    monkeypatch.setattr(fuzzer, "FINDINGS", tmp_path)
    monkeypatch.setattr(fuzzer, "run", run)
    assert fuzzer.all_targets(600, 2) == code
    assert spans.keys() == TARGETS.keys()
    assert 1150 <= sum(spans.values()) <= 1250
