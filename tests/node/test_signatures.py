"""Signatures that are verified in other processes: the same verdicts, and the same without those processes."""

from __future__ import annotations

import io
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from peertalk.core.checks import Signed, check_pages, verify_all
from peertalk.core.entry import FeedKey, signed_page
from peertalk.core.wire import Pages
from peertalk.node import signatures, verifier
from peertalk.node.signatures import WORTH_IT, Signatures
from tests.core.authors import ROOM, Author
from tests.core.test_identity import ED25519_OF_ORDER_8


@pytest.fixture
def two() -> Iterator[Signatures]:
    found = Signatures(2)
    yield found
    found.rest()


def signed(count: int = WORTH_IT) -> list[Signed]:
    """So many, the third of which is of another page, and the fourth under a key that is none."""
    keys = [FeedKey(bytes([number]) * 32) for number in range(1, count + 1)]
    found = [(key.public, key.public, key.sign_page(key.public)) for key in keys]
    found[2] = (*found[2][:2], found[1][2])
    found[3] = (ED25519_OF_ORDER_8, *found[3][1:])
    return found


WANTED = [True, True, False, False, *[True] * (WORTH_IT - 4)]


def test_processes_say_what_is_said_here(two: Signatures) -> None:
    two.want()
    assert two.verify(signed()) == WANTED == verify_all(signed())
    assert two.processes == 1
    assert two.verify([]) == []
    assert two.verify(signed()) == WANTED
    assert two.processes == 1


def test_there_are_none_until_they_are_wanted_nor_for_a_few(two: Signatures) -> None:
    assert two.verify(signed()) == WANTED
    two.want()
    assert two.verify(signed(WORTH_IT - 1)) == WANTED[:-1]
    assert two.processes == 0


def test_what_an_ended_process_does_not_answer_is_verified_here_and_others_take_its_place(two: Signatures) -> None:
    two.want()
    two.verify(signed())
    one = two._all[0]
    two.rest()
    assert two.processes == 0
    with pytest.raises((OSError, ValueError, EOFError)):
        one.verify(signed())
    assert two.verify(signed()) == WANTED
    assert two.processes == 0
    two.want()
    assert two.verify(signed()) == WANTED
    assert two.processes == 1


def test_a_process_that_fails_is_the_last(two: Signatures) -> None:
    two.want()
    two.verify(signed())
    two._all[0]._process.kill()
    assert two.verify(signed()) == WANTED
    assert two.verify(signed()) == WANTED
    assert two.processes == 0


@pytest.mark.skipif(sys.platform == "win32", reason="nothing is stopped there, and a pipe cannot be waited for")
def test_a_process_that_was_stopped_is_not_waited_for_for_ever(two: Signatures, monkeypatch: pytest.MonkeyPatch) -> None:
    two.want()
    two.verify(signed())
    two._all[0]._process.send_signal(signal.SIGSTOP)
    monkeypatch.setattr(signatures, "PATIENCE", 0.05)
    assert two.verify(signed()) == WANTED
    assert two.processes == 0


def test_where_no_process_can_live_nothing_is_lost(two: Signatures, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(signatures, "_PROGRAM", tmp_path / "nothing.py")
    two.want()
    assert two.verify(signed()) == WANTED
    assert two.processes == 0


@pytest.mark.parametrize("nobody", ["/nowhere/nobody", "", None])
def test_where_no_process_can_be_started_nothing_is_lost(
    two: Signatures, monkeypatch: pytest.MonkeyPatch, nobody: str | None
) -> None:
    monkeypatch.setattr(signatures.sys, "executable", nobody)
    two.want()
    assert two.verify(signed()) == WANTED
    assert two.processes == 0


def test_what_is_no_answer_counts_for_nothing(two: Signatures, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("print('Welcome to your computer. Have a nice day.')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    two.want()
    assert two.verify(signed()) == WANTED
    assert two.processes == 0


def test_a_question_is_answered_byte_by_byte() -> None:
    asked = b"".join(feed + signed_page(tip, signature) for feed, tip, signature in signed())
    sink = io.BytesIO()
    verifier.answer(io.BytesIO((WORTH_IT).to_bytes(4, "big") + asked + bytes(4)), sink)
    assert sink.getvalue() == bytes(WANTED)


@pytest.mark.parametrize("kind", ["bad_signature", "bad_key"])
def test_pages_after_one_that_is_not_signed_do_not_count(two: Signatures, kind: str) -> None:
    ben = Author("ben")
    good = [ben.says(f"{number}") for number in range(WORTH_IT)]
    if kind == "bad_key":
        ben.key.public = ben.feed = ED25519_OF_ORDER_8
        ben.last = None
    bad = ben.says("x")
    pages = [*good[:5], bad, *good[5:]]
    message = Pages(ROOM.id, tuple((page.headers, bytes(64) if page is bad else page.signature, page.bodies) for page in pages))
    two.want()
    there, here = check_pages(message, two.verify), check_pages(message)
    assert (there.pages, there.error.kind if there.error else "") == (here.pages, kind)
    assert len(there.pages) == 5
