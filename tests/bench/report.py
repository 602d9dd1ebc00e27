"""What was measured, beside what it is measured against: on the terminal, and as docs/benchmarks.md."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from statistics import median, quantiles

import apsw

INTRODUCTION = """\
# Benchmarks

`make bench` measures this and writes this page. The processes are real ones (`peertalk rpc`), each with a database on disk; what is
sent is signed, encrypted, and stored on both sides. Ratios hold on other machines, times don't.

* **Bare loop**: ChaCha20-Poly1305 over TCP on loopback in asyncio, messages of 300 bytes, nothing signed, nothing stored; measured in
  the same run.
* **Signatures alone**: as many Ed25519 verifications as there are messages, one after the other on one core; measured in the same run.
  Where one signature is for many messages, as in pages of 200 and in bursts, fewer are made than that.
"""


@dataclass(frozen=True)
class Row:
    """One thing that was measured. `reached`: the goal; None where there is none, or where it was measured in less than full size."""

    what: str
    measured: str
    goal: str = ""
    reached: bool | None = None
    beside: str = ""


def conditions(machine: str | None, load: float, syncs: Sequence[float]) -> str:
    """Where and when, in words; `load` is how busy the machine was before, `syncs` are seconds of writing and fsync of 4 KiB."""
    loop = f"uvloop {version('uvloop')}" if find_spec("uvloop") else "asyncio's own loop"
    where = machine or f"a machine with {os.cpu_count()} cores ({_processor()})"
    return (
        f"Measured on {datetime.now(UTC):%d %B %Y}, on {where}, of which {_usable()} may be used, with everything on that one machine.\n"
        f"{platform.system()} {platform.release()}, CPython {platform.python_version()}, {loop} where the program uses it, "
        f"SQLite {apsw.sqlite_lib_version()}. The machine's load was {load:.1f} before.\n"
        f"To write 4 KiB and have them on disk (fsync) took {milliseconds(median(syncs))} (median; 99 %: "
        f"{milliseconds(quantiles(syncs, n=100)[98])}): each round trip waits for that twice."
    )


def _processor() -> str:
    """What the processor is called."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _usable() -> int | str:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else "all"


def page(rows: Sequence[Row], told: str, left_out: Sequence[str], notes: str) -> str:
    """The text of docs/benchmarks.md."""
    lines = [INTRODUCTION, told, "", "| what | measured | goal | beside |", "|---|---|---|---|"]
    lines += [f"| {row.what} | {row.measured} | {_goal(row)} | {row.beside} |" for row in rows]
    missed = [row for row in rows if row.reached is False]
    lines += ["", "## Not reached", ""]
    lines += [f"* {row.what}: {row.measured}, the goal is {row.goal}." for row in missed] or ["Nothing: all goals above were."]
    if left_out:
        lines += ["", "## Left out in this run", "", *(f"* {each}" for each in left_out)]
    lines += ["", "## How", "", notes]
    return "\n".join(lines)


def _goal(row: Row) -> str:
    return row.goal if row.reached is None else f"{row.goal} {'✓' if row.reached else '✗'}"


def show(row: Row) -> None:
    sys.stdout.write(f"{row.what:<62} {row.measured:>22}   {_goal(row):<14} {row.beside}\n")
    sys.stdout.flush()


def milliseconds(seconds: float) -> str:
    return f"{1e3 * seconds:.1f} ms" if seconds < 0.1 else f"{1e3 * seconds:,.0f} ms"


def below(what: str, seconds: float, goal: float, beside: str = "") -> Row:
    """A time in seconds that should be at most `goal`."""
    if goal >= 1:
        return Row(what, f"{seconds:.1f} s", f"≤ {goal:g} s", seconds <= goal, beside)
    return Row(what, milliseconds(seconds), f"≤ {1e3 * goal:g} ms", seconds <= goal, beside)


def above(what: str, rate: float, goal: float, beside: str = "") -> Row:
    """A rate a second that should be at least `goal`."""
    return Row(what, f"{rate:,.0f} a second", f"≥ {goal:,.0f}", rate >= goal, beside)
