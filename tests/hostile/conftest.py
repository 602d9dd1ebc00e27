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

from tests.hostile.peer import HOST, HostilePeer
from tests.hostile.victim import Victim, attacked


@cache
def lobby_secret() -> bytes:
    """docs/protocol.md, "Rooms"."""
    return nacl.pwhash.argon2id.kdf(32, b"lobby", b"peertalk/1 open\0", opslimit=3, memlimit=64 << 20)


@pytest.fixture(scope="session")
def lobby() -> bytes:
    """The secret of the lobby."""
    return lobby_secret()


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
    """Makes hostile peers, and ends them all after the test."""

    def __init__(self, victim: Victim, secrets: list[bytes], ends: AsyncExitStack) -> None:
        self._victim, self._secrets, self._ends = victim, secrets, ends

    async def dial(self, **options: Any) -> HostilePeer:
        """A hostile peer that has dialled the victim."""
        peer = await HostilePeer.connect(HOST, self._victim.port, **{"secrets": self._secrets, **options})
        self._ends.push_async_callback(peer.hang_up)
        return peer

    async def lure(self, **options: Any) -> tuple[HostilePeer, asyncio.Task[str]]:
        """A hostile peer that the victim has dialled, and why this failed (see Victim.dial)."""
        answering = HostilePeer.answer(**{"secrets": self._secrets, **options})
        port, came = await self._ends.enter_async_context(answering)
        dialling = asyncio.create_task(self._victim.dial(port))
        peer = await came.get()
        self._ends.push_async_callback(self._over, peer, dialling)
        return peer, dialling

    async def meet(self, *, dials: bool, **options: Any) -> HostilePeer:
        """A hostile peer that has dialled the victim, or was dialled by it."""
        return await self.dial(**options) if dials else (await self.lure(**options))[0]

    @staticmethod
    async def _over(peer: HostilePeer, dialling: asyncio.Task[str]) -> None:
        await peer.hang_up()
        await dialling


@pytest_asyncio.fixture(loop_scope="module")
async def hostile(victim: Victim, lobby: bytes, undisturbed: None) -> AsyncIterator[Hostile]:
    async with AsyncExitStack() as ends:
        yield Hostile(victim, [lobby], ends)
