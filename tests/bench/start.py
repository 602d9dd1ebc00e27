"""How soon the screen is there: `python -m tests.bench.start [RUNS]`.

From the start of the process to the first frame in which one can write, in a pseudo-terminal, with a profile that exists; and to
the first frame of a bare Textual program in the same run.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import pexpect

from tests.bench.report import Row, below

RUNS = 7
BARE = """
from textual.app import App
from textual.widgets import TextArea
class Bare(App):
    def compose(self):
        yield TextArea(placeholder="Write to nobody")
Bare().run()
"""


def first_frame(arguments: list[str], environment: dict[str, str]) -> float:
    """Seconds until "Write to" is on the screen; then the program is ended."""
    start = time.perf_counter()
    child = pexpect.spawn(sys.executable, arguments, env=environment, dimensions=(40, 120), timeout=20, encoding="utf-8")
    try:
        child.expect("rite to")  # the W is under the cursor
        return time.perf_counter() - start
    finally:
        child.sendcontrol("q")
        child.expect(pexpect.EOF)
        child.close()


def measure(runs: int = RUNS) -> tuple[list[float], list[float]]:
    """Seconds of so many starts, and of the bare program."""
    with TemporaryDirectory(prefix="peertalk-bench-") as directory:
        environment = {
            **os.environ,
            "TERM": "xterm-256color",
            "PEERTALK_STATE": str(Path(directory) / "state"),
            "LANG": "C.UTF-8",
        }
        profile = ["-m", "peertalk", "--home", str(Path(directory) / "home"), "--no-mdns", "--lang", "en"]
        made = pexpect.run(
            f"{sys.executable} -m peertalk send lobby x --wait 0 {' '.join(profile[2:])}", env=environment, timeout=20
        )
        assert b"Traceback" not in made, made
        ours, bare = [], []
        for _ in range(runs):
            ours.append(first_frame(profile, environment))
            bare.append(first_frame(["-c", BARE], environment))
    return ours, bare


def rows() -> list[Row]:
    ours, bare = measure()
    beside = f"{median(ours) / median(bare):.1f} × bare Textual ({1e3 * median(bare):.0f} ms)"
    return [below("Start of the screen to the first usable frame, median", median(ours), 0.4, beside)]


def main() -> None:
    ours, bare = measure(int(sys.argv[1]) if len(sys.argv) > 1 else RUNS)
    sys.stdout.write(f"to the first usable frame: median {median(ours) * 1e3:.0f} ms, slowest {max(ours) * 1e3:.0f} ms\n")
    sys.stdout.write(
        f"bare Textual:              median {median(bare) * 1e3:.0f} ms; ratio {median(ours) / median(bare):.2f}\n"
    )


if __name__ == "__main__":
    main()
