"""One profile put into the place of another: from a backup, or from what can still be read of damaged files.

Nothing is ever deleted. What was there is moved into a folder of its own in the home, where it is a home again that can be opened, if
it can; and the new profile is complete before anything is moved. A kill in between leaves a home without a key and with a draft,
which says so at the next start (keyring.profile_state). All of this blocks, and the caller holds the lock of the profile.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from peertalk.core.stored import Op
from peertalk.errors import StartError
from peertalk.node import backup, files, keyring
from peertalk.node.store import Store

_DATABASE: Final = ("peertalk.db", "peertalk.db-wal", "peertalk.db-shm")


def is_used(home: Path) -> bool:
    """Is there a profile, or something of one?"""
    return any(path.exists() for path in (keyring.key_path(home), keyring.database(home), keyring.draft(home)))


def restore(file: Path, passphrase: str, home: Path, aside: str) -> tuple[Path | None, bool]:
    """Make a profile from a backup. One that is there is set aside under the name `aside`; without a name that is refused.

    Where it was set aside to, and whether the new one opens by the passphrase: it does so if it did before, else without one.
    StartError: `profile_exists` (home), those of backup.unpack and of Store.open; then nothing has changed.
    """
    if is_used(home) and not aside:
        raise StartError("profile_exists", home=str(home))
    with _draft(home) as draft:
        database, key, header = backup.unpack(file, passphrase, draft)
        own = keyring.create(draft, passphrase if header.protected else None)
        backup.transfer(database, key, keyring.database(draft), own)
        database.unlink()
        asyncio.run(_check(keyring.database(draft), own, ()))
        return _install(draft, home, aside), header.protected


def begin_anew(ops: tuple[Op, ...], passphrase: str | None, home: Path, aside: str) -> Path | None:
    """Set the profile that is there aside, and make one that begins with `ops`; where there are none, leave it to the next start.

    Where it was set aside to. StartError as for a new profile; then nothing has changed.
    """
    if not ops:
        moved = set_aside(home, aside)
        shutil.rmtree(keyring.draft(home), ignore_errors=True)
        return moved
    with _draft(home) as draft:
        own = keyring.create(draft, passphrase)
        asyncio.run(_check(keyring.database(draft), own, ops))
        return _install(draft, home, aside)


async def _check(database: Path, key: bytes, ops: tuple[Op, ...]) -> None:
    """It opens, is of this version, takes `ops`, and all that a start reads can be read."""
    store = Store.open(database, key)
    try:
        await store.commit(ops)
        await store.load()
    finally:
        await store.close()


@contextmanager
def _draft(home: Path) -> Iterator[Path]:
    """A folder in the home, owner-only, for a profile that is not one yet. What a kill has left of another goes."""
    draft = keyring.draft(home)
    try:
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        yield draft
    except OSError as error:
        raise files.trouble(error, draft) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _install(draft: Path, home: Path, aside: str) -> Path | None:
    """The key comes last: before that there is no profile that somebody could begin to use."""
    _sync(keyring.database(draft))
    moved = set_aside(home, aside) if aside else None
    try:
        for find in (keyring.database, keyring.key_path):
            find(draft).replace(find(home))
            files.sync_directory(home)
    except BaseException:
        keyring.database(home).unlink(missing_ok=True)  # the new one: the other one is aside
        put_back(moved, home)
        raise
    return moved


def set_aside(home: Path, name: str) -> Path | None:
    """Move what there is of a profile into the folder `name` in its home; the folder, None where there was nothing. The key goes
    first: a database without one is not taken for a new one. StartError("disk", why, file): all is where it was."""
    there = [path for path in (keyring.key_path(home), *(home / name for name in _DATABASE)) if path.exists()]
    if not there:
        return None
    folder = home / name
    try:
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise files.trouble(error, folder) from error
    try:
        for path in there:
            path.replace(folder / path.name)
        files.sync_directory(folder)
        files.sync_directory(home)
    except BaseException as error:
        put_back(folder, home)
        if isinstance(error, OSError):
            raise files.trouble(error, folder) from error
        raise
    return folder


def put_back(folder: Path | None, home: Path) -> None:
    """What was set aside, if anything was, is the profile again, the key last. OSError."""
    if folder is None:
        return
    for path in sorted(folder.iterdir(), key=lambda path: path.name == keyring.key_path(home).name):
        path.replace(home / path.name)
    folder.rmdir()


def _sync(file: Path) -> None:
    opened = os.open(file, os.O_RDWR)
    try:
        files.sync(opened)
    finally:
        os.close(opened)
