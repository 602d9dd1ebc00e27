"""One victim for each module, looked at after every test. Modules that use it say `pytestmark = pytest.mark.asyncio(loop_scope=
"module")`: it lives in one event loop with all of their tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import cache
from typing import Any

import nacl.pwhash
import pytest
import pytest_asyncio

from tests.hostile.invited import ROOM, Invite
from tests.hostile.peer import HOST, HostilePeer
from tests.hostile.victim import Victim, attacked, dial
from tests.lab.rpc_process import RpcProcess


@cache
def open_secret(name: str) -> bytes:
    """docs/protocol.md, "Rooms"."""
    return nacl.pwhash.argon2id.kdf(32, name.encode(), b"peertalk/1 open\0", opslimit=3, memlimit=64 << 20)


@pytest.fixture(scope="session")
def lobby() -> bytes:
    """The secret of the lobby."""
    return open_secret("lobby")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def victim(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Victim]:
    async with attacked(tmp_path_factory.mktemp("attacked")) as victim:
        yield victim


@pytest.fixture
def shown() -> set[str]:
    """What the victim may show of somebody who is not its friend, while this test runs: nothing. A test whose hostile peer is
    a member of the lobby adds to it (victim.COMING)."""
    return set()


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def undisturbed(victim: Victim, shown: set[str]) -> AsyncIterator[None]:
    before = asyncio.all_tasks()
    yield
    await victim.undisturbed(shown)
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    assert not left


class Hostile:
    """Makes hostile peers, and ends them all after the test. They know `secrets` unless they are given others."""

    def __init__(self, victim: Victim, secrets: list[bytes], ends: AsyncExitStack) -> None:
        self._victim, self._secrets, self.ends = victim, secrets, ends

    async def dial(self, **options: Any) -> HostilePeer:
        """A hostile peer that has dialled the victim."""
        peer = await HostilePeer.connect(HOST, self._victim.port, **{"secrets": self._secrets, **options})
        self.ends.push_async_callback(peer.hang_up)
        return peer

    async def lure(self, process: RpcProcess | None = None, **options: Any) -> HostilePeer:
        """A hostile peer that the victim, or another process, has dialled. Nobody listens there any more when it is caught."""
        async with HostilePeer.answer(**{"secrets": self._secrets, **options}) as (port, came):
            dialling = asyncio.create_task(dial(process or self._victim.process, port))
            peer = await came.get()
        peer.dialling = dialling
        self.ends.push_async_callback(self._over, peer, dialling)
        return peer

    async def meet(self, frame: int, **options: Any) -> HostilePeer:
        """A hostile peer that has dialled the victim, or that was dialled by it, whoever of the two sends this frame."""
        return await (self.dial(**options) if frame % 2 else self.lure(**options))

    @staticmethod
    async def _over(peer: HostilePeer, dialling: asyncio.Task[str]) -> None:
        await peer.hang_up()
        await dialling


@pytest_asyncio.fixture(loop_scope="module")
async def hostile(victim: Victim, lobby: bytes, undisturbed: None) -> AsyncIterator[Hostile]:
    async with AsyncExitStack() as ends:
        yield Hostile(victim, [lobby], ends)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def room(victim: Victim) -> str:
    """A private room of the victim's, in which nobody else is to begin with."""
    made: str = (await victim.process.call("rooms.create", name=ROOM))["id"]
    return made


@pytest_asyncio.fixture(loop_scope="module")
async def invite(victim: Victim, room: str, undisturbed: None, shown: set[str]) -> AsyncIterator[Invite]:
    """Makes invitations into that room, which are told of, and taken back after the test."""
    shown |= {"invite_dead", "invite_used"}
    made = Invite(victim, room)
    yield made
    await made.take_back()
