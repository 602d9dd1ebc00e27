"""A real process under attack, an honest one beside it, and how it is told that neither was disturbed."""

from __future__ import annotations

import asyncio
import contextlib
import re
import sys
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import apsw

from peertalk.node import keyring, schema
from tests.lab.rpc_process import Event, RpcError, RpcProcess
from tests.processes import LOOPBACK, environment

TEXT, VICTIM, FRIEND, MARK = "canarytextwren", "Canaryvictimfinch", "Canaryfriendlinnet", "canarymallorycrow"
"""What is said, how the two are called, and what a hostile peer writes wherever it can: none of it belongs into a log, and
`MARK` nowhere at all."""
MEMORY = 30 * 1024
"""KiB that the victim may need under attack, beyond what it needs when idle."""

COMING = {"online", "offline", "members"}
"""What may be told of somebody who legitimately is in the lobby, and does nothing there: see `Victim.undisturbed`."""


async def start(home: Path, name: str, *options: str) -> RpcProcess:
    async def run(command: list[str]) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(
            *command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment(home), limit=1 << 24
        )

    process = await RpcProcess.start(run, home, "--name", name, "--log-level", "debug", *LOOPBACK, *options)
    await process.ready()
    return process


async def dial(process: RpcProcess, port: int) -> str:
    """Let it dial this port of loopback; why there was no link, or nothing if there is one."""
    try:
        await process.call("peers.connect", host="127.0.0.1", port=port)
    except RpcError as error:
        return str(error).partition("'why': '")[2].partition("'")[0] or "not reachable"
    return ""


@dataclass
class Victim:
    """The process under attack, with its friend."""

    process: RpcProcess
    friend: RpcProcess
    port: int
    id: str
    friend_id: str
    guests: set[str] = field(default_factory=set)
    """The ids of further honest peers, who may come and go."""
    home: Path = Path()
    idle: int = 0
    most: int = MEMORY
    _rounds: int = 0
    _seen: dict[str, int] = field(default_factory=dict)

    async def join(self, room: str) -> None:
        """Let it join a room, which is no attack: the 64 MiB that this takes for a moment don't count."""
        await self.process.call("rooms.join", name=room)
        self.forget_memory()

    async def undisturbed(self, allowed: Collection[str] = ()) -> None:
        """Both are there, linked, and hear each other; nothing was shown of anybody else but changes of these kinds; nothing
        that belongs to them is in a log; and memory is bounded."""
        started = time.monotonic()
        await self.process.call("node.status")
        assert time.monotonic() - started < 1
        await self.talk()
        for who, process in (("victim", self.process), ("friend", self.friend)):
            since, self._seen[who] = self._seen.get(who, 0), len(process.events)
            shown = [event for event in process.events[since:] if not self._is_own(event, allowed)]
            assert not shown, f"shown by the {who}: {shown}"
            assert MARK not in str(process.events[since:])
            self.judge(process.log)
            process.log.clear()
        assert self.memory() <= self.idle + self.most, f"{self.memory() - self.idle} KiB more than when idle"

    async def talk(self) -> None:
        """A message each way, until both know that the other one has it."""
        self._rounds += 1
        for sender, receiver, reader in (
            (self.process, self.friend, self.friend_id),
            (self.friend, self.process, self.id),
        ):
            text = f"{TEXT} {self._rounds}"
            before, there = len(sender.events), len(receiver.events)
            sent = (await sender.call("messages.send", room="lobby", text=text))["id"]
            await sender.wait_event(lambda event, id=sent, who=reader: has(event, id, who), 5, before)
            await receiver.wait_event(lambda event, id=sent: says(event, id), 5, there)

    def _is_own(self, event: Event, allowed: Collection[str]) -> bool:
        """Whether an event speaks of these two alone, and not of one of them going, or is allowed."""
        own = {self.id, self.friend_id}
        honest = own | self.guests
        match event["type"]:
            case "message" | "message_changed":
                return event["message"]["author"]["id"] in honest
            case "peer":
                who, change = event["peer"]["id"], event["change"]
                return change in allowed or (who in own and change != "offline") or who in self.guests
            case "room":
                return event["change"] != "members" or "members" in allowed or bool(self.guests)
            case "delivered":
                return honest >= set(event["delivered_to"])
            case kind:
                return kind in {"ready", "sync"} or kind in allowed

    @staticmethod
    def judge(log: Collection[str]) -> None:
        text = "\n".join(log).lower()
        for word in (TEXT, VICTIM, FRIEND, MARK, "traceback", " error "):
            assert word.lower() not in text, f"{word!r} in a log: {text}"
        assert not re.search("[0-9a-f]{32}", text), f"a key, a secret or an id in a log: {text}"

    def memory(self) -> int:
        """The most memory, in KiB, that it has needed since `forget_memory`; 0 where the system does not tell."""
        return sum(int(line.split()[1]) for line in self._proc("status") if line.startswith("VmHWM"))

    def descriptors(self) -> int:
        """How many files it has open; 0 where the system does not tell."""
        files = Path(f"/proc/{self.process.process.pid}/fd")
        return len(list(files.iterdir())) if files.is_dir() else 0

    def forget_memory(self) -> None:
        """From here on the most memory counts that it needs: joining a room takes 64 MiB for a moment."""
        reset = Path(f"/proc/{self.process.process.pid}/clear_refs")
        if reset.exists():
            reset.write_text("5")

    def image(self) -> bytes:
        """What is in its database, in the plain."""
        file = keyring.database(self.home)
        with contextlib.closing(apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READONLY)) as connection:
            schema.unlock(connection, keyring.unlock(self.home, None))
            return connection.serialize("main")

    def _proc(self, name: str) -> list[str]:
        file = Path(f"/proc/{self.process.process.pid}/{name}")
        return file.read_text().splitlines() if sys.platform == "linux" else []


def says(event: Event, message: str) -> bool:
    return event["type"] == "message" and event["message"]["id"] == message


def has(event: Event, message: str, who: str) -> bool:
    return event["type"] == "delivered" and event["message"] == message and who in event["delivered_to"]


@asynccontextmanager
async def attacked(directory: Path) -> AsyncIterator[Victim]:
    """A victim and its friend, both in the lobby and linked, who have talked."""
    started = [await start(directory / "victim" / "home", VICTIM)]
    try:
        port = (await started[0].call("node.status"))["listening"][0]["port"]
        started.append(await start(directory / "friend" / "home", FRIEND, "--connect", f"127.0.0.1:{port}"))
        own, other = [await process.identity() for process in started]
        await started[0].online(other)
        await started[1].online(own)
        victim = Victim(started[0], started[1], port, own, other, home=directory / "victim" / "home")
        await victim.talk()
        victim._seen = {"victim": len(started[0].events), "friend": len(started[1].events)}
        victim.forget_memory()
        victim.idle = victim.memory()
        yield victim
    finally:
        codes = [await process.stop() for process in started]
    assert codes == [0, 0], [process.explain() for process in started]
