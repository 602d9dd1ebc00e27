"""Guards around every test, and the profiles of hypothesis.

A test that leaves an asyncio task, a thread, a socket or a child process behind fails; warnings are errors (pyproject.toml),
so a file that was never closed fails too. Under tests/core and tests/sim, core code that asks the operating system for the
time or for randomness fails at once.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
import os
import random
import secrets
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import FrameType

import nacl.bindings
import nacl.utils
import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).parent.parent
EVERYTHING = os.environ.get("PEERTALK_LAB") == "required"
OUTER_GUARDS = ("no_leaked_sockets_or_processes", "no_leaked_threads")
PURE = (ROOT / "tests" / "core", ROOT / "tests" / "sim")

_patient = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
# The same examples at each run: what fails here fails for everybody. New ones are looked for by the thorough profile.
settings.register_profile("quick", max_examples=50, derandomize=True, **_patient)
settings.register_profile("thorough", max_examples=2000, **_patient)
settings.load_profile(os.environ.get("PEERTALK_HYPOTHESIS", "quick"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the guards around all other fixtures of a test and, in a coroutine test, the loop's own around the one for tasks."""
    for item in items:
        if isinstance(item, pytest.Function):
            asynchronous = inspect.iscoroutinefunction(inspect.unwrap(item.function))
            first = next((n for n, name in enumerate(item.fixturenames) if scope_of(item, name) == "function"), 0)
            item.fixturenames[first:first] = [*OUTER_GUARDS, *(["no_leaked_tasks"] if asynchronous else [])]


def scope_of(item: pytest.Function, fixture: str) -> str:
    definitions = item._fixtureinfo.name2fixturedefs.get(fixture)
    return definitions[-1].scope if definitions else ""


skips: list[str] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped and not hasattr(report, "wasxfail"):
        skips.append(f"{report.nodeid}: {report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if EVERYTHING and skips:
        terminalreporter.write_line(f"skipped, and nothing may be: {'; '.join(skips)}", red=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where everything is required (.ci/run), a skipped test is a failed run."""
    if EVERYTHING and skips:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture
async def no_leaked_tasks() -> AsyncIterator[None]:
    """Fail if a task is left when the test and its fixtures are done. A task just cancelled has a few turns to end."""
    yield
    for _ in range(10):
        left = asyncio.all_tasks() - {asyncio.current_task()}
        if not left:
            return
        await asyncio.sleep(0)
    names = sorted(f"{task.get_name()}: {task.get_coro()!r}" for task in left)
    pytest.fail("leaked tasks:\n  " + "\n  ".join(names))


@pytest.fixture
def no_leaked_threads() -> Iterator[None]:
    """Fail if a non-daemon thread is left. One that is just ending has a second to do so."""
    before = set(threading.enumerate())
    yield
    new = [thread for thread in threading.enumerate() if thread not in before and not thread.daemon]
    for thread in new:
        thread.join(timeout=1)
    left = sorted(thread.name for thread in new if thread.is_alive())
    if left:
        pytest.fail(f"leaked threads: {', '.join(left)}")


def open_sockets() -> set[str]:
    """The sockets of this process, as the kernel names them; empty where there is no /proc (ResourceWarnings do it there)."""
    found = set()
    descriptors = Path("/proc/self/fd")
    for descriptor in descriptors.iterdir() if descriptors.is_dir() else ():
        try:
            target = str(descriptor.readlink())
        except OSError:  # closed since it was listed
            continue
        if target.startswith("socket:"):
            found.add(target)
    return found


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:  # the thread has ended since it was listed
        return ""


def children() -> set[int]:
    """The child processes of this process, ended but not waited for included; empty where the kernel does not tell."""
    lists = Path("/proc/self/task").glob("*/children")
    return {int(pid) for one in lists for pid in _read(one).split()}


@pytest.fixture
def no_leaked_sockets_or_processes() -> Iterator[None]:
    """Fail if a socket is open, or a child process not waited for, that was not so before the test."""
    sockets, processes = open_sockets(), children()
    yield
    if open_sockets() - sockets:
        gc.collect()  # what only waits for the collector raises a ResourceWarning here, and that is an error with a better text
    if left := open_sockets() - sockets:
        pytest.fail(f"leaked sockets: {len(left)}")
    if running := children() - processes:
        pytest.fail(f"leaked processes: {running}")


FORBIDDEN_IN_CORE: tuple[tuple[object, str], ...] = (
    *((time, name) for name in ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "sleep")),
    (os, "urandom"),
    *((secrets, name) for name in ("token_bytes", "token_hex", "randbits", "randbelow", "choice")),
    *((random, name) for name in ("random", "randbytes", "getrandbits", "randrange", "choice", "shuffle")),
    (nacl.utils, "random"),
    *((nacl.bindings, name) for name in ("randombytes", "crypto_box_keypair", "crypto_sign_keypair", "crypto_kx_keypair")),
)


def asked_by_core(frame: FrameType | None) -> bool:
    """Whether the nearest frame of this project on the stack (not of a library) belongs to peertalk.core."""
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module.partition(".")[0] in ("peertalk", "tests"):
            return module.startswith("peertalk.core")
        frame = frame.f_back
    return False


def guarded(name: str, real: Callable[..., object]) -> Callable[..., object]:
    def guard(*args: object, **kwargs: object) -> object:
        if asked_by_core(sys._getframe(1)):
            raise AssertionError(f"core called {name}: clock and randomness are arguments")
        return real(*args, **kwargs)

    return guard


@pytest.fixture(autouse=True)
def pure_core(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under tests/core and tests/sim: the clocks and the randomness of the operating system raise inside core."""
    if any(request.path.is_relative_to(pure) for pure in PURE):
        for owner, name in FORBIDDEN_IN_CORE:
            monkeypatch.setattr(owner, name, guarded(f"{owner.__name__}.{name}", getattr(owner, name)))
