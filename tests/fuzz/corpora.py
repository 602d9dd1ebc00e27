"""Where the inputs of each target lie, and how great a share of the time it gets. Imports nothing that is tried."""

from __future__ import annotations

from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
SHARES = {
    "stream": 2, "inside": 3, "pairing": 1, "wire": 1, "header": 1, "body": 1, "replica": 5, "text": 2, "rpc": 1, "settings": 1,
    "command": 1, "terms": 1, "code": 1,
}  # fmt: skip


def corpus(target: str) -> list[Path]:
    """The committed inputs of a target."""
    return sorted(path for path in (CORPUS / target).iterdir() if path.is_file())
