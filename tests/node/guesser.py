"""Somebody with a slot number and no words, on the independent implementation: dials an inviter and says what a test wants."""

from __future__ import annotations

import asyncio

from tests.core.pairing_reference import Half, Peer


class Guesser:
    """One connection to an inviter on loopback."""

    def __init__(self, slot: int, port: int, seed: object) -> None:
        self.slot, self._port = slot, port
        self._writer: asyncio.StreamWriter | None = None
        self._peer = Peer(joiner=True, slots=[slot], seed=seed)

    async def dial(self) -> bool:
        """Up to frame 4; whether the slot is there."""
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writer.write(self._peer.drain())
        if not await self.hear():
            return False
        self._peer.set_up()
        self._writer.write(self._peer.drain())
        return await self.hear() and self._peer.found() == {self.slot}

    async def ask(self, password: bytes = b"", way: int = 0) -> int | None:
        """Frames 5 and 6; the status, None where it was hung up on."""
        self._half: Half = self._peer.half(password, self.slot, way)
        self.say(bytes((way,)) + self._half.element)
        if not await self.hear():
            return None
        answer = self._peer.take()
        self._element = answer[1:]
        return answer[0]

    async def confirm(self, confirmation: bytes | None = None) -> bytes | None:
        """Frames 7 and 8: what comes after a right confirmation of the inviter, None where there is nothing."""
        mine, theirs = self._half.finish(self._element)
        self.say(mine if confirmation is None else confirmation)
        if not await self.hear():
            return None
        given = self._peer.take()
        return given[32:] if given[:32] == theirs else None

    def say(self, content: bytes) -> None:
        assert self._writer is not None
        self._peer.put(content)
        self._writer.write(self._peer.drain())

    async def hear(self) -> bool:
        """Wait for a frame; False where the other side has hung up."""
        try:
            length = await self._reader.readexactly(2)
            self._peer.feed(length + await self._reader.readexactly(int.from_bytes(length, "big")))
        except (asyncio.IncompleteReadError, ConnectionError):
            return False
        return True

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
