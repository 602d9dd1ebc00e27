"""Inviting and coming in by a code, between real nodes in one process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from peertalk.core import events
from peertalk.core.rooms import Terms, private_room
from peertalk.errors import RequestError
from peertalk.node.node import Node
from tests.node.company import Company, company, event, texts, until


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Company]:
    async with company(tmp_path) as one:
        yield one


async def private(node: Node, name: str = "friends", seed: bytes = b"s" * 32) -> str:
    """A private room of this node's."""
    life = node._life
    record = private_room(Terms(seed, name, "en"), life.clock.wall())
    life.replica.join(record, life.now())
    await life.committed()
    return record.id.hex()


async def reason(call: object) -> tuple[str, object]:
    """(kind, reason or why) of the RequestError."""
    with pytest.raises(RequestError) as caught:
        await call  # type: ignore[misc]
    return caught.value.kind, caught.value.data.get("reason") or caught.value.data.get("why")


async def test_who_has_the_words_is_in_and_both_can_talk(home: Company) -> None:
    mira = await home.node("Mira", lobby=False)
    jon = await home.node("Jon", mira, lobby=False)
    room = await private(mira)
    told = mira.subscribe()
    invite = await mira.invite(room)
    joined = await jon.accept(invite.code.upper().replace("-", " "))
    assert (joined.id, joined.name, joined.kind) == (room, "friends", "private")
    used = await event(mira, events.InviteUsed, events=told)
    assert (used.code, used.room, used.peer.id) == (invite.code, room, jon.status().identity.id)
    dead = await event(mira, events.InviteDead, events=mira.subscribe()) if False else None
    assert dead is None
    await mira.send(room, "welcome")
    await until(jon, lambda: _has(jon, room, "welcome"))


async def _has(node: Node, room: str, text: str) -> bool:
    return text in await texts(node, room)
