"""Somebody who poses as an inviter, on the independent implementation: says what a test wants, at whichever frame."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.core.pairing_reference import Peer


class Poser:
    """Listens on loopback. `status` is that of frame 6, `gift` what comes after the confirmation in frame 8 (None: hangs up there;
    at frame `silent` it says nothing and stays), `password` what it knows. `seen` counts frames 5, 7 and 9; `came` says when there is
    one."""

    def __init__(
        self, slots: list[int], password: bytes, *, status: int = 0, gift: bytes | None = b"", silent: int = 0
    ) -> None:
        self.slots, self.password, self.status, self.gift, self.silent = slots, password, status, gift, silent
        self.seen = {5: 0, 7: 0, 9: 0}
        self.came = {number: asyncio.Event() for number in (3, 5, 7, 9)}
        self.right = 0
        self.port = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._gone = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            await self._serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()
            self._gone.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(joiner=False, slots=self.slots, seed=len(self._writers))

        async def hear(number: int) -> None:
            length = await reader.readexactly(2)
            peer.feed(length + await reader.readexactly(int.from_bytes(length, "big")))
            if number in self.seen:
                self.seen[number] += 1
            if number in self.came:
                self.came[number].set()

        await hear(1)
        if self.silent == 2:
            await reader.read()
            return
        peer.set_up()
        writer.write(peer.drain())
        await hear(3)
        found = peer.found()
        if not found:
            return
        peer.prove(sorted(found))
        writer.write(peer.drain())
        await hear(5)
        asked = peer.take()
        half = peer.half(self.password, min(found), asked[0])
        peer.put(bytes((self.status,)) + (half.element if not self.status else bytes(33)))
        writer.write(peer.drain())
        await hear(7)
        joiners, inviters = half.finish(asked[1:])
        self.right += peer.take() == joiners
        if self.silent == 8:
            await reader.read()
            return
        if self.gift is not None:
            peer.put((inviters + self.gift).ljust(1984, b"\0"))
            writer.write(peer.drain())
            await hear(9)


@asynccontextmanager
async def posing(poser: Poser) -> AsyncIterator[Poser]:
    server = await asyncio.start_server(poser.serve, "127.0.0.1", 0)
    poser.port = server.sockets[0].getsockname()[1]
    try:
        yield poser
    finally:
        server.close()
        for writer in list(poser._writers):
            writer.close()
        while poser._writers:
            poser._gone.clear()
            await poser._gone.wait()
