"""Make .venv fit: `venv.py run` for running PeerTalk, `dev` for tests and checks too, `fuzz` for the fuzzer too. VENV=… names
another directory.

Needs nothing but the standard library. What was installed is remembered in .venv, so that a second call only compares; it is
renewed when the dependencies in pyproject.toml or constraints.txt change, or when the Python under .venv has gone.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / os.environ.get("VENV", ".venv")
PYTHON = VENV / "bin" / "python"
CONSTRAINTS = ROOT / "constraints.txt"

KINDS = {"run": [], "dev": ["dev"], "fuzz": ["dev", "fuzz"]}
"""What .venv can be made fit for → the groups of pyproject.toml; each has all that those before it have."""

NO_PIP = """\
This Python cannot make a virtual environment: its `venv` or `pip` part is missing.
Install it (Debian, Ubuntu: sudo apt install python3-venv), or install uv, then try again."""
NOT_INSTALLED = """\
The libraries that PeerTalk needs could not be installed; the lines above say why.
Usually that is a network that cannot reach a package index. Nothing is broken: try again when it can."""


def main(kind: str) -> int:
    """Install what `kind` (of KINDS) needs, unless it is there. Returns the exit code."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    enough = list(KINDS)[list(KINDS).index(kind) :]
    if usable() and any(installed(other, fingerprint(project, other)) for other in enough):
        return 0
    print(f"Setting up PeerTalk in {VENV.name}: libraries are fetched, once. That takes half a minute at most …", flush=True)
    if not usable() and not create():
        print(NO_PIP, file=sys.stderr)
        return 1
    if not install(requirements(project, kind)):
        print(NOT_INSTALLED, file=sys.stderr)
        return 1
    (VENV / f"peertalk-{kind}").write_text(fingerprint(project, kind), encoding="utf-8")
    return 0


def requirements(project: dict[str, dict[str, list[str]]], kind: str) -> list[str]:
    """What pip is asked for. The project itself is installed editable, which brings what it needs for running."""
    return ["--editable", str(ROOT), *(wanted for group in KINDS[kind] for wanted in project["dependency-groups"][group])]


def fingerprint(project: dict[str, dict[str, list[str]]], kind: str) -> str:
    """Changes when something else than what is in .venv would be installed."""
    basis = json.dumps([project["build-system"], project["project"], requirements(project, kind)])
    return hashlib.sha256((basis + CONSTRAINTS.read_text(encoding="utf-8")).encode()).hexdigest()


def installed(kind: str, mark: str) -> bool:
    """Whether what `mark` stands for was installed."""
    stamp = VENV / f"peertalk-{kind}"
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == mark


def usable() -> bool:
    """Whether .venv holds a Python that starts and is new enough."""
    probe = [str(PYTHON), "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
    try:
        return subprocess.run(probe, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def create() -> bool:
    """Make an empty .venv, by whichever of venv, virtualenv and uv is here."""
    shutil.rmtree(VENV, ignore_errors=True)
    return any(subprocess.run(way, check=False).returncode == 0 for way in ways_to_create())


def ways_to_create() -> list[list[str]]:
    """Commands that make .venv on this machine, the one to try first first."""
    ways = []
    if importlib.util.find_spec("ensurepip") and importlib.util.find_spec("venv"):
        ways.append([sys.executable, "-m", "venv", str(VENV)])
    if importlib.util.find_spec("virtualenv"):
        ways.append([sys.executable, "-m", "virtualenv", "--quiet", str(VENV)])
    if uv := shutil.which("uv"):
        ways.append([uv, "venv", "--quiet", "--seed", "--python", sys.executable, str(VENV)])
    if importlib.util.find_spec("venv") and importlib.util.find_spec("pip"):
        ways.append([sys.executable, "-m", "venv", "--without-pip", str(VENV)])
    return ways


def install(wanted: Sequence[str]) -> bool:
    """Let pip install what is wanted, pinned; only errors are shown."""
    options = ["install", "--quiet", "--quiet", "--disable-pip-version-check", "--constraint", str(CONSTRAINTS)]
    return subprocess.run([*pip(), *options, *wanted], check=False).returncode == 0


def pip() -> list[str]:
    """The pip of .venv; where Debian gives a venv no pip, the one of this Python, told to install there."""
    inside = [str(PYTHON), "-m", "pip"]
    if subprocess.run([*inside, "--version"], capture_output=True, check=False).returncode == 0:
        return inside
    return [sys.executable, "-m", "pip", "--python", str(PYTHON)]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
