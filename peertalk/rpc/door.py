"""The door of a running profile: an owner-only socket in its home, which serves the interface to programs of the same person.

Where it is: `rpc.sock` in the home; or, where that cannot be (a path over 100 bytes, a file system without sockets), a socket in
a directory of its own, named in `rpc.address` in the home; or, on systems without Unix sockets, a port on the loopback
interface, named in the same file with a token that a client sends as its first line.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import os
import secrets
import shutil
import socket
import stat
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from peertalk.errors import StartError
from peertalk.rpc.client import RemoteNode
from peertalk.rpc.connection import Connection

if TYPE_CHECKING:
    from peertalk.node.node import Node

SOCKET: Final = "rpc.sock"
ADDRESS: Final = "rpc.address"
MAX_PATH: Final = 100  # 104 bytes on macOS, 108 on Linux
MAX_CLIENTS: Final = 64
CHUNK: Final = 1 << 16
PATIENCE: Final = 5.0
UNIX: Final = hasattr(socket, "AF_UNIX") and hasattr(asyncio, "open_unix_connection")
log = logging.getLogger("peertalk.rpc")


class Address(msgspec.Struct, frozen=True, omit_defaults=True):
    """What `rpc.address` says: a path, or a port with its token."""

    path: str = ""
    port: int = 0
    token: str = ""


@asynccontextmanager
async def serve_socket(node: Node, home: Path, *, unix: bool = UNIX) -> AsyncIterator[None]:
    """Serve the interface of `node` to this person's other programs while inside.

    `node` holds the lock of the profile in `home`, so what is found there is stale and goes. A door that cannot be opened is a
    line in the log: the node works without."""
    _sweep(home)
    door = Door(node)
    try:
        await door.open(home, unix=unix)
    except OSError as error:
        log.warning("no socket for other programs: %s", error.strerror)
    try:
        yield
    finally:
        await door.close()
        _sweep(home)


async def find(home: Path) -> RemoteNode | None:
    """The node of the process that runs the profile in `home`; None where none answers."""
    try:
        reader, writer = await asyncio.wait_for(_connect(home), PATIENCE)
    except (OSError, TimeoutError, msgspec.MsgspecError):
        return None
    node = RemoteNode(SocketStream(reader, writer))
    try:
        await asyncio.wait_for(node.ready(), PATIENCE)
    except (StartError, TimeoutError):
        await node.close()
        return None
    return node


class SocketStream:
    """A connected socket as a stream."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self) -> bytes:
        return await self._reader.read(CHUNK)

    async def write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def close(self) -> None:
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()


class Door:
    """A listening socket and the clients that came through it."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._server: asyncio.Server | None = None
        self._token = b""
        self._clients: dict[asyncio.Task[None], Connection] = {}

    async def open(self, home: Path, *, unix: bool) -> None:
        """Listen, and write down where. OSError."""
        if not unix:
            await self._open_port(home)
            return
        listener, path = _bind(home)
        if path.parent != home:
            _write_down(home, Address(path=str(path)))
        self._server = await asyncio.start_unix_server(self._came, sock=listener)

    async def _open_port(self, home: Path) -> None:
        token = secrets.token_hex(32)
        self._token = token.encode()
        self._server = await asyncio.start_server(self._came, "127.0.0.1", 0)
        _write_down(home, Address(port=self._server.sockets[0].getsockname()[1], token=token))

    async def close(self) -> None:
        """Take no one in; those inside get the answers that they wait for."""
        if self._server is not None:
            self._server.close()
        for connection in self._clients.values():
            connection.stop()
        await asyncio.gather(*self._clients, return_exceptions=True)

    async def _came(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        stream = SocketStream(reader, writer)
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 (asyncio runs this callback as a task)
        connection = Connection(self._node, stream)
        try:
            if len(self._clients) < MAX_CLIENTS:
                self._clients[task] = connection
                if await self._knows_token(reader):
                    await connection.serve()
        except Exception as error:
            log.exception("a client was cut off: %s", type(error).__name__)
        finally:
            self._clients.pop(task, None)
            await stream.close()

    async def _knows_token(self, reader: asyncio.StreamReader) -> bool:
        if not self._token:
            return True
        try:
            line = await asyncio.wait_for(reader.readline(), PATIENCE)
        except (OSError, TimeoutError, ValueError):
            return False
        return hmac.compare_digest(line.strip(), self._token)


# ── where the door is ────────────────────────────────────────────────────────────────────────────────────────────────


def _bind(home: Path) -> tuple[socket.socket, Path]:
    """A bound owner-only socket that does not listen yet, so nobody can have come before its mode was right. OSError."""
    usual = home / SOCKET
    if len(os.fsencode(usual)) <= MAX_PATH:
        with suppress(OSError):
            return _bind_at(usual), usual
    elsewhere = Path(tempfile.mkdtemp(prefix="peertalk-", dir=os.environ.get("XDG_RUNTIME_DIR"))) / SOCKET
    return _bind_at(elsewhere), elsewhere


def _bind_at(path: Path) -> socket.socket:
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        bound.bind(os.fspath(path))
        path.chmod(stat.S_IRUSR | stat.S_IWUSR)
    except OSError:
        bound.close()
        raise
    return bound


def _write_down(home: Path, address: Address) -> None:
    """Write `rpc.address` for the owner's eyes only, at once or not at all."""
    handle, temporary = tempfile.mkstemp(dir=home, prefix=".rpc-")  # mode 0600
    with os.fdopen(handle, "wb") as file:
        file.write(msgspec.json.encode(address))
    Path(temporary).replace(home / ADDRESS)


def _read_address(home: Path) -> Address:
    """What `rpc.address` says; the usual place without it. MsgspecError, OSError."""
    try:
        return msgspec.json.decode((home / ADDRESS).read_bytes(), type=Address)
    except FileNotFoundError:
        return Address(path=str(home / SOCKET))


async def _connect(home: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    address = _read_address(home)
    if address.path:
        _check_owner(Path(address.path))
        return await asyncio.open_unix_connection(address.path)
    reader, writer = await asyncio.open_connection("127.0.0.1", address.port)
    writer.write(address.token.encode() + b"\n")
    return reader, writer


def _check_owner(path: Path) -> None:
    """What is written goes to a process of this user, not to whoever made the directory before. OSError."""
    owner = path.stat().st_uid
    if sys.platform != "win32" and os.geteuid() not in (0, owner):
        raise PermissionError("somebody else's socket")


def _sweep(home: Path) -> None:
    """Remove what an earlier process left (or this one leaves): the socket, the address, and the directory that it names."""
    with suppress(OSError, msgspec.MsgspecError):
        directory = Path(_read_address(home).path).parent
        if directory.name.startswith("peertalk-") and directory != home and directory.stat().st_mode & 0o077 == 0:
            shutil.rmtree(directory)
    for name in (SOCKET, ADDRESS):
        with suppress(OSError):
            (home / name).unlink()
