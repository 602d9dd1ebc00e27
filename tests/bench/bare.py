"""The yardsticks: the bare loop (ChaCha20-Poly1305 over TCP in asyncio, nothing signed or stored), and signatures alone.

`python -m tests.bench.bare PORT` is the other end of the bare loop: it sends back what comes, opened and sealed; or, told so by the first
byte, counts messages and says when all have come.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from statistics import median

from nacl import bindings

from peertalk.core.entry import FeedKey, verify_page

KEY, NONCE = bytes(32), bytes(12)
SIZE, HEAD, TAG = 300, 2, 16
ECHO, COUNT = b"e", b"c"
ROUNDS, AT_ONCE, TIMES = 1000, 64, 3
Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def seal(data: bytes) -> bytes:
    sealed: bytes = bindings.crypto_aead_chacha20poly1305_ietf_encrypt(data, None, NONCE, KEY)
    return len(sealed).to_bytes(HEAD, "big") + sealed


def opened(frame: bytes) -> bytes:
    data: bytes = bindings.crypto_aead_chacha20poly1305_ietf_decrypt(frame, None, NONCE, KEY)
    return data


async def take(reader: asyncio.StreamReader) -> bytes:
    length = int.from_bytes(await reader.readexactly(HEAD), "big")
    return opened(await reader.readexactly(length))


class Counter(asyncio.Protocol):
    """Opens what comes, message by message; answers with a byte when all that were announced have come. Or sends each back."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport, self._in, self._missing, self._echoes = transport, bytearray(), -1, False

    def data_received(self, data: bytes) -> None:
        self._in += data
        if self._missing < 0:
            self._begin()
        at = 0
        while len(self._in) >= at + HEAD and len(self._in) >= (
            end := at + HEAD + int.from_bytes(self._in[at : at + HEAD], "big")
        ):
            self._got(opened(bytes(self._in[at + HEAD : end])))
            at = end
        del self._in[:at]

    def _begin(self) -> None:
        self._echoes = bytes(self._in[:1]) == ECHO
        self._missing = int.from_bytes(self._in[1:5], "big")
        del self._in[:5]

    def _got(self, message: bytes) -> None:
        self._missing -= 1
        if self._echoes or not self._missing:
            self._transport.write(seal(message))  # type: ignore[attr-defined]


@asynccontextmanager
async def other_end() -> AsyncIterator[Ends]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.bare", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    reader, writer = await asyncio.open_connection("127.0.0.1", int(await process.stdout.readline()))
    try:
        yield reader, writer
    finally:
        writer.close()
        process.stdin.close()
        await process.wait()


async def round_trip() -> float:
    """Median seconds of a message there and back, sealed and opened on each way."""
    seconds = []
    async with other_end() as (reader, writer):
        writer.write(ECHO + ROUNDS.to_bytes(4, "big"))
        for _ in range(ROUNDS):
            start = time.perf_counter()
            writer.write(seal(bytes(SIZE)))
            await take(reader)
            seconds.append(time.perf_counter() - start)
    return median(seconds)


async def rate(messages: int = 200_000) -> float:
    """Messages a second one way, each sealed and opened by itself."""
    async with other_end() as (reader, writer):
        start = time.perf_counter()
        writer.write(COUNT + messages.to_bytes(4, "big"))
        for _ in range(messages // AT_ONCE):
            writer.writelines([seal(bytes(SIZE)) for _ in range(AT_ONCE)])
            await writer.drain()
        writer.writelines([seal(bytes(SIZE)) for _ in range(messages % AT_ONCE)])
        await take(reader)
        return messages / (time.perf_counter() - start)


def verification(times: int = 5000) -> float:
    """Seconds of one Ed25519 verification, as the program does it."""
    key, tip = FeedKey(bytes(32)), bytes(32)
    signature = key.sign_page(tip)
    start = time.perf_counter()
    for _ in range(times):
        assert verify_page(key.public, tip, signature)
    return (time.perf_counter() - start) / times


@dataclass(frozen=True)
class Yardsticks:
    """Messages a second of the bare loop, and seconds of one verification."""

    rate: float
    verification: float

    def of_time(self, seconds: float, count: int) -> str:
        """What so many messages take with each, and how much more `seconds` are."""
        loop, alone = count / self.rate, count * self.verification
        return (
            f"{seconds / loop:.1f} × the bare loop ({loop:.2f} s), {seconds / alone:.1f} × the signatures alone ({alone:.1f} s)"
        )

    def of_rate(self, rate: float) -> str:
        """How many messages a second each makes, and how much more that is than `rate`."""
        alone = 1 / self.verification
        return (
            f"the bare loop: {self.rate:,.0f}, {self.rate / rate:.1f} × as many; "
            f"the signatures alone: {alone:,.0f}, {alone / rate:.1f} × as many"
        )


async def yardsticks() -> Yardsticks:
    """Both, each the median of some runs."""
    return Yardsticks(median([await rate() for _ in range(TIMES)]), median([verification() for _ in range(TIMES)]))


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(Counter, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(main())
