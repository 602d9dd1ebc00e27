"""A closed door: whoever comes later stands outside, with the code or even with the secret of the room, and learns nothing of it."""

from __future__ import annotations

import msgspec
import pytest

from peertalk.core.stored import PutRoom, RoomRecord
from peertalk.node import keyring
from peertalk.node.store import Store
from tests.lab.circle import ROOM, circle, until, words
from tests.lab.conftest import Starts
from tests.lab.lab import Host, Lab
from tests.lab.rpc_process import RpcError, RpcProcess

INSIDE = "said behind the door"


def profile(host: Host) -> Store:
    home = host.home / "peertalk"
    return Store.open(keyring.database(home), keyring.unlock(home, None))


async def record_of(host: Host, room: str) -> RoomRecord:
    store = profile(host)
    snapshot = await store.load()
    await store.close()
    return next(one.record for one in snapshot.rooms if one.record.id.hex() == room)


async def is_given(host: Host, record: RoomRecord) -> None:
    """All that there is to know of a room, as somebody may have copied it."""
    store = profile(host)
    await store.commit([PutRoom(msgspec.structs.replace(record, joined=0, linked=0, read=(0, b"")))])
    await store.close()


@pytest.mark.timeout(120)
async def test_who_comes_when_the_door_is_closed_waits_outside_and_learns_nothing(lab: Lab, start: Starts) -> None:
    anna, ben, cara = await circle(lab, start, 3)
    gesa = await start(lab.host(), "--name", "Gesa", "--no-lobby")
    await gesa.ready()
    room = (await anna.call("rooms.show", room=ROOM))["id"]
    invite = await ben.call("rooms.invite", room=room)
    await anna.call("messages.send", room=room, text=INSIDE)
    for one in (ben, cara):
        await one.has_texts(INSIDE, room=room)
    await anna.call("rooms.seal", room=room)
    await ben.wait_event(lambda event: event["type"] == "invite_dead" and event["reason"] == "sealed")
    for code in (invite["code"], invite["link"]):
        with pytest.raises(RpcError) as error:
            await gesa.call("rooms.accept", code=code)
        assert error.value.kind == "sealed"
    assert await gesa.call("rooms.list") == []

    assert await gesa.stop() == 0
    await is_given(lab.hosts[3], await record_of(lab.hosts[0], room))
    gesa = await start(lab.hosts[3], "--name", "Gesa", "--no-lobby")
    await stands_outside(gesa, room)
    await anna.call("messages.send", room=room, text=f"{INSIDE}, again")
    for one in (ben, cara):
        await one.has_texts(f"{INSIDE}, again", room=room)
    await until(anna, lambda one: sees_waiting(one, room))
    await stands_outside(gesa, room)

    await anna.call("rooms.admit", room=room, peer=await gesa.identity())
    await gesa.has_texts(INSIDE, f"{INSIDE}, again", room=room)
    assert await words(gesa, room) == await words(cara, room)


async def stands_outside(gesa: RpcProcess, room: str) -> None:
    await until(gesa, lambda one: is_outside(one, room))
    seen = str([gesa.events, await gesa.call("messages.list", room=room), await gesa.call("peers.list")])
    assert not [word for word in ("Anna", "Ben", "Cara", INSIDE) if word in seen]
    assert [each["me"] for each in await gesa.call("rooms.members", room=room)] == [True]
    for method in ("rooms.unseal", "rooms.invite"):
        with pytest.raises(RpcError, match="sealed"):
            await gesa.call(method, room=room)


async def is_outside(gesa: RpcProcess, room: str) -> bool:
    shown = await gesa.call("rooms.show", room=room)
    return (shown["sealed"], shown["outside"], shown["online"], shown["members"]) == (True, True, 1, 1)


async def sees_waiting(inside: RpcProcess, room: str) -> bool:
    return len((await inside.call("rooms.show", room=room))["waiting"]) == 1
