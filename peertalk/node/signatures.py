"""The signatures of long answers, verified in processes beside this one.

A signature costs 50 µs, in which other threads may run. But after each of them a thread has to win the interpreter back, and while
the event loop is busy it waits for that a hundred times as long: so with threads alone, either signatures are verified or what they
sign is taken in. A process is asked for many at once. It is a helper and nothing else: where there is none, or it fails, all is
verified here, with the same result.
"""

from __future__ import annotations

import logging
import select
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import IO, Final

from peertalk.core.checks import Signed, verify_all
from peertalk.core.entry import signed_page
from peertalk.node import verifier

log = logging.getLogger("peertalk.checks")

WORTH_IT: Final = 16
"""Signatures at once from which on another process is asked for them."""
PATIENCE: Final = 10.0
"""Seconds that an answer is waited for, which is there in hundredths of one: somebody may have stopped that process, and not this one."""
_PROGRAM: Final = Path(verifier.__file__)


class Signatures:
    """At most `most` processes, from the moment they are wanted until they are to `rest`. `verify` is called on threads, everything
    else on the event loop."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = Lock()
        self._idle: list[_Verifier] = []
        self._all: list[_Verifier] = []
        self._are_wanted = False

    @property
    def processes(self) -> int:
        """How many there are now."""
        return len(self._all)

    def want(self) -> None:
        """There is so much to verify that processes are worth starting: those who verify next do so."""
        self._are_wanted = True

    def rest(self) -> None:
        """End them; for the next long answer there will be others."""
        self._are_wanted = False
        with self._lock:
            ended, self._all, self._idle = self._all, [], []
        for one in ended:
            one.end()

    def verify(self, signed: Sequence[Signed]) -> list[bool]:
        """Which of these are right. Blocks."""
        one = self._take() if len(signed) >= WORTH_IT else None
        if one is None:
            return verify_all(signed)
        try:
            found = one.verify(signed)
        except (OSError, ValueError, EOFError):  # it was ended, or could not live here
            self._give_up(one)
            return verify_all(signed)
        with self._lock:
            if one in self._all:
                self._idle.append(one)
        return found

    def _take(self) -> _Verifier | None:
        with self._lock:
            if self._idle:
                return self._idle.pop()
            if not self._are_wanted or len(self._all) >= self._most:
                return None
            try:
                self._all.append(_Verifier())
            except OSError as error:
                log.info("no process for signatures: %s", type(error).__name__)
                self._most = 0
                return None
            return self._all[-1]

    def _give_up(self, one: _Verifier) -> None:
        """It does not answer. If it was not ended from here, there will be no others: they would end as it did."""
        with self._lock:
            if one not in self._all:
                return
            self._all.remove(one)
            self._most = 0
        log.info("a process for signatures has failed")
        one.end()


class _Verifier:
    """One process. OSError if it cannot be started."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and program
            [sys.executable or "", "-P", str(_PROGRAM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )

    def verify(self, signed: Sequence[Signed]) -> list[bool]:
        """Which are right. OSError, ValueError, EOFError: it is gone, or something else writes there (a `sitecustomize`, say)."""
        ask, answer = self._process.stdin, self._process.stdout
        if ask is None or answer is None:
            raise EOFError
        parts = [feed + signed_page(tip, signature) for feed, tip, signature in signed]
        ask.write(len(parts).to_bytes(verifier.COUNT, "big") + b"".join(parts))
        ask.flush()
        if not _is_there(answer):
            raise EOFError
        found = answer.read(len(parts))
        if len(found) < len(parts) or set(found) - {0, 1}:
            raise EOFError
        return [each == 1 for each in found]

    def end(self) -> None:
        """At once; whoever waits for an answer gets none."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):  # what was not written yet
                    pipe.close()


def _is_there(answer: IO[bytes]) -> bool:
    """Is there something to read, within PATIENCE? On Windows that cannot be asked."""
    if not hasattr(select, "poll"):
        return True
    poll = select.poll()
    poll.register(answer, select.POLLIN)
    return bool(poll.poll(PATIENCE * 1000))
