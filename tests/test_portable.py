"""PeerTalk can be imported where Python has no POSIX: what other systems lack is asked for only where it is used.

This cannot show that PeerTalk works there; it shows that it does not fall over before it begins.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "peertalk"

# What is not there on the other systems. The standard library and the other libraries are imported first, as they are on this
# system; then the platform is changed, and PeerTalk is imported, every module of it.
PROBE = """
import ast, importlib, os, pathlib, signal, socket, sys

platform, package = sys.argv[1], pathlib.Path(sys.argv[2])
missing = {
    "win32": ["fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty", "uvloop"],
    "darwin": ["msvcrt", "winreg"],
}[platform]
absent = {
    "win32": [(os, ("fork", "getuid", "geteuid", "fchmod", "mkfifo", "O_NOFOLLOW")), (signal, ("SIGHUP", "SIGWINCH", "SIGTSTP")),
              (socket, ("AF_UNIX", "SO_REUSEPORT"))],
    "darwin": [(os, ("memfd_create", "pidfd_open")), (socket, ("SO_BINDTODEVICE", "AF_NETLINK"))],
}[platform]
modules = sorted(path.relative_to(package.parent).with_suffix("") for path in package.rglob("*.py"))
for path in modules:
    for node in ast.parse((package.parent / path.with_suffix(".py")).read_text(encoding="utf-8")).body:
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
        for name in names:
            if name.partition(".")[0] not in ("peertalk", *missing):
                importlib.import_module(name)
for name in missing:
    sys.modules[name] = None
for owner, names in absent:
    for name in names:
        if hasattr(owner, name):
            delattr(owner, name)
sys.platform = platform
for path in modules:
    importlib.import_module(".".join(part for part in path.parts if part != "__init__"))
"""


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_every_module_can_be_imported_on(platform: str) -> None:
    probe = [sys.executable, "-W", "error", "-c", PROBE, platform, str(PACKAGE)]
    done = subprocess.run(probe, capture_output=True, text=True, timeout=60, check=False, cwd=PACKAGE.parent)
    assert done.returncode == 0, done.stderr
