"""Somebody between two honest peers, who are in the lobby, as Mallory is. Who only passes bytes on is a network; who does anything
else is seen as Mallory, or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio

from tests.hostile.conftest import Hostile
from tests.hostile.peer import HOST, HostilePeer
from tests.hostile.victim import FRIEND, TEXT, VICTIM, Victim, dial, start
from tests.lab.rpc_process import Event, RpcProcess

pytestmark = pytest.mark.asyncio(loop_scope="module")
THIRD = "Canarythirdsiskin"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def third(victim: Victim, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RpcProcess]:
    """A third honest process, that is linked with nobody yet."""
    process = await start(tmp_path_factory.mktemp("third") / "home", THIRD)
    victim.guests.add(await process.identity())
    yield process
    assert await process.stop() == 0
    victim.judge([*process.log, *process.noise])
    assert THIRD not in str(process.log)


# ── who passes bytes on ──────────────────────────────────────────────────────────────────────────────────────────────


class Wire:
    """Passes on what comes over its port to another, and back. `passed` holds all of it, by whether it went there; at `flip`, such
    a direction and an offset, a bit is changed."""

    def __init__(self, port: int, flip: tuple[bool, int] | None) -> None:
        self.passed = {True: b"", False: b""}
        self.ends: list[WireEnd] = []
        self._port, self._flip = port, flip

    def dialled(self) -> WireEnd:
        return WireEnd(self, there=True)

    async def extend(self, end: WireEnd) -> None:
        other = WireEnd(self, there=False)
        end.other, other.other = other, end
        await asyncio.get_running_loop().create_connection(lambda: other, HOST, self._port)
        other.write(end.waiting)

    def carry(self, data: bytes, there: bool) -> bytes:
        begin = len(self.passed[there])
        self.passed[there] += data
        if self._flip and self._flip[0] == there and 0 <= (at := self._flip[1] - begin) < len(data):
            return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        return data


class WireEnd(asyncio.Protocol):
    def __init__(self, wire: Wire, there: bool) -> None:
        self._wire, self._there = wire, there
        self.other: WireEnd | None = None
        self.waiting = b""
        self.extending: asyncio.Task[None] | None = None
        self._gone = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._wire.ends.append(self)
        if self._there:
            self.extending = asyncio.create_task(self._wire.extend(self))

    async def cut(self) -> None:
        if self.extending:
            await self.extending
        self.transport.abort()
        await self._gone.wait()

    def data_received(self, data: bytes) -> None:
        data = self._wire.carry(data, self._there)
        if self.other and hasattr(self.other, "transport"):
            self.other.write(data)
        else:
            self.waiting += data

    def write(self, data: bytes) -> None:
        self.transport.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._gone.set()
        if self.other and hasattr(self.other, "transport"):
            self.other.transport.close()


@asynccontextmanager
async def wire(port: int, flip: tuple[bool, int] | None = None) -> AsyncIterator[tuple[Wire, int]]:
    """A wire to this port, and the port to dial instead. Cut at the end."""
    one = Wire(port, flip)
    server = await asyncio.get_running_loop().create_server(one.dialled, HOST, 0)
    try:
        yield one, server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for _ in range(5):  # what was accepted just now gets its end
            await asyncio.sleep(0)
        for end in one.ends:  # the first of two appends the second
            await end.cut()


def changed(event: Event, who: str, change: str) -> bool:
    return event["type"] == "peer" and event["change"] == change and event["peer"]["id"] == who


async def test_who_passes_everything_on_learns_nothing(victim: Victim, third: RpcProcess) -> None:
    since = len(third.events)
    async with wire(victim.port) as (between, port):
        assert await dial(third, port) == ""
        await third.wait_event(lambda event: changed(event, victim.id, "online"), since=since)
        await victim.talk()
        sent = await third.call("messages.send", room="lobby", text=TEXT)
        await third.wait_event(
            lambda event: event["type"] == "delivered" and event["message"] == sent["id"] and victim.id in event["delivered_to"]
        )
        since = len(third.events)
    await third.wait_event(lambda event: changed(event, victim.id, "offline"), since=since)
    seen = between.passed[True] + between.passed[False]
    assert len(between.passed[True]) > 2000 < len(between.passed[False])
    own = [bytes.fromhex(one) for one in (victim.id, victim.friend_id, await third.identity())]
    assert not any(word in seen for word in [*own, TEXT.encode(), VICTIM.encode(), FRIEND.encode(), THIRD.encode(), b"lobby"])


async def test_who_passes_everything_back_is_not_taken_for_somebody(victim: Victim) -> None:
    """Not even for a second process on the same profile, which the victim would be warned of."""
    async with wire(victim.port) as (_, port):
        assert await dial(victim.process, port) == "self"


# Where the frames begin: there 0, 34, 1076, 1126; back 0, 50, 1092. Nothing comes back after them unless there is a channel.
THERE = (0, 1, 2, 33, 34, 40, 1075, 1076, 1080, 1126, 1130, 1239)
BACK = (0, 1, 2, 49, 50, 60, 1091, 1092, 1100, 1237)
HANDSHAKE_BACK = 1238


@pytest.mark.parametrize(("there", "at"), [*((True, at) for at in THERE), *((False, at) for at in BACK)])
async def test_who_changes_a_bit_while_a_channel_is_set_up_prevents_it(
    victim: Victim, third: RpcProcess, there: bool, at: int
) -> None:
    """The last frame is the exception that follows from its place: who has sent it is linked, and cut off at once."""
    async with wire(victim.port, flip=(there, at)) as (between, port):
        assert await dial(third, port) != "" or (there and at >= 1126)
        assert len(between.passed[False]) <= HANDSHAKE_BACK


@pytest.mark.parametrize(("there", "at"), [(True, 1240), (True, 1300), (False, 1238), (False, 1400)])
async def test_who_changes_a_bit_later_cuts_the_link(victim: Victim, third: RpcProcess, there: bool, at: int) -> None:
    async with wire(victim.port, flip=(there, at)) as (between, port):
        assert await dial(third, port) == ""
        async with asyncio.timeout(5):
            while len(between.ends) < 2 or not all(
                end.transport.is_closing() for end in between.ends[:2]
            ):  # more: it dials again
                await third.call("node.status")


# ── who takes part ───────────────────────────────────────────────────────────────────────────────────────────────────


async def in_between(hostile: Hostile, third: RpcProcess) -> tuple[HostilePeer, HostilePeer]:
    """Mallory between the two, who has set up NN and proven the lobby to both: towards the third, towards the victim."""
    to_third, to_victim = await hostile.lure(third), await hostile.dial()
    to_third.send_frame(await to_third.due(4))
    to_victim.send_frame(await to_victim.due(3))
    to_victim.reference._outer.decrypt(await to_victim.frame())
    return to_third, to_victim


async def test_who_runs_the_first_part_with_both_can_not_pass_on_their_identities(hostile: Hostile, third: RpcProcess) -> None:
    """The second part is bound to the first, which is another one on each side."""
    to_third, to_victim = await in_between(hostile, third)
    outer_third, outer_victim = to_third.reference._outer, to_victim.reference._outer
    to_victim.send_frame(outer_victim.encrypt(outer_third.decrypt(await to_third.frame())))
    to_third.send_frame(outer_third.encrypt(outer_victim.decrypt(await to_victim.frame())))
    await to_third.refused("decrypt")


async def test_proofs_of_one_side_prove_nothing_to_the_other(hostile: Hostile, third: RpcProcess) -> None:
    to_third = await hostile.lure(third)
    await to_third.due(4)
    to_victim = await hostile.dial(change=lambda number, plain: to_third.reference.heard[number])
    to_victim.send_frame(await to_victim.due(3))
    await to_victim.refused()


async def test_answers_of_one_side_prove_nothing_to_the_other(hostile: Hostile, third: RpcProcess) -> None:
    to_victim = await hostile.dial()
    await to_victim.due(5)
    to_third = await hostile.lure(third, change=lambda number, plain: to_victim.reference.heard[number])
    to_third.send_frame(await to_third.due(4))
    await to_third.refused("no_shared_room")


async def test_who_is_a_member_on_both_sides_is_shown_as_nobody_else(
    hostile: Hostile, victim: Victim, third: RpcProcess
) -> None:
    """Two links with an identity of Mallory's own. Whatever she passes on is hers or hearsay: nobody comes online by it."""
    since = len(third.events)
    to_third, to_victim = await hostile.lure(third), await hostile.dial()
    await asyncio.gather(to_third.establish(), to_victim.establish())
    assert to_third.reference.peer == bytes.fromhex(await third.identity())
    assert to_victim.reference.peer == bytes.fromhex(victim.id)
    for source, target in ((to_victim, to_third), (to_third, to_victim)):
        target.send_message(await source.message())
    await asyncio.gather(to_third.closed(), to_victim.closed())
    assert not any(changed(event, victim.id, "online") for event in third.events[since:])
