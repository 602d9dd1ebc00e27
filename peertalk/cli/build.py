"""The composition root: settings → a node with all its parts. Nothing else in the program knows which parts there are."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from peertalk import say
from peertalk.errors import StartError
from peertalk.node import backup, keyring
from peertalk.node.node import Node
from peertalk.node.store import Store
from peertalk.rpc import serve_socket

if TYPE_CHECKING:
    from peertalk.config import Settings
    from peertalk.node.ports import Discovery

MAX_PASSPHRASE_FILE = 1 << 16
SWITCH = 0.0005
"""Seconds that one thread may keep the others waiting for the interpreter. With the usual 5 ms the disk's thread and the event loop hold
each other up: a burst of messages was 2 to 10 % slower, the more so the more the disk had to do; single messages take the same time."""


class SystemClock:
    """The clocks of this computer."""

    def mono(self) -> float:
        return time.monotonic()

    def wall(self) -> int:
        return time.time_ns() // 1_000_000


class ProfileNode(Node):
    """A node with what surrounds it: the lock of its profile, and the socket for other programs."""

    _lock: keyring.ProfileLock | None = None
    _closing: asyncio.Task[None] | None = None
    _door: AsyncExitStack

    async def surround(self, lock: keyring.ProfileLock) -> None:
        """Own the lock from now on, and serve the socket."""
        self._lock = lock
        self._door = AsyncExitStack()
        try:
            await self._door.enter_async_context(serve_socket(self, self.settings.home))
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """As Node.close; nobody else gets the lock before all is over."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close())
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        if self._lock is None:
            await super().close()
            return
        try:
            await self._door.aclose()
            await super().close()
        finally:
            self._lock.release()


async def open_node(settings: Settings, passphrase: str | None = None) -> Node:
    """A started node. StartError: all of its kinds but `not_running`."""
    sys.setswitchinterval(SWITCH)
    if settings.ephemeral:
        return await _open(settings, Store.open(None, b""))
    secret = passphrase if passphrase is not None else read_passphrase(settings.passphrase_file)
    lock = keyring.ProfileLock(settings.home)
    try:
        key = await asyncio.to_thread(_key, settings.home, secret)
        node = await _open(settings, Store.open(keyring.database(settings.home), key), settings.home)
    except BaseException:
        lock.release()
        raise
    node.back_up = lambda target, passphrase: backup.write(settings.home, key, target, passphrase, SystemClock().wall())
    await node.surround(lock)
    return node


def _key(home: Path, passphrase: str | None) -> bytes:
    """The key of the profile's database; a new profile is made where there is none."""
    if keyring.profile_state(home) == "new":
        return keyring.create(home, passphrase)
    shutil.rmtree(keyring.draft(home), ignore_errors=True)  # of a restore that was killed before it began to move anything
    return keyring.unlock(home, passphrase)


async def _open(settings: Settings, store: Store, token_home: Path | None = None) -> ProfileNode:
    name = say.made_up_name(secrets.token_bytes)
    try:
        return await ProfileNode.open(settings, store, _discovery(settings), SystemClock(), name=name, token_home=token_home)
    except BaseException:
        await store.close()
        raise


def _discovery(settings: Settings) -> Discovery | None:
    if not settings.mdns:
        return None
    from peertalk.node.discovery import MdnsDiscovery  # 50 ms, and not needed without mDNS

    return MdnsDiscovery(settings.interfaces, clock=SystemClock())


def read_passphrase(file: Path | None) -> str | None:
    """The first line of the passphrase file, if there is one. StartError."""
    if file is None:
        return None
    try:
        with file.open("rb") as opened:
            line = opened.read(MAX_PASSPHRASE_FILE).decode("utf-8-sig").partition("\n")[0]
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "UTF-8"
        raise StartError("bad_config", file=str(file), key="--passphrase-file", why="unreadable", error=reason) from error
    return line.rstrip("\r")
