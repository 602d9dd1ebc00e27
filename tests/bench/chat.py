"""How fast a chat is between two processes on this machine: `python -m tests.bench.chat [MESSAGES]`.

Round trip (written, on disk here, sent, on disk there, acknowledged), messages a second one way, memory and idle CPU of
`peertalk rpc`; beside it, in the same run, the bare loop: ChaCha20-Poly1305 over TCP in asyncio, nothing signed or stored.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Any

from nacl import bindings

ROUNDS = 500
MESSAGES = 20_000
IDLE_SECONDS = 10.0
TEXT = "a sentence of some sixty letters, as people write them here."


class Peer:
    """A `peertalk rpc` process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.events: asyncio.Queue[bytes] = asyncio.Queue()
        self.answers: dict[int, asyncio.Future[Any]] = {}
        self.reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stdout is not None
        while line := await self.process.stdout.readline():
            if b'"method"' in line[:32]:
                self.events.put_nowait(line)  # parsed when somebody looks: this process is not what is to be measured
            else:
                message = json.loads(line)
                self.answers.pop(message["id"]).set_result(message.get("result", message.get("error")))

    def ask(self, method: str, **params: object) -> asyncio.Future[Any]:
        number = len(self.answers) + time.perf_counter_ns()
        self.answers[number] = asyncio.get_running_loop().create_future()
        assert self.process.stdin is not None
        line = json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        self.process.stdin.write(line.encode() + b"\n")
        return self.answers[number]

    async def until(self, kind: str, has: str = "", **wanted: object) -> dict[str, Any]:
        """The next event of this kind with these values, whose line has `has` in it."""
        while True:
            line = await self.events.get()
            if f'"{kind}"'.encode() not in line or has.encode() not in line:
                continue
            event: dict[str, Any] = json.loads(line)["params"]
            if event["type"] == kind and all(event.get(key) == value for key, value in wanted.items()):
                return event

    @property
    def rss(self) -> float:
        """Resident memory, in MB."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * resource.getpagesize() / 1e6

    @property
    def cpu(self) -> float:
        """CPU seconds so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@asynccontextmanager
async def peer(home: Path, name: str, *options: str) -> Any:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "peertalk", "rpc", "--home", str(home / name), "--name", name, "--no-mdns", *options,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 24,
        env={**os.environ, "PEERTALK_STATE": str(home / "state")},
    )  # fmt: skip
    one = Peer(process)
    try:
        yield one
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()
        await one.reading


def say(what: str, value: float, unit: str) -> None:
    sys.stdout.write(f"{what:<58}{value:>12,.2f} {unit}\n")


async def chat(home: Path, messages: int) -> None:
    async with peer(home, "Ada") as ada:
        await ada.until("ready")
        port = (await ada.ask("node.status"))["listening"][0]["port"]
        async with peer(home, "Ben", "--connect", f"127.0.0.1:{port}") as ben:
            await ada.until("peer", change="online")
            room = (await ada.ask("direct.open", peer="Ben"))["id"]
            await ada.ask("messages.send", room=room, text="hello")
            await ben.until("message", has="hello")  # and not her name in the lobby
            await ben.ask("messages.send", room=room, text="hello")  # of somebody who was answered anything is taken in
            say("memory of `rpc`, just started", ada.rss, "MB")
            before = ada.cpu
            await asyncio.sleep(IDLE_SECONDS)
            say("idle CPU, linked with one", 100 * (ada.cpu - before) / IDLE_SECONDS, "%")
            await round_trips(ada, room)
            await one_way(ada, ben, room, messages)
            say(f"memory of `rpc` after {messages:,} messages", ada.rss, "MB")


async def round_trips(ada: Peer, room: str) -> None:
    seconds = []
    for number in range(ROUNDS):
        start = time.perf_counter()
        sent = await ada.ask("messages.send", room=room, text=f"{number} {TEXT}")
        await ada.until("delivered", message=sent["id"])
        seconds.append(time.perf_counter() - start)
    cuts = quantiles(seconds, n=100)
    bare = await bare_round_trip()
    say("round trip, on disk on both sides, median", cuts[49] * 1e3, "ms")
    say("round trip, on disk on both sides, 99 %", cuts[98] * 1e3, "ms")
    say("bare loop, nothing stored, median", bare * 1e3, "ms")
    say("ratio of the medians", cuts[49] / bare, "")


async def one_way(ada: Peer, ben: Peer, room: str, messages: int) -> None:
    start = time.perf_counter()
    answers = [ada.ask("messages.send", room=room, text=f"{number} {TEXT}") for number in range(messages)]
    await ben.until("message", has=f'"{messages - 1} {TEXT}"')
    say("messages a second, one author to one peer, stored", messages / (time.perf_counter() - start), "/s")
    await asyncio.gather(*answers)


async def bare_round_trip() -> float:
    """Median seconds of 300 bytes there and back, sealed and opened on each way."""
    key, nonce = bytes(32), bytes(12)

    def both(data: bytes) -> bytes:
        opened = bindings.crypto_aead_chacha20poly1305_ietf_decrypt(data, None, nonce, key)
        return bindings.crypto_aead_chacha20poly1305_ietf_encrypt(opened, None, nonce, key)

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(both(data))
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    sealed = bindings.crypto_aead_chacha20poly1305_ietf_encrypt(bytes(300), None, nonce, key)
    seconds = []
    for _ in range(1000):
        start = time.perf_counter()
        writer.write(sealed)
        sealed = both(await reader.readexactly(len(sealed)))
        seconds.append(time.perf_counter() - start)
    writer.close()
    server.close()
    return sorted(seconds)[len(seconds) // 2]


def main() -> None:
    with TemporaryDirectory(prefix="peertalk-bench-") as home:
        asyncio.run(chat(Path(home), int(sys.argv[1]) if len(sys.argv) > 1 else MESSAGES))


if __name__ == "__main__":
    main()
