"""A peer that does as a test says: a TCP connection, and the reference implementation of the channel at this end of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from typing import Any, Self

from tests.core.reference import BYE, FINAL, MORE
from tests.hostile.mallory import Mallory

SECONDS = 5.0
MALLORY = b"mallory's identity key, 32 bytes"
HOST = "127.0.0.1"


class HostilePeer(asyncio.Protocol):
    """One connection. Frames of setting up are read and written only in `due` and `establish`, so a test can put its own in
    between; once established, records are read as they come, and pings and proofs answered unless `reference.silent`."""

    def __init__(self, reference: Mallory, met: Callable[[HostilePeer], None] | None = None) -> None:
        self.reference = reference
        self._met = met
        self.frames: list[bytes] = []
        """The contents of all frames that came while setting up."""
        self.sent: dict[int, bytes] = {}
        """The contents of those that were sent, by their number."""
        self.dialling: asyncio.Task[str] | None = None
        """Where the victim has dialled: why this failed, or nothing if it is linked (conftest.Hostile.lure)."""
        self._next = 1 if reference.initiator else 2
        self._in = bytearray()
        self._taken = 0
        self._news = asyncio.Event()
        self._broken: Exception | None = None
        self._ended = False

    @classmethod
    async def connect(
        cls,
        host: str,
        port: int,
        *,
        secrets: Collection[bytes] = (),
        seed: bytes = MALLORY,
        source: str | None = None,
        **options: Any,
    ) -> Self:
        """Dial, from the address `source` if one is given; nothing is sent yet. `options` are those of Mallory."""
        reference = Mallory(initiator=True, seed=seed, secrets=secrets, **options)
        local = (source, 0) if source else None
        loop = asyncio.get_running_loop()
        _, peer = await loop.create_connection(lambda: cls(reference), host, port, local_addr=local)
        return peer

    @classmethod
    @asynccontextmanager
    async def answer(
        cls, *, secrets: Collection[bytes] = (), seed: bytes = MALLORY, **options: Any
    ) -> AsyncIterator[tuple[int, asyncio.Queue[HostilePeer]]]:
        """Listen on loopback: the port, and whoever dials it, one by one."""
        came: asyncio.Queue[HostilePeer] = asyncio.Queue()

        def take() -> HostilePeer:
            return cls(Mallory(initiator=False, seed=seed, secrets=secrets, **options), came.put_nowait)

        server = await asyncio.get_running_loop().create_server(take, HOST, 0)
        try:
            yield server.sockets[0].getsockname()[1], came
        finally:
            server.close()

    # ── setting up ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def due(self, number: int) -> bytes:
        """Set up the channel until frame `number` is next to be sent from here; its content, which is not sent."""
        while True:
            while not self.reference.out:
                self.reference.feed(framed(await self.frame()))
            content = self.sent[self._next] = self.reference.drain()[2:]
            self._next += 2
            if self._next > number + 1:
                return content
            self.send_frame(content)

    async def establish(self) -> Self:
        """Set up the channel to its end."""
        self.send_frame(await self.due(7 if self.reference.initiator else 6))
        return await self.begin()

    async def begin(self) -> Self:
        """Its last frame is sent: from here on there are records."""
        if not self.reference.initiator:
            self.reference.feed(framed(await self.frame()))
        self._take_records()
        return self

    async def frame(self, seconds: float = SECONDS) -> bytes:
        """The content of the next frame of setting up. ConnectionError if the other side has hung up instead."""
        await self._until(lambda: self._ended or self._whole(), seconds)
        if not self._whole():
            raise ConnectionError("the other side has hung up")
        end = 2 + int.from_bytes(self._in[:2], "big")
        self.frames.append(bytes(self._in[2:end]))
        del self._in[:end]
        return self.frames[-1]

    async def refused(self, *why: str, seconds: float = SECONDS) -> None:
        """Wait until the other side has closed while setting up: without a word, and where it had dialled for one of these
        reasons, as docs/protocol.md calls them."""
        heard = len(self.frames)
        assert await self.closed(seconds) is None
        assert (self.heard, len(self.frames)) == (b"", heard), "it has answered"
        if self.dialling:
            assert await self.dialling in why

    # ── sending ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def send_raw(self, data: bytes) -> None:
        self._transport.write(data)

    def send_frame(self, content: bytes) -> None:
        self.send_raw(framed(content))

    def send_record(self, kind: int, content: bytes = b"", size: int | None = None) -> None:
        """One sealed record, padded to `size` or to the least that fits."""
        self.reference.record(kind, content, size)
        self._flush()

    def send_plaintext(self, plaintext: bytes) -> None:
        """What is no record, sealed as if it were one."""
        self.send_raw(self.reference.seal(plaintext))

    def send_message(self, message: bytes) -> None:
        """One message on the established channel, in as many records as it takes."""
        self.reference.message(message)
        self._flush()

    def listen(self, listening: bool = True) -> None:
        """From now on take what comes, or leave it all to the kernel, whose window for it soon is closed."""
        (self._transport.resume_reading if listening else self._transport.pause_reading)()

    def finish(self) -> None:
        """Send a FIN: nothing more will come from here, and it still listens."""
        self._transport.write_eof()

    # ── what comes ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def receive(self, seconds: float = SECONDS) -> tuple[int, bytes]:
        """The next record, (kind, content), in the order in which they came. ConnectionError at the end."""
        got = self.reference.got
        await self._until(lambda: self._ended or len(got) > self._taken, seconds)
        if len(got) <= self._taken:
            raise ConnectionError("the other side has hung up")
        self._taken += 1
        return got[self._taken - 1]

    async def message(self, seconds: float = SECONDS) -> bytes:
        """The next whole message, other records left out. ConnectionError at the end."""
        parts = b""
        async with asyncio.timeout(seconds):
            while True:
                kind, content = await self.receive(seconds)
                if kind in (MORE, FINAL):
                    parts += content
                if kind == FINAL:
                    return parts

    async def closed(self, seconds: float = SECONDS) -> str | None:
        """Wait until the other side has ended the connection; the reason of its BYE, None where it said nothing.
        TimeoutError if it doesn't."""
        await self._until(lambda: self._ended, seconds)
        return next((content.decode() for kind, content in self.reference.got if kind == BYE), None)

    @property
    def heard(self) -> bytes:
        """What came and is not read as a frame yet."""
        return bytes(self._in)

    @property
    def over(self) -> bool:
        """Whether the other side, or both, have hung up."""
        return self._ended

    async def hang_up(self) -> None:
        """Cut the connection, and wait until it is gone."""
        self._transport.abort()
        await self._until(lambda: self._gone, SECONDS)

    # ── what asyncio tells ───────────────────────────────────────────────────────────────────────────────────────────

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport, self._gone = transport, False
        if self._met:
            self._met(self)

    def data_received(self, data: bytes) -> None:
        self._in += data
        if self.reference.established:
            self._take_records()
        self._news.set()

    def eof_received(self) -> bool:
        self._ended = True
        self._news.set()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended = self._gone = True
        self._news.set()

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _whole(self) -> bool:
        return len(self._in) >= 2 and len(self._in) >= 2 + int.from_bytes(self._in[:2], "big")

    def _take_records(self) -> None:
        data = bytes(self._in)
        self._in.clear()
        try:
            self.reference.feed(data)
        except Exception as error:  # noqa: BLE001 - told to whoever waits
            self._broken = error
        self._flush()

    def _flush(self) -> None:
        if data := self.reference.drain():
            self.send_raw(data)

    async def _until(self, test: Any, seconds: float) -> None:
        async with asyncio.timeout(seconds):
            while not test():
                self._news.clear()
                await self._news.wait()
                if self._broken:
                    raise self._broken


def framed(content: bytes) -> bytes:
    return len(content).to_bytes(2, "big") + content
