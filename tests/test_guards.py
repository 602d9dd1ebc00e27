"""The guards of tests/conftest.py catch what they are there for, and let pass what is clean."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

HERE = Path(__file__).parent

LEAKS = """
import asyncio, socket, subprocess, threading

kept = []

async def test_task():
    kept.append(asyncio.create_task(asyncio.Event().wait()))

def test_thread():
    stop = threading.Event()
    threading.Timer(3, stop.set).start()

def test_socket():
    kept.append(socket.socket())

def test_process():
    kept.append(subprocess.Popen(["cat"], stdin=subprocess.PIPE))
"""

CLEAN = """
import asyncio
import pytest

@pytest.fixture
async def server():
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    task = asyncio.create_task(asyncio.Event().wait())
    yield server
    task.cancel()
    server.close()
    await server.wait_closed()

@pytest.fixture(scope="session")
def shared():
    import socket
    with socket.socket() as one:
        yield one

async def test_what_a_fixture_tears_down_is_no_leak(server, shared):
    await asyncio.to_thread(int)

def test_without_a_loop(shared):
    pass
"""


@pytest.fixture
def inner(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeconftest((HERE / "conftest.py").read_text(encoding="utf-8"))
    pytester.makeini("[pytest]\nasyncio_mode=auto\nasyncio_default_fixture_loop_scope=function")
    return pytester


def run(inner: pytest.Pytester) -> pytest.RunResult:
    return inner.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:xdist", "-q")


def test_leaks_are_caught(inner: pytest.Pytester) -> None:
    inner.makepyfile(LEAKS)
    result = run(inner)
    result.assert_outcomes(passed=4, errors=4)
    result.stdout.fnmatch_lines_random([f"*leaked {what}*" for what in ("tasks", "threads", "sockets", "processes")])


def test_clean_tests_pass(inner: pytest.Pytester) -> None:
    inner.makepyfile(CLEAN)
    run(inner).assert_outcomes(passed=2)


def test_a_skipped_test_fails_the_run_where_everything_is_required(
    inner: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner.makepyfile("import pytest\ndef test_lab():\n    pytest.skip('needs root')\ndef test_other():\n    pass")
    monkeypatch.setenv("PEERTALK_LAB", "required")
    result = run(inner)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*skipped, and nothing may be:*needs root*"])


def test_core_must_not_ask_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.conftest import guarded

    core = {"__name__": "peertalk.core.somewhere"}
    called = eval("lambda f: f()", core)
    clock = guarded("time.time", lambda: 1.0)
    assert clock() == 1.0
    with pytest.raises(AssertionError, match=r"core called time\.time"):
        called(clock)
