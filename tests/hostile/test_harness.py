"""The hostile peer, as long as it means well: a member like any other. What other modules find is not for lack of that."""

from __future__ import annotations

import pytest

from tests.core.reference import BYE, PING, PONG
from tests.hostile.conftest import Hostile
from tests.hostile.victim import COMING

pytestmark = pytest.mark.asyncio(loop_scope="module")
BOTH = pytest.mark.parametrize("dials", [True, False], ids=["dials", "is dialled"])


@BOTH
async def test_a_peer_written_from_the_specification_is_taken_in(hostile: Hostile, dials: bool, shown: set[str]) -> None:
    shown |= COMING
    peer = await (await hostile.meet(dials=dials)).establish()
    assert await peer.message()
    peer.send_record(PING)
    while (await peer.receive())[0] != PONG:
        pass
    peer.send_record(BYE, b"closing")
    assert await peer.closed() is None
