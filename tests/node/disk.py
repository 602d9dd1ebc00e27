"""A disk that is watched: it tells of every sync, keeps what a power loss would leave, and fails when it is told to.

What was written to a watched disk can only be read on one: the cipher cannot reach the log through it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import apsw

from peertalk.node import schema


class Disk(apsw.VFS):
    """Below `after_power_loss` lies, of each file, what was in it at its last sync. `before_sync` is called with the name of the
    file and the flags of each sync before it is done, on the thread that writes; what it raises is what the disk answers."""

    def __init__(self, after_power_loss: Path) -> None:
        self.name = f"watched-{uuid4().hex}"
        self.kept = after_power_loss
        self.before_sync: Callable[[str, int], None] = lambda _name, _flags: None
        self.kept.mkdir()
        super().__init__(self.name, "")

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802 - SQLite's name
        return _File(self, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        super().xDelete(filename, syncdir)
        (self.kept / Path(filename).name).unlink(missing_ok=True)

    def connect(self, path: Path, key: bytes) -> apsw.Connection:
        """The writing connection of a store on this disk. Exclusive, since a watched disk has no memory to share; so a new file
        is made beforehand: an exclusive connection gives up its first journal without a sync."""
        if not path.exists():
            schema.disconnect(schema.connect(path, key))
            shutil.copyfile(path, self.kept / path.name)
        connection = apsw.Connection(str(path), vfs=self.name)
        connection.pragma("locking_mode", "exclusive")
        schema._unlock(connection, key)
        schema._migrate(connection)
        return connection


class _File(apsw.VFSFile):
    def __init__(self, disk: Disk, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        super().__init__("", name, flags)
        self._disk = disk
        self._path = Path(name.filename() if isinstance(name, apsw.URIFilename) else str(name))

    def xSync(self, flags: int) -> None:  # noqa: N802
        self._disk.before_sync(self._path.name, flags)
        super().xSync(flags)
        shutil.copyfile(self._path, self._disk.kept / self._path.name)
