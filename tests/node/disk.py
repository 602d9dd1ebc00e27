"""A disk that is watched: it tells of every sync, gives any state that a power loss may leave, and fails when it is told to.

What was written to a watched disk can only be read on one: the cipher cannot reach the log through it.
"""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from uuid import uuid4

import apsw

from peertalk.node import schema

SECTOR = 512
"""Bytes that a disk writes whole or not at all."""

Change = tuple[int, bytes | None]
"""(at, what) was written; (size, None): the file was cut."""


class Disk(apsw.VFS):
    """Below `after_power_loss` lies, of each file, what was in it at its last sync; `unsynced` is what has changed since.
    `before_sync` is called with the name of the file and the flags of each sync before it is done, on the thread that writes; what
    it raises is what the disk answers."""

    def __init__(self, after_power_loss: Path) -> None:
        self.name = f"watched-{uuid4().hex}"
        self.kept = after_power_loss
        self.unsynced: defaultdict[str, list[Change]] = defaultdict(list)
        self.before_sync: Callable[[str, int], None] = lambda _name, _flags: None
        self.kept.mkdir()
        super().__init__(self.name, "")

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802 - SQLite's name
        return _File(self, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        super().xDelete(filename, syncdir)
        (self.kept / Path(filename).name).unlink(missing_ok=True)
        self.unsynced.pop(Path(filename).name, None)

    def after_power_loss(self, chance: Random) -> dict[str, bytes]:
        """What may lie in each file if the power went now: of what was not synced yet each sector is new, old or, where it was
        just being written, anything; in any order, whatever was written first."""
        files = {path.name: path.read_bytes() for path in self.kept.iterdir()}
        likely = chance.choice((0.02, 0.5, 0.98))
        for name, changes in self.unsynced.items():
            files[name] = _some_of(files.get(name, b""), changes, likely, chance)
        return files

    def connect(self, path: Path, key: bytes) -> apsw.Connection:
        """The writing connection of a store on this disk. Exclusive, since a watched disk has no memory to share; so a new file
        is made beforehand: an exclusive connection gives up its first journal without a sync."""
        if not path.exists():
            schema.disconnect(schema.connect(path, key))
            shutil.copyfile(path, self.kept / path.name)
        connection = apsw.Connection(str(path), vfs=self.name)
        connection.pragma("locking_mode", "exclusive")
        schema.unlock(connection, key)
        schema._migrate(connection)
        return connection


class _File(apsw.VFSFile):
    def __init__(self, disk: Disk, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        super().__init__("", name, flags)
        self._disk = disk
        self._path = Path(name.filename() if isinstance(name, apsw.URIFilename) else str(name))

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        super().xWrite(data, offset)
        self._disk.unsynced[self._path.name].append((offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        super().xTruncate(newsize)
        self._disk.unsynced[self._path.name].append((newsize, None))

    def xSync(self, flags: int) -> None:  # noqa: N802
        self._disk.before_sync(self._path.name, flags)
        super().xSync(flags)
        shutil.copyfile(self._path, self._disk.kept / self._path.name)
        self._disk.unsynced.pop(self._path.name, None)


def _some_of(before: bytes, changes: list[Change], likely: float, chance: Random) -> bytes:
    content = bytearray(before)
    for at, what in changes:
        if what is None:
            if chance.random() < likely:
                del content[at:]
            continue
        for start, piece in _sectors(at, what):
            if chance.random() < likely:
                _put(content, start, piece)
            elif chance.random() < 0.05:
                _put(content, start, chance.choice((bytes(len(piece)), chance.randbytes(len(piece)))))
    return bytes(content)


def _sectors(at: int, what: bytes) -> Iterator[tuple[int, bytes]]:
    """The pieces of a write, cut where sectors end."""
    end = at + len(what)
    while at < end:
        upto = min(end, (at // SECTOR + 1) * SECTOR)
        yield at, what[: upto - at]
        at, what = upto, what[upto - at :]


def _put(content: bytearray, at: int, piece: bytes) -> None:
    if len(content) < at:
        content.extend(bytes(at - len(content)))
    content[at : at + len(piece)] = piece
