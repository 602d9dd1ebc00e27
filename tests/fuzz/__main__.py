"""`python -m tests.fuzz TARGET|all [--seconds N]`: look for inputs that break a target, guided by what they reach (atheris).

Each target runs in a process of its own. What is found lies in build/fuzz/findings, and the exit code is 1; with
`python -m tests.fuzz TARGET --replay FILE` one is played again, without atheris. What was learned stays in build/fuzz.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import platform
import re
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.fuzz.corpora import CORPUS, SHARES

ROOT = Path(__file__).parent.parent.parent
LEARNED = ROOT / "build" / "fuzz"
FINDINGS = LEARNED / "findings"
LONGEST_RUN = 20
MEMORY = 1500
"""Seconds that one input may take, and megabytes that a process may: beyond is a finding too."""

NO_ATHERIS = """\
The fuzzer, atheris, is not installed, or has no build for this Python ({python} on {machine}).
It has some for Python 3.11 to 3.13 on 64-bit Linux; there `make fuzz` installs it.
Its corpus is played by `make test` on every Python."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 if nothing was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Look for inputs that break something.")
    parser.add_argument("target", choices=["all", *SHARES])
    parser.add_argument("--seconds", type=int, default=600, help="how long, in all (default: 600)")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="how many at a time (default: one a core)")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="play this input, and look for nothing")
    options = parser.parse_args(arguments)
    if options.replay is not None:
        return replay(options.target, options.replay)
    if importlib.util.find_spec("atheris") is None:
        print(
            NO_ATHERIS.format(python=platform.python_version(), machine=f"{platform.machine()} {sys.platform}"), file=sys.stderr
        )
        return 1
    FINDINGS.mkdir(parents=True, exist_ok=True)
    return all_targets(options.seconds, options.processes) if options.target == "all" else fuzz(options.target, options.seconds)


def replay(target: str, file: Path) -> int:
    """Play one input; what it breaks is raised."""
    from tests.fuzz.targets import TARGETS

    TARGETS[target].run(file.read_bytes())
    return 0


def fuzz(target: str, seconds: int) -> int:
    """Look for inputs that break one target. Ends the process."""
    import atheris

    with atheris.instrument_imports(include=["peertalk"]):
        from tests.fuzz.targets import TARGETS

    learned = LEARNED / target
    learned.mkdir(parents=True, exist_ok=True)
    chosen = TARGETS[target]
    options = {
        "max_total_time": seconds,
        "max_len": chosen.longest,
        "timeout": LONGEST_RUN,
        "rss_limit_mb": MEMORY,
        "artifact_prefix": f"{FINDINGS}/{target}-",
        "print_final_stats": 1,
    }
    flags = [f"-{name}={value}" for name, value in options.items()]
    atheris.Setup([sys.argv[0], *flags, str(learned), str(CORPUS / target)], chosen.run)
    atheris.Fuzz()
    return 0


def all_targets(seconds: int, processes: int) -> int:
    """All targets, `processes` at a time; together they take about `seconds`."""
    unit = seconds * processes / sum(SHARES.values())
    spans = {target: max(1, min(round(unit * share), seconds)) for target, share in SHARES.items()}
    longest_first = sorted(spans, key=lambda target: -spans[target])
    before = set(FINDINGS.iterdir())
    with ThreadPoolExecutor(processes) as pool:
        failed = list(pool.map(lambda target: run(target, spans[target]), longest_first))
    found = sorted(set(FINDINGS.iterdir()) - before)
    for path in found:
        print(f"found: {path.relative_to(ROOT)}   (python -m tests.fuzz {path.name.partition('-')[0]} --replay {path})")
    print(f"{len(found)} found" if found or not any(failed) else "a target could not be run: see its log")
    return int(bool(found) or any(failed))


def run(target: str, seconds: int) -> bool:
    """One target in a process of its own. Whether it failed."""
    command = [sys.executable, "-m", "tests.fuzz", target, "--seconds", str(seconds)]
    log = LEARNED / f"{target}.log"
    with log.open("wb") as file:
        code = subprocess.run(command, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT, check=False).returncode
    tail = log.read_text(encoding="utf-8", errors="replace")
    tried = re.findall(r"number_of_executed_units: (\d+)", tail) or ["some"]
    reached = re.findall(r"cov: (\d+)", tail) or ["?"]
    outcome = "nothing found" if code == 0 else f"ended with {code}: see {log.relative_to(ROOT)}"
    print(f"{target}: {tried[-1]} inputs in {seconds} s, {reached[-1]} places reached, {outcome}", flush=True)
    return code != 0


if __name__ == "__main__":
    sys.exit(main())
