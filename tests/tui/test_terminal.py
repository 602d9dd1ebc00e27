"""The screen on a real pseudo-terminal: what it leaves behind, however it ends."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tui.on_a_terminal import SECRET

pexpect = pytest.importorskip("pexpect", reason="pseudo-terminals are a thing of POSIX")
pyte = pytest.importorskip("pyte")
termios = pytest.importorskip("termios", reason="pseudo-terminals are a thing of POSIX")

ROOT = Path(__file__).parents[2]
COLUMNS, ROWS = 100, 30
ENVIRONMENT = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT)}
ANSWER = b"\x1b]11;rgb:1616/1818/1d1d\x1b\\\x1b[?62c"


class Terminal:
    """A program on a terminal, and what is on the screen of that."""

    def __init__(self, notes: Path, *arguments: str, **environment: str) -> None:
        self.notes = notes
        self.screen = pyte.Screen(COLUMNS, ROWS)
        self._stream = pyte.ByteStream(self.screen)
        self.raw = b""
        home = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        line = [sys.executable, "-m", "tests.tui.on_a_terminal", str(notes), *arguments]
        self.child = pexpect.spawn(
            "/bin/sh",
            ["-c", "exec " + " ".join(line)],
            dimensions=(ROWS, COLUMNS),
            env=home | ENVIRONMENT | environment,
            timeout=20,
        )
        self.before = termios.tcgetattr(self.child.child_fd)
        self.child.logfile_read = self

    def write(self, data: bytes) -> None:
        """What pexpect read."""
        self.raw += data
        self._stream.feed(re.sub(rb"\x1b\[[<>=][0-9;]*u|\x1b\][^\x07\x1b]*(\x07|\x1b\\)", b"", data))

    def flush(self) -> None:
        """For pexpect."""

    def answer(self) -> None:
        """Say what the terminal's ground is, when asked."""
        self.child.expect_exact(b"\x1b]11;?")
        self.child.send(ANSWER)

    def until(self, words: str) -> None:
        """Wait until the screen shows this."""
        while words not in "\n".join(self.screen.display):
            self.child.expect(rb".+")

    def until_gone(self, words: str) -> None:
        """Wait until the screen no longer shows this."""
        while words in "\n".join(self.screen.display):
            self.child.expect(rb".+")

    def end(self) -> int:
        """Wait for the end; the exit code."""
        self.child.expect(pexpect.EOF)
        self.child.wait()
        return -self.child.signalstatus if self.child.signalstatus else self.child.exitstatus

    def is_as_before(self) -> bool:
        """Whether the terminal's own settings are what they were."""
        return termios.tcgetattr(self.child.child_fd) == self.before

    def left(self) -> str:
        """What was written after the screen was given back."""
        return self.raw.rpartition(b"\x1b[?1049l")[2].decode()


@pytest.fixture
def started(tmp_path: Path) -> Iterator[list[Terminal]]:
    terminals: list[Terminal] = []
    yield terminals
    for terminal in terminals:
        terminal.child.close(force=True)


def start(started: list[Terminal], tmp_path: Path, *arguments: str, **environment: str) -> Terminal:
    terminal = Terminal(tmp_path / "notes", *arguments, **environment)
    started.append(terminal)
    return terminal


def chatting(started: list[Terminal], tmp_path: Path, *arguments: str, **environment: str) -> Terminal:
    """A terminal on which a conversation is going on."""
    terminal = start(started, tmp_path, *arguments, **environment)
    if "NO_COLOR" not in environment and environment.get("TERM", "xterm-256color") == "xterm-256color":
        terminal.answer()
    terminal.until("good evening")
    return terminal


