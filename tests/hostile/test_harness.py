"""The hostile peer, as long as it means well: a member like any other. What other modules find is not for lack of that."""

from __future__ import annotations

import pytest

from tests.core.reference import BYE, PING, PONG
from tests.hostile.conftest import Hostile

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("frame", [7, 6], ids=["dials", "is dialled"])
async def test_a_peer_written_from_the_specification_is_taken_in(hostile: Hostile, frame: int) -> None:
    peer = await (await hostile.meet(frame)).establish()
    assert await peer.message()
    peer.send_record(PING)
    while (await peer.receive())[0] != PONG:
        pass
    peer.send_record(BYE, b"closing")
    assert await peer.closed() is None
