"""Writing what was said in a room into a file: all of it or none, for its owner alone."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from peertalk.core import events
from peertalk.errors import RequestError
from peertalk.node import files

_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)


class Form(Protocol):
    """How a conversation is written down (say/written.py); one for each export."""

    def begin(self, room: events.Room, exported: int) -> str: ...

    def message(self, message: events.Message) -> str: ...

    def end(self) -> str: ...


async def write(path: Path, form: Form, room: events.Room, now: int, slices: AsyncIterator[list[events.Message]]) -> int:
    """How many messages were written to `path`. RequestError("refused"): `exists`, `folder` with `reason` (files.not_written); then
    nothing is there."""
    part = path.parent / f".{os.urandom(8).hex()}.part"
    count = 0
    try:
        await asyncio.to_thread(_refuse_existing, path)
        with os.fdopen(await asyncio.to_thread(os.open, part, _NEW, 0o600), "wb") as file:
            await _put(file, form.begin(room, now))
            async for messages in slices:
                count += len(messages)
                await _put(file, "".join(map(form.message, messages)))
            await _put(file, form.end())
            await asyncio.to_thread(os.fsync, file.fileno())
        await asyncio.to_thread(_move, part, path)
    except FileExistsError as error:
        raise RequestError("refused", why="exists", path=str(path)) from error
    except (OSError, ValueError) as error:
        raise files.not_written(error, path) from error
    finally:
        with suppress(OSError, ValueError):
            part.unlink()
    return count


async def _put(file: BinaryIO, words: str) -> None:
    def put() -> None:
        file.write(words.encode("utf-8", "replace"))
        file.flush()

    await asyncio.to_thread(put)


def _refuse_existing(path: Path) -> None:
    if os.path.lexists(path):
        raise FileExistsError


def _move(part: Path, path: Path) -> None:
    """Under its name, over nothing that is there. FileExistsError."""
    try:
        os.link(part, path)
    except FileExistsError:
        raise
    except (OSError, AttributeError, NotImplementedError):  # a file system without links, as on sticks
        _refuse_existing(path)
        part.rename(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """That the name is there is on disk too, where folders can be told so."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
