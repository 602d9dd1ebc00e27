"""What the commands do with a node, here a fake one."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import pytest

from peertalk import i18n
from peertalk.cli import build, main, running
from peertalk.config import Settings
from peertalk.errors import StartError
from tests.fake_node import FakeNode


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeNode:
    """The node that commands open; a profile that is in use by nobody else."""
    node = FakeNode()

    async def open_node(settings: Settings, passphrase: str | None = None) -> FakeNode:
        return node

    i18n.activate("en")
    monkeypatch.setattr(build, "open_node", open_node)
    monkeypatch.setenv("PEERTALK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PEERTALK_LANG", "en")
    return node


def test_send_uses_a_node_of_its_own_and_closes_it(node: FakeNode) -> None:
    assert main(["send", "lobby", "hello", "--wait", "0"]) == 0
    assert [message.text for message in node.sent] == ["hello"]
    assert node.closed


def test_send_that_nobody_gets_is_a_failure_with_a_sentence(node: FakeNode, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["send", "lobby", "hello", "--wait", "0.01"]) == 1
    assert capsys.readouterr().err.startswith("peertalk: After 0 seconds nobody in #lobby has it yet.")


def test_a_node_that_ended_by_itself_is_a_failure(node: FakeNode, capsys: pytest.CaptureFixture[str]) -> None:
    node.failure = StartError("disk", why="full")
    assert main(["send", "lobby", "hello", "--wait", "0"]) == 1
    assert capsys.readouterr().err.startswith("peertalk: The disk is full")


def test_send_stops_waiting_when_it_is_interrupted(node: FakeNode) -> None:
    interrupting = threading.Thread(target=_interrupt_when_sent, args=(node,))
    interrupting.start()
    assert main(["send", "lobby", "hello"]) == 130
    interrupting.join()
    assert node.closed


def _interrupt_when_sent(node: FakeNode) -> None:
    import signal

    node.handed_over.wait(10)
    os.kill(os.getpid(), signal.SIGINT)


def test_tail_writes_lines_at_once(node: FakeNode, capsys: pytest.CaptureFixture[str]) -> None:
    node.ends_by_itself = True
    assert main(["send", "lobby", "hello", "--wait", "0"]) == 0
    assert main(["tail", "lobby"]) == 1  # the node ended, which is none of tail's doing
    told = capsys.readouterr()
    assert told.out[6:] == "Ada: hello\n"
    assert told.err.startswith("peertalk: PeerTalk is not running")


def test_what_a_library_prints_does_not_get_between_the_answers(capfd: pytest.CaptureFixture[str]) -> None:
    before = os.dup(1)
    output = running._claim_output()
    try:
        os.write(output, b"an answer\n")
        os.write(1, b"a library says something\n")
    finally:
        os.dup2(before, 1)
        os.close(before)
        os.close(output)
    told = capfd.readouterr()
    assert (told.out, told.err) == ("an answer\n", "a library says something\n")
    assert sys.stdout is not None


def test_another_process_that_is_about_to_open_its_socket_is_waited_for(
    node: FakeNode, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tries = []

    async def busy(settings: Settings, passphrase: str | None = None) -> FakeNode:
        tries.append(settings.home)
        if len(tries) < 3:
            raise StartError("profile_in_use", pid=1)
        return node

    monkeypatch.setattr(running, "ASK_AGAIN", 0)
    monkeypatch.setattr(build, "open_node", busy)
    assert main(["send", "lobby", "hello", "--wait", "0"]) == 0
    assert len(tries) == 3
    tries.clear()
    monkeypatch.setattr(running, "ATTEMPTS", 2)
    assert main(["send", "lobby", "hello", "--wait", "0"]) == 1
    assert capsys.readouterr().err.startswith("peertalk: PeerTalk is running with this profile already (process 1)")