def gave_everything_back(terminal: Terminal) -> bool:
    """The main screen, the cursor, the mouse, the keyboard and the title are as before."""
    end = terminal.raw[-400:]
    wanted = (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?1000l", b"\x1b[?2004l", b"\x1b[<u", b"\x1b[23;0t")
    return all(sequence in end for sequence in wanted)


def test_a_message_is_typed_and_ctrl_q_leaves(started, tmp_path) -> None:
    terminal = chatting(started, tmp_path)
    terminal.child.send("hello there\r")
    terminal.until("hello there")
    terminal.until("on its way")
    terminal.child.send("\x11")
    assert terminal.end() == 0
    assert terminal.notes.read_text() == "closed"
    assert gave_everything_back(terminal)
    assert b"\x1b]0;PeerTalk\x07" in terminal.raw
    assert b"hello" not in re.findall(rb"\x1b\][02];[^\x07]*", terminal.raw)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=["TERM", "HUP"])
def test_a_signal_closes_the_node_and_gives_the_terminal_back(started, tmp_path, number: signal.Signals) -> None:
    terminal = chatting(started, tmp_path)
    terminal.child.kill(number)
    assert terminal.end() == 0
    assert terminal.notes.read_text() == "closed"
    assert gave_everything_back(terminal)


def test_a_signal_before_anything_is_drawn_ends_it_too(started, tmp_path) -> None:
    terminal = start(started, tmp_path)
    terminal.answer()
    terminal.child.expect_exact(b"\x1b[?1049h")
    terminal.child.kill(signal.SIGTERM)
    assert terminal.end() == 0
    assert gave_everything_back(terminal)


def test_a_signal_while_something_is_asked_ends_it_too(started, tmp_path) -> None:
    terminal = chatting(started, tmp_path)
    terminal.child.send("\x10")
    terminal.until("Go to this room")
    terminal.child.kill(signal.SIGTERM)
    assert terminal.end() == 0
    assert gave_everything_back(terminal)


def test_a_terminal_that_goes_away_closes_the_node_whatever_is_still_drawn(started, tmp_path) -> None:
    terminal = chatting(started, tmp_path, "talkative")
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123 (a descriptor is wanted)
        os.dup2(nothing.fileno(), terminal.child.child_fd)
    terminal.child.wait()
    assert terminal.child.exitstatus == 0
    assert terminal.notes.read_text() == "closed"


def test_a_crash_leaves_one_sentence_and_no_values(started, tmp_path) -> None:
    terminal = chatting(started, tmp_path, "crash")
    terminal.child.send("x\r")
    assert terminal.end() == 1
    assert gave_everything_back(terminal)
    left = re.sub(r"\x1b\[[?<>0-9;]*[a-zA-Z]|\x07", "", terminal.left())
    assert " ".join(left.split()) == "Something inside PeerTalk went wrong, and it had to close. What was sent is kept."
    assert SECRET.encode() not in terminal.raw
    log = Path(f"{terminal.notes}.log").read_text()
    assert "ValueError" in log
    assert "on_a_terminal.py" in log
    assert SECRET not in log
    assert terminal.notes.read_text() == "closed"


def test_ctrl_c_says_how_to_leave_and_keeps_what_was_written(started, tmp_path) -> None:
    terminal = chatting(started, tmp_path)
    terminal.child.send("a long thought")
    terminal.until("a long thought")
    terminal.child.send("\x03")
    terminal.until("Ctrl+Q closes PeerTalk. Nothing was lost.")
    terminal.until("a long thought")
    terminal.child.send("\x11")
    assert terminal.end() == 0


def test_quit_typed_as_a_command_leaves(started, tmp_path) -> None:
    terminal = chatting(started, tmp_path)
    terminal.child.send("/quit\r")
    assert terminal.end() == 0
    assert terminal.notes.read_text() == "closed"


def test_ctrl_z_gives_the_terminal_back_for_a_while(started, tmp_path) -> None:
    terminal = chatting(started, tmp_path)
    terminal.child.send("\x1a")
    terminal.child.expect_exact(b"\x1b[?1049l")
    _pid, status = os.waitpid(terminal.child.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    assert terminal.is_as_before()
    terminal.child.kill(signal.SIGCONT)
    terminal.child.expect_exact(b"\x1b[?1049h")
    terminal.screen.reset()
    terminal.until("good evening")
    terminal.child.send("\x11")
    assert terminal.end() == 0


def test_standard_error_may_go_elsewhere(started, tmp_path) -> None:
    terminal = start(started, tmp_path, "2>", str(tmp_path / "errors"))
    terminal.answer()
    terminal.until("good evening")
    terminal.child.send("\x11")
    assert terminal.end() == 0
    assert (tmp_path / "errors").read_text() == ""


def test_a_terminal_without_unicode_gets_ascii(started, tmp_path) -> None:
    terminal = start(started, tmp_path, PYTHONIOENCODING="latin-1", PYTHONUTF8="0")
    terminal.answer()
    terminal.until("* Mira")
    terminal.child.send("\x11")
    assert terminal.end() == 0


def test_without_colours_none_are_sent(started, tmp_path) -> None:
    terminal = chatting(started, tmp_path, NO_COLOR="1")
    terminal.child.send("\x11")
    assert terminal.end() == 0
    codes = {code for sequence in re.findall(rb"\x1b\[([0-9;]*)m", terminal.raw) for code in sequence.split(b";")}
    assert codes <= {b"", b"0", b"1", b"2", b"4", b"7", b"39", b"49"}


def test_a_terminal_with_sixteen_colours_gets_its_own(started, tmp_path) -> None:
    terminal = chatting(started, tmp_path, TERM="xterm", COLORTERM="")
    terminal.child.send("\x11")
    assert terminal.end() == 0
    assert not re.search(rb"\x1b\[[0-9;]*[34]8;[25];", terminal.raw)
    assert re.search(rb"\x1b\[[0-9;]*3[1-6];", terminal.raw)


def opened(terminal: Terminal, key: str, words: str) -> None:
    """Press a key, see a sheet, and leave it."""
    terminal.child.send(key)
    terminal.until(words)
    terminal.child.send("\x1b")
    terminal.until_gone(words)


def test_no_name_does_anything_on_any_sheet(started, tmp_path) -> None:
    terminal = chatting(started, tmp_path, "hostile")
    terminal.until("Write to [red]circle")
    opened(terminal, "\x1b[20~", "guitar")  # F9
    opened(terminal, "\x1b[17~", "river")  # F6
    opened(terminal, "\x1b[15~", "Come along")  # F5
    terminal.child.send("\x1b[19~")  # F8
    terminal.until("IN THIS ROOM")
    terminal.child.send("\x11")
    assert terminal.end() == 0
    for forbidden in (b"\x1b]0;owned", b"\x1b]52;", b"\x9b", b"\x1b[2J\xef", "\u202e".encode(), b"\x00"):
        assert forbidden not in terminal.raw.replace(b"\xc2\x9b", b""), forbidden
    assert set(re.findall(rb"\x1b\][02];([^\x07\x1b]*)", terminal.raw)) == {b"PeerTalk"}


def test_in_ascii_nothing_else_is_sent(started, tmp_path) -> None:
    terminal = chatting(started, tmp_path, "ascii")
    terminal.until("* Mira")
    terminal.child.send("\x11")
    assert terminal.end() == 0
    drawn = re.sub(rb"\x1b[^m]*m", b"", terminal.raw.partition(b"Saying")[0])
    assert drawn.isascii()
