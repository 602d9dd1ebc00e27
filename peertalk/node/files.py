"""Files that are there whole or not at all, for their owner only, and outlive a power loss. All of this blocks."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import BinaryIO, Final

from peertalk.errors import RequestError, StartError


def read(path: Path) -> bytes | None:
    """What is in a file; None if there is none. StartError("disk", why="denied", file)."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise StartError("disk", why="denied", file=str(path)) from error


def create(path: Path) -> BinaryIO:
    """A new file that only its owner may read, open for writing; what is written is what is in it, on Windows too. FileExistsError,
    OSError."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600), "wb")


def replace(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read: after a crash it is as before or complete."""
    draft = path.with_name(path.name + ".new")
    try:
        draft.unlink(missing_ok=True)
        with create(draft) as file:
            file.write(content)
            file.flush()
            sync(file.fileno())
        draft.replace(path)
        sync_directory(path.parent)
    except OSError as error:
        raise trouble(error, path) from error


def trouble(error: OSError, path: Path) -> StartError:
    """What a person is told of an error with this file: StartError("disk", why, file)."""
    return StartError("disk", why=_WHY.get(error.errno or 0, "io"), file=str(path))


def not_written(error: OSError | ValueError, path: Path) -> RequestError:
    """What a person is told who named this file to be written: RequestError("refused", why="folder", path, reason)."""
    reason = _WHY.get(error.errno or 0, "io") if isinstance(error, OSError) else "name"
    return RequestError("refused", why="folder", path=str(path), reason=reason)


_WHY: Final = {
    errno.EACCES: "denied",
    errno.EPERM: "denied",
    errno.EROFS: "denied",
    errno.ENOSPC: "full",
    errno.ENOENT: "missing",
    errno.ENOTDIR: "missing",
    errno.ENAMETOOLONG: "name",
}


def sync(file: int) -> None:
    """On the disk, not in its cache: macOS needs to be told."""
    if sys.platform == "darwin":
        import fcntl  # noqa: PLC0415 - does not exist on Windows

        fcntl.fcntl(file, fcntl.F_FULLFSYNC)
    else:
        os.fsync(file)


def sync_directory(directory: Path) -> None:
    """The new name outlives a power loss. Windows has no such call; there a rename is journalled."""
    if sys.platform != "win32":
        file = os.open(directory, os.O_RDONLY)
        try:
            sync(file)
        finally:
            os.close(file)
