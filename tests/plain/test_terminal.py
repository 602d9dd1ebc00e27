"""`peertalk plain` on a real pseudo-terminal."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.processes import LOOPBACK, environment

pexpect = pytest.importorskip("pexpect", reason="pseudo-terminals are a thing of POSIX")
termios = pytest.importorskip("termios", reason="pseudo-terminals are a thing of POSIX")

ECHO, ENTER = 3, "\r"


class Terminal:
    """`peertalk plain` on a terminal of its own; `seen` is everything that stood there."""

    def __init__(self, home: Path, *options: str) -> None:
        self.child = pexpect.spawn(
            sys.executable,
            ["-m", "peertalk", "plain", *LOOPBACK, *options],
            env=environment(home) | {"TERM": "dumb"},
            timeout=20,
            dimensions=(24, 200),
            encoding="utf-8",
        )
        self.seen = ""
        self.child.logfile_read = self

    def write(self, text: str) -> None:
        """What pexpect read."""
        self.seen += text

    def flush(self) -> None:
        """For pexpect."""

    def until(self, words: str) -> None:
        self.child.expect_exact(words)

    def type(self, text: str) -> None:
        self.child.send(text + ENTER)

    def shows_what_is_typed(self) -> bool:
        return bool(termios.tcgetattr(self.child.child_fd)[ECHO] & termios.ECHO)

    def end(self) -> int:
        """Wait for the end; the exit code."""
        self.child.expect(pexpect.EOF)
        self.child.wait()
        return -self.child.signalstatus if self.child.signalstatus else self.child.exitstatus


Start = Callable[..., Terminal]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[Terminal] = []

    def begin(*options: str) -> Terminal:
        started.append(Terminal(tmp_path / "h", *options))
        return started[-1]

    yield begin
    for terminal in started:
        terminal.child.close(force=True)


def test_the_first_start_asks_three_things_and_a_passphrase_shows_nowhere(start: Start) -> None:
    terminal = start()
    terminal.until("What shall others call you?")
    terminal.until("Enter alone takes ")
    terminal.type("Ada")
    terminal.until("Keep your history on this computer?")
    terminal.until("/back goes back.")
    terminal.type("one")
    terminal.until("Please write a number from 1 to 3.")
    terminal.type("1")
    terminal.until("A passphrase for your history.")
    terminal.until("/back")
    assert not terminal.shows_what_is_typed()
    terminal.type("correct horse")
    terminal.until("The same once more.")
    terminal.until("/back")
    terminal.type("correct house")
    terminal.until("The two were not the same.")
    for _twice in range(2):
        terminal.until("/back")
        terminal.type("correct horse")
    terminal.until("Shall everyone on this network find you?")
    terminal.until("Who only listens sees either way that PeerTalk runs here")
    terminal.until("/back")
    assert terminal.shows_what_is_typed()
    terminal.type("/back")
    terminal.until("/back goes back.")
    terminal.type("2")
    terminal.until("/back goes back.")
    terminal.type("2")
    terminal.until("Ready. Others see you as Ada.")
    terminal.until("You are in no room.")
    terminal.type("/quit")
    assert terminal.end() == 0
    assert "horse" not in terminal.seen


def test_a_wrong_passphrase_is_asked_for_again(start: Start, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("correct horse")
    terminal = start("--passphrase-file", str(tmp_path / "secret"), "--name", "Ada")
    terminal.until("Enter alone takes 1.")
    terminal.type("1")
    terminal.until("Ready.")
    terminal.type("/quit")
    assert terminal.end() == 0
    again = start()
    again.until("What you type does not show.")
    again.type("battery staple")
    again.until("That passphrase does not open this profile.")
    again.until("What you type does not show.")
    again.type("correct horse")
    again.until("Ready. Others see you as Ada.")
    again.child.sendeof()
    assert again.end() == 0
    assert "staple" not in again.seen


def test_what_is_typed_stands_there_once_and_nothing_controls_the_terminal(start: Start) -> None:
    terminal = start("--name", "Ada", "--ephemeral")
    terminal.until("Shall everyone on this network find you?")
    terminal.until("Enter alone takes 1.")
    terminal.type("1")
    terminal.until("/help lists what else there is.")
    terminal.type("\x1b[Ahello \x1bOPthere")
    terminal.until("Your message waits until someone is here.")
    terminal.type("one \\")
    terminal.until("This goes on with the next line.")
    terminal.type("twofold")
    terminal.type("/room")
    terminal.until("Your last message: waiting until someone is here.")
    terminal.type("/lang de")
    terminal.until("Ab jetzt auf Deutsch.")
    terminal.type("/älter")
    terminal.until("Du, wartet: hello there")
    terminal.until("Du, wartet: one\r\nDu, wartet: twofold")
    terminal.until("Das waren die älteren.")
    terminal.child.sendeof()
    terminal.until("2 Nachrichten bleiben hier liegen")
    assert terminal.end() == 0
    assert terminal.seen.count("twofold") == 2  # typed, and told by /older
    assert not re.search(r"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f]", terminal.seen)


@pytest.mark.parametrize("asked", [True, False])
def test_ctrl_c_ends_it_and_leaves_the_terminal_as_it_was(start: Start, asked: bool) -> None:
    terminal = start("--name", "Ada", "--no-lobby")
    terminal.until("Enter alone takes 1.")
    terminal.type("1" if asked else "2")
    terminal.until("What you type does not show." if asked else "You are in no room.")
    terminal.child.sendintr()
    assert terminal.end() == (130 if asked else 0)
    assert terminal.shows_what_is_typed()


def test_a_terminal_that_goes_away_ends_it(start: Start) -> None:
    terminal = start("--name", "Ada", "--no-lobby", "--ephemeral")
    terminal.until("/help lists what else there is.")
    terminal.child.ptyproc.fileobj.close()  # nothing but that: close() of pexpect sends signals to who takes longer than a moment
    terminal.child.wait()
    assert terminal.child.exitstatus == 0
